/** The tree as closures see it: listed files by blob id, installed packages, and what lies ignored on disk. */
import { lstatSync, readdirSync, realpathSync, type Dirent } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import type { ModuleFacts } from '../../model/index.js';
import type { ClosureTree, InstalledPackage } from '../../closure/index.js';
import type { FactsCache } from '../../scan/index.js';
import type { SourceFile } from '../../sources/index.js';
import { isBelow, orNull, readRegularFile } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import { turns } from '../../util/turns.js';

/**
 * Installed packages, build output and caches: known by lock files, or made again by the tools that read them. A name decides
 * only where nothing of the project lies below: a package may well be called `target`.
 */
const SKIPPED = new Set([
  'node_modules',
  'site-packages',
  '__pypackages__',
  '.git',
  'target',
  '__pycache__',
  '.pytest_cache',
  '.vite',
  '.vitest',
  '.cache',
  '.coherence',
  '.mypy_cache',
  '.ruff_cache',
]);
const MAX_FILES = 20_000;
/** What marks an environment of venv, virtualenv, tox, nox, uv or conda, whatever its name. */
const ENVIRONMENT = new Set(['pyvenv.cfg', 'conda-meta']);
const ENVIRONMENT_FILE = /\/(?:pyvenv\.cfg|conda-meta\/history)$/u;

/** What a deleted file is to a closure: it was there, and whoever reached it is affected. */
const GONE: ModuleFacts = { fingerprint: 'gone', imports: [], paths: [], computed: false, reads: false, outside: null };

/** An environment that nobody told git to ignore is installed all the same; one at the very root takes nothing away. */
function withoutEnvironments(paths: readonly string[]): readonly string[] {
  const marked = paths.filter((path) => ENVIRONMENT_FILE.test(path)).map((path) => path.replace(ENVIRONMENT_FILE, '/'));
  return marked.length === 0 ? paths : paths.filter((path) => !marked.some((folder) => path.startsWith(folder)));
}

/** Every folder that holds a path; '' holds all. */
function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const found = new Set(['']);
  for (const path of paths)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end);
      if (found.has(folder)) break;
      found.add(folder);
    }
  return found;
}

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
  const environments = new Set<string>();
  const paths = withoutEnvironments([...listed.keys()]);
  const own = foldersOf(paths);

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
    const pause = turns();
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      await pause();
      const entries = orNull((): Dirent[] => readdirSync(join(real, at), { withFileTypes: true })) ?? [];
      if (entries.some((entry) => ENVIRONMENT.has(entry.name))) {
        environments.add(at);
        if (!own.has(at)) continue;
      }
      for (const entry of entries) {
        const path = at === '' ? entry.name : `${at}/${entry.name}`;
        if (entry.isDirectory()) {
          if (!direct && (own.has(path) || !SKIPPED.has(entry.name))) queue.push(path);
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
    paths: [...paths, ...lost],
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
    environments: async () => {
      const there = folders.get('') ?? below('');
      folders.set('', there);
      await there;
      return [...environments].sort();
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
