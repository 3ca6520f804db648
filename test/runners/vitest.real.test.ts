import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Case, FoundTest } from '../../src/model/index.js';
import { bench, judged, lineOf, makeCase, shown, type Bench } from '../run/rig.js';

const SUITE = 'a suite (with signs: $ . *)';

/** A case with the line on which its title stands, as the scan would give it. */
const test = async (
  project: Bench,
  file: string,
  path: string[],
  found: Partial<FoundTest> = {},
  text = path.at(-1) ?? '',
): Promise<Case> => {
  const line = found.line ?? (await lineOf(project.root, `test/${file}`, text));
  return makeCase('vitest', `test/${file}`, path, { found: { line, endLine: line, ...found } });
};

describe('vitest', () => {
  // @verifies AC-runners-exact-verdicts, AC-runners-vitest-join
  it('gives every kind of end exactly its verdict, in one process', async () => {
    await using project = await bench('vitest');
    const file = 'outcomes.test.ts';
    const twins = await lineOf(project.root, `test/${file}`, "it('same title'");
    const { seen, wanted } = await judged(project, [
      [await test(project, file, [SUITE, 'passes']), 'PASS(executed)'],
      [await test(project, file, [SUITE, 'fails']), 'FAIL(assertion)'],
      [await test(project, file, [SUITE, 'is skipped'], { skip: 'skip' }), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'is to do'], { skip: 'todo' }), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'skips itself']), 'SKIP(runner-skipped)'],
      [await test(project, file, [SUITE, 'returns early'], { hollow: true }), 'PASS(executed)'],
      [await test(project, file, [SUITE, 'passes at the second try']), 'PASS(executed)'],
      [await test(project, file, [SUITE, 'never ends']), 'FAIL(timeout)'],
      [await test(project, file, ['a skipped suite', 'inherits the skip'], { skip: 'skip' }), 'SKIP(runner-skipped)'],
      [
        await test(project, file, ['adds one to %i and gets %i'], {
          parametrised: true,
          line: await lineOf(project.root, `test/${file}`, 'it.each(['),
          endLine: await lineOf(project.root, `test/${file}`, 'adds one'),
        }),
        'PASS(executed)',
      ],
      [await test(project, file, ['is $name'], { parametrised: true }), 'FAIL(assertion)'],
      [await test(project, file, ['a suite whose beforeAll fails', 'cannot run']), 'ERROR(setup)'],
      [await test(project, file, ['a suite whose afterAll fails', 'passed before that']), 'FAIL(assertion)'],
      [await test(project, file, ['a suite whose beforeEach fails', 'fails with it']), 'FAIL(assertion)'],
      [await test(project, file, ['twins', 'same title'], { line: twins }), 'PASS(executed)'],
      [await test(project, file, ['twins', 'same title'], { line: twins + 1 }), 'FAIL(assertion)'],
      [await test(project, file, ['declared by a wrapper'], {}, "check('declared"), 'PASS(executed)'],
      [await test(project, file, ['twins', 'same titl'], { line: 1 }), 'ERROR(not-found)'],
      [await test(project, file, ['twins', 'renamed since'], { line: 1 }), 'ERROR(not-found)'],
      [makeCase('vitest', `test/${file}`, ['twins', 'same title']), 'ERROR(ambiguous-selector)'],
      [makeCase('vitest', `test/${file}`, ['twins']), 'FAIL(assertion)'],
      [await test(project, 'same.test.ts', ['same title in two files']), 'PASS(executed)'],
      [await test(project, 'same-too.test.ts', ['same title in two files']), 'FAIL(assertion)'],
      [await test(project, 'broken.test.ts', ['never compiles']), 'ERROR(build)'],
      [await test(project, 'imports-nothing.test.ts', ['cannot be loaded']), 'ERROR(build)'],
    ]);
    expect(seen).toEqual(wanted);
    expect(project.events.filter((event) => event.type === 'batch.start')).toHaveLength(1);
    expect(project.events.filter((event) => event.type === 'retry')).toEqual([]);
  });

  // @verifies AC-runners-vitest-join
  it('joins tests whose titles are not known before the run by their line', async () => {
    await using project = await bench('vitest');
    const text = 'for (const name of';
    const { seen, wanted } = await judged(project, [
      [await test(project, 'outcomes.test.ts', ['made in a loop: ${name}'], { dynamic: true }, text), 'PASS(executed)'],
      [await test(project, 'outcomes.test.ts', ['no such line'], { dynamic: true, line: 2 }), 'ERROR(not-found)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-early-end, AC-runners-vitest-pending
  it('finds the test that ended its process, and leaves the others their verdicts', async () => {
    await using project = await bench('vitest');
    const { seen, wanted } = await judged(project, [
      [await test(project, 'exits.test.ts', ['before an exit']), 'PASS(executed)'],
      [await test(project, 'exits.test.ts', ['exits with zero']), 'FAIL(assertion)'],
      [await test(project, 'exits.test.ts', ['prints success and really exits'], {}, "it('prints"), 'ERROR(crash)'],
      [await test(project, 'killed.test.ts', ['before a kill']), 'PASS(executed)'],
      [await test(project, 'killed.test.ts', ['kills its process']), 'ERROR(crash)'],
      [await test(project, 'same.test.ts', ['same title in two files']), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-unhandled-errors
  it('does not believe a pass beside an unhandled error of the same file', async () => {
    await using project = await bench('vitest');
    const { seen, wanted } = await judged(project, [
      [await test(project, 'rejects.test.ts', ['leaves a rejection behind']), 'ERROR(crash)'],
      [await test(project, 'rejects.test.ts', ['has nothing to do with it']), 'PASS(executed)'],
      [await test(project, 'same.test.ts', ['same title in two files']), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-unhandled-errors, AC-runners-one-files-trouble
  it('blames a file whose worker cannot start for itself alone, and each of many rejections for its file', async () => {
    await using project = await bench('vitest');
    await writeFile(
      join(project.root, 'test/world.test.ts'),
      `// @${'vitest'}-environment nowhere-to-be-found\nimport { it } from 'vitest';\nit('lives elsewhere', () => {});\n`,
    );
    const cases: [Case, string][] = [
      [await test(project, 'world.test.ts', ['lives elsewhere']), 'ERROR(setup)'],
      [await test(project, 'same.test.ts', ['same title in two files']), 'PASS(executed)'],
    ];
    const alone = await judged(project, cases);
    expect(alone.seen).toEqual(alone.wanted);
    const text =
      "import { expect, it } from 'vitest';\nit('leaves a rejection', async () => {\n  void Promise.reject(new Error('nobody looks'));\n  await new Promise((resolve) => setTimeout(resolve, 50));\n  expect(1).toBe(1);\n});\n";
    const many: [Case, string][] = [];
    for (let i = 0; i < 8; i += 1) {
      await writeFile(join(project.root, `test/many${i}.test.ts`), text);
      many.push([await test(project, `many${i}.test.ts`, ['leaves a rejection'], {}, "it('leaves"), 'ERROR(crash)']);
    }
    const flood = await judged(project, [
      ...many,
      [await test(project, 'same.test.ts', ['same title in two files']), 'PASS(executed)'],
    ]);
    expect(flood.seen).toEqual(flood.wanted);
  });

  // @verifies AC-runners-time-limits
  it('ends a test at its own limit with all it started, and runs the rest', async () => {
    await using project = await bench('vitest');
    const waits = { ...(await test(project, 'hangs.test.ts', ['waits for ever'])), timeoutMs: 1000 };
    const loops = { ...(await test(project, 'loops.test.ts', ['loops for ever'])), timeoutMs: 1000 };
    const quick = [
      await test(project, 'hangs.test.ts', ['is quick']),
      await test(project, 'hangs.test.ts', ['is quick too']),
      await test(project, 'loops.test.ts', ['stands beside a loop']),
    ];
    const all = [waits, loops, ...quick.map((entry): Case => ({ ...entry, timeoutMs: 1000 }))];
    const { outcomes } = await project.run(all);
    expect(all.map((entry) => shown(outcomes.get(entry.id)))).toEqual([
      'FAIL(timeout)',
      'FAIL(timeout)',
      'PASS(executed)',
      'PASS(executed)',
      'PASS(executed)',
    ]);
    expect(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout).not.toMatch(/sleep 601\.25/);
  });

  // @verifies AC-runners-unavailable
  it('says so when vitest cannot start, or is not installed', async () => {
    await using project = await bench('vitest');
    await writeFile(join(project.root, 'vitest.config.ts'), 'throw new Error("no configuration today");');
    const entry = await test(project, 'same.test.ts', ['same title in two files']);
    const { outcomes } = await project.run([entry]);
    expect(outcomes.get(entry.id)).toMatchObject({
      reason: 'setup',
      detail: expect.stringContaining('no configuration today') as string,
    });
    await using bare = await bench(null);
    await writeFile(join(bare.root, 'a.test.ts'), '');
    const other = makeCase('vitest', 'a.test.ts', ['x']);
    expect(await bare.verdicts([other])).toEqual({ [other.id]: 'SKIP(unavailable:vitest)' });
  });
});
