import { describe, expect, it } from 'vitest';
import type { Instances, Titles } from '../../src/model/index.js';
import { reportsOfInstances } from '../../src/run/instances.js';
import type { TestReport } from '../../src/run/join.js';
import { matching } from '../../src/run/matching.js';
import { makeCase } from './rig.js';

const titles = (path: string[], more: Partial<Titles> = {}): Titles => ({
  path,
  known: path.length,
  parametrised: true,
  placed: false,
  skipped: false,
  ...more,
});
const exact = (path: string[], more: Partial<Titles> = {}): Titles => titles(path, { parametrised: false, ...more });
const report = (path: string[], state = 'passed', line: number | null = null) => ({ path, state, line });
const instances = (others: readonly Titles[], line: number | null = null): Instances => ({
  line,
  own: titles(['g', '$name']),
  others,
});
const paths = (found: ReturnType<typeof reportsOfInstances>): unknown =>
  typeof found === 'string' ? found : found.map(({ path }) => path.at(-1));

// @verifies AC-runners-wrapped-instances
describe('reports of a test that a wrapper declares', () => {
  it('are those of its titles at that place', () => {
    const there = [report(['g', 'a']), report(['g', 'b']), report(['h', 'a']), report(['g', 'c'], 'passed', 3)];
    expect(paths(reportsOfInstances(instances([titles(['h', '$name'])]), there))).toEqual(['a', 'b']);
    expect(paths(reportsOfInstances(instances([], 3), there))).toEqual(['c']);
  });

  it("leave out what passed under another test's very title, and nothing that failed or was skipped", () => {
    const other = exact(['g', 'always']);
    const seen = (state: string, more: Partial<Titles> = {}): unknown =>
      paths(
        reportsOfInstances(instances([{ ...other, ...more }]), [report(['g', 'a']), report(['g', 'always'], state)]),
      );
    expect(seen('passed')).toEqual(['a']);
    expect(seen('failed')).toEqual(['a', 'always']);
    expect(seen('skipped')).toEqual(['a', 'always']);
    expect(seen('skipped', { skipped: true })).toEqual(['a']);
  });

  it("never are only what may be another test's", () => {
    const twin = instances([titles(['g', '$name'])]);
    expect(paths(reportsOfInstances(twin, [report(['g', 'a'])]))).toBe('ambiguous');
    const loop = instances([titles(['g', 'made in a loop'], { known: 1, parametrised: false })]);
    expect(paths(reportsOfInstances(loop, [report(['g', 'a'])]))).toBe('ambiguous');
    expect(paths(reportsOfInstances(instances([exact(['g', 'always'])]), [report(['g', 'always'])]))).toEqual([]);
  });

  it('include those that no known test explains: a title may have come out otherwise', () => {
    expect(
      paths(reportsOfInstances(instances([]), [report(['g', 'a']), report(['g', 'deeper', 'x'], 'failed')])),
    ).toEqual(['a', 'x']);
    expect(paths(reportsOfInstances(instances([]), [report(['else'])]))).toBe('ambiguous');
  });

  it('are compared with every test of the file where the runner names no lines', () => {
    const placed = instances([titles(['g', '$name'], { placed: true })]);
    expect(paths(reportsOfInstances(placed, [report(['g', 'a'])]))).toBe('ambiguous');
    expect(paths(reportsOfInstances(placed, [report(['g', 'a']), report(['x'], 'passed', 1)]))).toEqual(['a']);
  });

  it('that share titles and place with others are believed only when each was reported, and only from the place that the scan names', () => {
    const at = { file: 'helper.mjs', line: 4 };
    const one = makeCase('node-test', 'a.test.mjs', ['t'], {
      found: { line: 9, endLine: 9, reportedAt: at },
      twins: 2,
    });
    const report: TestReport = {
      file: at.file,
      path: ['t'],
      line: 4,
      state: 'passed',
      detail: '',
      message: '',
      startedAt: null,
      durationMs: 0,
    };
    expect(matching(one, [report]).kind).toBe('ambiguous');
    expect(matching(one, [report, report])).toEqual({ kind: 'some', reports: [report, report] });
    expect(matching(one, [{ ...report, file: 'a.test.mjs' }]).kind).toBe('none');
    expect(matching(one, []).kind).toBe('none');
  });
});
