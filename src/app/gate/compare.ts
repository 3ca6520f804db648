/** The pushed commit against its base: what is affected, what came of it, and what of that the push made worse. */
import { success, type CriterionRecord, type Result, type TracedCriterion } from '../../model/index.js';
import { changedCriteria } from '../reuse/changed.js';
import { baseVerdicts } from './base.js';
import type { Judging, PushVerdict } from './push-verdict.js';
import { removalsOf, tracedChanges, type Removal } from './losses.js';
import { judgePush, needBase, type Blocker, type Judged, type Sides } from './policy.js';
import { judgeSide, withSide, type Side, type SideVerdicts } from './side.js';

type Traces = ReadonlyMap<string, TracedCriterion>;

const tracesOf = (side: Side | null): Traces =>
  new Map((side?.analysis.graph.criteria ?? []).map((traced) => [traced.criterion.id, traced]));

/** @param base null where nothing came before or it was no project; failures where its specs or settings cannot be read */
export async function compareSides(
  judging: Judging,
  tip: Side,
  base: Result<Side | null>,
): Promise<Result<PushVerdict>> {
  const { push, deadline, context } = judging;
  const baseSide = base.ok ? base.value : null;
  const unreadable = base.ok ? null : (base.failures[0]?.message ?? 'it cannot be read');
  const [tipTrace, baseTrace] = [tracesOf(tip), tracesOf(baseSide)];
  const why = await affected(judging, tip, tipTrace, baseSide === null ? null : baseTrace);
  if (!why.ok) return why;
  const ids = [...why.value.keys()];
  const removals = removalsOf(baseTrace, tipTrace, tip.analysis.scan);
  const verified = await judgeSide(tip, ids, deadline, context);
  if (!verified.ok) return verified;
  const sides: Sides = { tip: [...verified.value.criteria.values()], base: new Map(), tipTrace, baseTrace };
  const judged =
    unreadable === null
      ? await judgeAgainst(judging, tip, baseSide, verified.value, sides)
      : againstUnreadable(judgePush(sides, judging.policy), unreadable);
  if (!judged.ok) return judged;
  return success(verdictOfPush(push, why.value, verified.value, withRemovals(judged.value, removals)));
}

/** What the change can reach, and whatever the two traces tell apart. */
async function affected(
  { push, context }: Judging,
  tip: Side,
  tipTrace: Traces,
  baseTrace: Traces | null,
): Promise<Result<ReadonlyMap<string, string>>> {
  if (push.base === null) return success(new Map([...tipTrace.keys()].map((id) => [id, 'nothing came before'])));
  const changed = await changedCriteria(tip.project, tip.analysis, push.base, { cached: true, env: context.env });
  if (!changed.ok || baseTrace === null) return changed;
  return success(new Map([...tracedChanges(baseTrace, tipTrace), ...changed.value]));
}

async function judgeAgainst(
  judging: Judging,
  tip: Side,
  base: Side | null,
  verified: SideVerdicts,
  sides: Sides,
): Promise<Result<Judged>> {
  const { policy } = judging;
  const asked = base === null ? [] : needBase(sides, policy);
  if (base === null || asked.length === 0) return success(lacking(judgePush(sides, policy), verified));
  const found = await baseVerdicts(base, asked, { side: tip, records: sides.tip }, judging.deadline, judging.context);
  const first = judgePush({ ...sides, base: found.verdicts }, policy);
  const doubtful = [...first.blockers, ...first.unknown].map((item) => item.criterion);
  const again = doubtful.filter((id) => found.fromWorktree.has(id));
  if (tip.worktree !== null || again.length === 0) return success(lacking(first, verified));
  // The checkout holds files that git ignores, the base's worktree did not: both must have had the same.
  const clean = await inWorktree(judging, again);
  const replaced = sides.tip.map((record) => clean.get(record.id) ?? record);
  return success(lacking(judgePush({ ...sides, tip: replaced, base: found.verdicts }, policy), verified));
}

/** The same criteria of the pushed commit in a clean worktree; those that could not be judged there are left out. */
async function inWorktree(
  { project, push, deadline, context }: Judging,
  ids: readonly string[],
): Promise<ReadonlyMap<string, CriterionRecord>> {
  const judged = await withSide(project, push.tip, true, context, async (side) => {
    if (!side.ok) return side;
    if (side.value === null) return success<ReadonlyMap<string, CriterionRecord>>(new Map());
    const verified = await judgeSide(side.value, ids, deadline, context);
    return verified.ok ? success(verified.value.criteria) : verified;
  });
  return judged.ok ? judged.value : new Map();
}

/** With something not installed, a bad verdict may be due to just that: nobody can tell. */
function lacking(judged: Judged, verified: SideVerdicts): Judged {
  const why = verified.lacking[0];
  if (why === undefined) return judged;
  const bad = judged.blockers.filter((item) => item.record !== null && item.record.verdict !== 'PASS');
  const debt = judged.debt.filter((item) => item.record?.verdict === 'FAIL' || item.record?.verdict === 'ERROR');
  return {
    blockers: judged.blockers.filter((item) => !bad.includes(item)),
    debt: judged.debt.filter((item) => !debt.includes(item)),
    unknown: [...judged.unknown, ...[...bad, ...debt].map((item) => ({ ...item, why: `${item.why}; ${why}` }))],
  };
}

/** The specs of the base are broken: what passes is good; of the rest nobody knows whether it was as bad before. */
function againstUnreadable(judged: Judged, why: string): Result<Judged> {
  const unknown = judged.blockers.map((item) => ({
    ...item,
    why: `${item.why}; what it was before is not known: ${why}`,
  }));
  return success({ blockers: [], debt: judged.debt, unknown: [...judged.unknown, ...unknown] });
}

const blockerOf = ({ traced }: Removal, why: string): Blocker => ({
  criterion: traced.criterion.id,
  title: traced.criterion.title,
  why,
  record: null,
});

function withRemovals(judged: Judged, removals: readonly Removal[]): Judged {
  const meant = removals.filter((removal) => removal.blocks === null);
  return {
    ...judged,
    blockers: [
      ...judged.blockers,
      ...removals.flatMap((removal) => (removal.blocks === null ? [] : [blockerOf(removal, removal.blocks)])),
    ],
    debt: [...judged.debt, ...meant.map((removal) => blockerOf(removal, 'it is gone, and its tests with it'))],
  };
}

function verdictOfPush(
  push: Judging['push'],
  why: ReadonlyMap<string, string>,
  verified: SideVerdicts,
  judged: Judged,
): PushVerdict {
  const trouble = [
    ...judged.unknown.map(
      ({ criterion, why: said, record }) =>
        `${criterion} was not verified: ${said}${record?.detail === undefined ? '' : `, ${record.detail}`}`,
    ),
    ...[...verified.withheld].map(([id, said]) => `${id} was not verified: ${said}`),
  ];
  const outcome = judged.blockers.length > 0 ? 'blocked' : trouble.length > 0 ? 'could-not-verify' : 'pass';
  return {
    ...push,
    outcome,
    affected: why.size,
    why,
    blockers: judged.blockers,
    debt: judged.debt,
    trouble,
    record: verified.record,
  };
}
