/** Files that decide what is installed, and the frozen install that belongs to each lock file. */
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path/posix';

const MANIFESTS = new Set([
  'package.json',
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'bun.lock',
  'bun.lockb',
  '.npmrc',
  '.yarnrc.yml',
  'pyproject.toml',
  'poetry.lock',
  'uv.lock',
  'Pipfile',
  'Pipfile.lock',
  'setup.py',
  'setup.cfg',
  'constraints.txt',
]);

export const isManifest = (path: string): boolean =>
  MANIFESTS.has(basename(path)) || /^requirements[\w.-]*\.(?:txt|in)$/.test(basename(path));

/** Folder of a workspace's member → folder of its root; both relative to the tree, '' is its top. */
export type Workspaces = ReadonlyMap<string, string>;

/** One ecosystem's installation in one folder. */
export interface Installation {
  /** Folder of the lock file, relative to the root; '' is the root. */
  readonly directory: string;
  readonly lock: string;
  /** What the install makes there. */
  readonly installed: 'node_modules' | '.venv';
  readonly command: readonly string[];
}

const INSTALLS: readonly (readonly [string, Installation['installed'], readonly string[]])[] = [
  [
    'package-lock.json',
    'node_modules',
    ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'],
  ],
  [
    'npm-shrinkwrap.json',
    'node_modules',
    ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'],
  ],
  ['pnpm-lock.yaml', 'node_modules', ['pnpm', 'install', '--frozen-lockfile', '--ignore-scripts', '--prefer-offline']],
  ['yarn.lock', 'node_modules', ['yarn', 'install', '--frozen-lockfile', '--ignore-scripts']],
  ['bun.lock', 'node_modules', ['bun', 'install', '--frozen-lockfile', '--ignore-scripts']],
  ['uv.lock', '.venv', ['uv', 'sync', '--frozen']],
  ['poetry.lock', '.venv', ['poetry', 'install', '--sync', '--no-interaction']],
];

/** Manifests that say what is installed in their folder, for projects without a lock file. */
const LOOSE: readonly (readonly [RegExp, Installation['installed']])[] = [
  [/^package\.json$/, 'node_modules'],
  [/^(?:pyproject\.toml|setup\.py|setup\.cfg|Pipfile|requirements[\w.-]*\.(?:txt|in))$/, '.venv'],
];

/** What a Berry lock file begins with; that yarn knows neither of the older one's options. */
const BERRY = /^__metadata:/mu;

/** The frozen install of a lock file, which for yarn depends on which yarn wrote it. */
export async function frozenInstall(installation: Installation, lockFile: string): Promise<readonly string[]> {
  if (basename(installation.lock) !== 'yarn.lock') return installation.command;
  const text = await readFile(lockFile, 'utf8').catch(() => '');
  return BERRY.test(text) ? ['yarn', 'install', '--immutable', '--mode=skip-build'] : installation.command;
}

type Place = Pick<Installation, 'directory' | 'installed'>;

const folderOf = (path: string): string => (dirname(path) === '.' ? '' : dirname(path));

/** Folders with a manifest and no lock file: an installation there can be taken over, but none can be made. */
export function looseInstallationsOf(paths: readonly string[], workspaces: Workspaces): readonly Place[] {
  const locked = installationsOf(paths, workspaces);
  const loose: Place[] = [];
  for (const path of paths) {
    const directory = folderOf(path);
    for (const [name, installed] of LOOSE) {
      if (
        !name.test(basename(path)) ||
        (installed === 'node_modules' && isCovered(directory, locked, workspaces)) ||
        [...locked, ...loose].some((other) => other.directory === directory && other.installed === installed)
      )
        continue;
      loose.push({ directory, installed });
    }
  }
  return loose;
}

/** Whether a package belongs to a workspace whose root is installed as one: its `node_modules` comes with the root's. */
function isCovered(directory: string, locked: readonly Place[], workspaces: Workspaces): boolean {
  const root = workspaces.get(directory);
  return root !== undefined && locked.some((other) => other.directory === root && other.installed === 'node_modules');
}

/**
 * The installations that lock files among `paths` call for, outermost first. Lock files of a workspace's packages count only where
 * the workspace has none: the package manager installs all of it from the root (pnpm also where each package has its own).
 */
export function installationsOf(paths: readonly string[], workspaces: Workspaces): readonly Installation[] {
  const all: Installation[] = [];
  for (const path of paths) {
    const entry = INSTALLS.find(([name]) => name === basename(path));
    if (entry === undefined) continue;
    const root = entry[0] === 'pnpm-lock.yaml' ? workspaces.get(folderOf(path)) : undefined;
    const directory = root ?? folderOf(path);
    if (all.some((other) => other.directory === directory && other.installed === entry[1])) continue;
    all.push({ directory, lock: path, installed: entry[1], command: entry[2] });
  }
  return all
    .filter((place) => place.installed !== 'node_modules' || !isCovered(place.directory, all, workspaces))
    .toSorted(
      (left, right) => left.directory.length - right.directory.length || (left.directory < right.directory ? -1 : 1),
    );
}
