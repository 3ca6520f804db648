/** The queue from the outside: through the daemon, or straight into the journal where none runs, so that nothing is refused. */
import { existsSync } from 'node:fs';
import type { Project } from '../../config/index.js';
import {
  cancelWaiting,
  enqueue,
  getRun,
  isTerminal,
  journalPath,
  listRuns,
  resultsOf,
  retry,
  type Backend,
  type NewRun,
  type RunRow,
} from '../../journal/index.js';
import {
  criteriaOf,
  failure,
  success,
  type Catalog,
  type CriterionRecord,
  type Failure,
  type PlaceName,
  type Result,
  type Spec,
} from '../../model/index.js';
import { resolveCommit } from '../../sources/index.js';
import { ulid } from '../../util/ulid.js';
import { analyse, readCatalog } from '../analysis/analyse.js';
import { unknownId } from '../catalog/edits.js';
import { onJournal, throughDaemonOrJournal } from '../daemon/state-lock.js';
import { catalogAt } from '../store/store.js';

export interface QueueRequest {
  readonly ids: readonly string[];
  /** Null: the checkout itself, as it is when the run starts. */
  readonly commit: string | null;
  readonly priority: number;
  readonly after: string | null;
  readonly session: string | null;
  readonly place: PlaceName | null;
  /** The client's key: a repeated call is the same run. */
  readonly request: string | null;
  readonly keepWorktree?: boolean;
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

export const unknownRun = (id: string): Failure => ({
  kind: 'unknown-id',
  message: `There is no run ${id}.`,
  hint: '`coherence queue list` shows the runs.',
});

interface Part {
  readonly spec: Spec;
  readonly criteria: readonly string[];
  readonly whole: boolean;
}

/** One run a spec: criteria named one by one are put together. 66 for the first unknown id. */
function partsOf(catalog: Catalog, ids: readonly string[]): Result<readonly Part[]> {
  const parts = new Map<string, { spec: Spec; criteria: Set<string>; whole: boolean }>();
  const unknown: Failure[] = [];
  for (const id of ids) {
    const spec = catalog.specs.find(
      (candidate) => candidate.id === id || criteriaOf(candidate).some((criterion) => criterion.id === id),
    );
    if (spec === undefined) {
      unknown.push(unknownId(id, catalog));
      continue;
    }
    const part = parts.get(spec.id) ?? { spec, criteria: new Set<string>(), whole: false };
    if (spec.id === id) part.whole = true;
    else part.criteria.add(id);
    parts.set(spec.id, part);
  }
  if (unknown.length > 0) return failure(...unknown);
  return success(
    [...parts.values()].map(({ spec, criteria, whole }) => {
      const all = criteriaOf(spec).map((criterion) => criterion.id);
      return { spec, whole, criteria: whole ? all : all.filter((id) => criteria.has(id)) };
    }),
  );
}

/** What limits a run: its scarcest need first. */
async function backendsOf(
  project: Project,
  parts: readonly Part[],
  place: PlaceName | null,
  commit: string | null,
): Promise<ReadonlyMap<string, Backend>> {
  // Tags in code are known for the checkout; for another commit they are close enough for a limit.
  const analysed = await analyse(project);
  const traced = analysed.ok ? analysed.value.graph.criteria : [];
  const result = new Map<string, Backend>();
  for (const part of parts) {
    const wanted = new Set(part.criteria);
    const declared = criteriaOf(part.spec)
      .filter((criterion) => wanted.has(criterion.id))
      .flatMap((criterion) => criterion.verified_by ?? []);
    const links = traced
      .filter((item) => item.spec.id === part.spec.id && wanted.has(item.criterion.id))
      .flatMap((item) => item.links);
    const frameworks = new Set(links.flatMap((link) => link.tests.map((test) => test.framework)));
    const has = (runner: string, pattern: RegExp): boolean =>
      declared.some(
        (link) =>
          link.runner === runner || (link.kind === 'test' && link.runner === undefined && pattern.test(link.target)),
      );
    const backend: Backend = declared.some((link) => (link.requires ?? []).includes('orchestrator'))
      ? 'orchestrator'
      : place === 'docker' || declared.some((link) => link.in === 'docker')
        ? 'docker'
        : frameworks.has('cargo') || frameworks.has('doctest') || has('cargo', /\.rs(?:::|$)/)
          ? 'cargo'
          : frameworks.has('vitest') || has('vitest', /^$/)
            ? 'vitest'
            : frameworks.has('node-test') || has('node-test', /^$/)
              ? 'node-test'
              : 'process';
    result.set(
      part.spec.id,
      commit === null ? backend : backend === 'vitest' || backend === 'node-test' ? 'process' : backend,
    );
  }
  return result;
}

/**
 * The rows that a request stands for. Reads specs of that commit; executes nothing.
 * @param backend what limits them, where the caller knows or does not care
 */
export async function newRuns(
  project: Project,
  request: QueueRequest,
  backend?: Backend,
): Promise<Result<readonly NewRun[]>> {
  const commit = request.commit === null ? null : await resolveCommit(project.root, request.commit);
  if (request.commit !== null && commit === null)
    return failure({
      kind: 'unknown-id',
      message: `git knows no commit "${request.commit}" here.`,
      hint: 'Name a branch, a tag or a commit id.',
    });
  const loaded = commit === null ? await readCatalog(project) : await catalogAt(project, commit);
  if (!loaded.ok) return loaded;
  const catalog = 'catalog' in loaded.value ? loaded.value.catalog : loaded.value;
  const parts = partsOf(catalog, request.ids);
  if (!parts.ok) return parts;
  const backends =
    backend === undefined ? await backendsOf(project, parts.value, request.place, commit) : new Map<string, Backend>();
  return success(
    parts.value.map((part): NewRun => ({
      run_id: ulid(),
      session_id: request.session ?? project.manifest.slug,
      spec_id: part.spec.id,
      commit_sha: commit,
      backend: backends.get(part.spec.id) ?? backend ?? 'process',
      priority: request.priority,
      depends_on: request.after,
      repo: project.root,
      dedupe_key: request.request === null ? null : `${request.request} ${part.spec.id}`,
      payload: {
        criteria: part.criteria,
        whole: part.whole,
        place: request.place,
        options: { ...request.options, slug: project.manifest.slug },
        keep_worktree: request.keepWorktree === true,
      },
    })),
  );
}

export interface Queued {
  readonly run: RunRow;
  /** True when the request key was known: nothing new was queued. */
  readonly repeated: boolean;
}

/** Adds runs; they execute every check, whatever the verdict cache knows. 64 without ids, 66 for an unknown id, commit or run to wait for, 75 when the disk is full. */
export async function addToQueue(project: Project, request: QueueRequest): Promise<Result<readonly Queued[]>> {
  if (request.ids.length === 0)
    return failure({
      kind: 'usage',
      message: '`queue add` needs at least one id.',
      hint: 'For example: coherence queue add SPEC-payment-api',
    });
  if (request.after !== null && !(await hasRun(project, request.after))) return failure(unknownRun(request.after));
  const runs = await newRuns(project, { ...request, options: { no_cache: true, ...request.options } });
  if (!runs.ok) return runs;
  return throughDaemonOrJournal(
    project,
    async (client) => {
      const answer = await client.ask('enqueue', { runs: runs.value }, { timeoutMs: 10_000 });
      return answer.ok ? success(answer.value.runs) : answer;
    },
    (journal) => success(enqueue(journal.database, journal.clock, runs.value)),
  );
}

const isNew = (project: Project): boolean => !existsSync(journalPath(project.directories.state));

async function hasRun(project: Project, id: string): Promise<boolean> {
  if (isNew(project)) return false;
  const found = await onJournal(project.directories.state, (journal) => success(getRun(journal.database, id) !== null));
  return found.ok && found.value;
}

/** Reading asks nobody: the journal can be read beside the daemon. */
export async function listQueue(
  project: Project,
  filter: { readonly all: boolean; readonly limit: number },
): Promise<Result<readonly RunRow[]>> {
  if (isNew(project)) return success([]);
  return onJournal(project.directories.state, (journal) =>
    success(listRuns(journal.database, { open: !filter.all, limit: filter.limit })),
  );
}

export interface ShownRun {
  readonly run: RunRow;
  readonly criteria: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly reason: string;
    readonly detail: string | null;
    readonly attempt: number;
    readonly fence: number;
    readonly evidence_sha: string;
  }[];
}

export async function showQueued(project: Project, id: string): Promise<Result<ShownRun>> {
  if (isNew(project)) return failure(unknownRun(id));
  return onJournal(project.directories.state, (journal) => {
    const run = getRun(journal.database, id);
    if (run === null) return failure(unknownRun(id));
    const order = new Map((run.payload.criteria ?? []).map((criterion, index) => [criterion, index]));
    const criteria = resultsOf(journal.database, id).map((result) => {
      const record = JSON.parse(result.payload) as CriterionRecord; // as it was stored
      return {
        id: result.ac_id,
        verdict: result.verdict,
        reason: record.reason,
        detail: record.detail ?? null,
        attempt: result.attempt,
        fence: result.fence,
        evidence_sha: result.evidence_sha,
      };
    });
    return success({
      run,
      criteria: criteria.sort((left, right) => (order.get(left.id) ?? 0) - (order.get(right.id) ?? 0)),
    });
  });
}

/** Ends a run: one that waits at once, one that works after its processes are dead. 64 when it has ended already. */
export async function cancelQueued(project: Project, id: string): Promise<Result<RunRow>> {
  const before = await showQueued(project, id);
  if (!before.ok) return before;
  if (isTerminal(before.value.run.state))
    return failure({
      kind: 'usage',
      message: `Run ${id} has ended already (${before.value.run.verdict ?? before.value.run.state}).`,
    });
  return throughDaemonOrJournal(
    project,
    async (client) => {
      const answer = await client.ask('cancel', { run_id: id }, { timeoutMs: 60_000 });
      return answer.ok ? success(answer.value.run) : answer;
    },
    (journal) => {
      const run = cancelWaiting(journal.database, journal.clock, id, 'canceled by the user');
      if (run === null) return failure(unknownRun(id));
      return isTerminal(run.state)
        ? success(run)
        : failure({
            kind: 'unavailable',
            message: `Run ${id} was at work when its daemon died.`,
            hint: 'Start the daemon: it ends what is left of it; then cancel again.',
          });
    },
  );
}

/** Puts an ended run back into the queue, from its first criterion. */
export async function retryQueued(project: Project, id: string): Promise<Result<RunRow>> {
  const before = await showQueued(project, id);
  if (!before.ok) return before;
  return throughDaemonOrJournal(
    project,
    async (client) => {
      const answer = await client.ask('retry', { run_id: id }, { timeoutMs: 10_000 });
      return answer.ok ? success(answer.value.run) : answer;
    },
    (journal) => {
      const run = retry(journal.database, id);
      return run === null
        ? failure({
            kind: 'usage',
            message: `Run ${id} has not ended (${before.value.run.state}).`,
            hint: '`coherence queue cancel` ends it.',
          })
        : success(run);
    },
  );
}
