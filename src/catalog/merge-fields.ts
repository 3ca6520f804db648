/** Three-way merge of a spec's or criterion's own fields. */
import type { Json } from '../model/index.js';
import { linkIdentities, mergeList, valueIdentity, type Identities } from './merge-list.js';
import {
  isMap,
  keysOf,
  mergeMap,
  mergeValue,
  setOwn,
  valuesAt,
  type Report,
  type Side,
  type Three,
} from './merge-three.js';
import type { Plain } from './merge-values.js';
import { criterionShape, specShape } from './spec-shape.js';
import type { AnyShape } from '../yaml/index.js';

export { mergeValue, type Report, type Side, type Three } from './merge-three.js';

/** How the items of a list field are told apart; null for a field that is no list, or whose order is its meaning. */
function identitiesOf(key: string, shape: AnyShape | undefined): Identities | null {
  if (shape?.kind !== 'list' || key === 'section') return null;
  return key === 'verified_by' || key === 'implemented_by' ? linkIdentities : valueIdentity;
}

const LISTS: ReadonlyMap<string, Identities> = new Map(
  [specShape, criterionShape].flatMap((shape) =>
    Object.entries(shape.kind === 'record' ? shape.fields : {}).flatMap(([key, field]) => {
      const identities = key === 'criteria' ? null : identitiesOf(key, field);
      return identities === null ? [] : [[key, identities] as const];
    }),
  ),
);

/** Mappings that are merged key by key. */
const MAPS: ReadonlySet<string> = new Set(['extra', 'attributes', 'attributes_schema', 'source']);

/** Field by field; lists by the identity of their items, `extra` key by key. */
export function mergeRecord(three: Three<Plain>, prefer: Side | undefined, report: Report): Plain {
  const result: Record<string, Json> = {};
  for (const key of keysOf(three)) {
    const values = valuesAt(three, key);
    const sides = [values.base, values.ours, values.theirs].filter((side) => side !== undefined);
    const identities = LISTS.get(key);
    if (identities !== undefined && sides.every((side) => Array.isArray(side)))
      setOwn(result, key, mergeList(key, values, identities, prefer, report));
    else if (MAPS.has(key) && sides.every(isMap)) {
      // The sides were just seen to be maps or absent.
      const inner = mergeMap(values as Three<Plain>, `${key}.`, prefer, report);
      setOwn(result, key, Object.keys(inner).length > 0 ? inner : undefined);
    } else setOwn(result, key, mergeValue(key, values, prefer, report));
  }
  return result;
}
