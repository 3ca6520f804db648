/** Edits of the catalog: to the files, and in the same step to the store where there is one. */
import { isDeepStrictEqual } from 'node:util';
import { sameSpec } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { success, type Catalog, type Criterion, type Result } from '../../model/index.js';
import { resolveCommit } from '../../sources/index.js';
import { drain } from '../../store/index.js';
import { sha256 } from '../../util/hash.js';
import { readCatalog } from '../analysis/analyse.js';
import { catalogOfCommit } from '../analysis/catalog-of-commit.js';
import { gitHead } from '../analysis/git-head.js';
import { recoverCatalog } from '../queue/recover.js';
import { planFiles, recoverFiles, writeFiles, type FileChanges } from '../analysis/spec-files.js';
import { openProjectStore, storeBranch, storePlace, withCatalogLock, type Env } from '../store/store-place.js';
import { catalogAtMoment } from '../store/store-moment.js';
import { compareMirror, forgetMirror, restoreMirror, takeMirror, type Mirrored } from '../store/sync-mirror.js';
import { plain, reconcile, syncState } from '../store/sync.js';

export interface AppliedChange {
  readonly catalog: Catalog;
  /** Paths below the root that were written or removed. */
  readonly files: readonly string[];
  /** `written`: in the store too. `none`: there is no store. `pending`: the files have it, the store gets it with the next sync. */
  readonly store: 'written' | 'none' | 'pending';
  readonly notes: readonly string[];
}

/**
 * Changes the catalog: `next` gets what files and store say together and gives what they shall say. Files are written all
 * or none. A store that cannot be reached delays nothing: the change is in the files and reaches it with the next sync.
 * Failures: those of `next`, and invalid spec files.
 */
export async function applyCatalogChange(
  project: Project,
  describe: string | ((id: string) => string),
  next: (current: Catalog) => Result<Catalog>,
  env: Env = process.env,
): Promise<Result<AppliedChange>> {
  return withCatalogLock(project, async (): Promise<Result<AppliedChange>> => {
    const recovered = await recoverFiles(project);
    if (!recovered.ok) return recovered;
    const notes: string[] = [];
    const state = await syncState(project, env);
    const withStore = state !== 'no-store' && state !== 'detached';
    const { url } = project.settings.store;
    if (withStore && (state !== 'equal' || url !== null)) {
      const behind = await bringTogether(project, env);
      if (!behind.ok) notes.push(...behind.failures.map((item) => `store: pending (${item.message})`));
      else if (behind.value.length > 0) notes.push(...behind.value);
    }
    const loaded = await readCatalog(project);
    if (!loaded.ok) return loaded;
    const wanted = next(loaded.value.catalog);
    if (!wanted.ok) return wanted;
    const planned = await planFiles(project, loaded.value.catalog, loaded.value.specFiles, wanted.value);
    if (!planned.ok) return planned;
    const { changes, paths } = planned.value;
    const files = [...changes.keys()].toSorted();
    // What is on a shared server may have changed since: it is compared as a whole.
    const store = withStore && files.length > 0 && url === null ? await equalStore(project, env) : null;
    if (store !== null) await forgetMirror(project, store.database, store.branch);
    const written = await writeFiles(project, changes);
    if (!written.ok) return written;
    const after = wanted.value;
    if (!withStore || files.length === 0) return success({ catalog: after, files, store: 'none', notes });
    const before = loaded.value.catalog;
    const message = typeof describe === 'string' ? describe : describe(changedId(before, after));
    const stored =
      store === null
        ? await bringTogether(project, env, message)
        : await writeStore(project, env, store, { before, after, changes, paths, message });
    return success({
      catalog: after,
      files,
      store: stored.ok ? 'written' : 'pending',
      notes: stored.ok ? notes : [...notes, ...stored.failures.map((item) => `store: pending (${item.message})`)],
    });
  });
}

/** The id that an edit was about: the criterion that differs if it is one, else the spec. */
function changedId(before: Catalog, after: Catalog): string {
  const { created, changed, removed } = changedSpecs(before, after);
  const [only = ''] = [...created, ...changed, ...removed];
  const criteria = (catalog: Catalog): Map<string, Criterion> =>
    new Map((catalog.specs.find((spec) => spec.id === only)?.criteria ?? []).map((item) => [item.id, item]));
  if (created.length + removed.length > 0) return only;
  const [old, now] = [criteria(before), criteria(after)];
  const different = [...new Set([...old.keys(), ...now.keys()])].filter((id) => {
    const [left, right] = [old.get(id), now.get(id)];
    return left === undefined || right === undefined || !isDeepStrictEqual(left, right);
  });
  return different.length === 1 ? (different[0] ?? only) : only;
}

interface EqualStore {
  readonly database: string;
  readonly branch: string;
  readonly mirror: Mirrored;
}

/** The mirror when files and store are equal at this moment; null when they must be reconciled as a whole. */
async function equalStore(project: Project, env: Env): Promise<EqualStore | null> {
  const place = await storePlace(project, env);
  const branch = storeBranch(await gitHead(project.root));
  if (!place.ok || branch === null || compareMirror(project, place.value.database, branch) !== 'equal') return null;
  const mirror = takeMirror(project, place.value.database, branch);
  return mirror === null ? null : { database: place.value.database, branch, mirror };
}

interface Written {
  readonly before: Catalog;
  readonly after: Catalog;
  readonly changes: FileChanges;
  readonly paths: ReadonlyMap<string, string>;
  readonly message: string;
}

/** Files and store were equal, so the change itself is all that there is to write. */
async function writeStore(
  project: Project,
  env: Env,
  store: EqualStore,
  { before, after, changes, paths, message }: Written,
): Promise<Result<null>> {
  const session = await openProjectStore(project, { env });
  if (!session.ok) return session;
  try {
    // Runs that wait come first, so that history tells things in their order. What cannot be taken in now goes on waiting.
    await drain(project.directories.state, session.value);
    const { created, changed, removed } = changedSpecs(before, after);
    const touched = new Set([...created, ...changed]);
    const upsert = after.specs.filter((spec) => touched.has(spec.id));
    const hashOf = (path: string | undefined): string | null =>
      path === undefined
        ? null
        : ((text) => (text === null || text === undefined ? null : sha256(text)))(changes.get(path));
    const sync = upsert.map((spec) => ({
      spec: spec.id,
      path: paths.get(spec.id) ?? null,
      fileHash: hashOf(paths.get(spec.id)),
      base: plain(spec),
    }));
    const head = await gitHead(project.root);
    const done = await session.value.write({
      upsert,
      remove: removed,
      sync,
      unsync: removed,
      message,
      git: head.kind === 'branch' ? head.commit : null,
    });
    if (!done.ok) return done;
    await restoreMirror(
      project,
      store.database,
      store.branch,
      store.mirror,
      new Map([...changes].map(([path, text]) => [path, text === null ? null : sha256(text)])),
    );
    return success(null);
  } finally {
    await session.value.close();
  }
}

/** Reconciles under the lock that is held; notes about conflicts. */
async function bringTogether(project: Project, env: Env, message?: string): Promise<Result<readonly string[]>> {
  const session = await openProjectStore(project, { env });
  if (!session.ok) return session;
  try {
    const outcome = await reconcile(project, session.value, undefined, message);
    if (!outcome.ok) return outcome;
    return success(
      outcome.value.conflicts.map(
        (conflict) =>
          `conflict in ${conflict.criterion ?? conflict.spec}, field ${conflict.field}: kept until \`coherence sync --ours|--theirs\``,
      ),
    );
  } finally {
    await session.value.close();
  }
}

/**
 * The catalog now, or at a ref: a git ref first (the files of that commit), else a Dolt commit, branch or tag (the store then).
 * Failures: invalid files, `unknown-id` for a ref that nobody knows, `unavailable` when only a store could tell.
 */
export async function catalogAt(project: Project, ref?: string, env: Env = process.env): Promise<Result<Catalog>> {
  if (ref === undefined) {
    const recovered = await recoverCatalog(project);
    if (!recovered.ok) return recovered;
    const loaded = await readCatalog(project);
    return loaded.ok ? success(loaded.value.catalog) : loaded;
  }
  const commit = await resolveCommit(project.root, ref);
  return commit === null ? catalogAtMoment(project, ref, env) : catalogOfCommit(project, commit);
}

/** Ids of specs that differ between two catalogs. */
export function changedSpecs(
  before: Catalog,
  after: Catalog,
): { readonly created: readonly string[]; readonly changed: readonly string[]; readonly removed: readonly string[] } {
  const old = new Map(before.specs.map((spec) => [spec.id, spec]));
  const now = new Set(after.specs.map((spec) => spec.id));
  return {
    created: after.specs.filter((spec) => !old.has(spec.id)).map((spec) => spec.id),
    changed: after.specs
      .filter((spec) => {
        const earlier = old.get(spec.id);
        return earlier !== undefined && !sameSpec(earlier, spec);
      })
      .map((spec) => spec.id),
    removed: before.specs.filter((spec) => !now.has(spec.id)).map((spec) => spec.id),
  };
}
