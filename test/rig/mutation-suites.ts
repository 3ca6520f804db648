/**
 * Small projects for the soundness of the verdict cache and of `--changed`, each with a list of fixed mutations: a file, a removal or
 * a variable.
 */
import { specFile } from './spec-file.js';

/** One fixed change of a project. */
export interface Mutation {
  readonly name: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export const VITEST_FILES = {
  'package.json': '{ "name": "m", "private": true, "type": "module" }\n',
  'package-lock.json': '{ "name": "m", "lockfileVersion": 3, "packages": {} }\n',
  'tsconfig.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }\n',
  'vitest.config.ts':
    "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ test: { setupFiles: ['./test/setup.ts'], include: ['test/**/*.test.ts'] } });\n",
  'test/setup.ts': 'globalThis.offset = 0;\n',
  'lib/constants.ts': 'export const two = 2;\n',
  'lib/deep.ts':
    "import { two } from './constants.js';\n// doubles\nexport const twice = (x: number): number => x * two;\n",
  'lib/add.ts':
    "import { twice } from './deep.js';\nexport const add = (a: number, b: number): number => twice(a) / 2 + b;\n",
  'lib/other.ts': 'export const other = 1;\n',
  'lib/dynamic/one.ts': 'export default 1;\n',
  'data/table.json': '{ "sum": 5 }\n',
  'data/read.txt': 'expected\n',
  'test/add.test.ts':
    "import { expect, it } from 'vitest';\nimport { add } from '../lib/add.js';\nimport table from '../data/table.json';\n// @verifies AC-v-add\nit('adds', () => { expect(add(2, 3) + (globalThis as { offset?: number }).offset!).toBe(table.sum); });\n",
  'test/other.test.ts':
    "import { expect, it } from 'vitest';\nimport { other } from '../lib/other.js';\n// @verifies AC-v-other\nit('is other', () => { expect(other).toBe(1); });\n",
  'test/reads.test.ts':
    "import { readFileSync } from 'node:fs';\nimport { expect, it } from 'vitest';\n// @verifies AC-v-reads\nit('reads', () => { expect(readFileSync(new URL('../data/read.txt', import.meta.url), 'utf8')).toBe('expected\\n'); });\n",
  'test/dynamic.test.ts':
    "import { expect, it } from 'vitest';\nconst name = ['one'].join('');\n// @verifies AC-v-dynamic\nit('loads', async () => { expect((await import(`../lib/dynamic/${name}.ts`)).default).toBe(1); });\n",
  'test/env.test.ts':
    "import { expect, it } from 'vitest';\n// @verifies AC-v-env\nit('env', () => { expect(process.env['MODE_OF_TEST'] ?? 'plain').toBe('plain'); });\n",
  'test/clock.test.ts':
    "import { expect, it } from 'vitest';\n// @verifies AC-v-clock\nit('clock', () => { expect(Date.now()).toBeGreaterThan(0); });\n",
  'specs/v.yaml': specFile('SPEC-v', {
    'AC-v-add': '',
    'AC-v-other': '',
    'AC-v-reads': '',
    'AC-v-dynamic': '',
    'AC-v-env': '',
    'AC-v-clock': '',
  }),
};
const ADD = VITEST_FILES['test/add.test.ts'];

const VITEST: readonly Mutation[] = [
  {
    name: 'the code, two imports away',
    files: { 'lib/constants.ts': 'export const two = 3;\n' },
  },
  {
    name: 'a helper one import away',
    files: { 'lib/deep.ts': 'export const twice = (x: number): number => x * 5;\n' },
  },
  {
    name: 'the code under test',
    files: { 'lib/add.ts': 'export const add = (a: number, b: number): number => a - b;\n' },
  },
  { name: 'a JSON fixture', files: { 'data/table.json': '{ "sum": 6 }\n' } },
  {
    name: 'a file that is read at run time',
    files: { 'data/read.txt': 'changed\n' },
  },
  { name: 'a removed file that is read', remove: ['data/read.txt'] },
  { name: 'a dynamically imported module', files: { 'lib/dynamic/one.ts': 'export default 2;\n' } },
  { name: 'a removed dynamically imported module', remove: ['lib/dynamic/one.ts'] },
  { name: 'the set-up file of the config', files: { 'test/setup.ts': 'globalThis.offset = 1;\n' } },
  {
    name: 'the config',
    files: {
      'vitest.config.ts':
        "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ test: { include: ['none/**'] } });\n",
    },
  },
  {
    name: 'the config gains an alias',
    files: {
      'vitest.config.ts':
        "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ resolve: { alias: [{ find: '../lib/other.js', replacement: new URL('./lib/add.ts', import.meta.url).pathname }] }, test: { setupFiles: ['./test/setup.ts'], include: ['test/**/*.test.ts'] } });\n",
    },
  },
  {
    name: 'the config stops setting up',
    files: {
      'vitest.config.ts':
        "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ test: { include: ['test/**/*.test.ts'] } });\n",
    },
  },
  {
    name: 'the test itself',
    files: { 'test/add.test.ts': ADD.replace('add(2, 3)', 'add(2, 4)') },
  },
  {
    name: 'the test is skipped',
    files: { 'test/add.test.ts': ADD.replace("it('adds'", "it.skip('adds'") },
  },
  { name: 'the test is renamed', files: { 'test/add.test.ts': ADD.replace("'adds'", "'sums'") } },
  { name: 'the test is gone', remove: ['test/add.test.ts'] },
  { name: 'the imported module is gone', remove: ['lib/constants.ts'] },
  { name: 'the imported JSON is gone', remove: ['data/table.json'] },
  { name: 'the environment', env: { MODE_OF_TEST: 'other' } },
  { name: 'an unrelated environment', env: { UNRELATED: '1' } },
  { name: 'NODE_OPTIONS', env: { NODE_OPTIONS: '--no-warnings' } },
  { name: 'an environment file', files: { '.env': 'VITE_X=1\n' } },
  {
    name: 'the lock file',
    files: { 'package-lock.json': '{ "name": "m", "lockfileVersion": 3, "packages": { "": {} } }\n' },
  },
  {
    name: 'the manifest becomes CommonJS',
    files: { 'package.json': '{ "name": "m", "private": true, "type": "commonjs" }\n' },
  },
  { name: 'a shadowing module', files: { 'lib/constants.js': 'export const two = 7;\n' } },
  {
    name: 'a tsconfig path',
    files: { 'tsconfig.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./data/*"] } } }\n' },
  },
  {
    name: 'the wording',
    files: { 'specs/v.yaml': VITEST_FILES['specs/v.yaml'].replace('title: AC-v-add', 'title: Adds three numbers') },
  },
  {
    name: 'a comment',
    files: { 'lib/deep.ts': VITEST_FILES['lib/deep.ts'].replace('// doubles', '// makes two of one') },
  },
  { name: 'formatting', files: { 'lib/other.ts': 'export   const other =\n  1;\n' } },
  {
    name: 'an unrelated file',
    files: { 'lib/new.ts': 'export const fresh = 1;\n' },
  },
  {
    name: 'an environment pragma in a comment',
    files: { 'test/other.test.ts': `// @${'vitest'}-environment node\n${VITEST_FILES['test/other.test.ts']}` },
  },
];

export const PYTEST_FILES = {
  'pytest.ini': '[pytest]\n',
  'requirements.txt': '# nothing\n',
  'pkg/__init__.py': '',
  'pkg/deep.py': 'TWO = 2\n',
  'pkg/calc.py': 'from .deep import TWO\n\n\ndef add(a, b):\n    # plain\n    return a + b + TWO - 2\n',
  'pkg/free.py': 'FREE = 1\n',
  'pkg/named.py': 'VALUE = 1\n',
  'tests/conftest.py': 'import pytest\n\n\n@pytest.fixture\ndef base():\n    return 1\n',
  'tests/data.txt': 'five\n',
  'tests/test_calc.py':
    'from pkg.calc import add\n\n\ndef test_add(base):  # @verifies AC-p-add\n    assert add(base, 1) == 2\n',
  'tests/test_free.py':
    '# @verifies AC-p-free\ndef test_free():\n    from pkg.free import FREE\n    assert FREE == 1\n',
  'tests/test_file.py':
    'from pathlib import Path\n\n\n# @verifies AC-p-file\ndef test_file():\n    assert (Path(__file__).parent / "data.txt").read_text() == "five\\n"\n',
  'tests/test_named.py':
    'import importlib\n\n\n# @verifies AC-p-named\ndef test_named():\n    assert importlib.import_module("pkg." + "named").VALUE == 1\n',
  'specs/p.yaml': specFile('SPEC-p', { 'AC-p-add': '', 'AC-p-free': '', 'AC-p-file': '', 'AC-p-named': '' }),
};
const PYTEST: readonly Mutation[] = [
  { name: 'a module two imports away', files: { 'pkg/deep.py': 'TWO = 3\n' } },
  { name: 'the code under test', files: { 'pkg/calc.py': 'def add(a, b):\n    return a - b\n' } },
  { name: 'a package initialiser', files: { 'pkg/__init__.py': 'raise RuntimeError("no")\n' } },
  {
    name: 'a fixture of conftest',
    files: { 'tests/conftest.py': 'import pytest\n\n\n@pytest.fixture\ndef base():\n    return 2\n' },
  },
  {
    name: 'a new conftest above',
    files: { 'conftest.py': 'import pytest\n\n\n@pytest.fixture(autouse=True)\ndef no():\n    pytest.fail("no")\n' },
  },
  { name: 'the configuration', files: { 'pytest.ini': '[pytest]\npython_functions = check_*\n' } },
  { name: 'a file that is read', files: { 'tests/data.txt': 'six\n' } },
  { name: 'a removed file that is read', remove: ['tests/data.txt'] },
  { name: 'a module imported by name', files: { 'pkg/named.py': 'VALUE = 2\n' } },
  { name: 'the requirements', files: { 'requirements.txt': 'pytest\n' } },
  {
    name: 'the test itself',
    files: { 'tests/test_calc.py': PYTEST_FILES['tests/test_calc.py'].replace('== 2', '== 3') },
  },
  {
    name: 'the test is skipped',
    files: { 'tests/test_free.py': `import pytest\n\n\n@pytest.mark.skip\n${PYTEST_FILES['tests/test_free.py']}` },
  },
  { name: 'the module is gone', remove: ['pkg/free.py'] },
  { name: 'a shadowing module', files: { 'tests/pkg.py': 'raise RuntimeError("no")\n' } },
  { name: 'the environment', env: { PYTEST_ADDOPTS: '-k nothing' } },
  {
    name: 'a comment',
    files: { 'pkg/calc.py': PYTEST_FILES['pkg/calc.py'].replace('# plain', '# simple') },
  },
  { name: 'an unrelated module', files: { 'pkg/fresh.py': 'X = 1\n' } },
];

export const CARGO_FILES = {
  'Cargo.toml':
    '[package]\nname = "m"\nversion = "0.1.0"\nedition = "2021"\n\n[features]\nextra = []\n\n[dependencies]\ndep = { path = "dep" }\n\n[workspace]\n',
  'Cargo.lock':
    'version = 4\n\n[[package]]\nname = "dep"\nversion = "0.1.0"\n\n[[package]]\nname = "m"\nversion = "0.1.0"\ndependencies = [\n "dep",\n]\n',
  'dep/Cargo.toml': '[package]\nname = "dep"\nversion = "0.1.0"\nedition = "2021"\n',
  'dep/src/lib.rs': 'pub const TWO: u32 = 2;\n',
  'data.txt': 'five',
  '.gitignore': 'target\n',
  'src/lib.rs':
    'pub mod deep;\n\n/// Doubles.\npub fn twice(x: u32) -> u32 {\n    // plain\n    x * deep::two()\n}\n\n#[cfg(test)]\nmod tests {\n    /// Verifies: AC-c-twice\n    #[test]\n    fn twice() {\n        assert_eq!(super::twice(2), 4);\n    }\n}\n',
  'src/deep.rs': 'pub fn two() -> u32 {\n    dep::TWO\n}\n',
  'tests/file.rs':
    '/// Verifies: AC-c-file\n#[test]\nfn file() {\n    assert_eq!(include_str!("../data.txt"), "five");\n}\n',
  'specs/c.yaml': specFile('SPEC-c', { 'AC-c-twice': '', 'AC-c-file': '' }),
};
const CARGO: readonly Mutation[] = [
  { name: 'a module', files: { 'src/deep.rs': 'pub fn two() -> u32 {\n    3\n}\n' } },
  { name: 'a path dependency', files: { 'dep/src/lib.rs': 'pub const TWO: u32 = 5;\n' } },
  { name: 'an included file', files: { 'data.txt': 'six' } },
  {
    name: 'the manifest',
    files: { 'Cargo.toml': `${CARGO_FILES['Cargo.toml']}\n[profile.test]\noverflow-checks = true\n` },
  },
  { name: 'a configuration', files: { '.cargo/config.toml': '[env]\nX = "1"\n' } },
  { name: 'it does not compile', files: { 'src/deep.rs': 'pub fn two() -> u32 {\n' } },
  {
    name: 'the test is ignored',
    files: { 'tests/file.rs': CARGO_FILES['tests/file.rs'].replace('#[test]', '#[test]\n#[ignore]') },
  },
  { name: 'a build script', files: { 'build.rs': 'fn main() { println!("cargo::rustc-cfg=changed"); }\n' } },
  { name: 'the environment', env: { RUSTFLAGS: '--cfg changed' } },
  { name: 'the module is gone', remove: ['src/deep.rs'] },
  {
    name: 'a comment',
    files: { 'src/lib.rs': CARGO_FILES['src/lib.rs'].replace('// plain', '// simple') },
  },
  { name: 'an unrelated file', files: { 'NOTES.txt': 'x\n' } },
];

/** The three projects with their fixed mutations; scripts/mutations.mjs composes random ones on the same projects. */
export const SUITES: readonly {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly mutations: readonly Mutation[];
  readonly npm: boolean;
  /** Criteria whose tests are no function of any files, or may load one that is none: never reused. */
  readonly never: readonly string[];
}[] = [
  { name: 'vitest', files: VITEST_FILES, mutations: VITEST, npm: true, never: ['AC-v-clock', 'AC-v-dynamic'] },
  { name: 'pytest', files: PYTEST_FILES, mutations: PYTEST, npm: false, never: [] },
  { name: 'cargo', files: CARGO_FILES, mutations: CARGO, npm: false, never: [] },
];
