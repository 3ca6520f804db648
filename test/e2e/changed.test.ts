import { expect, it } from 'vitest';
import { specFile, testProject, verdicts } from '../rig/project.js';

// @verifies AC-gate-changed-sound
it('--changed takes what rests on ignored files, unless a cached pass of just these files clears it', async () => {
  await using project = await testProject({
    'package.json': '{ "name": "p", "private": true, "type": "module" }\n',
    '.gitignore': 'generated/\n',
    'generated/value.txt': '1',
    'test/reads.test.mjs':
      "import assert from 'node:assert/strict';\nimport { readFileSync } from 'node:fs';\nimport { test } from 'node:test';\n// @verifies AC-c-reads\ntest('reads', () => assert.equal(readFileSync('generated/value.txt', 'utf8'), '1'));\n",
    'test/plain.test.mjs':
      "import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n// @verifies AC-c-plain\ntest('plain', () => assert.equal(1, 1));\n",
    'specs/c.yaml': specFile('SPEC-c', { 'AC-c-plain': '', 'AC-c-reads': '' }),
  });
  await project.commit('start');
  const changed = async (...args: string[]) => verdicts((await project.verify(['--changed=HEAD', ...args])).record);
  expect(await changed()).toEqual({ 'AC-c-reads': 'PASS(executed)' });
  expect(verdicts((await project.verify()).record)).toEqual({
    'AC-c-plain': 'PASS(executed)',
    'AC-c-reads': 'PASS(cached)',
  });
  expect(await changed()).toEqual({});
  expect(await changed('--no-cache')).toEqual({ 'AC-c-reads': 'PASS(executed)' });
  await project.write({ 'generated/value.txt': '2' });
  expect(await changed()).toEqual({ 'AC-c-reads': 'FAIL(assertion)' });
});
