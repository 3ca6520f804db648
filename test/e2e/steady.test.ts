import { expect, it } from 'vitest';
import { specFile, testProject, verdicts } from '../rig/project.js';

const LIBRARY = 'export const two = 2;\n';
const test = (id: string, body: string): string =>
  `import assert from 'node:assert/strict';\n${body === '' ? '' : "import { appendFileSync, writeFileSync } from 'node:fs';\n"}import { test } from 'node:test';\nimport { two } from '../lib/two.mjs';\n// @verifies ${id}\ntest('${id}', () => {\n${body}\n  assert.equal(two, 2);\n});\n`;

// @verifies AC-verdicts-steady-source
it('a pass is not believed when a file that the test rests on changed while it ran; what tests write is theirs', async () => {
  await using project = await testProject({
    'package.json': '{ "name": "p", "private": true, "type": "module" }\n',
    'lib/two.mjs': LIBRARY,
    'lib/other.mjs': 'export const other = 1;\n',
    'results.txt': 'none\n',
    'test/edit.test.mjs': test(
      'AC-s-edited',
      `  if (process.env.EDITED) appendFileSync(new URL('../lib/' + process.env.EDITED, import.meta.url), '// changed\\n');`,
    ),
    'test/write.test.mjs': test(
      'AC-s-writes',
      `  writeFileSync('results.txt', String(process.hrtime.bigint()));\n  writeFileSync('new-' + process.pid + '.txt', '');`,
    ),
    'test/plain.test.mjs': test('AC-s-plain', ''),
    'specs/s.yaml': specFile('SPEC-s', { 'AC-s-edited': '', 'AC-s-plain': '', 'AC-s-writes': '' }),
  });
  await project.commit('start');
  const run = async (edited: string) => project.verify(['--no-cache'], { env: { EDITED: edited } });

  const written = await run('');
  expect(verdicts(written.record)).toEqual({
    'AC-s-edited': 'PASS(executed)',
    'AC-s-plain': 'PASS(executed)',
    'AC-s-writes': 'PASS(executed)',
  });
  expect(written.record.notes?.join(' ')).toContain('source changed');

  // Whoever may read files may have read this one; whoever imports nothing but the library has not.
  const other = await run('other.mjs');
  expect(verdicts(other.record)).toEqual({
    'AC-s-edited': 'ERROR(infra)',
    'AC-s-plain': 'PASS(executed)',
    'AC-s-writes': 'ERROR(infra)',
  });

  const moved = await run('two.mjs');
  expect(verdicts(moved.record)).toEqual({
    'AC-s-edited': 'ERROR(infra)',
    'AC-s-plain': 'ERROR(infra)',
    'AC-s-writes': 'ERROR(infra)',
  });
  expect(moved.code).toBe(2);
  expect(moved.record.specs[0]?.criteria[1]?.checks[0]).toMatchObject({
    detail: expect.stringContaining('lib/two.mjs changed while tests ran'),
    proof: null,
  });
});
