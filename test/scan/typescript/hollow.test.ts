import { describe, expect, it } from 'vitest';
import { hollowOf, inspect, vitestFile } from './inspect.js';

// @verifies AC-scan-hollow
describe('hollow tests', () => {
  it('are those from whose body no assertion can be reached', async () => {
    const found = await vitestFile(`
import { assertTree, checked } from './helpers';
import { unrelated } from 'some-library';
import { check } from 'assert-things';
it('empty', () => {});
it('only runs', async () => { await run(); unrelated(); });
it('early return', () => { return; expect(1).toBe(1); });
it('early return in a block', () => { { return; } expect(1).toBe(1); });
it('always returns', () => { if (true) return; expect(1).toBe(1); });
it('dead branch', () => { if (false) { expect(1).toBe(1); } });
it('both branches leave', () => { if (x) { return; } else { return; } expect(1).toBe(1); });
it('exits', () => { process.exit(0); expect(1).toBe(1); });
it('function never called', () => { const f = () => expect(1).toBe(1); });
it('no matcher', () => { expect(1); });
it('matcher not called', () => { expect(1).toBe; });
it('calls a local function without assertion', () => { doNothing(); });
function doNothing() { return 1; }
`);
    expect(new Set(Object.values(hollowOf(found)))).toEqual(new Set([true]));
  });

  it('are not those that assert, by whatever means', async () => {
    const found = await vitestFile(
      `
import assert from 'node:assert';
import { assertTree, wrapped } from './helpers';
import { deep } from './deep';
it('expect', () => { expect(1).toBe(1); });
it('after a guard', () => { if (x) return; expect(1).toBe(1); });
it('assert', () => { assert.equal(1, 1); });
it('assert itself', () => { assert(true); });
it('rejects', async () => { await expect(p).rejects.toThrow(); });
it('returned', () => expect(p).resolves.toBe(1));
it('throws', () => { if (!x) throw new Error('x'); });
it('in a callback', () => { list.forEach((item) => { expect(item).toBe(1); }); });
it('in a called constant', () => { const f = () => expect(1).toBe(1); f(); });
it('in a handed constant', () => { const f = () => expect(1).toBe(1); each(f); });
it('in a local function', () => { verify(); });
it('in an imported function', () => { wrapped(); });
it('two files away', () => { deep(); });
it('by name of an import', () => { assertTree(1); });
it('supertest', () => request(app).get('/').expect(200));
it('chai property', () => { expect(x).to.be.true; });
it('should', () => { x.should.equal(1); });
it('should property', () => { x.should.exist; });
it('context', (t) => { t.assert.equal(1, 1); });
it('context member', (t) => { t.deepEqual(1, 1); });
it('expect from the context', ({ expect }) => { expect(1).toBe(1); });
it('counts', () => { expect.assertions(1); });
it('in finally', () => { try { run(); } finally { expect(1).toBe(1); } });
it('in catch', () => { try { run(); } catch (error) { expect(error).toBe(1); } });
it('in a loop', () => { for (const a of b) { while (c) expect(a).toBe(1); } });
it('in a switch', () => { switch (x) { case 1: expect(1).toBe(1); } });
it('fails by done', (done) => { run((error) => { done(error); }); });
function verify() { expect(1).toBe(1); }
`,
      {
        'helpers.ts':
          "import { expect } from 'vitest';\nexport const assertTree = (x) => x;\nexport function wrapped() { inner(); }\nfunction inner() { expect(1).toBe(1); }",
        'deep.ts': "export { wrapped as deep } from './helpers';",
      },
    );
    expect(Object.entries(hollowOf(found)).filter(([, hollow]) => hollow !== false)).toEqual([]);
  });

  it('are not claimed where it cannot be known', async () => {
    const found = await vitestFile(`
import { proveIt } from 'my-test-kit';
import { gone } from './not-there';
it('testing package', () => { proveIt(); });
it('missing module', () => { gone(); });
it('method that may check', () => { page.checkTotal(); });
it('made at run time', prepared);
it.each(table)('wrapped body', wrap(() => {}));
`);
    expect(new Set(Object.values(hollowOf(found)))).toEqual(new Set([undefined]));
  });

  it('code under test that throws does not make a test whole', async () => {
    const found = await vitestFile("import { parse } from './src/parse';\nit('parses', () => { parse('x'); });", {
      'src/parse.ts': "export function parse(text: string) { if (text === '') throw new Error('empty'); return text; }",
    });
    expect(hollowOf(found)).toEqual({ parses: true });
  });

  it('follows functions that call each other to an end', async () => {
    const found = await vitestFile("function a() { b(); }\nfunction b() { a(); }\nit('x', () => { a(); });");
    expect(hollowOf(found)).toEqual({ x: true });
  });

  it('a node:test without a body passes and proves nothing', async () => {
    const found = await inspect({
      'a.test.mjs':
        "import test from 'node:test';\ntest('x');\ntest('parent', async (t) => { await t.test('child', () => { throw new Error('x'); }); });",
    });
    expect(hollowOf(found)).toEqual({ x: true, parent: false, child: false });
  });
});
