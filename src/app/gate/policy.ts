/** What blocks a push: a function of verdicts on the pushed commit and on its base, and of what both commits link. */
import { statusOf, type CriterionRecord, type Reason, type TracedCriterion, type Verdict } from '../../model/index.js';
import { isOpen, lossOf } from './losses.js';

export type Policy = 'delta' | 'full' | 'strict';

export interface Blocker {
  readonly criterion: string;
  readonly title: string;
  readonly why: string;
  readonly record: CriterionRecord | null;
}

export interface Judged {
  /** What the push makes worse. */
  readonly blockers: readonly Blocker[];
  /** Open or bad, but as open or bad on the base, or announced as such: listed, does not block. */
  readonly debt: readonly Blocker[];
  /** What nobody can tell: it was not reached, or its verdict on the base is not known. Blocks as "could not verify". */
  readonly unknown: readonly Blocker[];
}

/** What is known of a criterion on the base. `why` says why nothing is. */
export type BaseVerdict =
  | { readonly verdict: Verdict; readonly reason: Reason }
  | { readonly verdict: 'unknown'; readonly why: string };

export interface Sides {
  /** Verdicts of the affected criteria on the pushed commit. */
  readonly tip: readonly CriterionRecord[];
  /** Verdicts of the same criteria on the base, where they were asked for. */
  readonly base: ReadonlyMap<string, BaseVerdict>;
  readonly tipTrace: ReadonlyMap<string, TracedCriterion>;
  readonly baseTrace: ReadonlyMap<string, TracedCriterion>;
}

const BAD: ReadonlySet<Verdict> = new Set(['FAIL', 'ERROR']);
/** The run did not come to it: no statement about the source. */
const UNREACHED: ReadonlySet<Reason> = new Set<Reason>(['run-timeout', 'canceled', 'infra']);
/** The link itself is at fault, which the two traces tell without a run. */
const LINK_TROUBLE: ReadonlySet<Reason> = new Set<Reason>([
  'dangling-link',
  'dangling-tag',
  'ambiguous-selector',
  'not-found',
]);

const isDraft = (traced: TracedCriterion | undefined): boolean =>
  traced !== undefined && statusOf(traced.spec, traced.criterion) === 'draft';

/** What the base's trace tells of a criterion's verdict there, without a run; null where only a run can. */
export function tracedVerdict(traced: TracedCriterion | undefined): BaseVerdict | null {
  if (traced === undefined) return null;
  if (statusOf(traced.spec, traced.criterion) === 'retired') return { verdict: 'SKIP', reason: 'retired' };
  if (traced.criterion.gap !== undefined) return { verdict: 'SKIP', reason: 'gap' };
  if (traced.links.length === 0) return { verdict: 'SKIP', reason: 'no-link' };
  const problem = traced.links.find((link) => link.problem !== undefined)?.problem;
  if (problem !== undefined) return { verdict: 'ERROR', reason: problem.reason };
  return traced.links.every((link) => link.kind === 'manual') ? { verdict: 'SKIP', reason: 'manual' } : null;
}

type Finding = readonly [list: 'blockers' | 'debt' | 'unknown', why: string] | null;
/** The question "and what was it on the base?", asked only where its answer decides. */
type AskBase = () => BaseVerdict;

const UNASKED: BaseVerdict = { verdict: 'unknown', why: 'it was not asked for' };

/** Criteria whose verdict on the base decides and is not known yet. */
export function needBase(sides: Sides, policy: Policy): readonly string[] {
  if (policy !== 'delta') return [];
  const wanted: string[] = [];
  for (const record of sides.tip)
    judgeDelta(record, sides, () => {
      if (!sides.base.has(record.id) && tracedVerdict(sides.baseTrace.get(record.id)) === null) wanted.push(record.id);
      return UNASKED;
    });
  return wanted;
}

/** delta: only what the push makes worse; full: any FAIL or ERROR; strict: SKIP too. */
export function judgePush(sides: Sides, policy: Policy): Judged {
  const lists = { blockers: [] as Blocker[], debt: [] as Blocker[], unknown: [] as Blocker[] };
  for (const record of sides.tip) {
    const ask: AskBase = () => tracedVerdict(sides.baseTrace.get(record.id)) ?? sides.base.get(record.id) ?? UNASKED;
    const finding = policy === 'delta' ? judgeDelta(record, sides, ask) : judgeAlone(record, policy);
    if (finding === null) continue;
    const [list, why] = finding;
    lists[list].push({ criterion: record.id, title: record.title, why, record });
  }
  return lists;
}

const named = (record: CriterionRecord): string => `${record.verdict}(${record.reason})`;

/** For the policies that look at the pushed commit alone. */
function judgeAlone(record: CriterionRecord, policy: Policy): Finding {
  if (UNREACHED.has(record.reason)) return ['unknown', named(record)];
  if (BAD.has(record.verdict)) return ['blockers', named(record)];
  return policy === 'strict' && record.verdict === 'SKIP' && record.reason !== 'retired'
    ? ['blockers', named(record)]
    : null;
}

function judgeDelta(record: CriterionRecord, sides: Sides, ask: AskBase): Finding {
  const before = sides.baseTrace.get(record.id);
  const now = sides.tipTrace.get(record.id);
  if (UNREACHED.has(record.reason)) return ['unknown', named(record)];
  if (record.reason === 'retired') return before === undefined || isOpen(before) ? null : ['debt', 'it is retired now'];
  const finding = BAD.has(record.verdict)
    ? judgeBad(record, before, now, ask)
    : record.verdict === 'SKIP'
      ? judgeSkip(record, before, now, ask)
      : null;
  if (finding?.[0] === 'blockers') return finding;
  const loss = before === undefined || now === undefined ? null : lossOf(before, now);
  return loss === null ? finding : ['blockers', loss];
}

function judgeBad(
  record: CriterionRecord,
  before: TracedCriterion | undefined,
  now: TracedCriterion | undefined,
  ask: AskBase,
): Finding {
  const why = named(record);
  // Spec first: the draft names the test that is still to be written.
  if (before === undefined && isDraft(now) && LINK_TROUBLE.has(record.reason)) return ['debt', `a draft, ${why}`];
  if (isOpen(before)) return ['blockers', why];
  if (LINK_TROUBLE.has(record.reason) && before?.links.every((link) => link.problem === undefined) === true)
    return ['blockers', why];
  const old = ask();
  if (old.verdict === 'unknown') return ['unknown', `${why}; ${onBase(old.why)}`];
  if (BAD.has(old.verdict)) {
    // A test that could not even be set up there says nothing about a failure here.
    if (old.reason === 'setup' && record.verdict === 'FAIL') return ['unknown', `${why}; ${onBase('ERROR(setup)')}`];
    return ['debt', why];
  }
  return record.reason === 'setup' ? ['unknown', why] : ['blockers', why];
}

function judgeSkip(
  record: CriterionRecord,
  before: TracedCriterion | undefined,
  now: TracedCriterion | undefined,
  ask: AskBase,
): Finding {
  const why = named(record);
  const wasOpen = isOpen(before);
  if (record.reason === 'gap' || record.reason === 'no-link') {
    if (!wasOpen) return ['blockers', record.reason === 'gap' ? 'it became a gap' : 'it lost its link'];
    if (before !== undefined) return ['debt', why];
    if (record.reason === 'gap') return ['debt', 'new, with a gap'];
    return isDraft(now) ? ['debt', 'new, a draft'] : ['blockers', 'new, and nothing verifies it'];
  }
  if (wasOpen || record.reason === 'manual') return ['debt', why];
  const old = ask();
  if (old.verdict === 'unknown') return ['unknown', `${why}; ${onBase(old.why)}`];
  if (old.verdict === 'ERROR' && old.reason === 'setup') return ['unknown', `${why}; ${onBase('ERROR(setup)')}`];
  return old.verdict === 'PASS' ? ['blockers', `PASS became ${why}`] : ['debt', why];
}

const onBase = (why: string): string => `what it was before is not known: ${why}`;
