/**
 * The reports that speak for one case → what that case came to. Only what a report names counts (see matching.ts); a file's or
 * a run's own "passed" is never looked at.
 */
import { clip } from '../util/text.js';
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
  readonly column?: number | null;
  /** The test file that ran, where `file` is that of a wrapper that declares tests for it. */
  readonly process?: string;
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
