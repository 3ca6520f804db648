/**
 * What a verdict rests on although nobody would think of it: every change below changes the identity of the project, so no verdict
 * is taken from the cache after it. One project in a folder of its repository; a row is planned (`--dry-run`), not run.
 */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { specFile, testProject, verdicts, type RunOptions, type TestProject } from '../rig/project.js';

interface Row {
  readonly id: string;
  readonly tried: string;
  readonly change?: (at: Places) => void;
  readonly env?: Readonly<Record<string, string>>;
}

/** Absolute folders: the project, its repository, what lies beside the repository. */
interface Places {
  readonly app: string;
  readonly repo: string;
  readonly beside: string;
}

const append = (path: string): void => appendFileSync(path, '\n');
const put = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};
const changed = (id: string, tried: string, path: string): Row => ({
  id,
  tried,
  change: ({ app }) => append(join(app, path)),
});

/** Files of the project that one row or another changes; `node_modules`, `.venv`, `dist`, `local` and `.env*` are ignored by git. */
const FILES: Readonly<Record<string, string>> = {
  '.gitignore': 'node_modules\n.venv\ndist\nlocal\n.env*\n/app/target\n',
  'app/.coherence/project.toml': 'project_slug = "m"\nproject_hash = "m"\ndolt_db_name = "m"\n',
  'app/.coherence/config.yaml': 'verify:\n  outputs: [reports]\n',
  'app/.coherence/.gitignore': 'runs/\n',
  'app/package.json': '{ "name": "app", "private": true, "type": "module" }\n',
  'app/test/one.test.mjs':
    "import { test } from 'node:test';\nimport assert from 'node:assert/strict';\n// @verifies AC-m-one\ntest('one', () => assert.equal(1, 1));\n",
  'app/specs/m.yaml': specFile('SPEC-m', { 'AC-m-one': '' }),
  'app/src/__mocks__/dep.ts': 'export const dep = 1;\n',
  'app/__mocks__/dayjs.ts': 'export default () => 1;\n',
  'app/test/target/data.txt': '1',
  'app/views/mail.eta': 'Hello\n',
  'app/test/setup.mjs': 'globalThis.set = 1;\n',
  'app/config/test.env': 'A=1\n',
  'app/src/tsconfig.json': '{}\n',
  'app/tools/run.sh': '#!/bin/sh\necho 1\n',
  'app/shop/views.py': 'VIEW = 1\n',
  'app/tests/__snapshots__/test_a.ambr': '# serializer version: 1\n',
  'app/pytest.ini': '[pytest]\npythonpath = ../../lib-beside\n',
  'app/templates/a.html': '<p>\n',
  'app/src/target/mod.rs': 'pub fn one() -> u32 { 1 }\n',
  'app/.cargo/config.toml': '[env]\nDATA = "1"\n',
  'conftest.py': '# above\n',
  'pytest.ini': '[pytest]\n',
  'shared/data.txt': 'shared\n',
  'app/dist/out.js': 'export const out = 1;\n',
  'app/local/deep/.env.test': 'A=1\n',
  'app/.env': 'SECRET_FREE=1\n',
  'app/node_modules/a/package.json': '{ "name": "a", "version": "1.0.0" }\n',
  'app/node_modules/a/node_modules/b/index.js': 'module.exports = 1;\n',
  'app/node_modules/preset/setup.js': 'globalThis.preset = 1;\n',
  'app/.venv/pyvenv.cfg': 'home = /usr\n',
  'app/.venv/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n',
  'app/.venv/lib/python3.11/site-packages/six.py': 'X = 1\n',
  'app/tagged/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n',
  'app/tagged/data.txt': 'tracked\n',
};

const SITE = 'app/.venv/lib/python3.11/site-packages';

function layOut(project: TestProject): Places {
  const [repo, beside] = [project.root, project.folder];
  const app = join(repo, 'app');
  put(join(beside, 'outside', 'data.txt'), 'outside\n');
  put(join(beside, 'outside', 'deep', 'more.txt'), 'more\n');
  put(join(beside, 'lib-beside', 'lib.py'), 'LIB = 1\n');
  put(join(beside, 'editable', 'lib', 'e.py'), 'E = 1\n');
  put(join(beside, 'finder', 'lib', 'f.py'), 'F = 1\n');
  put(join(beside, 'linked', 'index.js'), 'module.exports = 1;\n');
  put(join(repo, SITE, 'mine.pth'), `${join(beside, 'editable')}\n`);
  put(join(repo, SITE, '__editable___f_finder.py'), `MAPPING = {'f': '${join(beside, 'finder', 'lib')}'}\n`);
  symlinkSync(join(beside, 'outside', 'data.txt'), join(app, 'linked.txt'));
  symlinkSync(join(beside, 'outside'), join(app, 'data'));
  symlinkSync(join(beside, 'linked'), join(app, 'node_modules', 'linked'));
  mkdirSync(join(app, 'spool'));
  mkdirSync(join(beside, 'bin'));
  put(join(beside, 'bin', 'tool-1'), '#!/bin/sh\n');
  put(join(beside, 'bin', 'tool-2'), '#!/bin/sh\n');
  symlinkSync('tool-1', join(beside, 'bin', 'tool'));
  return { app, repo, beside };
}

const ROWS: readonly Row[] = [
  changed('s01', 'a mock beside a module', 'src/__mocks__/dep.ts'),
  changed('s02', 'a mock of a package', '__mocks__/dayjs.ts'),
  changed('s03', 'tracked data in a folder called target', 'test/target/data.txt'),
  { id: 's05', tried: 'a link that leads out', change: ({ beside }) => append(join(beside, 'outside', 'data.txt')) },
  changed('s08', 'a template that an installed engine reads', 'views/mail.eta'),
  changed('s14', 'a preload of the package script', 'test/setup.mjs'),
  changed('s15', 'an env file of the package script', 'config/test.env'),
  changed('s16', 'a tsconfig that is not above the test', 'src/tsconfig.json'),
  { id: 's17', tried: 'EDITOR', env: { EDITOR: 'ed' } },
  changed('s19', 'an ignored folder of env files', 'local/deep/.env.test'),
  { id: 's20', tried: 'npm_config_flavor', env: { npm_config_flavor: 'b' } },
  { id: 's21', tried: 'GIT_AUTHOR_NAME', env: { GIT_AUTHOR_NAME: 'Other' } },
  changed('s23', 'a program of the project', 'tools/run.sh'),
  { id: 's33', tried: 'data above the package', change: ({ repo }) => append(join(repo, 'shared', 'data.txt')) },
  changed('q01', 'a view that a settings module names', 'shop/views.py'),
  changed('q03', 'a snapshot of syrupy', 'tests/__snapshots__/test_a.ambr'),
  {
    id: 'q04',
    tried: 'an editable install by .pth',
    change: ({ beside }) => append(join(beside, 'editable', 'lib', 'e.py')),
  },
  {
    id: 'q06',
    tried: 'pythonpath outside the repository',
    change: ({ beside }) => append(join(beside, 'lib-beside', 'lib.py')),
  },
  { id: 'q08', tried: 'a conftest above the root', change: ({ repo }) => append(join(repo, 'conftest.py')) },
  { id: 'q08b', tried: 'a pytest.ini above the root', change: ({ repo }) => append(join(repo, 'pytest.ini')) },
  changed('q19', 'a template of jinja', 'templates/a.html'),
  { id: 'q26', tried: 'PAGER', env: { PAGER: 'cat' } },
  changed('k01', 'a module folder called target', 'src/target/mod.rs'),
  {
    id: 'k02b',
    tried: 'data behind a linked folder',
    change: ({ beside }) => append(join(beside, 'outside', 'deep', 'more.txt')),
  },
  changed('k06', 'the environment of cargo', '.cargo/config.toml'),
  changed('m01', 'an ignored build output', 'dist/out.js'),
  changed('m11', 'an ignored .env', '.env'),
  { id: 'm13', tried: 'a script loses its x bit', change: ({ app }) => chmodSync(join(app, 'tools/run.sh'), 0o644) },
  {
    id: 'm14',
    tried: 'a program on PATH is another one',
    change: ({ beside }) => {
      rmSync(join(beside, 'bin', 'tool'));
      symlinkSync('tool-2', join(beside, 'bin', 'tool'));
    },
  },
  { id: 'm16', tried: 'an empty folder goes', change: ({ app }) => rmSync(join(app, 'spool'), { recursive: true }) },
  { id: 'm16b', tried: 'an empty folder comes', change: ({ app }) => mkdirSync(join(app, 'new')) },
  { id: 'm10', tried: 'a file of a nested repository', change: ({ app }) => append(join(app, 'nested', 'a.txt')) },
  { id: 'm06', tried: 'a file of a submodule', change: ({ app }) => append(join(app, 'sub', 'a.txt')) },
  {
    id: 'link',
    tried: 'a link leads elsewhere',
    change: ({ app, beside }) => {
      rmSync(join(app, 'linked.txt'));
      symlinkSync(join(beside, 'outside', 'deep', 'more.txt'), join(app, 'linked.txt'));
    },
  },
  {
    id: 'times',
    tried: 'an edit of equal size whose times are set back',
    change: ({ app }) => {
      const path = join(app, 'dist/out.js');
      const { atime, mtime } = statSync(path);
      writeFileSync(path, 'export const out = 2;\n');
      utimesSync(path, atime, mtime);
    },
  },
  changed('tag', 'tracked data beside a cache tag', 'tagged/data.txt'),
  {
    id: 'upwards',
    tried: 'a tsconfig above the repository',
    change: ({ beside }) => put(join(beside, 'tsconfig.json'), '{}\n'),
  },
  {
    id: 'modules-above',
    tried: 'node_modules above the repository',
    change: ({ beside }) => put(join(beside, 'node_modules', 'x', 'index.js'), ''),
  },
  { id: 'renamed', tried: 'a file moves', change: ({ app }) => renameSync(join(app, 'views'), join(app, 'view')) },
  changed('s12', 'a dependency of a dependency, no lock file', 'node_modules/a/node_modules/b/index.js'),
  changed('s30', 'a set-up file of an installed preset', 'node_modules/preset/setup.js'),
  {
    id: 'npm-link',
    tried: 'a package linked from outside',
    change: ({ beside }) => append(join(beside, 'linked', 'index.js')),
  },
  { id: 'venv', tried: 'a tagged virtual environment', change: ({ repo }) => append(join(repo, SITE, 'six.py')) },
  {
    id: 'finder',
    tried: 'an editable install by a finder',
    change: ({ beside }) => append(join(beside, 'finder', 'lib', 'f.py')),
  },
];

/** What no test rests on: the verdicts stand. */
const STANDING: readonly Row[] = [
  { id: 'same', tried: 'nothing', change: () => undefined },
  {
    id: 'touched',
    tried: 'a file of the project gets another time',
    change: ({ app }) => utimesSync(join(app, 'views/mail.eta'), 1, 1),
  },
  { id: 'runs', tried: 'evidence', change: ({ app }) => put(join(app, '.coherence/runs/x/run.json'), '{}') },
  { id: 'outputs', tried: 'a declared output', change: ({ app }) => put(join(app, 'reports/a.xml'), '<a/>') },
  { id: 'compiled', tried: 'compiled modules', change: ({ app }) => put(join(app, 'shop/__pycache__/v.pyc'), '1') },
  {
    id: 'built',
    tried: "cargo's build folder",
    change: ({ app }) =>
      put(join(app, 'target/CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55\n# cargo\n'),
  },
  { id: 'noise', tried: 'another window', env: { SHLVL: '7', OLDPWD: '/', SSH_TTY: '/dev/pts/3' } },
];

describe('reuse at level 1', () => {
  let project: TestProject;
  let at: Places;
  let options: RunOptions;
  const cachedAfter = async (env: Row['env']): Promise<number> => {
    const more = env === undefined ? options : { ...options, env: { ...options.env, ...env } };
    const answer = await project.coherence(['verify', '--dry-run', '--json'], more);
    expect(answer.out, answer.err).not.toBe('');
    return answer.json<{ readonly cached: readonly unknown[] }>().cached.length;
  };
  const verify = async (): Promise<string | undefined> =>
    verdicts((await project.verify([], options)).record)['AC-m-one'];

  beforeAll(async () => {
    project = await testProject(FILES, { init: false });
    at = layOut(project);
    options = {
      cwd: at.app,
      env: { PATH: `${join(at.beside, 'bin')}:${project.env['PATH'] ?? ''}`, GIT_ALLOW_PROTOCOL: 'file' },
    };
    const source = join(at.beside, 'source');
    for (const folder of [source, join(at.app, 'nested')]) {
      put(join(folder, 'a.txt'), 'a\n');
      await project.run(['git', 'init', '-q'], { cwd: folder });
      await project.run(['git', 'add', '.'], { cwd: folder });
      await project.run(['git', 'commit', '-qm', 'a'], { cwd: folder });
    }
    await project.run(
      ['git', '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', source, 'app/sub'],
      options.cwd === undefined ? {} : { cwd: at.repo },
    );
    await project.run(['git', 'add', '-A', '-f', 'app/tagged', 'app/specs', '.gitignore', '.gitmodules'], {
      cwd: at.repo,
    });
    await project.git('commit', '-qam', 'base');
    expect(await verify()).toBe('PASS(executed)');
    expect(await verify()).toBe('PASS(cached)');
  });
  afterAll(async () => project[Symbol.asyncDispose]());

  // @verifies AC-reuse-nothing-but-the-same
  it.each(STANDING)('$id: $tried keeps the verdict', async ({ change, env }) => {
    change?.(at);
    expect(await cachedAfter(env)).toBe(1);
  });

  // @verifies AC-reuse-whole-project
  it.each(ROWS)('$id: $tried changes what the verdict rests on', async ({ change, env }) => {
    change?.(at);
    if (env !== undefined) expect(await cachedAfter(env)).toBe(0);
    else {
      expect(await verify()).toBe('PASS(executed)');
      // The next row begins with a verdict that stands.
      expect(await cachedAfter(env)).toBe(1);
    }
  });
});

/** A test of node:test with this text, tagged. */
const script = (id: string, text: string): readonly [string, string] => [
  `test/${id}.test.mjs`,
  `import { test } from 'node:test';\nimport assert from 'node:assert/strict';\n${text.replace('TEST', `// @${'verifies'} AC-${id}\ntest('${id}', () => {`)}\nassert.equal(1, 1); });\n`,
];
const python = (id: string, text: string): readonly [string, string] => [
  `py/test_${id}.py`,
  `${text}\n\n# @${'verifies'} AC-${id}\ndef test_${id}():\n    assert True\n`,
];

/** Tests that always run. */
const SHIFTING: readonly (readonly [string, string])[] = [
  script('s09', "import now from 'clocks';\nTEST now();"),
  script('s11', "import { get } from 'asks';\nTEST void get;"),
  script('s37', "import { isPast } from 'dates/isPast';\nTEST isPast(new Date(0));"),
  script('s41', "import { name } from 'fakes';\nTEST name();"),
  script('s35', "const f = globalThis['fetch'];\nTEST void f;"),
  script('s36', 'class Clock { constructor(D) { this.D = D; } }\nTEST new Clock(Date);'),
  script('taken-apart', 'const { random } = Math;\nTEST random();'),
  script('handed-on', 'const sources = { Date };\nTEST void sources;'),
  script('inner-import', "import { inner } from 'inner';\nTEST inner();"),
  script('native', "import native from 'native';\nTEST void native;"),
  script('helper', "import { later } from '../lib/later.mjs';\nTEST later();"),
  script('marked', '// @uncacheable: it asks a device\nTEST void 0;'),
  python(
    'q10',
    'from dataclasses import dataclass, field\nfrom datetime import datetime\n\n\n@dataclass\nclass A:\n    at: object = field(default_factory=datetime.now)',
  ),
  python('pychance', 'import draws'),
  python('pyhome', 'from pathlib import Path\n\nHOME = Path.home'),
];

/** Tests whose second verdict is the first one. */
const STEADY: readonly (readonly [string, string])[] = [
  script('plain', "import { pure } from 'pure';\nTEST pure(1);"),
  script('dated', "import { format } from 'formats';\nTEST format(0);"),
  script('largest', 'TEST Math.max(1, 2);'),
  script('fixed-date', "TEST new Date('2020-01-01T00:00:00Z').getTime();"),
  script('own-fetch', 'class Shop { fetch() { return 1; } }\nTEST new Shop().fetch();'),
  python('pyplain', 'import pure_py'),
];

const PACKAGES: Readonly<Record<string, string>> = {
  'node_modules/clocks/package.json': '{ "name": "clocks", "main": "main.js" }',
  'node_modules/clocks/main.js': 'module.exports = () => new Date();\n',
  'node_modules/asks/package.json': '{ "name": "asks", "type": "module", "exports": "./index.js" }',
  'node_modules/asks/index.js': "import http from 'node:http';\nexport const get = http.get;\n",
  'node_modules/dates/package.json':
    '{ "name": "dates", "type": "module", "exports": { "./*": { "types": "./*.d.ts", "default": "./fns/*.js" } } }',
  'node_modules/dates/fns/isPast.js': 'export const isPast = (date) => +date < Date.now();\n',
  'node_modules/fakes/package.json': '{ "name": "fakes", "type": "module", "main": "index.js" }',
  'node_modules/fakes/index.js': "import { draw } from 'deep-draw';\nexport const name = () => `n${draw()}`;\n",
  'node_modules/fakes/node_modules/deep-draw/package.json': '{ "name": "deep-draw", "type": "module" }',
  'node_modules/fakes/node_modules/deep-draw/index.js': 'export const draw = () => Math.random();\n',
  'node_modules/inner/package.json':
    '{ "name": "inner", "type": "module", "exports": "./index.js", "imports": { "#when": { "node": "./when.js" } } }',
  'node_modules/inner/index.js': "export { inner } from '#when';\n",
  'node_modules/inner/when.js': 'export const inner = () => performance.now();\n',
  'node_modules/native/package.json': '{ "name": "native", "main": "index.js" }',
  'node_modules/native/index.js': "try { module.exports = require('./build/native.node'); } catch {}\n",
  'node_modules/native/build/native.node': 'binary',
  'node_modules/pure/package.json': '{ "name": "pure", "type": "module", "exports": "./index.js" }',
  'node_modules/pure/index.js': 'export const pure = (x) => x;\n',
  'node_modules/formats/package.json': '{ "name": "formats", "type": "module", "exports": "./index.js" }',
  'node_modules/formats/index.js': 'export const format = (at) => new Date(at).toISOString();\n',
  'lib/later.mjs': 'export const later = () => Date.now() + 1;\n',
  '.venv/lib/python3/site-packages/draws.py': 'from random import random as draw\n',
  '.venv/lib/python3/site-packages/pure_py.py': 'X = 1\n',
  'py/conftest.py': "import sys\n\nsys.path.insert(0, '.venv/lib/python3/site-packages')\n",
};

describe('what no identity holds', () => {
  const rows = [...SHIFTING, ...STEADY];
  const idOf = ([path]: readonly [string, string]): string =>
    `AC-${path.replace(/^.*\/(?:test_)?/u, '').replace(/(?:\.test)?\.\w+$/u, '')}`;
  let first: Readonly<Record<string, string>>;
  let second: Readonly<Record<string, string>>;
  let explained: readonly { readonly criteria: readonly string[]; readonly reasons: readonly string[] }[];
  let shown: string;
  let late: string;
  beforeAll(async () => {
    await using project = await testProject({
      ...PACKAGES,
      ...Object.fromEntries(rows),
      '.gitignore': 'node_modules\n.venv\n__pycache__\n.pytest_cache\n',
      'package.json': '{ "name": "m", "private": true, "type": "module" }',
      'specs/m.yaml': specFile('SPEC-m', Object.fromEntries(rows.map((row) => [idOf(row), '']))),
    });
    await project.commit('base');
    first = verdicts((await project.verify()).record);
    second = verdicts((await project.verify()).record);
    explained = (await project.coherence(['explain', '--json'])).json<{ cases: typeof explained }>().cases;
    shown = (await project.coherence(['verify', 'AC-plain'])).out;
    await project.write({ '.coherence/config.yaml': 'verify:\n  reuse_ttl: 1ms\n' });
    await project.verify(['AC-plain']);
    late = verdicts((await project.verify(['AC-plain'])).record)['AC-plain'] ?? '';
  });

  // @verifies AC-reuse-never-shifting
  it('clock, chance and network always run; what is pure is reused', () => {
    const wanted = Object.fromEntries([
      ...SHIFTING.map((row) => [idOf(row), 'PASS(executed)']),
      ...STEADY.map((row) => [idOf(row), 'PASS(cached)']),
    ]);
    expect(new Set(Object.values(first))).toEqual(new Set(['PASS(executed)']));
    expect(second).toEqual(wanted);
  });

  // @verifies AC-reuse-explain
  it('explain says of each test that always runs which file bars it', () => {
    const reason = (id: string): string =>
      explained.find((item) => item.criteria.includes(id))?.reasons.join('\n') ?? '';
    expect(reason('AC-s41')).toContain('deep-draw');
    expect(reason('AC-helper')).toContain('lib/later.mjs');
    expect(reason('AC-plain')).toMatch(/^run \w+ ended .* ago with executed/u);
  });

  // @verifies AC-reuse-age
  it('a reused verdict shows its age, and an old one runs again', () => {
    expect(shown).toMatch(/\(cached (?:just now|\d+ (?:min|h) ago)\)/u);
    expect(late).toBe('PASS(executed)');
  });
});

describe('reuse at level 2', () => {
  // @verifies AC-reuse-observed
  it('stands while all that the run was seen to rest on is as it was, whatever else changes', async ({ skip }) => {
    await using project = await testProject({
      'package.json': '{ "name": "m", "private": true, "type": "module" }',
      '.coherence/config.yaml': 'verify:\n  reuse: observed\n',
      'data/read.txt': '1\n',
      'README.md': 'read me\n',
      'test/reads.test.mjs': `import { test } from 'node:test';\nimport assert from 'node:assert/strict';\nimport { readFileSync, existsSync } from 'node:fs';\n// @${'verifies'} AC-reads\ntest('reads', () => assert.equal(readFileSync('data/read.txt', 'utf8') + existsSync('data/flag'), '1\\nfalse'));\n`,
      'specs/m.yaml': `${specFile('SPEC-m', { 'AC-reads': '' })}  - id: AC-line\n    title: A line\n    verified_by:\n      - run: cat data/read.txt\n        inputs: [data]\n`,
    });
    await project.commit('base');
    const verify = async (): Promise<Record<string, string>> => verdicts((await project.verify()).record);
    await verify();
    await project.write({ 'README.md': 'read me twice\n' });
    const seen = await verify();
    if (process.platform !== 'linux') skip('nothing is observed here');
    expect(seen).toEqual({ 'AC-reads': 'PASS(cached)', 'AC-line': 'PASS(exit-code)' });
    const lines = (await project.verify()).record.specs.flatMap((spec) => spec.criteria);
    expect(lines.flatMap((item) => item.checks.map((check) => check.cached))).toEqual([true, true]);
    await project.write({ 'data/flag': '' });
    expect((await verify())['AC-reads']).toBe('FAIL(assertion)');
    await project.run(['rm', 'data/flag']);
    await project.write({ 'data/read.txt': '2\n' });
    expect((await verify())['AC-reads']).toBe('FAIL(assertion)');
  });
});
