/** Honest mistakes and habits of projects that use node:test, each with the verdict that is right. */
import { expect, it } from 'vitest';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';

const HEAD = "import test, { describe, it } from 'node:test';\nimport assert from 'node:assert/strict';\n";
const VERIFIES = `// @${'verifies'}`;

/** A row that is one file: `TAG` stands for the tag of its criterion. */
const row = (id: string, tried: string, body: string, wanted: Mistake['wanted']): Mistake => ({
  id,
  tried,
  files: { [`test/${id}.test.mjs`]: HEAD + body.replaceAll('TAG', `${VERIFIES} AC-${id}`) },
  wanted,
});

const NEVER = "process.platform === 'plan9'";
const OK = '() => { assert.ok(true); }';
const BAD = '() => { assert.ok(false); }';
const OUT = 'SKIP(configured-out)';
const LATE = ['ERROR(crash)', 'FAIL(assertion)'];

const DEFINITIONS: readonly Mistake[] = [
  row(
    'n11',
    'if/else, one title in a constant, the tagged branch did not run',
    `const title = 'locks';\nif (${NEVER}) {\n  TAG\n  test(title, ${OK});\n} else {\n  test(title, ${OK});\n}\n`,
    OUT,
  ),
  row(
    'n13',
    'if/else, one title, the other one spans 3 lines',
    `if (${NEVER}) {\n  TAG\n  test('locks', ${OK});\n} else {\n  test(\n    'locks',\n    ${OK},\n  );\n}\n`,
    OUT,
  ),
  row(
    'own-lines',
    'the tagged branch spans lines and runs, the other fails',
    `if (${NEVER}) {\n  test('locks', ${BAD});\n} else {\n  TAG\n  test(\n    'locks',\n    ${OK},\n  );\n}\n`,
    'PASS(executed)',
  ),
  row(
    'one-line',
    'both branches of a conditional on one line',
    `${NEVER} ?\n  TAG\n  test('locks', ${OK}) : test('locks', ${OK});\n`,
    OUT,
  ),
  row(
    'switch',
    'switch with one title in two cases',
    `switch (process.platform) {\n  case 'plan9':\n    TAG\n    test('locks', ${OK});\n    break;\n  default:\n    test('locks', ${OK});\n}\n`,
    OUT,
  ),
  row(
    'suites',
    'two suites of one title, the tagged one is not declared',
    `if (${NEVER}) {\n  TAG\n  describe('locks', () => {\n    it('opens', ${OK});\n  });\n} else {\n  describe('locks', () => {\n    it('opens', ${OK});\n  });\n}\n`,
    OUT,
  ),
  row(
    'subtest',
    'two subtests of one title, the tagged one is not reached',
    `test('locks', async (t) => {\n  if (${NEVER}) {\n    TAG\n    await t.test('opens', ${OK});\n  } else {\n    await t.test('opens', ${OK});\n  }\n});\n`,
    OUT,
  ),
  row(
    'wrapper',
    'a test that a wrapper declares is that test',
    `const check = (title, n) => test(title, () => assert.equal(n, 1));\nTAG\ncheck('locks', 1);\n`,
    'PASS(executed)',
  ),
  row(
    'same-title',
    'two tests of one title, the tagged one fails',
    `test('locks', ${OK});\nTAG\ntest('locks', ${BAD});\n`,
    'FAIL(assertion)',
  ),
];

const REPORTED: readonly Mistake[] = [
  row(
    'case12-all',
    'all subtests are skipped',
    `TAG\ntest('refund', async (t) => {\n  await t.test('card', { skip: 'no sandbox' }, ${BAD});\n  await t.test('cash', { skip: true }, ${BAD});\n});\n`,
    'SKIP(runner-skipped)',
  ),
  row(
    'case12-one',
    'one of two subtests is skipped',
    `TAG\ntest('order', async (t) => {\n  await t.test('card', ${OK});\n  await t.test('cash', { skip: 'no sandbox' }, ${BAD});\n});\n`,
    'SKIP(runner-skipped)',
  ),
  row(
    'deep',
    'a subtest of a subtest is skipped',
    `TAG\ntest('order', async (t) => {\n  await t.test('card', async (u) => {\n    await u.test('debit', { skip: true }, ${BAD});\n  });\n});\n`,
    'SKIP(runner-skipped)',
  ),
  row(
    'todo-fails',
    'a subtest that is to do fails',
    `TAG\ntest('order', async (t) => {\n  await t.test('card', { todo: 'later' }, ${BAD});\n});\n`,
    'SKIP(runner-skipped)',
  ),
  row('todo-passes', 'a test that is to do passes', `TAG\ntest.todo('order', ${OK});\n`, 'SKIP(runner-skipped)'),
  row(
    'todo-inside',
    'a test that calls itself to do',
    `TAG\ntest('order', (t) => {\n  t.todo('later');\n  assert.ok(true);\n});\n`,
    'SKIP(runner-skipped)',
  ),
  row(
    'skip-inside',
    'a test that skips itself',
    `TAG\ntest('order', (t) => {\n  t.skip('no sandbox');\n});\n`,
    'SKIP(runner-skipped)',
  ),
  row(
    'neighbour',
    'a test beside one whose subtests are skipped',
    `test('refund', async (t) => {\n  await t.test('card', { skip: true }, ${BAD});\n});\nTAG\ntest('order', async (t) => {\n  await t.test('card', ${OK});\n});\n`,
    'PASS(executed)',
  ),
  row('suite-todo', 'describe.todo', `TAG\ndescribe.todo('refunds');\n`, 'SKIP(runner-skipped)'),
  row(
    'suite-skip',
    'describe.skip with a test',
    `describe.skip('refunds', () => {\n  TAG\n  it('once', ${OK});\n});\n`,
    'SKIP(runner-skipped)',
  ),
];

const LATES: readonly Mistake[] = [
  row(
    'x01',
    'a late throw of a passing test, masked by another linked test that fails',
    `TAG\ntest('saves', () => {\n  setTimeout(() => { throw new Error('late'); }, 30);\n});\ntest('fails', ${BAD});\n`,
    LATE,
  ),
  row(
    'case14-a',
    'a late rejection',
    `TAG\ntest('saves', () => {\n  void Promise.reject(new Error('late'));\n  assert.ok(true);\n});\n`,
    LATE,
  ),
  row(
    'case14-b',
    'a late rejection beside a failing test',
    `TAG\ntest('saves', () => {\n  void Promise.reject(new Error('late'));\n  assert.ok(true);\n});\ntest('fails', ${BAD});\n`,
    LATE,
  ),
  row(
    'late-await',
    'a forgotten await of an assertion in a helper',
    `async function check(n) {\n  await new Promise((resolve) => setTimeout(resolve, 20));\n  assert.equal(n, 2);\n}\nTAG\ntest('loads', async () => {\n  check(1);\n});\n`,
    LATE,
  ),
  row(
    'late-subtest',
    'a subtest that begins after its test has ended',
    `TAG\ntest('saves', (t) => {\n  setTimeout(() => void t.test('late', ${OK}).catch?.(() => {}), 20);\n});\ntest('waits', async () => {\n  await new Promise((resolve) => setTimeout(resolve, 60));\n});\n`,
    LATE,
  ),
  row(
    'late-subtest-fails',
    'an unawaited subtest beside a failing test',
    `TAG\ntest('saves', (t) => {\n  setTimeout(() => void t.test('late', ${OK}), 20);\n});\ntest('fails', async () => {\n  await new Promise((resolve) => setTimeout(resolve, 60));\n  assert.ok(false);\n});\n`,
    LATE,
  ),
  row(
    'fails-itself',
    'a throw that fails its own test is no late error',
    `test('throws', async () => {\n  setTimeout(() => { throw new Error('soon'); }, 1);\n  await new Promise((resolve) => setTimeout(resolve, 50));\n});\nTAG\ntest('beside', ${OK});\n`,
    'PASS(executed)',
  ),
];

const TITLES: readonly Mistake[] = [
  row('nul', 'NUL in a title', `TAG\ntest('rejects \\u0000 in a name', ${OK});\n`, 'PASS(executed)'),
  row('line-feed', 'a title over two lines', `TAG\ntest(\`a refund\n  is booked once\`, ${OK});\n`, 'PASS(executed)'),
  row('return', 'a carriage return in a title', `TAG\ntest('a\\rb', ${OK});\n`, 'PASS(executed)'),
  row('separators', 'U+2028 in a title', `TAG\ntest('a\\u2028b', ${OK});\n`, 'PASS(executed)'),
  row(
    'signs',
    'signs of regular expressions in a title',
    `TAG\ntest('a/b (c) [d]* $& ^ \\\\d+ | ?', ${OK});\n`,
    'PASS(executed)',
  ),
  row('empty', 'an empty title', `TAG\ntest('', ${OK});\n`, 'PASS(executed)'),
  row(
    'after-empty',
    'a test after one with an empty title',
    `test('', ${OK});\nTAG\ntest('after', ${OK});\n`,
    'PASS(executed)',
  ),
  row(
    'in-odd',
    'a subtest below a title over two lines',
    `test(\`a\nb\`, async (t) => {\n  TAG\n  await t.test('inner', ${OK});\n});\n`,
    'PASS(executed)',
  ),
];

// @verifies AC-runners-definition, AC-runners-worst-word, AC-runners-late-errors, AC-runners-odd-titles
it('are each judged rightly, in one project', async () => {
  const rows = [...DEFINITIONS, ...REPORTED, ...LATES, ...TITLES];
  await using made = await mistakesProject(rows, { 'package.json': '{"name":"case","type":"module"}\n' });
  expect(wrongRows(rows, await judge(made))).toEqual([]);
});

// @verifies AC-runners-own-way
it('are judged with the loader that the package script has in front of node, or behind it', async () => {
  const typed = (id: string, wanted: Mistake['wanted'], value: number): Mistake => ({
    id,
    tried: 'TypeScript through a loader of the script',
    files: {
      [`test/${id}.test.ts`]: `import test from 'node:test';\nimport assert from 'node:assert/strict';\n${VERIFIES} AC-${id}\ntest('adds', () => { assert.equal(process.env['ZONE'], 'x'); assert.equal(1 as number, ${value}); });\n`,
    },
    wanted,
  });
  // A loader that strips what these files have of types, and no package.
  const hooks = `export async function load(url, context, next) {\n  if (!url.endsWith('.ts')) return next(url, context);\n  const { readFile } = await import('node:fs/promises');\n  const text = await readFile(new URL(url), 'utf8');\n  return { format: 'module', shortCircuit: true, source: text.replaceAll(' as number', '') };\n}\n`;
  const preload = `import { register } from 'node:module';\nregister('./hooks.mjs', import.meta.url);\n`;
  const rows = [typed('case48-pass', 'PASS(executed)', 1), typed('case48-fail', 'FAIL(assertion)', 3)];
  for (const script of [
    'ZONE=x NODE_OPTIONS="--import ./loader/preload.mjs" node --test test/*.test.ts',
    'ZONE=x node --import ./loader/preload.mjs --test',
    'glob -c "ZONE=x node --import=./loader/preload.mjs --test" "./test/*.test.ts"',
  ]) {
    await using made = await mistakesProject(rows, {
      'package.json': JSON.stringify({ name: 'case', type: 'module', scripts: { test: script } }),
      'loader/hooks.mjs': hooks,
      'loader/preload.mjs': preload,
    });
    expect([script, wrongRows(rows, await judge(made))]).toEqual([script, []]);
  }
});
