/**
 * Judgements → the record that `--json` prints and `run.json` holds. Paths are relative to the project's root.
 */
import {
  criteriaOf,
  riskOf,
  type CaseRecord,
  type Catalog,
  type CheckRecord,
  type CriterionRecord,
  type Diagnostic,
  type Outcome,
  type RunRecord,
  type SourceIdentity,
  type SpecRecord,
} from '../model/index.js';
import { wordingOf } from './wording.js';
import { proofOf, type Judgement, type JudgedCase, type JudgedCheck, type JudgedCriterion } from './verdict.js';

export interface RecordContext {
  readonly run: string;
  readonly session: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly source: SourceIdentity;
  readonly catalog: Catalog;
  readonly warm: Readonly<Record<string, unknown>>;
  readonly diagnostics: readonly Diagnostic[];
  readonly ended?: 'interrupted' | 'run-timeout' | 'fail-fast';
  readonly notes: readonly string[];
  /** Path (relative to the root) and SHA-256 of a captured file, by its absolute path. */
  readonly fileOf: (absolute: string) => { readonly path: string; readonly sha256: string } | undefined;
}

function outcomeOf(item: JudgedCase): Outcome | null {
  return item.result.kind === 'ran' ? item.result.outcome : null;
}

const flakyOf = (item: JudgedCase | undefined): { readonly flaky?: string } => {
  const flaky = item === undefined || item.verdict !== 'PASS' ? undefined : outcomeOf(item)?.flaky;
  return flaky === undefined ? {} : { flaky };
};

const caseRecord = (item: JudgedCase): CaseRecord => ({
  selector: item.case.selector,
  verdict: item.verdict,
  reason: item.reason,
  ...(item.detail === '' ? {} : { detail: item.detail }),
  duration_ms: Math.round(outcomeOf(item)?.durationMs ?? 0),
  ...(item.result.kind === 'reused' ? { cached: true } : {}),
  ...flakyOf(item),
});

/** First start, last end and the sum of the durations; null where nothing ran. */
function spanOf(outcomes: readonly Outcome[]): {
  readonly started: string | null;
  readonly ended: string | null;
  readonly durationMs: number;
} {
  let started: string | null = null;
  let ended: string | null = null;
  let durationMs = 0;
  for (const outcome of outcomes) {
    if (started === null || outcome.startedAt < started) started = outcome.startedAt;
    if (ended === null || outcome.endedAt > ended) ended = outcome.endedAt;
    durationMs += outcome.durationMs;
  }
  return { started, ended, durationMs };
}

function checkRecord(judged: JudgedCheck, context: RecordContext): CheckRecord {
  const { check } = judged;
  // The case that explains the verdict speaks for the check; its siblings are in `cases`.
  const speaker =
    judged.cases.find(
      (item) => item.verdict === judged.verdict && (judged.verdict === 'PASS' || item.reason === judged.reason),
    ) ?? judged.cases[0];
  const outcome = speaker === undefined ? null : outcomeOf(speaker);
  const reused = speaker?.result.kind === 'reused' ? speaker.result.reuse : null;
  const stdout = outcome?.stdout == null ? undefined : context.fileOf(outcome.stdout.file);
  const stderr = outcome?.stderr == null ? undefined : context.fileOf(outcome.stderr.file);
  const ran = judged.cases.flatMap((item) => outcomeOf(item) ?? []);
  const { started, ended, durationMs } = spanOf(ran);
  const artifacts = ran.flatMap((item) => item.artifacts).flatMap((file) => context.fileOf(file) ?? []);
  return {
    link: check.link,
    ...(check.linkId === null ? {} : { id: check.linkId }),
    kind: check.kind,
    runner: check.runner,
    place: check.place,
    verdict: judged.verdict,
    reason: judged.reason,
    ...(judged.detail === '' ? {} : { detail: judged.detail }),
    ...(outcome === null || outcome.message === '' ? {} : { message: outcome.message }),
    proof: speaker === undefined ? null : proofOf(speaker.result),
    file: check.file,
    line: check.line,
    command: outcome?.command ?? [],
    exit_code: outcome?.exitCode ?? null,
    attempt: outcome?.attempt ?? 0,
    started_at: started,
    ended_at: ended ?? reused?.outcome.ended_at ?? null,
    duration_ms: Math.round(durationMs),
    cached: judged.cases.length > 0 && judged.cases.every((item) => item.result.kind === 'reused'),
    ...(reused === null ? {} : { cached_from: reused.outcome.run }),
    env: outcome?.env ?? {},
    source_hash: context.source.tree,
    image_id: outcome?.imageId ?? null,
    layers: outcome?.layers ?? [],
    output: stdout?.path ?? null,
    output_sha256: stdout === undefined ? null : stdout.sha256,
    ...(stderr === undefined ? {} : { stderr: stderr.path, stderr_sha256: stderr.sha256 }),
    ...(artifacts.length === 0 ? {} : { artifacts }),
    ...(check.hollow ? { hollow: true } : {}),
    ...(check.proves === undefined ? {} : { proves: check.proves }),
    ...(judged.verdict === 'PASS' ? flakyOf(judged.cases.find((item) => flakyOf(item).flaky !== undefined)) : {}),
    ...(judged.cases.length > 1 ? { cases: judged.cases.map(caseRecord) } : {}),
  };
}

/** A pass that nothing but an exit code tells of, for one of its checks at least; taken from the cache or not. */
export const isByExitCode = (judged: JudgedCriterion): boolean =>
  judged.verdict === 'PASS' &&
  judged.checks.some((check) => check.cases.some((item) => proofOf(item.result) === 'exit-code'));

/** Numbers of a summary about weak passes, from what was recorded; a number that is 0 is absent. */
export function weakPasses(criteria: readonly CriterionRecord[]): {
  readonly exit_code?: number;
  readonly flaky?: number;
} {
  const passes = criteria.filter((criterion) => criterion.verdict === 'PASS');
  const byExitCode = passes.filter((criterion) => criterion.checks.some((check) => check.proof === 'exit-code')).length;
  const flaky = criteria.flatMap((criterion) => criterion.checks).filter((check) => check.flaky !== undefined).length;
  return { ...(byExitCode === 0 ? {} : { exit_code: byExitCode }), ...(flaky === 0 ? {} : { flaky }) };
}

/** The whole record. The summary's four counts add up to the number of criteria. */
export function recordOf(judgements: readonly Judgement[], context: RecordContext): RunRecord {
  const specsById = new Map(context.catalog.specs.map((spec) => [spec.id, spec]));
  const counts = { pass: 0, fail: 0, skip: 0, error: 0 };
  let byExitCode = 0;
  const flaky = new Set<string>();
  const ran = new Set<string>();
  const reused = new Set<string>();
  const specs = judgements.map((judgement): SpecRecord => {
    const spec = specsById.get(judgement.id);
    const criteriaById = new Map(
      (spec === undefined ? [] : criteriaOf(spec)).map((criterion) => [criterion.id, criterion]),
    );
    const criteria = judgement.criteria.map((judged): CriterionRecord => {
      const id = judged.planned.criterion;
      const criterion = criteriaById.get(id);
      counts[judged.verdict.toLowerCase() as 'pass' | 'fail' | 'skip' | 'error'] += 1; // the four verdicts in lower case
      if (isByExitCode(judged)) byExitCode += 1;
      for (const check of judged.checks)
        for (const item of check.cases) {
          if (flakyOf(item).flaky !== undefined) flaky.add(item.case.id);
          if (item.result.kind === 'reused') reused.add(item.case.id);
          else if (item.result.kind === 'ran' && item.result.outcome.command.length > 0 && item.verdict !== 'SKIP')
            ran.add(item.case.id);
        }
      return {
        id,
        title: criterion?.title ?? '',
        risk: criterion === undefined ? 'medium' : riskOf(criterion),
        verdict: judged.verdict,
        reason: judged.reason,
        ...(judged.detail === '' ? {} : { detail: judged.detail }),
        wording: criterion === undefined ? '' : wordingOf(criterion),
        checks: judged.checks.map((check) => checkRecord(check, context)),
      };
    });
    return {
      id: judgement.id,
      title: spec?.title ?? '',
      level: spec?.level ?? 'module',
      status: spec?.status ?? 'active',
      verdict: judgement.judged.verdict,
      reason: judgement.judged.reason,
      criteria,
    };
  });
  return {
    schema: 'coherence.verify/1',
    run: context.run,
    session: context.session,
    started_at: context.startedAt.toISOString(),
    source: context.source,
    summary: {
      ...counts,
      cached: reused.size,
      executed: ran.size,
      ...(byExitCode === 0 ? {} : { exit_code: byExitCode }),
      ...(flaky.size === 0 ? {} : { flaky: flaky.size }),
      duration_ms: Math.round(context.durationMs),
    },
    specs,
    warm: context.warm,
    diagnostics: context.diagnostics,
    ...(context.ended === undefined ? {} : { ended: context.ended }),
    ...(context.notes.length === 0 ? {} : { notes: context.notes }),
  };
}
