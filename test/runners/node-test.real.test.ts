import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Case, FoundTest } from '../../src/model/index.js';
import { bench, judged, lineOf, makeCase, shown, type Bench } from '../run/rig.js';

const SUITE = 'a suite (with signs: $ . * /)';

const test = async (
  project: Bench,
  file: string,
  path: string[],
  found: Partial<FoundTest> = {},
  text = `'${path.at(-1) ?? ''}'`,
): Promise<Case> => {
  const line = found.line ?? (await lineOf(project.root, `test/${file}`, text));
  return makeCase('node-test', `test/${file}`, path, { found: { line, endLine: line, ...found } });
};

describe('node:test', () => {
  // @verifies AC-runners-exact-verdicts
  it('gives every kind of end exactly its verdict, one process a file', async () => {
    await using project = await bench('node-test');
    const file = 'outcomes.test.js';
    const twins = await lineOf(project.root, `test/${file}`, "it('same title'");
    const { seen, wanted } = await judged(project, [
      [await test(project, file, [SUITE, 'passes']), 'PASS(executed)'],
      [await test(project, file, [SUITE, 'fails']), 'FAIL(assertion)'],
      [await test(project, file, [SUITE, 'is skipped'], { skip: 'skip' }), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'is skipped too'], { skip: 'skip' }), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'is to do'], { skip: 'todo' }), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'skips itself']), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'returns early'], { hollow: true }), 'PASS(executed)'],
      [await test(project, file, [SUITE, 'never ends']), 'FAIL(timeout)'],
      [await test(project, file, [SUITE, 'sees what the project preloads']), 'PASS(executed)'],
      [await test(project, file, ['a skipped suite', 'inherits the skip'], { skip: 'skip' }), 'SKIP(runner-skipped)'],
      [await test(project, file, ['a test that holds tests']), 'FAIL(assertion)'],
      [await test(project, file, ['a test that holds tests', 'one inside passes']), 'PASS(executed)'],
      [await test(project, file, ['a test that holds tests', 'one inside fails']), 'FAIL(assertion)'],
      [
        await test(project, file, ['made in a loop: ${name}'], { dynamic: true }, 'for (const name of'),
        'PASS(executed)',
      ],
      [await test(project, file, ['a suite whose before fails', 'cannot run']), 'ERROR(setup)'],
      [await test(project, file, ['a suite whose after fails', 'passed before that']), 'FAIL(assertion)'],
      [await test(project, file, ['twins', 'same title'], { line: twins }), 'PASS(executed)'],
      [await test(project, file, ['twins', 'same title'], { line: twins + 1 }), 'FAIL(assertion)'],
      [await test(project, file, ['twins', 'renamed since'], { line: 1 }), 'ERROR(not-found)'],
      [makeCase('node-test', `test/${file}`, ['twins', 'same title']), 'ERROR(ambiguous-selector)'],
      [await test(project, 'same.test.js', ['same title in two files']), 'PASS(executed)'],
      [await test(project, 'same-too.test.js', ['same title in two files']), 'FAIL(assertion)'],
      [await test(project, 'broken.test.js', ['never compiles']), 'ERROR(build)'],
      [await test(project, 'same.test.js', ['renamed since'], { line: 3 }), 'ERROR(not-found)'],
    ]);
    expect(seen).toEqual(wanted);
    expect(project.events.filter((event) => event.type === 'batch.start')).toHaveLength(4);
  });

  // @verifies AC-runners-early-end
  it('passes nothing that ended its process, whatever it printed', async () => {
    await using project = await bench('node-test');
    const { seen, wanted } = await judged(project, [
      [await test(project, 'ends.test.js', ['before an exit']), 'PASS(executed)'],
      [await test(project, 'ends.test.js', ['exits with zero']), 'ERROR(crash)'],
      [await test(project, 'ends.test.js', ['prints success and exits']), 'ERROR(crash)'],
      [await test(project, 'ends.test.js', ['kills its process']), 'ERROR(crash)'],
      [await test(project, 'ends.test.js', ['after an exit']), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-unhandled-errors
  it('does not believe a pass beside an error outside any test', async () => {
    await using project = await bench('node-test');
    const guilty = await test(project, 'strays.test.js', ['leaves an error behind']);
    const other = await test(project, 'strays.test.js', ['has nothing to do with it']);
    const verdicts = await project.verdicts([guilty, other]);
    expect(verdicts[guilty.id]).not.toContain('PASS');
    expect(verdicts[other.id]).toBe('PASS(executed)');
  });

  // @verifies AC-runners-time-limits
  it('ends a test at its own limit with all it started, and runs the rest', async () => {
    await using project = await bench('node-test');
    const all: Case[] = [];
    for (const title of ['waits for ever', 'loops for ever', 'is quick', 'is quick too'])
      all.push({ ...(await test(project, 'hangs.test.js', [title])), timeoutMs: 500 });
    const { outcomes } = await project.run(all);
    expect(all.map((entry) => shown(outcomes.get(entry.id)))).toEqual([
      'FAIL(timeout)',
      'FAIL(timeout)',
      'PASS(executed)',
      'PASS(executed)',
    ]);
    expect(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout).not.toMatch(/sleep 602\.25/);
  });

  // @verifies AC-runners-unavailable
  it('does not run TypeScript that the project configured no loader for', async () => {
    await using project = await bench(null);
    await writeFile(join(project.root, 'a.test.ts'), "import { test } from 'node:test';\ntest('typed', () => {});\n");
    const entry = await (async () => makeCase('node-test', 'a.test.ts', ['typed'], { found: { line: 2 } }))();
    const native = spawnSync(process.execPath, ['-p', 'process.features.typescript || ""'], {
      encoding: 'utf8',
    }).stdout.trim();
    expect(await project.verdicts([entry])).toEqual({
      [entry.id]: native === '' || native === 'undefined' ? 'SKIP(unavailable:typescript-loader)' : 'PASS(executed)',
    });
  });
});
