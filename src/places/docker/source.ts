/**
 * The source of a run: listed and copied once, so that an edit during the run cannot make two checks see different trees.
 * Tracked and untracked-not-ignored files, dotfiles in, `.git` out, symlinks as symlinks, empty folders kept.
 */
import { chmod, lstat, mkdir, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { git } from '../../util/git.js';
import { hashFields, sha256File } from '../../util/hash.js';
import { capture } from '../../util/process.js';
import { copyListed, walk } from './copy.js';
import { selection } from '../../run/glob.js';

export interface Frozen {
  /** The copy; never mounted, never written to. */
  readonly folder: string;
  /** Files and symlinks, relative, sorted. */
  readonly paths: readonly string[];
  /** Folders that hold none of them. */
  readonly folders: readonly string[];
}

export type Freezing =
  | { readonly ok: true; readonly frozen: Frozen }
  | { readonly ok: false; readonly message: string };

/** What never belongs to a workspace, even when no ignore file says so. */
const isOutside = (path: string): boolean =>
  path === '.git' ||
  path.startsWith('.git/') ||
  path.split('/').includes('.git') ||
  path.startsWith('.coherence/runs/');

interface Listing {
  readonly paths: string[];
  readonly folders: string[];
}

async function listGit(root: string, prefix = ''): Promise<Listing | null> {
  const [files, empty] = await Promise.all([
    git(join(root, prefix), ['ls-files', '-z', '--cached', '--others', '--exclude-standard']),
    git(join(root, prefix), ['ls-files', '-z', '--others', '--exclude-standard', '--directory']),
  ]);
  if (!files.ok || !empty.ok) return null;
  const listing: Listing = { paths: [], folders: [] };
  const names = [...new Set(files.stdout.split('\0'))].filter((name) => name !== '' && !name.endsWith('/'));
  for (const name of names) {
    const path = prefix === '' ? name : `${prefix}/${name}`;
    if (isOutside(path)) continue;
    const found = await lstat(join(root, path)).catch(() => null);
    if (found === null) continue; // tracked and deleted
    if (found.isDirectory()) {
      // A submodule: its own files are part of the tree; one that is not checked out is an empty folder.
      const inner = (await readdir(join(root, path))).includes('.git') ? await listGit(root, path) : null;
      if (inner === null) listing.folders.push(path);
      else {
        listing.paths.push(...inner.paths);
        listing.folders.push(...inner.folders);
      }
    } else if (found.isFile() || found.isSymbolicLink()) listing.paths.push(path);
  }
  for (const name of empty.stdout.split('\0')) {
    if (name.endsWith('/') && !isOutside(`${prefix}${name}`))
      listing.folders.push(prefix === '' ? name.slice(0, -1) : `${prefix}/${name.slice(0, -1)}`);
  }
  return listing;
}

async function listTree(root: string): Promise<Listing> {
  const listing: Listing = { paths: [], folders: [] };
  for await (const entry of walk(root)) {
    if (isOutside(entry.path)) continue;
    if (entry.kind === 'folder') listing.folders.push(entry.path);
    else if (entry.kind !== 'other') listing.paths.push(entry.path);
  }
  return listing;
}

/** The workspace's own root looks like the project's; what is around it stays private. */
const sameMode = async (from: string, to: string): Promise<void> =>
  chmod(to, ((await stat(from)).mode & 0o777) | 0o700);

/** Copies the project at `root` into `folder` (made here). Nothing is left of a copy that failed. */
export async function freeze(root: string, folder: string, signal: AbortSignal): Promise<Freezing> {
  const listing = (await listGit(root)) ?? (await listTree(root));
  const parents = new Set<string>();
  for (const path of listing.paths)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      parents.add(path.slice(0, end));
  const folders = [...new Set(listing.folders)].filter((path) => !parents.has(path)).sort();
  await mkdir(folder, { mode: 0o700 });
  const paths = listing.paths.sort();
  const copied = await copyListed(root, paths, folders, folder, signal);
  if (copied.ok) await sameMode(root, folder);
  return copied.ok ? { ok: true, frozen: { folder, paths, folders } } : copied;
}

/** What must be done so that the container's user may write: nothing, another owner, or (where we are not root) open modes. */
export type Access =
  | { readonly kind: 'as-is' }
  | { readonly kind: 'owner'; readonly owner: string }
  | { readonly kind: 'open' };

/** The part of the source that an environment's workspaces get. */
export async function freezeFor(
  frozen: Frozen,
  source: { readonly include: readonly string[]; readonly exclude: readonly string[] },
  access: Access,
  folder: string,
  signal: AbortSignal,
): Promise<Freezing> {
  const wanted = selection(source.include, source.exclude);
  const paths = frozen.paths.filter(wanted);
  const folders = frozen.folders.filter(wanted);
  if (access.kind === 'as-is' && paths.length === frozen.paths.length && folders.length === frozen.folders.length)
    return { ok: true, frozen };
  await mkdir(folder, { mode: 0o700 });
  const copied = await copyListed(frozen.folder, paths, folders, folder, signal);
  if (!copied.ok) return copied;
  await sameMode(frozen.folder, folder);
  if (access.kind !== 'as-is') {
    const command = access.kind === 'owner' ? ['chown', '-hR', access.owner, folder] : ['chmod', '-R', 'a+rwX', folder];
    const given = await capture({ command, cwd: folder, signal });
    if (!given.ok)
      return {
        ok: false,
        message: `cannot make the workspace writable for the container's user: ${given.stderr.trim()}`,
      };
  }
  return { ok: true, frozen: { folder, paths, folders } };
}

/** Whether every entry of the frozen tree belongs to this numeric user. */
export async function belongsTo(frozen: Frozen, user: number): Promise<boolean> {
  for (const path of frozen.paths) {
    if ((await lstat(join(frozen.folder, path))).uid !== user) return false;
  }
  return (await lstat(frozen.folder)).uid === user;
}

/** One line of a manifest: what a reader of the entry can see. Symlinks count as their text. */
export async function entryFields(folder: string, path: string): Promise<readonly (string | null)[]> {
  const absolute = join(folder, path);
  const found = await lstat(absolute);
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isSymbolicLink()) return [path, 'symlink', null, await readlink(absolute)];
  return [path, 'file', mode, await sha256File(absolute)];
}

/** `sha256:` over path, mode and content of all files: the identity of what the workspaces are copies of. */
export async function manifestHash(frozen: Frozen): Promise<string> {
  const fields: (string | null)[] = [];
  for (const path of frozen.paths) fields.push(...(await entryFields(frozen.folder, path)));
  return `sha256:${hashFields(fields)}`;
}
