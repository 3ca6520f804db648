/** Files that decide what is installed, and the frozen install that belongs to each lock file. */
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
    ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'],
  ],
  [
    'npm-shrinkwrap.json',
    'node_modules',
    ['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'],
  ],
  ['pnpm-lock.yaml', 'node_modules', ['pnpm', 'install', '--frozen-lockfile', '--ignore-scripts']],
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

/** Folders with a manifest and no lock file: an installation there can be taken over, but none can be made. */
export function looseInstallationsOf(
  paths: readonly string[],
): readonly Pick<Installation, 'directory' | 'installed'>[] {
  const locked = installationsOf(paths);
  const found: Pick<Installation, 'directory' | 'installed'>[] = [];
  for (const path of paths) {
    const directory = dirname(path) === '.' ? '' : dirname(path);
    for (const [name, installed] of LOOSE) {
      if (
        !name.test(basename(path)) ||
        [...locked, ...found].some((other) => other.directory === directory && other.installed === installed)
      )
        continue;
      found.push({ directory, installed });
    }
  }
  return found;
}

/** The installations that lock files among `paths` call for, outermost first. */
export function installationsOf(paths: readonly string[]): readonly Installation[] {
  const found: Installation[] = [];
  for (const path of paths) {
    const entry = INSTALLS.find(([name]) => name === basename(path));
    if (entry === undefined) continue;
    const directory = dirname(path) === '.' ? '' : dirname(path);
    if (found.some((other) => other.directory === directory && other.installed === entry[1])) continue;
    found.push({ directory, lock: path, installed: entry[1], command: entry[2] });
  }
  return found.toSorted(
    (left, right) => left.directory.length - right.directory.length || (left.directory < right.directory ? -1 : 1),
  );
}
