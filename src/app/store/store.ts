/** The use cases behind `store …`, recording of runs, and what `doctor` says about Dolt. */
import type { Conflict, Side } from '../../catalog/index.js';
import { mergeCatalogs } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { failure, success, type Catalog, type Result, type RunRecord, type TrendPoint } from '../../model/index.js';
import {
  cloneStore,
  countPosted,
  countSetAside,
  drain,
  ensureDolt,
  findDolt,
  guardTarget,
  post,
  runningServer,
  serverPaths,
  stopServer,
  storeEnvironment,
  storeExists,
  type BlameEntry,
  type BranchEntry,
  type LogEntry,
  type Progress,
  type StoredVerdict,
  type StoreSession,
} from '../../store/index.js';
import { folderSize } from '../../util/folder-size.js';
import { canonicalJson } from '../../util/hash.js';
import { gitHead } from '../analysis/git-head.js';
import { openProjectStore, storeBranch, storePlace, withCatalogLock, type Env } from './store-place.js';
import { reconcile, syncState, type SyncOutcome } from './sync.js';
import { forgetMirror, mirrorName } from './sync-mirror.js';

export { applyCatalogChange, catalogAt, type AppliedChange } from '../catalog/catalog-change.js';

/** Opens the store, takes in waiting runs, works, closes. `unavailable` where the project has no store. */
async function withStore<T>(
  project: Project,
  env: Env,
  work: (session: StoreSession) => Promise<Result<T>>,
  create = false,
): Promise<Result<T>> {
  const session = await openProjectStore(project, { env, create });
  if (!session.ok) return session;
  try {
    const drained = await drain(project.directories.state, session.value);
    return drained.ok ? await work(session.value) : drained;
  } finally {
    await session.value.close();
  }
}

/** Is there a Dolt, without starting anything. */
export async function doltStatus(
  project: Project,
  env: Env = process.env,
): Promise<{ readonly available: boolean; readonly detail: string }> {
  const place = await storePlace(project, env);
  if (!place.ok) return { available: false, detail: place.failures[0]?.message ?? '' };
  if (place.value.url !== null)
    return { available: true, detail: `shared server ${place.value.url.replace(/\/\/[^@/]*@/, '//')}` };
  const found = await findDolt(place.value);
  return found.ok
    ? { available: true, detail: `${found.value.version} (${found.value.path})` }
    : { available: false, detail: found.failures[0]?.message ?? 'not found' };
}

/** For `doctor --fix`: the Dolt that is there, or one that is installed now. */
export async function installDolt(
  project: Project,
  progress: Progress,
  env: Env = process.env,
  signal?: AbortSignal,
): Promise<Result<string>> {
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  const dolt = await ensureDolt(place.value, progress, signal);
  return dolt.ok ? success(`${dolt.value.version} (${dolt.value.path})`) : dolt;
}

export interface StoreStatus {
  readonly running: boolean;
  readonly pid: number | null;
  readonly version: string | null;
  readonly database: string;
  /** git's and Dolt's name of the branch in use; null on a detached HEAD. */
  readonly branch: string | null;
  readonly initialised: boolean;
  readonly socket: string;
  readonly data: string;
  readonly size_bytes: number;
  /** equal, pending, conflicts, no-store, detached. */
  readonly sync: string;
  /** Runs that wait in the outbox. */
  readonly pending_runs: number;
  /** Runs that the store refused, kept in `<state>/outbox`. */
  readonly refused_runs: number;
}

/** What can be said without starting or asking the server. */
export async function storeStatus(project: Project, env: Env = process.env): Promise<Result<StoreStatus>> {
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  const there = await storeExists(place.value);
  if (!there.ok) return there;
  const server = await runningServer(place.value);
  const paths = serverPaths(place.value.state, place.value.sockets);
  return success({
    running: server !== null,
    pid: server?.pid ?? null,
    version: server?.version ?? null,
    database: place.value.database,
    branch: storeBranch(await gitHead(project.root)),
    initialised: there.value,
    socket: paths.socket,
    data: paths.data,
    size_bytes: await folderSize(paths.data),
    sync: await syncState(project, env),
    pending_runs: await countPosted(project.directories.state, place.value.database),
    refused_runs: await countSetAside(project.directories.state, place.value.database),
  });
}

/** Installs Dolt where it is missing, starts the server, makes the database, and brings files and store together. */
export async function startStore(
  project: Project,
  progress: Progress,
  env: Env = process.env,
  signal?: AbortSignal,
): Promise<Result<{ readonly status: StoreStatus; readonly sync: SyncOutcome }>> {
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  if (place.value.url === null) {
    const dolt = await ensureDolt(place.value, progress, signal);
    if (!dolt.ok) return dolt;
  }
  const synced = await withCatalogLock(project, async () =>
    withStore(project, env, async (session) => reconcile(project, session), true),
  );
  if (!synced.ok) return synced;
  const status = await storeStatus(project, env);
  return status.ok ? success({ status: status.value, sync: synced.value }) : status;
}

export async function stopStore(project: Project, env: Env = process.env): Promise<Result<boolean>> {
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  return place.value.url === null
    ? stopServer(place.value)
    : failure({
        kind: 'usage',
        message: 'The store is a shared server (store.url), which this command does not stop.',
        hint: 'Stop it where it runs.',
      });
}

/** Brings the schema of the branch up to date (opening does it); `target` is checked against the environment. */
export async function migrateStore(
  project: Project,
  target: string | undefined,
  env: Env = process.env,
): Promise<Result<{ readonly database: string; readonly schema: number }>> {
  const guarded = await guard(project, target, env);
  if (!guarded.ok) return guarded;
  return withStore(
    project,
    env,
    async (session) => {
      const facts = await session.facts();
      return facts.ok ? success({ database: session.database, schema: facts.value.schema }) : facts;
    },
    true,
  );
}

/** Refuses an explicit database that is not the one of this project and environment. */
async function guard(project: Project, target: string | undefined, env: Env): Promise<Result<string>> {
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  if (target === undefined) return success(place.value.database);
  const environment = storeEnvironment(env['COHERENCE_ENV']);
  if (!environment.ok) return environment;
  const guarded = guardTarget(target, environment.value);
  if (!guarded.ok || target === place.value.database) return guarded;
  return failure({
    kind: 'usage',
    message: `The target "${target}" is not this project's database, ${place.value.database}.`,
    hint: 'Leave the target out, or run the command in its project.',
  });
}

export const storeLog = async (
  project: Project,
  id: string | null,
  limit: number,
  env: Env = process.env,
): Promise<Result<readonly LogEntry[]>> =>
  withStore(project, env, async (session) => known(await session.log(id, limit), id));
export const storeBlame = async (
  project: Project,
  id: string,
  env: Env = process.env,
): Promise<Result<readonly BlameEntry[]>> =>
  withStore(project, env, async (session) => known(await session.blame(id), id));
export const storeTrend = async (
  project: Project,
  limit: number,
  env: Env = process.env,
): Promise<Result<readonly TrendPoint[]>> => withStore(project, env, async (session) => session.trend(limit));
export const storeBranches = async (
  project: Project,
  env: Env = process.env,
): Promise<Result<readonly BranchEntry[]>> => withStore(project, env, async (session) => session.branches());
/** Latest recorded verdicts of runs on the clean tree of a git commit. */
export const verdictsAt = async (
  project: Project,
  commit: string,
  env: Env = process.env,
): Promise<Result<readonly StoredVerdict[]>> => withStore(project, env, async (session) => session.verdictsAt(commit));

const known = <T>(result: Result<readonly T[]>, id: string | null): Result<readonly T[]> =>
  result.ok && result.value.length === 0 && id !== null
    ? failure({
        kind: 'unknown-id',
        message: `The store has never had ${id}.`,
        hint: '`coherence sync` brings specs/ into the store.',
      })
    : result;

/** One field that differs between two states. */
export interface Difference {
  readonly id: string;
  readonly field: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** `A..B` (or `A`: against now) of Dolt commits, branches or git refs that the store has a commit for. */
export async function storeDiff(
  project: Project,
  range: string,
  env: Env = process.env,
): Promise<Result<readonly Difference[]>> {
  const [from = '', to = 'HEAD'] = range.split('..');
  return withStore(project, env, async (session) => {
    const sides: Catalog[] = [];
    for (const ref of [from, to === '' ? 'HEAD' : to]) {
      const commit = await session.resolve(ref);
      if (commit === null)
        return failure({
          kind: 'unknown-id',
          message: `"${ref}" is no commit of the store.`,
          hint: '`coherence store log` lists them.',
        });
      const catalog = await session.catalog(commit);
      if (!catalog.ok) return catalog;
      sides.push(catalog.value);
    }
    return success(differences(sides[0] ?? { specs: [] }, sides[1] ?? { specs: [] }));
  });
}

/** Field by field; a field that is absent on a side is null there. */
export function differences(before: Catalog, after: Catalog): Difference[] {
  const flat = (catalog: Catalog): Map<string, Map<string, string>> => {
    const result = new Map<string, Map<string, string>>();
    const put = (id: string, value: object): void => {
      result.set(
        id,
        new Map(
          Object.entries(value)
            .filter(([key]) => key !== 'id' && key !== 'criteria' && key !== 'position')
            .map(([key, item]) => [key, typeof item === 'string' ? item : canonicalJson(item)]),
        ),
      );
    };
    for (const spec of catalog.specs) {
      put(spec.id, spec);
      for (const criterion of spec.criteria ?? []) put(criterion.id, { spec: spec.id, ...criterion });
    }
    return result;
  };
  const [left, right] = [flat(before), flat(after)];
  return [...new Set([...left.keys(), ...right.keys()])].toSorted().flatMap((id) => {
    const [old, now] = [left.get(id), right.get(id)];
    return [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].toSorted().flatMap((field) => {
      const [from, to] = [old?.get(field) ?? null, now?.get(field) ?? null];
      return from === to ? [] : [{ id, field, from, to }];
    });
  });
}

/** The remote to use: as given, else `store.remote`. */
function remoteOf(project: Project, given: string | undefined): Result<string> {
  const remote = given ?? project.settings.store.remote;
  return remote === null || remote === ''
    ? failure({
        kind: 'usage',
        message: 'No remote was given and store.remote is not set.',
        hint: 'For example: coherence store push file:///srv/specs-store',
      })
    : success(remote);
}

export async function pushStore(
  project: Project,
  given: string | undefined,
  env: Env = process.env,
): Promise<Result<string>> {
  const remote = remoteOf(project, given);
  if (!remote.ok) return remote;
  const pushed = await withStore(project, env, async (session) => session.push(remote.value));
  return pushed.ok ? remote : pushed;
}

export interface PullOutcome {
  readonly state: 'equal' | 'behind-us' | 'absent' | 'fast-forward' | 'merged' | 'conflicts';
  readonly conflicts: readonly Conflict[];
  readonly sync: SyncOutcome | null;
}

/** Takes over what the remote has: files are brought into the store first, then the stores are merged by field, then the files follow. */
export async function pullStore(
  project: Project,
  given: string | undefined,
  prefer: Side | undefined,
  env: Env = process.env,
): Promise<Result<PullOutcome>> {
  const remote = remoteOf(project, given);
  if (!remote.ok) return remote;
  return withCatalogLock(project, async () =>
    withStore(project, env, async (session): Promise<Result<PullOutcome>> => {
      const before = await reconcile(project, session);
      if (!before.ok) return before;
      if (before.value.conflicts.length > 0)
        return success({ state: 'conflicts', conflicts: before.value.conflicts, sync: before.value });
      const fetched = await session.fetch(remote.value);
      if (!fetched.ok) return fetched;
      const { value } = fetched;
      if (value.state !== 'ahead' && value.state !== 'diverged')
        return success({ state: value.state, conflicts: [], sync: null });
      await forgetMirror(
        project,
        mirrorName(project, session.database),
        storeBranch(await gitHead(project.root)) ?? 'main',
      );
      if (value.state === 'ahead') {
        const moved = await session.fastForward(value.remote);
        if (!moved.ok) return moved;
      } else {
        const [base, ours, theirs] = [
          await session.catalog(value.base),
          await session.catalog(),
          await session.catalog(value.remote),
        ];
        if (!base.ok) return base;
        if (!ours.ok) return ours;
        if (!theirs.ok) return theirs;
        const merge = mergeCatalogs(base.value, ours.value, theirs.value, prefer);
        if (merge.conflicts.length > 0) return success({ state: 'conflicts', conflicts: merge.conflicts, sync: null });
        const written = await session.writeMerge(value.remote, merge.merged, `Merge ${remote.value}`);
        if (!written.ok) return written;
      }
      const sync = await reconcile(project, session);
      return sync.ok
        ? success({ state: value.state === 'ahead' ? 'fast-forward' : 'merged', conflicts: [], sync: sync.value })
        : sync;
    }),
  );
}

/** Makes this project's store a copy of a remote and brings it together with the files that are here. */
export async function cloneProjectStore(
  project: Project,
  url: string,
  target: string | undefined,
  env: Env = process.env,
): Promise<Result<SyncOutcome>> {
  const guarded = await guard(project, target, env);
  if (!guarded.ok) return guarded;
  const place = await storePlace(project, env);
  if (!place.ok) return place;
  return withCatalogLock(project, async () => {
    const cloned = await cloneStore(place.value, url);
    if (!cloned.ok) return cloned;
    await forgetMirror(
      project,
      mirrorName(project, place.value.database),
      storeBranch(await gitHead(project.root)) ?? 'main',
    );
    return withStore(project, env, async (session) => reconcile(project, session));
  });
}

/**
 * Records a run: into the outbox only, which takes a few milliseconds whatever the store does. Whoever opens the store next
 * takes it in. `none` where the project has no store.
 */
export async function recordRun(
  project: Project,
  record: RunRecord,
  env: Env = process.env,
): Promise<'pending' | 'none'> {
  const place = await storePlace(project, env);
  if (!place.ok) return 'none';
  const there = await storeExists(place.value);
  if (!there.ok || !there.value) return 'none';
  await post(project.directories.state, place.value.database, record);
  return 'pending';
}

/** Takes waiting runs into a store whose server runs; starts nothing. Resolves to how many still wait. */
export async function drainRuns(project: Project, env: Env = process.env): Promise<number> {
  const place = await storePlace(project, env);
  if (!place.ok) return 0;
  const waiting = await countPosted(project.directories.state, place.value.database);
  if (waiting === 0 || (place.value.url === null && (await runningServer(place.value)) === null)) return waiting;
  await withStore(project, env, async () => success(null));
  return countPosted(project.directories.state, place.value.database);
}
