/**
 * The main job, as a table of contents of the stages: read, trace, plan, run, judge, record.
 */
import { join } from 'node:path';
import {
  exitCodeOfRun,
  isByExitCode,
  judgePlan,
  openRunFolder,
  recordOf,
  type Judgement,
  type RunFolder,
} from '../../evidence/index.js';
import type { Project } from '../../config/index.js';
import {
  criteriaOf,
  failure,
  success,
  type Criterion,
  type Outcome,
  type Plan,
  type Result,
  type RunRecord,
  type TracedCriterion,
} from '../../model/index.js';
import type { Source } from '../../sources/index.js';
import { parseSelector } from '../../trace/index.js';
import { plan as planOf, toRun, withReuse } from '../../plan/index.js';
import { counted } from '../../util/text.js';
import { errorCode } from '../../util/files.js';
import { ulid } from '../../util/ulid.js';
import { analyse, type Analysis } from '../analysis/analyse.js';
import { runCache } from '../reuse/cache.js';
import { changedCriteria } from '../reuse/changed.js';
import { runnerOfFile, testsOfFile } from '../analysis/runner-of-file.js';
import { recordInStore } from './recording.js';
import { unmetRequirements } from './requirements.js';
import { select } from './selection.js';
import { onlySteady } from './steady.js';
import type { VerifyContext, VerifyRequest } from './verify-request.js';
import { requiredBackEnds, wireRun, type RunWiring } from './wire.js';

export interface Prepared {
  readonly analysis: Analysis;
  readonly plan: Plan;
  readonly wiring: RunWiring;
  /** Why criteria were selected (`--changed`), by id. */
  readonly chosen: ReadonlyMap<string, string>;
}

const DEFAULT_TIMEOUT_MS = 300_000;

/** Everything before the first execution; `--dry-run` stops here. */
export async function prepare(
  project: Project,
  request: VerifyRequest,
  context: VerifyContext,
  runFolder: string | null,
): Promise<Result<Prepared>> {
  const analysed =
    context.analysis === undefined
      ? await analyse(project, false, runFolder !== null, context.source)
      : success(context.analysis);
  if (!analysed.ok) return analysed;
  const analysis = analysed.value;
  const changed =
    request.changed === undefined
      ? null
      : await changedCriteria(project, analysis, request.changed, { cached: request.cache, env: context.env });
  if (changed !== null && !changed.ok) return changed;
  const chosen = changed?.value ?? new Map<string, string>();
  const skipped = new Set(request.skipCriteria ?? []);
  const selected = select(analysis.catalog, {
    ids: request.ids,
    ...(request.status === undefined ? {} : { status: request.status }),
    ...(request.risk === undefined ? {} : { risk: request.risk }),
    ...(changed === null ? {} : { only: new Set(chosen.keys()) }),
  });
  if (!selected.ok) return selected;
  const takes = (traced: TracedCriterion): boolean =>
    selected.value.selected(traced) && !skipped.has(traced.criterion.id);
  const wiring = await wireRun(project, request, toldOnce(context, project.root, analysis.source), runFolder);
  const missing = await requiredBackEnds(request.require, wiring, context.env);
  if (missing.length > 0) return failure(...missing);
  const unmet = await unmetRequirements(analysis.graph.criteria.filter(takes), request.place === 'docker', {
    env: context.env,
    docker: wiring.docker,
    dolt: wiring.dolt,
    orchestrator: wiring.orchestrator,
  });
  const modes = new Map(analysis.source.files.map((file) => [file.path, file.mode]));
  const planned = planOf(
    analysis.graph,
    {
      selected: takes,
      emptySpecs: selected.value.emptySpecs,
      parse: parseSelector,
      runnerOfFile: runnerOfFile(analysis.scan),
      testsOfFile: testsOfFile(analysis.scan),
    },
    {
      timeoutMs: request.timeoutMs ?? wiring.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(request.place === undefined ? {} : { place: request.place }),
      environments: wiring.environments,
      unmet,
      callerEnv: context.env,
      today: new Date().toISOString().slice(0, 10),
      executable: (file) => isExecutable(modes.get(file)),
    },
  );
  return success({ analysis, plan: planned, wiring, chosen });
}

/** The first place that is wrapped for the root hears what lies around it. Whatever runs there may make files, so nobody else does. */
function toldOnce(context: VerifyContext, root: string, source: Source): VerifyContext {
  const { wrapHost } = context;
  if (wrapHost === undefined) return context;
  let isFirst = true;
  return {
    ...context,
    wrapHost: (place, options) => {
      const around = isFirst && options.root === root ? source.around() : null;
      isFirst = false;
      return wrapHost(place, options, around);
    },
  };
}

const isExecutable = (mode: string | number | undefined): boolean =>
  typeof mode === 'number' ? (mode & 0o111) !== 0 : mode === '100755';

export interface Verification {
  readonly record: RunRecord;
  readonly exitCode: (strict: boolean) => number;
  /** Absolute path of the evidence. */
  readonly folder: string;
  readonly chosen: ReadonlyMap<string, string>;
  /** The tree as it was read last: after the tests, or before where none ran. Null where another process ran them. */
  readonly source: Source | null;
}

/** Runs the linked tests of the selected criteria, judges, and records the evidence. */
export async function verifyProject(
  project: Project,
  request: VerifyRequest,
  context: VerifyContext,
): Promise<Result<Verification>> {
  const startedAt = new Date();
  const started = performance.now();
  const run = request.run ?? ulid();
  const opened = await openEvidence(project, request, run);
  if (!opened.ok) return opened;
  const { folder, note } = opened.value;
  let published = false;
  try {
    const prepared = await prepare(project, request, context, folder.folder);
    if (!prepared.ok) return prepared;
    await using _wiring = { [Symbol.asyncDispose]: prepared.value.wiring.close };
    const { analysis, wiring } = prepared.value;
    const isElsewhere = request.evidenceRoot !== undefined && request.evidenceRoot !== project.root;
    const source = { ...(await analysis.source.identity()), ...(isElsewhere ? { worktree: true } : {}) };
    const percent = project.settings.verify.audit ?? (context.env['CI'] === 'true' ? 2 : 0);
    const cache = await runCache(project, analysis, prepared.value.plan, {
      read: request.cache,
      env: context.env,
      percent,
      signal: context.signal,
    });
    const attempt = request.attempt ?? 1;
    const planned = withReuse(prepared.value.plan, cache.reuse);
    const cases = toRun(planned);
    context.emit({ type: 'run.planned', cases: cases.length, reused: planned.reuse.length, batches: 0 });
    const executed = await wiring.execute(cases, run, attempt);
    const doubtful = await cache.audit(executed.outcomes);
    const again = doubtful.length === 0 ? null : await wiring.execute(doubtful, run, attempt);
    const steady = await onlySteady(
      project,
      analysis,
      planned.cases,
      new Map([...executed.outcomes, ...(again?.outcomes ?? [])]),
      context.env,
    );
    const { outcomes } = steady;
    const ended = executed.ended ?? again?.ended;
    const criterionOf = criterionLookup(analysis);
    const judgements = judgePlan(planned, outcomes, criterionOf, {
      exitCode: project.settings.verify.exit_code,
      flaky: project.settings.verify.flaky,
    });
    const fileOf = await folder.seal(capturedFiles(outcomes));
    const weak = project.settings.verify.exit_code === 'warn' ? exitCodeNotes(judgements) : [];
    const notes = [...note, ...wiring.notes(), ...cache.notes, ...steady.notes, ...weak];
    const record = recordOf(judgements, {
      run,
      session: request.session ?? wiring.session,
      startedAt,
      durationMs: performance.now() - started,
      // What changed meanwhile makes it no commit's own record, whatever the tree was at the start.
      source: steady.unchanged ? source : { ...source, dirty: true },
      catalog: analysis.catalog,
      warm: wiring.warm(),
      diagnostics: relevantDiagnostics(analysis, planned),
      notes,
      fileOf,
      ...(ended === undefined ? {} : { ended }),
    });
    await folder.publish(record);
    published = true;
    if (steady.unchanged) await cache.keep(outcomes, run);
    const pending = request.store === false ? null : await recordInStore(project, record);
    const shown: RunRecord = pending === null ? record : { ...record, notes: [...(record.notes ?? []), pending] };
    return success({
      record: shown,
      exitCode: exitCodes(record),
      folder: folder.folder.replace(/\.tmp-([0-9A-Z]{26})$/, '$1'),
      chosen: prepared.value.chosen,
      source: steady.source,
    });
  } finally {
    if (!published) await discardQuietly(folder);
  }
}

const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'ENOSPC', 'EDQUOT']);

/** The run's evidence folder: in the project, or below the state folder where the project may not be written. */
async function openEvidence(
  project: Project,
  request: VerifyRequest,
  run: string,
): Promise<Result<{ readonly folder: RunFolder; readonly note: readonly string[] }>> {
  const roots = [request.evidenceRoot ?? project.root, join(project.directories.state, 'evidence')];
  let why = '';
  for (const [index, root] of roots.entries()) {
    try {
      const folder = await openRunFolder(root, run, request.store === false);
      const note =
        index === 0 ? [] : [`The project cannot be written (${why}), so the evidence of this run is below ${root}.`];
      return success({ folder, note });
    } catch (error) {
      if (!UNWRITABLE.has(errorCode(error) ?? '')) throw error;
      why = error instanceof Error ? error.message : String(error);
    }
  }
  return failure({
    kind: 'not-permitted',
    message: `The evidence of a run cannot be written: ${why}.`,
    hint: 'Make .coherence/ of the project writable, or set COHERENCE_STATE_DIR to a folder that is.',
  });
}

const discardQuietly = async (folder: RunFolder): Promise<void> => folder.discard().catch(() => undefined);

/** Why a run without FAIL and ERROR is not good all the same; empty when it is. One sentence a reason. */
export function objectionsTo(record: RunRecord, strict: boolean): string[] {
  const focused = record.diagnostics.filter((item) => item.code === 'focused-test').length;
  const criteria = record.specs.flatMap((spec) => spec.criteria).filter((criterion) => criterion.reason !== 'retired');
  const skipped = criteria.filter((criterion) => criterion.verdict === 'SKIP').length;
  const empty = record.specs.filter((spec) => spec.criteria.length === 0).length;
  const hollow = criteria.filter((criterion) => criterion.checks.some((check) => check.hollow === true)).length;
  return [
    ...(focused > 0 ? [`${counted(focused, 'test')} focused by .only, which silences the others`] : []),
    ...(strict && record.specs.length === 0 ? ['--strict: no criterion was verified'] : []),
    ...(strict && skipped > 0 ? [`--strict: ${counted(skipped, 'criterion', 'criteria')} skipped`] : []),
    ...(strict && empty > 0 ? [`--strict: ${counted(empty, 'spec')} without criteria`] : []),
    ...(strict && hollow > 0 ? [`--strict: ${counted(hollow, 'criterion', 'criteria')} with a hollow test`] : []),
  ];
}

/** A retired criterion never fails `--strict`; a spec without criteria is a SKIP like any other. */
export const exitCodes =
  (record: RunRecord) =>
  (strict: boolean): number => {
    const code = verdictsCode(record, strict);
    return code === 0 && objectionsTo(record, strict).length > 0 ? 1 : code;
  };

function verdictsCode(record: RunRecord, strict: boolean): number {
  const criteria = record.specs.flatMap((spec) => spec.criteria).filter((criterion) => criterion.reason !== 'retired');
  const empty = record.specs
    .filter((spec) => spec.criteria.length === 0)
    .map(() => ({ verdict: 'SKIP' as const, hollow: false }));
  return exitCodeOfRun(
    [
      ...criteria.map((criterion) => ({
        verdict: criterion.verdict,
        hollow: criterion.checks.some((check) => check.hollow === true),
      })),
      ...empty,
    ],
    strict,
    record.ended,
  );
}

/** Names what only exit codes tell of (`verify.exit_code: warn`). */
function exitCodeNotes(judgements: readonly Judgement[]): string[] {
  const ids = judgements.flatMap((spec) => spec.criteria.filter(isByExitCode).map((item) => item.planned.criterion));
  return ids.length === 0
    ? []
    : [`${counted(ids.length, 'PASS', 'PASS')} by exit code alone, which no test report supports: ${ids.join(', ')}`];
}

function criterionLookup(analysis: Analysis): (id: string) => Criterion {
  const byId = new Map(
    analysis.catalog.specs.flatMap((spec) => criteriaOf(spec).map((criterion) => [criterion.id, criterion] as const)),
  );
  return (id) => {
    const found = byId.get(id);
    if (found === undefined) throw new Error(`the plan names ${id}, which the catalog does not have`);
    return found;
  };
}

function capturedFiles(outcomes: ReadonlyMap<string, Outcome>): string[] {
  return [...outcomes.values()].flatMap((outcome) => [
    ...(outcome.stdout === null ? [] : [outcome.stdout.file]),
    ...(outcome.stderr === null ? [] : [outcome.stderr.file]),
    ...outcome.artifacts,
  ]);
}

/** Diagnostics of the criteria that take part, and those that belong to no criterion. */
function relevantDiagnostics(analysis: Analysis, planned: Plan): RunRecord['diagnostics'] {
  const ids = new Set(planned.specs.flatMap((spec) => spec.criteria.map((criterion) => criterion.criterion)));
  const files = new Set(planned.cases.map((entry) => entry.file));
  // A spec file that is not read concerns every run: its criteria are missing from all of them.
  return analysis.graph.diagnostics.filter(
    (item) => item.code === 'unread-spec' || (item.id === undefined ? files.has(item.file) : ids.has(item.id)),
  );
}
