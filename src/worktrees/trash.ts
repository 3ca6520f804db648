/**
 * Removal in two steps: a rename into `.trash` beside the folder, whatever its size, and a deletion in the background.
 */
import { chmod, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../util/files.js';
import { capture, findProgram } from '../util/process.js';
import { ulid } from '../util/ulid.js';
import { TRASH } from './names.js';

export type Trashed = { readonly ok: true; readonly trashed: string } | { readonly ok: false; readonly code: string };

export async function moveToTrash(path: string): Promise<Trashed> {
  const folder = join(dirname(path), TRASH);
  const trashed = join(folder, `${ulid()}.${basename(path)}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(path, trashed);
    return { ok: true, trashed };
  } catch (error) {
    return { ok: false, code: errorCode(error) };
  }
}

export const isPermission = (code: string): boolean => code === 'EACCES' || code === 'EPERM';

/** Deletes a tree, also one with read-only folders of ours (Go's module cache). Gives the error's code, or null. */
export async function deleteTree(path: string): Promise<string | null> {
  const attempt = async (): Promise<string | null> =>
    rm(path, { recursive: true, force: true, maxRetries: 2 }).then(() => null, errorCode);
  const first = await attempt();
  if (first === null || !isPermission(first)) return first;
  await openFolders(path);
  return attempt();
}

async function openFolders(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isDirectory()) return;
  if ((found.mode & 0o700) !== 0o700) await chmod(path, 0o700).catch(() => undefined);
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await openFolders(join(path, entry.name));
}

/** Looks at no more entries than this; what lies deeper shows when the background deletion meets it. */
const PROBE_LIMIT = 50_000;

/**
 * Whether something below `path` cannot be deleted by this process: a folder of another user with something in it or, for root,
 * a file with the immutable attribute. Read-only folders of our own do not count.
 */
export async function holdsForeign(path: string): Promise<boolean> {
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) {
    const lsattr = await findProgram('lsattr');
    if (lsattr === null) return false;
    const answer = await capture({ command: [lsattr, '-R', '-a', path], cwd: '/', timeoutMs: 10_000 });
    return answer.stdout.split('\n').some((line) => /^[-A-Za-z]*i[-A-Za-z]*\s+\//.test(line));
  }
  let seen = 0;
  const foreign = async (folder: string): Promise<boolean> => {
    const found = await lstat(folder).catch(() => null);
    if (found === null) return false;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => null);
    if (found.uid !== uid) return entries === null || entries.length > 0;
    for (const entry of entries ?? []) {
      seen += 1;
      if (seen > PROBE_LIMIT) return false;
      if (entry.isDirectory() && (await foreign(join(folder, entry.name)))) return true;
    }
    return false;
  };
  return foreign(path);
}

export const listTrash = async (root: string): Promise<readonly string[]> =>
  (await readdir(join(root, TRASH)).catch(() => [] as string[])).map((name) => join(root, TRASH, name));

/** Deletes all that is in the trash of these roots, at most `concurrency` trees at once. Gives how many could not be deleted. */
export async function emptyTrash(roots: readonly string[], concurrency: number): Promise<number> {
  const pending = (await Promise.all(roots.map(listTrash))).flat();
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let path = pending.shift(); path !== undefined; path = pending.shift())
      if ((await deleteTree(path)) !== null) failed += 1;
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, worker));
  return failed;
}
