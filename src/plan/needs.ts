/**
 * `needs: [impl, utest]` of a criterion: each kind wants a passing check of its own. What is missing becomes a check whose
 * verdict is known already, so that the worst of the checks decides as ever: `needs` makes a verdict stricter, never laxer.
 */
import type { Check, Criterion, TracedCriterion, Waiver } from '../model/index.js';

/** The kind that code serves, not a test. */
const IMPLEMENTATION = 'impl';

/** Whether some link of this kind is there: for `impl` a sound link to code, for all others a link to something that runs. */
function isServed(kind: string, traced: TracedCriterion): boolean {
  if (traced.links.some((link) => link.declared.proves === kind)) return true;
  return traced.implementations.some((link) => link.problem === undefined && (link.proves ?? IMPLEMENTATION) === kind);
}

/**
 * The waiver that holds for a kind on a day (`2027-01-31`); null: none. One without `kind` holds for all of them, one whose
 * last day is over for none.
 */
function waiverOf(criterion: Criterion, kind: string, today: string): Waiver | null {
  return (
    (criterion.waived ?? []).find(
      (waiver) =>
        (waiver.kind === undefined || waiver.kind === kind) && (waiver.until === undefined || waiver.until >= today),
    ) ?? null
  );
}

const waiverText = (waiver: Waiver): string =>
  [waiver.reason, ...(waiver.issue === undefined ? [] : [waiver.issue])].join(', ') +
  (waiver.until === undefined ? '' : ` (until ${waiver.until})`);

/**
 * One known check for each kind of `needs` that nothing serves: SKIP(waived) where it is given up for now, else SKIP(no-link).
 *
 * @param today the day on which the plan is made, as `2027-01-31`
 */
export function missingNeeds(traced: TracedCriterion, today: string): readonly Check[] {
  const { spec, criterion } = traced;
  return (criterion.needs ?? [])
    .filter((kind) => !isServed(kind, traced))
    .map((kind) => {
      const waiver = waiverOf(criterion, kind, today);
      return {
        spec: spec.id,
        criterion: criterion.id,
        link: kind,
        linkId: null,
        // Not `manual`: a hybrid review would leave that aside.
        kind: 'test',
        runner: null,
        place: 'host',
        file: criterion.position?.file ?? null,
        line: criterion.position?.line ?? null,
        hollow: false,
        cases: [],
        proves: kind,
        known:
          waiver === null
            ? { reason: 'no-link', detail: `${kind} missing` }
            : { reason: 'waived', detail: `${kind}: ${waiverText(waiver)}` },
      };
    });
}
