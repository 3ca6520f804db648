/** Honest mistakes in a push, each a real `git push` through the installed hook to a bare repository. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installHere, ROOT, specFile, testProject, type TestProject } from '../rig/project.js';

type Files = Readonly<Record<string, string | null>>;

interface PushRow {
  readonly id: string;
  readonly tried: string;
  /** What the pushed commit changes; null takes a file away. */
  readonly change: Files;
  /** What the base has beyond what all rows have; it is on the remote, unjudged. */
  readonly base?: Files;
  /** Git-ignored files of the checkout. */
  readonly ignored?: Files;
  readonly wanted: 'pushed' | 'blocked' | 'unverified';
  /** What the gate must say. */
  readonly says: string;
}

const CODE = 'export const add = (a, b) => a + b;\n';
const BROKEN = CODE.replace('a + b', 'a - b');
const HEAD =
  "import test from 'node:test';\nimport assert from 'node:assert/strict';\nimport { add } from '../src/add.mjs';\n";
const BODY = "test('adds', () => {\n  assert.equal(add(1, 1), 2);\n});\n";
const TEST = `${HEAD}\n// @verifies AC-m-adds\n${BODY}`;
const NEIGHBOUR = "\ntest('a neighbour', () => {\n  assert.equal(2, 2);\n});\n";
const VITEST =
  "import { expect, it, vi } from 'vitest';\nimport { name } from '../src/name.ts';\nvi.mock('../src/name.ts');\n\n// @verifies AC-v-mocked\nit('is mocked', () => {\n  expect(name()).toBe('mock');\n});\n\n// @verifies AC-v-plain\nit('is plain', () => {\n  expect(1 + 1).toBe(2);\n});\n";

const START: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "m", "private": true, "type": "module", "scripts": { "test": "node --test" } }\n',
  'src/add.mjs': CODE,
  'test/add.test.mjs': TEST,
  'specs/m.yaml': specFile('SPEC-m', {
    'AC-m-adds': '',
    'AC-m-run': 'verified_by:\n  - run: ./check.sh\n    inputs: [check.sh]',
  }),
  'check.sh': '#!/bin/sh\nexit 0\n',
  'vitest/mocked.test.ts': VITEST,
  'src/name.ts': "export const name = (): string => 'real';\n",
  'src/__mocks__/name.ts': "export const name = (): string => 'mock';\n",
  'specs/v.yaml': specFile('SPEC-v', { 'AC-v-mocked': '', 'AC-v-plain': '' }),
  'vitest.config.ts': "export default { test: { include: ['vitest/**/*.test.ts'] } };\n",
};
const spec = (criteria: Readonly<Record<string, string>>): string => specFile('SPEC-m', criteria);
const RUN = 'verified_by:\n  - run: ./check.sh\n    inputs: [check.sh]';

const ROWS: readonly PushRow[] = [
  {
    id: 'G16',
    tried: 'it becomes it.fails together with broken code',
    change: {
      'vitest/mocked.test.ts': VITEST.replace(
        "it('is plain', () => {\n  expect(1 + 1).toBe(2)",
        "it.fails('is plain', () => {\n  expect(1 + 1).toBe(3)",
      ),
    },
    wanted: 'blocked',
    says: 'AC-v-plain',
  },
  {
    id: 'G18',
    tried: 'the test is commented out, its tag stays',
    change: {
      'src/add.mjs': BROKEN,
      'test/add.test.mjs': `${HEAD}\n// @verifies AC-m-adds\n// ${BODY.trimEnd().replaceAll('\n', '\n// ')}\n${NEIGHBOUR}`,
    },
    wanted: 'blocked',
    says: 'AC-m-adds',
  },
  {
    id: 'G18b',
    tried: 'test and tag are commented out',
    change: {
      'src/add.mjs': BROKEN,
      'test/add.test.mjs': `${HEAD}\n/*\n// @verifies AC-m-adds\n${BODY}*/\n${NEIGHBOUR}`,
    },
    wanted: 'blocked',
    says: 'AC-m-adds',
  },
  {
    id: 'G20',
    tried: 'settings of the push hide the test',
    change: { 'src/add.mjs': BROKEN, '.coherence/config.yaml': 'scan:\n  ignore: [test/]\n' },
    wanted: 'blocked',
    says: 'AC-m-adds',
  },
  {
    id: 'G23',
    tried: 'the mock beside the module changes',
    change: { 'src/__mocks__/name.ts': "export const name = (): string => 'other';\n" },
    wanted: 'blocked',
    says: 'AC-v-mocked',
  },
  {
    id: 'G27',
    tried: 'specs/ is removed',
    change: { 'specs/m.yaml': null, 'specs/v.yaml': null, 'src/add.mjs': BROKEN },
    wanted: 'blocked',
    says: 'removes every criterion',
  },
  {
    id: 'specs-renamed',
    tried: 'spec files get an ending that is not read',
    change: { 'specs/m.yaml': null, 'specs/v.yaml': null, 'specs/m.txt': 'x' },
    wanted: 'blocked',
    says: 'removes every criterion',
  },
  {
    id: 'hollow',
    tried: 'the test checks nothing any more',
    change: {
      'src/add.mjs': BROKEN,
      'test/add.test.mjs': TEST.replace('  assert.equal(add(1, 1), 2);\n', '  add(1, 1);\n'),
    },
    wanted: 'blocked',
    says: 'checks nothing any more',
  },
  {
    id: 'hollow-renamed',
    tried: 'the test is renamed and emptied',
    change: {
      'test/add.test.mjs': TEST.replace(
        "'adds', () => {\n  assert.equal(add(1, 1), 2);",
        "'sums', () => {\n  add(1, 1);",
      ),
    },
    wanted: 'blocked',
    says: 'checks nothing any more',
  },
  {
    id: 'skipped',
    tried: 'the test is skipped',
    change: { 'src/add.mjs': BROKEN, 'test/add.test.mjs': TEST.replace("test('adds',", "test.skip('adds',") },
    wanted: 'blocked',
    says: 'PASS became SKIP',
  },
  {
    id: 'todo',
    tried: 'the test becomes a todo',
    change: { 'src/add.mjs': BROKEN, 'test/add.test.mjs': TEST.replace("test('adds',", "test.todo('adds',") },
    wanted: 'blocked',
    says: 'AC-m-adds',
  },
  {
    id: 'configured-out',
    tried: 'the test stands under a condition that does not hold',
    change: {
      'src/add.mjs': BROKEN,
      'test/add.test.mjs': TEST.replace(
        BODY,
        `if (process.platform === 'win32') {\n  // @verifies AC-m-adds\n  ${BODY}}\n`,
      ).replace('// @verifies AC-m-adds\nif', 'if'),
    },
    wanted: 'blocked',
    says: 'AC-m-adds',
  },
  {
    id: 'untagged',
    tried: 'the tag is lost',
    change: { 'test/add.test.mjs': TEST.replace('// @verifies AC-m-adds\n', '') },
    wanted: 'blocked',
    says: 'it lost its link',
  },
  {
    id: 'manual',
    tried: 'a test becomes a sentence for a person',
    change: {
      'test/add.test.mjs': TEST.replace('// @verifies AC-m-adds\n', ''),
      'specs/m.yaml': spec({ 'AC-m-adds': 'verified_by:\n  - manual: look at it', 'AC-m-run': RUN }),
    },
    wanted: 'blocked',
    says: 'lost link',
  },
  {
    id: 'true',
    tried: 'a test becomes a command that always succeeds',
    change: {
      'test/add.test.mjs': TEST.replace('// @verifies AC-m-adds\n', ''),
      'specs/m.yaml': spec({ 'AC-m-adds': 'verified_by:\n  - run: "true"', 'AC-m-run': RUN }),
    },
    wanted: 'blocked',
    says: 'lost link',
  },
  {
    id: 'tag-stays',
    tried: 'the criterion goes, its tag stays',
    change: { 'specs/m.yaml': spec({ 'AC-m-run': RUN }) },
    wanted: 'blocked',
    says: 'still names it',
  },
  {
    id: 'retreat',
    tried: 'criterion and test go together',
    change: { 'specs/m.yaml': spec({ 'AC-m-run': RUN }), 'test/add.test.mjs': null },
    wanted: 'pushed',
    says: 'AC-m-adds',
  },
  {
    id: 'gap',
    tried: 'a verified criterion becomes a gap',
    change: { 'specs/m.yaml': spec({ 'AC-m-adds': '', 'AC-m-run': 'gap: too hard' }) },
    wanted: 'blocked',
    says: 'it became a gap',
  },
  {
    id: 'spec-first-gap',
    tried: 'a new criterion with a gap',
    change: { 'specs/m.yaml': spec({ 'AC-m-adds': '', 'AC-m-later': 'gap: next week', 'AC-m-run': RUN }) },
    wanted: 'pushed',
    says: 'AC-m-later',
  },
  {
    id: 'spec-first-draft',
    tried: 'a new criterion that is a draft',
    change: { 'specs/m.yaml': spec({ 'AC-m-adds': '', 'AC-m-later': 'status: draft', 'AC-m-run': RUN }) },
    wanted: 'pushed',
    says: 'AC-m-later',
  },
  {
    id: 'spec-first-test',
    tried: 'a draft that names the test to come',
    change: {
      'specs/m.yaml': spec({
        'AC-m-adds': '',
        'AC-m-later': 'status: draft\nverified_by:\n  - test: test/later.test.mjs > later',
        'AC-m-run': RUN,
      }),
    },
    wanted: 'pushed',
    says: 'AC-m-later',
  },
  {
    id: 'new-unlinked',
    tried: 'a new criterion that nothing verifies',
    change: { 'specs/m.yaml': spec({ 'AC-m-adds': '', 'AC-m-later': '', 'AC-m-run': RUN }) },
    wanted: 'blocked',
    says: 'nothing verifies it',
  },
  {
    id: 'readme',
    tried: 'a README while a test needs a file that git ignores and fails on it',
    base: {
      '.gitignore': 'node_modules\nlocal.txt\n',
      'check.sh': '#!/bin/sh\n[ -f local.txt ] || exit 9\nexit 3\n',
      'specs/m.yaml': spec({ 'AC-m-adds': '', 'AC-m-run': 'verified_by:\n  - run: ./check.sh' }),
    },
    ignored: { 'local.txt': 'x' },
    change: { README: 'x\n' },
    wanted: 'pushed',
    says: 'AC-m-run',
  },
  {
    id: 'mends-specs',
    tried: 'the base has a broken spec file, the push mends it',
    base: { 'specs/m.yaml': 'id: [\n' },
    change: { 'specs/m.yaml': START['specs/m.yaml'] ?? '' },
    wanted: 'pushed',
    says: 'nothing got worse',
  },
  {
    id: 'unreadable-base',
    tried: 'the base has a broken spec file, the push mends it and fails',
    base: { 'specs/m.yaml': 'id: [\n' },
    change: { 'specs/m.yaml': START['specs/m.yaml'] ?? '', 'src/add.mjs': BROKEN },
    wanted: 'unverified',
    says: 'AC-m-adds was not verified',
  },
  {
    id: 'old-debt',
    tried: 'what failed before fails still',
    base: { 'check.sh': '#!/bin/sh\nexit 3\n' },
    change: { 'check.sh': '#!/bin/sh\n# again\nexit 3\n' },
    wanted: 'pushed',
    says: 'AC-m-run',
  },
];

describe('mistakes in a push', () => {
  let project: TestProject;
  let base = '';
  const remote = (): string => join(project.folder, 'remote.git');
  const tools = (): string => join(project.folder, 'tools');

  beforeAll(async () => {
    project = await testProject(START);
    await installHere(project);
    await mkdir(tools());
    await writeFile(
      join(tools(), 'coherence'),
      `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/coherence.cjs')} "$@"\n`,
    );
    await chmod(join(tools(), 'coherence'), 0o755);
    base = await project.commit('base');
    await project.run(['git', 'init', '-q', '--bare', '-b', 'main', remote()]);
    await project.git('remote', 'add', 'origin', remote());
    await project.git('push', '-q', 'origin', 'main');
    expect((await project.coherence(['hook', 'install'])).code).toBe(0);
  }, 120_000);
  afterAll(async () => project[Symbol.asyncDispose]());

  const write = async (files: Files): Promise<void> => {
    for (const [path, text] of Object.entries(files))
      if (text === null) await rm(join(project.root, path));
      else await project.write({ [path]: text });
  };

  // @verifies AC-gate-mistakes
  it.each(ROWS)('$id: $tried', async (row) => {
    expect(await judgePush(row)).toEqual({ verdict: row.wanted, said: row.says });
  });

  async function judgePush(row: PushRow): Promise<{ readonly verdict: string; readonly said: string }> {
    await project.git('checkout', '-q', '-f', '-B', 'row', base);
    if (row.base !== undefined) {
      await write(row.base);
      await project.commit('more base');
    }
    await project.git('push', '-q', '--no-verify', '--force', 'origin', 'HEAD:main');
    await write(row.change);
    const tip = await project.commit(row.id);
    await write(row.ignored ?? {});
    const answer = await project.run(['git', 'push', '-q', 'origin', 'HEAD:main'], {
      env: { PATH: `${tools()}:${project.env['PATH'] ?? ''}` },
    });
    const arrived = (await project.run(['git', '--git-dir', remote(), 'rev-parse', 'main'])).stdout.trim() === tip;
    for (const path of Object.keys(row.ignored ?? {})) await rm(join(project.root, path));
    const verdict = arrived ? 'pushed' : answer.stderr.includes('could not be verified, so') ? 'unverified' : 'blocked';
    return { verdict, said: answer.stderr.includes(row.says) ? row.says : answer.stderr };
  }
});
