import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCodeOfRun, judgePlan } from '../../src/evidence/index.js';
import {
  verdictOf,
  worse,
  type Criterion,
  type Outcome,
  type Plan,
  type Reason,
  type Verdict,
} from '../../src/model/index.js';
import { check, criterion, outcome, plannedCase, plannedCriterion } from '../rig/values.js';

const REASONS: readonly Reason[] = [
  'executed',
  'assertion',
  'exit-code',
  'timeout',
  'runner-skipped',
  'unavailable:cargo',
  'not-found',
  'not-reported',
  'build',
  'setup',
  'crash',
  'infra',
  'canceled',
  'run-timeout',
];

const judge = (
  outcomes: Readonly<Record<string, Reason>>,
  ids: readonly (readonly string[])[],
  over: Partial<Criterion> = {},
  kinds: readonly ('test' | 'manual')[] = [],
) => {
  const all = [...new Set(ids.flat())];
  const checks = ids.map((cases, i) =>
    kinds[i] === 'manual'
      ? check([], { kind: 'manual', runner: null, known: { reason: 'manual', detail: 'look' } })
      : check(cases),
  );
  const plan: Plan = {
    specs: [{ id: 'SPEC-a', criteria: [plannedCriterion(checks)] }],
    cases: all.map((id) => plannedCase(id)),
    reuse: [],
  };
  const map = new Map<string, Outcome>(Object.entries(outcomes).map(([id, reason]) => [id, outcome(id, reason)]));
  const judged = judgePlan(plan, map, () => criterion(over))[0]?.criteria[0];
  if (judged === undefined) throw new Error('nothing judged');
  return judged;
};

describe('the judge', () => {
  // @verifies AC-verdicts-worst-wins
  it('gives a criterion the worst of its checks: FAIL > ERROR > SKIP > PASS', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...REASONS), { minLength: 1, maxLength: 5 }), (reasons) => {
        const outcomes = Object.fromEntries(reasons.map((reason, i) => [`c${i}`, reason]));
        const judged = judge(
          outcomes,
          reasons.map((_reason, i) => [`c${i}`]),
        );
        expect(judged.verdict).toBe(
          reasons.map(verdictOf).reduce<Verdict>((left, right) => worse(left, right), 'PASS'),
        );
      }),
    );
  });

  // @verifies AC-verdicts-silence-is-error
  it('never passes what nothing reported on', () => {
    expect(judge({}, [['c0']])).toMatchObject({ verdict: 'ERROR', reason: 'not-reported' });
    expect(judge({ c0: 'executed' }, [['c0', 'c1']])).toMatchObject({ verdict: 'ERROR', reason: 'not-reported' });
    expect(judge({}, [[]])).toMatchObject({ verdict: 'ERROR', reason: 'not-reported' });
  });

  // @verifies AC-verdicts-silence-is-error
  it('does not take the word "cached" from a runner', () => {
    expect(judge({ c0: 'cached' }, [['c0']])).toMatchObject({ verdict: 'ERROR', reason: 'not-reported' });
  });

  // @verifies AC-verdicts-partly-skipped
  it('says of a partly skipped criterion how many checks passed', () => {
    const judged = judge({ c0: 'executed', c1: 'runner-skipped' }, [['c0'], ['c1']]);
    expect(judged).toMatchObject({ verdict: 'SKIP', reason: 'runner-skipped' });
    expect(judged.detail).toContain('1 of 2 checks passed');
  });

  // @verifies AC-verdicts-hybrid-review
  it('lets tests decide a hybrid review and keeps the manual link a SKIP', () => {
    const judged = judge({ c0: 'executed' }, [['c0'], []], { review: 'hybrid' }, ['test', 'manual']);
    expect(judged.verdict).toBe('PASS');
    expect(judged.checks.map((item) => `${item.verdict}(${item.reason})`)).toEqual(['PASS(executed)', 'SKIP(manual)']);
    expect(judge({ c0: 'executed' }, [['c0'], []], {}, ['test', 'manual'])).toMatchObject({
      verdict: 'SKIP',
      reason: 'manual',
    });
  });
});

describe('exit codes', () => {
  const one = (verdict: Verdict, hollow = false) => [{ verdict, hollow }];
  // @verifies AC-verdicts-exit-codes
  it.each([
    [one('PASS'), false, undefined, 0],
    [one('SKIP'), false, undefined, 0],
    [one('SKIP'), true, undefined, 1],
    [one('PASS', true), true, undefined, 1],
    [one('FAIL'), false, undefined, 1],
    [one('ERROR'), false, undefined, 2],
    [[...one('ERROR'), ...one('FAIL')], false, undefined, 1],
    [[...one('ERROR'), ...one('SKIP')], true, undefined, 2],
    [one('ERROR'), false, 'interrupted', 130],
    [one('ERROR'), false, 'run-timeout', 124],
    [[...one('FAIL'), ...one('ERROR')], false, 'fail-fast', 1],
  ] as const)('%j strict=%s ended=%s gives %i', (verdicts, strict, ended, code) => {
    expect(exitCodeOfRun(verdicts, strict, ended)).toBe(code);
  });
});

describe('weak passes', () => {
  const policies = {
    allow: { exitCode: 'allow', flaky: 'allow' },
    warn: { exitCode: 'warn', flaky: 'allow' },
    refuse: { exitCode: 'refuse', flaky: 'allow' },
    steady: { exitCode: 'allow', flaky: 'fail' },
  } as const;
  const ran = (more: Partial<Outcome>): Outcome => ({ ...outcome('c0', 'executed'), ...more });
  const reused = (proof: 'report' | 'exit-code'): Plan['reuse'] => [
    {
      case: 'c0',
      key: 'k',
      outcome: {
        reason: 'executed',
        ...(proof === 'exit-code' ? { proof } : {}),
        run: 'R',
        detail: '',
        ended_at: '2026-01-01T00:00:00.000Z',
      },
    },
  ];
  const verdict = (policy: keyof typeof policies, result: Outcome | Plan['reuse']): string => {
    const plan: Plan = {
      specs: [{ id: 'SPEC-a', criteria: [plannedCriterion([check(['c0'])])] }],
      cases: [plannedCase('c0')],
      reuse: 'case' in result ? [] : result,
    };
    const outcomes = new Map('case' in result ? [['c0', result]] : []);
    const judged = judgePlan(plan, outcomes, () => criterion(), policies[policy])[0]?.judged;
    return `${judged?.verdict}(${judged?.reason})`;
  };

  // @verifies AC-verdicts-exit-code-pass
  it('are a word of their own by exit code, and none where that is refused, taken from the cache or not', () => {
    expect(verdict('allow', ran({ proof: 'exit-code' }))).toBe('PASS(exit-code)');
    expect(verdict('warn', ran({ proof: 'exit-code' }))).toBe('PASS(exit-code)');
    expect(verdict('refuse', ran({ proof: 'exit-code' }))).toBe('ERROR(not-reported)');
    expect(verdict('refuse', ran({ proof: 'report' }))).toBe('PASS(executed)');
    expect(verdict('allow', reused('exit-code'))).toBe('PASS(exit-code)');
    expect(verdict('refuse', reused('exit-code'))).toBe('ERROR(not-reported)');
    expect(verdict('refuse', reused('report'))).toBe('PASS(cached)');
  });

  // @verifies AC-verdicts-flaky
  it('after a retry fail where the project says so', () => {
    expect(verdict('allow', ran({ flaky: 'passed at the second try' }))).toBe('PASS(executed)');
    expect(verdict('steady', ran({ flaky: 'passed at the second try' }))).toBe('FAIL(assertion)');
    expect(verdict('steady', ran({}))).toBe('PASS(executed)');
  });
});
