/**
 * Verdicts and their reasons (contract, section 5). A reason belongs to exactly one verdict; `verdictOf` is that table.
 */
/** What a verdict rests on: what the runner reported, or the exit code of a command alone. */
export type Proof = 'report' | 'exit-code';

export type Verdict = 'PASS' | 'FAIL' | 'SKIP' | 'ERROR';

/** `exit-code`: nothing but the exit code of a command says so; a word and a number of its own beside `executed`. */
export type PassReason = 'executed' | 'cached' | 'exit-code';
export type FailReason = 'assertion' | 'exit-code' | 'timeout';
export type SkipReason =
  | 'no-link'
  | 'gap'
  | 'manual'
  | 'runner-skipped'
  /** The build leaves the test out: a condition on platform, feature or tag that does not hold here. */
  | 'configured-out'
  /** The test failed, as it declares that it does (`it.fails`, `xfail`). */
  | 'expected-failure'
  /** A kind of evidence that `needs` wants is given up for now, by a waiver. */
  | 'waived'
  | 'retired'
  | `unavailable:${string}`;
export type ErrorReason =
  | 'dangling-link'
  | 'not-found'
  | 'not-reported'
  | 'ambiguous-selector'
  /** The test compared with a snapshot that this very run would have written. */
  | 'snapshot-written'
  /** The tag binds to nothing, or the analysis of its file was cut short. */
  | 'dangling-tag'
  | 'build'
  | 'setup'
  | 'crash'
  | 'infra'
  | 'canceled'
  | 'run-timeout';
export type Reason = PassReason | FailReason | SkipReason | ErrorReason;

const FAIL: ReadonlySet<string> = new Set<FailReason>(['assertion', 'exit-code', 'timeout']);
const SKIP: ReadonlySet<string> = new Set<SkipReason>([
  'no-link',
  'gap',
  'manual',
  'runner-skipped',
  'configured-out',
  'expected-failure',
  'waived',
  'retired',
]);

/**
 * The verdict that an outcome's reason stands for. Whatever is not known to be good is ERROR.
 * `exit-code` alone is a failure; a pass by exit code is an outcome `executed` with that proof, see `judgeCase`.
 */
export function verdictOf(reason: Reason): Verdict {
  if (reason === 'executed' || reason === 'cached') return 'PASS';
  if (FAIL.has(reason)) return 'FAIL';
  if (SKIP.has(reason) || reason.startsWith('unavailable:')) return 'SKIP';
  return 'ERROR';
}

/** Order of severity: FAIL > ERROR > SKIP > PASS. */
const RANK: Readonly<Record<Verdict, number>> = { PASS: 0, SKIP: 1, ERROR: 2, FAIL: 3 };

export const worse = (left: Verdict, right: Verdict): Verdict => (RANK[right] > RANK[left] ? right : left);
export const compareVerdicts = (left: Verdict, right: Verdict): number => RANK[left] - RANK[right];
