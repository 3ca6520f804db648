/**
 * Random changes of the mutation projects, as fast-check arbitraries. A kind takes the project as it is now and changes it once; kinds
 * compose. Which kinds there are comes from what each runner finds by its conventions.
 */
import fc from 'fast-check';
import { CARGO_FILES, PYTEST_FILES, VITEST_FILES } from './mutation-suites.js';
import { specFile } from './spec-file.js';

/** The files of a project, and the variables that its next run gets. */
export interface State {
  readonly files: Map<string, string>;
  readonly env: Record<string, string>;
}

export type Random = () => number;

export interface Kind {
  readonly name: string;
  /** Gives what was changed in a few words; null when there is nothing here to change. */
  apply(state: State, random: Random): string | null;
}

export interface RandomSuite {
  readonly name: 'vitest' | 'pytest' | 'cargo';
  readonly npm: boolean;
  readonly files: Readonly<Record<string, string>>;
  readonly kinds: readonly Kind[];
}

/** mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <T>(items: readonly T[], random: Random): T | undefined =>
  items[Math.floor(random() * items.length)];
const number = (random: Random): number => 1 + Math.floor(random() * 9);
const matching = (state: State, pattern: RegExp): string[] =>
  [...state.files.keys()].filter((path) => pattern.test(path)).sort();

/** Replaces one literal of a file that matches. */
const tweak = (
  name: string,
  paths: RegExp,
  literal: RegExp,
  next: (found: string, random: Random) => string,
): Kind => ({
  name,
  apply: (state, random) => {
    const path = pick(
      matching(state, paths).filter((item) => literal.test(state.files.get(item) ?? '')),
      random,
    );
    if (path === undefined) return null;
    const before = state.files.get(path) ?? '';
    const after = before.replace(literal, (found) => next(found, random));
    state.files.set(path, after);
    return `${path}: ${after === before ? 'as it was' : name}`;
  },
});

const write = (
  name: string,
  path: string | ((random: Random) => string),
  text: string | ((random: Random, before: string) => string),
): Kind => ({
  name,
  apply: (state, random) => {
    const target = typeof path === 'string' ? path : path(random);
    state.files.set(target, typeof text === 'string' ? text : text(random, state.files.get(target) ?? ''));
    return `${target} written`;
  },
});

const remove = (name: string, paths: RegExp): Kind => ({
  name,
  apply: (state, random) => {
    const path = pick(matching(state, paths), random);
    if (path === undefined) return null;
    state.files.delete(path);
    return `${path} removed`;
  },
});

const rename = (name: string, paths: RegExp, next: (path: string) => string): Kind => ({
  name,
  apply: (state, random) => {
    const path = pick(matching(state, paths), random);
    if (path === undefined) return null;
    const text = state.files.get(path) ?? '';
    state.files.delete(path);
    state.files.set(next(path), text);
    return `${path} → ${next(path)}`;
  },
});

const variable = (name: string, values: readonly string[]): Kind => ({
  name: `variable ${name}`,
  apply: (state, random) => {
    state.env[name] = pick(values, random) ?? '';
    return `${name}=${state.env[name]}`;
  },
});

const wording: Kind = tweak(
  'the wording of a criterion',
  /^specs\//u,
  /title: AC-[\w-]+/u,
  (found, random) => `${found} and ${number(random)} more`,
);
const level: Kind = tweak('the level of the spec', /^specs\//u, /level: module/u, () => 'level: component');
const digits = (_found: string, random: Random): string => String(number(random));
const unrelated: Kind = write(
  'an unrelated document',
  (random) => `NOTES-${number(random)}.md`,
  (random) => `note ${number(random)}\n`,
);

/** A file whose text begins so is a link to what follows. */
export const LINK = 'link:';

/** What runners find by their conventions and no import names: each may decide a test, whether or not one of these projects reads it. */
const CONVENTIONS: readonly Kind[] = [
  ['a mock', ['lib/__mocks__/deep.ts', '__mocks__/yaml.ts', 'pkg/__mocks__/deep.js']],
  ['a template', ['views/mail.eta', 'templates/a.html', 'templates/mail/b.jinja']],
  ['an env file', ['.env.test', '.env.local', 'config/test.env']],
  ['a preload', ['test/preload.mjs', 'test/register.cjs', 'sitecustomize_local.py']],
  [
    'a snapshot',
    ['tests/__snapshots__/test_calc.ambr', 'test/__snapshots__/other.test.ts.snap', 'src/snapshots/a.snap'],
  ],
  ['a build output', ['generated/out.js', 'generated/deep/out.css']],
  ['an editable install', ['.venv/lib/python3/site-packages/mine.pth', '.venv/lib/python3/site-packages/lib.egg-link']],
  ['a workspace', ['packages/new/package.json', 'crates/new/Cargo.toml', 'pnpm-workspace.yaml', 'go.work']],
  ['a data folder called target', ['tests/target/data.txt', 'src/target/mod.rs']],
  ['a file of a submodule', ['sub/module/a.txt', 'vendor/lib/b.txt']],
  ['an embedded file', ['data.txt', 'data/read.txt', 'assets/logo.svg']],
].map(([name, paths]) =>
  write(
    String(name),
    (random) => pick(paths as readonly string[], random) ?? '', // the second column of the table
    (random) => `content ${number(random)}\n`,
  ),
);

const LINKS: Kind = write(
  'a link',
  (random) => pick(['data/linked', 'linked.txt', 'test/linked'], random) ?? 'linked.txt',
  (random) => `${LINK}${pick(['../..', '/etc/hostname', '../specs', 'nowhere', '/usr/include'], random) ?? ''}`,
);

const vitestFiles: Readonly<Record<string, string>> = {
  ...VITEST_FILES,
  '.gitignore': 'node_modules\ngenerated\n',
  'vitest.config.ts':
    "import { fileURLToPath } from 'node:url';\nimport { defineConfig } from 'vitest/config';\nexport default defineConfig({ resolve: { alias: { '~': fileURLToPath(new URL('./lib', import.meta.url)) } }, test: { setupFiles: ['./test/setup.ts'], include: ['test/**/*.test.ts', 'packages/**/*.test.ts'] } });\n",
  'test/setup.ts': "import { base } from './setup-base.js';\nglobalThis.offset = base;\n",
  'test/setup-base.ts': 'export const base = 0;\n',
  'lib/barrel.ts': "export * from './deep.js';\nexport { other } from './other.js';\n",
  'lib/glob/a.ts': 'export default 1;\n',
  'lib/glob/b.ts': 'export default 1;\n',
  'lib/loop-a.ts': "import { b } from './loop-b.js';\nexport const a = (): number => b;\n",
  'lib/loop-b.ts': "import { a } from './loop-a.js';\nexport const b = 1;\nexport const back = (): number => a();\n",
  'data/required.json': '{ "value": 1 }\n',
  'generated/value.txt': '1',
  'packages/sub/package.json': '{ "name": "sub", "type": "module" }\n',
  'packages/sub/src/value.ts': "import { two } from '../../../lib/constants.js';\nexport const value = two - 1;\n",
  'packages/sub/value.test.ts':
    "import { expect, it } from 'vitest';\nimport { value } from './src/value.js';\n// @verifies AC-v-sub\nit('sub', () => { expect(value).toBe(1); });\n",
  'test/barrel.test.ts':
    "import { expect, it } from 'vitest';\nimport { other, twice } from '../lib/barrel.js';\n// @verifies AC-v-barrel\nit('barrel', () => { expect(twice(2) + other).toBe(5); });\n",
  'test/glob.test.ts':
    "import { expect, it } from 'vitest';\nconst found = import.meta.glob('../lib/glob/*.ts', { eager: true }) as Record<string, { default: number }>;\n// @verifies AC-v-glob\nit('glob', () => { expect(Object.values(found).map((item) => item.default)).toEqual([1, 1]); });\n",
  'test/require.test.ts':
    "import { createRequire } from 'node:module';\nimport { expect, it } from 'vitest';\nconst require = createRequire(import.meta.url);\n// @verifies AC-v-require\nit('require', () => { expect(require('../data/required.json').value).toBe(1); });\n",
  'test/alias.test.ts':
    "import { expect, it } from 'vitest';\nimport { other } from '~/other.ts';\n// @verifies AC-v-alias\nit('alias', () => { expect(other).toBe(1); });\n",
  'test/envfile.test.ts':
    "import { expect, it } from 'vitest';\n// @verifies AC-v-envfile\nit('envfile', () => { expect((import.meta as unknown as { env: Record<string, string> }).env['VITE_MODE'] ?? 'none').toBe('none'); });\n",
  'test/snap.test.ts':
    "import { expect, it } from 'vitest';\nimport { other } from '../lib/other.js';\n// @verifies AC-v-snap\nit('snap', () => { expect(other + 1).toMatchSnapshot(); });\n",
  'test/__snapshots__/snap.test.ts.snap':
    '// Vitest Snapshot v1, https://vitest.dev/guide/snapshot.html\n\nexports[`snap 1`] = `2`;\n',
  'test/exists.test.ts':
    "import { existsSync } from 'node:fs';\nimport { expect, it } from 'vitest';\n// @verifies AC-v-exists\nit('exists', () => { expect(existsSync(new URL('../lib/flag.txt', import.meta.url))).toBe(false); });\n",
  'test/ignored.test.ts':
    "import { readFile } from 'node:fs/promises';\nimport { expect, it } from 'vitest';\n// @verifies AC-v-ignored\nit('ignored', async () => { expect(await readFile('generated/value.txt', 'utf8')).toBe('1'); });\n",
  'test/mock.test.ts':
    "import { expect, it, vi } from 'vitest';\nimport { add } from '../lib/add.js';\nvi.mock('../lib/constants.js', async (original) => ({ ...(await original<object>()), two: 4 }));\n// @verifies AC-v-mock\nit('mock', () => { expect(add(2, 0)).toBe(4); });\n",
  'test/raw.test.ts':
    "import { expect, it } from 'vitest';\nimport text from '../data/read.txt?raw';\n// @verifies AC-v-raw\nit('raw', () => { expect(text).toBe('expected\\n'); });\n",
  'test/loop.test.ts':
    "import { expect, it } from 'vitest';\nimport { back } from '../lib/loop-b.js';\n// @verifies AC-v-loop\nit('loop', () => { expect(back()).toBe(1); });\n",
};
const VITEST_IDS = [
  'add',
  'other',
  'reads',
  'dynamic',
  'env',
  'clock',
  'sub',
  'barrel',
  'glob',
  'require',
  'alias',
  'envfile',
  'snap',
  'exists',
  'ignored',
  'mock',
  'raw',
  'loop',
];

const VITEST: RandomSuite = {
  name: 'vitest',
  npm: true,
  files: {
    ...vitestFiles,
    'specs/v.yaml': specFile('SPEC-v', Object.fromEntries(VITEST_IDS.map((id) => [`AC-v-${id}`, '']))),
  },
  kinds: [
    tweak('a number in the code', /^(?:lib|packages\/sub\/src|test\/setup)[\w/-]*\.ts$/u, /\b\d\b/u, digits),
    tweak('a number in a test', /\.test\.ts$/u, /\b\d\b(?=\))/u, digits),
    tweak('a number in a fixture', /^data\/.*\.json$/u, /\d/u, digits),
    write('a file that is read', 'data/read.txt', (random) => pick(['expected\n', 'changed\n', ''], random) ?? ''),
    write('an ignored file', 'generated/value.txt', (random) => String(number(random))),
    write('a new module in a globbed folder', (random) => `lib/glob/c${number(random)}.ts`, 'export default 1;\n'),
    write('a file that is looked for', 'lib/flag.txt', 'on\n'),
    write(
      'a shadowing module',
      (random) =>
        pick(
          [
            'lib/constants.js',
            'lib/other.js',
            'lib/deep/index.ts',
            'lib/other.json',
            'lib/add.tsx',
            'data/table.json.ts',
          ],
          random,
        ) ?? 'lib/other.js',
      (random) =>
        `export const two = ${number(random)};\nexport const other = ${number(random)};\nexport const twice = (x) => x;\nexport const add = (a, b) => a;\nexport default { sum: 1 };\n`,
    ),
    write(
      'an environment file',
      (random) => pick(['.env', '.env.local', '.env.test', '.env.test.local'], random) ?? '.env',
      (random) => `VITE_MODE=${pick(['none', 'some'], random) ?? ''}\nMODE_OF_TEST=x\n`,
    ),
    write('the configuration', 'vitest.config.ts', (random, before) =>
      before
        .replace(
          "setupFiles: ['./test/setup.ts'], ",
          pick(
            ["setupFiles: ['./test/setup.ts'], ", '', "setupFiles: ['./test/setup.ts', './test/more.ts'], "],
            random,
          ) ?? '',
        )
        .replace("./lib'", pick(["./lib'", "./data'"], random) ?? "./lib'"),
    ),
    write('another set-up file', 'test/more.ts', (random) => `globalThis.offset = ${number(random)};\n`),
    write(
      'a second configuration',
      (random) => pick(['vite.config.ts', 'vitest.config.mts', 'vitest.workspace.ts'], random) ?? 'vite.config.ts',
      "export default { test: { include: ['none/**'] } };\n",
    ),
    write(
      'the lock file',
      'package-lock.json',
      (random) => `{ "name": "m", "lockfileVersion": 3, "packages": { "x${number(random)}": {} } }\n`,
    ),
    write(
      'a manifest',
      (random) =>
        pick(['package.json', 'packages/sub/package.json', 'test/package.json', 'lib/package.json'], random) ??
        'package.json',
      (random) =>
        `{ "name": "m", "private": true, "type": "${pick(['module', 'commonjs'], random) ?? ''}", "imports": {} }\n`,
    ),
    write(
      'a tsconfig',
      (random) => pick(['tsconfig.json', 'lib/tsconfig.json', 'test/tsconfig.json'], random) ?? 'tsconfig.json',
      (random) => `{ "compilerOptions": { "useDefineForClassFields": ${random() < 0.5} } }\n`,
    ),
    write('a snapshot', 'test/__snapshots__/snap.test.ts.snap', (random, before) =>
      before.replace(/`\d`/u, `\`${number(random)}\``),
    ),
    tweak('a skipped test', /\.test\.ts$/u, /\bit\('/u, () => "it.skip('"),
    tweak('a renamed test', /\.test\.ts$/u, /it\('\w+/u, (found) => `${found}s`),
    remove('a removed file', /^(?:lib|data|test|generated|packages)\/.*\.(?:ts|json|txt|snap)$/u),
    rename('a renamed module', /^lib\/.*\.ts$/u, (path) => path.replace(/\.ts$/u, '-moved.ts')),
    rename('a renamed test file', /\.test\.ts$/u, (path) => path.replace(/\.test\.ts$/u, '-moved.test.ts')),
    tweak(
      'an import of another module',
      /^(?:lib|test)\/.*\.ts$/u,
      /\.\.?\/(?:lib\/)?(?:deep|other|constants)\.js/u,
      (found, random) => found.replace(/deep|other|constants/u, pick(['deep', 'other', 'constants'], random) ?? 'deep'),
    ),
    wording,
    level,
    variable('MODE_OF_TEST', ['plain', 'other']),
    variable('VITE_MODE', ['none', 'some']),
    variable('NODE_ENV', ['test', 'production']),
    variable('UNRELATED', ['1', '2']),
    tweak('a comment', /^(?:lib|test|packages)\/.*\.ts$/u, /^/u, (_found, random) => `// note ${number(random)}\n`),
    tweak('formatting', /^lib\/.*\.ts$/u, / = /u, () => '  =\n  '),
    unrelated,
  ],
};

const PYTEST: RandomSuite = {
  name: 'pytest',
  npm: false,
  files: {
    ...PYTEST_FILES,
    '.gitignore': '__pycache__\n.pytest_cache\ngenerated\n',
    'generated/value.txt': '1',
    'pkg/sub/__init__.py': 'from .inner import INNER\n',
    'pkg/sub/inner.py': 'from ..deep import TWO\n\nINNER = TWO - 1\n',
    'pkg/star.py': '__all__ = ["STAR"]\nSTAR = 1\nHIDDEN = 2\n',
    'plugin_of_tests.py': 'import pytest\n\n\n@pytest.fixture\ndef from_plugin():\n    return 1\n',
    'tests/conftest.py':
      'import pytest\n\npytest_plugins = ["plugin_of_tests"]\n\n\n@pytest.fixture\ndef base():\n    return 1\n',
    'tests/cases.json': '[1, 1]\n',
    'pytest.ini': '[pytest]\npythonpath = .\n',
    'tests/nested/conftest.py': 'import pytest\n\n\n@pytest.fixture\ndef base():\n    return 2\n',
    'tests/nested/test_nested.py': '# @verifies AC-p-nested\ndef test_nested(base):\n    assert base == 2\n',
    'tests/test_sub.py':
      'from pkg.sub import INNER\n\n\n# @verifies AC-p-sub\ndef test_sub():\n    assert INNER == 1\n',
    'tests/test_star.py': 'from pkg.star import *\n\n\n# @verifies AC-p-star\ndef test_star():\n    assert STAR == 1\n',
    'tests/test_plugin.py': '# @verifies AC-p-plugin\ndef test_plugin(from_plugin):\n    assert from_plugin == 1\n',
    'tests/test_json.py':
      'import json\nimport os\n\nHERE = os.path.dirname(__file__)\n\n\n# @verifies AC-p-json\ndef test_json():\n    with open(os.path.join(HERE, "cases.json")) as file:\n        assert json.load(file) == [1, 1]\n',
    'tests/test_ignored.py':
      '# @verifies AC-p-ignored\ndef test_ignored():\n    with open("generated/value.txt") as file:\n        assert file.read() == "1"\n',
    'tests/test_try.py':
      'try:\n    from pkg.extra import EXTRA\nexcept ImportError:\n    EXTRA = 1\n\n\n# @verifies AC-p-try\ndef test_try():\n    assert EXTRA == 1\n',
    'tests/test_env.py':
      'import os\n\n\n# @verifies AC-p-env\ndef test_env():\n    assert os.environ.get("MODE_OF_TEST", "plain") == "plain"\n',
    'specs/p.yaml': specFile(
      'SPEC-p',
      Object.fromEntries(
        ['add', 'free', 'file', 'named', 'nested', 'sub', 'star', 'plugin', 'json', 'ignored', 'try', 'env'].map(
          (id) => [`AC-p-${id}`, ''],
        ),
      ),
    ),
  },
  kinds: [
    tweak('a number in the code', /^(?:pkg\/.*|plugin_of_tests|tests\/(?:nested\/)?conftest)\.py$/u, /\b\d\b/u, digits),
    tweak('a number in a test', /test_\w+\.py$/u, /== \d/u, (_found, random) => `== ${number(random)}`),
    write(
      'a file that is read',
      (random) => pick(['tests/data.txt', 'tests/cases.json'], random) ?? 'tests/data.txt',
      (random) => pick(['five\n', '[1, 1]\n', '[2]\n'], random) ?? '',
    ),
    write('an ignored file', 'generated/value.txt', (random) => String(number(random))),
    write('an optional module', 'pkg/extra.py', (random) => `EXTRA = ${number(random)}\n`),
    write(
      'a shadowing module',
      (random) =>
        pick(
          [
            'tests/pkg.py',
            'pkg/sub.py',
            'pkg/deep/__init__.py',
            'json.py',
            'tests/plugin_of_tests.py',
            'tests/pkg/__init__.py',
            'pkg/free/__init__.py',
          ],
          random,
        ) ?? 'json.py',
      (random) => `TWO = ${number(random)}\nFREE = ${number(random)}\nINNER = 1\n`,
    ),
    write(
      'a conftest',
      (random) => pick(['conftest.py', 'tests/nested/conftest.py', 'pkg/conftest.py'], random) ?? 'conftest.py',
      (random) => `import pytest\n\n\n@pytest.fixture(autouse=True)\ndef base():\n    return ${number(random)}\n`,
    ),
    write(
      'a configuration',
      (random) => pick(['pytest.ini', 'tox.ini', 'setup.cfg', 'pyproject.toml', '.pytest.ini'], random) ?? 'pytest.ini',
      (random, before) =>
        pick(
          [
            before,
            '[pytest]\npython_functions = check_*\npythonpath = .\n',
            '[pytest]\npythonpath = pkg .\n',
            '[tool.pytest.ini_options]\npython_files = "check_*.py"\n',
            '[tool:pytest]\naddopts = -q\n',
          ],
          random,
        ) ?? '',
    ),
    write(
      'an initialiser',
      (random) =>
        pick(['pkg/__init__.py', 'tests/__init__.py', 'tests/nested/__init__.py', 'pkg/sub/__init__.py'], random) ??
        'pkg/__init__.py',
      (random) =>
        pick(['', 'INNER = 3\n', 'raise RuntimeError("no")\n', 'from . import deep\ndeep.TWO = 7\n'], random) ?? '',
    ),
    write(
      'site customisation',
      (random) => pick(['sitecustomize.py', 'usercustomize.py'], random) ?? 'sitecustomize.py',
      'import os\nos.environ["MODE_OF_TEST"] = "site"\n',
    ),
    write('the requirements', 'requirements.txt', (random) => `# ${number(random)}\n`),
    tweak(
      'a skipped test',
      /test_\w+\.py$/u,
      /(?=# @verifies)/u,
      () => '# skipped\nimport pytest\n@pytest.mark.skip\n',
    ),
    tweak('a renamed test', /test_\w+\.py$/u, /def test_\w+/u, (found) => `${found}s`),
    remove('a removed file', /^(?:pkg|tests|generated)\/.*\.(?:py|txt|json)$|^plugin/u),
    rename('a renamed module', /^pkg\/.*\.py$/u, (path) => path.replace(/\.py$/u, '_moved.py')),
    rename('a renamed test file', /test_\w+\.py$/u, (path) => path.replace(/\.py$/u, '_moved.py')),
    wording,
    level,
    variable('MODE_OF_TEST', ['plain', 'other']),
    variable('PYTEST_ADDOPTS', ['-q', '-k nothing']),
    variable('PYTHONPATH', ['pkg', 'tests']),
    variable('PYTHONOPTIMIZE', ['1']),
    variable('UNRELATED', ['1', '2']),
    tweak('a comment', /^(?:pkg|tests)\/.*\.py$/u, /^/u, (_found, random) => `# note ${number(random)}\n`),
    tweak('formatting', /^pkg\/.*\.py$/u, /^(\w+) = /mu, (found) => found.replace(' = ', '  =  ')),
    unrelated,
  ],
};

const CARGO: RandomSuite = {
  name: 'cargo',
  npm: false,
  files: {
    ...CARGO_FILES,
    '.gitignore': 'target\ngenerated\n',
    'generated/value.txt': '1',
    'data/read.txt': 'read',
    'tests/common/mod.rs': 'pub fn one() -> u32 {\n    1\n}\n',
    'src/odd_place.rs': 'pub fn odd() -> u32 {\n    1\n}\n',
    'src/lib.rs': `${CARGO_FILES['src/lib.rs']}\n#[path = "odd_place.rs"]\npub mod odd;\n`,
    'tests/common_user.rs':
      'mod common;\n\n/// Verifies: AC-c-common\n#[test]\nfn common_one() {\n    assert_eq!(common::one(), 1);\n}\n',
    'tests/reads.rs':
      '/// Verifies: AC-c-reads\n#[test]\nfn reads() {\n    assert_eq!(std::fs::read_to_string("data/read.txt").unwrap(), "read");\n}\n\n/// Verifies: AC-c-ignored\n#[test]\nfn ignored() {\n    assert_eq!(std::fs::read_to_string("generated/value.txt").unwrap(), "1");\n}\n',
    'tests/odd.rs': '/// Verifies: AC-c-odd\n#[test]\nfn odd() {\n    assert_eq!(m::odd::odd(), 1);\n}\n',
    'tests/env.rs':
      '/// Verifies: AC-c-env\n#[test]\nfn env() {\n    assert_eq!(option_env!("MODE_OF_TEST").unwrap_or("plain"), "plain");\n}\n',
    'specs/c.yaml': specFile(
      'SPEC-c',
      Object.fromEntries(['twice', 'file', 'common', 'reads', 'ignored', 'odd', 'env'].map((id) => [`AC-c-${id}`, ''])),
    ),
  },
  kinds: [
    tweak('a number in the code', /^(?:src|dep\/src|tests\/common)\/.*\.rs$/u, /\b\d\b/u, digits),
    tweak('a number in a test', /^tests\/\w+\.rs$/u, /, \d\)/u, (_found, random) => `, ${number(random)})`),
    write(
      'a file that is read',
      (random) => pick(['data.txt', 'data/read.txt'], random) ?? 'data.txt',
      (random) => pick(['five', 'read', 'six'], random) ?? '',
    ),
    write('an ignored file', 'generated/value.txt', (random) => String(number(random))),
    write(
      'a build script',
      'build.rs',
      (random) =>
        `fn main() { println!("cargo::rustc-env=MODE_OF_TEST=${pick(['plain', 'built'], random) ?? ''}"); }\n`,
    ),
    write(
      'a configuration',
      '.cargo/config.toml',
      (random) => `[env]\nMODE_OF_TEST = "${pick(['plain', 'configured'], random) ?? ''}"\n`,
    ),
    tweak(
      'the manifest',
      /^(?:dep\/)?Cargo\.toml$/u,
      /$/u,
      (_found, random) => pick(['\n[profile.test]\noverflow-checks = true\n', '\n# remark\n'], random) ?? '',
    ),
    write(
      'an automatic target',
      (random) => `src/bin/tool${number(random)}.rs`,
      (random) => pick(['fn main() {}\n', 'fn main() {\n'], random) ?? '',
    ),
    tweak('an ignored test', /^tests\/\w+\.rs$/u, /#\[test\]/u, () => '#[test]\n#[ignore]'),
    tweak('a renamed test', /^tests\/\w+\.rs$/u, /fn \w+\(\)/u, (found) => found.replace('()', 's()')),
    tweak('code that does not compile', /^(?:src|dep\/src)\/.*\.rs$/u, /\}\s*$/u, () => '\n'),
    remove('a removed file', /^(?:src|tests|data|generated|dep)\/.*\.(?:rs|txt)$|^data\.txt$/u),
    rename('a renamed module', /^src\/(?:deep|odd_place)\.rs$/u, (path) => path.replace(/\.rs$/u, '/mod.rs')),
    rename('a renamed test file', /^tests\/\w+\.rs$/u, (path) => path.replace(/\.rs$/u, '_moved.rs')),
    wording,
    level,
    variable('MODE_OF_TEST', ['plain', 'other']),
    variable('RUSTFLAGS', ['--cfg changed']),
    variable('UNRELATED', ['1']),
    tweak('a comment', /^(?:src|dep\/src|tests)\/.*\.rs$/u, /^/u, (_found, random) => `// note ${number(random)}\n`),
  ],
};

export const RANDOM_SUITES: readonly RandomSuite[] = [VITEST, CARGO, PYTEST].map((suite) => ({
  ...suite,
  kinds: [...suite.kinds, ...CONVENTIONS, LINKS],
}));

export interface Composition {
  readonly state: State;
  readonly steps: readonly string[];
}

/** One to four changes on a fresh copy of the project; a failing one shrinks to the fewest that still fail. */
export const compositions = (suite: RandomSuite): fc.Arbitrary<Composition> =>
  fc
    .array(fc.record({ kind: fc.constantFrom(...suite.kinds), seed: fc.noShrink(fc.nat()) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes) => {
      const state: State = { files: new Map(Object.entries(suite.files)), env: {} };
      const steps = changes.flatMap(({ kind, seed }) => {
        const done = kind.apply(state, randomOf(seed));
        return done === null ? [] : [done.includes(kind.name) ? done : `${kind.name} (${done})`];
      });
      return { state, steps };
    });

/** The same compositions for the same seed. */
export const sampled = (suite: RandomSuite, seed: number, count: number): readonly Composition[] =>
  fc.sample(compositions(suite), { seed, numRuns: count });
