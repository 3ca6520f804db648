/** Everything that a coverage report shows, from one computation: numbers, criteria, next steps, difference, trend. */
import type { Project } from '../../config/index.js';
import {
  COVERAGE_KEYS,
  failure,
  RISKS,
  success,
  type CoverageCounts,
  type CoverageKey,
  type Result,
  type RunRecord,
  type Verdict,
} from '../../model/index.js';
import { resolveCommit, sourceIdentity } from '../../sources/index.js';
import { percentage, suggest, type CoverageRow } from '../../trace/index.js';
import { atCommit, withoutCode } from './at-commit.js';
import { auditFigures } from '../reuse/cache.js';
import { coverage, type CoverageReport } from './coverage.js';
import { recordedRuns } from './runs.js';
import { coverageTrend } from '../store/store-extras.js';
import { momentAt, verdictsFor, type StoreMoment } from '../store/store-moment.js';

export interface CoverageRequest {
  readonly at?: string;
  readonly against?: string;
  /** Whether the trend over the store's history is wanted (html, json). */
  readonly withHistory: boolean;
}

const NEXT = 5;

type CountsWithPercent = CoverageCounts & { readonly percent: Readonly<Record<CoverageKey, number>> };
const withPercent = (counts: CoverageCounts): CountsWithPercent => ({
  ...counts,
  percent: {
    specified: percentage(counts, 'specified'),
    traced: percentage(counts, 'traced'),
    executed: percentage(counts, 'executed'),
    passed: percentage(counts, 'passed'),
  },
});
const mapped = (groups: Readonly<Record<string, CoverageCounts>>): Record<string, CountsWithPercent> =>
  Object.fromEntries(Object.entries(groups).map(([name, counts]) => [name, withPercent(counts)]));

/** Riskiest first: failed or errored, then without any test. */
function openRows(report: CoverageReport): CoverageRow[] {
  const rank = (row: CoverageRow): number =>
    RISKS.indexOf(row.risk as (typeof RISKS)[number]) * 2 +
    (row.last?.verdict === 'FAIL' || row.last?.verdict === 'ERROR' ? 1 : 0);
  return report.coverage.rows
    .filter(
      (row) => row.last?.verdict === 'FAIL' || row.last?.verdict === 'ERROR' || (!row.traced && row.skip !== 'manual'),
    )
    .toSorted((left, right) => rank(right) - rank(left) || (left.id < right.id ? -1 : 1));
}

function why(row: CoverageRow): string {
  if (row.last !== null && row.last.verdict !== 'SKIP')
    return `${row.last.verdict}(${row.last.reason})${row.last.detail === '' ? '' : `: ${row.last.detail}`}`;
  return row.skip === 'no-link'
    ? 'nothing verifies it'
    : `${row.skip ?? 'not run'}${row.skipDetail === '' ? '' : `: ${row.skipDetail}`}`;
}

function nextSteps(report: CoverageReport) {
  const tests = report.analysis.scan.files.flatMap((file) => file.tests.filter((test) => test.kind === 'case'));
  return openRows(report)
    .slice(0, NEXT)
    .map((row) => ({
      criterion: row.id,
      title: row.title,
      risk: row.risk,
      why: why(row),
      candidates:
        row.skip === 'no-link' || row.skip === 'gap'
          ? suggest(row.criterion.criterion, tests, [])
              .slice(0, 3)
              .map((found) => ({
                selector: found.test.selector,
                file: found.test.file,
                line: found.test.line,
                reason: found.reason,
              }))
          : [],
    }));
}

function criterionView(row: CoverageRow, records: ReadonlyMap<string, RunRecord>) {
  const { criterion, links, implementations } = row.criterion;
  const record = row.last === null ? undefined : records.get(row.last.run);
  const checks = record?.specs.flatMap((spec) => spec.criteria).find((item) => item.id === row.id)?.checks ?? [];
  return {
    id: row.id,
    spec: row.spec,
    title: row.title,
    text: [criterion.intent, criterion.description].filter((part) => part !== undefined && part !== '').join('\n\n'),
    level: row.level,
    risk: row.risk,
    owner: row.owner,
    traced: row.traced,
    verdict: (row.last?.verdict ?? null) as Verdict | null,
    reason: row.last?.reason ?? row.skip ?? '',
    detail: row.last?.detail ?? row.skipDetail,
    run: row.last?.run ?? null,
    tests: links.flatMap((link) =>
      link.tests.length === 0
        ? [{ selector: link.label, file: link.position.file, line: link.position.line, kind: link.kind }]
        : link.tests.map((test) => ({ selector: test.selector, file: test.file, line: test.line, kind: link.kind })),
    ),
    implementations: implementations.map((item) => ({ file: item.file, line: item.line, symbol: item.symbol })),
    checks: checks.map((check) => ({
      link: check.link,
      verdict: check.verdict,
      reason: check.reason,
      duration_ms: check.duration_ms,
    })),
    output: checks.flatMap((check) => (check.message === undefined ? [] : [check.message])).join('\n\n'),
  };
}

interface ReportAt {
  readonly report: CoverageReport;
  /** Set when the ref is one of the store: its commit, git's commit then, and the runs recorded by then. */
  readonly moment: StoreMoment | null;
}

/**
 * A git ref: the files and the evidence of that commit. Else a Dolt commit, branch or tag: the catalog that the store had
 * then, over the code of the git commit that it belongs to, with the verdicts recorded by then about exactly that code.
 */
async function reportAt(project: Project, ref: string): Promise<Result<ReportAt>> {
  if ((await resolveCommit(project.root, ref)) !== null) {
    const report = await atCommit(project, ref, async (there, commit) =>
      coverage(there, { root: project.root, of: { commit } }),
    );
    return report.ok ? success({ report: report.value, moment: null }) : report;
  }
  const moment = await momentAt(project, ref);
  if (!moment.ok) return moment;
  const { git, catalog, verdicts } = moment.value;
  if (git !== null && (await resolveCommit(project.root, git)) === null)
    return failure({
      kind: 'unavailable',
      message: `The store's commit ${moment.value.commit} belongs to git's ${git}, which is not here.`,
      hint: 'Fetch that commit. Its specs can be seen without it: `coherence spec list --at`.',
    });
  const measure = async (there: Project): Promise<Result<CoverageReport>> =>
    coverage(there, async (criteria) => verdictsFor(criteria, verdicts));
  // Before git's first commit there was no code that could be set beside it.
  const report =
    git === null ? await withoutCode(project, catalog, measure) : await atCommit(project, git, measure, catalog);
  return report.ok ? success({ report: report.value, moment: moment.value }) : report;
}

export async function coverageView(project: Project, request: CoverageRequest) {
  const source = request.at === undefined ? await sourceIdentity(project.root) : null;
  const then = request.at === undefined ? null : await reportAt(project, request.at);
  if (then !== null && !then.ok) return then;
  const report =
    then === null
      ? await coverage(project, { root: project.root, of: { tree: source?.tree ?? '' } })
      : success(then.value.report);
  if (!report.ok) return report;
  const moment = then?.value.moment ?? null;
  const before = request.against === undefined ? null : await reportAt(project, request.against);
  if (before !== null && !before.ok) return before;
  const records = new Map((await recordedRuns(project.root)).map((record) => [record.run, record]));
  const { coverage: numbers } = report.value;
  const passedNow = new Set(numbers.rows.filter((row) => row.last?.verdict === 'PASS').map((row) => row.id));
  const passedBefore = new Set(
    (before?.value.report.coverage.rows ?? []).filter((row) => row.last?.verdict === 'PASS').map((row) => row.id),
  );
  return success({
    project: project.manifest.slug,
    at: request.at ?? null,
    ...(moment === null ? {} : { store_commit: moment.commit, git_commit: moment.git }),
    source,
    total: withPercent(numbers.total),
    levels: mapped(numbers.byLevel),
    specs: mapped(numbers.bySpec),
    risks: mapped(numbers.byRisk),
    owners: mapped(numbers.byOwner),
    retired: numbers.retired,
    criteria: numbers.rows.map((row) => criterionView(row, records)),
    next: nextSteps(report.value),
    delta:
      before === null
        ? null
        : {
            against: request.against ?? '',
            counts: Object.fromEntries(
              COVERAGE_KEYS.map((key) => [key, numbers.total[key] - before.value.report.coverage.total[key]]),
            ) as Record<CoverageKey, number>,
            lost: [...passedBefore].filter((id) => !passedNow.has(id)).sort(),
            gained: [...passedNow].filter((id) => !passedBefore.has(id)).sort(),
          },
    trend: !request.withHistory ? [] : moment === null ? await coverageTrend(project) : moment.trend,
    audit: await auditFigures(project),
  });
}
