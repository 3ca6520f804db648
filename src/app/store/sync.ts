/** `sync`: brings specs/ and the store together by a three-way merge, spec by spec, over what they last agreed on. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  loadCatalog,
  mergeCatalogs,
  plainSpec,
  sameSpec,
  type Conflict,
  type LoadedCatalog,
  type Side,
} from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { success, type Catalog, type Failure, type Result, type Spec } from '../../model/index.js';
import { drain, MOVED, storeExists, type StoreSession, type SyncEntry } from '../../store/index.js';
import { sha256 } from '../../util/hash.js';
import { gitHead } from '../analysis/git-head.js';
import { planFiles, recoverFiles, writeFiles } from '../analysis/spec-files.js';
import { openProjectStore, storeBranch, storePlace, withCatalogLock, type Env } from './store-place.js';
import { compareMirror, forgetMirror, mirrorName, writeMirror } from './sync-mirror.js';

export interface SyncOutcome {
  /** `no-store`: there is none, files are all there is. `detached`: git's HEAD is on no branch, files are read as they are. */
  readonly state: 'unchanged' | 'synced' | 'no-store' | 'detached';
  /** Ids of specs that were taken over, changed or removed there. */
  readonly toStore: readonly string[];
  readonly toFiles: readonly string[];
  /** In each: ours is the file, theirs the store. Nothing of these specs was written on either side. */
  readonly conflicts: readonly Conflict[];
  /** Files that cannot be read; only they were left out. */
  readonly invalid: readonly Failure[];
  /** The Dolt commit, when the store changed. */
  readonly commit: string | null;
}

const nothing = (state: SyncOutcome['state']): SyncOutcome => ({
  state,
  toStore: [],
  toFiles: [],
  conflicts: [],
  invalid: [],
  commit: null,
});

/** Whether files and store differ, without a connection: for commands that only read. */
export async function syncState(
  project: Project,
  env: Env = process.env,
): Promise<'equal' | 'pending' | 'conflicts' | 'no-store' | 'detached'> {
  // Asked side by side: each of these few small reads takes as long as looking at a dozen spec files.
  const [place, head] = await Promise.all([storePlace(project, env), gitHead(project.root)]);
  if (!place.ok) return 'no-store';
  const there = await storeExists(place.value);
  if (!there.ok || !there.value) return 'no-store';
  const branch = storeBranch(head);
  if (branch === null) return 'detached';
  const compared = compareMirror(project, mirrorName(project, place.value.database), branch);
  return compared === 'changed' ? 'pending' : compared;
}

/** `prefer`: 'ours' keeps the files', 'theirs' the store's side of every conflict. */
export async function syncProject(
  project: Project,
  options: { readonly prefer?: Side; readonly env?: Env } = {},
): Promise<Result<SyncOutcome>> {
  const state = await syncState(project, options.env);
  // To a shared store others may have written: only a look at it can tell.
  if (state === 'equal' && project.settings.store.url === null) return success(nothing('unchanged'));
  if (state === 'detached') return success(nothing('detached'));
  if (state === 'no-store') {
    const place = await storePlace(project, options.env);
    if (!place.ok) return place;
    const there = await storeExists(place.value);
    return there.ok ? success(nothing('no-store')) : there;
  }
  return withCatalogLock(project, async () => {
    const session = await openProjectStore(project, options);
    if (!session.ok) return session;
    try {
      return await reconcile(project, session.value, options.prefer);
    } finally {
      await session.value.close();
    }
  });
}

/** The files as they are: loaded, with the hash of each. Hashes are taken first: a change in between is then seen next time. */
export async function readFiles(
  project: Project,
): Promise<{ readonly loaded: LoadedCatalog; readonly hashes: Map<string, string> }> {
  const cacheFolder = join(project.directories.cache, 'catalog');
  const first = await loadCatalog(project.root, { cacheFolder });
  const hashes = new Map<string, string>();
  const files = new Set([
    ...first.files.values(),
    ...first.failures.flatMap((item) => (item.file === undefined ? [] : [item.file])),
  ]);
  for (const file of files) {
    const bytes = await readFile(join(project.root, file)).catch(() => null);
    if (bytes !== null) hashes.set(file, sha256(bytes));
  }
  return { loaded: first, hashes };
}

const ROUNDS = 5;

/** Under the catalog lock, on an open session of the branch. `message`: first line of the commit, when the store changes. */
export async function reconcile(
  project: Project,
  session: StoreSession,
  prefer?: Side,
  message?: string,
): Promise<Result<SyncOutcome>> {
  // Others who write to a shared store know nothing of our lock: what they wrote between our reading and our writing is merged too.
  for (let round = 1; ; round += 1) {
    const outcome = await reconcileOnce(project, session, prefer, message);
    if (outcome.ok || round >= ROUNDS || !outcome.failures.includes(MOVED)) return outcome;
  }
}

async function reconcileOnce(
  project: Project,
  session: StoreSession,
  prefer: Side | undefined,
  message: string | undefined,
): Promise<Result<SyncOutcome>> {
  const recovered = await recoverFiles(project);
  if (!recovered.ok) return recovered;
  await drain(project.directories.state, session);
  const branch = storeBranch(await gitHead(project.root)) ?? 'main';
  const expected = session.shared ? await session.head() : success(null);
  if (!expected.ok) return expected;
  const [{ loaded, hashes }, stored, noted] = await Promise.all([
    readFiles(project),
    session.catalog(),
    session.syncEntries(),
  ]);
  if (!stored.ok) return stored;
  if (!noted.ok) return noted;
  const entries = noted.value;
  const merge = mergeSides(loaded, stored.value, entries, prefer);
  const { files, store, held } = merge;

  const planned = await planFiles(project, files, pathsOf(loaded, merge.files), merge.merged);
  if (!planned.ok) return planned;
  await forgetMirror(project, mirrorName(project, session.database), branch);
  // Files first: whatever a kill leaves is then a changed file, which the next sync merges. The other way round, the old
  // file would look like a wish to undo what the store has.
  const written = await writeFiles(project, planned.value.changes);
  if (!written.ok) return written;
  for (const [path, content] of planned.value.changes) {
    if (content === null) hashes.delete(path);
    else hashes.set(path, sha256(content));
  }
  const before = new Map(store.specs.map((spec) => [spec.id, spec]));
  const after = new Map(merge.merged.specs.map((spec) => [spec.id, spec]));
  const upsert = merge.merged.specs.filter((spec) => !same(before.get(spec.id), spec));
  const remove = [...before.keys()].filter((id) => !after.has(id));
  const known = new Map(entries.map((entry) => [entry.spec, entry]));
  const sync = merge.merged.specs
    .map((spec): SyncEntry => {
      const path = planned.value.paths.get(spec.id) ?? null;
      return { spec: spec.id, path, fileHash: path === null ? null : (hashes.get(path) ?? null), base: plain(spec) };
    })
    .filter((entry) => !sameEntry(known.get(entry.spec), entry));
  const unsync = entries.map((entry) => entry.spec).filter((id) => !after.has(id) && !held.has(id));
  const toStore = [...upsert.map((spec) => spec.id), ...remove].toSorted();
  let commit: string | null = null;
  if (toStore.length + sync.length + unsync.length > 0) {
    const head = await gitHead(project.root);
    const done = await session.write({
      upsert,
      remove,
      sync,
      unsync,
      message: message ?? messageOf(toStore),
      git: head.kind === 'branch' ? head.commit : null,
      ...(expected.value === null ? {} : { expected: expected.value }),
    });
    if (!done.ok) return done;
    commit = done.value;
  }
  if (loaded.failures.length === 0)
    await writeMirror(project, mirrorName(project, session.database), branch, hashes, merge.conflicts.length);
  const toFiles = merge.merged.specs
    .filter((spec) => planned.value.changes.has(planned.value.paths.get(spec.id) ?? ''))
    .map((spec) => spec.id);
  const gone = files.specs.map((spec) => spec.id).filter((id) => !after.has(id));
  return success({
    state: 'synced',
    toStore,
    toFiles: [...toFiles, ...gone].toSorted(),
    conflicts: merge.conflicts,
    invalid: loaded.failures,
    commit,
  });
}

/** The same spec without positions and empty lists: what is kept as the base of a merge. */
export const plain = (spec: Spec): Spec => plainSpec(spec) as unknown as Spec; // its shape but for the positions, which nobody asks of a base
const same = (left: Spec | undefined, right: Spec): boolean => left !== undefined && sameSpec(left, right);
const sameEntry = (left: SyncEntry | undefined, right: SyncEntry): boolean =>
  left !== undefined && left.path === right.path && left.fileHash === right.fileHash && sameSpec(left.base, right.base);
const messageOf = (ids: readonly string[]): string =>
  ids.length === 0 ? 'Sync' : ids.length <= 3 ? `Sync ${ids.join(', ')}` : `Sync ${ids.length} specs`;
const pathsOf = (loaded: LoadedCatalog, files: Catalog): ReadonlyMap<string, string> =>
  new Map(
    files.specs.flatMap((spec) =>
      loaded.files.has(spec.id) ? [[spec.id, loaded.files.get(spec.id) ?? ''] as const] : [],
    ),
  );

interface MergedSides {
  /** The sides, without the specs that are held back. */
  readonly files: Catalog;
  readonly store: Catalog;
  readonly merged: Catalog;
  readonly conflicts: readonly Conflict[];
  /** Ids of specs that stay as they are on both sides: their file is invalid, or a field is in conflict. */
  readonly held: ReadonlySet<string>;
}

/** Pure: what a sync of these sides comes to. */
export function mergeSides(
  loaded: Pick<LoadedCatalog, 'catalog' | 'failures' | 'files'>,
  stored: Catalog,
  entries: readonly SyncEntry[],
  prefer: Side | undefined,
): MergedSides {
  const base: Catalog = { specs: entries.map((entry) => entry.base) };
  const invalidFiles = new Set(loaded.failures.flatMap((item) => (item.file === undefined ? [] : [item.file])));
  const held = new Set<string>();
  for (const [id, path] of loaded.files) if (invalidFiles.has(path)) held.add(id);
  const paths = new Set(entries.flatMap((entry) => (entry.path === null ? [] : [entry.path])));
  for (const entry of entries) if (entry.path !== null && invalidFiles.has(entry.path)) held.add(entry.spec);
  // An unreadable file that we never saw may be any spec under a new name: then no absence counts as a removal.
  if (loaded.failures.some((item) => item.file === undefined || !paths.has(item.file))) {
    const present = new Set(loaded.catalog.specs.map((spec) => spec.id));
    for (const entry of entries) if (!present.has(entry.spec)) held.add(entry.spec);
    for (const spec of stored.specs) if (!present.has(spec.id)) held.add(spec.id);
  }
  const seen = new Set<string>();
  for (const spec of loaded.catalog.specs) {
    if (seen.has(spec.id)) held.add(spec.id);
    seen.add(spec.id);
  }
  const sides = [base, loaded.catalog, stored];
  const without = (catalog: Catalog): Catalog => ({ specs: catalog.specs.filter((spec) => !held.has(spec.id)) });
  closeOver(held, sides);
  const first = mergeCatalogs(without(base), without(loaded.catalog), without(stored), prefer);
  if (first.conflicts.length === 0)
    return { files: without(loaded.catalog), store: without(stored), merged: first.merged, conflicts: [], held };
  for (const conflict of first.conflicts) held.add(conflict.spec);
  closeOver(held, sides);
  const rest = mergeCatalogs(without(base), without(loaded.catalog), without(stored));
  return {
    files: without(loaded.catalog),
    store: without(stored),
    merged: rest.merged,
    conflicts: first.conflicts,
    held,
  };
}

/** Adds every spec that shares a criterion (one that moved) with a held one: they are written together or not at all. */
function closeOver(held: Set<string>, sides: readonly Catalog[]): void {
  if (held.size === 0) return;
  const owners = new Map<string, Set<string>>();
  for (const side of sides) {
    for (const spec of side.specs) {
      for (const criterion of spec.criteria ?? []) {
        const list = owners.get(criterion.id.toLowerCase()) ?? new Set<string>();
        list.add(spec.id);
        owners.set(criterion.id.toLowerCase(), list);
      }
    }
  }
  const shared = [...owners.values()].filter((list) => list.size > 1);
  for (let grown = true; grown;) {
    grown = false;
    for (const list of shared) {
      if (![...list].some((id) => held.has(id)) || [...list].every((id) => held.has(id))) continue;
      for (const id of list) held.add(id);
      grown = true;
    }
  }
}
