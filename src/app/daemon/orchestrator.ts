/** What the daemon needs from the rooms: settings and their reload, folders, worktrees and their sweep. */
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import {
  ensureSocketFolder,
  ensureStateFolder,
  loadProject,
  loadSettings,
  settingKeys,
  type Project,
  type Settings,
} from '../../config/index.js';
import {
  getInstance,
  intendWorktree,
  listRuns,
  openWorktrees,
  setWorktree,
  type Journal,
} from '../../journal/index.js';
import { failure, success, type Result } from '../../model/index.js';
import { cleanWarm } from '../../runners/cargo/index.js';
import {
  emptyTrash,
  sweep,
  sweepReportJson,
  worktrees,
  worktreesBase,
  type Manifest,
  type Owner,
  type Swept,
  type WorktreeLedger,
  type Worktrees,
} from '../../worktrees/index.js';
import { isAlive } from '../../util/process.js';
import type { SweepJson } from './daemon-protocol.js';

export type { Settings } from '../../config/index.js';

export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Every setting by its dotted key. */
export function flatSettings(settings: Settings): ReadonlyMap<string, unknown> {
  const read = (key: string): unknown =>
    key
      .split('.')
      .reduce<unknown>(
        (tree, part) =>
          typeof tree === 'object' && tree !== null ? (tree as Record<string, unknown>)[part] : undefined,
        settings,
      ); // settings are nested plain objects
  return new Map(settingKeys.map((setting) => [setting.key, read(setting.key)]));
}

export const hotKeys: ReadonlySet<string> = new Set(
  settingKeys.filter((setting) => setting.hot).map((setting) => setting.key),
);

/** The project, with its settings or, on purpose, with the defaults (`--safe-config`). */
export async function openDaemonProject(place: Place, safeConfig: boolean): Promise<Result<Project>> {
  if (!safeConfig) return loadProject(place);
  const env: Record<string, string | undefined> = {
    ...place.env,
    COHERENCE_CONFIG: '/dev/null',
    XDG_CONFIG_HOME: '/dev/null',
  };
  return loadProject({ cwd: place.cwd, env });
}

export interface ReadSettings {
  readonly settings: Settings;
  /** Config files that are there now. */
  readonly present: readonly string[];
}

/** Reads the files again. Failures name file, line and key. */
export async function readSettings(project: Project, place: Place): Promise<Result<ReadSettings>> {
  const loaded = await loadSettings({ ...place, root: project.root });
  return loaded.ok ? success({ settings: loaded.value.settings, present: presentConfigFiles(loaded.value) }) : loaded;
}

export const presentConfigFiles = (project: Pick<Project, 'configFiles'>): readonly string[] =>
  project.configFiles.map((file) => file.path).filter((path) => existsSync(path));

/** File systems whose locks and renames do not hold between hosts, by `statfs` type. */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x01021997, '9p'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x73757245, 'Coda'],
]);

/** Makes the folders. `damaged-state` (74) when the state folder is not ours, cannot be written or lies on a network file system. */
export async function prepareFolders(project: Project, allowNetwork: boolean): Promise<Result<null>> {
  const state = await ensureStateFolder(project.directories.state);
  if (!state.ok) return state;
  const type = await statfs(project.directories.state).then(
    (found) => found.type,
    () => 0,
  );
  const network = NETWORK.get(type >>> 0);
  if (network !== undefined && !allowNetwork) {
    return failure({
      kind: 'damaged-state',
      message: `The state folder ${project.directories.state} is on a network file system (${network}), where locks and SQLite cannot be relied on.`,
      hint: 'Set COHERENCE_STATE_DIR to a local folder, or start with --allow-network-state.',
      file: project.directories.state,
    });
  }
  const sockets = await ensureSocketFolder(project.directories.sockets);
  return sockets.ok ? success(null) : sockets;
}

export function worktreeLedger(journal: Journal): WorktreeLedger {
  return {
    intend: (row) => intendWorktree(journal.database, row),
    set: (path, state) => setWorktree(journal.database, path, state),
    open: () => openWorktrees(journal.database),
  };
}

export function worktreesOf(
  stateFolder: string,
  journal: Journal,
  owner: Owner,
  onBackground?: (work: Promise<unknown>) => void,
): Worktrees {
  return worktrees({
    base: worktreesBase(stateFolder),
    owner,
    ledger: worktreeLedger(journal),
    ...(onBackground === undefined ? {} : { onBackground }),
  });
}

/** Whether an instance lives. One that the journal does not know is judged by its manifest; without one it is dead: we hold the lock. */
export function instanceIsAlive(journal: Journal, id: string, manifest: Manifest | null = null): boolean {
  const row = getInstance(journal.database, id);
  if (row !== null)
    return row.ended === null && isAlive({ bootId: row.boot_id, pid: row.pid, startTicks: row.start_ticks });
  return manifest !== null && isAlive(manifest.owner);
}

export interface SweepRequest {
  readonly stateFolder: string;
  readonly journal: Journal;
  readonly settings: Settings;
  readonly repos: readonly string[];
  readonly dryRun: boolean;
  /** Worktrees of this instance are left alone. */
  readonly self: string | null;
  readonly reclaim?: (path: string) => Promise<boolean>;
}

/** The sweep with this state folder's ledger. Only for a holder of its lock. */
export async function sweepWorktrees(
  request: SweepRequest,
): Promise<{ readonly swept: Swept; readonly json: SweepJson }> {
  const { journal, settings } = request;
  const swept = await sweep({
    base: worktreesBase(request.stateFolder),
    extraRoots: settings.worktrees.extra_roots,
    repos: request.repos,
    ledger: worktreeLedger(journal),
    isOwnerDead: (instance, manifest) => instance !== request.self && !instanceIsAlive(journal, instance, manifest),
    dryRun: request.dryRun,
    deleteConcurrency: settings.sweep.delete_concurrency,
    ...(request.reclaim === undefined ? {} : { reclaim: request.reclaim }),
  });
  return { swept, json: sweepReportJson(swept.report) };
}

/** Deletes what sweeps and releases have moved away; waits for it. */
export async function emptyWorktreeTrash(stateFolder: string, settings: Settings): Promise<void> {
  await emptyTrash([worktreesBase(stateFolder), ...settings.worktrees.extra_roots], settings.sweep.delete_concurrency);
}

/** Warm cargo directories over their limits; never one of a session with a queued or running run (null: none was ever queued). Paths and bytes of what is gone. */
export async function collectWarmDirectories(
  project: Project,
  journal: Journal | null,
): Promise<{ readonly removed: readonly string[]; readonly bytes: number }> {
  const live =
    journal === null ? [] : [...new Set(listRuns(journal.database, { open: true }).map((run) => run.session_id))];
  const { removed } = await cleanWarm(project.directories.cache, {
    maxBytes: project.settings.cargo.warm_max_bytes,
    ttlHours: project.settings.cargo.warm_ttl_hours,
    live,
  });
  return {
    removed: removed.map((entry) => entry.directory),
    bytes: removed.reduce((sum, entry) => sum + entry.bytes, 0),
  };
}
