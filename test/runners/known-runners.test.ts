import { describe, expect, it } from 'vitest';
import { knownRunners, withInsertions } from '../../src/runners/command/known-runners.js';
import { simpleCommands } from '../../src/runners/command/shell-words.js';

const names = (line: string): string[] => knownRunners(line).map((found) => found.name);

describe('known test runners in a line of shell', () => {
  // @verifies AC-run-known-runner-needs-report
  it.each([
    ['cargo test name', ['cargo test']],
    ['cargo +nightly t -p x', ['cargo test']],
    ['cargo nextest run', ['cargo nextest']],
    ['pytest -q', ['pytest']],
    ['.venv/bin/pytest tests', ['pytest']],
    ['python3.11 -m pytest tests', ['pytest']],
    ['python -Wm pytest', ['pytest']],
    ['python -m unittest', ['python -m unittest']],
    ['coverage run -m pytest', ['pytest']],
    ['vitest run', ['vitest']],
    ['npx --yes vitest@4 run', ['vitest']],
    ['pnpm exec vitest', ['vitest']],
    ['yarn jest --ci', ['jest']],
    ['node node_modules/vitest/vitest.mjs run', ['vitest']],
    ['node --import tsx --test test/', ['node --test']],
    ['go test ./...', ['go test']],
    ['go -C sub test ./...', ['go test']],
    ['npx playwright test', ['playwright test']],
    ['CI=1 FOO="a b" env X=1 timeout 60 nice -n 5 uv run pytest', ['pytest']],
    ['cd web && npx vitest run || true', ['vitest']],
    ['if true; then pytest; fi', ['pytest']],
    ['for d in a b; do (cd $d && go test ./...); done', ['go test']],
    ["sh -c 'pytest -q'", ['pytest']],
    ['bash -ec "cd x; cargo test"', ['cargo test']],
    ['echo "$(pytest -q)"', ['pytest']],
    ['out=`cargo test`', ['cargo test']],
    ['make lint; pytest; go test .', ['pytest', 'go test']],
    ['! jest', ['jest']],
    ['eval "pytest -x"', ['pytest']],
  ])('%s', (line, expected) => {
    expect(names(line)).toEqual(expected);
  });

  it.each([
    'echo pytest',
    'grep -r "cargo test" docs',
    "printf 'go test\\n'",
    'cargo build',
    'cargo run -- test',
    'node server.js',
    'node test/run.js',
    'go vet ./...',
    './scripts/tap',
    'cat pytest.ini # pytest',
    'python setup.py test',
    'npm test',
    'playwright install',
    './jest-report.sh',
  ])('sees none in: %s', (line) => {
    expect(names(line)).toEqual([]);
  });

  it('puts words behind the right one, whatever stands around it', () => {
    const line = 'cd "a b" && npx vitest run \'x y\' && node --test t.js';
    const insertions = knownRunners(line).map((found) => ({
      at: found.insertAt ?? -1,
      words: `<${found.report ?? ''}>`,
    }));
    expect(withInsertions(line, insertions)).toBe(
      'cd "a b" && npx vitest <vitest> run \'x y\' && node --test <node-test> t.js',
    );
  });

  it('never ends on odd input', () => {
    for (const line of [
      '',
      '"',
      "'",
      '$(',
      '`',
      '\\',
      '((((',
      '$($($(',
      '&&&&||||;;;;',
      'a\\',
      '"$(`',
      '>&',
      '\n\n#\n',
      '<<EOF\npytest\nEOF',
    ])
      expect(Array.isArray(simpleCommands(line))).toBe(true);
  });
});
