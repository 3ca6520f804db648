/**
 * Found files as short JSON arrays for the cache: a third of the bytes of plain JSON, and most of a warm scan is reading them.
 */
import type { FoundFile, FoundLink, FoundTest } from '../model/index.js';

/** `>` and `:` stand for the two usual forms of a selector; anything else is the selector itself. */
const selectorForms = (file: string, path: readonly string[]): Readonly<Record<string, string>> => ({
  '>': [file, ...path].join(' > '),
  ':': [file, path.join('::')].join('::'),
});

const FLAGS = ['dynamic', 'parametrised', 'focused'] as const;
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
];
interface PackedFile {
  readonly l: FoundFile['language'];
  readonly t: readonly PackedTest[];
  readonly k: readonly (readonly [FoundLink['relation'], string, FoundLink['source'], FoundLink['binds'], number, number])[];
  readonly s: readonly (readonly [string, number, number])[];
  readonly p: readonly (readonly [string, number, number])[];
}

export function pack(found: FoundFile): string {
  const index = new Map<string, number>();
  const tests = found.tests.map((test, i): PackedTest => {
    const parent = index.get(JSON.stringify(test.path.slice(0, -1))) ?? -1;
    index.set(JSON.stringify(test.path), i);
    const forms = selectorForms(test.file, test.path);
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
      Object.keys(forms).find((form) => forms[form] === test.selector) ?? test.selector,
      test.skip ?? 0,
      test.reportedAt ?? 0,
    ];
  });
  const packed: PackedFile = {
    l: found.language,
    t: tests,
    k: found.links.map((link) => [link.relation, link.target, link.source, link.binds, link.line, link.column]),
    s: found.symbols.map((symbol) => [symbol.name, symbol.line, symbol.endLine]),
    p: found.problems.map((problem) => [problem.message, problem.line, problem.column]),
  };
  return JSON.stringify(packed);
}

/** Throws on anything that `pack` did not write; the caller then has no entry. */
export function unpack(file: string, text: string): FoundFile {
  const packed = JSON.parse(text) as PackedFile; // guarded by the cache's checksum
  const tests: FoundTest[] = [];
  for (const [kind, framework, parent, names, line, column, endLine, flags, hollow, fingerprint, selector, skip, reportedAt] of packed.t) {
    const path = parent === -1 ? names : [...(tests[parent]?.path ?? []), ...names];
    tests.push({
      file,
      line,
      column,
      language: packed.l,
      framework,
      kind,
      path,
      endLine,
      selector: selector === '>' || selector === ':' ? (selectorForms(file, path)[selector] ?? selector) : selector,
      dynamic: (flags & 1) !== 0,
      parametrised: (flags & 2) !== 0,
      ...((flags & 4) === 0 ? {} : { focused: true }),
      ...(skip === 0 || skip === undefined ? {} : { skip }),
      ...(hollow === 2 ? {} : { hollow: hollow === 1 }),
      ...(reportedAt === 0 || reportedAt === undefined ? {} : { reportedAt }),
      fingerprint,
    });
  }
  return {
    file,
    language: packed.l,
    tests,
    links: packed.k.map(([relation, target, source, binds, line, column]) => ({ file, relation, target, source, binds, line, column })),
    symbols: packed.s.map(([name, line, endLine]) => ({ name, line, endLine })),
    problems: packed.p.map(([message, line, column]) => ({ file, line, column, message })),
  };
}
