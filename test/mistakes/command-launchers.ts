/**
 * Honest mistakes with `run:` links whose runner stands behind a package script, a quote or a launcher.
 * The project of these rows has node_modules with vitest.
 */
import type { Mistake } from './rig.js';

const UNTOLD = 'ERROR(not-reported)';
const PASS = 'PASS(executed)';
const BY_CODE = 'PASS(exit-code)';

/** Scripts of the project's root; each row below runs one of them. */
const SCRIPTS: Readonly<Record<string, string>> = {
  test: 'vitest run nothing-matches --passWithNoTests',
  'test:unit': 'vitest run nothing --passWithNoTests',
  vitest: 'vitest run nothing --passWithNoTests',
  good: 'vitest run test/good.test.js',
  node: 'node --test node/good.test.mjs',
  'node:none': 'node --test --test-name-pattern=nothing node/good.test.mjs',
  env: 'cross-env CI=1 TZ=UTC vitest run nothing --passWithNoTests',
  assigned: 'CI=1 vitest run nothing --passWithNoTests',
  chain: 'node -e 0 && vitest run nothing --passWithNoTests',
  both: 'node --test node/good.test.mjs && vitest run nothing --passWithNoTests',
  calls: 'npm run test:unit',
  'calls:again': 'npm run calls',
  hooked: 'node -e 0',
  posthooked: 'vitest run nothing --passWithNoTests',
  jest: 'jest --passWithNoTests',
  several: 'run-s "node:*"',
  lint: 'node -e 0',
  failing: 'vitest run test/bad.test.js || true',
};

const FILES = {
  'package.json': JSON.stringify({ name: 'root', private: true, scripts: SCRIPTS, workspaces: ['packages/*'] }),
  'packages/a/package.json': JSON.stringify({
    name: '@x/a',
    scripts: { test: 'vitest run nothing --passWithNoTests', lint: 'node -e 0' },
  }),
  'test/good.test.js': "import { expect, it } from 'vitest';\nit('good', () => expect(1).toBe(1));\n",
  'test/bad.test.js': "import { expect, it } from 'vitest';\nit('bad', () => expect(1).toBe(2));\n",
  'node/good.test.mjs':
    "import assert from 'node:assert/strict';\nimport test from 'node:test';\ntest('good', () => assert.equal(1, 1));\n",
  'go/go.mod': 'module g\n\ngo 1.24\n',
  'go/g_test.go': 'package g\n\nimport "testing"\n\nfunc TestOk(t *testing.T) {}\n',
  'ut/test_s.py':
    'import unittest\n\n\nclass T(unittest.TestCase):\n    @unittest.skip("later")\n    def test_s(self):\n        self.assertEqual(1, 1)\n',
};

const line = (id: string, run: string, wanted: Mistake['wanted'], more = ''): Mistake => ({
  id,
  tried: run,
  files: {},
  link: `{ run: ${JSON.stringify(run)}${more} }`,
  wanted,
});

/** `verdicts.md` r02, r41, r48, r49, x36 and their siblings. */
export const SCRIPT_ROWS: readonly Mistake[] = [
  { ...line('r02', 'npm test', UNTOLD), files: FILES },
  line('r02b', 'npm t --silent', UNTOLD),
  line('r48', 'npm run test:unit', UNTOLD),
  line('r49', 'yarn test', UNTOLD),
  line('r49b', 'pnpm test', UNTOLD),
  line('r49c', 'npm run vitest', UNTOLD),
  line('x36', 'npm test -- --silent', UNTOLD, ', expect: { min_executed: 1 }'),
  line('r41', 'true', UNTOLD, ', expect: { min_executed: 1 }'),
  line('script-good', 'npm run good', PASS),
  line('script-good-min', 'npm run good', PASS, ', expect: { min_executed: 1 }'),
  line('script-good-more', 'npm run good', UNTOLD, ', expect: { min_executed: 2 }'),
  line('script-node', 'npm run -s node', PASS),
  line('script-node-none', 'npm run node:none', UNTOLD),
  line('script-cross-env', 'npm run env', UNTOLD),
  line('script-assigned', 'npm run assigned', UNTOLD),
  line('script-chain', 'npm run chain', UNTOLD),
  line('script-both', 'npm run both', UNTOLD),
  line('script-calls', 'npm run calls:again', UNTOLD),
  line('script-hook', 'npm run hooked', UNTOLD),
  line('script-jest', 'npm run jest', UNTOLD),
  line('script-run-s', 'npm run several', UNTOLD),
  line('script-failing', 'npm run failing', 'FAIL(assertion)'),
  line('script-if-present', 'npm run --if-present absent', UNTOLD),
  line('script-if-present-after', 'npm run absent --if-present', UNTOLD),
  line('script-absent', 'npm run absent || true', UNTOLD),
  line('script-prefix', 'npm --prefix packages/a test', UNTOLD),
  line('script-cd', 'cd packages/a && npm test', UNTOLD),
  line('script-workspace', 'npm test -w @x/a', UNTOLD),
  line('script-workspaces', 'npm test --workspaces --if-present', UNTOLD),
  line('script-filter', 'pnpm --filter @x/a test', UNTOLD),
  line('script-yarn-workspace', 'yarn workspace @x/a test', UNTOLD),
  line('script-node-run', 'node --run test', UNTOLD),
  line('script-bun', 'bun run test', UNTOLD),
  line('script-lint', 'npm run lint', BY_CODE),
  line('script-lint-workspace', 'npm run lint -w @x/a', BY_CODE),
  line('script-npx', 'npx --no-install vitest run nothing --passWithNoTests', UNTOLD),
];

/** The folders 55 and 58, and their siblings: none of these programs needs to be installed, since no exit code counts. */
export const LAUNCHER_ROWS: readonly Mistake[] = [
  line('launch-time', 'time -p sh -c "cd go && go test -run Nothing ./..."', UNTOLD),
  line('launch-time-good', 'time -p sh -c "cd go && go test -run TestOk ./..."', PASS),
  line('launch-sh', 'sh -c "cd go && go test -run Nothing ./..."', UNTOLD),
  line('launch-coverage', 'python3 -m coverage run -m unittest discover -s ut || true', UNTOLD),
  line('launch-unittest', 'python3 -m unittest discover -s ut', UNTOLD),
  ...[
    'coverage run -m unittest',
    'coverage run --source=. manage.py test',
    'python3 manage.py test --tag nothing',
    './manage.py test',
    'django-admin test',
    'bazel test //...',
    'bazelisk --output_base=x test //a:b',
    'mvn -q test',
    './mvnw -B verify',
    './gradlew :app:test',
    'gradle check --offline',
    'bundle exec rspec',
    'nyc mocha',
    'npx nyc --reporter=text jest',
    'c8 -r text node_modules/.bin/mocha',
    'meson test -C build',
    'prove -r t',
    'robot tests',
    'cargo llvm-cov',
    'cargo llvm-cov nextest',
    'cross test --target x',
    'tox -e py',
    'nox -s tests',
    'uv run --with coverage python -m unittest',
    'poetry run python -m unittest',
    'docker run --rm -v .:/src image pytest -q',
    'docker compose run app npm exec jest',
    'xvfb-run -a npx playwright test',
    'dotnet test',
    'nice -n 5 rspec',
    'nx run-many --target=test',
    'turbo run test',
  ].map((run, index) => line(`launch-${index}`, `${run} || true`, UNTOLD)),
  ...['docker build -t test . || true', 'gradle build -x test || true', 'python3 -c "print(1)"', 'echo jest'].map(
    (run, index) => line(`launch-plain-${index}`, run, BY_CODE),
  ),
];
