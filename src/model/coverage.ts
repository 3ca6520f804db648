/** The words of a coverage report, shared by what computes it, what stores it and what shows it. */

/** Four nested numbers, never mixed: specified ≥ traced ≥ executed ≥ passed (gate.md, 'Coverage report'). */
export const COVERAGE_KEYS = ['specified', 'traced', 'executed', 'passed'] as const;
export type CoverageKey = (typeof COVERAGE_KEYS)[number];

export interface CoverageCounts {
  /** Criteria that are not retired: the denominator of all percentages. */
  readonly specified: number;
  /** Of those: resolve to a test that has a runner here. */
  readonly traced: number;
  /** Of those: PASS or FAIL on this source. */
  readonly executed: number;
  readonly passed: number;
  /** Of those: by nothing but the exit code of a command. */
  readonly exit_code: number;
  readonly failed: number;
  readonly error: number;
  /** SKIPs by reason, beside the four numbers. */
  readonly skips: Readonly<Record<string, number>>;
}

/** One recorded run; counts of criteria. */
export interface TrendPoint {
  readonly run: string;
  readonly started_at: string;
  readonly commit: string | null;
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
  readonly error: number;
}
