/**
 * Salvage of a damaged journal: every row that can still be read goes into a new file; the damaged one is kept beside it.
 * What no row speaks of any more is found again by nonce, lock reason and manifest at the next boot.
 */
import { existsSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { failure, success, type Result } from '../model/index.js';
import { syncFolder } from '../util/files.js';
import { dirname } from 'node:path';
import { ulid } from '../util/ulid.js';
import { openDatabase, troubleOf, type Row } from './database.js';
import { failureOf, guarded, journalPath } from './journal.js';
import { migrate, TABLES } from './schema.js';

export interface RepairReport {
  /** Where the damaged file is kept. */
  readonly kept: string;
  /** Rows saved by table. */
  readonly salvaged: Readonly<Record<string, number>>;
  /** Tables that could not be read to their end. */
  readonly incomplete: readonly string[];
}

/** Rows of a table as far as they can be read: forwards until the first error, then backwards until the first error. */
function readable(path: string, table: string): { readonly rows: readonly Row[]; readonly complete: boolean } {
  const rows = new Map<string, Row>();
  let complete = true;
  for (const order of ['ASC', 'DESC'] as const) {
    let last: number | null = null;
    try {
      const source = openDatabase(path);
      try {
        for (;;) {
          const bound: string = last === null ? '' : `WHERE rowid ${order === 'ASC' ? '>' : '<'} ${String(last)}`;
          const row: Row | undefined = source
            .sql(`SELECT rowid AS __rowid, * FROM ${table} ${bound} ORDER BY rowid ${order} LIMIT 1`)
            .get();
          if (row === undefined) break;
          last = Number(row['__rowid']);
          const { __rowid, ...rest } = row;
          rows.set(String(__rowid), rest);
        }
      } finally {
        source.close();
      }
      if (order === 'ASC') break;
    } catch (error) {
      if (troubleOf(error) === null && !(error instanceof Error && /no such table|no such column/.test(error.message)))
        throw error;
      complete = false;
    }
  }
  return { rows: [...rows].sort(([left], [right]) => Number(left) - Number(right)).map(([, row]) => row), complete };
}

/** Call it under the state folder's lock. */
export async function repairJournal(stateFolder: string): Promise<Result<RepairReport>> {
  const path = journalPath(stateFolder);
  if (!existsSync(path))
    return failure({ kind: 'damaged-state', message: `There is no journal at ${path}.`, file: path });
  const fresh = `${path}.${ulid()}.new`;
  const salvaged: Record<string, number> = {};
  const incomplete: string[] = [];
  const written = guarded(fresh, () => {
    const target = openDatabase(fresh);
    try {
      migrate(target);
      for (const table of TABLES) {
        const { rows, complete } = readable(path, table);
        if (!complete) incomplete.push(table);
        salvaged[table] = 0;
        for (const row of rows) {
          const columns = Object.keys(row);
          try {
            target
              .sql(
                `INSERT OR IGNORE INTO ${table}(${columns.join(',')}) VALUES(${columns.map((column) => `:${column}`).join(',')})`,
              )
              .run(row);
            salvaged[table] += 1;
          } catch (error) {
            if (troubleOf(error) !== null) throw error;
            incomplete.push(table); // a row that breaks a rule of its table is part of the damage
          }
        }
      }
    } finally {
      target.close();
    }
  });
  if (!written.ok) return written;
  const kept = `${path}.damaged-${ulid()}`;
  try {
    await rename(path, kept);
    for (const suffix of ['-wal', '-shm']) await rename(`${path}${suffix}`, `${kept}${suffix}`).catch(() => undefined);
    await rename(fresh, path);
    for (const suffix of ['-wal', '-shm']) await unlink(`${fresh}${suffix}`).catch(() => undefined);
    await syncFolder(dirname(path));
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble === null) throw error;
    return failure(failureOf(trouble, path));
  }
  return success({ kept, salvaged, incomplete: [...new Set(incomplete)] });
}
