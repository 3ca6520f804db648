/** Many statements in a row: the next is put together while the server works on the one before. */
import type { SqlConnection } from './connection.js';

export interface StatementRow {
  /** Sends a statement once the one before has succeeded; rejects with that one's error, and then sends nothing. */
  send(statement: string, values: readonly unknown[]): Promise<void>;
  /** Waits for the last one. */
  end(): Promise<void>;
}

/** No statement is sent before the last one's answer is there: after a failure none may run outside its transaction. */
export function inRow(connection: SqlConnection): StatementRow {
  let under: Promise<unknown> = Promise.resolve();
  return {
    send: async (statement, values) => {
      const text = connection.format(statement, values);
      await under;
      under = connection.query(text);
      under.catch(() => undefined); // the next `send`, or `end`, tells it
      // A turn of the event loop, in which the driver hands the socket what did not fit at once.
      await new Promise((resolve) => setImmediate(resolve));
    },
    end: async () => void (await under),
  };
}
