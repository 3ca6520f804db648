/** Every write is one group: BEGIN, statements, one Dolt commit. Either all of it is there afterwards or nothing. */
import { success, type Result } from '../../model/index.js';
import { failpoint } from '../../util/failpoint.js';
import type { SqlConnection } from './connection.js';
import { asFailure, errorText, isSerializationFailure } from './failures.js';

const TRIES = 10;

export interface GroupOptions {
  readonly message: string;
  /** `Name <address>`. */
  readonly author: string;
}

/**
 * Runs `body` in a transaction and commits it to history. Serialization failures run the body again after a random pause,
 * so it must not have effects outside the database. `commit` is null when the body changed nothing that has history.
 */
export async function inGroup<T>(
  connection: SqlConnection,
  options: GroupOptions,
  body: () => Promise<T>,
): Promise<Result<{ readonly value: T; readonly commit: string | null }>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await connection.query('START TRANSACTION');
      const value = await body();
      failpoint('S6');
      return success({ value, commit: await commitGroup(connection, options) });
    } catch (error) {
      await connection.query('ROLLBACK').catch(() => undefined);
      if (!isSerializationFailure(error) || attempt >= TRIES) return asFailure(error);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * attempt));
    }
  }
}

async function commitGroup(connection: SqlConnection, { message, author }: GroupOptions): Promise<string | null> {
  let hash: unknown = null;
  try {
    hash = (await connection.query("CALL DOLT_COMMIT('-A', '-m', ?, '--author', ?)", [message, author]))[0]?.['hash'];
  } catch (error) {
    if (!/nothing to commit/i.test(errorText(error))) throw error;
  }
  failpoint('S7');
  // Keeps tables without history (sync_state). Needed after a Dolt commit too: that one leaves the session inside a new
  // transaction, which would go on seeing this moment's state whatever other connections (or a fetch) do.
  await connection.query('COMMIT');
  return typeof hash === 'string' ? hash : null;
}
