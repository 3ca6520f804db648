/** The only place that knows mysql2: a connection, its rows, and its end. The library loads when first needed. */
import type * as Mysql2 from 'mysql2/promise';
import { library } from '../../util/library.js';

type DriverModule = Pick<typeof Mysql2, 'createConnection'>;
let driverModule: DriverModule | null = null;

export type SqlValue = string | number | boolean | null;
/** One row by column name. Numbers come as numbers, JSON and texts as strings, times as `YYYY-MM-DD hh:mm:ss.ffffff` (UTC). */
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlConnection {
  /** Runs one statement with `?` placeholders; an array of arrays fills a multi-row VALUES. */
  query(statement: string, values?: readonly unknown[]): Promise<readonly SqlRow[]>;
  /** The text of a statement with its values in it, as `query` would send it. */
  format(statement: string, values: readonly unknown[]): string;
  close(): Promise<void>;
}

export type ConnectTarget =
  | { readonly kind: 'socket'; readonly socket: string; readonly password: string; readonly database?: string }
  | { readonly kind: 'url'; readonly url: string; readonly database?: string };

export async function connect(target: ConnectTarget, timeoutMs = 10_000): Promise<SqlConnection> {
  driverModule ??= library('mysql2', 'mysql2/promise') as DriverModule; // what the package declares
  const { createConnection } = driverModule;
  // The columns' own collation (exact) decides comparisons; the connection's only says that texts are utf8mb4.
  const shared = {
    charset: 'utf8mb4',
    dateStrings: true,
    jsonStrings: true,
    supportBigNumbers: true,
    connectTimeout: timeoutMs,
    ...(target.database === undefined ? {} : { database: target.database }),
  };
  const driver: Mysql2.Connection = await createConnection(
    target.kind === 'socket'
      ? { ...shared, socketPath: target.socket, user: 'root', password: target.password }
      : { ...shared, uri: target.url },
  );
  // A lost connection fails the query that is under way, or the next one; by itself it is no uncaught error.
  driver.on('error', () => undefined);
  return {
    query: async (statement, values) => {
      const [rows] = await driver.query(statement, values === undefined ? undefined : [...values]);
      // Statements without a result give a header instead of rows; dates are strings and JSON is text by the options above.
      return Array.isArray(rows) ? (rows as unknown as readonly SqlRow[]) : [];
    },
    format: (statement, values) => driver.format(statement, [...values]),
    close: async () => {
      await Promise.race([
        driver.end().catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, 500).unref()),
      ]);
      driver.destroy();
    },
  };
}
