/**
 * Copies that are independent and faithful: content, mode, modification time, hard links and the text of symlinks stay.
 * `cp` does it, not Node's `fs.cp`, which by default rewrites a relative symlink into an absolute one that points back into
 * the source tree. Where the file system can share blocks, nothing is copied at all.
 */
import { chmod, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../util/files.js';
import { capture } from '../../util/process.js';

export type Done = { readonly ok: true } | { readonly ok: false; readonly message: string };

const DARWIN = process.platform === 'darwin';
const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C' };

async function copy(
  command: readonly string[],
  cwd: string,
  target: string,
  what: string,
  signal: AbortSignal,
  input?: string,
): Promise<Done> {
  const done = await capture({ command, cwd, env: ENVIRONMENT, signal, ...(input === undefined ? {} : { input }) });
  if (done.ok) return { ok: true };
  await removeTree(target);
  const why = done.end.canceled
    ? 'canceled'
    : (done.end.spawnError?.message ??
      (done.stderr.trim().split('\n').slice(0, 5).join('\n') || `exit ${String(done.end.code)}`));
  return { ok: false, message: `${what}: ${why}` };
}

/** Clones a tree into a folder that does not exist yet. One attempt; half a copy is removed. */
export async function cloneTree(source: string, target: string, signal: AbortSignal): Promise<Done> {
  try {
    await mkdir(target, { mode: 0o700 });
  } catch (error) {
    return {
      ok: false,
      message: `cannot copy ${source} to ${target}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const command = DARWIN
    ? ['cp', '-cpR', `${source}/.`, target]
    : ['cp', '--reflink=auto', '-a', '--', `${source}/.`, target];
  return copy(command, target, target, `cannot copy ${source} to ${target}`, signal);
}

/** Copies the listed entries (relative to `source`, folders alone, not what is in them) into an existing empty folder. */
export async function copyListed(
  source: string,
  paths: readonly string[],
  folders: readonly string[],
  target: string,
  signal: AbortSignal,
): Promise<Done> {
  const what = `cannot copy ${source} to ${target}`;
  if (paths.length > 0) {
    const list = `${paths.map((path) => `./${path}`).join('\0')}\0`;
    const command = DARWIN
      ? ['sh', '-c', 'tar -cf - --null -T - | tar -xpf - -C "$0"', target]
      : ['xargs', '-0', 'cp', '--reflink=auto', '-a', '--parents', '-t', target, '--'];
    const done = await copy(command, source, target, what, signal, list);
    if (!done.ok) return done;
  }
  for (const folder of folders) await mkdir(join(target, folder), { recursive: true });
  return { ok: true };
}

/** Everything below a folder, depth first, parents before children. Symlinks are not followed. */
export async function* walk(
  root: string,
  below = '',
): AsyncGenerator<{ readonly path: string; readonly kind: 'file' | 'folder' | 'symlink' | 'other' }> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  for (const entry of entries.sort((left, right) => (left.name < right.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    const kind = entry.isDirectory()
      ? 'folder'
      : entry.isFile()
        ? 'file'
        : entry.isSymbolicLink()
          ? 'symlink'
          : 'other';
    yield { path, kind };
    if (kind === 'folder') yield* walk(root, path);
  }
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o700).catch(() => undefined);
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => []))
    if (entry.isDirectory()) await openUp(join(folder, entry.name));
}

/** Deletes a tree whatever modes a check left in it. False when something of another owner is in the way. */
export async function removeTree(path: string): Promise<boolean> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
    return true;
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes(errorCode(error)))
      return (await lstat(path).catch(() => null)) === null;
  }
  await openUp(path);
  await rm(path, { recursive: true, force: true, maxRetries: 2 }).catch(() => undefined);
  return (await lstat(path).catch(() => null)) === null;
}
