/** `--dry-run`: batches, command lines, selectors and cache hits; nothing is executed. */
import type { Project } from '../../config/index.js';
import { verdictOf, type PlaceName } from '../../model/index.js';
import { toRun, withReuse } from '../../plan/index.js';
import { runCache } from '../reuse/cache.js';
import type { Prepared } from '../verify/verify.js';
import type { VerifyRequest } from '../verify/verify-request.js';

export interface PlanPreview {
  readonly batches: readonly {
    readonly runner: string;
    readonly place: PlaceName;
    readonly environment: string | null;
    readonly directory: string;
    readonly commands: readonly (readonly string[])[];
    readonly cases: readonly { readonly selector: string; readonly criteria: readonly string[] }[];
  }[];
  readonly cached: readonly {
    readonly selector: string;
    readonly run: string;
    readonly verdict: string;
    readonly criteria: readonly string[];
  }[];
  readonly skipped: readonly {
    readonly criterion: string;
    readonly verdict: string;
    readonly reason: string;
    readonly detail: string;
  }[];
}

export async function planPreview(
  project: Project,
  prepared: Prepared,
  request: VerifyRequest,
  env: Readonly<Record<string, string | undefined>>,
): Promise<PlanPreview> {
  const cache = await runCache(project, prepared.analysis, prepared.plan, { read: request.cache, env, percent: 0 });
  const planned = withReuse(prepared.plan, cache.reuse);
  const previews = await prepared.wiring.preview(toRun(planned));
  const cases = new Map(planned.cases.map((entry) => [entry.id, entry]));
  return {
    batches: previews.map(({ batch, commands }) => ({
      runner: batch.runner,
      place: batch.place,
      environment: batch.environment,
      directory: batch.directory,
      commands,
      cases: batch.cases.map((entry) => ({ selector: entry.selector, criteria: entry.criteria })),
    })),
    cached: planned.reuse.map((entry) => ({
      selector: cases.get(entry.case)?.selector ?? entry.case,
      run: entry.outcome.run,
      verdict: verdictOf(entry.outcome.reason),
      criteria: cases.get(entry.case)?.criteria ?? [],
    })),
    skipped: planned.specs.flatMap((spec) =>
      spec.criteria.flatMap((criterion) => [
        ...(criterion.known === null
          ? []
          : [{ criterion: criterion.criterion, verdict: verdictOf(criterion.known.reason), ...criterion.known }]),
        ...criterion.checks.flatMap((check) =>
          check.known === null
            ? []
            : [{ criterion: criterion.criterion, verdict: verdictOf(check.known.reason), ...check.known }],
        ),
      ]),
    ),
  };
}
