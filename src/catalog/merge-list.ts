/** Three-way merge of lists whose items have an identity: ids of other specs, concerns, links. */
import type { Json } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import { mergeOrder } from './merge-order.js';
import { isMap, mergeMap, mergeValue, type Report, type Side, type Three } from './merge-three.js';
import { sameJson, type Plain } from './merge-values.js';

type Items = readonly Json[];

/** Gives each item of the three lists a name; equal names are the same item. Names are unique within a list. */
export type Identities = (three: Three<Items>) => Three<readonly string[]>;

/** Makes names unique within one list by counting repetitions. */
function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}\u0000${count}`;
  });
}

const each = <From, To>(three: Three<From>, change: (value: From) => To): Three<To> => ({
  base: three.base === undefined ? undefined : change(three.base),
  ours: three.ours === undefined ? undefined : change(three.ours),
  theirs: three.theirs === undefined ? undefined : change(three.theirs),
});

/** Plain values are their own names. */
export const valueIdentity = (three: Three<Items>): Three<readonly string[]> =>
  each(three, (items) => unique(items.map((item) => (typeof item === 'string' ? item : canonicalJson(item)))));

const text = (item: Json, key: string): string => {
  const value = typeof item === 'object' && item !== null && !Array.isArray(item) ? (item as Plain)[key] : undefined;
  return value === undefined ? '' : typeof value === 'string' ? value : canonicalJson(value);
};
const shortName = (item: Json): string =>
  text(item, 'id') === ''
    ? `${text(item, 'kind')} ${text(item, 'target')}${text(item, 'code')}`
    : `#${text(item, 'id')}`;
const longName = (item: Json): string =>
  [shortName(item), ...['runner', 'in', 'environment', 'features', 'env'].map((key) => text(item, key))].join('\u0001');

/** A link is named by its id, else by its target; by place, runner and environment too where one list has the target twice. */
export function linkIdentities(three: Three<Items>): Three<readonly string[]> {
  const repeated = new Set<string>();
  for (const items of [three.base, three.ours, three.theirs]) {
    const seen = new Set<string>();
    for (const item of items ?? []) {
      const name = shortName(item);
      if (seen.has(name)) repeated.add(name);
      seen.add(name);
    }
  }
  return each(three, (items) =>
    unique(items.map((item) => (repeated.has(shortName(item)) ? longName(item) : shortName(item)))),
  );
}

/** Merges a list field. Undefined when nothing is left of it. */
export function mergeList(
  field: string,
  values: Three<Json>,
  identities: Identities,
  prefer: Side | undefined,
  report: Report,
): Json | undefined {
  const lists = each(values, (value) => (Array.isArray(value) ? (value as Items) : []));
  const names = identities(lists);
  const maps = {
    base: index(lists.base, names.base),
    ours: index(lists.ours, names.ours),
    theirs: index(lists.theirs, names.theirs),
  };
  const kept = new Map<string, Json>();
  for (const name of [...new Set([...maps.base.keys(), ...maps.ours.keys(), ...maps.theirs.keys()])].toSorted()) {
    const item = mergeItem(
      `${field}[${name.replaceAll(/[\u0000\u0001]+/g, ' ').trim()}]`,
      { base: maps.base.get(name), ours: maps.ours.get(name), theirs: maps.theirs.get(name) },
      prefer,
      report,
    );
    if (item !== undefined) kept.set(name, item);
  }
  const order = mergeOrder(names.base ?? [], names.ours ?? [], names.theirs ?? [], new Set(kept.keys()));
  return order.length === 0 ? undefined : order.flatMap((name) => kept.get(name) ?? []);
}

const index = (items: Items | undefined, names: readonly string[] | undefined): Map<string, Json> =>
  new Map((items ?? []).map((item, at) => [names?.[at] ?? '', item]));

function mergeItem(field: string, three: Three<Json>, prefer: Side | undefined, report: Report): Json | undefined {
  const { base, ours, theirs } = three;
  if (ours === undefined || theirs === undefined) {
    const left = ours ?? theirs;
    if (base === undefined || left === undefined) return left;
    if (sameJson(base, left)) return undefined;
    if (prefer !== undefined) return prefer === 'ours' ? ours : theirs;
    report(field, three);
    return left;
  }
  if (isMap(ours) && isMap(theirs) && (base === undefined || isMap(base)))
    return mergeMap({ base, ours, theirs }, `${field}.`, prefer, report);
  return mergeValue(field, three, prefer, report);
}
