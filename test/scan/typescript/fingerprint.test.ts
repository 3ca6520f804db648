import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspect, vitestFile } from './inspect.js';

const printOf = async (text: string): Promise<string> => (await vitestFile(text)).tests.at(-1)?.fingerprint ?? '';

// @verifies AC-scan-fingerprint
describe('fingerprints', () => {
  const base = "it('x', () => { const a = [1, 2]; expect(a.map((n) => n + 1)).toEqual([2, 3]); });";

  it.each([
    [
      'formatting',
      "it('x',()=>{\n  const a=[\n    1,\n    2,\n  ];\n  expect( a.map( n => n+1 ) ).toEqual([2,3])\n});",
    ],
    [
      'comments',
      "it('x', () => { /* why */ const a = [1, 2]; // here\n expect(a.map((n) => n + 1)).toEqual([2, 3]); });",
    ],
    ['the title', "it('another title', () => { const a = [1, 2]; expect(a.map((n) => n + 1)).toEqual([2, 3]); });"],
    [
      'quotes in the title and semicolons',
      'it("x", () => { const a = [1, 2];; expect(a.map((n) => n + 1)).toEqual([2, 3]) })',
    ],
  ])('ignore %s', async (_, text) => {
    expect(await printOf(text)).toBe(await printOf(base));
    expect(await printOf(base)).toMatch(/^[0-9a-f]{64}$/u);
  });

  it.each([
    ['a value', base.replace('[2, 3]', '[2, 4]')],
    ['an operator', base.replace('n + 1', 'n - 1')],
    ['const to let', base.replace('const a', 'let a')],
    ['a prefix', base.replace('n + 1', '-n + 1')],
    ['a modifier', base.replace('it(', 'it.fails(')],
    ['an option', base.replace("'x', ", "'x', { retry: 1 }, ")],
    ['a table', base.replace('it(', 'it.each([1])(')],
  ])('change with %s', async (_, text) => {
    expect(await printOf(text)).not.toBe(await printOf(base));
  });

  it('of a suite changes with a test in it', async () => {
    const suite = async (inner: string): Promise<string> =>
      (await vitestFile(`describe('s', () => { it('a', () => {}); ${inner} });`)).tests[0]?.fingerprint ?? '';
    expect(await suite("it('b', () => { run(1); });")).not.toBe(await suite("it('b', () => { run(2); });"));
    expect(await suite("it('b', () => { run(1); });")).toBe(await suite("it('b', () => {\n run(1)\n})"));
  });
});

// @verifies AC-scan-never-throws
describe('any bytes', () => {
  const words = [
    'it',
    'test',
    'describe',
    '.each',
    '.skip',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    '`',
    '${',
    "'x'",
    '"',
    '/',
    '//',
    '/*',
    '*/',
    '@verifies AC-a',
    '=>',
    'function',
    'import',
    'from',
    ',',
    ';',
    '<',
    '>',
    'x',
    '\n',
    'class',
    'enum',
    'return',
    '@',
    '#',
    '\u0000',
    '\u2028',
    '😀',
  ];

  it('never make the analyser throw', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
          fc.array(fc.constantFrom(...words), { maxLength: 80 }).map((list) => list.join('')),
        ),
        fc.constantFrom('a.test.ts', 'a.tsx', 'a.mjs'),
        async (text, name) => {
          const found = await inspect({ [name]: text });
          expect(found.file).toBe(name);
          for (const at of [...found.tests, ...found.links, ...found.problems]) {
            expect(at.line).toBeGreaterThan(0);
            expect(at.column).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it.each([
    ['parentheses', '('.repeat(20_000)],
    ['suites', "describe('a', () => {".repeat(3000)],
    ['sums', `it(${"'a' + ".repeat(20_000)}'b', () => {});`],
    ['arrays', '['.repeat(20_000)],
  ])('nested beyond all measure (%s) are one file’s trouble', async (_, text) => {
    const found = await inspect({ 'a.test.js': text });
    expect(found.file).toBe('a.test.js');
  });

  it('that do not parse are reported with their place, and what can be read is kept', async () => {
    const found = await vitestFile("it('x', () => {});\nit('y', () => { const = ; });");
    expect(found.problems[0]).toMatchObject({ file: 'a.test.ts', line: 3 });
    expect(found.tests.map((test) => test.path[0])).toEqual(['x', 'y']);
  });
});
