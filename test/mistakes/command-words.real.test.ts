import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { specFile, testProject, verdicts } from '../rig/project.js';

const RUN = 'verified_by:\n  - run: "true"';

describe('words and ends', () => {
  // @verifies AC-cli-strict-says-why
  it('nothing verified is no success under --strict and --fail-under, and both say why', async () => {
    await using project = await testProject();
    await project.run(['sh', '-c', 'rm -f specs/*.yaml']);
    const plain = await project.coherence(['verify', '--all']);
    const strict = await project.coherence(['verify', '--all', '--strict']);
    const floor = await project.coherence(['coverage', '--fail-under', 'passed=50']);
    expect([plain.code, strict.code, floor.code]).toEqual([0, 1, 1]);
    expect(strict.err).toContain('error: --strict: no criterion was verified');
    expect(floor.err).toContain('--fail-under: no criterion is specified');
    await project.write({ 'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': RUN, 'AC-s-b': 'gap: later' }) });
    const skipped = await project.coherence(['verify', '--all', '--strict']);
    expect([skipped.code, skipped.err]).toEqual([1, expect.stringContaining('error: --strict: 1 criterion skipped')]);
  });

  // @verifies AC-cli-strict-says-why
  it('a focused test is exit 1', async () => {
    await using project = await testProject({
      'package.json': '{"type":"module","scripts":{"test":"node --test"}}',
      'test/a.test.mjs':
        "import test from 'node:test';\nimport assert from 'node:assert/strict';\n// @verifies AC-s-a\ntest.only('adds', () => assert.equal(1, 1));\n",
      'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': '' }),
    });
    const answer = await project.coherence(['verify', '--all']);
    expect([answer.code, answer.err]).toEqual([1, expect.stringContaining('focused by .only')]);
  });

  // @verifies AC-cli-output-not-written
  it('output that cannot be written is exit 74, of every command', async () => {
    await using project = await testProject({ 'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': RUN }) });
    for (const words of ['verify --all', 'verify --all --json', 'check', 'coverage', 'links', 'spec list', 'help']) {
      const bin = process.env['COHERENCE_BIN'] ?? join(import.meta.dirname, '../../bin/coherence.cjs');
      const answer = await project.run(['sh', '-c', `node '${bin}' ${words} > /dev/full`]);
      expect([words, answer.end.code]).toEqual([words, 74]);
      expect(answer.stderr).toContain('could not be written');
    }
  });

  // @verifies AC-cli-read-only-project
  it('a project that cannot be written gets its verdicts, and the place of the evidence is said', async () => {
    await using project = await testProject({ 'specs/s.yaml': specFile('SPEC-s', { 'AC-s-a': RUN }) });
    await symlink('/proc/nowhere', join(project.root, '.coherence/runs'));
    const { record, code } = await project.verify(['--all']);
    expect([code, verdicts(record)]).toEqual([0, { 'AC-s-a': 'PASS(exit-code)' }]);
    expect(record.notes?.join(' ')).toContain('the evidence of this run is below');
    expect(record.summary.exit_code).toBe(1);
  });
});

describe('scale', () => {
  // @verifies AC-run-many-criteria
  it('1,800 criteria with long ids in one batch of each runner pass', async () => {
    const ids = (runner: string): string[] =>
      Array.from({ length: 1800 }, (_item, i) => `AC-${runner}-${String(i).padStart(73 - runner.length, '0')}`);
    const spec = (runner: string, selector: string): string =>
      specFile(
        `SPEC-${runner}`,
        Object.fromEntries(ids(runner).map((id) => [id, `verified_by:\n  - test: ${JSON.stringify(selector)}`])),
      );
    await using project = await testProject({
      'package.json': '{"type":"module","scripts":{"test":"node --test"}}',
      'test/a.test.mjs':
        "import { readFileSync } from 'node:fs';\nimport test from 'node:test';\nimport assert from 'node:assert/strict';\ntest('adds', () => assert.equal(readFileSync(process.env.COHERENCE_AC_IDS_FILE, 'utf8').split('\\n').length, 1801));\n",
      'go.mod': 'module g\n\ngo 1.24\n',
      'g_test.go':
        'package g\n\nimport (\n\t"os"\n\t"testing"\n)\n\nfunc TestOk(t *testing.T) {\n\tif os.Getenv("COHERENCE_AC_IDS_FILE") == "" {\n\t\tt.Fatal("no file")\n\t}\n}\n',
      'specs/n.yaml': spec('node', 'test/a.test.mjs > adds'),
      'specs/g.yaml': spec('go', 'g_test.go::TestOk'),
    });
    const { record } = await project.verify(['--all']);
    expect(new Set(Object.values(verdicts(record)))).toEqual(new Set(['PASS(executed)']));
    expect(record.summary.pass).toBe(3600);
  });
});
