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

export { mergeValue, type Report, type Side, type Three } from './merge-three.js';

const LISTS: ReadonlyMap<string, Identities> = new Map([
  ['depends_on', valueIdentity],
  ['constrained_by', valueIdentity],
  ['concerns', valueIdentity],
  ['verified_by', linkIdentities],
  ['implemented_by', linkIdentities],
]);

/** Field by field; lists by the identity of their items, `extra` key by key. */
export function mergeRecord(three: Three<Plain>, prefer: Side | undefined, report: Report): Plain {
  const result: Record<string, Json> = {};
  for (const key of keysOf(three)) {
    const values = valuesAt(three, key);
    const sides = [values.base, values.ours, values.theirs].filter((side) => side !== undefined);
    const identities = LISTS.get(key);
    if (identities !== undefined && sides.every((side) => Array.isArray(side)))
      setOwn(result, key, mergeList(key, values, identities, prefer, report));
    else if (key === 'extra' && sides.every(isMap)) {
      // The sides were just seen to be maps or absent.
      const inner = mergeMap(values as Three<Plain>, 'extra.', prefer, report);
      setOwn(result, key, Object.keys(inner).length > 0 ? inner : undefined);
    } else setOwn(result, key, mergeValue(key, values, prefer, report));
  }
  return result;
}
