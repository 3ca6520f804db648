/** Command lines of known runners, understood far enough to ask which test they run. Never guessed: what is not plain stays a command. */

/** What a command runs. `app` asks the scan and gives the one selector that fits, or null. */
export interface TestQuery {
  readonly runner: 'cargo' | 'pytest' | 'vitest' | 'node-test' | 'go' | null;
  /** File, relative to the project; null when the command names none. */
  readonly file: string | null;
  /** cargo's package, go's folder. */
  readonly scope: string | null;
  /** cargo's `--test` target; `lib` for `--lib`. */
  readonly target: string | null;
  /** Name or title that selects; null for all of the file or target. */
  readonly name: string | null;
}

export type ResolveTest = (query: TestQuery) => string | null;

const EMPTY: TestQuery = { runner: null, file: null, scope: null, target: null, name: null };

/** The query for a command line, or null when it does more than run tests of one known runner. `file` is what its record says beside it. */
export function testQuery(command: string, file: string | null): TestQuery | null {
  const words = split(command);
  if (words === null) return null;
  const [first, second, ...rest] = words;
  if (first === 'cargo' && second === 'test') return cargo(rest, file);
  if (first === 'pytest') return pytest(words.slice(1));
  if ((first === 'python' || first === 'python3') && second === '-m' && rest[0] === 'pytest')
    return pytest(rest.slice(1));
  if (first === 'go' && second === 'test') return go(rest);
  if (first === 'node' && words.includes('--test')) return node(words.slice(1));
  const vitestAt =
    first === 'vitest'
      ? 1
      : (first === 'npx' || first === 'pnpm' || first === 'yarn' || first === 'bunx') && second === 'vitest'
        ? 2
        : first === 'pnpm' && second === 'exec' && rest[0] === 'vitest'
          ? 3
          : 0;
  return vitestAt > 0 && words[vitestAt] === 'run' ? vitest(words.slice(vitestAt + 1)) : null;
}

/** Words of a plain command line; null for anything that a shell would expand, chain or redirect. */
function split(command: string): string[] | null {
  const words: string[] = [];
  let rest = command.trim();
  while (rest !== '') {
    const match = /^(?:'([^']*)'|"([^"$`\\]*)"|([A-Za-z0-9_./:=@%+,^-]+))(?=\s|$)\s*/.exec(rest);
    if (match === null) return null;
    words.push(match[1] ?? match[2] ?? match[3] ?? '');
    rest = rest.slice(match[0].length);
  }
  return words;
}

/** Reads options; null when there is one that is not in the tables. `values` take an argument, `flags` none. */
function options(
  words: readonly string[],
  values: readonly string[],
  flags: readonly string[],
): { readonly free: readonly string[]; readonly given: ReadonlyMap<string, string> } | null {
  const free: string[] = [];
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    const [name, inline] =
      word.startsWith('--') && word.includes('=')
        ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
        : [word, null];
    if (values.includes(name)) {
      const value = inline ?? words[(i += 1)];
      if (value === undefined || given.has(name)) return null;
      given.set(name, value);
    } else if (flags.includes(word)) given.set(word, '');
    else if (word.startsWith('-')) return null;
    else free.push(word);
  }
  return { free, given };
}

function cargo(words: readonly string[], file: string | null): TestQuery | null {
  const dashes = words.indexOf('--');
  const after = dashes < 0 ? [] : words.slice(dashes + 1);
  const read = options(
    dashes < 0 ? words : words.slice(0, dashes),
    ['-p', '--package', '--test'],
    ['--lib', '-q', '--quiet', '--locked', '--offline'],
  );
  if (read === null || read.free.length > 1 || after.some((word) => word !== '--exact' && word !== '--nocapture'))
    return null;
  return {
    runner: 'cargo',
    file,
    scope: read.given.get('-p') ?? read.given.get('--package') ?? null,
    target: read.given.get('--test') ?? (read.given.has('--lib') ? 'lib' : null),
    name: read.free[0] ?? null,
  };
}

function pytest(words: readonly string[]): TestQuery | null {
  const read = options(words, [], ['-q', '-v', '-x', '-s', '--quiet', '--verbose']);
  const [only] = read?.free ?? [];
  if (read === null || read.free.length !== 1 || only === undefined) return null;
  const cut = only.indexOf('::');
  return {
    ...EMPTY,
    runner: 'pytest',
    file: cut < 0 ? only : only.slice(0, cut),
    name: cut < 0 ? null : only.slice(cut + 2),
  };
}

function vitest(words: readonly string[]): TestQuery | null {
  const read = options(words, ['-t', '--testNamePattern'], ['--no-color']);
  if (read === null || read.free.length !== 1) return null;
  return {
    ...EMPTY,
    runner: 'vitest',
    file: read.free[0] ?? null,
    name: read.given.get('-t') ?? read.given.get('--testNamePattern') ?? null,
  };
}

function node(words: readonly string[]): TestQuery | null {
  const read = options(words, ['--test-name-pattern'], ['--test']);
  if (read === null || read.free.length !== 1) return null;
  return {
    ...EMPTY,
    runner: 'node-test',
    file: read.free[0] ?? null,
    name: read.given.get('--test-name-pattern') ?? null,
  };
}

function go(words: readonly string[]): TestQuery | null {
  const read = options(words, ['-run'], ['-v']);
  if (read === null || read.free.length > 1) return null;
  const name = /^\^?([A-Za-z0-9_/]+)\$?$/.exec(read.given.get('-run') ?? '')?.[1] ?? null;
  return name === null && read.given.has('-run') ? null : { ...EMPTY, runner: 'go', scope: read.free[0] ?? '.', name };
}
