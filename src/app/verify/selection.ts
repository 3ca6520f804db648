/** Which criteria take part: ids, status, risk, changes. */
import {
  criteriaOf,
  failure,
  riskOf,
  success,
  type Catalog,
  type Result,
  type Risk,
  type Status,
  type TracedCriterion,
} from '../../model/index.js';
import { allCriteria, unknownId } from '../catalog/edits.js';

export interface Wanted {
  readonly ids: readonly string[];
  readonly status?: Status;
  readonly risk?: Risk;
  /** Only these criteria (`--changed`). */
  readonly only?: ReadonlySet<string>;
}

export interface Selected {
  readonly selected: (traced: TracedCriterion) => boolean;
  readonly emptySpecs: readonly string[];
}

/** 66 for the first id that is neither a spec nor a criterion. */
export function select(catalog: Catalog, wanted: Wanted): Result<Selected> {
  const specs = new Set(catalog.specs.map((spec) => spec.id));
  const criteria = new Set(allCriteria(catalog).map((item) => item.criterion.id));
  const unknown = wanted.ids.filter((id) => !specs.has(id) && !criteria.has(id));
  if (unknown.length > 0) return failure(...unknown.map((id) => unknownId(id, catalog)));
  const ids = new Set(wanted.ids);
  const matches = (specId: string, status: Status): boolean =>
    (ids.size === 0 || ids.has(specId)) && (wanted.status === undefined || status === wanted.status);
  return success({
    selected: ({ spec, criterion }) =>
      (ids.size === 0 || ids.has(spec.id) || ids.has(criterion.id)) &&
      (wanted.status === undefined || (criterion.status ?? spec.status) === wanted.status) &&
      (wanted.risk === undefined || riskOf(criterion) === wanted.risk) &&
      (wanted.only === undefined || wanted.only.has(criterion.id)),
    emptySpecs:
      wanted.risk !== undefined || wanted.only !== undefined
        ? []
        : catalog.specs
            .filter(
              (spec) => criteriaOf(spec).length === 0 && spec.status !== 'retired' && matches(spec.id, spec.status),
            )
            .map((spec) => spec.id),
  });
}
