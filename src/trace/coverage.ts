/**
 * Four nested numbers, never mixed: specified ≥ traced ≥ executed ≥ passed (gate.md, 'Coverage report').
 * This one function computes them for every format, so that no two reports can disagree.
 */
import {
  LEVELS,
  RISKS,
  riskOf,
  reviewOf,
  statusOf,
  type CoverageCounts,
  type CoverageKey,
  type Reason,
  type TracedCriterion,
  type TraceGraph,
  type Verdict,
} from '../model/index.js';

/** What the newest verification of exactly this source and wording said of a criterion. */
export interface LastVerdict {
  readonly verdict: Verdict;
  readonly reason: Reason;
  readonly detail: string;
  readonly run: string;
  /** A pass that nothing but an exit code tells of. */
  readonly byExitCode: boolean;
}

export interface CoverageRow {
  readonly id: string;
  readonly spec: string;
  readonly title: string;
  readonly level: string;
  readonly risk: string;
  readonly owner: string;
  readonly traced: boolean;
  readonly last: LastVerdict | null;
  /** The reason that a criterion without a verdict on this source would be skipped for; null when its tests just did not run yet. */
  readonly skip: Reason | null;
  readonly skipDetail: string;
  readonly criterion: TracedCriterion;
}

export interface Coverage {
  readonly total: CoverageCounts;
  readonly byLevel: Readonly<Record<string, CoverageCounts>>;
  readonly bySpec: Readonly<Record<string, CoverageCounts>>;
  readonly byRisk: Readonly<Record<string, CoverageCounts>>;
  readonly byOwner: Readonly<Record<string, CoverageCounts>>;
  /** Retired criteria, which are in no denominator. */
  readonly retired: number;
  readonly rows: readonly CoverageRow[];
}

/** True when at least one link could be run here. */
function isTraced(traced: TracedCriterion, runnable: (traced: TracedCriterion) => boolean): boolean {
  return traced.criterion.gap === undefined && runnable(traced);
}

function expectedSkip(traced: TracedCriterion, isRunnable: boolean): { reason: Reason; detail: string } | null {
  if (traced.criterion.gap !== undefined) return { reason: 'gap', detail: traced.criterion.gap };
  if (traced.links.length === 0) {
    return reviewOf(traced.criterion) === 'manual'
      ? { reason: 'manual', detail: 'reviewed by a person' }
      : { reason: 'no-link', detail: 'nothing verifies this criterion' };
  }
  if (isRunnable) return null;
  const problem = traced.links.find((link) => link.problem !== undefined)?.problem;
  if (problem !== undefined) return { reason: problem.reason, detail: problem.message };
  return traced.links.every((link) => link.kind === 'manual')
    ? { reason: 'manual', detail: traced.links[0]?.label ?? '' }
    : { reason: 'unavailable:runner', detail: 'no runner here' };
}

function count(rows: readonly CoverageRow[]): CoverageCounts {
  const skips: Record<string, number> = {};
  let executed = 0,
    passed = 0,
    byExitCode = 0,
    failed = 0,
    error = 0,
    traced = 0;
  for (const row of rows) {
    if (row.traced) traced += 1;
    const verdict = row.last?.verdict;
    if (row.traced && (verdict === 'PASS' || verdict === 'FAIL')) executed += 1;
    if (row.traced && verdict === 'PASS') passed += 1;
    if (row.traced && verdict === 'PASS' && row.last?.byExitCode === true) byExitCode += 1;
    if (verdict === 'FAIL') failed += 1;
    if (verdict === 'ERROR') error += 1;
    const skip = row.last === null ? row.skip : verdict === 'SKIP' ? row.last.reason : null;
    if (skip !== null) skips[skip] = (skips[skip] ?? 0) + 1;
  }
  return {
    specified: rows.length,
    traced,
    executed,
    passed,
    exit_code: byExitCode,
    failed,
    error,
    skips: Object.fromEntries(Object.entries(skips).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function grouped(
  rows: readonly CoverageRow[],
  key: (row: CoverageRow) => string,
  order: readonly string[] = [],
): Record<string, CoverageCounts> {
  const groups = new Map<string, CoverageRow[]>();
  for (const row of rows) {
    const list = groups.get(key(row));
    if (list === undefined) groups.set(key(row), [row]);
    else list.push(row);
  }
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.fromEntries(
    [...groups]
      .sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
      .map(([name, members]) => [name, count(members)]),
  );
}

/**
 * @param runnable whether a criterion has a link that can be run here (a runner exists, no problem)
 * @param last the newest verdict on exactly this source and wording, or null
 */
export function coverageOf(
  graph: TraceGraph,
  runnable: (traced: TracedCriterion) => boolean,
  last: (criterion: string) => LastVerdict | null,
): Coverage {
  const active = graph.criteria.filter((traced) => statusOf(traced.spec, traced.criterion) !== 'retired');
  const rows = active.map((traced): CoverageRow => {
    const isRunnable = isTraced(traced, runnable);
    const skip = expectedSkip(traced, isRunnable);
    return {
      id: traced.criterion.id,
      spec: traced.spec.id,
      title: traced.criterion.title,
      level: traced.spec.level,
      risk: riskOf(traced.criterion),
      owner: traced.spec.owner ?? '',
      traced: isRunnable,
      last: last(traced.criterion.id),
      skip: skip?.reason ?? null,
      skipDetail: skip?.detail ?? '',
      criterion: traced,
    };
  });
  return {
    total: count(rows),
    retired: graph.criteria.length - active.length,
    rows,
    byLevel: grouped(rows, (row) => row.level, LEVELS),
    bySpec: grouped(rows, (row) => row.spec),
    byRisk: grouped(rows, (row) => row.risk, RISKS.toReversed()),
    byOwner: grouped(rows, (row) => row.owner),
  };
}

/** Percentage of specified; 100 when nothing is specified, since nothing is missing. One decimal, rounded down, so that 99.96 is not shown as 100. */
export const percentage = (counts: CoverageCounts, key: CoverageKey): number =>
  counts.specified === 0 ? 100 : Math.floor((counts[key] / counts.specified) * 1000) / 10;
