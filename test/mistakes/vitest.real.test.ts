/**
 * Honest mistakes and habits of projects that use vitest, each with the verdict that is right. All rows are files of one project,
 * judged by one verify; what needs another configuration has a project of its own.
 */
import { expect, it } from 'vitest';
import { installHere } from '../rig/project.js';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';

const HEAD = "import { describe, expect, it, test } from 'vitest';\n";
const VERIFIES = `// @${'verifies'}`;

/** A row that is one file: `TAG` stands for the tag of its criterion. */
const row = (id: string, tried: string, body: string, wanted: Mistake['wanted'], ending = 'test.ts'): Mistake => ({
  id,
  tried,
  files: { [`test/${id}.${ending}`]: HEAD + body.replaceAll('TAG', `${VERIFIES} AC-${id}`) },
  wanted,
});

/** Never true, and nothing that a compiler could know. */
const NEVER = "process.platform === ('plan' + '9')";
const OUT = 'SKIP(configured-out)';

const DEFINITIONS: readonly Mistake[] = [
  row(
    'v15',
    'platform if/else, titles put together',
    `if (${NEVER}) {\n  TAG\n  it('locks ' + 'files', () => expect(1).toBe(1));\n} else {\n  it('lo' + 'cks files', () => expect(1).toBe(1));\n}\n`,
    OUT,
  ),
  row(
    'x39',
    'switch with one title from a constant in two cases',
    `const title = 'locks';\nswitch (process.platform as string) {\n  case 'plan9':\n    TAG\n    it(title, () => expect(1).toBe(1));\n    break;\n  default:\n    it(title, () => expect(1).toBe(1));\n}\n`,
    OUT,
  ),
  row(
    'one-line',
    'both branches of a conditional on one line, the tagged one is not taken',
    `const title = 'locks';\n${NEVER} ?\n  TAG\n  it(title, () => expect(1).toBe(1)) : it(title, () => expect(1).toBe(1));\n`,
    OUT,
  ),
  row(
    'several-lines',
    'the branch that runs spans lines',
    `const title = 'locks';\nif (${NEVER}) {\n  TAG\n  it(title, () => expect(1).toBe(1));\n} else {\n  it(\n    title,\n    () => expect(1).toBe(1),\n  );\n}\n`,
    OUT,
  ),
  row(
    'own-lines',
    'the tagged branch spans lines and runs, the other fails',
    `const title = 'locks';\nif (${NEVER}) {\n  it(title, () => expect(1).toBe(2));\n} else {\n  TAG\n  it(\n    title,\n    () => expect(1).toBe(1),\n  );\n}\n`,
    'PASS(executed)',
  ),
  row(
    'and',
    'declared behind &&, never reached, and once more',
    `TAG\n${NEVER} && it('locks', () => expect(1).toBe(1));\nit('locks', () => expect(1).toBe(1));\n`,
    OUT,
  ),
  row(
    'pattern',
    'another test of an each comes out under the very title',
    `if (${NEVER}) {\n  TAG\n  it('locks 1', () => expect(1).toBe(1));\n}\nit.each([1])('locks %i', (n) => expect(n).toBe(1));\n`,
    OUT,
  ),
  row(
    'loop',
    'a test that a loop makes has the title of a branch that is not taken',
    `if (${NEVER}) {\n  TAG\n  it('locks a', () => expect(1).toBe(1));\n}\nfor (const name of ['a']) it(\`locks \${name}\`, () => expect(1).toBe(1));\n`,
    OUT,
  ),
  row(
    'suites',
    'two suites of one title, the tagged one is not declared',
    `if (${NEVER}) {\n  TAG\n  describe('locks', () => {\n    it('opens', () => expect(1).toBe(1));\n  });\n} else {\n  describe('locks', () => {\n    it('opens', () => expect(1).toBe(1));\n  });\n}\n`,
    OUT,
  ),
  row(
    'wrapper-twins',
    'a wrapper declares both branches at one place',
    `const check = (title: string, n: number) => it(title, () => expect(n).toBe(1));\nif (${NEVER}) {\n  TAG\n  check('locks', 1);\n} else {\n  check('locks', 1);\n}\n`,
    ['ERROR(ambiguous-selector)', OUT],
  ),
  row(
    'wrapper',
    'a test that a wrapper declares is that test',
    `const check = (title: string, n: number) => it(title, () => expect(n).toBe(1));\nTAG\ncheck('locks', 1);\n`,
    'PASS(executed)',
  ),
  row(
    'same-title',
    'two tests of one title, the tagged one fails',
    `it('locks', () => expect(1).toBe(1));\nTAG\nit('locks', () => expect(1).toBe(2));\n`,
    'FAIL(assertion)',
  ),
  row(
    'try',
    'declared in a try block that throws before, and again in its catch',
    `try {\n  if (process.argv.length > 0) throw new Error('no binding');\n  TAG\n  it('locks', () => expect(1).toBe(1));\n} catch {\n  it('locks', () => expect(1).toBe(1));\n}\n`,
    OUT,
  ),
];

const REPORTED: readonly Mistake[] = [
  row(
    'v07',
    'it.fails of a known bug',
    `TAG\nit.fails('refunds once', () => expect(2).toBe(1));\n`,
    'SKIP(expected-failure)',
  ),
  row(
    'fails-option',
    'the same as an option, in a suite',
    `describe('refunds', () => {\n  TAG\n  it('once', { fails: true }, () => expect(2).toBe(1));\n});\n`,
    'SKIP(expected-failure)',
  ),
  row(
    'fails-not',
    'it.fails that passes by now',
    `TAG\nit.fails('refunds once', () => expect(1).toBe(1));\n`,
    'FAIL(assertion)',
  ),
  row(
    'fails-each',
    'one of several declared failures',
    `TAG\nit.fails.each([1, 2])('refunds %i', (n) => expect(n).toBe(3));\n`,
    'SKIP(expected-failure)',
  ),
  row(
    'case35',
    'toMatchSnapshot, nothing stored',
    `TAG\nit('looks the same', () => expect({ a: 1 }).toMatchSnapshot());\n`,
    'ERROR(snapshot-written)',
  ),
  row(
    'v43',
    'toMatchFileSnapshot, file missing',
    `TAG\nit('looks the same', async () => {\n  await expect('a').toMatchFileSnapshot('./v43.txt');\n});\n`,
    'ERROR(snapshot-written)',
  ),
  row(
    'inline',
    'toMatchInlineSnapshot, empty',
    `TAG\nit('looks the same', () => expect({ a: 1 }).toMatchInlineSnapshot());\n`,
    'ERROR(snapshot-written)',
  ),
  row(
    'throwing',
    'toThrowErrorMatchingInlineSnapshot, empty',
    `TAG\nit('says why', () => expect(() => { throw new Error('no'); }).toThrowErrorMatchingInlineSnapshot());\n`,
    'ERROR(snapshot-written)',
  ),
  row(
    'throwing-stored',
    'toThrowErrorMatchingSnapshot, nothing stored',
    `TAG\nit('says why', () => expect(() => { throw new Error('no'); }).toThrowErrorMatchingSnapshot());\n`,
    'ERROR(snapshot-written)',
  ),
  row(
    'inline-other',
    'an inline snapshot that differs',
    `TAG\nit('looks the same', () => expect(1).toMatchInlineSnapshot('2'));\n`,
    'FAIL(assertion)',
  ),
  row(
    'inline-same',
    'an inline snapshot that is equal',
    `TAG\nit('looks the same', () => expect(1).toMatchInlineSnapshot('1'));\n`,
    'PASS(executed)',
  ),
  row(
    'case37',
    'passes at the third try',
    `let n = 0;\nTAG\nit('flaky', { retry: 3 }, () => { n += 1; expect(n).toBe(3); });\n`,
    'PASS(executed)',
  ),
  row('case40', 'describe.todo', `TAG\ndescribe.todo('refunds');\n`, 'SKIP(runner-skipped)'),
  row('todo', 'it.todo', `TAG\nit.todo('refund');\n`, 'SKIP(runner-skipped)'),
];

const LATE: readonly Mistake[] = [
  row(
    'v40',
    'a timer throws after the test ended, the next test keeps the file alive',
    `TAG\nit('saves', () => {\n  setTimeout(() => { throw new Error('late'); }, 20);\n  expect(1).toBe(1);\n});\nit('waits', async () => {\n  await new Promise((resolve) => setTimeout(resolve, 80));\n  expect(1).toBe(1);\n});\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'w35',
    'a timer throws after the only selected test ended',
    `TAG\nit('saves', () => {\n  setTimeout(() => { throw new Error('late'); }, 60);\n  expect(1).toBe(1);\n});\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'v67',
    'a forgotten await of an assertion in a helper',
    `async function check(value: number) {\n  await new Promise((resolve) => setTimeout(resolve, 30));\n  expect(value).toBe(2);\n}\nTAG\nit('loads', async () => {\n  check(1);\n});\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'late-read',
    'a forgotten await of a file that cannot be read',
    `import { readFile } from 'node:fs/promises';\nTAG\nit('loads', () => {\n  void readFile('/nowhere/at/all').then((text) => expect(text).toBe('x'));\n  expect(1).toBe(1);\n});\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'late-each',
    'an assertion in an async callback of forEach',
    `TAG\nit('loads', () => {\n  [1, 2].forEach(async (n) => {\n    await new Promise((resolve) => setTimeout(resolve, 10));\n    expect(n).toBe(1);\n  });\n  expect(1).toBe(1);\n});\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'late-resolves',
    'an assertion on a promise that nobody awaits',
    `TAG\nit('loads', () => {\n  void expect(new Promise((resolve) => setTimeout(resolve, 10, 1))).resolves.toBe(2);\n});\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'late-masked',
    'the same beside a test that fails',
    `TAG\nit('saves', () => {\n  setTimeout(() => { throw new Error('late'); }, 20);\n  expect(1).toBe(1);\n});\nit('fails', () => expect(1).toBe(2));\n`,
    ['ERROR(crash)', 'FAIL(assertion)'],
  ),
  row(
    'leaves-open',
    'a server and an interval left behind are no mistake of what passed',
    `import { createServer } from 'node:http';\nTAG\nit('listens', async () => {\n  const server = createServer();\n  await new Promise<void>((resolve) => server.listen(0, resolve));\n  expect(server.listening).toBe(true);\n});\n`,
    'PASS(executed)',
  ),
];

const TITLES: readonly Mistake[] = [
  row('nul', 'NUL in a title', `TAG\nit('rejects \\u0000 in a name', () => expect(1).toBe(1));\n`, 'PASS(executed)'),
  row(
    'line-feed',
    'a title over two lines',
    `TAG\nit(\`a refund\n  is booked once\`, () => expect(1).toBe(1));\n`,
    'PASS(executed)',
  ),
  row('return', 'a carriage return in a title', `TAG\nit('a\\rb', () => expect(1).toBe(1));\n`, 'PASS(executed)'),
  row(
    'separators',
    'U+2028 and U+2029 in a title',
    `TAG\nit('a\\u2028b\\u2029c', () => expect(1).toBe(1));\n`,
    'PASS(executed)',
  ),
  row('half', 'half a surrogate pair in a title', `TAG\nit('a\\ud800b', () => expect(1).toBe(1));\n`, [
    'PASS(executed)',
    'ERROR(not-found)',
  ]),
  row(
    'signs',
    'signs of regular expressions in a title',
    `TAG\nit('a/b (c) [d]* $& ^ \\\\d+ | ?', () => expect(1).toBe(1));\n`,
    'PASS(executed)',
  ),
  row('empty', 'a test with an empty title', `TAG\nit('', () => expect(1).toBe(1));\n`, [
    'PASS(executed)',
    'ERROR(not-found)',
  ]),
  row(
    'after-empty',
    'a test after a suite with an empty title',
    `describe('', () => {\n  it('in', () => expect(1).toBe(1));\n});\nTAG\nit('after', () => expect(1).toBe(1));\n`,
    'PASS(executed)',
  ),
  row(
    'case30',
    'a table over lines in TypeScript',
    `TAG\ntest.each\`\n  a    | b\n  \${1} | \${1}\n  \${2} | \${2}\n\`('row $a', ({ a, b }) => expect(a).toBe(b));\n`,
    'PASS(executed)',
  ),
  row(
    'table-fails',
    'the second row of a table fails, tests around pass',
    `it('row x', () => expect(1).toBe(1));\nTAG\ntest.each\`\n  a    | b\n  \${1} | \${1}\n  \${2} | \${3}\n\`('line $a', ({ a, b }) => expect(a).toBe(b));\nit.each([1])('column %i', (n) => expect(n).toBe(1));\n`,
    'FAIL(assertion)',
  ),
  row(
    'table-js',
    'a table over lines in JavaScript',
    `TAG\ntest.each\`\n  a    | b\n  \${1} | \${1}\n\`('row $a', ({ a, b }) => expect(a).toBe(b));\n`,
    'PASS(executed)',
    'test.js',
  ),
];

const project = async (rows: readonly Mistake[], configuration: string) => {
  const made = await mistakesProject(rows, {
    'vitest.config.ts': `export default { test: ${configuration} };\n`,
    'package.json':
      '{"name":"case","type":"module","private":true,"scripts":{"test":"vitest run"},"devDependencies":{"vitest":"^4.0.0"}}\n',
  });
  await installHere(made);
  return made;
};

// @verifies AC-runners-definition, AC-runners-worst-word, AC-runners-late-errors, AC-runners-odd-titles
it('are each judged rightly, in one project', async () => {
  const rows = [...DEFINITIONS, ...REPORTED, ...TITLES, ...LATE];
  await using made = await project(rows, '{}');
  expect(wrongRows(rows, await judge(made))).toEqual([]);
  expect(await made.git('status', '--short', 'test')).toBe('');
});

// @verifies AC-runners-late-errors
it('count as late errors although the project ignores such errors', async () => {
  const rows = [
    row(
      'w05',
      'dangerouslyIgnoreUnhandledErrors with a late rejection',
      `TAG\nit('saves', () => {\n  void Promise.reject(new Error('late'));\n  expect(1).toBe(1);\n});\n`,
      'ERROR(crash)',
    ),
    row('beside', 'another file of that project', `TAG\nit('loads', () => expect(1).toBe(1));\n`, 'PASS(executed)'),
  ];
  await using made = await project(rows, '{ dangerouslyIgnoreUnhandledErrors: true }');
  expect(wrongRows(rows, await judge(made))).toEqual([]);
});

/** Rows that share a package; `files` beside those of the rows. */
const at = (id: string, path: string, body: string, wanted: string): Mistake => ({
  id,
  tried: path,
  files: { [path]: body.replaceAll('TAG', `${VERIFIES} AC-${id}`) },
  wanted,
});

// @verifies AC-runners-own-way
it('are judged as the package scripts run them: configuration, flags, variables, and no build-only configuration', async () => {
  const mode = (wanted: string): string =>
    `${HEAD}TAG\ntest('has its mode', () => expect(process.env.MODE_X).toBe('${wanted}'));\n`;
  const bare = `TAG\ntest('adds', () => { expect(1 + 1).toBe(2); });\n`;
  const rows = [
    at('case43-wrong', 'packages/ui/src/a.test.ts', mode('lenient'), 'FAIL(assertion)'),
    at('case43-globals', 'packages/ui/src/b.test.ts', bare, 'PASS(executed)'),
    at('w26', 'packages/ui/src/c.test.ts', mode('strict'), 'PASS(executed)'),
    at('own-script', 'packages/api/src/a.test.ts', mode('api'), 'PASS(executed)'),
    at('case44-pass', 'e2e/a.e2e.ts', mode('e2e'), 'PASS(executed)'),
    at('case44-fail', 'e2e/b.e2e.ts', mode('strict'), 'FAIL(assertion)'),
    at('flag', 'packages/flags/a.test.ts', bare, 'PASS(executed)'),
    at('nobody', 'e2e/c.other.ts', mode('e2e'), 'ERROR(not-found)'),
    at(
      'case45-ok',
      'types/y.test-d.ts',
      `import { expectTypeOf, test } from 'vitest';\nTAG\ntest('fits', () => { expectTypeOf(1).toEqualTypeOf<number>(); });\n`,
      'PASS(executed)',
    ),
    at(
      'case45-bad',
      'types/z.test-d.ts',
      `import { expectTypeOf, test } from 'vitest';\nTAG\ntest('fits', () => { expectTypeOf(1).toEqualTypeOf<string>(); });\n`,
      'FAIL(assertion)',
    ),
    at(
      'case46-bun',
      'packages/ui/bun.test.ts',
      `import { test } from 'bun:test';\nTAG\ntest('adds', () => {});\n`,
      'SKIP(unavailable:bun)',
    ),
    at('case46-deno', 'packages/ui/deno_test.ts', `TAG\nDeno.test('adds', () => {});\n`, 'SKIP(unavailable:deno)'),
  ];
  const packageOf = (scripts: Readonly<Record<string, string>>): string =>
    `${JSON.stringify({ name: 'case', type: 'module', private: true, scripts, devDependencies: { vitest: '^4.0.0' } })}\n`;
  await using made = await mistakesProject(rows, {
    'package.json': packageOf({
      test: 'vitest run',
      'test:e2e': 'MODE_X=e2e vitest run -c vitest.e2e.config.ts',
      types: 'vitest --typecheck --coverage',
    }),
    'vitest.config.ts': `export default { test: { globals: true, env: { MODE_X: 'strict' }, exclude: ['packages/api/**', '**/node_modules/**'] } };\n`,
    'vitest.e2e.config.ts': `export default { test: { include: ['e2e/**/*.e2e.ts'] } };\n`,
    'tsconfig.json': `{"compilerOptions":{"target":"es2022","module":"esnext","moduleResolution":"bundler","strict":true,"skipLibCheck":true,"noEmit":true,"types":[]},"include":["types"]}\n`,
    'packages/ui/package.json': '{"name":"ui","type":"module","scripts":{"build":"vite build"}}\n',
    'packages/ui/vite.config.ts': `export default { build: { lib: { entry: 'src/index.ts', formats: ['es'] } } };\n`,
    'packages/api/package.json': packageOf({ test: 'cross-env MODE_X=api vitest run --coverage --reporter=dot' }),
    // Without one of its own vitest would take the root's, wherever it starts.
    'packages/api/vitest.config.ts': 'export default { test: {} };\n',
    'packages/flags/package.json': packageOf({ test: 'vitest --run --globals --passWithNoTests' }),
  });
  await installHere(made);
  expect(wrongRows(rows, await judge(made))).toEqual([]);
});
