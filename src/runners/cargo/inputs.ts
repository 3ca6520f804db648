/**
 * What an artifact is compiled from, and a hash of its content: the manifests, what the compiler's dep-info of this very artifact
 * names (sources, `include_str!` and the like), and what the package's build script watches.
 */
import { readFile, readdir, lstat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { hashFields, sha256 } from '../../util/hash.js';

export interface InputFile {
  readonly path: string;
  /** Changes whenever the content may have changed; ctime is in it, which tar and rsync cannot set back. */
  readonly stamp: string;
  readonly changedMs: number;
}

/** Files below a folder for which `wanted` holds; other packages, target directories and hidden folders are passed over. */
async function walk(folder: string, wanted: (name: string) => boolean, into: Set<string>, top = true): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = new Set(entries.map((entry) => entry.name));
  if (names.has('CACHEDIR.TAG') || (!top && names.has('Cargo.toml'))) return;
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await walk(path, wanted, into, false);
    else if (wanted(entry.name)) into.add(path);
  }
}

/** Files that a make-style dep-info names; relative ones belong to `base` (cargo runs the compiler in the workspace's root). */
export function readDepInfo(text: string, base: string): readonly string[] {
  const found = new Set<string>();
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    const cut = line.indexOf(': ');
    if (cut === -1) continue;
    for (const word of line.slice(cut + 2).split(/(?<!\\) /u)) {
      const path = word.replaceAll('\\ ', ' ').trim();
      if (path !== '') found.add(isAbsolute(path) ? path : join(base, path));
    }
  }
  return [...found];
}

/** `rerun-if-changed` paths of a build script's output; empty when it named none (cargo then watches the whole package). */
export const watchedPaths = (output: string, folder: string): readonly string[] =>
  output.split('\n').flatMap((line) => {
    const path = /^cargo::?rerun-if-changed=(.+)$/u.exec(line.trim())?.[1];
    return path === undefined ? [] : [isAbsolute(path) ? path : join(folder, path)];
  });

export interface ArtifactInputs {
  /** The package's folder on the host. */
  readonly folder: string;
  readonly workspaceRoot: string;
  /** Where its dep-info may be; when none is there, all sources of the package count. */
  readonly depInfo: readonly string[];
  /** `output` files of the package's build script's runs; null when it has none, or the artifact is that script. */
  readonly scriptOutputs: readonly string[] | null;
}

/** The artifact's input files with their stamps, sorted. */
export async function inputFiles(options: ArtifactInputs): Promise<readonly InputFile[]> {
  const paths = new Set<string>([join(options.folder, 'Cargo.toml'), join(options.workspaceRoot, 'Cargo.toml')]);
  let isTold = false;
  for (const file of options.depInfo)
    for (const path of readDepInfo(await readFile(file, 'utf8').catch(() => ''), options.workspaceRoot)) {
      isTold = true;
      paths.add(path);
    }
  if (!isTold) await walk(options.folder, (name) => name.endsWith('.rs'), paths);
  if (options.scriptOutputs !== null) {
    const watched = (
      await Promise.all(
        options.scriptOutputs.map(async (file) =>
          watchedPaths(await readFile(file, 'utf8').catch(() => ''), options.folder),
        ),
      )
    ).flat();
    if (watched.length === 0) await walk(options.folder, () => true, paths);
    for (const path of watched) {
      paths.add(path);
      if ((await lstat(path).catch(() => null))?.isDirectory() === true) await walk(path, () => true, paths);
    }
  }
  const found = await Promise.all(
    [...paths].map(async (path): Promise<InputFile> => {
      const stat = await lstat(path, { bigint: true }).catch(() => null);
      if (stat === null) return { path, stamp: 'absent', changedMs: 0 };
      return {
        path,
        stamp: stat.isDirectory() ? 'folder' : `${stat.ino}.${stat.size}.${stat.mtimeNs}.${stat.ctimeNs}`,
        changedMs: Number(stat.ctimeNs / 1000n) / 1000,
      };
    }),
  );
  return found.sort((left, right) => (left.path < right.path ? -1 : 1));
}

/** Content hashes by stamp, so that an unchanged file is not read again. */
export type KnownHashes = Map<string, { readonly stamp: string; readonly sha256: string }>;

export async function hashInputs(files: readonly InputFile[], base: string, known: KnownHashes): Promise<string> {
  const fields: string[] = [];
  for (const file of files) {
    fields.push(relative(base, file.path));
    if (file.stamp === 'absent' || file.stamp === 'folder') {
      fields.push(file.stamp);
      continue;
    }
    const cached = known.get(file.path);
    if (cached?.stamp === file.stamp) fields.push(cached.sha256);
    else {
      const content = await readFile(file.path).then(
        (bytes) => sha256(bytes),
        () => 'unreadable',
      );
      known.set(file.path, { stamp: file.stamp, sha256: content });
      fields.push(content);
    }
  }
  return hashFields(fields);
}

/**
 * Latest change of a folder between the package's root (left out: everything that is made there changes it) and its files.
 * What a build script wrote below the target directory is no source that somebody moves.
 */
export async function foldersChangedMs(
  files: readonly InputFile[],
  root: string,
  targetDirectory: string,
): Promise<number> {
  const folders = new Set<string>();
  for (const { path } of files) {
    if (path.startsWith(`${targetDirectory}/`)) continue;
    for (let folder = dirname(path); folder.startsWith(`${root}/`); folder = dirname(folder)) folders.add(folder);
  }
  const times = await Promise.all(
    [...folders].map(async (folder) =>
      lstat(folder).then(
        (stat) => stat.ctimeMs,
        () => Number.POSITIVE_INFINITY,
      ),
    ),
  );
  return Math.max(0, ...times);
}
