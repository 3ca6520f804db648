import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Case } from '../../src/model/index.js';
import { bench, judged, makeCase, shown } from '../run/rig.js';

const present = spawnSync('python3', ['-c', 'import pytest']).status === 0;
/** By name alone, as a link that no analysis confirms. */
const test = (file: string, ...path: string[]): Case => makeCase('pytest', `tests/${file}`, path);

describe.skipIf(!present && process.env['CI'] !== 'true')('pytest', () => {
  // @verifies AC-runners-exact-verdicts, AC-runners-pytest-subtests, AC-runners-leave-the-tree-alone
  it('gives every kind of end exactly its verdict, in one process', async () => {
    await using project = await bench('pytest');
    const expected: [Case, string][] = [
      [test('test_outcomes.py', 'test_passes'), 'PASS(executed)'],
      [test('test_outcomes.py', 'test_fails'), 'FAIL(assertion)'],
      [test('test_outcomes.py', 'test_skipped'), 'SKIP(runner-skipped)'],
      [test('test_outcomes.py', 'test_skips_itself'), 'SKIP(runner-skipped)'],
      [test('test_outcomes.py', 'TestSkipped', 'test_inherits'), 'SKIP(runner-skipped)'],
      [test('test_outcomes.py', 'test_expected_failure'), 'SKIP(expected-failure)'],
      [test('test_outcomes.py', 'test_unexpected_pass'), 'PASS(executed)'],
      [test('test_outcomes.py', 'test_strict_unexpected_pass'), 'FAIL(assertion)'],
      [test('test_outcomes.py', 'test_returns_early'), 'PASS(executed)'],
      [test('test_outcomes.py', 'test_all_parameters_pass'), 'PASS(executed)'],
      [test('test_outcomes.py', 'test_all_parameters_pass[2]'), 'PASS(executed)'],
      [test('test_outcomes.py', 'test_odd_parameters'), 'FAIL(assertion)'],
      [test('test_outcomes.py', 'test_odd_parameters[a::b[c]]'), 'PASS(executed)'],
      [test('test_outcomes.py', 'test_partly_skipped'), 'SKIP(runner-skipped)'],
      [test('test_outcomes.py', 'test_needs_broken'), 'ERROR(setup)'],
      [test('test_outcomes.py', 'test_teardown_fails'), 'FAIL(assertion)'],
      [test('test_outcomes.py', 'TestSubTests', 'test_one_subtest_fails'), 'FAIL(assertion)'],
      [test('test_outcomes.py', 'TestSubTests', 'test_passes'), 'PASS(executed)'],
      [test('test_outcomes.py', 'TestSubTests', 'test_skipped'), 'SKIP(runner-skipped)'],
      [test('test_outcomes.py', 'test_taken_out_by_options'), 'SKIP(runner-skipped)'],
      [test('test_outcomes.py', 'test_renamed_since'), 'ERROR(not-found)'],
      [test('test_outcomes.py', 'test_pass'), 'ERROR(not-found)'],
      [test('test_outcomes.py', 'TestSubTests'), 'FAIL(assertion)'],
      [test('-dash.py', 'test_dash'), 'PASS(executed)'],
      [test('test_gone.py', 'test_gone'), 'ERROR(not-found)'],
    ];
    const { seen, wanted } = await judged(project, expected);
    expect(seen).toEqual(wanted);
    expect(project.events.filter((event) => event.type === 'retry')).toEqual([]);
    // Nothing was written into the tree.
    expect((await readdir(project.root)).sort()).toEqual(['pyproject.toml', 'tests']);
    expect(await readdir(join(project.root, 'tests'))).not.toContain('__pycache__');
  });

  // @verifies AC-runners-early-end
  it('finds the test that ended the process, and leaves the others their verdicts', async () => {
    await using project = await bench('pytest');
    const expected: [Case, string][] = [
      [test('test_ends.py', 'test_before'), 'PASS(executed)'],
      [test('test_ends.py', 'test_leaves_with_zero'), 'ERROR(crash)'],
      [test('test_ends.py', 'test_forges_and_leaves'), 'ERROR(crash)'],
      [test('test_ends.py', 'test_kills_itself'), 'ERROR(crash)'],
      [test('test_ends.py', 'test_system_exit'), 'FAIL(assertion)'],
      [test('test_ends.py', 'test_fork_reports_nothing'), 'FAIL(assertion)'],
      [test('test_ends.py', 'test_after'), 'PASS(executed)'],
    ];
    const { seen, wanted } = await judged(project, expected);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-one-files-trouble
  it('keeps the trouble of one file to that file', async () => {
    await using project = await bench('pytest');
    const expected: [Case, string][] = [
      [test('test_broken.py', 'test_never_compiles'), 'ERROR(build)'],
      [test('below/test_below.py', 'test_below'), 'ERROR(build)'],
      [test('test_same.py', 'test_title'), 'PASS(executed)'],
      [test('other/test_same.py', 'test_title'), 'FAIL(assertion)'],
      [test('test_outcomes.py', 'test_passes'), 'PASS(executed)'],
    ];
    const { seen, wanted } = await judged(project, expected);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-time-limits
  it('ends a test at its own limit with all it started, and runs the rest', async () => {
    await using project = await bench('pytest');
    const slow = [test('test_hangs.py', 'test_hangs'), test('test_hangs.py', 'test_hangs_with_children')].map(
      (entry): Case => ({
        ...entry,
        timeoutMs: 700,
      }),
    );
    const quick = [test('test_hangs.py', 'test_quick'), test('test_hangs.py', 'test_quick_too')];
    const { outcomes } = await project.run([...slow, ...quick]);
    expect([...slow, ...quick].map((entry) => shown(outcomes.get(entry.id)))).toEqual([
      'FAIL(timeout)',
      'FAIL(timeout)',
      'PASS(executed)',
      'PASS(executed)',
    ]);
    const table = spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout;
    expect(table).not.toMatch(/sleep 600\.(?:25|5)\b/);
  });
});
