/**
 * Found files as short JSON arrays for the cache: a third of the bytes of plain JSON, and most of a warm scan is reading them.
 */
import type { Condition, FoundFile, FoundLink, FoundTest } from '../model/index.js';

/** `>` and `:` stand for the two usual forms of a selector; anything else is the selector itself. */
function formOf(test: FoundTest): string {
  if (test.selector === [test.file, ...test.path].join(' > ')) return '>';
  return test.selector === `${test.file}::${test.path.join('::')}` ? ':' : test.selector;
}

const FLAGS = ['dynamic', 'parametrised', 'focused', 'possible'] as const;
type PackedTest = readonly [
  kind: FoundTest['kind'],
  framework: FoundTest['framework'],
  parent: number,
  path: readonly string[],
  line: number,
  column: number,
  endLine: number,
  flags: number,
  hollow: 0 | 1 | 2,
  fingerprint: string,
  selector: string,
  skip: FoundTest['skip'] | 0,
  reportedAt: FoundTest['reportedAt'] | 0,
  ...rare: Rare,
];
interface PackedFile {
  readonly l: FoundFile['language'];
  readonly t: readonly PackedTest[];
  readonly k: readonly (readonly [
    FoundLink['relation'],
    string,
    FoundLink['source'],
    FoundLink['binds'],
    number,
    number,
  ])[];
  readonly s: readonly (readonly [name: string, line: number, endLine: number, ambient?: 1])[];
  readonly p: readonly (readonly [message: string, line: number, column: number, limit?: 1])[];
}

/** Titles may hold any character, and may be empty. */
const keyOf = (path: readonly string[]): string => JSON.stringify(path);

export function pack(found: FoundFile): string {
  const index = new Map<string, number>();
  const tests = found.tests.map((test, i): PackedTest => {
    const parent = index.get(keyOf(test.path.slice(0, -1))) ?? -1;
    if (test.kind === 'suite' || test.framework === 'node-test') index.set(keyOf(test.path), i);
    return [
      test.kind,
      test.framework,
      parent,
      parent === -1 ? test.path : test.path.slice(-1),
      test.line,
      test.column,
      test.endLine,
      FLAGS.reduce((bits, flag, bit) => bits + (test[flag] === true ? 2 ** bit : 0), 0),
      test.hollow === undefined ? 2 : test.hollow ? 1 : 0,
      test.fingerprint,
      formOf(test),
      test.skip ?? 0,
      test.reportedAt ?? 0,
      ...rareOf(test),
    ];
  });
  const packed: PackedFile = {
    l: found.language,
    t: tests,
    k: found.links.map((link) => [link.relation, link.target, link.source, link.binds, link.line, link.column]),
    s: found.symbols.map(({ name, line, endLine, ambient }) =>
      ambient === true ? [name, line, endLine, 1] : [name, line, endLine],
    ),
    p: found.problems.map(({ message, line, column, limit }) =>
      limit === true ? [message, line, column, 1] : [message, line, column],
    ),
  };
  return JSON.stringify(packed);
}

type Rare = readonly [condition?: Packed, twins?: readonly number[] | 0, turn?: NonNullable<FoundTest['turn']>];
type Packed = readonly [text: string, line: number] | 0;

/** What most tests have not: it is left out at the end of their arrays. */
function rareOf({ condition, twins, turn }: FoundTest): Rare {
  const packed: Packed = condition === undefined ? 0 : [condition.text, condition.line];
  if (turn !== undefined) return [packed, twins ?? 0, turn];
  if (twins !== undefined) return [packed, twins];
  return packed === 0 ? [] : [packed];
}

const conditionOf = ([text, line]: readonly [string, number]): Condition => ({ text, line });

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Throws on anything that `pack` did not write; the caller then has no entry.
 * Written for speed: a warm scan spends most of its time here.
 */
export function unpack(file: string, text: string): FoundFile {
  const packed = JSON.parse(text) as PackedFile; // guarded by the cache's checksum
  const language = packed.l;
  const tests: FoundTest[] = [];
  const forms: string[] = [];
  for (const [
    kind,
    framework,
    parent,
    names,
    line,
    column,
    endLine,
    flags,
    hollow,
    fingerprint,
    form,
    skip,
    reportedAt,
    condition,
    twins,
    turn,
  ] of packed.t) {
    const above = parent === -1 ? undefined : tests[parent];
    const path = above === undefined ? names : [...above.path, ...names];
    // Appended to the selector above where that has the usual form too: most strings of a warm scan are these.
    const appended = form === '>' && above !== undefined && forms[parent] === '>' && names.length === 1;
    const selector = appended
      ? `${above.selector} > ${names[0] ?? ''}`
      : form === '>'
        ? [file, ...path].join(' > ')
        : form === ':'
          ? `${file}::${path.join('::')}`
          : form;
    forms.push(form);
    const test: Writable<FoundTest> = {
      file,
      line,
      column,
      language,
      framework,
      kind,
      path,
      selector,
      endLine,
      dynamic: (flags & 1) !== 0,
      parametrised: (flags & 2) !== 0,
      fingerprint,
    };
    if ((flags & 4) !== 0) test.focused = true;
    if ((flags & 8) !== 0) test.possible = true;
    if (condition !== 0 && condition !== undefined) test.condition = conditionOf(condition);
    if (twins !== undefined && twins !== 0) test.twins = twins;
    if (turn !== undefined) test.turn = turn;
    if (skip !== 0 && skip !== undefined) test.skip = skip;
    if (hollow !== 2) test.hollow = hollow === 1;
    if (reportedAt !== 0 && reportedAt !== undefined) test.reportedAt = reportedAt;
    tests.push(test);
  }
  return {
    file,
    language,
    tests,
    links: packed.k.map(([relation, target, source, binds, line, column]) => ({
      file,
      relation,
      target,
      source,
      binds,
      line,
      column,
    })),
    symbols: packed.s.map(([name, line, endLine, ambient]) =>
      ambient === 1 ? { name, line, endLine, ambient: true } : { name, line, endLine },
    ),
    problems: packed.p.map(([message, line, column, limit]) =>
      limit === 1 ? { file, line, column, message, limit: true } : { file, line, column, message },
    ),
  };
}
