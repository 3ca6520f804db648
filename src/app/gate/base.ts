/** Verdicts of the base, as cheaply as they can be had: what is recorded of that very commit, and a run for the rest. */
import { criteriaOf, type Criterion, type CriterionRecord } from '../../model/index.js';
import { recordedRuns, verdictsIn } from '../analysis/runs.js';
import type { VerifyContext } from '../verify/verify-request.js';
import type { BaseVerdict } from './policy.js';
import { judgeSide, type Side } from './side.js';

export interface BaseVerdicts {
  /** Of every criterion that was asked for and that the base has. */
  readonly verdicts: ReadonlyMap<string, BaseVerdict>;
  /** Those that a run in a clean worktree gave. */
  readonly fromWorktree: ReadonlySet<string>;
}

/** The other side, for its conditions. */
interface JudgedTip {
  readonly side: Side;
  readonly records: readonly CriterionRecord[];
}

/** Never fails: what cannot be judged is `unknown`, with why. */
export async function baseVerdicts(
  base: Side,
  ids: readonly string[],
  tip: JudgedTip,
  deadline: number,
  context: VerifyContext,
): Promise<BaseVerdicts> {
  const recorded = await recordedOf(base, ids, tip);
  const left = ids.filter((id) => !recorded.has(id));
  const verdicts = new Map<string, BaseVerdict>(recorded);
  const judged = await judgeSide(base, left, deadline, context);
  for (const id of left) {
    if (!judged.ok) {
      verdicts.set(id, { verdict: 'unknown', why: judged.failures[0]?.message ?? 'it could not be judged' });
      continue;
    }
    const record = judged.value.criteria.get(id);
    const withheld = judged.value.withheld.get(id);
    const lacking = judged.value.lacking[0];
    if (record === undefined) verdicts.set(id, { verdict: 'unknown', why: withheld ?? 'it was not judged' });
    else if (UNREACHED.has(record.reason)) verdicts.set(id, { verdict: 'unknown', why: `ERROR(${record.reason})` });
    else if (lacking !== undefined && record.verdict !== 'PASS') verdicts.set(id, { verdict: 'unknown', why: lacking });
    else verdicts.set(id, { verdict: record.verdict, reason: record.reason });
  }
  return { verdicts, fromWorktree: new Set(base.worktree === null ? [] : left) };
}

const UNREACHED: ReadonlySet<string> = new Set(['run-timeout', 'canceled', 'infra']);

/**
 * What runs of exactly this commit have said, under the conditions that the tip was judged under: in the checkout or in a clean
 * worktree. Only what a run decides: that something is not available here is a statement about a day, not about the commit.
 */
async function recordedOf(
  base: Side,
  ids: readonly string[],
  tip: JudgedTip,
): Promise<ReadonlyMap<string, BaseVerdict>> {
  const missingNow = new Set(
    tip.records.filter(({ reason }) => reason.startsWith('unavailable:')).map((record) => record.id),
  );
  const wanted = new Set(ids.filter((id) => !missingNow.has(id)));
  const criteria: readonly Criterion[] = base.analysis.catalog.specs
    .flatMap((spec) => criteriaOf(spec))
    .filter((criterion) => wanted.has(criterion.id));
  const isClean = tip.side.worktree !== null;
  const records = (await recordedRuns(base.evidenceRoot)).filter(
    ({ source }) => source.commit === base.commit && !source.dirty && (source.worktree ?? false) === isClean,
  );
  const found = new Map<string, BaseVerdict>();
  for (const [id, { verdict, reason }] of verdictsIn(records, criteria))
    if (verdict === 'PASS' || verdict === 'FAIL') found.set(id, { verdict, reason });
  return found;
}
