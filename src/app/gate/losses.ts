/**
 * What a push takes away from a criterion, read off the two traces: links that are gone, tests that check nothing any more,
 * criteria that are gone. The base's trace was made by the base's own rules, so that no setting of the push hides anything.
 */
import { statusOf, type FoundTest, type ResolvedLink, type Scan, type TracedCriterion } from '../../model/index.js';

/** Nothing verifies it, and somebody may have said so. */
export const isOpen = (traced: TracedCriterion | undefined): boolean =>
  traced === undefined || traced.links.length === 0 || traced.criterion.gap !== undefined;

const working = (traced: TracedCriterion, kind: ResolvedLink['kind']): readonly ResolvedLink[] =>
  traced.links.filter((link) => link.kind === kind && link.problem === undefined);

/** Why the criterion is verified by less than before, or null. */
export const lossOf = (before: TracedCriterion, now: TracedCriterion): string | null =>
  now.links.length === 0 || now.criterion.gap !== undefined ? null : (lostLink(before, now) ?? hollowed(before, now));

/**
 * A link that only the base had. A renamed test keeps its body, and a rewritten one its number: only where there are fewer tests, or
 * fewer commands and tests together, has one gone.
 */
function lostLink(before: TracedCriterion, now: TracedCriterion): string | null {
  const count = (traced: TracedCriterion, kind: ResolvedLink['kind']): number =>
    traced.links.filter((link) => link.kind === kind).length;
  const tests = working(before, 'test').length > count(now, 'test');
  const all = working(before, 'test').length + working(before, 'run').length > count(now, 'test') + count(now, 'run');
  if (!tests && !all) return null;
  const labels = new Set(now.links.map((link) => link.label));
  const prints = new Set(now.links.flatMap((link) => link.tests.map((test) => test.fingerprint)));
  const gone = [...working(before, 'test'), ...working(before, 'run')].find(
    (link) =>
      !labels.has(link.label) && (link.tests.length === 0 || !link.tests.every((test) => prints.has(test.fingerprint))),
  );
  return gone === undefined ? null : `lost link ${gone.label}`;
}

const testsOf = (traced: TracedCriterion): readonly FoundTest[] => traced.links.flatMap((link) => link.tests);

/** A test that checked something and does not any more, under its old name or another. */
function hollowed(before: TracedCriterion, now: TracedCriterion): string | null {
  const old = testsOf(before);
  const solid = old.filter((test) => test.hollow !== true);
  const names = new Set(old.map((test) => test.selector));
  const sameName = new Set(solid.map((test) => test.selector));
  const left = testsOf(now).filter((test) => test.hollow !== true).length;
  const emptied = testsOf(now).find(
    (test) =>
      test.hollow === true && (sameName.has(test.selector) || (!names.has(test.selector) && left < solid.length)),
  );
  return emptied === undefined ? null : `${emptied.file}:${emptied.line} checks nothing any more`;
}

/** Ids whose links, tests or wording differ between the traces, with why: these are judged whatever the selection says. */
export function tracedChanges(
  before: ReadonlyMap<string, TracedCriterion>,
  now: ReadonlyMap<string, TracedCriterion>,
): ReadonlyMap<string, string> {
  const changed = new Map<string, string>();
  for (const [id, traced] of now) {
    const old = before.get(id);
    if (old === undefined) changed.set(id, 'the criterion is new');
    else if (linksOf(old) !== linksOf(traced)) changed.set(id, 'its links or their tests changed');
    else if (statusOf(old.spec, old.criterion) !== statusOf(traced.spec, traced.criterion))
      changed.set(id, 'its status changed');
  }
  return changed;
}

const linksOf = (traced: TracedCriterion): string =>
  JSON.stringify([
    traced.criterion.gap ?? null,
    traced.links.map((link) => [
      link.kind,
      link.label,
      link.problem?.reason ?? null,
      link.tests.map((test) => [test.selector, test.fingerprint, test.skip ?? null, test.hollow ?? null]),
    ]),
  ]);

export interface Removal {
  readonly traced: TracedCriterion;
  /** Why it cannot be meant; null where criterion and tags went together. */
  readonly blocks: string | null;
}

/** Criteria that were verified and that the push takes out of the catalog. */
export function removalsOf(
  before: ReadonlyMap<string, TracedCriterion>,
  now: ReadonlyMap<string, TracedCriterion>,
  tip: Scan,
): readonly Removal[] {
  const tags = new Map(
    tip.files.flatMap((file) => file.links.map((link) => [link.target, `${link.file}:${link.line}`] as const)),
  );
  return [...before.values()]
    .filter((traced) => !now.has(traced.criterion.id) && !isOpen(traced))
    .filter((traced) => statusOf(traced.spec, traced.criterion) !== 'retired')
    .map((traced) => {
      const tag = tags.get(traced.criterion.id);
      const blocks =
        now.size === 0
          ? 'the push removes every criterion'
          : tag === undefined
            ? null
            : `it is gone from the specs, and ${tag} still names it`;
      return { traced, blocks };
    });
}
