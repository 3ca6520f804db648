/** Coverage: the numbers of the graph with the newest verdicts on exactly that source, and all that a report shows beside them. */
import type { Project } from '../../config/index.js';
import {
  criteriaOf,
  RUNNER_NAMES,
  RUNNER_OF,
  success,
  type Criterion,
  type Result,
  type TracedCriterion,
} from '../../model/index.js';
import { coverageOf, type Coverage, type LastVerdict } from '../../trace/index.js';
import { analyse, type Analysis } from './analyse.js';
import { lastVerdicts, type EvidenceQuery } from './runs.js';

/** Whether some link of the criterion could be run by a runner that this tool has. */
export function isRunnable(traced: TracedCriterion): boolean {
  return traced.links.some((link) => {
    if (link.kind === 'manual' || link.problem !== undefined) return false;
    const runner = link.declared.runner;
    if (link.kind === 'run') return runner === undefined || (RUNNER_NAMES as readonly string[]).includes(runner);
    if (runner !== undefined) return (RUNNER_NAMES as readonly string[]).includes(runner);
    return (
      link.tests.length === 0 ||
      link.tests.every((test) =>
        test.framework === 'file' ? test.language === 'shell' : RUNNER_OF[test.framework] !== null,
      )
    );
  });
}

export interface CoverageReport {
  readonly coverage: Coverage;
  readonly analysis: Analysis;
  readonly last: ReadonlyMap<string, LastVerdict>;
}

/** Verdicts of these criteria from elsewhere than the evidence folder. */
export type VerdictSource = (criteria: readonly Criterion[]) => Promise<ReadonlyMap<string, LastVerdict>>;

/** The project as it lies in `project.root`; verdicts from runs on exactly this source (`tree` or `commit`), or from `evidence` itself. */
export async function coverage(
  project: Project,
  evidence: EvidenceQuery | VerdictSource,
): Promise<Result<CoverageReport>> {
  const analysed = await analyse(project);
  if (!analysed.ok) return analysed;
  const criteria = analysed.value.catalog.specs.flatMap((spec) => criteriaOf(spec));
  const last =
    typeof evidence === 'function'
      ? await evidence(criteria)
      : await lastVerdicts(evidence.root, criteria, evidence.of);
  return success({
    coverage: coverageOf(analysed.value.graph, isRunnable, (id) => last.get(id) ?? null),
    analysis: analysed.value,
    last,
  });
}
