/**
 * What every coverage format shows: the numbers of the graph, the difference to another point, the trend, what to do next.
 * All formats take their numbers from here, so that no two can disagree.
 */
import type { CheckRecord, CoverageCounts, CoverageKey, TrendPoint, Verdict } from '../../model/index.js';

export interface CountsView extends CoverageCounts {
  /** Percent of specified, one decimal, rounded down. */
  readonly percent: Readonly<Record<CoverageKey, number>>;
}

export interface TestView {
  readonly selector: string;
  readonly file: string;
  readonly line: number;
  readonly kind: 'test' | 'run' | 'manual';
}

export interface CriterionView {
  readonly id: string;
  readonly spec: string;
  readonly title: string;
  readonly text: string;
  readonly level: string;
  readonly risk: string;
  readonly owner: string;
  readonly traced: boolean;
  readonly verdict: Verdict | null;
  readonly reason: string;
  readonly detail: string;
  readonly run: string | null;
  readonly tests: readonly TestView[];
  readonly implementations: readonly { readonly file: string; readonly line: number; readonly symbol: string | null }[];
  /** The last checks with their output, where they are known. */
  readonly checks: readonly Pick<CheckRecord, 'link' | 'verdict' | 'reason' | 'duration_ms'>[];
  readonly output: string;
}

export interface NextStep {
  readonly criterion: string;
  readonly title: string;
  readonly risk: string;
  readonly why: string;
  readonly candidates: readonly {
    readonly selector: string;
    readonly file: string;
    readonly line: number;
    readonly reason: string;
  }[];
}

export interface CoverageView {
  readonly project: string;
  /** Commit or Dolt commit that it is about; null for the working tree. */
  readonly at: string | null;
  readonly source: { readonly commit: string | null; readonly dirty: boolean; readonly tree: string } | null;
  readonly total: CountsView;
  readonly levels: Readonly<Record<string, CountsView>>;
  readonly specs: Readonly<Record<string, CountsView>>;
  readonly risks: Readonly<Record<string, CountsView>>;
  readonly owners: Readonly<Record<string, CountsView>>;
  readonly retired: number;
  readonly criteria: readonly CriterionView[];
  readonly next: readonly NextStep[];
  /** Change of the four counts against a ref. */
  readonly delta: {
    readonly against: string;
    readonly counts: Readonly<Record<CoverageKey, number>>;
    readonly lost: readonly string[];
    readonly gained: readonly string[];
  } | null;
  /** Oldest first. */
  readonly trend: readonly TrendPoint[];
  /** Observed false-hit rate of the verdict cache; null when nothing was audited. */
  readonly audit: { readonly audited: number; readonly stale: number } | null;
}

/** A coverage format: a function from view to text. */
export interface CoverageFormat {
  readonly name: string;
  /** `verbose`: every criterion by itself, in the formats that otherwise give numbers only. */
  render(
    view: CoverageView,
    options: { readonly color: boolean; readonly verbose?: boolean },
  ): string | Promise<string>;
}
