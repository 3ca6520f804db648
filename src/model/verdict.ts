/**
 * Verdicts and their reasons (contract, section 5). A reason belongs to exactly one verdict; `verdictOf` is that table.
 */
export type Verdict = 'PASS' | 'FAIL' | 'SKIP' | 'ERROR';

export type PassReason = 'executed' | 'cached';
export type FailReason = 'assertion' | 'exit-code' | 'timeout';
export type SkipReason = 'no-link' | 'gap' | 'manual' | 'runner-skipped' | 'retired' | `unavailable:${string}`;
export type ErrorReason =
  | 'dangling-link'
  | 'not-found'
  | 'not-reported'
  | 'ambiguous-selector'
  | 'build'
  | 'setup'
  | 'crash'
  | 'infra'
  | 'canceled'
  | 'run-timeout';
export type Reason = PassReason | FailReason | SkipReason | ErrorReason;

const FAIL: ReadonlySet<string> = new Set<FailReason>(['assertion', 'exit-code', 'timeout']);
const SKIP: ReadonlySet<string> = new Set<SkipReason>(['no-link', 'gap', 'manual', 'runner-skipped', 'retired']);

/** The verdict that a reason stands for. Whatever is not known to be good is ERROR. */
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
