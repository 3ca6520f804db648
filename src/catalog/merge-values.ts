/**
 * The comparison form of specs: what counts as the same content. Source positions are no content, and an empty list or map
 * says what an absent one says.
 */
import type { Criterion, DeclaredLink, Json, Spec } from '../model/index.js';
import { canonicalJson } from '../util/hash.js';

export type Plain = { readonly [key: string]: Json };

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  (Array.isArray(value)
    ? value.length === 0
    : typeof value === 'object' && value !== null && Object.keys(value).length === 0);

/** The value without `position` and without empty lists and maps at its top level. */
function plain(value: object, drop: readonly string[] = []): Plain {
  const result: Record<string, Json> = {};
  for (const [key, item] of Object.entries(value) as [string, Json][]) {
    if (key === 'position' || drop.includes(key) || isEmpty(item)) continue;
    Object.defineProperty(result, key, { value: item, enumerable: true, configurable: true, writable: true });
  }
  return result;
}

export const plainLink = (link: DeclaredLink): Plain => plain(link);

export function plainCriterion(criterion: Criterion): Plain {
  const { verified_by: verifiedBy, implemented_by: implementedBy, ...rest } = criterion;
  return {
    ...plain(rest),
    ...(isEmpty(verifiedBy) ? {} : { verified_by: (verifiedBy ?? []).map(plainLink) }),
    ...(isEmpty(implementedBy) ? {} : { implemented_by: (implementedBy ?? []).map((link) => plain(link)) }),
  };
}

/** A spec as plain JSON in comparison form. Two specs say the same exactly when their forms are equal. */
export function plainSpec(spec: Spec): Plain {
  const { criteria, ...rest } = spec;
  return { ...plain(rest), ...(isEmpty(criteria) ? {} : { criteria: (criteria ?? []).map(plainCriterion) }) };
}

export const sameJson = (left: unknown, right: unknown): boolean =>
  left === right || canonicalJson(left) === canonicalJson(right);
export const sameSpec = (left: Spec, right: Spec): boolean =>
  left === right || sameJson(plainSpec(left), plainSpec(right));
