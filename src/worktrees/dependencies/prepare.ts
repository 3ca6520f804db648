/**
 * Dependencies for a worktree of another commit. The checkout's installed ones are linked in only when every manifest and lock
 * file is byte-equal to the commit's and nothing installed leads back into the checkout; else the lock file's own frozen
 * install runs (or `worktrees.prepare`), cached by the hash of the files that decide it.
 */
import { cp, mkdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashFields } from '../../util/hash.js';
import { exists, isBelow } from '../../util/files.js';
import { takeLock } from '../../util/lock.js';
import { capture } from '../../util/process.js';
import { ulid } from '../../util/ulid.js';
import { leadsBack } from './leads-back.js';
import { linkInstalled } from './link.js';
import {
  frozenInstall,
  installationsOf,
  isManifest,
  looseInstallationsOf,
  type Installation,
  type Workspaces,
} from './manifests.js';

export interface DependencyRequest {
  /** The user's checkout; absolute. */
  readonly checkout: string;
  /** The worktree to prepare; absolute. */
  readonly worktree: string;
  /** Paths of the commit's tree. */
  readonly paths: readonly string[];
  /** `worktrees.prepare`: null for the lock file's own command, empty for nothing. */
  readonly prepare: readonly string[] | null;
  readonly cacheFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Packages that are installed with others; default: each for itself. */
  readonly workspaces?: Workspaces;
  /** Takes over what fits and installs nothing: a first step, before it is known what will run. */
  readonly linkOnly?: boolean;
  /** Whether something that will run rests on the installation of a folder; default: on each. */
  readonly needed?: (directory: string) => boolean;
  /** Folders whose installation failed before and is not tried again. */
  readonly without?: ReadonlySet<string>;
}

/** `directory`: whose installation failed, relative to the worktree. */
export type Prepared =
  | { readonly ok: true; readonly notes: readonly string[] }
  | { readonly ok: false; readonly message: string; readonly directory: string };

const same = async (left: string, right: string): Promise<boolean> => {
  const [one, other] = await Promise.all([readFile(left).catch(() => null), readFile(right).catch(() => null)]);
  return one === null || other === null ? one === other : one.equals(other);
};

type Place = Pick<Installation, 'directory' | 'installed'>;

const folderOf = (path: string): string => (dirname(path) === '.' ? '' : dirname(path));

/** The manifests that have a say in a folder's installation: its own, those above it, and those below that no other one owns. */
function decidingFor(place: Place, manifests: readonly string[], installations: readonly Place[]): readonly string[] {
  const nested = installations.filter(
    (other) => other.directory !== place.directory && isBelow(place.directory, other.directory),
  );
  return manifests.filter((path) => {
    const folder = folderOf(path);
    const isAbove = folder === '' || folder === place.directory || place.directory.startsWith(`${folder}/`);
    return (isAbove || isBelow(place.directory, path)) && !nested.some((other) => isBelow(other.directory, path));
  });
}

const isInstalled = async (request: DependencyRequest, place: Place): Promise<boolean> =>
  stat(join(request.checkout, place.directory, place.installed)).then(
    (entry) => entry.isDirectory(),
    () => false,
  );

/** Why the checkout's installation cannot serve the commit, or null. */
async function unfit(request: DependencyRequest, place: Place, manifests: readonly string[]): Promise<string | null> {
  for (const path of manifests)
    if (!(await same(join(request.checkout, path), join(request.worktree, path))))
      return `${path} differs from the checkout`;
  if (!(await isInstalled(request, place)))
    return `${join(place.directory, place.installed)} is not installed in the checkout`;
  const installed = join(request.checkout, place.directory, place.installed);
  const back = await leadsBack(await realpath(request.checkout), await realpath(installed), place.installed);
  return back === null ? null : `${back} leads back into the checkout`;
}

/** Links or installs what the commit's lock files call for. A failure names the folder, the command and its last lines. */
export async function prepareDependencies(request: DependencyRequest): Promise<Prepared> {
  const notes: string[] = [];
  const { needed = () => true, workspaces = new Map() } = request;
  const manifests = request.paths.filter(isManifest);
  const roots = new Set(workspaces.values());
  const installations = installationsOf(request.paths, workspaces);
  if (request.prepare !== null) {
    if (request.prepare.length === 0 || request.linkOnly === true) return { ok: true, notes };
    return install('', request.prepare, request.worktree, request, notes);
  }
  for (const installation of installations) {
    const { directory, installed } = installation;
    const target = join(request.worktree, directory, installed);
    if (request.without?.has(directory) === true || (await exists(target))) continue;
    const why = roots.has(directory)
      ? 'it is a workspace, whose packages are linked to each other'
      : await unfit(request, installation, decidingFor(installation, manifests, installations));
    if (why === null) {
      await linkInstalled(join(request.checkout, directory, installed), target, installed);
      continue;
    }
    // What nobody has installed and no test lies in is somebody else's: a website beside the package, an example.
    if (request.linkOnly === true || !(needed(directory) || (await isInstalled(request, installation)))) continue;
    notes.push(
      `dependencies of ${directory === '' ? 'the project' : directory} were installed for this commit: ${why}`,
    );
    const done = await installCached(installation, request, notes);
    if (!done.ok) return done;
  }
  for (const place of looseInstallationsOf(request.paths, workspaces)) {
    const { directory, installed } = place;
    const there = join(request.checkout, directory, installed);
    const target = join(request.worktree, directory, installed);
    if (request.without?.has(directory) === true || (await exists(target)) || !(await exists(there))) continue;
    const why = await unfit(request, place, decidingFor(place, manifests, installations));
    if (why === null) await linkInstalled(there, target, installed);
    else if (request.linkOnly === true || !needed(directory)) continue;
    else if (installed === '.venv' || (await declaresDependencies(join(request.worktree, directory)))) {
      return {
        ok: false,
        directory,
        message: `${join(directory, installed)} of the checkout cannot serve this commit (${why}), and there is no lock file to install from. Commit one, or set worktrees.prepare to the command that installs.`,
      };
    }
  }
  return { ok: true, notes };
}

async function declaresDependencies(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '');
  return /"(?:dev|optional|peer)?[dD]ependencies"\s*:\s*\{\s*"/.test(text);
}

async function install(
  directory: string,
  command: readonly string[],
  cwd: string,
  request: DependencyRequest,
  notes: readonly string[],
): Promise<Prepared> {
  const answer = await capture({
    command,
    cwd,
    env: { ...request.env, CI: 'true' },
    signal: request.signal,
    timeoutMs: 15 * 60_000,
  });
  if (answer.ok) return { ok: true, notes };
  const tail = `${answer.stdout}\n${answer.stderr}`.trim().split('\n').slice(-5).join('\n');
  return {
    ok: false,
    directory,
    message: `\`${command.join(' ')}\` failed${answer.end.spawnError === null ? ` with ${answer.end.code ?? answer.end.signal ?? 'no exit code'}` : `: ${answer.end.spawnError.message}`}\n${tail}`,
  };
}

/** A package that names others by path cannot be installed elsewhere and linked in: its links must point into the worktree. */
async function namesLocalPaths(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '');
  return /"workspaces"\s*:|"(?:file|link|workspace):/.test(text) || (await exists(join(folder, 'pnpm-workspace.yaml')));
}

async function installCached(
  installation: Installation,
  request: DependencyRequest,
  notes: readonly string[],
): Promise<Prepared> {
  const folder = join(request.worktree, installation.directory);
  const command = await frozenInstall(installation, join(request.worktree, installation.lock));
  if (installation.installed === '.venv' || (await namesLocalPaths(folder)))
    return install(installation.directory, command, folder, request, notes);
  const deciding = request.paths.filter((path) => isManifest(path) && folderOf(path) === installation.directory).sort();
  const contents = await Promise.all(
    deciding.map(async (path) => readFile(join(request.worktree, path), 'latin1').catch(() => null)),
  );
  const key = hashFields([process.version, process.platform, process.arch, ...command, ...deciding, ...contents]).slice(
    0,
    32,
  );
  const cached = join(request.cacheFolder, 'dependencies', key);
  const ready = join(cached, installation.installed);
  const locked = await takeLock(join(request.cacheFolder, 'dependencies', `${key}.lock`), 15 * 60_000);
  if (!locked.taken)
    return {
      ok: false,
      directory: installation.directory,
      message: 'another process has been installing the same dependencies for 15 minutes',
    };
  await using _lock = locked.lock;
  if (!(await exists(ready))) {
    const building = join(request.cacheFolder, 'dependencies', `${key}.${ulid()}.tmp`);
    await mkdir(building, { recursive: true });
    for (const path of deciding)
      await cp(
        join(request.worktree, path),
        join(building, path.slice(installation.directory === '' ? 0 : installation.directory.length + 1)),
      );
    const done = await install(installation.directory, command, building, request, notes);
    if (!done.ok) {
      await rm(building, { recursive: true, force: true });
      return done;
    }
    await mkdir(join(building, installation.installed), { recursive: true });
    await rm(cached, { recursive: true, force: true });
    await rename(building, cached);
  }
  await linkInstalled(ready, join(folder, installation.installed), installation.installed);
  return { ok: true, notes };
}
