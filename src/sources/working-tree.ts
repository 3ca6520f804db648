/**
 * The whole working tree below a root: what git tracks and what it would show as untracked, with blob ids where git's index
 * vouches for the bytes on disk.
 *
 * `git status` is not used: it runs the repository's clean filters on files whose stat data changed. `ls-files` runs none; the
 * comparison of stat data, including git's rule for racily clean entries, is made here.
 */
import { lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { askGit, askGitTogether } from './ask-git.js';
import { CONVERSION_SETTINGS, blobSizes, conversionsOf, filteredPaths } from './conversions.js';
import { listOutsideGit } from './outside-git.js';
import type { TreeEntry, WorkingTree } from './types.js';

interface IndexEntry {
  readonly path: string;
  readonly mode: string;
  readonly blob: string;
  readonly stage: string;
  readonly ctime: bigint;
  readonly mtime: bigint;
  readonly ino: number;
  readonly size: number;
}

const RECORD =
  /[A-Z] (\d{6}) ([0-9a-f]{40,64}) (\d)\t([^\0]*)\0 {2}ctime: (\d+):(\d+)\n {2}mtime: (\d+):(\d+)\n {2}dev: \d+\tino: (\d+)\n {2}uid: \d+\tgid: \d+\n {2}size: (\d+)\tflags: [0-9a-f]+\n/y;

const nanoseconds = (seconds: string | undefined, rest: string | undefined): bigint =>
  BigInt(seconds ?? 0) * 1_000_000_000n + BigInt(rest ?? 0);

/** An untracked path; git writes them before the first tracked one. */
const OTHER = /\? ([^\0]*)\0/y;

interface Listed {
  readonly index: readonly IndexEntry[];
  readonly others: readonly string[];
}

/** Reads `git ls-files -t -s -o -z --debug`. Null when the output is not of the known form: then nothing of it may be believed. */
function parseListing(text: string): Listed | null {
  const entries: IndexEntry[] = [];
  const others: string[] = [];
  OTHER.lastIndex = 0;
  RECORD.lastIndex = 0;
  for (let match = OTHER.exec(text); match !== null; match = OTHER.exec(text)) {
    others.push(match[1] ?? '');
    RECORD.lastIndex = OTHER.lastIndex;
  }
  while (RECORD.lastIndex < text.length) {
    const match = RECORD.exec(text);
    if (match === null) return null;
    entries.push({
      mode: match[1] ?? '',
      blob: match[2] ?? '',
      stage: match[3] ?? '',
      path: match[4] ?? '',
      ctime: nanoseconds(match[5], match[6]),
      mtime: nanoseconds(match[7], match[8]),
      ino: Number(match[9]),
      size: Number(match[10]),
    });
  }
  return { index: entries, others };
}

/** Index fields are 32 bits wide. */
const LOW_32 = 0xffff_ffffn;

interface OnDisk {
  readonly kind: 'file' | 'symlink' | 'folder';
  readonly size: number;
  readonly executable: boolean;
  untouchedSince(entry: IndexEntry): boolean;
}

function onDisk(absolute: string): OnDisk | null {
  const found = lstatSync(absolute, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return null;
  const kind = found.isFile() ? 'file' : found.isSymbolicLink() ? 'symlink' : found.isDirectory() ? 'folder' : null;
  if (kind === null) return null; // sockets, pipes, devices: never read
  return {
    kind,
    size: Number(found.size),
    executable: (found.mode & 0o100n) !== 0n,
    untouchedSince: (entry) =>
      entry.mtime === found.mtimeNs &&
      entry.ctime === found.ctimeNs &&
      BigInt(entry.ino) === (found.ino & LOW_32) &&
      BigInt(entry.size) === (found.size & LOW_32),
  };
}

/** A parent that is a symlink makes `lstat` look elsewhere; git does not follow it, nor do we. */
function parentChecker(root: string): (path: string) => boolean {
  const known = new Map<string, boolean>([['', true]]);
  const real = (folder: string): boolean => {
    const seen = known.get(folder);
    if (seen !== undefined) return seen;
    const slash = folder.lastIndexOf('/');
    const answer =
      real(slash === -1 ? '' : folder.slice(0, slash)) &&
      lstatSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory() === true;
    known.set(folder, answer);
    return answer;
  };
  return (path) => {
    const slash = path.lastIndexOf('/');
    return real(slash === -1 ? '' : path.slice(0, slash));
  };
}

const leaves = (path: string): boolean => path === '' || path.startsWith('../') || path === '..' || isAbsolute(path);

const modeOf = (disk: OnDisk): string => (disk.kind === 'symlink' ? '120000' : disk.executable ? '100755' : '100644');

const LISTING = ['ls-files', '-t', '-s', '-o', '-z', '--debug', '--exclude-standard'];
/** Compares the index with the commit and looks at no file, so it runs no filter. */
const SAME_AS_COMMIT = [
  'diff-index',
  '--cached',
  '--quiet',
  '--ignore-submodules=all',
  '--no-ext-diff',
  'HEAD',
  '--',
  '.',
];
/** Index file, attributes file and prefix, a line each. */
const PLACES = ['rev-parse', '--git-path', 'index', '--git-path', 'info/attributes', '--show-prefix'];

/** Reads the tree. Never rejects for what a repository holds; where git cannot help, files are listed without it. */
export async function readWorkingTree(root: string): Promise<WorkingTree> {
  const [files, places, settings, staged] = await askGitTogether(
    root,
    [LISTING, [...PLACES, 'HEAD^{commit}'], CONVERSION_SETTINGS],
    SAME_AS_COMMIT,
  );
  // The commit, a fourth line, is missing before the first one, and then git fails.
  const where = places?.ok === true ? places : await askGit(root, PLACES);
  if (files?.ok !== true || !where.ok) return outsideGit(root);
  const listed = parseListing(files.stdout);
  if (listed === null) return outsideGit(root);
  const { index, others } = listed;
  const [indexFile = '', infoAttributes = '', prefix = '', head = ''] = where.stdout.split('\n');
  const indexTime = (await lstat(resolve(root, indexFile), { bigint: true }).catch(() => null))?.mtimeNs ?? 0n;

  const inside = parentChecker(root);
  const entries: TreeEntry[] = [];
  const missing: string[] = [];
  const seen = new Set<string>();
  for (const entry of index) {
    if (leaves(entry.path) || seen.has(entry.path)) continue;
    seen.add(entry.path);
    if (entry.mode === '160000') {
      entries.push({
        path: entry.path,
        kind: 'submodule',
        mode: entry.mode,
        size: 0,
        blob: entry.blob,
        indexBlob: entry.blob,
        indexMode: entry.mode,
        untouched: true,
      });
      continue;
    }
    const disk = inside(entry.path) ? onDisk(join(root, entry.path)) : null;
    if (disk === null || disk.kind === 'folder') {
      missing.push(entry.path);
      continue;
    }
    const mode = modeOf(disk);
    // Racily clean: a file changed within the clock tick of the index's last write looks untouched although it is not.
    const untouched =
      entry.stage === '0' && mode === entry.mode && disk.untouchedSince(entry) && entry.mtime < indexTime;
    entries.push({
      path: entry.path,
      kind: disk.kind,
      mode,
      size: disk.size,
      blob: untouched ? entry.blob : null,
      indexBlob: entry.stage === '0' ? entry.blob : null,
      indexMode: entry.mode,
      untouched,
    });
  }
  for (const path of others) {
    // `name/` is a repository of its own inside this one: not ours.
    if (leaves(path) || path.endsWith('/') || seen.has(path)) continue;
    const disk = inside(path) ? onDisk(join(root, path)) : null;
    const entry = disk === null ? null : unknownToGit(path, disk);
    if (entry !== null) entries.push(entry);
  }
  entries.sort((left, right) => (left.path < right.path ? -1 : 1));
  const algorithm = index.some((entry) => entry.blob.length === 64) ? 'sha256' : 'sha1';
  return {
    prefix,
    inGit: true,
    nothingStaged: staged?.ok === true,
    head: head === '' ? null : head,
    algorithm,
    missing,
    entries: await withoutConverted(root, entries, {
      infoAttributes: infoAttributes === '' ? null : resolve(root, infoAttributes),
      prefix,
      settings: settings?.stdout ?? '',
    }),
  };
}

/** Takes back the blob ids of files whose bytes on disk a conversion may have made different from their blob. */
async function withoutConverted(
  root: string,
  entries: TreeEntry[],
  where: { infoAttributes: string | null; prefix: string; settings: string },
): Promise<readonly TreeEntry[]> {
  const conversions = await conversionsOf(
    root,
    entries.map((entry) => entry.path),
    where,
  );
  if (!conversions.lines && !conversions.filters) return entries;
  const believed = entries.filter((entry) => entry.kind === 'file' && entry.blob !== null);
  const filtered = conversions.filters
    ? await filteredPaths(
        root,
        believed.map((entry) => entry.path),
      )
    : new Set<string>();
  const sizes = await blobSizes(
    root,
    believed.map((entry) => entry.blob ?? ''),
  );
  return entries.map((entry) => {
    if (entry.kind !== 'file' || entry.blob === null) return entry;
    const proven = filtered !== null && !filtered.has(entry.path) && sizes.get(entry.blob) === entry.size;
    return proven ? entry : { ...entry, blob: null };
  });
}

/** A file of which git's index says nothing; null for a folder. */
function unknownToGit(path: string, disk: OnDisk): TreeEntry | null {
  if (disk.kind === 'folder') return null;
  return {
    path,
    kind: disk.kind,
    mode: modeOf(disk),
    size: disk.size,
    blob: null,
    indexBlob: null,
    indexMode: null,
    untouched: false,
  };
}

async function outsideGit(root: string): Promise<WorkingTree> {
  const inside = parentChecker(root);
  const entries: TreeEntry[] = [];
  for (const path of await listOutsideGit(root)) {
    const disk = inside(path) ? onDisk(join(root, path)) : null;
    const entry = disk === null ? null : unknownToGit(path, disk);
    if (entry !== null) entries.push(entry);
  }
  return { prefix: '', inGit: false, nothingStaged: false, head: null, algorithm: 'sha1', entries, missing: [] };
}
