/**
 * Which test runner a command is, by its program and the words behind it. The observer tells the same of programs that a
 * line started where nobody can read it (a Makefile, a script); both ask `runnerOf`.
 */
import { baseName } from './launchers.js';

export type ReportKind = 'pytest' | 'vitest' | 'node-test' | 'cargo' | 'go';

export interface NamedRunner {
  /** As a person knows it: `pytest`, `cargo test`, `jest`. */
  readonly name: string;
  /** Null: it has no report that we could ask for. */
  readonly report: ReportKind | null;
  /** Index of the word behind which words that ask for the report belong. */
  readonly word: number;
}

/** Programs that are test runners whatever their arguments are. */
const ALWAYS: ReadonlySet<string> = new Set([
  'jest',
  'mocha',
  'ava',
  'tap',
  'jasmine',
  'karma',
  'uvu',
  'borp',
  'nose2',
  'nosetests',
  'green',
  'trial',
  'stestr',
  'rspec',
  'phpunit',
  'pest',
  'ctest',
  'bats',
  'shellspec',
  'tox',
  'nox',
  'gotestsum',
  'richgo',
  'ward',
  'behave',
  'cucumber',
  'cucumber-js',
  'cypress',
  'testcafe',
  'nightwatch',
  'wdio',
  'codeceptjs',
  'zora',
  'qunit',
  'tape',
  'cargo-nextest',
  'ginkgo',
  'prove',
  'robot',
  'pabot',
  'busted',
  'start-server-and-test',
  'web-test-runner',
  'wtr',
  'zope-testrunner',
  'django-test',
]);

/** Goals that are about tests. `mvn package` runs them too, but whoever writes it asks whether it builds. */
const MAVEN_TESTS = ['test', 'verify', 'integration-test', 'surefire:test', 'failsafe:verify'];
const GRADLE_TESTS = ['test', 'check', 'connectedCheck', 'integrationTest'];

/** Programs that run tests when one of these words is among their arguments. */
const WITH_GOAL: ReadonlyMap<string, readonly string[]> = new Map([
  ['playwright', ['test']],
  ['bun', ['test']],
  ['deno', ['test']],
  ['dart', ['test']],
  ['flutter', ['test']],
  ['dotnet', ['test', 'vstest']],
  ['swift', ['test']],
  ['zig', ['test']],
  ['mix', ['test']],
  ['bazel', ['test', 'coverage']],
  ['bazelisk', ['test', 'coverage']],
  ['buck2', ['test']],
  ['pants', ['test']],
  ['mvn', MAVEN_TESTS],
  ['mvnw', MAVEN_TESTS],
  ['mvnd', MAVEN_TESTS],
  ['gradle', GRADLE_TESTS],
  ['gradlew', GRADLE_TESTS],
  ['sbt', ['test', 'testOnly', 'testQuick']],
  ['lein', ['test']],
  ['stack', ['test']],
  ['cabal', ['test']],
  ['meson', ['test']],
  ['ninja', ['test']],
  ['rake', ['test', 'spec']],
  ['rails', ['test', 'test:system']],
  ['hatch', ['test']],
  ['ng', ['test', 'e2e']],
  ['nx', ['test', 'e2e']],
  ['turbo', ['test', 'e2e']],
  ['lerna', ['test', 'e2e']],
  ['rush', ['test']],
  ['react-scripts', ['test']],
  ['craco', ['test']],
  ['vue-cli-service', ['test:unit', 'test:e2e']],
  ['xcodebuild', ['test']],
  ['forge', ['test']],
  ['hardhat', ['test']],
  ['truffle', ['test']],
  ['anchor', ['test']],
  ['cross', ['test', 't']],
  ['django-admin', ['test']],
  ['manage.py', ['test']],
]);

const PYTHON_MODULES = new Set([
  'unittest',
  'nose2',
  'nose',
  'doctest',
  'behave',
  'tox',
  'nox',
  'robot',
  'trial',
  'ward',
  'green',
]);
const CARGO_TESTS = new Set([
  'nextest',
  'llvm-cov',
  'tarpaulin',
  'careful',
  'mutants',
  'insta',
  'hack',
  'miri',
  'make',
]);

const silent = (name: string): NamedRunner => ({ name, report: null, word: 0 });

/** `python …`, and what stands behind `coverage run`: modules and scripts that run tests. `from`: index of the first argument. */
function pythonRunner(words: readonly string[], from: number): NamedRunner | null {
  for (let at = from; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '-m' || /^-[A-Za-z]*m$/.test(word)) {
      const module = words[at + 1] ?? '';
      if (module === 'pytest' || module === 'py.test') return { name: 'pytest', report: 'pytest', word: at + 1 };
      if (PYTHON_MODULES.has(module)) return silent(`python -m ${module}`);
      if (module === 'django' && words[at + 2] === 'test') return silent('python -m django test');
      // `python -m coverage run -m unittest`, `python -m cProfile -m pytest`: the module starts another one.
      continue;
    }
    const name = baseName(word);
    if (name === 'pytest' || name === 'py.test') return { name: 'pytest', report: 'pytest', word: at };
    if (name === 'manage.py') return words.slice(at + 1).includes('test') ? silent('manage.py test') : null;
    if (!word.startsWith('-') && name.endsWith('.py')) return null;
  }
  return null;
}

function cargoRunner(words: readonly string[]): NamedRunner | null {
  const sub = words.findIndex((word, index) => index > 0 && !word.startsWith('+') && !word.startsWith('-'));
  const name = words[sub] ?? '';
  if (name === 'test' || name === 't') return { name: 'cargo test', report: 'cargo', word: sub };
  const isTest = name === 'nextest' || name === 'llvm-cov' || name === 'tarpaulin' || name === 'careful';
  return isTest || (CARGO_TESTS.has(name) && words.slice(sub).includes('test')) ? silent(`cargo ${name}`) : null;
}

function nodeRunner(words: readonly string[]): NamedRunner | null {
  const option = words.findIndex((word, index) => index > 0 && word === '--test');
  if (option !== -1) return { name: 'node --test', report: 'node-test', word: option };
  // `node node_modules/vitest/vitest.mjs run`, `node node_modules/.bin/jest`
  const script = words.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  if (script === -1) return null;
  const inner = runnerOf(words.slice(script));
  return inner === null ? null : { ...inner, word: inner.word + script };
}

/** The test runner that a program with these words is; null when it is none that is known. */
export function runnerOf(words: readonly string[]): NamedRunner | null {
  const first = words[0] ?? '';
  const program = baseName(first)
    .replace(/\.(?:mjs|cjs|js|exe|cmd|bat)$/, '')
    .replace(/@[^@]*$/, '');
  if (program === 'pytest' || program === 'py.test') return { name: 'pytest', report: 'pytest', word: 0 };
  if (program === 'vitest')
    return ['bench', 'list', 'init'].includes(words[1] ?? '')
      ? silent('vitest')
      : { name: 'vitest', report: 'vitest', word: 0 };
  if (/^(?:python|pypy)[0-9.]*$/.test(program)) return pythonRunner(words, 1);
  if (program === 'coverage') return words[1] === 'run' ? pythonRunner(words, 2) : null;
  if (program === 'node' || program === 'nodejs' || program === 'tsx') return nodeRunner(words);
  if (program === 'cargo') return cargoRunner(words);
  if (program === 'go') {
    const sub = words.findIndex((word, index) => index > 0 && !word.startsWith('-') && words[index - 1] !== '-C');
    return words[sub] === 'test' ? { name: 'go test', report: 'go', word: sub } : null;
  }
  const goal = words
    .slice(1)
    .find(
      (word, index) => words[index] !== '-x' && WITH_GOAL.get(program)?.some((name) => isGoal(word, name)) === true,
    );
  if (goal !== undefined) return silent(`${program} ${goal}`);
  // A project's own script may be called `tap` as well: by path, only a package's bin folder names a runner.
  const isNamed = !first.includes('/') || /(?:^|\/)(?:\.bin|bin)\//.test(first);
  return isNamed && ALWAYS.has(program) ? silent(program) : null;
}

/** `test`, gradle's `:app:test`, nx's `--target=test`. */
const isGoal = (word: string, name: string): boolean =>
  word === name || (word.startsWith(':') && word.endsWith(`:${name}`)) || /^--targets?=(.*)$/.exec(word)?.[1] === name;
