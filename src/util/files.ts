import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';

/** Node's error code (`ENOENT`), or '' when it is not such an error. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** What a small question to the file system answers, null where it throws: not there, or not ours to ask. */
export function orNull<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch {
    return null;
  }
}

/** Asked of the kernel at once: a turn through the thread pool takes ten times as long. */
export const exists = async (path: string): Promise<boolean> => existsSync(path);

/**
 * Writes a file so that a reader, or a crash at any moment, sees the old content or the new, never half:
 * temporary name in the same folder, fsync, rename, fsync of the folder. Keeps the mode of a file that was there.
 * `beforeRename` runs when the new content is on disk and not yet in place (for failpoints).
 *
 * Only the disk is waited for: a turn through the thread pool takes longer than any of the other calls, and there are eight.
 */
export async function writeAtomically(
  path: string,
  content: string | Uint8Array,
  mode?: number,
  beforeRename?: () => void,
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const kept = mode ?? (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644) & 0o7777;
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = openSync(temporary, 'wx', kept);
  try {
    try {
      writeFileSync(handle, content);
      fchmodSync(handle, kept);
      await toDisk(handle);
    } finally {
      closeSync(handle);
    }
    beforeRename?.();
    renameSync(temporary, path);
  } catch (error) {
    orNull(() => unlinkSync(temporary));
    throw error;
  }
  await syncFolder(dirname(path));
}

const toDisk = promisify(fsync);

/**
 * Like `writeAtomically` for what can be made again: a reader sees the old bytes or the new ones, and after a power cut the file may
 * be empty or gone. Waiting for the disk takes 5 to 20 ms, many times what a small command has to do.
 */
export async function writeRemakeable(path: string, content: string | Uint8Array): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    orNull(() => unlinkSync(temporary));
    throw error;
  }
}

/** Makes renames inside a folder durable. Best effort: some file systems refuse to sync a folder. */
export async function syncFolder(path: string): Promise<void> {
  const handle = orNull(() => openSync(path, 'r'));
  if (handle === null) return;
  await toDisk(handle).catch(() => undefined);
  closeSync(handle);
}

/** Path with `/` separators, relative to root. */
export const toPosix = (path: string): string => (sep === '/' ? path : path.split(sep).join('/'));
export const relativePosix = (root: string, path: string): string => toPosix(relative(root, path));

/** Whether a relative path with `/` lies in a folder, at any depth; '' is the root. */
export const isBelow = (folder: string, path: string): boolean => folder === '' || path.startsWith(`${folder}/`);

/** Why a path in project data is refused on its text alone, or null: no absolute path, no `..`, no NUL, not empty. */
export function unsafePathReason(path: string): string | null {
  if (path === '') return 'it is empty';
  if (path.includes('\0')) return 'it holds a NUL character';
  if (isAbsolute(path) || /^[A-Za-z]:[\\/]/.test(path)) return 'it is absolute';
  if (path.split(/[\\/]/).includes('..')) return 'it has a ".." segment';
  return null;
}

/**
 * The absolute path of `path` below `root`, or null where it leaves root by its text or through a symlink.
 * A path that does not exist yet is judged by its nearest existing ancestor.
 */
export async function insideRoot(root: string, path: string): Promise<string | null> {
  if (unsafePathReason(path) !== null) return null;
  const realRoot = realpathSync.native(root);
  const wanted = resolve(realRoot, path);
  let probe = wanted;
  for (;;) {
    // A link that leads nowhere is there, and has no real path.
    if (orNull(() => lstatSync(probe)) !== null) {
      const real = orNull(() => realpathSync.native(probe));
      if (real === null) return null;
      return real === realRoot || real.startsWith(realRoot + sep) ? wanted : null;
    }
    const parent = dirname(probe);
    if (parent === probe) return null;
    probe = parent;
  }
}

/** The bytes of a regular file (or of one that a link leads to), else null. A pipe would be waited for, and nothing can interrupt such a wait. */
export const readRegularFile = (path: string): Buffer | null =>
  orNull(() => (statSync(path).isFile() ? readFileSync(path) : null));

export const readRegularText = (path: string): string | null => readRegularFile(path)?.toString('utf8') ?? null;

/** The first ancestor of `start` (itself included) that holds `name`, or null. */
export async function findUp(start: string, name: string): Promise<string | null> {
  let folder = resolve(start);
  for (;;) {
    if (await exists(join(folder, name))) return folder;
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}
