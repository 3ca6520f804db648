/**
 * The one judge: plan × outcomes → verdicts (contract, section 5). A function of data.
 * What no outcome speaks of is ERROR(not-reported): unknown is never green.
 */
import {
  reviewOf,
  verdictOf,
  worse,
  type Case,
  type Check,
  type Criterion,
  type Outcome,
  type Plan,
  type PlannedCriterion,
  type Proof,
  type Reason,
  type Reuse,
  type Verdict,
} from '../model/index.js';

export interface Judged {
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly detail: string;
}

/** What one case came to: an outcome of this run, a verdict of the cache, or nothing at all. */
export type CaseResult =
  | { readonly kind: 'ran'; readonly outcome: Outcome }
  | { readonly kind: 'reused'; readonly reuse: Reuse }
  | { readonly kind: 'silent' };

export interface JudgedCase extends Judged {
  readonly case: Case;
  readonly result: CaseResult;
}

export interface JudgedCheck extends Judged {
  readonly check: Check;
  readonly cases: readonly JudgedCase[];
}

export interface JudgedCriterion extends Judged {
  readonly planned: PlannedCriterion;
  readonly checks: readonly JudgedCheck[];
}

const judgement = (reason: Reason, detail: string): Judged => ({ verdict: verdictOf(reason), reason, detail });

/** What weak passes are worth (`verify.exit_code`, `verify.flaky`). */
export interface JudgePolicy {
  readonly exitCode: 'allow' | 'warn' | 'refuse';
  readonly flaky: 'allow' | 'fail';
}

const LENIENT: JudgePolicy = { exitCode: 'allow', flaky: 'allow' };

const refused = (detail: string): Judged =>
  judgement(
    'not-reported',
    `only an exit code says that it passed, and verify.exit_code is "refuse": link the test itself, or give expect.report${detail === '' ? '' : ` (${detail})`}`,
  );

/** `cached` is no outcome of a run. A pass that only an exit code tells of is PASS(exit-code): a word of its own. */
function judgeOutcome(outcome: Outcome, policy: JudgePolicy): Judged {
  if (outcome.reason === 'cached') return judgement('not-reported', outcome.detail);
  if (outcome.reason === 'executed' && outcome.flaky !== undefined && policy.flaky === 'fail')
    return judgement('assertion', `flaky, and verify.flaky is "fail": ${outcome.flaky}`);
  if (outcome.reason === 'executed' && outcome.proof === 'exit-code')
    return policy.exitCode === 'refuse'
      ? refused(outcome.detail)
      : { verdict: 'PASS', reason: 'exit-code', detail: outcome.detail };
  return judgement(outcome.reason, outcome.detail);
}

function judgeReuse(reuse: Reuse, policy: JudgePolicy): Judged {
  const { reason, proof, detail } = reuse.outcome;
  if (reason !== 'executed') return judgement('assertion', detail);
  if (proof !== 'exit-code') return judgement('cached', detail);
  // It stays one when it is reused.
  return policy.exitCode === 'refuse' ? refused(detail) : { verdict: 'PASS', reason: 'exit-code', detail };
}

/** What a case's verdict was proved by, in this run or in the one that it is taken from. */
export function proofOf(result: CaseResult): Proof | null {
  switch (result.kind) {
    case 'ran':
      return result.outcome.proof;
    case 'reused':
      return result.reuse.outcome.proof ?? 'report';
    case 'silent':
      return null;
  }
}

/** What several passes come to: by exit code if one of them is, cached if all are, else executed. */
function passReason(items: readonly Judged[]): Reason {
  if (items.some((item) => item.reason === 'exit-code')) return 'exit-code';
  return items.every((item) => item.reason === 'cached') ? 'cached' : 'executed';
}

export function judgeCase(entry: Case, result: CaseResult, policy: JudgePolicy = LENIENT): JudgedCase {
  switch (result.kind) {
    case 'ran':
      return {
        ...judgeOutcome(result.outcome, policy),
        case: entry,
        result,
      };
    case 'reused':
      return {
        ...judgeReuse(result.reuse, policy),
        case: entry,
        result,
      };
    case 'silent':
      return { ...judgement('not-reported', 'nothing reported on this test'), case: entry, result };
  }
}

/** The first of the worst; with `count`, says how many of the rest passed when the worst is SKIP. */
function worst<T extends Judged>(items: readonly T[]): T | undefined {
  let verdict: Verdict = 'PASS';
  for (const item of items) verdict = worse(verdict, item.verdict);
  return items.find((item) => item.verdict === verdict);
}

const passed = (items: readonly Judged[]): number => items.filter((item) => item.verdict === 'PASS').length;

export function judgeCheck(check: Check, cases: readonly JudgedCase[]): JudgedCheck {
  if (check.known !== null) return { ...judgement(check.known.reason, check.known.detail), check, cases: [] };
  const first = worst(cases);
  if (first === undefined) return { ...judgement('not-reported', 'the link covers no test'), check, cases };
  const others =
    cases.length > 1 && first.verdict !== 'PASS' ? ` (${passed(cases)} of ${cases.length} tests passed)` : '';
  const reason: Reason = first.verdict === 'PASS' ? passReason(cases) : first.reason;
  return { verdict: first.verdict, reason, detail: first.detail + others, check, cases };
}

/** An AC's verdict is the worst of its checks; where the review is hybrid the tests decide and manual links stay SKIP(manual). */
export function judgeCriterion(
  planned: PlannedCriterion,
  criterion: Criterion,
  checks: readonly JudgedCheck[],
): JudgedCriterion {
  if (planned.known !== null) return { ...judgement(planned.known.reason, planned.known.detail), planned, checks };
  const tests = checks.filter((item) => item.check.kind !== 'manual');
  const deciding = reviewOf(criterion) === 'hybrid' && tests.length > 0 ? tests : checks;
  const first = worst(deciding);
  if (first === undefined) return { ...judgement('no-link', 'nothing verifies this criterion'), planned, checks };
  if (first.verdict === 'PASS') return { verdict: 'PASS', reason: passReason(deciding), detail: '', planned, checks };
  const partly =
    checks.length > 1
      ? `${first.detail === '' ? '' : `${first.detail}; `}${passed(checks)} of ${checks.length} checks passed`
      : first.detail;
  return { verdict: first.verdict, reason: first.reason, detail: partly, planned, checks };
}

/** A spec's verdict is the worst of its criteria; none at all is SKIP(no-link). */
export function judgeSpec(criteria: readonly Judged[]): Judged {
  const first = worst(criteria);
  if (first === undefined) return judgement('no-link', 'the spec has no criteria');
  if (first.verdict !== 'PASS') return first;
  return { verdict: 'PASS', reason: passReason(criteria), detail: '' };
}

export interface Judgement {
  readonly id: string;
  readonly judged: Judged;
  readonly criteria: readonly JudgedCriterion[];
}

/** Judges the whole plan. `outcomes` by case id. */
export function judgePlan(
  plan: Plan,
  outcomes: ReadonlyMap<string, Outcome>,
  criterionOf: (id: string) => Criterion,
  policy: JudgePolicy = LENIENT,
): readonly Judgement[] {
  const cases = new Map(plan.cases.map((entry) => [entry.id, entry]));
  const reuse = new Map(plan.reuse.map((entry) => [entry.case, entry]));
  const resultOf = (id: string): CaseResult => {
    const outcome = outcomes.get(id);
    if (outcome !== undefined) return { kind: 'ran', outcome };
    const cached = reuse.get(id);
    return cached === undefined ? { kind: 'silent' } : { kind: 'reused', reuse: cached };
  };
  return plan.specs.map((spec) => {
    const criteria = spec.criteria.map((planned) => {
      const checks = planned.checks.map((check) =>
        judgeCheck(
          check,
          check.cases.flatMap((id) => {
            const entry = cases.get(id);
            return entry === undefined ? [] : [judgeCase(entry, resultOf(id), policy)];
          }),
        ),
      );
      return judgeCriterion(planned, criterionOf(planned.criterion), checks);
    });
    return { id: spec.id, judged: judgeSpec(criteria), criteria };
  });
}

/** Exit code of a verification: contract section 5. `strict`: a SKIP or a hollow pass fails. */
export function exitCodeOfRun(
  verdicts: readonly { readonly verdict: Verdict; readonly hollow: boolean }[],
  strict: boolean,
  ended: 'interrupted' | 'run-timeout' | 'fail-fast' | undefined,
): number {
  const has = (verdict: Verdict): boolean => verdicts.some((item) => item.verdict === verdict);
  if (ended === 'interrupted') return 130;
  if (ended === 'run-timeout') return 124;
  if (has('FAIL')) return 1;
  if (has('ERROR')) return 2;
  return strict && verdicts.some((item) => item.verdict === 'SKIP' || item.hollow) ? 1 : 0;
}
