/**
 * Which test runners a line of shell starts. Their exit code alone is never believed: `cargo test name` that matches
 * nothing exits 0. Where a runner can be asked for a report by more words on its own command, `insert` says which words.
 */
import { simpleCommands, type Word } from './shell-words.js';

export type ReportKind = 'pytest' | 'vitest' | 'node-test' | 'cargo' | 'go';

export interface KnownRunner {
  /** As a person knows it: `pytest`, `cargo test`, `jest`. */
  readonly name: string;
  /** Null: it has no report that we could ask for. */
  readonly report: ReportKind | null;
  /** Offset in the line where words that ask for the report belong; null where the command stands inside another word. */
  readonly insertAt: number | null;
}

/** Words that may stand before a program and start it, with how many words of their own they take at least. */
const WRAPPERS: ReadonlyMap<string, 'plain' | 'timeout'> = new Map([
  ['exec', 'plain'],
  ['command', 'plain'],
  ['time', 'plain'],
  ['nice', 'plain'],
  ['nohup', 'plain'],
  ['sudo', 'plain'],
  ['env', 'plain'],
  ['stdbuf', 'plain'],
  ['setsid', 'plain'],
  ['xvfb-run', 'plain'],
  ['timeout', 'timeout'],
]);
const KEYWORDS = new Set(['if', 'then', 'elif', 'else', 'do', 'while', 'until', '!', '{']);
/** `uv run pytest`, `npx vitest`, `pnpm exec jest`: the program stands behind these words. */
const LAUNCHERS: readonly (readonly string[])[] = [
  ['npx'],
  ['bunx'],
  ['pnpx'],
  ['pnpm', 'exec'],
  ['pnpm', 'dlx'],
  ['npm', 'exec'],
  ['yarn', 'exec'],
  ['yarn', 'run'],
  ['yarn', 'dlx'],
  ['yarn'],
  ['bun', 'x'],
  ['pnpm'],
  ['uv', 'run'],
  ['uvx'],
  ['poetry', 'run'],
  ['pipenv', 'run'],
  ['pdm', 'run'],
  ['hatch', 'run'],
  ['rye', 'run'],
  ['pixi', 'run'],
];
/** Launchers whose options may take a value that is not joined by `=`; skipped with it. */
const OPTION_WITH_VALUE = new Set([
  '-p',
  '--package',
  '--with',
  '--python',
  '-c',
  '--call',
  '-C',
  '--dir',
  '--prefix',
  '--filter',
  '-n',
  '-k',
  '-s',
  '--signal',
  '--kill-after',
  '-u',
  '--user',
  '--group',
  '--extra',
  '-w',
  '--workspace',
]);
const OTHER: ReadonlySet<string> = new Set([
  'jest',
  'mocha',
  'ava',
  'tap',
  'jasmine',
  'karma',
  'uvu',
  'nose2',
  'nosetests',
  'rspec',
  'phpunit',
  'ctest',
  'bats',
  'tox',
  'nox',
  'gotestsum',
  'ward',
  'behave',
  'cucumber-js',
  'cypress',
  'wdio',
  'zora',
  'qunit',
  'tape',
  'cargo-nextest',
  'ginkgo',
]);

const base = (program: string): string => program.slice(program.lastIndexOf('/') + 1);
const isAssignment = (text: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*\+?=/.test(text);

/** The position of the first word that is a program of its own, behind assignments, keywords, wrappers and launchers. */
function programAt(words: readonly Word[]): number {
  let at = 0;
  const text = (index: number): string => words[index]?.text ?? '';
  const skipOptions = (): void => {
    while (text(at).startsWith('-')) at += OPTION_WITH_VALUE.has(text(at)) ? 2 : 1;
  };
  for (;;) {
    const word = text(at);
    const wrapper = WRAPPERS.get(base(word));
    const launcher = LAUNCHERS.find((candidate) =>
      candidate.every((part, index) => (index === 0 ? base(text(at)) : text(at + index)) === part),
    );
    if (KEYWORDS.has(word) || isAssignment(word)) at += 1;
    else if (wrapper !== undefined) {
      at += 1;
      skipOptions();
      if (wrapper === 'timeout') at += 1;
    } else if (launcher !== undefined) {
      at += launcher.length;
      skipOptions();
    } else return at;
  }
}

function identify(words: readonly Word[]): KnownRunner | null {
  const at = programAt(words);
  const text = (index: number): string => words[index]?.text ?? '';
  const after = (index: number): number | null => words[index]?.end ?? null;
  const rest = words.slice(at + 1).map((word) => word.text);
  const program = base(text(at))
    .replace(/\.(?:mjs|cjs|js|exe)$/, '')
    .replace(/@[^@]*$/, '');
  if (program === 'pytest' || program === 'py.test') return { name: 'pytest', report: 'pytest', insertAt: null };
  if (program === 'vitest')
    return rest[0] === 'bench' || rest[0] === 'list' || rest[0] === 'init'
      ? { name: 'vitest', report: null, insertAt: null }
      : { name: 'vitest', report: 'vitest', insertAt: after(at) };
  if (/^(?:python|pypy)[0-9.]*$/.test(program)) {
    const option = rest.findIndex((word) => word === '-m' || (/^-[A-Za-z]*m$/.test(word) && !word.startsWith('--')));
    const module = option === -1 ? undefined : rest[option + 1];
    if (module === 'pytest' || module === 'py.test') return { name: 'pytest', report: 'pytest', insertAt: null };
    return module === 'unittest' || module === 'nose2' || module === 'doctest'
      ? { name: `python -m ${module}`, report: null, insertAt: null }
      : null;
  }
  if (program === 'coverage')
    return rest.includes('pytest') ? { name: 'pytest', report: 'pytest', insertAt: null } : null;
  if (program === 'node' || program === 'nodejs' || program === 'tsx') {
    const option = rest.indexOf('--test');
    if (option !== -1) return { name: 'node --test', report: 'node-test', insertAt: after(at + 1 + option) };
    // `node node_modules/vitest/vitest.mjs run`, `node node_modules/.bin/jest`
    const script = rest.findIndex((word) => !word.startsWith('-'));
    return script === -1 ? null : identify(words.slice(at + 1 + script));
  }
  if (program === 'cargo') {
    const sub = rest.findIndex((word) => !word.startsWith('+') && !word.startsWith('-'));
    const name = sub === -1 ? '' : (rest[sub] ?? '');
    if (name === 'test' || name === 't') return { name: 'cargo test', report: 'cargo', insertAt: after(at + 1 + sub) };
    return name === 'nextest' ? { name: 'cargo nextest', report: null, insertAt: null } : null;
  }
  if (program === 'go') {
    const sub = rest.findIndex((word, index) => !word.startsWith('-') && rest[index - 1] !== '-C');
    return rest[sub] === 'test' ? { name: 'go test', report: 'go', insertAt: after(at + 1 + sub) } : null;
  }
  if (program === 'playwright')
    return rest[0] === 'test' ? { name: 'playwright test', report: null, insertAt: null } : null;
  if (
    (program === 'bun' ||
      program === 'deno' ||
      program === 'dart' ||
      program === 'flutter' ||
      program === 'dotnet' ||
      program === 'swift' ||
      program === 'zig' ||
      program === 'mix') &&
    rest[0] === 'test'
  )
    return { name: `${program} test`, report: null, insertAt: null };
  // A project's own script may be called `tap` as well: by path, only a package's bin folder names a runner.
  const named = !text(at).includes('/') || /(?:^|\/)(?:\.bin|bin)\//.test(text(at));
  return named && OTHER.has(program) ? { name: program, report: null, insertAt: null } : null;
}

/** The text that `sh -c TEXT` or `eval TEXT` would run, if the command is one of these. */
function shellText(words: readonly Word[]): string | null {
  const at = programAt(words);
  const program = base(words[at]?.text ?? '');
  const rest = words.slice(at + 1);
  if (program === 'eval') return rest.map((word) => word.text).join(' ');
  if (!/^(?:ba|da|z|k|a)?sh$/.test(program)) return null;
  const option = rest.findIndex((word) => /^-[a-z]*c$/.test(word.text));
  return option === -1 ? null : (rest[option + 1]?.text ?? null);
}

/** All known test runners that a line starts, outermost first. Those inside quotes or substitutions have no `insertAt`. */
export function knownRunners(line: string, depth = 0): readonly KnownRunner[] {
  if (depth > 4) return [];
  const nested = (text: string): KnownRunner[] =>
    knownRunners(text, depth + 1).map((found) => ({ ...found, insertAt: null }));
  return simpleCommands(line).flatMap((words) => {
    const found = identify(words);
    const text = shellText(words);
    return [
      ...(found === null ? [] : [found]),
      ...(text === null ? [] : nested(text)),
      ...words.flatMap((word) => word.inner.flatMap(nested)),
    ];
  });
}

/** The line with words put in at their offsets. */
export function withInsertions(
  line: string,
  insertions: readonly { readonly at: number; readonly words: string }[],
): string {
  let result = line;
  for (const { at, words } of [...insertions].sort((left, right) => right.at - left.at))
    result = `${result.slice(0, at)} ${words}${result.slice(at)}`;
  return result;
}
