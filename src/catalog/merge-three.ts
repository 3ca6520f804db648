/** The three sides of a merge, and the merge of one value or one flat map. */
import type { Json } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import { sameJson, type Plain } from './merge-values.js';

export type Side = 'ours' | 'theirs';

/** A value as each side has it; undefined where it is absent. */
export interface Three<T> {
  readonly base: T | undefined;
  readonly ours: T | undefined;
  readonly theirs: T | undefined;
}

/** Takes the conflicts below one spec or criterion. */
export type Report = (field: string, values: Three<Json>) => void;

/** The merge of one value; with a preference a conflict is decided, not reported. */
export function mergeValue(
  field: string,
  { base, ours, theirs }: Three<Json>,
  prefer: Side | undefined,
  report: Report,
): Json | undefined {
  if (sameJson(ours, theirs) || sameJson(base, theirs)) return ours;
  if (sameJson(base, ours)) return theirs;
  if (prefer !== undefined) return prefer === 'ours' ? ours : theirs;
  report(field, { base, ours, theirs });
  if (base !== undefined) return base;
  return canonicalJson(ours) < canonicalJson(theirs) ? ours : theirs;
}

export const isMap = (value: Json | undefined): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sorted, so that neither the result nor the order of conflicts depends on a side's key order. */
export const keysOf = (three: Three<Plain>): string[] =>
  [...new Set([three.base, three.ours, three.theirs].flatMap((side) => Object.keys(side ?? {})))].toSorted();

const own = (value: Plain | undefined, key: string): Json | undefined =>
  value !== undefined && Object.hasOwn(value, key) ? value[key] : undefined;
export const valuesAt = (three: Three<Plain>, key: string): Three<Json> => ({
  base: own(three.base, key),
  ours: own(three.ours, key),
  theirs: own(three.theirs, key),
});

/** Sets a key as data: `__proto__` is a key like any other. */
export function setOwn(target: Record<string, Json>, key: string, value: Json | undefined): void {
  if (value !== undefined)
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Merges maps key by key; a value is atomic. `prefix` stands before the key in a conflict's field. */
export function mergeMap(three: Three<Plain>, prefix: string, prefer: Side | undefined, report: Report): Plain {
  const result: Record<string, Json> = {};
  for (const key of keysOf(three))
    setOwn(result, key, mergeValue(`${prefix}${key}`, valuesAt(three, key), prefer, report));
  return result;
}
