/**
 * From a written or discovered link to the tests that it covers. Nothing is guessed: what cannot be known without running is
 * either left to a runner that confirms names itself, or a problem with a sentence.
 */
import type {
  Binding,
  DeclaredLink,
  FoundFile,
  FoundLink,
  FoundTest,
  LinkProblem,
  ResolvedLink,
} from '../model/index.js';
import { nearest } from '../util/text.js';
import { escaped, PLACEHOLDER, titlePattern } from '../util/titles.js';
import { parseSelector, pathKey, type Selector } from './selector.js';

export interface Tree {
  /** Every path of the project. */
  readonly paths: ReadonlySet<string>;
  readonly files: ReadonlyMap<string, FoundFile>;
}

type Covered = Pick<ResolvedLink, 'tests' | 'covers' | 'problem'>;
const trouble = (covers: ResolvedLink['covers'], reason: LinkProblem['reason'], message: string): Covered => ({
  tests: [],
  covers,
  problem: { reason, message },
});

export const casesOf = (file: FoundFile): readonly FoundTest[] => file.tests.filter((test) => test.kind === 'case');

const isBelow = (test: FoundTest, suite: FoundTest): boolean =>
  test.path.length > suite.path.length &&
  suite.path.every((part, i) => part === test.path[i]) &&
  test.line >= suite.line &&
  test.line <= suite.endLine;

/** All cases of a suite; each of them must be reported. */
const casesBelow = (file: FoundFile, suite: FoundTest): readonly FoundTest[] =>
  casesOf(file).filter((test) => isBelow(test, suite));

const key = (path: readonly string[]): string => pathKey(path, '\u0000').replaceAll('\u0000', ' ');
const written = (selector: Selector): string[] => [
  pathKey(selector.path, ' > '),
  pathKey(selector.path, '::'),
  key(selector.path),
];

function matches(test: FoundTest, selector: Selector, text: string): boolean {
  if (test.kind === 'file') return false;
  // Go's subtests have one path element with slashes in it: the written selector as a whole says the same.
  if (test.selector === text.trim()) return true;
  const separators = [pathKey(test.path, ' > '), pathKey(test.path, '::')];
  return written(selector).some((form) => separators.includes(form));
}

/** pytest's `name[param]`: the declaration without the parameters. */
function withoutParameters(selector: Selector): Selector | null {
  const last = selector.path.at(-1);
  const cut = last?.indexOf('[') ?? -1;
  return last === undefined || cut <= 0 || !last.endsWith(']')
    ? null
    : { ...selector, path: [...selector.path.slice(0, -1), last.slice(0, cut)] };
}

/**
 * What a title may become: the parts between the placeholders of an `each` title, or between the values of a template, stand as
 * they are. Null for a title without any.
 */
function titleForm(own: string): RegExp | null {
  if (!own.includes('${')) return PLACEHOLDER.test(own) ? new RegExp(`^${titlePattern(own)}$`) : null;
  return new RegExp(
    `^${own
      .split(/\$\{[^}]*\}/u)
      .map(escaped)
      .join('[\\s\\S]*')}$`,
  );
}

/** Whether a test that only its runner knows by name may be the one that a selector names. */
function mayBecome(test: FoundTest, { path }: Selector): boolean {
  const above = test.path.slice(0, -1);
  const isAbove = (title: string, i: number): boolean =>
    title === path[i] || titleForm(title)?.test(path[i] ?? '') === true;
  if (path.length < test.path.length || !above.every(isAbove)) return false;
  const own = test.path.at(-1) ?? '';
  const written = path.slice(above.length).join(' > ');
  const form = titleForm(own);
  if (form !== null) return form.test(written);
  // A plain name is what the reported names begin with; of any other expression nothing is known.
  return test.dynamic || written.startsWith(own);
}

/** Names that only exist when the tests run: expanded each-titles, table-driven subtests, tests that a macro writes. */
function onlyRunnerKnows(file: FoundFile, selector: Selector, link: DeclaredLink): boolean {
  if (link.runner === 'cargo' || link.runner === 'pytest' || link.runner === 'go') return true;
  return casesOf(file).some((test) => (test.dynamic || test.parametrised) && mayBecome(test, selector));
}

/** One of Rust's twins: two that the compiler takes in under one name would be an error of its own. */
const isConfigured = (test: FoundTest): boolean => test.language === 'rust' && test.condition !== undefined;

/** What a `test:` link of a spec file covers. */
export function resolveDeclared(link: DeclaredLink, tree: Tree): Covered {
  const selector = parseSelector(link.target);
  if (!tree.paths.has(selector.file)) {
    const near = nearest(selector.file, tree.paths);
    return trouble(
      selector.path.length === 0 ? 'file' : 'case',
      'dangling-link',
      `${selector.file} is not in the project${near === null ? '' : `; did you mean ${near}?`}`,
    );
  }
  const file = tree.files.get(selector.file);
  if (selector.path.length === 0) {
    const cases = file === undefined ? [] : casesOf(file);
    const self = file?.tests.find((test) => test.kind === 'file');
    if (cases.length > 0) return { tests: cases, covers: 'file' };
    if (self !== undefined) return { tests: [self], covers: 'file' };
    return link.runner === undefined
      ? trouble('file', 'not-found', `${selector.file} holds no test that is known here`)
      : { tests: [], covers: 'file' };
  }
  if (file === undefined) {
    return link.runner === undefined
      ? trouble('case', 'not-found', `${selector.file} holds no test that is known here`)
      : { tests: [], covers: 'case' };
  }
  const found = file.tests.filter((test) => matches(test, selector, link.target));
  const suites = found.filter((test) => test.kind === 'suite');
  const cases = found.filter((test) => test.kind === 'case' && !(test.dynamic && !test.parametrised));
  // At most one of them is compiled, and the runner knows which.
  if (cases.length > 1 && suites.length === 0 && cases.every(isConfigured)) return { tests: [], covers: 'case' };
  if (cases.length > 1 || (cases.length === 1 && suites.length > 0)) {
    return trouble(
      'case',
      'ambiguous-selector',
      `${link.target} names several tests of that file (lines ${found.map((test) => test.line).join(', ')}); rename one, or tag it in the code`,
    );
  }
  if (cases.length === 1) return { tests: cases, covers: 'case' };
  if (suites.length > 0) {
    const below = suites.flatMap((suite) => casesBelow(file, suite));
    if (below.length === 0 && suites.every(isLeftOut)) return { tests: suites, covers: 'suite' };
    return below.length === 0
      ? trouble('suite', 'not-found', `the suite ${link.target} holds no test`)
      : { tests: below, covers: 'suite' };
  }
  const declaration = withoutParameters(selector);
  if (declaration !== null) {
    const base = file.tests.filter((test) => test.kind === 'case' && matches(test, declaration, ''));
    if (base.length === 1 && base[0] !== undefined) return { tests: [], covers: 'case' };
  }
  if (onlyRunnerKnows(file, selector, link)) return { tests: [], covers: 'case' };
  const near = nearest(
    selector.path.join(' > '),
    casesOf(file).map((test) => test.path.join(' > ')),
  );
  return trouble(
    'case',
    'not-found',
    `${selector.file} has no test "${selector.path.join(' > ')}"${near === null ? '' : `; did you mean "${near}"?`}`,
  );
}

/** A link into a file that was not analysed whole: what else is in there may change what it means. */
export function believed<C extends Covered>(covered: C, file: FoundFile | undefined): C {
  const limit = file?.problems.find((problem) => problem.limit === true);
  if (limit === undefined || file === undefined) return covered;
  const problem: LinkProblem = { reason: 'dangling-tag', message: `${file.file}: ${limit.message}`, limit: true };
  return { ...covered, tests: [], problem };
}

/** The tag's own place is the diagnostic's; this names the other one. */
export const danglingTag = ({ line, between }: Extract<Binding, { readonly kind: 'dangling' }>): string =>
  `this tag binds to nothing: ${between} (line ${line})`;

/** A suite that is to do has no tests yet: its runner says so of the suite itself. */
const isLeftOut = (suite: FoundTest): boolean => suite.skip === 'todo' || suite.skip === 'skip';

/** pytest alone decides which files hold tests; what is named like one elsewhere (Django's tests.py) is a test of another runner. */
const besideCode = (symbol: string, file: FoundFile): string =>
  file.language === 'python' && /^test/iu.test(symbol.slice(symbol.lastIndexOf('.') + 1))
    ? `${symbol} is no test that pytest collects: ${file.file} does not match its python_files (test_*.py and *_test.py, unless set), or its class is none of its python_classes; set these, or link the command that runs it (run: python manage.py test)`
    : `the tag stands beside ${symbol}, which is not a test; use @implements, or move it to a test`;

/** What a tag in code covers: the test beside it, all cases of a suite or of the file. */
export function resolveDiscovered(link: FoundLink, file: FoundFile): Covered & { readonly label: string } {
  const binding = link.binds;
  if (binding.kind === 'file') {
    const cases = casesOf(file);
    const self = file.tests.find((test) => test.kind === 'file');
    if (cases.length > 0) return { tests: cases, covers: 'file', label: file.file };
    if (self !== undefined) return { tests: [self], covers: 'file', label: file.file };
    return { ...trouble('file', 'not-found', `${file.file} holds no test that is known here`), label: file.file };
  }
  if (binding.kind === 'dangling')
    return { ...trouble('case', 'dangling-tag', danglingTag(binding)), label: `${file.file}:${link.line}` };
  if (binding.kind === 'code') {
    return {
      ...trouble('case', 'dangling-link', besideCode(binding.symbol, file)),
      label: `${file.file}::${binding.symbol}`,
    };
  }
  const test =
    file.tests.find(
      (candidate) =>
        candidate.kind !== 'file' && candidate.line === binding.line && candidate.selector === binding.selector,
    ) ?? file.tests.find((candidate) => candidate.kind !== 'file' && candidate.line === binding.line);
  if (test === undefined)
    return { ...trouble('case', 'not-found', `no test stands at line ${binding.line}`), label: binding.selector };
  if (test.kind === 'suite') {
    const below = casesBelow(file, test);
    if (below.length === 0 && isLeftOut(test)) return { tests: [test], covers: 'suite', label: test.selector };
    return below.length === 0
      ? { ...trouble('suite', 'not-found', `the suite ${test.selector} holds no test`), label: test.selector }
      : { tests: below, covers: 'suite', label: test.selector };
  }
  if (test.dynamic && !test.parametrised) {
    const suite = file.tests
      .filter((candidate) => candidate.kind === 'suite' && !candidate.dynamic && isBelow(test, candidate))
      .toSorted((left, right) => right.path.length - left.path.length)[0];
    if (suite === undefined)
      return {
        ...trouble(
          'case',
          'ambiguous-selector',
          'the title is made at run time; give it a constant title, or tag the suite around it',
        ),
        label: test.selector,
      };
    return { tests: casesBelow(file, suite), covers: 'suite', label: suite.selector };
  }
  return { tests: [test], covers: 'case', label: test.selector };
}
