/**
 * What a command's own report counts, and the verdict that follows from it.
 */
import type { Case } from '../../model/index.js';
import { counted } from '../../util/text.js';
import type { Finding } from '../../run/outcome.js';

export interface Counts {
  readonly passed: number;
  readonly skipped: number;
  /** Names of what failed. */
  readonly failures: readonly string[];
  readonly message: string;
  /** What kept tests from running or being reported: a file that does not load, a run that ended in the middle, numbers that contradict. */
  readonly trouble?: {
    readonly reason: 'build' | 'crash' | 'not-reported' | 'snapshot-written';
    readonly detail: string;
  };
  /** How a pass came about only after a retry, one line. */
  readonly flaky?: string;
}

/** Several counts as one. The first trouble and the first retry speak for all. */
export function sumCounts(list: readonly Counts[]): Counts {
  const trouble = list.find((item) => item.trouble !== undefined)?.trouble;
  const flaky = list.find((item) => item.flaky !== undefined)?.flaky;
  return {
    passed: list.reduce((sum, item) => sum + item.passed, 0),
    skipped: list.reduce((sum, item) => sum + item.skipped, 0),
    failures: list.flatMap((item) => item.failures),
    message: list.flatMap((item) => (item.message === '' ? [] : [item.message])).join('\n'),
    ...(trouble === undefined ? {} : { trouble }),
    ...(flaky === undefined ? {} : { flaky }),
  };
}

export const addCounts = (left: Counts, right: Counts): Counts => sumCounts([left, right]);

export const NO_COUNTS: Counts = { passed: 0, skipped: 0, failures: [], message: '' };

/**
 * The verdict of a report: a failure fails; nothing executed is not-reported (or a skip, when tests were skipped);
 * a partly skipped report is a skip, unless the author said with `min_executed` how many are enough.
 */
export function judgeCounts(entry: Case, counts: Counts, exitCode: number | null): Finding {
  const expected = entry.expect.exit ?? 0;
  const least = entry.expect.min_executed ?? 1;
  const failed = counts.failures.length;
  const sums = [
    `${counted(counts.passed, 'test')} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
  ].join(', ');
  const finding = (reason: Finding['reason'], detail: string): Finding => ({
    reason,
    detail,
    message: counts.message,
    proof: 'report',
  });
  if (failed > 0)
    return finding('assertion', `${counts.failures[0] ?? ''}${failed > 1 ? ` and ${failed - 1} more` : ''} (${sums})`);
  if (counts.trouble !== undefined) return finding(counts.trouble.reason, counts.trouble.detail);
  if (counts.passed === 0 && counts.skipped === 0)
    return finding('not-reported', `its report names no test that ran (exit code ${exitCode ?? 'unknown'})`);
  if (exitCode !== expected)
    return finding('exit-code', `exit code ${exitCode ?? 'unknown'}, expected ${expected} (${sums})`);
  if (counts.passed === 0) return finding('runner-skipped', `all ${counts.skipped} tests were skipped`);
  if (counts.passed < least) return finding('not-reported', `${sums}; min_executed asks for ${least}`);
  if (counts.skipped > 0 && entry.expect.min_executed === undefined)
    return finding('runner-skipped', `${sums}; say with expect.min_executed how many must run`);
  return { ...finding('executed', sums), ...(counts.flaky === undefined ? {} : { flaky: counts.flaky }) };
}
