/** What blocks a push: a function of verdicts on the pushed commit and on its base. */
import type { CriterionRecord, TracedCriterion, Verdict } from '../../model/index.js';

export type Policy = 'delta' | 'full' | 'strict';

export interface Blocker {
  readonly criterion: string;
  readonly title: string;
  readonly why: string;
  readonly record: CriterionRecord | null;
}

export interface Judged {
  readonly blockers: readonly Blocker[];
  /** Bad, but as bad on the base: listed, does not block. */
  readonly debt: readonly Blocker[];
}

export interface Sides {
  /** Verdicts of the affected criteria on the pushed commit. */
  readonly tip: readonly CriterionRecord[];
  /** Verdicts of the same criteria on the base, where they were asked for. */
  readonly base: ReadonlyMap<string, Verdict>;
  readonly tipTrace: ReadonlyMap<string, TracedCriterion>;
  readonly baseTrace: ReadonlyMap<string, TracedCriterion>;
}

const isOpen = (traced: TracedCriterion | undefined): boolean =>
  traced === undefined || traced.links.length === 0 || traced.criterion.gap !== undefined;
const BAD: ReadonlySet<Verdict> = new Set(['FAIL', 'ERROR']);

/** Criteria whose verdict on the base decides whether the push made something worse. */
export function needBase(sides: Pick<Sides, 'tip' | 'baseTrace'>, policy: Policy): readonly string[] {
  if (policy !== 'delta') return [];
  return sides.tip
    .filter(
      (record) =>
        BAD.has(record.verdict) ||
        (record.verdict === 'SKIP' && record.reason !== 'retired' && record.reason !== 'manual'),
    )
    .filter((record) => !isOpen(sides.baseTrace.get(record.id)))
    .map((record) => record.id);
}

/** delta: only what the push makes worse; full: any FAIL or ERROR; strict: SKIP too. */
export function judgePush(sides: Sides, policy: Policy): Judged {
  const blockers: Blocker[] = [];
  const debt: Blocker[] = [];
  for (const record of sides.tip) {
    const blocker = (why: string): Blocker => ({ criterion: record.id, title: record.title, why, record });
    const bad = BAD.has(record.verdict);
    const skipped = record.verdict === 'SKIP' && record.reason !== 'retired';
    if (!bad && !skipped) continue;
    if (policy === 'full') {
      if (bad) blockers.push(blocker(`${record.verdict}(${record.reason})`));
      continue;
    }
    if (policy === 'strict') {
      blockers.push(blocker(`${record.verdict}(${record.reason})`));
      continue;
    }
    const before = sides.base.get(record.id);
    const wasOpen = isOpen(sides.baseTrace.get(record.id));
    const isNew = !sides.baseTrace.has(record.id);
    if (bad)
      (before !== undefined && BAD.has(before) && !(before === 'ERROR' && record.verdict === 'FAIL')
        ? debt
        : blockers
      ).push(blocker(`${record.verdict}(${record.reason})`));
    else if (record.reason === 'gap' || record.reason === 'no-link') {
      if (!wasOpen) blockers.push(blocker(record.reason === 'gap' ? 'it became a gap' : 'it lost its link'));
      else if (isNew) blockers.push(blocker(record.reason === 'gap' ? 'a new gap' : 'new, and nothing verifies it'));
      else debt.push(blocker(`SKIP(${record.reason})`));
    } else if (before === 'PASS') blockers.push(blocker(`PASS became SKIP(${record.reason})`));
    else debt.push(blocker(`SKIP(${record.reason})`));
  }
  // A link that only the base had, on a criterion that still has others.
  if (policy === 'delta') {
    for (const record of sides.tip) {
      const before = sides.baseTrace.get(record.id);
      const now = sides.tipTrace.get(record.id);
      if (
        before === undefined ||
        now === undefined ||
        now.links.length === 0 ||
        blockers.some((item) => item.criterion === record.id)
      )
        continue;
      const labels = new Set(now.links.map((link) => link.label));
      const lost = before.links.filter((link) => link.problem === undefined && !labels.has(link.label));
      // A renamed test keeps its body: a link with the same fingerprint is the same link.
      const prints = new Set(now.links.flatMap((link) => link.tests.map((test) => test.fingerprint)));
      const gone = lost.filter(
        (link) => link.tests.length === 0 || !link.tests.every((test) => prints.has(test.fingerprint)),
      );
      if (gone.length > 0 && now.links.length < before.links.length)
        blockers.push({ criterion: record.id, title: record.title, why: `lost link ${gone[0]?.label ?? ''}`, record });
    }
  }
  return { blockers, debt };
}
