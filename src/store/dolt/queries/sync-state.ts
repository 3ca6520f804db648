/**
 * SQL for what files and store last agreed on. The table is local to the clone and in no Dolt commit; on a shared server
 * each clone has its own, since what one clone's files agreed to is no base for another's.
 */
import { inflateRawSync, deflateRawSync } from 'node:zlib';
import type { Spec } from '../../../model/index.js';
import { canonicalJson } from '../../../util/hash.js';
import type { SyncEntry } from '../../port.js';
import type { SqlConnection } from '../connection.js';
import { inRow } from '../statements.js';
import { chunks } from './catalog.js';

/** Bases are as large as the catalog itself and read only when something changed, so they are kept compressed. */
const pack = (spec: Spec): string => deflateRawSync(canonicalJson(spec), { level: 1 }).toString('base64');
const unpack = (text: string): Spec => JSON.parse(inflateRawSync(Buffer.from(text, 'base64')).toString('utf8')) as Spec;

export async function readSyncEntries(connection: SqlConnection, table: string): Promise<readonly SyncEntry[]> {
  const rows = await connection.query(`SELECT spec_id, path, file_hash, base FROM ${table} ORDER BY spec_id`);
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return rows.map((row) => ({
    spec: String(row['spec_id']),
    path: text(row['path']),
    fileHash: text(row['file_hash']),
    base: unpack(String(row['base'])),
  }));
}

/** Packing a base costs as much as storing it: in small parts the two go side by side. */
const AT_A_TIME = 100;

/** Part of a write group. The commit that follows is filled in by `noteCommit`. */
export async function writeSyncEntries(
  connection: SqlConnection,
  table: string,
  entries: readonly SyncEntry[],
  remove: readonly string[],
): Promise<void> {
  for (const part of chunks(remove)) await connection.query(`DELETE FROM ${table} WHERE spec_id IN (?)`, [part]);
  const statements = inRow(connection);
  for (const part of chunks(entries, AT_A_TIME)) {
    await statements.send(
      `INSERT INTO ${table} (spec_id, path, file_hash, dolt_commit, base) VALUES ? ON DUPLICATE KEY UPDATE path = VALUES(path), file_hash = VALUES(file_hash), dolt_commit = NULL, base = VALUES(base)`,
      [part.map((entry) => [entry.spec, entry.path, entry.fileHash, null, pack(entry.base)])],
    );
  }
  await statements.end();
}

/** Names the commit at which files and store were equal, which is not known until it is made. */
export async function noteCommit(connection: SqlConnection, table: string, commit: string): Promise<void> {
  await connection.query('START TRANSACTION');
  await connection.query(`UPDATE ${table} SET dolt_commit = ? WHERE dolt_commit IS NULL`, [commit]);
  await connection.query('COMMIT');
}
