/**
 * The sweep: takes away what dead instances left. Costs one rename a folder; the deletion goes on in the background.
 * Call it under the state folder's lock, after the processes of dead instances are verified dead.
 */
import { mkdir, readdir, realpath, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../util/files.js';
import { failpoint } from '../util/failpoint.js';
import { occupantsOf, readOccupants } from '../util/process-table.js';
import { listEntries, pruneEntries, removeEntries, type WorktreeEntry } from './entries.js';
import type { LedgerRow, WorktreeLedger } from './ledger.js';
import { readManifest, type Manifest } from './manifest.js';
import { manifestPath, WORKTREE_PREFIX } from './names.js';
import type { SweepReport } from './report.js';
import { decide, type Decision, type Found } from './select.js';
import { emptyTrash, holdsForeign, isPermission, listTrash, moveToTrash } from './trash.js';

export interface SweepOptions {
  /** `<state>/worktrees`; made when it is missing. */
  readonly base: string;
  readonly extraRoots: readonly string[];
  /** Repositories to look at beside those that the ledger and the manifests name. */
  readonly repos: readonly string[];
  readonly ledger: WorktreeLedger;
  readonly isOwnerDead: (instance: string, manifest: Manifest | null) => boolean;
  readonly dryRun: boolean;
  readonly deleteConcurrency: number;
  /** Gives the folder back to this user (`chown` in a container); true when it may be tried again. */
  readonly reclaim?: (path: string) => Promise<boolean>;
}

export interface Swept {
  readonly report: SweepReport;
  /** The deletion in the background: settles with the number of folders that could not be deleted. Null in a dry run. */
  readonly deletion: Promise<number> | null;
}

/** From this many folders on, none is searched for undeletable files beforehand: boot cost is renames, not bytes. */
const PROBE_UP_TO = 20;

interface Root {
  readonly path: string;
  /** Folders in it. */
  readonly names: readonly string[];
  /** Folders that a manifest lies beside, there or not. */
  readonly manifests: readonly string[];
  /** Manifests that were never finished: their writer died before the rename. */
  readonly halves: readonly string[];
}

const HALF = /^(verify-.+)\.manifest\.json\.[0-9a-f]{12}\.tmp$/;

const manifestOf = (name: string): readonly string[] =>
  name.startsWith(WORKTREE_PREFIX) && name.endsWith('.manifest.json') ? [name.slice(0, -'.manifest.json'.length)] : [];

async function readRoots(
  options: SweepOptions,
): Promise<{ readonly roots: readonly Root[]; readonly unreadable: number }> {
  let unreadable = 0;
  const roots: Root[] = [];
  if (!options.dryRun) await mkdir(options.base, { recursive: true, mode: 0o700 }).catch(() => undefined);
  for (const folder of [options.base, ...options.extraRoots]) {
    try {
      const path = await realpath(folder);
      const entries = await readdir(path, { withFileTypes: true });
      if (!roots.some((root) => root.path === path))
        roots.push({
          path,
          names: entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name),
          manifests: entries.flatMap((entry) => manifestOf(entry.name)),
          halves: entries.map((entry) => entry.name).filter((name) => HALF.test(name)),
        });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') unreadable += 1;
    }
  }
  return { roots, unreadable };
}

interface Situation {
  readonly found: readonly Found[];
  readonly repoOf: ReadonlyMap<string, string>;
  readonly repos: readonly string[];
}

async function look(options: SweepOptions, roots: readonly Root[]): Promise<Situation> {
  const rows = new Map<string, LedgerRow>(options.ledger.open().map((row) => [row.path, row]));
  const folders = roots.flatMap((root) =>
    root.names.filter((name) => name.startsWith(WORKTREE_PREFIX)).map((name) => join(root.path, name)),
  );
  const manifests = new Map<string, Manifest | null>(
    await Promise.all(folders.map(async (path) => [path, await readManifest(path)] as const)),
  );
  const named = [...rows.values()]
    .map((row) => row.repo)
    .concat([...manifests.values()].flatMap((manifest) => manifest?.repo ?? []));
  const repos = [...new Set([...options.repos, ...named])];
  const entries = new Map<string, { readonly entry: WorktreeEntry; readonly repo: string }>();
  const usable: string[] = [];
  const listed = await Promise.all(repos.map(async (repo) => ({ repo, list: await listEntries(repo) })));
  for (const { repo, list } of listed) {
    if (list === null) continue;
    usable.push(repo);
    for (const entry of list) if (!entries.has(entry.path)) entries.set(entry.path, { entry, repo });
  }
  const below = (path: string): boolean =>
    roots.some(
      (root) => path.startsWith(`${root.path}/${WORKTREE_PREFIX}`) && !path.slice(root.path.length + 1).includes('/'),
    );
  const ghosts = [...entries.values()]
    .filter(({ entry }) => entry.reason !== null && below(entry.path) && !folders.includes(entry.path))
    .map(({ entry }) => entry.path);
  const gone = [...rows.keys(), ...roots.flatMap((root) => root.manifests.map((name) => join(root.path, name)))].filter(
    (path) => !folders.includes(path),
  );
  const owned = folders.filter(
    (path) => rows.has(path) || manifests.get(path) != null || entries.get(path)?.entry.reason != null,
  );
  const occupants = owned.length === 0 ? [] : readOccupants();
  const probe = owned.length <= PROBE_UP_TO;
  const found: Found[] = [];
  for (const path of folders) {
    const inside = occupantsOf(path, occupants);
    const mine = owned.includes(path);
    found.push({
      path,
      folder: 'there',
      row: rows.get(path) ?? null,
      manifest: manifests.get(path) ?? null,
      reason: entries.get(path)?.entry.reason ?? null,
      occupants: inside,
      foreign: mine && probe && inside.length === 0 && (await holdsForeign(path)),
    });
  }
  for (const path of new Set([...ghosts, ...gone]))
    found.push({
      path,
      folder: 'gone',
      row: rows.get(path) ?? null,
      manifest: await readManifest(path),
      reason: entries.get(path)?.entry.reason ?? null,
      occupants: [],
      foreign: false,
    });
  return { found, repoOf: new Map([...entries].map(([path, { repo }]) => [path, repo])), repos: usable };
}

interface Counts {
  swept: number;
  failed: number;
  foreign: number;
}

/** Renames what is to go and gives the paths whose entries and manifests go too, by repository. */
async function take(
  decisions: readonly Decision[],
  options: SweepOptions,
  counts: Counts,
): Promise<Map<string, string[]>> {
  const cleared = new Map<string, string[]>();
  const clear = (path: string, repo: string | null): void => {
    const key = repo ?? '';
    cleared.set(key, [...(cleared.get(key) ?? []), path]);
  };
  for (const decision of decisions) {
    if (decision.kind === 'close') clear(decision.found.path, decision.repo);
    if (decision.kind !== 'sweep' && decision.kind !== 'foreign-owned') continue;
    const { path } = decision.found;
    if (decision.kind === 'foreign-owned' && !(options.reclaim !== undefined && (await options.reclaim(path)))) {
      options.ledger.set(path, 'foreign_owned');
      counts.foreign += 1;
      continue;
    }
    options.ledger.set(path, 'releasing');
    const moved = await moveToTrash(path);
    failpoint('K16');
    if (moved.ok) {
      counts.swept += 1;
      clear(path, decision.repo);
    } else if (isPermission(moved.code)) {
      options.ledger.set(path, 'foreign_owned');
      counts.foreign += 1;
    } else counts.failed += 1;
  }
  return cleared;
}

/** The ledger row is written before the manifest: without one, or with a dead owner, nobody will finish it. */
async function removeHalves(options: SweepOptions, roots: readonly Root[]): Promise<void> {
  const rows = new Map(options.ledger.open().map((row) => [row.path, row]));
  for (const root of roots) {
    for (const name of root.halves) {
      const row = rows.get(join(root.path, HALF.exec(name)?.[1] ?? ''));
      if (row === undefined || options.isOwnerDead(row.instance_id, null))
        await unlink(join(root.path, name)).catch(() => undefined);
    }
  }
}

export async function sweep(options: SweepOptions): Promise<Swept> {
  const started = performance.now();
  const { roots, unreadable } = await readRoots(options);
  const { found, repoOf, repos } = await look(options, roots);
  const decisions = found.map((item) => decide(item, repoOf.get(item.path) ?? null, options.isOwnerDead));
  const count = (kind: Decision['kind']): number => decisions.filter((decision) => decision.kind === kind).length;
  const counts: Counts = { swept: 0, failed: 0, foreign: 0 };
  let lockedRemoved = 0;
  if (options.dryRun) {
    counts.swept = count('sweep');
    counts.foreign = count('foreign-owned');
    lockedRemoved = decisions.filter(
      (decision) => (decision.kind === 'sweep' || decision.kind === 'close') && decision.found.reason !== null,
    ).length;
  } else {
    for (const [repo, paths] of await take(decisions, options, counts)) {
      if (repo !== '') {
        const registered = paths.filter((path) => repoOf.has(path));
        lockedRemoved += (await removeEntries(repo, registered)).length;
      }
      for (const path of paths) {
        await unlink(manifestPath(path)).catch(() => undefined);
        options.ledger.set(path, 'gone');
      }
    }
  }
  if (!options.dryRun) await removeHalves(options, roots);
  const pruned = await Promise.all(repos.map(async (repo) => pruneEntries(repo, options.dryRun)));
  const trash = (await Promise.all(roots.map(async (root) => listTrash(root.path)))).flat();
  const report: SweepReport = {
    sweptCount: counts.swept,
    failedCount: counts.failed,
    rootOwnedSkipped: counts.foreign,
    noManifestSkipped: count('not-ours'),
    liveSkipped: count('live'),
    rootsUnreadable: unreadable,
    lockedRemoved,
    adminPruned: pruned.reduce<number>((sum, value) => sum + (value ?? 0), 0),
    pruneSucceeded: pruned.every((value) => value !== null),
    backlogCount: count('sweep') + count('live') + count('foreign-owned'),
    durationMs: Math.round(performance.now() - started),
    trashPending: options.dryRun ? trash.length + counts.swept : trash.length,
  };
  return {
    report,
    deletion: options.dryRun
      ? null
      : emptyTrash(
          roots.map((root) => root.path),
          options.deleteConcurrency,
        ),
  };
}
