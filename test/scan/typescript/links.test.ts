import { describe, expect, it } from 'vitest';
import { inspect, linksOf, vitestFile } from './inspect.js';

// @verifies AC-scan-comment-tags
describe('tags in comments', () => {
  it('bind to the very next test, suite, function or class, to what they stand in, or to nothing', async () => {
    const found = await vitestFile(`
const setup = 1;
// @verifies AC-suite
describe('s', () => {
  /** @verifies AC-first, AC-second */
  const value = 1;
  it('one', () => {});
  it('two', () => {
    // @verifies AC-inside
    expect(value).toBe(1);
  });
  it('three', () => {}); // @verifies AC-behind
  // @verifies AC-each
  it.each([[1]])('each %i', () => {});
  // @verifies AC-last
});
// @verifies AC-waits
await Promise.all([]);
it('four', () => {});
// @implements AC-function
export function work() {}
class Cache {
  // @implements AC-method
  get() {}
}
// @implements AC-value, SPEC-area
export const table = { a: 1 };
`);
    expect(linksOf(found)).toEqual([
      'AC-suite -> s',
      'AC-first -> dangling 7: what follows is no declaration that it could name: `const value = 1;`',
      'AC-second -> dangling 7: what follows is no declaration that it could name: `const value = 1;`',
      'AC-inside -> s > two',
      'AC-behind -> s > three',
      'AC-each -> s > each %i',
      'AC-last -> dangling 17: nothing follows it here',
      'AC-waits -> dangling 19: what follows is no declaration that it could name: `await Promise.all([]);`',
      'implements AC-function -> code work',
      'implements AC-method -> code Cache.get',
      'implements AC-value -> code table',
      'implements SPEC-area -> code table',
    ]);
    expect(found.links[1]).toMatchObject({ line: 6, column: 17, source: 'comment' });
  });

  it.each([
    ['before imports', "// @verifies AC-a\nimport { it } from 'vitest';\nit('x', () => {});", 'AC-a -> file'],
    [
      'in a licence block before imports',
      "#!/usr/bin/env node\n/* licence */\n/**\n * @verifies AC-a\n */\n'use strict';\nconst { it } = require('vitest');\nit('x', () => {});",
      'AC-a -> file',
    ],
    ['at the top, before a blank line', "// @verifies AC-a\n\nit('x', () => {});", 'AC-a -> file'],
    ['right above the first test', "// @verifies AC-a\nit('x', () => {});", 'AC-a -> x'],
    [
      'right above the first test with its block',
      "/**\n * @verifies AC-a\n */\ndescribe('s', () => { it('x', () => {}); });",
      'AC-a -> s',
    ],
    [
      'between imports',
      "import { it } from 'vitest';\n// @verifies AC-a\nimport x from 'x';\nit('x', () => {});",
      'AC-a -> file',
    ],
    [
      'after imports',
      "import { it } from 'vitest';\n// @verifies AC-a\n\nconst n = 1;\nit('x', () => {});",
      'AC-a -> dangling 3: a blank line ends its reach',
    ],
    ['in a file with nothing to bind to', '// @implements AC-a\n', 'implements AC-a -> file'],
    ['at the end of a file', "it('x', () => {});\n// @verifies AC-a", 'AC-a -> dangling 2: nothing follows it here'],
  ])('%s: bind as expected', async (_, text, expected) => {
    expect(linksOf(await inspect({ 'a.test.js': text }))).toEqual([expected]);
  });

  it('on the opening line of a suite belong to the suite', async () => {
    const found = await vitestFile("describe('s', () => { // @verifies AC-a\n  it('x', () => {});\n});");
    expect(linksOf(found)).toEqual(['AC-a -> s']);
  });

  it('above a wrapper bind to what its call declares', async () => {
    const found = await vitestFile("import { shared } from './helpers';\n// @verifies AC-a\nshared('s');\n", {
      'helpers.ts':
        "import { it, describe } from 'vitest';\nexport function shared(n: string) { describe(n, () => { it('a', () => {}); }); }",
    });
    expect(linksOf(found)).toEqual(['AC-a -> s']);
  });

  // @verifies AC-scan-only-comments
  it('do not count in strings, templates, regular expressions and JSX text', async () => {
    const found = await inspect({
      'a.test.tsx': `import { it } from 'vitest';
const a = '// @verifies AC-string';
const b = \`
// @verifies AC-template \${'/* @verifies AC-nested */'}
/* @verifies AC-tail */\`;
const c = /\\/\\/ @verifies AC-regex/u;
const d = <p>// @verifies AC-jsx</p>;
const e = <p a="@verifies AC-attribute">{/* @verifies AC-real */}</p>;
it('x', () => {});
`,
    });
    expect(linksOf(found)).toEqual(['AC-real -> dangling 8: it stands behind code that declares no test']);
  });

  it('are read after code that only a parser can tell apart', async () => {
    const found = await vitestFile(`
const ratio = a / b; // @verifies AC-division
const pattern = /[/]"/; // a quote in a class
it('x', () => { return /'/.test(\`\${"}"}\`); }); // @verifies AC-regex
function f(/* @implements AC-parameter */) {}
const list = [
  1, // @implements AC-element
];
`);
    expect(linksOf(found)).toEqual([
      'AC-division -> dangling 3: it stands behind code that declares no test',
      'AC-regex -> x',
      'implements AC-parameter -> code f',
      'implements AC-element -> code list',
    ]);
  });
});

// @verifies AC-scan-own-links
describe('links of the frameworks', () => {
  it('in titles, options, Playwright tags and annotations', async () => {
    const found = await inspect({
      'a.spec.ts': `import { test } from '@playwright/test';
import { IDS } from './ids';
test.describe('[AC-suite] group', () => {
  test('[AC-a, AC-b] one [AC-c]', async () => {});
  test('two', { tag: ['@AC-d', '@smoke'] }, async () => {});
  test('three', { tag: '@AC-e', annotation: { type: 'verifies', description: 'AC-f, AC-g' } }, async () => {});
  test('four', { annotation: [{ type: 'issue', description: 'AC-no' }, { type: 'verifies', description: IDS.h }] }, async () => {});
  test('array [0] and [AC] and AC-plain', { tags: ['AC-i'] }, async () => {});
});
`,
      'ids.ts': "export const IDS = { h: 'AC-h' } as const;",
    });
    expect(linksOf(found)).toEqual([
      'AC-suite -> [AC-suite] group',
      'AC-a -> [AC-suite] group > [AC-a, AC-b] one [AC-c]',
      'AC-b -> [AC-suite] group > [AC-a, AC-b] one [AC-c]',
      'AC-c -> [AC-suite] group > [AC-a, AC-b] one [AC-c]',
      'AC-d -> [AC-suite] group > two',
      'AC-e -> [AC-suite] group > three',
      'AC-f -> [AC-suite] group > three',
      'AC-g -> [AC-suite] group > three',
      'AC-h -> [AC-suite] group > four',
      'AC-i -> [AC-suite] group > array [0] and [AC] and AC-plain',
    ]);
    expect(found.links[1]).toMatchObject({ line: 4, column: 10, source: 'title' });
    expect(found.links[4]).toMatchObject({ line: 5, source: 'tag' });
    expect(found.links[6]).toMatchObject({ line: 6, source: 'annotation' });
  });

  it('in a dynamic title bind to that test, which says that it is dynamic', async () => {
    const found = await vitestFile('it(`[AC-a] case ${n}`, () => {});');
    expect(linksOf(found)).toEqual(['AC-a -> [AC-a] case ${n}']);
    expect(found.tests[0]?.dynamic).toBe(true);
  });
});

// @verifies AC-scan-symbols
it('names the declarations that implemented_by may name', async () => {
  const found = await inspect({
    'src/a.ts':
      'export function f() {}\nexport class C { constructor() {} m() {} static s = 1; }\nexport const g = () => 1, h = { i() {} };\nexport interface I {}\ntype T = 1;\nenum E {}\nnamespace N { export function inner() {} }\nexport default class {}\n',
  });
  expect(found.symbols.map((symbol) => `${symbol.line} ${symbol.name}`)).toEqual([
    '1 f',
    '2 C',
    '2 C.constructor',
    '2 C.m',
    '2 C.s',
    '3 g',
    '3 h',
    '3 h.i',
    '4 I',
    '5 T',
    '6 E',
    '7 N',
    '7 N.inner',
    '8 default',
  ]);
  expect(found.tests).toEqual([]);
});
