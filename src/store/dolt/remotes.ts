/** push, fetch and merge with Dolt remotes (`file://`, a Dolt server, cloud URLs that Dolt knows). */
import { failure, success, type Catalog, type Failure, type Result } from '../../model/index.js';
import { exists } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import type { Fetched } from '../port.js';
import { ROOT_BRANCH } from './branches.js';
import type { SqlConnection } from './connection.js';
import { asFailure, errorText, tryAgain, unavailable } from './failures.js';
import { readRows, replaceRows } from './queries/catalog.js';
import { toRows } from './rows.js';

/** Dolt knows remotes by name; ours is made from the URL, so that one URL is one remote. */
async function remoteName(connection: SqlConnection, url: string): Promise<string> {
  const name = `r${sha256(url).slice(0, 12)}`;
  const known = await connection.query('SELECT name FROM dolt_remotes WHERE name = ?', [name]);
  if (known.length === 0) await connection.query("CALL DOLT_REMOTE('add', ?, ?)", [name, url]);
  return name;
}

function remoteFailure(url: string, error: unknown): Result<never> {
  const text = errorText(error);
  if (/non-fast-forward|rejected|behind its remote|tip of your current branch/i.test(text))
    return failure({
      kind: 'does-not-hold',
      message: `The remote ${url} has commits that this store does not have.`,
      hint: 'Run `coherence store pull` first.',
    });
  if (/no space left|connection.*(closed|lost)/i.test(text)) return asFailure(error);
  return failure(
    unavailable(
      `The remote ${url} cannot be used: ${text}.`,
      'Check the URL (store.remote) and that you may access it.',
    ),
  );
}

export async function push(connection: SqlConnection, url: string, branch: string): Promise<Result<null>> {
  try {
    const name = await remoteName(connection, url);
    for (const one of new Set([ROOT_BRANCH, branch])) await connection.query('CALL DOLT_PUSH(?, ?)', [name, one]);
    return success(null);
  } catch (error) {
    return remoteFailure(url, error);
  }
}

const hash = async (connection: SqlConnection, sql: string, values: readonly string[]): Promise<string | null> => {
  const rows = await connection.query(sql, values);
  const value = rows[0]?.['hash'];
  return typeof value === 'string' ? value : null;
};

/** Dolt makes the folder of a `file://` remote that does not exist, even when it only reads. Null when there is nothing wrong. */
export async function missingRemote(url: string): Promise<Failure | null> {
  const path = /^file:\/\/(\/.*)$/.exec(url)?.[1];
  if (path === undefined || (await exists(path))) return null;
  return unavailable(
    `The remote ${url} does not exist.`,
    'Check the URL (store.remote); `coherence store push` makes it.',
  );
}

/** Brings the remote's commits here and says how its branch stands to ours. Changes no branch of ours. */
export async function fetchBranch(connection: SqlConnection, url: string, branch: string): Promise<Result<Fetched>> {
  const missing = await missingRemote(url);
  if (missing !== null) return failure(missing);
  try {
    const name = await remoteName(connection, url);
    await connection.query('CALL DOLT_FETCH(?)', [name]);
    const remote = await hash(connection, 'SELECT hash FROM dolt_remote_branches WHERE name = ?', [
      `remotes/${name}/${branch}`,
    ]);
    if (remote === null) return success({ state: 'absent' });
    const local = await hash(connection, "SELECT HASHOF('HEAD') AS hash", []);
    if (local === remote) return success({ state: 'equal' });
    const base = await hash(connection, 'SELECT DOLT_MERGE_BASE(?, ?) AS hash', [local ?? '', remote]);
    if (base === remote) return success({ state: 'behind-us' });
    if (base === local) return success({ state: 'ahead', remote });
    return base === null
      ? failure(
          unavailable(
            `The store at ${url} has no history in common with this one.`,
            'Use a remote that was made from this store, or `store clone`.',
          ),
        )
      : success({ state: 'diverged', remote, base });
  } catch (error) {
    return remoteFailure(url, error);
  }
}

export async function fastForward(connection: SqlConnection, remote: string): Promise<Result<string>> {
  try {
    await connection.query('CALL DOLT_MERGE(?)', [remote]);
    return success(remote);
  } catch (error) {
    return asFailure(error);
  }
}

/**
 * A merge commit with both parents. Dolt's own merge joins the tables without wording (runs, verdicts); the catalog is then
 * set to `merged`, which was merged by field. Dolt's conflicts and broken foreign keys in it are thereby settled.
 */
export async function writeMerge(
  connection: SqlConnection,
  remote: string,
  merged: Catalog,
  message: string,
  author: string,
): Promise<Result<string>> {
  try {
    for (const variable of ['dolt_allow_commit_conflicts', 'dolt_force_transaction_commit'])
      await connection.query(`SET @@${variable} = 1`);
    await connection.query('SET foreign_key_checks = 0');
    await connection.query('START TRANSACTION');
    await connection.query("CALL DOLT_MERGE('--no-ff', '--no-commit', ?)", [remote]);
    for (const row of await connection.query('SELECT `table` AS name FROM dolt_conflicts'))
      await connection.query("CALL DOLT_CONFLICTS_RESOLVE('--ours', ?)", [String(row['name'])]);
    for (const row of await connection.query('SELECT `table` AS name FROM dolt_constraint_violations'))
      await connection.query(`DELETE FROM \`dolt_constraint_violations_${String(row['name'])}\``);
    const known = await readRows(connection);
    await replaceRows(connection, known, toRows(merged.specs, known));
    const rows = await connection.query("CALL DOLT_COMMIT('-A', '--allow-empty', '-m', ?, '--author', ?)", [
      message,
      author,
    ]);
    await connection.query('COMMIT');
    const commit = rows[0]?.['hash'];
    return typeof commit === 'string'
      ? success(commit)
      : failure(tryAgain('The merge was not committed.', 'Run the command again.'));
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined);
    return asFailure(error);
  } finally {
    for (const statement of [
      'SET foreign_key_checks = 1',
      'SET @@dolt_allow_commit_conflicts = 0',
      'SET @@dolt_force_transaction_commit = 0',
    ])
      await connection.query(statement).catch(() => undefined);
  }
}
