/**
 * Which of a runner's reports speak for a case. The same titles may be declared twice (the branches of an `if`, a pattern of
 * `each` that fits), so a report counts only where its place is that of the very definition that the case is about.
 */
import type { Case, FoundTest, Rival } from '../model/index.js';
import { titlePattern } from '../util/titles.js';
import { reportsOfInstances } from './instances.js';
import type { TestReport } from './join.js';
import type { Finding } from './outcome.js';

export type Match =
  | { readonly kind: 'some'; readonly reports: readonly TestReport[] }
  /** `elsewhere`: lines where other definitions of its titles were reported. */
  | { readonly kind: 'none'; readonly elsewhere: readonly number[] }
  /** Some report has its titles, and nothing tells whether it is its own. */
  | { readonly kind: 'ambiguous'; readonly lines: readonly number[] };

const samePath = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((part, index) => part === right[index]);
const below = (prefix: readonly string[], path: readonly string[]): boolean =>
  prefix.length < path.length && prefix.every((part, index) => part === path[index]);

/** The file that reports of a case name: a runner may name the wrapper's. */
export const reportedFile = (entry: Case): string => entry.test?.reportedAt?.file ?? entry.file;

const some = (reports: readonly TestReport[], elsewhere: readonly number[] = []): Match =>
  reports.length === 0 ? { kind: 'none', elsewhere } : { kind: 'some', reports };

const linesOf = (reports: readonly TestReport[]): number[] =>
  [...new Set(reports.flatMap(({ line }) => (line === null ? [] : [line])))].sort((left, right) => left - right);

/** @param reports all that the run reported */
export function matching(entry: Case, reports: readonly TestReport[]): Match {
  const file = reportedFile(entry);
  const inFile = reports.filter((report) => report.file === file);
  const { test } = entry;
  if (entry.instances !== undefined) {
    const told = reportsOfInstances(entry.instances, inFile);
    return told === 'ambiguous' ? { kind: 'ambiguous', lines: [] } : some(told);
  }
  // A wrapper that the analysis does not know may report from any file.
  if (test?.kind === 'case')
    return ofTest(
      entry,
      test,
      reports.filter((report) => report.file === file || report.process === entry.file),
    );
  if (entry.path.length === 0) return some(inFile);
  if (test !== null) return ofSuite(entry, test, inFile);
  const exact = inFile.filter((report) => samePath(report.path, entry.path));
  if (exact.length === 0) return some(inFile.filter((report) => below(entry.path, report.path)));
  const lines = linesOf(exact);
  return lines.length > 1 ? { kind: 'ambiguous', lines } : some(exact);
}

/** A call over several lines is reported at its first line or at that of its last argument list. */
function standsIn(place: Rival, { file, line, column }: TestReport): boolean {
  if (line === null || file !== place.file) return false;
  if (line < place.line || line > Math.max(place.line, place.endLine)) return false;
  return line !== place.line || column === undefined || column === null || column >= place.column;
}

/** Where a wrapper's tests are reported; other calls of the wrapper share the place. */
const isReportedAt = ({ reportedAt }: Rival, { file, line }: TestReport): boolean =>
  line !== null && reportedAt?.file === file && reportedAt.line === line;

/** Of several definitions around a place (they may share a line) the innermost is the one that stands there. */
const startsLater = (left: Rival, right: Rival): boolean =>
  left.line > right.line || (left.line === right.line && left.column > right.column);

type Owner = 'own' | 'rival' | 'nobody';

function ownerOf(report: TestReport, test: FoundTest, rivals: readonly Rival[]): Owner {
  if (isReportedAt(test, report)) return 'own';
  if (standsIn(test, report))
    return rivals.some((rival) => standsIn(rival, report) && startsLater(rival, test)) ? 'rival' : 'own';
  return rivals.some((rival) => isReportedAt(rival, report) || standsIn(rival, report)) ? 'rival' : 'nobody';
}

function ofTest(entry: Case, test: FoundTest, reports: readonly TestReport[]): Match {
  const rivals = entry.rivals ?? [];
  const own = reports.filter((report) => ownerOf(report, test, rivals) === 'own');
  // What a title came out as is not known for these: the place alone counts.
  if (test.dynamic) return some(own);
  if ((test.parametrised || test.possible === true) && own.length > 0) return some(own);
  const fits = test.parametrised ? fitsPattern(entry.path) : (path: readonly string[]) => samePath(path, entry.path);
  const titled = reports.filter((report) => fits(report.path));
  const here = own.filter((report) => titled.includes(report));
  // Several tests that a wrapper declares share their place: with fewer reports than tests, one of them did not run.
  if (here.length > 0) return here.length < (entry.twins ?? 1) ? { kind: 'ambiguous', lines: [] } : some(here);
  // What a wrapper in another file declares is reported without a place; so is everything by a runner that knows none.
  const isUnplaced = test.reportedAt?.line === null;
  const unplaced = titled.filter((report) => report.line === null);
  if (unplaced.length > 0 && (isUnplaced || reports.every((report) => report.line === null))) {
    const least = isUnplaced ? (entry.twins ?? 1) : 1 + rivals.length;
    return unplaced.length < least ? { kind: 'ambiguous', lines: [] } : some(unplaced);
  }
  return ofStrays(
    entry,
    test,
    titled.filter((report) => report.line !== null),
  );
}

/**
 * None is at the test's own place. The call of `it` in a wrapper that the analysis did not see may stand anywhere, and a printer may
 * lose a place (vitest 4, `each` tables over lines in TypeScript). Who is declared for certain and alone has these titles is meant.
 */
function ofStrays(entry: Case, test: FoundTest, located: readonly TestReport[]): Match {
  const rivals = entry.rivals ?? [];
  const strays = located.filter((report) => ownerOf(report, test, rivals) === 'nobody');
  if (strays.length === 0) return { kind: 'none', elsewhere: linesOf(located) };
  const isSure =
    rivals.length === 0 && (test.condition === undefined || strays.every(({ file }) => file !== entry.file));
  return isSure ? some(strays) : { kind: 'ambiguous', lines: linesOf(strays) };
}

const fitsPattern = (titles: readonly string[]): ((path: readonly string[]) => boolean) => {
  const patterns = titles.map((title) => new RegExp(`^${titlePattern(title)}$`));
  return (path) => path.length === patterns.length && patterns.every((pattern, i) => pattern.test(path[i] ?? ''));
};

/** Every test that was reported inside a suite. Where two suites share their titles, each has those that stand in it. */
function ofSuite(entry: Case, suite: FoundTest, inFile: readonly TestReport[]): Match {
  const rivals = entry.rivals ?? [];
  const inside = inFile.filter((report) => below(entry.path, report.path));
  if (rivals.length === 0 || inside.every((report) => report.line === null)) return some(inside);
  const own = inside.filter((report) => ownerOf(report, suite, rivals) === 'own');
  const strays = inside.filter((report) => ownerOf(report, suite, rivals) === 'nobody');
  return own.length === 0 && strays.length > 0
    ? { kind: 'ambiguous', lines: linesOf(strays) }
    : some([...own, ...strays], linesOf(inside));
}

export const ambiguous = (lines: readonly number[]): Finding => ({
  reason: 'ambiguous-selector',
  detail: `several tests have this title, and nothing in the report tells which of them ran${lines.length === 0 ? '' : ` (lines ${lines.join(', ')})`}`,
});
