/** The tree as closures see it: listed files by blob id, installed packages, and what lies ignored on disk. */
import { lstatSync, readdirSync, realpathSync, type Dirent } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import type { ModuleFacts } from '../model/index.js';
import type { ClosureTree, InstalledPackage } from '../evidence/index.js';
import type { FactsCache } from '../scan/index.js';
import type { SourceFile } from '../sources/index.js';
import { isBelow, orNull, readRegularFile } from '../util/files.js';
import { sha256 } from '../util/hash.js';

/** Installed packages, build output and caches: known by lock files, or made again by the tools that read them. */
const SKIPPED = new Set([
  'node_modules',
  '.git',
  'target',
  '__pycache__',
  '.pytest_cache',
  '.venv',
  'venv',
  '.vite',
  '.vitest',
  '.cache',
  '.coherence',
  '.mypy_cache',
  '.ruff_cache',
]);
const MAX_FILES = 20_000;

/** What a deleted file is to a closure: it was there, and whoever reached it is affected. */
const GONE: ModuleFacts = { fingerprint: 'gone', imports: [], paths: [], computed: false, reads: false, outside: null };

/**
 * @param gone paths that lie no longer in the tree and yet count as its members, so that what once reached them still does: an
 *   import of a deleted module leads nowhere now, and what it decides is exactly that
 */
export async function closureTree(
  root: string,
  files: readonly SourceFile[],
  facts: FactsCache,
  gone: readonly string[] = [],
): Promise<ClosureTree> {
  const listed = new Map(files.map((file) => [file.path, file]));
  const lost = new Set(gone.filter((path) => !listed.has(path)));
  const real = realpathSync.native(root);
  const known = new Map<string, Promise<ModuleFacts | null>>();
  const packages = new Map<string, Promise<InstalledPackage>>();
  const folders = new Map<string, Promise<readonly string[] | null>>();

  /** Bytes of a regular file below the root; a symlink is followed only while it stays there. */
  const read = async (path: string): Promise<Buffer | null> => {
    const full = orNull(() => realpathSync.native(join(real, path)));
    if (full === null || !(full === real || full.startsWith(real + sep))) return null;
    return readRegularFile(full);
  };

  const factsOf = async (path: string): Promise<ModuleFacts | null> => {
    if (lost.has(path)) return GONE;
    const file = listed.get(path);
    const isLink = file?.mode === '120000';
    return facts.of(path, { blob: isLink ? null : (file?.blob ?? null), read: async () => read(path) });
  };

  const below = async (folder: string): Promise<readonly string[] | null> => {
    const direct = folder === '.' || folder.endsWith('/.');
    const start = direct ? folder.slice(0, Math.max(0, folder.length - 2)) : folder;
    const found: string[] = [];
    const queue = [start];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (const entry of orNull((): Dirent[] => readdirSync(join(real, at), { withFileTypes: true })) ?? []) {
        const path = at === '' ? entry.name : `${at}/${entry.name}`;
        if (entry.isDirectory()) {
          if (!direct && !SKIPPED.has(entry.name)) queue.push(path);
        } else found.push(path);
        if (found.length > MAX_FILES) return null;
      }
    }
    for (const path of lost)
      if (direct ? dirname(path) === (start === '' ? '.' : start) : isBelow(start, path)) found.push(path);
    return found.sort();
  };

  const packageOf = async (folder: string, name: string): Promise<InstalledPackage> => {
    for (let at = folder; ; at = dirname(at)) {
      const path = join(at, 'node_modules', name);
      if (orNull(() => lstatSync(path)) !== null) {
        const target = orNull(() => realpathSync.native(path));
        if (target === null) return { kind: 'missing' };
        if (!target.includes(`${sep}node_modules${sep}`)) {
          if (target === real || target.startsWith(real + sep))
            return { kind: 'inside', folder: relative(real, target).split(sep).join('/'), entry: null };
          return { kind: 'linked-outside' };
        }
        const manifest = readRegularFile(join(target, 'package.json'));
        return { kind: 'package', identity: `${name}@${manifest === null ? 'unknown' : sha256(manifest)}` };
      }
      if (dirname(at) === at) return { kind: 'missing' };
    }
  };

  return {
    paths: [...files.map((file) => file.path), ...lost],
    has: (path) => listed.has(path) || lost.has(path),
    facts: async (path) => {
      const there = known.get(path) ?? factsOf(path);
      known.set(path, there);
      return there;
    },
    text: async (path) => (await read(path))?.toString('utf8') ?? null,
    everythingBelow: async (folder) => {
      const there = folders.get(folder) ?? below(folder);
      folders.set(folder, there);
      return there;
    },
    installed: async (fromFile, specifier) => {
      const parts = specifier.split('/');
      const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
      const folder = dirname(join(real, fromFile));
      const key = `${folder}\u0000${name}`;
      const there = packages.get(key) ?? packageOf(folder, name);
      packages.set(key, there);
      return there;
    },
  };
}
