/**
 * One run of the queue, inside a worker: the same `verifyProject` as everywhere, criterion by criterion where each is a
 * command of its own and in one batch where a test runner serves them all, so that what is settled survives a SIGKILL.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadProject, type Project } from '../../config/index.js';
import { judgeSpec, openRunFolder, readRun, runsFolder, weakPasses } from '../../evidence/index.js';
import type { Basis } from '../../journal/index.js';
import {
  criteriaOf,
  failure,
  success,
  type CriterionRecord,
  type EventSink,
  type Failure,
  type PlaceName,
  type Result,
  type RunRecord,
  type SourceIdentity,
  type Spec,
  type Verdict,
} from '../../model/index.js';
import { readSource, sourceIdentity, type Source } from '../../sources/index.js';
import { canonicalJson, sha256 } from '../../util/hash.js';
import { readCatalog } from '../analysis/analyse.js';
import { checkoutBasis } from '../verify/checkout-basis.js';
import { allCriteria, unknownId } from '../catalog/edits.js';
import { prepareRunWorktree } from '../verify/run-worktree.js';
import { CHANGED_MEANWHILE } from '../verify/steady.js';
import { verifyProject, type Verification } from '../verify/verify.js';
import type { VerifyContext, VerifyRequest } from '../verify/verify-request.js';

export interface Job {
  readonly run_id: string;
  readonly fence: number;
  readonly attempt: number;
  readonly session: string;
  readonly spec_id: string;
  /** A subset of the spec's criteria; null: all of them. */
  readonly criteria: readonly string[] | null;
  /** Root of the project in the tree under test. */
  readonly root: string;
  /** Root of the project in the user's own checkout: evidence goes there. */
  readonly checkout: string;
  readonly commit: string | null;
  /** Where outputs are kept until the run ends; survives the worker. */
  readonly folder: string;
  readonly place: PlaceName | null;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

/** A criterion that an earlier attempt settled: its record as stored. */
export interface KeptCriterion {
  readonly id: string;
  readonly payload: string;
}

export interface JobHooks {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** Says what this attempt rests on; gives what need not run again, or null when the claim is no longer valid. */
  planned(basis: Basis, criteria: readonly string[]): Promise<readonly KeptCriterion[] | null>;
  /** @param basis what the checkout was when the criterion was settled, where that is no longer what `planned` was told; else null */
  criterion(record: CriterionRecord, basis: string | null): void;
  readonly wrapHost?: VerifyContext['wrapHost'];
}

export interface JobEnd {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly detail: string;
}

const STALE: Failure = { kind: 'could-not-verify', message: 'Another worker has this run now.' };

/** Criteria that one call of `verifyProject` settles together, in the spec's order. */
export function unitsOf(spec: Spec, ids: readonly string[]): readonly (readonly string[])[] {
  const criteria = criteriaOf(spec);
  // A check that continues in another one's workspace must run beside it.
  const tied = criteria.some((criterion) =>
    (criterion.verified_by ?? []).some((link) => (link.needs ?? []).length > 0),
  );
  const units: string[][] = [];
  let batch: string[] | null = null;
  for (const id of ids) {
    const links = criteria.find((criterion) => criterion.id === id)?.verified_by ?? [];
    const alone = !tied && links.length > 0 && links.every((link) => link.kind === 'run');
    if (alone) units.push([id]);
    else if (batch === null) units.push((batch = [id]));
    else batch.push(id);
  }
  return units;
}

/** Paths of a unit's outputs as they will be in the run's own folder. */
function moved(record: CriterionRecord, run: string, unit: string): CriterionRecord {
  const prefix = `.coherence/runs/${run}/`;
  const path = (value: string): string =>
    value.startsWith(prefix) ? `${prefix}${unit}/${value.slice(prefix.length)}` : value;
  return {
    ...record,
    checks: record.checks.map((check) => ({
      ...check,
      output: check.output === null ? null : path(check.output),
      ...(check.stderr === undefined ? {} : { stderr: path(check.stderr) }),
      ...(check.artifacts === undefined
        ? {}
        : { artifacts: check.artifacts.map((artifact) => ({ ...artifact, path: path(artifact.path) })) }),
    })),
  };
}

function requestOf(job: Job, ids: readonly string[], unitFolder: string): VerifyRequest {
  const number = (name: string): number | undefined =>
    typeof job.options[name] === 'number' ? job.options[name] : undefined;
  const jobs = number('jobs');
  const timeoutMs = number('timeout_ms');
  return {
    ids,
    failFast: job.options['fail_fast'] === true,
    cache: job.options['no_cache'] !== true,
    speculative: job.options['speculative'] === true,
    require: [],
    session: job.session,
    keepWorktree: false,
    run: job.run_id,
    attempt: job.attempt,
    evidenceRoot: unitFolder,
    store: false,
    ...(job.place === null ? {} : { place: job.place }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

function recordIn(kept: KeptCriterion): CriterionRecord {
  const { basis: _basis, ...record } = JSON.parse(kept.payload) as CriterionRecord & { readonly basis?: string }; // as a worker of ours sent it
  return record;
}

/** Runs the job to its end. Failures: what kept it from verifying at all (bad specs of that commit, unknown id, stale claim). */
export async function runJob(job: Job, hooks: JobHooks): Promise<Result<JobEnd>> {
  // Asked of git while the specs are read; the first unit analyses this very reading.
  const reading = job.commit === null ? readSource(job.root) : Promise.resolve(null);
  reading.catch(() => undefined);
  const loaded = await loadProject({ cwd: job.root, env: hooks.env });
  if (!loaded.ok) return loaded;
  const project = loaded.value;
  const catalog = await readCatalog(project);
  if (!catalog.ok) return catalog;
  const spec = catalog.value.catalog.specs.find((candidate) => candidate.id === job.spec_id);
  if (spec === undefined) return failure(unknownId(job.spec_id, catalog.value.catalog));
  const all = criteriaOf(spec).map((criterion) => criterion.id);
  const missing = (job.criteria ?? []).filter((id) => !all.includes(id));
  if (missing[0] !== undefined)
    return failure(unknownId(missing[0], { specs: allCriteria(catalog.value.catalog).length === 0 ? [] : [spec] }));
  const wanted = job.criteria === null ? all : all.filter((id) => job.criteria?.includes(id));
  const { position: _position, ...wording } = spec;
  const source = await reading;
  const basis: Basis = {
    spec_rev: sha256(canonicalJson(wording)),
    source: source === null ? (job.commit ?? '') : await checkoutBasis(source),
  };
  const kept = await hooks.planned(basis, wanted);
  if (kept === null) return failure(STALE);
  const settled = new Map<string, CriterionRecord>(kept.map((item) => [item.id, recordIn(item)]));
  const prepared = await prepareRunWorktree(project, job, hooks);
  if (!prepared.ok) return prepared;
  const units = await runUnits(
    project,
    spec,
    job,
    wanted.filter((id) => !settled.has(id)),
    basis,
    settled,
    hooks,
    source,
  );
  if (!units.ok) return units;
  const criteria = wanted.flatMap((id) => settled.get(id) ?? []);
  const judged = judgeSpec(
    criteria.map((record) => ({ verdict: record.verdict, reason: record.reason, detail: record.detail ?? '' })),
  );
  if (!hooks.signal.aborted && !(await isPublished(job, criteria)))
    await publish(project, spec, job, criteria, units.value, prepared.value);
  return success({ verdict: judged.verdict, reason: judged.reason, detail: judged.detail });
}

interface Units {
  readonly verifications: readonly Verification[];
  /** Whether the checkout was another one at the end of a unit than at the start of the job. */
  readonly hasChanged: boolean;
}

async function runUnits(
  project: Project,
  spec: Spec,
  job: Job,
  remaining: readonly string[],
  basis: Basis,
  settled: Map<string, CriterionRecord>,
  hooks: JobHooks,
  first: Source | null,
): Promise<Result<Units>> {
  const done: Verification[] = [];
  let hasChanged = false;
  for (const [index, ids] of unitsOf(spec, remaining).entries()) {
    if (hooks.signal.aborted) break;
    const unit = `${job.attempt}-${index + 1}`;
    const verified = await verifyProject(project, requestOf(job, ids, join(job.folder, unit)), {
      env: hooks.env,
      signal: hooks.signal,
      emit: hooks.emit,
      ...(index > 0 || first === null ? {} : { source: first }),
      ...(hooks.wrapHost === undefined ? {} : { wrapHost: hooks.wrapHost }),
    });
    if (!verified.ok) return verified;
    done.push(verified.value);
    const records = verified.value.record.specs.flatMap((item) => item.criteria);
    // Somebody edits while tests run: a later attempt must not take this verdict for one about what was there at the start.
    const now =
      job.commit === null && verified.value.source !== null ? await checkoutBasis(verified.value.source) : basis.source;
    hasChanged ||= now !== basis.source;
    for (const record of records) {
      // What an interruption left undone is not a verdict: the next attempt runs it.
      if (hooks.signal.aborted && record.reason === 'canceled') continue;
      const final = moved(record, job.run_id, unit);
      settled.set(record.id, final);
      hooks.criterion(final, now === basis.source ? null : now);
    }
    if (job.options['fail_fast'] === true && records.some((record) => record.verdict === 'FAIL')) break;
  }
  return success({ verifications: done, hasChanged });
}

/** An earlier attempt came as far as its record, and was killed before its end was noted: the outputs are where they belong. */
async function isPublished(job: Job, criteria: readonly CriterionRecord[]): Promise<boolean> {
  const found = await readRun(job.checkout, job.run_id, async () => false);
  const same = (records: readonly CriterionRecord[] | undefined): string => JSON.stringify(records);
  return found.ok && same(found.value.specs[0]?.criteria) === same(criteria);
}

/**
 * One source for all units. A checkout that changed under them (an edit, a commit) is no clean state of any commit: nobody may
 * read these verdicts as being about one.
 */
async function sourceOf(
  project: Project,
  verifications: readonly Verification[],
  hasChanged: boolean,
): Promise<{ readonly source: SourceIdentity; readonly note: string | null }> {
  const first = verifications[0]?.record.source ?? (await sourceIdentity(project.root));
  return hasChanged ? { source: { ...first, dirty: true }, note: CHANGED_MEANWHILE } : { source: first, note: null };
}

/** Puts the units together as one record in the user's checkout, under the run's own id. */
async function publish(
  project: Project,
  spec: Spec,
  job: Job,
  criteria: readonly CriterionRecord[],
  { verifications, hasChanged }: Units,
  notes: readonly string[],
): Promise<void> {
  const last = verifications.at(-1)?.record;
  const { source, note } = await sourceOf(project, verifications, hasChanged);
  const folder = await openRunFolder(job.checkout, job.run_id);
  try {
    const paths = criteria.flatMap((record) =>
      record.checks.flatMap((check) => [
        check.output,
        check.stderr ?? null,
        ...(check.artifacts ?? []).map((artifact) => artifact.path),
      ]),
    );
    const units = new Set(paths.flatMap((path) => unitOfPath(path, job.run_id)));
    for (const unit of units) {
      const from = join(job.folder, unit, '.coherence', 'runs', job.run_id);
      mkdirSync(join(folder.folder, unit), { mode: 0o700 });
      cpSync(from, join(folder.folder, unit), {
        recursive: true,
        filter: (path) => relative(from, path) !== 'run.json',
        preserveTimestamps: true,
        verbatimSymlinks: true,
      });
    }
    const judged = judgeSpec(
      criteria.map((record) => ({ verdict: record.verdict, reason: record.reason, detail: record.detail ?? '' })),
    );
    const count = (verdict: Verdict): number => criteria.filter((record) => record.verdict === verdict).length;
    // Over all attempts: what an earlier one settled was executed for this run, too.
    const checks = criteria.flatMap((record) => record.checks);
    const executed = checks.filter((check) => !check.cached && check.command.length > 0);
    const record: RunRecord = {
      schema: 'coherence.verify/1',
      run: job.run_id,
      session: job.session,
      started_at: verifications[0]?.record.started_at ?? new Date().toISOString(),
      source,
      summary: {
        pass: count('PASS'),
        fail: count('FAIL'),
        skip: count('SKIP'),
        error: count('ERROR'),
        cached: checks.filter((check) => check.cached).length,
        executed: executed.length,
        ...weakPasses(criteria),
        duration_ms: checks.reduce((sum, check) => sum + check.duration_ms, 0),
      },
      specs: [
        {
          id: spec.id,
          title: spec.title,
          level: spec.level,
          status: spec.status,
          verdict: judged.verdict,
          reason: judged.reason,
          criteria,
        },
      ],
      warm: last?.warm ?? { status: 'Skipped', reason: 'disabled' },
      diagnostics: last?.diagnostics ?? [],
      ...withNotes([
        ...new Set([
          ...verifications.flatMap((item) => item.record.notes ?? []),
          ...notes,
          ...(note === null ? [] : [note]),
        ]),
      ]),
    };
    // `queue retry` gives the same run a new record; outputs that it is made of are still in the job's own folder.
    rmSync(join(runsFolder(job.checkout), job.run_id), { recursive: true, force: true });
    await folder.publish(record);
  } catch (error) {
    await folder.discard().catch(() => undefined);
    throw error;
  }
  rmSync(job.folder, { recursive: true, force: true });
}

const withNotes = (notes: readonly string[]): { readonly notes?: readonly string[] } =>
  notes.length === 0 ? {} : { notes };

function unitOfPath(path: string | null, run: string): readonly string[] {
  const prefix = `.coherence/runs/${run}/`;
  if (path === null || !path.startsWith(prefix)) return [];
  const unit = path.slice(prefix.length).split('/')[0];
  return unit === undefined || unit === '' ? [] : [unit];
}
