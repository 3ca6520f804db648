/** git branch ↔ Dolt branch. Dolt refuses some names that git allows and folds case, so names are encoded. */
import type { Catalog, Result } from '../../model/index.js';
import { sha256 } from '../../util/hash.js';
import { identifier } from '../database-name.js';
import type { BranchEntry } from '../port.js';
import type { SqlConnection } from './connection.js';
import { inGroup } from './group.js';
import { syncStateTable } from './migrations.js';
import { readRows } from './queries/catalog.js';
import { splitMessage } from './queries/history.js';
import { writeSyncEntries } from './queries/sync-state.js';
import { fromRows } from './rows.js';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** The branch that carries the schema and the branch map; every other one comes from it or from another branch. */
export const ROOT_BRANCH = 'main';
const LIMIT = 120;

/** RFC 4648 base32 of the UTF-8 bytes, lower case, without padding. */
export function base32(text: string): string {
  let result = '';
  let bits = 0;
  let held = 0;
  for (const byte of Buffer.from(text, 'utf8')) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      result += ALPHABET.charAt((held >> (bits - 5)) & 31);
      bits -= 5;
    }
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? result + ALPHABET.charAt((held << (5 - bits)) & 31) : result;
}

/** Dolt's name for a git branch: `b-` and its base32; where that is over 120 characters, `h-` and its SHA-256. */
export function doltBranch(gitName: string): string {
  const name = `b-${base32(gitName)}`;
  return name.length <= LIMIT ? name : `h-${sha256(gitName)}`;
}

export const useBranch = async (connection: SqlConnection, database: string, branch: string): Promise<void> => {
  await connection.query(`USE ${identifier(`${database}/${branch}`)}`);
};

export const branchNames = async (connection: SqlConnection): Promise<ReadonlySet<string>> =>
  new Set((await connection.query('SELECT name FROM dolt_branches')).map((row) => String(row['name'])));

/** Makes the branch of a git branch at a Dolt commit or branch and notes the pair. Leaves the connection on it. */
export async function createBranch(
  connection: SqlConnection,
  options: {
    readonly database: string;
    readonly git: string;
    readonly from: string;
    readonly author: string;
    readonly syncTable: string;
  },
): Promise<Result<string>> {
  const { database, git, from, author, syncTable } = options;
  const branch = doltBranch(git);
  await useBranch(connection, database, ROOT_BRANCH);
  const noted = await inGroup(connection, { message: `Branch ${git}`, author }, async () => {
    await connection.query(
      'INSERT INTO branch_map (git_name, dolt_name) VALUES (?, ?) ON DUPLICATE KEY UPDATE git_name = VALUES(git_name)',
      [Buffer.from(git, 'utf8'), branch],
    );
  });
  if (!noted.ok) return noted;
  // The pair is noted first: a kill in between leaves a name without a branch, and the next command makes it.
  await connection.query('CALL DOLT_BRANCH(?, ?)', [branch, from]);
  await useBranch(connection, database, branch);
  await connection.query(syncStateTable(syncTable));
  // What the branch starts with is what its files are compared with: a git branch's own files then simply win.
  const start = fromRows(await readRows(connection));
  const based = await inGroup(connection, { message: `Start of ${git}`, author }, async () =>
    writeSyncEntries(
      connection,
      syncTable,
      start.specs.map((spec) => ({ spec: spec.id, path: null, fileHash: null, base: spec })),
      [],
    ),
  );
  return based.ok ? { ok: true, value: branch } : based;
}

export async function readBranches(
  connection: SqlConnection,
  database: string,
  current: string,
): Promise<readonly BranchEntry[]> {
  const heads = await connection.query('SELECT name, hash FROM dolt_branches ORDER BY name');
  const map = await connection.query(
    `SELECT CONVERT(git_name USING utf8mb4) AS git_name, dolt_name FROM ${identifier(`${database}/${ROOT_BRANCH}`)}.branch_map`,
  );
  const git = new Map(map.map((row) => [String(row['dolt_name']), String(row['git_name'])]));
  return heads.map((row) => ({
    git: git.get(String(row['name'])) ?? null,
    dolt: String(row['name']),
    head: String(row['hash']),
    current: row['name'] === current,
  }));
}

/** Where a new branch leaves an existing one. */
export interface Fork {
  /** The Dolt branch of the nearest git branch. */
  readonly branch: string;
  /** git's merge base; null without one. */
  readonly base: string | null;
  /** The git commits up to the merge base, itself included. */
  readonly shared: ReadonlySet<string>;
  /** True when a catalog is the one that the merge base's own files hold. */
  readonly isBase: (catalog: Catalog) => boolean;
}

/**
 * The newest commit of the fork's branch that the new branch shares; null without one. A commit names git's HEAD at its
 * time, so what was made at an ancestor of the merge base lies before it. What was made at the merge base itself may be
 * a neighbour's edit before its git commit: it is shared only when it holds what the merge base's own files hold.
 */
export async function sharedCommit(connection: SqlConnection, fork: Fork): Promise<string | null> {
  const rows = await connection.query('SELECT commit_hash, message FROM dolt_log(?) ORDER BY commit_order DESC', [
    fork.branch,
  ]);
  for (const row of rows) {
    const commit = String(row['commit_hash']);
    const { git } = splitMessage(String(row['message']));
    if (git !== null && !fork.shared.has(git)) continue;
    if (git !== null && git !== fork.base) return commit;
    if (fork.isBase(fromRows(await readRows(connection, commit)))) return commit;
  }
  return null;
}
