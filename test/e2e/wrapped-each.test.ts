/** Tests that a wrapper declares and that give several reports, or one of unknown title: here and in another file. */
import { expect, it } from 'vitest';
import { installHere, specFile, testProject, verdicts } from '../rig/project.js';

const WRAPPERS = `import { describe, expect, it } from 'vitest';
interface Row { name: string; n: number }
const holds = ({ n }: Row) => { expect(n).toBeGreaterThan(0); };
export function table(rows: readonly Row[]) {
  it.each(rows)('$name', holds);
}
export function group(title: string, rows: readonly Row[]) {
  describe(title, () => {
    it('always', () => { expect(title).not.toBe(''); });
    it.each(rows)('$name', holds);
  });
}
export function pair(title: string, taken: readonly Row[], refused: readonly Row[]) {
  describe(title, () => {
    it.each(taken)('takes $name', holds);
    it.each(refused)('refuses $name', holds);
  });
}
export const body = () => {
  it('always', () => { expect(1).toBe(1); });
  it.each([1, 2])('row %i', (n) => { expect(n).toBeGreaterThan(0); });
};
export const one = (row: Row) => {
  it(\`is \${row.name}\`, () => { holds(row); });
};
export function loop(title: string, rows: readonly Row[]) {
  describe(title, () => {
    for (const row of rows) it(\`has \${row.name}\`, () => { holds(row); });
  });
}
`;

const GOOD = "{ name: 'one', n: 1 }";
const BAD = "{ name: 'two', n: 0 }";
const CALLS: readonly (readonly [id: string, call: string, verdict: string])[] = [
  ['green', `group('green', [${GOOD}, ${GOOD}])`, 'PASS(executed)'],
  ['red', `group('red', [${GOOD}, ${BAD}])`, 'FAIL(assertion)'],
  ['empty', `group('empty', [])`, 'ERROR(not-found)'],
  // Nothing tells their instances apart, and one of them has none: neither may take the other's pass.
  ['twin', `group('twins', [${GOOD}])`, 'ERROR(ambiguous-selector)'],
  ['empty-twin', `group('twins', [])`, 'ERROR(ambiguous-selector)'],
  ['absent', `if (process.pid < 0) group('absent twins', [${GOOD}])`, 'ERROR(ambiguous-selector)'],
  ['present', `if (process.pid > 0) group('absent twins', [${GOOD}])`, 'ERROR(ambiguous-selector)'],
  ['pair', `pair('pair', [${GOOD}], [${GOOD}])`, 'PASS(executed)'],
  ['red-pair', `pair('red pair', [${GOOD}], [${BAD}])`, 'FAIL(assertion)'],
  ['half-pair', `pair('half a pair', [${GOOD}], [])`, 'ERROR(not-found)'],
];
const ALONE: typeof CALLS = [
  ['loop', `loop('loop', [${GOOD}])`, 'PASS(executed)'],
  ['red-loop', `loop('red loop', [${GOOD}, ${BAD}])`, 'FAIL(assertion)'],
];
/** Functions that are handed over as they are. */
const HANDED: typeof CALLS = [
  ['handed', `describe('handed', body)`, 'PASS(executed)'],
  ['called-back', `describe('called back', () => { [${GOOD}].forEach(one); })`, 'PASS(executed)'],
];

const NODE_WRAPPERS = `import test, { describe } from 'node:test';
import assert from 'node:assert';
export function check(title, n) { test(title, () => { assert.ok(n); }); }
export function loop(title, rows) {
  describe(title, () => {
    for (const n of rows) test(\`row \${n}\`, () => { assert.ok(n); });
  });
}
`;
const NODE: typeof CALLS = [
  ['check', `check('checked', 1)`, 'PASS(executed)'],
  ['red-check', `check('checked and red', 0)`, 'FAIL(assertion)'],
  ['twin', `if (process.pid > 0) check('twins', 1)`, 'ERROR(ambiguous-selector)'],
  ['absent-twin', `if (process.pid < 0) check('twins', 1)`, 'ERROR(ambiguous-selector)'],
  ['loop', `loop('loop', [1, 2])`, 'PASS(executed)'],
  ['red-loop', `loop('red loop', [1, 0])`, 'FAIL(assertion)'],
  ['empty-loop', `loop('empty loop', [])`, 'ERROR(not-found)'],
];

const tagged = (prefix: string, calls: typeof CALLS): string =>
  calls.map(([id, call]) => `// @verifies AC-${prefix}-${id}\n${call};\n`).join('');
const expected = (prefix: string, calls: typeof CALLS): [string, string][] =>
  calls.map(([id, , verdict]) => [`AC-${prefix}-${id}`, verdict]);

// @verifies AC-runners-wrapped-instances
it("joins the instances of a wrapper, in the same file and in another, and takes no pass that may be another test's", async () => {
  const names = 'body, group, loop, one, pair';
  const wanted = Object.fromEntries([
    ...expected('far', [...CALLS, ...HANDED]),
    ...expected('farloop', ALONE),
    ...expected('near', CALLS),
    ...expected('nearloop', ALONE),
    ...expected('node', NODE),
    ['AC-table', 'PASS(executed)'],
    ['AC-nested', 'PASS(executed)'],
  ]);
  await using project = await testProject({
    'package.json': '{"name":"wrapped","type":"module","devDependencies":{"vitest":"4"}}',
    'test/wrappers.ts': WRAPPERS,
    'test/far.test.ts': `import { describe } from 'vitest';\nimport { ${names} } from './wrappers';\n${tagged('far', [...CALLS, ...HANDED])}`,
    'test/farloop.test.ts': `import { describe } from 'vitest';\nimport { ${names} } from './wrappers';\n${tagged('farloop', ALONE)}`,
    'test/near.test.ts': WRAPPERS.replaceAll('export ', '') + tagged('near', CALLS),
    'test/nearloop.test.ts': WRAPPERS.replaceAll('export ', '') + tagged('nearloop', ALONE),
    'test/node-wrappers.mjs': NODE_WRAPPERS,
    'test/node.test.mjs': `import { check, loop } from './node-wrappers.mjs';\nimport 'node:test';\n${tagged('node', NODE)}`,
    'test/nested.test.ts': `import { describe } from 'vitest';\nimport { group, table } from './wrappers';\n// @verifies AC-nested\ndescribe('outer', () => {\n  group('inner', [${GOOD}]);\n  // @verifies AC-table\n  table([${GOOD}]);\n});\n`,
    'specs/wrapped.yaml': specFile('SPEC-wrapped', Object.fromEntries(Object.keys(wanted).map((id) => [id, '']))),
  });
  await installHere(project);
  expect(verdicts((await project.verify(['--no-cache'])).record)).toEqual(wanted);
});
