import { describe, expect, it } from 'vitest';
import { inspect, testsOf, vitestFile } from './inspect.js';

// @verifies AC-scan-typescript-forms
describe('forms of tests', () => {
  it('finds plain, nested, chained and parametrised tests with the lines that runners report', async () => {
    const found = await vitestFile(`
it('plain', () => {});
describe('outer', () => {
  describe('inner', () => {
    test('deep', () => {});
  });
  it.concurrent.skip('chained', () => {});
});
it.each([
  1, 2,
])('each %i', () => {});
it.for([1])('for %i', () => {});
describe.each([['a']])('suite %s', () => {
  it('child', () => {});
});
it
  .only
  .fails('spread', () => {});
`);
    expect(testsOf(found)).toEqual([
      '3 plain',
      '4 outer (suite)',
      '5 outer > inner (suite)',
      '6 outer > inner > deep',
      '8 outer > chained (skip)',
      '12 each %i (parametrised)',
      '13 for %i (parametrised)',
      '14 suite %s (suite parametrised)',
      '15 suite %s > child (parametrised)',
      '19 spread (focused)',
    ]);
    expect(found.tests[3]?.selector).toBe('a.test.ts > outer > inner > deep');
    expect(found.tests[1]).toMatchObject({ endLine: 9, column: 1 });
  });

  it('follows aliases: renamed imports, constants, conditions, extended tests, namespaces and require', async () => {
    const found = await inspect({
      'a.test.ts': `import { it as check, describe as group, test as base } from 'vitest';
import * as v from 'vitest';
const { it: viaRequire } = require('vitest');
const later = check.todo;
const inCi = process.env.CI ? check : check.skip;
const fixture = base.extend<{ a: number }>({ a: 1 });
group('g', () => {
  check('one', () => {});
  later('two');
});
v.test('three', () => {});
viaRequire('four', () => {});
inCi('five', () => {});
fixture('six', ({ a }) => {});
`,
    });
    expect(testsOf(found)).toEqual([
      '7 g (suite)',
      '8 g > one',
      '9 g > two (todo)',
      '11 three',
      '12 four',
      '13 five (conditional)',
      '14 six',
    ]);
  });

  it('inherits skip and todo from suites and marks conditions', async () => {
    const found = await vitestFile(`
describe.skip('s', () => { it('a', () => {}); it.todo('b'); });
describe.todo('t', () => { it('c', () => {}); });
it.skipIf(process.env.X)('d', () => {});
it.runIf(true)('e', () => {});
if (process.env.Y) it('f', () => {});
it('g', { skip: true }, () => {});
it('h', { skip: process.env.Z }, () => {});
it('i', (ctx) => { ctx.skip(); });
it('j', ({ skip }) => { if (x) skip('why'); });
process.env.W && it('k', () => {});
`);
    expect(testsOf(found)).toEqual([
      '3 s (suite skip)',
      '3 s > a (skip)',
      '3 s > b (todo)',
      '4 t (suite todo)',
      '4 t > c (todo)',
      '5 d (conditional)',
      '6 e (conditional)',
      '7 f (conditional)',
      '8 g (skip)',
      '9 h (conditional)',
      '10 i (conditional)',
      '11 j (conditional)',
      '12 k (conditional)',
    ]);
  });

  it('sees node:test: options, subtests, function names, suites', async () => {
    const found = await inspect({
      'a.test.mjs': `import test, { describe, it, suite } from 'node:test';
test('plain', { skip: 'why' }, () => {});
test('todo', { todo: true }, () => {});
test('parent', async (t) => {
  await t.test('child', async (u) => {
    await u.test('grandchild', () => {});
  });
  await test('nested', () => {});
});
test(function named() {});
suite('s', () => { it('in', () => {}); test('x'); });
describe('d', { only: true }, () => { it.todo('y', () => {}); });
`,
    });
    expect(testsOf(found)).toEqual([
      '2 plain (skip)',
      '3 todo (todo)',
      '4 parent',
      '5 parent > child',
      '6 parent > child > grandchild',
      '8 parent > nested',
      '10 named',
      '11 s (suite)',
      '11 s > in',
      '11 s > x',
      '12 d (suite focused)',
      '12 d > y (todo)',
    ]);
    expect(new Set(found.tests.map((test) => test.framework))).toEqual(new Set(['node-test']));
  });

  it('sees Playwright and does not take its annotations, hooks and steps for tests', async () => {
    const found = await inspect({
      'a.spec.ts': `import { test, expect } from '@playwright/test';
test.use({ locale: 'en' });
test.describe.configure({ mode: 'serial' });
test.beforeEach(async ({ page }) => {});
test.describe('group', () => {
  test('one', async ({ page }) => { await test.step('step', async () => {}); });
  test.fixme('two', async () => {});
});
test.skip(({ browserName }) => browserName === 'x', 'why');
test('three', async ({ browserName }) => { test.skip(browserName === 'x', 'why'); });
`,
    });
    expect(testsOf(found)).toEqual([
      '5 group (suite)',
      '6 group > one',
      '7 group > two (skip)',
      '10 three (conditional)',
    ]);
  });

  it.each([
    ['jest', { 'jest.config.js': '' }],
    ['jest', { 'package.json': '{"devDependencies":{"jest":"29"}}' }],
    ['mocha', { '.mocharc.json': '{}' }],
    ['mocha', { 'package.json': '{"scripts":{"test":"nyc mocha && echo"}}' }],
    ['vitest', { 'vitest.config.ts': '', 'package.json': '{"devDependencies":{"jest":"29"}}' }],
    ['playwright', { 'playwright.config.ts': '' }],
    ['vitest', {}],
  ])('takes globals for %s where the surroundings say so', async (framework, others: Record<string, string>) => {
    const found = await inspect({ 'test/a.test.js': "describe('d', function () { it('x', () => {}); });", ...others });
    expect(testsOf(found)).toEqual(['1 d (suite)', '1 d > x']);
    expect(found.tests[0]?.framework).toBe(framework);
  });

  it('takes the nearest folder that says something, and what is imported before all', async () => {
    const others = {
      'packages/a/package.json': '{"devDependencies":{"mocha":"10"}}',
      'package.json': '{"devDependencies":{"vitest":"4"}}',
    };
    const near = await inspect({ 'packages/a/test/x.js': "it('x', () => {});", ...others });
    expect(near.tests[0]?.framework).toBe('mocha');
    const imported = await inspect({
      'packages/a/test/x.js': "import { expect } from '@jest/globals';\nit('x', () => {});",
      ...others,
    });
    expect(imported.tests[0]?.framework).toBe('jest');
  });

  it('takes nothing for a test that is none', async () => {
    const found = await vitestFile(`
/re/.test('text');
schema.test('name', () => {});
router.get('/', () => {});
const local = { it(title: string, body: () => void) {} };
local.it('method', () => {});
function helper(it: (title: string) => void) { it('parameter'); }
{ const test = (a: string, b: () => void) => b(); test('shadowed', () => {}); }
const never = () => { it('never called', () => {}); };
`);
    expect(found.tests.filter((test) => test.kind !== 'file')).toEqual([]);
  });

  it('reports two tests of one name with their lines', async () => {
    const found = await vitestFile("it('same', () => {});\nit('same', () => {});");
    expect(testsOf(found)).toEqual(['2 same', '3 same']);
    expect(found.tests[0]?.selector).toBe(found.tests[1]?.selector);
  });
});

// @verifies AC-scan-titles
describe('titles', () => {
  it('resolves constants, templates, sums, enums and members, also from other files', async () => {
    const found = await inspect({
      'test/a.test.ts': `import { describe, it } from 'vitest';
import { TITLE, Names, T, more } from './titles.js';
import Widget from '../src/widget';
import { deep } from '@/deep';
const LOCAL = 'local';
const list = ['first', 'second'] as const;
it(TITLE, () => {});
it(\`\${LOCAL} \${Names.Hit}\`, () => {});
it(T.nested.two, () => {});
it('a ' + 'b ' + 3, () => {});
it(list[1], () => {});
it(more.INNER, () => {});
it(deep, () => {});
describe(Widget, () => { it(Widget.name, () => {}); });
`,
      'test/titles.ts': `export const TITLE = 'imported'; export enum Names { Hit = 'a hit' }
export const T = Object.freeze({ nested: { two: 'title two' } }); export * as more from './more';`,
      'test/more.ts': "const x = 'inner'; export { x as INNER };",
      'src/widget.ts': 'export default class Widget {}',
      'src/deep.ts': "export const deep = 'through an alias';",
      'tsconfig.json': '{ "compilerOptions": { /* comment */ "paths": { "@/*": ["./src/*"] } } }',
    });
    expect(testsOf(found)).toEqual([
      '7 imported',
      '8 local a hit',
      '9 title two',
      '10 a b 3',
      '11 second',
      '12 inner',
      '13 through an alias',
      '14 Widget (suite)',
      '14 Widget > Widget',
    ]);
  });

  it('never guesses a title that only a run can tell', async () => {
    const found = await vitestFile(`
let mutable = 'x';
it(mutable, () => {});
it(make(), () => {});
it(\`case \${n}\`, () => {});
for (const n of [1, 2]) it(\`loop \${n}\`, () => {});
for (const n of [1, 2]) it('same in loop', () => {});
['a'].forEach((n) => describe(\`d \${n}\`, () => { it('t', () => {}); }));
it.each([1])(\`each \${n}\`, () => {});
it(spread.of({ ...a }).title, () => {});
`);
    expect(testsOf(found)).toEqual([
      '4 mutable (dynamic)',
      '5 make() (dynamic)',
      '6 case ${n} (dynamic)',
      '7 loop ${n} (dynamic)',
      '8 same in loop (parametrised)',
      '9 d ${n} (suite dynamic)',
      '9 d ${n} > t (dynamic)',
      '10 each ${n} (dynamic parametrised)',
      '11 spread.of({ ...a }).title (dynamic)',
    ]);
  });
});

// @verifies AC-scan-wrappers
describe('wrappers', () => {
  it('finds a test at the call of a wrapper, in the same file and in another one', async () => {
    const found = await vitestFile(
      `import { check, group, shared } from './helpers';
function local(title: string) {
  it(\`local \${title}\`, () => {});
}
local('one');
check('two', () => {});
group('g', () => {
  it('three', () => {});
});
shared('s');
local(unknown);
`,
      {
        'helpers.ts': `import { it as base, describe } from 'vitest';
export const check = (title: string, body: () => void) => base('checks ' + title, body);
export function group(title: string, body: () => void) { describe(title, () => { body(); }); }
export function shared(name: string) { describe(name, () => { base('always', () => {}); base.skip('never', () => {}); }); }`,
      },
    );
    expect(testsOf(found)).toEqual([
      '6 local one',
      '7 checks two',
      '8 g (suite)',
      '9 g > three',
      '11 s (suite)',
      '11 s > always',
      '11 s > never (skip)',
      '12 local ${title} (dynamic)',
    ]);
    expect(found.tests[0]?.reportedAt).toEqual({ file: 'a.test.ts', line: 4 });
    expect(found.tests[1]?.reportedAt).toBeUndefined();
    expect(found.tests[5]?.reportedAt).toEqual({ file: 'a.test.ts', line: null });
  });

  it('places what a function of another file declares at the call that it is handed to', async () => {
    const found = await vitestFile(
      `import { describe } from 'vitest';
import { body, one } from './bodies';
describe('handed', body);
describe('each', () => {
  ['a'].forEach(one);
});
`,
      {
        'bodies.ts': `import { it } from 'vitest';
// far below the last line of the test file


export const body = () => { it('within', () => {}); it.each([1])('row %i', () => {}); };
export const one = (n: string) => { it(n, () => {}); };`,
      },
    );
    expect(testsOf(found)).toEqual([
      '4 handed (suite)',
      '4 handed > within',
      '4 handed > row %i (parametrised)',
      '5 each (suite)',
      '6 each > n (dynamic)',
    ]);
    expect(found.tests.map((test) => test.reportedAt?.line)).toEqual([undefined, null, null, undefined, undefined]);
  });

  it('ends on wrappers that call themselves or each other', async () => {
    const found = await vitestFile(
      "function a(t: string) { it(t, () => {}); b(t); }\nfunction b(t: string) { a(t); }\na('x');",
    );
    expect(testsOf(found)).toEqual(['4 x']);
  });
});
