import { describe, expect, it } from 'vitest';
import { missingNeeds } from '../../src/plan/needs.js';
import { criteriaOf, entriesOf, type ResolvedLink, type TracedCriterion } from '../../src/model/index.js';
import { criterion, spec } from '../rig/values.js';

const at = { file: 'specs/a.yaml', line: 1, column: 1 };
const link = (proves?: string): ResolvedLink => ({
  origin: 'declared',
  kind: 'test',
  label: 'test/a.test.ts > adds',
  declared: { kind: 'test', target: 'test/a.test.ts > adds', ...(proves === undefined ? {} : { proves }) },
  tests: [],
  covers: 'case',
  position: at,
});
const code = (over: object = {}): TracedCriterion['implementations'][number] => ({
  origin: 'declared',
  file: 'src/a.ts',
  line: 1,
  symbol: null,
  position: at,
  ...over,
});
const traced = (over: Partial<TracedCriterion> & { needs?: string[]; waived?: object[] }): TracedCriterion => {
  const { needs, waived, ...rest } = over;
  const own = criterion({
    ...(needs === undefined ? {} : { needs }),
    ...(waived === undefined ? {} : { waived: waived as never }),
  });
  return { spec: spec(), criterion: own, links: [], implementations: [], ...rest };
};
const said = (value: TracedCriterion): string[] =>
  missingNeeds(value, '2026-06-01').map((check) => `${check.known?.reason}: ${check.known?.detail}`);

describe('kinds of evidence that a criterion needs', () => {
  // @verifies AC-verdicts-needs-by-kind
  it('are each missing without a link of that very kind', () => {
    expect(said(traced({}))).toEqual([]);
    expect(said(traced({ needs: ['impl', 'utest'] }))).toEqual(['no-link: impl missing', 'no-link: utest missing']);
    expect(said(traced({ needs: ['utest', 'stest'], links: [link('utest'), link()] }))).toEqual([
      'no-link: stest missing',
    ]);
    expect(said(traced({ needs: ['utest'], links: [link()] }))).toEqual(['no-link: utest missing']);
  });

  // @verifies AC-verdicts-needs-by-kind
  it('take a sound link to code for impl, and no other', () => {
    expect(said(traced({ needs: ['impl'], implementations: [code()] }))).toEqual([]);
    expect(said(traced({ needs: ['dsn'], implementations: [code()] }))).toEqual(['no-link: dsn missing']);
    expect(said(traced({ needs: ['dsn'], implementations: [code({ proves: 'dsn' })] }))).toEqual([]);
    const problem = { reason: 'dangling-link', message: 'src/a.ts is not in the project' };
    expect(said(traced({ needs: ['impl'], implementations: [code({ problem })] }))).toEqual(['no-link: impl missing']);
  });

  // @verifies AC-verdicts-waivers-end
  it('may be waived for their kind until a day, and never longer', () => {
    const waived = (waiver: object): string[] =>
      said(traced({ needs: ['stest'], waived: [{ reason: 'no rig', ...waiver }] }));
    expect(waived({})).toEqual(['waived: stest: no rig']);
    expect(waived({ kind: 'stest', issue: '#12', until: '2026-06-01' })).toEqual([
      'waived: stest: no rig, #12 (until 2026-06-01)',
    ]);
    expect(waived({ kind: 'utest' })).toEqual(['no-link: stest missing']);
    expect(waived({ until: '2026-05-31' })).toEqual(['no-link: stest missing']);
  });
});

describe('the entries of a spec', () => {
  // @verifies AC-catalog-notes
  it('are criteria, but for notes and headings', () => {
    const entries = [
      criterion({ id: 'AC-1', kind: 'heading' }),
      criterion({ id: 'AC-2' }),
      criterion({ id: 'AC-3', kind: 'note' }),
      criterion({ id: 'AC-4', kind: 'criterion' }),
    ];
    const whole = spec({ criteria: entries });
    expect(criteriaOf(whole).map((entry) => entry.id)).toEqual(['AC-2', 'AC-4']);
    expect(entriesOf(whole)).toEqual(entries);
  });
});
