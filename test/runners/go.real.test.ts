import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Case } from '../../src/model/index.js';
import { bench, judged, makeCase, shown } from '../run/rig.js';

const present = spawnSync('go', ['version']).status === 0;
const test = (file: string, ...path: string[]): Case => makeCase('go', file, path, { found: { kind: 'case' } });

describe.skipIf(!present && process.env['CI'] !== 'true')('go', () => {
  // @verifies AC-runners-exact-verdicts, AC-runners-leave-the-tree-alone
  it('gives every kind of end exactly its verdict, one process a package', async () => {
    await using project = await bench('go');
    const file = 'calc/calc_test.go';
    const { seen, wanted } = await judged(project, [
      [test(file, 'TestPasses'), 'PASS(executed)'],
      [test(file, 'TestFails'), 'FAIL(assertion)'],
      [test(file, 'TestSkips'), 'SKIP(runner-skipped)'],
      [test(file, 'TestReturnsEarly'), 'PASS(executed)'],
      [test(file, 'TestTable'), 'FAIL(assertion)'],
      [test(file, 'TestTable', 'one and one'), 'PASS(executed)'],
      [test(file, 'TestTable', 'two (and) two|a/b'), 'FAIL(assertion)'],
      [test(file, 'TestTable', 'skipped'), 'SKIP(runner-skipped)'],
      [test(file, 'TestAllGood'), 'PASS(executed)'],
      [test(file, 'TestPrintsFakes'), 'FAIL(assertion)'],
      [test(file, 'TestPass'), 'ERROR(not-found)'],
      [test(file, 'TestTable', 'renamed since'), 'ERROR(not-found)'],
      [test(file, 'ExampleAdd'), 'PASS(executed)'],
      [test('broken/broken_test.go', 'TestNeverCompiles'), 'ERROR(build)'],
      [test('deep/same/same_test.go', 'TestPasses'), 'FAIL(assertion)'],
    ]);
    expect(seen).toEqual(wanted);
    expect(project.events.filter((event) => event.type === 'batch.start')).toHaveLength(3);
    expect((await readdir(join(project.root, 'calc'))).sort()).toEqual(['calc.go', 'calc_test.go']);
  });

  // @verifies AC-runners-early-end
  it('runs again what a panic took with it', async () => {
    await using project = await bench('go');
    const file = 'calc/calc_test.go';
    const { seen, wanted } = await judged(project, [
      [test(file, 'TestPasses'), 'PASS(executed)'],
      [test(file, 'TestPanics'), 'FAIL(assertion)'],
      [test(file, 'TestPassesToo'), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-early-end, AC-runners-go-finished
  it('passes nothing that ended its process, whatever it printed', async () => {
    await using project = await bench('go');
    const file = 'ends/ends_test.go';
    const { seen, wanted } = await judged(project, [
      [test(file, 'TestBefore'), 'PASS(executed)'],
      [test(file, 'TestExitsWithZero'), 'FAIL(assertion)'],
      [test(file, 'TestForgesAndExits'), 'ERROR(crash)'],
      [test(file, 'TestForgesFramesAndExits'), 'ERROR(crash)'],
      [test(file, 'TestForgesFramesAndFails'), 'FAIL(assertion)'],
      [test(file, 'TestKillsItself'), 'ERROR(crash)'],
      [test(file, 'TestAfter'), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-time-limits
  it('ends a test at its own limit with all it started, and runs the rest', async () => {
    await using project = await bench('go');
    const all = ['TestQuick', 'TestHangs', 'TestQuickToo'].map((name): Case => ({
      ...test('hangs/hangs_test.go', name),
      timeoutMs: 800,
    }));
    const { outcomes } = await project.run(all);
    expect(all.map((entry) => shown(outcomes.get(entry.id)))).toEqual([
      'PASS(executed)',
      'FAIL(timeout)',
      'PASS(executed)',
    ]);
    expect(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout).not.toMatch(/sleep 603\.25/);
  });
});
