/**
 * A runner's reports × one case → what that case came to. Only what a report names counts, and only under that very
 * selector; a file's or a run's own "passed" is never looked at.
 */
import type { Case } from '../model/index.js';
import { clip } from '../util/text.js';
import { reportsOfInstances } from './instances.js';
import type { Finding } from './outcome.js';

export type ReportState =
  | 'passed'
  | 'failed'
  | 'skipped'
  /** It failed, and declares that it does. */
  | 'expected-failure'
  /** It passed or failed on a snapshot that the run itself would write. */
  | 'snapshot-written'
  /** What the test needs (a fixture) failed before its body ran. */
  | 'setup'
  /** Known to the runner, and never reported as ended. */
  | 'unfinished';

/** One test as a runner reported it, in a form that all runners share. */
export interface TestReport {
  /** Relative to the project's root, with `/`. */
  readonly file: string;
  /** Titles from the outermost suite to the test. */
  readonly path: readonly string[];
  /** Where it is declared, if the runner says so. */
  readonly line: number | null;
  readonly state: ReportState;
  readonly detail: string;
  readonly message: string;
  readonly startedAt: Date | null;
  readonly durationMs: number;
  /** A failure by the runner's own time limit. */
  readonly timedOut?: boolean;
  /** How a pass came about only after a retry, one line. */
  readonly flaky?: string;
}

const samePath = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((part, index) => part === right[index]);
const below = (prefix: readonly string[], path: readonly string[]): boolean =>
  prefix.length < path.length && prefix.every((part, index) => part === path[index]);

/** A call over several lines is located at its first line or at that of its last argument list. */
const within =
  (entry: Case) =>
  (report: TestReport): boolean =>
    report.line !== null && report.line >= entry.line && report.line <= Math.max(entry.line, entry.test?.endLine ?? 0);

/** At its own lines, or where reports of what its wrapper declares stand. */
const inPlace = (entry: Case): ((report: TestReport) => boolean) => {
  const isOwnLine = within(entry);
  const declared = entry.test?.reportedAt;
  return (report) =>
    (report.file === entry.file && isOwnLine(report)) ||
    (declared?.file === report.file && declared.line === report.line);
};

/** The file that reports of a case name: a runner may name the wrapper's. */
export const reportedFile = (entry: Case): string => entry.test?.reportedAt?.file ?? entry.file;

export interface MatchOptions {
  /** True when the source at a report's line declares this very title (the case's own line left aside): another test, not a wrapper. */
  readonly declares?: (file: string, line: number, title: string, caseLine: number) => boolean;
}

/** The reports that speak for a case, or why that cannot be said. */
export function matching(
  entry: Case,
  reports: readonly TestReport[],
  options: MatchOptions = {},
):
  | { readonly kind: 'some'; readonly reports: readonly TestReport[] }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous'; readonly lines: readonly number[] } {
  const file = reportedFile(entry);
  const inFile = reports.filter((report) => report.file === file);
  const found = entry.test;
  const some = (list: readonly TestReport[]): ReturnType<typeof matching> =>
    list.length === 0 ? { kind: 'none' } : { kind: 'some', reports: list };
  /** Reports that several tests share: with fewer of them than tests, one of those did not run, and nobody knows which. */
  const ofAll = (list: readonly TestReport[]): ReturnType<typeof matching> =>
    list.length > 0 && list.length < (entry.twins ?? 1) ? { kind: 'ambiguous', lines: [] } : some(list);
  if (found !== null && found.kind === 'case' && (found.dynamic || found.parametrised)) {
    // Without locations only the titles of what encloses it can be compared, and those do not tell siblings apart.
    if (entry.instances === undefined) return some(inFile.filter(within(entry)));
    const told = reportsOfInstances(entry.instances, inFile);
    return told === 'ambiguous' ? { kind: 'ambiguous', lines: [] } : some(told);
  }
  if (entry.path.length === 0) return some(inFile);
  const exact = inFile.filter((report) => samePath(report.path, entry.path));
  if (exact.length === 0)
    return found?.kind === 'case' ? { kind: 'none' } : some(inFile.filter((report) => below(entry.path, report.path)));
  const located = exact.filter((report) => report.line !== null);
  if (found === null || located.length === 0) {
    const lines = [...new Set(located.map((report) => report.line ?? 0))];
    return lines.length > 1 ? { kind: 'ambiguous', lines } : ofAll(exact);
  }
  const here = exact.filter(inPlace(entry));
  if (here.length > 0) return ofAll(here);
  // Another line: the call of `it` in a wrapper that the scan did not see is fine, another declaration of the same title is another test.
  const title = entry.path.at(-1) ?? '';
  const other = located.some(
    (report) => report.line !== null && options.declares?.(report.file, report.line, title, entry.line) === true,
  );
  return other ? { kind: 'none' } : some(exact);
}

/** The first pass that took a retry makes the whole case one that did. */
function flakyOf(reports: readonly TestReport[]): { readonly flaky?: string } {
  const flaky = reports.find((report) => report.flaky !== undefined)?.flaky;
  return flaky === undefined ? {} : { flaky };
}

const count = (reports: readonly TestReport[], state: ReportState): number =>
  reports.filter((report) => report.state === state).length;

/**
 * The worst of several reports decides: failed, set-up, unfinished (null: the runner must find out), skipped, passed.
 * A skip among passes is a skip that says how many passed.
 */
export function settle(reports: readonly TestReport[]): Finding | null {
  const first = reports[0];
  if (first === undefined) return null;
  const startedAt = reports.reduce<Date | null>(
    (earliest, report) =>
      report.startedAt !== null && (earliest === null || report.startedAt < earliest) ? report.startedAt : earliest,
    null,
  );
  const times = {
    durationMs: reports.reduce((sum, report) => sum + report.durationMs, 0),
    ...(startedAt === null ? {} : { startedAt }),
  };
  const of = reports.length > 1 ? ` (${count(reports, 'passed')} of ${reports.length} passed)` : '';
  const named = (report: TestReport): string =>
    reports.length > 1 ? `${report.path.at(-1) ?? report.file}: ${report.detail}` : report.detail;
  const failed = reports.find((report) => report.state === 'failed');
  if (failed !== undefined)
    return {
      reason: failed.timedOut === true ? 'timeout' : 'assertion',
      detail: named(failed) + of,
      message: failed.message,
      proof: 'report',
      ...times,
    };
  const setup = reports.find((report) => report.state === 'setup');
  if (setup !== undefined)
    return { reason: 'setup', detail: named(setup) + of, message: setup.message, proof: 'report', ...times };
  if (count(reports, 'unfinished') > 0) return null;
  const written = reports.find((report) => report.state === 'snapshot-written');
  if (written !== undefined)
    return {
      reason: 'snapshot-written',
      detail: clip(named(written), 300) + of,
      message: written.message,
      proof: 'report',
      ...times,
    };
  const expected = reports.find((report) => report.state === 'expected-failure');
  if (expected !== undefined)
    return {
      reason: 'expected-failure',
      detail: clip(expected.detail === '' ? 'failed, as the test declares' : named(expected), 300) + of,
      message: expected.message,
      proof: 'report',
      ...times,
    };
  const skipped = reports.find((report) => report.state === 'skipped');
  if (skipped !== undefined)
    return {
      reason: 'runner-skipped',
      detail: clip(skipped.detail === '' ? 'skipped' : skipped.detail, 300) + of,
      message: skipped.message,
      proof: 'report',
      ...times,
    };
  return {
    reason: 'executed',
    detail: reports.length > 1 ? `${reports.length} tests passed` : first.detail,
    message: '',
    proof: 'report',
    ...flakyOf(reports),
    ...times,
  };
}
