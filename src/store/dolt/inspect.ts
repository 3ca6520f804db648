/**
 * Looks at the data folder before a server opens it. Dolt, started on a damaged folder, rewrites its index files and even
 * makes empty ones in place of missing ones; what can be seen to be damaged is therefore never opened at all.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../model/index.js';
import { errorCode } from '../../util/files.js';
import { damaged } from './failures.js';

const isFolder = async (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Databases that were completely made in this data folder, as the marker file tells. */
export async function readMarker(path: string): Promise<Result<readonly string[]>> {
  // Synchronous: every command asks this small file, and a turn through the thread pool costs more than reading it.
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return success([]);
  }
  try {
    const list = (JSON.parse(text) as { databases?: unknown }).databases;
    if (Array.isArray(list) && list.every((name) => typeof name === 'string')) return success(list as string[]);
  } catch {
    // Told below.
  }
  return failure(
    damaged(
      `${path} cannot be read.`,
      'It lists the databases of this state folder; restore it, or remove the state folder to start afresh.',
    ),
  );
}

/** Checks each known database's outer structure. Failure: `damaged-state`. */
export async function inspectData(data: string, databases: readonly string[]): Promise<Result<null>> {
  for (const name of databases) {
    const folder = join(data, name, '.dolt');
    const problem = await problemOf(folder);
    if (problem !== null) return failure(damaged(`The store's data in ${join(data, name)} is damaged: ${problem}.`));
  }
  return success(null);
}

async function problemOf(folder: string): Promise<string | null> {
  if (!(await isFolder(folder))) return 'the database is missing';
  const state = await readFile(join(folder, 'repo_state.json'), 'utf8').catch(() => null);
  if (state === null) return 'repo_state.json is missing';
  try {
    JSON.parse(state);
  } catch {
    return 'repo_state.json is no JSON';
  }
  const noms = join(folder, 'noms');
  const manifest = await readFile(join(noms, 'manifest'), 'latin1').catch(() => null);
  if (manifest === null) return 'its manifest is missing';
  const fields = manifest.split(':');
  if (fields[1] !== '__DOLT__' || fields.length < 5) return 'its manifest is not readable';
  // Fields: version, format, lock, root, gc generation, then pairs of table file and chunk count.
  for (let at = 5; at < fields.length; at += 2) {
    const table = fields[at] ?? '';
    if (!/^[0-9a-v]{32}$/.test(table)) return 'its manifest is not readable';
    const sizes = await Promise.all(
      ['', '.darc']
        .flatMap((ending) => [join(noms, table + ending), join(noms, 'oldgen', table + ending)])
        .map((path) =>
          stat(path).then(
            (file) => file.size,
            () => null,
          ),
        ),
    );
    const size = sizes.find((one) => one !== null);
    if (size === undefined || size === null) return `table file ${table} is missing`;
    if (size === 0 && fields[at + 1] !== '0') return `table file ${table} is empty`;
  }
  return null;
}

/** Larger journals are not kept: Dolt cuts a damaged one off at the damage and says so. */
const SNAPSHOT_LIMIT = 64 * 1024 * 1024;

/** The files that Dolt rewrites on start, to be put back when the start fails for damage. */
export interface Snapshot {
  restore(): Promise<void>;
}

export async function snapshotData(data: string): Promise<Snapshot> {
  const before = new Map<string, Buffer | null>();
  for (const name of await filesBelow(data)) {
    const small =
      /(^|\/)(journal\.idx|manifest|repo_state\.json|v{32})$/.test(name) &&
      (await stat(join(data, name))).size < SNAPSHOT_LIMIT;
    before.set(name, small ? await readFile(join(data, name)) : null);
  }
  return {
    restore: async () => {
      for (const name of await filesBelow(data))
        if (!before.has(name) && before.size > 0) await rm(join(data, name), { force: true });
      for (const [name, bytes] of before) {
        if (bytes !== null && !bytes.equals(await readFile(join(data, name)).catch(() => Buffer.alloc(0))))
          await writeFile(join(data, name), bytes);
      }
    },
  };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
