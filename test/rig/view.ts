/** A coverage view of any size, for the formats' tests. */
import type { CoverageView, CriterionView } from '../../src/report/index.js';

const VERDICTS = ['PASS', 'PASS', 'FAIL', 'SKIP', null] as const;

export function coverageViewOf(size: number): CoverageView {
  const criteria = Array.from({ length: size }, (_item, i): CriterionView => {
    const verdict = VERDICTS[i % VERDICTS.length] ?? null;
    return {
      id: `AC-area${i % 40}-${i}`,
      spec: `SPEC-area${i % 40}`,
      title: `Criterion ${i} <b>&amp;</b> holds`,
      text: `The wording of ${i}`,
      level: i % 2 === 0 ? 'module' : 'product',
      risk: i % 7 === 0 ? 'critical' : 'medium',
      owner: i % 3 === 0 ? 'team' : '',
      traced: verdict !== 'SKIP',
      verdict,
      reason: verdict === 'PASS' ? 'executed' : verdict === 'FAIL' ? 'assertion' : verdict === 'SKIP' ? 'gap' : '',
      detail: verdict === 'FAIL' ? '</script><script>alert(1)</script>' : '',
      run: verdict === null ? null : '01M7ZDDJ9GYFF0WSMMNGS30FCM',
      tests: [{ selector: `test/a${i}.test.ts > holds`, file: `test/a${i}.test.ts`, line: 3, kind: 'test' }],
      implementations: [],
      checks: [],
      output: verdict === 'FAIL' ? 'expected 1 to be 2' : '',
    };
  });
  const count = (wanted: string | null): number => criteria.filter((item) => item.verdict === wanted).length;
  const traced = criteria.filter((item) => item.traced).length;
  const executed = count('PASS') + count('FAIL');
  const percentOf = (value: number): number => (size === 0 ? 100 : Math.floor((value / size) * 1000) / 10);
  const total = {
    specified: size,
    traced,
    executed,
    passed: count('PASS'),
    exit_code: 0,
    failed: count('FAIL'),
    error: 0,
    skips: { gap: count('SKIP') },
    percent: {
      specified: 100,
      traced: percentOf(traced),
      executed: percentOf(executed),
      passed: percentOf(count('PASS')),
    },
  };
  return {
    project: 'sample',
    at: null,
    source: { commit: 'a'.repeat(40), dirty: true, tree: 'sha256:0' },
    total,
    levels: { product: total, module: total },
    specs: Object.fromEntries(Array.from({ length: 40 }, (_item, i) => [`SPEC-area${i}`, total])),
    risks: { critical: total, medium: total },
    owners: { team: total },
    retired: 2,
    criteria,
    next: [
      {
        criterion: 'AC-area0-0',
        title: 'Criterion 0',
        risk: 'critical',
        why: 'gap: later',
        candidates: [{ selector: 'test/x.test.ts > x', file: 'test/x.test.ts', line: 1, reason: 'in common: x' }],
      },
    ],
    delta: { against: 'main', counts: { specified: 1, traced: 0, executed: -1, passed: 2 }, lost: [], gained: [] },
    trend: Array.from({ length: 12 }, (_item, i) => ({
      run: `r${i}`,
      started_at: '2026-01-01T00:00:00Z',
      commit: null,
      pass: i,
      fail: 1,
      skip: 2,
      error: 0,
    })),
    audit: { audited: 50, stale: 0 },
  };
}
