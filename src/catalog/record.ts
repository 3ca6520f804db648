/** Between the model and the plain records that files hold. Both directions lose nothing but positions and written order. */
import type { Criterion, DeclaredLink, ImplementationLink, Json, LinkKind, Spec } from '../model/index.js';
import {
  CRITERION_KEYS,
  LINK_KEYS,
  SPEC_KEYS,
  type RawCriterion,
  type RawImplementation,
  type RawLink,
  type RawSpec,
} from './spec-shape.js';
import type { JsonMap } from '../yaml/index.js';

export function toSpec(raw: RawSpec): Spec {
  const { criteria, ...rest } = raw;
  return criteria === undefined ? rest : { ...rest, criteria: criteria.map(toCriterion) };
}

function toCriterion(raw: RawCriterion): Criterion {
  const { verified_by: links, implemented_by: code, ...rest } = raw;
  return {
    ...rest,
    ...(links === undefined ? {} : { verified_by: links.map(toLink) }),
    ...(code === undefined ? {} : { implemented_by: code.map(toImplementation) }),
  };
}

/** In a file the key is `kind`, which the model has a word of its own for: a link's kind there is test, run or manual. */
const toImplementation = ({ kind: proves, ...rest }: RawImplementation): ImplementationLink =>
  proves === undefined ? rest : { ...rest, proves };

function toLink(raw: RawLink): DeclaredLink {
  const { test, run, manual, env, kind: proves, ...others } = raw;
  const rest = proves === undefined ? others : { ...others, proves };
  const [kind, target]: [LinkKind, string] =
    test !== undefined ? ['test', test] : run !== undefined ? ['run', run] : ['manual', manual ?? ''];
  if (env === undefined) return { kind, target, ...rest };
  // A list of names is the mapping of those names to null.
  return { kind, target, ...rest, env: isNames(env) ? Object.fromEntries(env.map((name) => [name, null])) : env };
}

const isNames = (env: NonNullable<RawLink['env']>): env is readonly string[] => Array.isArray(env);

/** The record of a spec as a file holds it: keys in canonical order, no positions. */
export const specRecord = (spec: Spec): JsonMap =>
  ordered(
    { ...spec, ...(spec.criteria === undefined ? {} : { criteria: spec.criteria.map(criterionRecord) }) },
    SPEC_KEYS,
  );

export const criterionRecord = (criterion: Criterion): JsonMap =>
  ordered(
    {
      ...criterion,
      ...(criterion.verified_by === undefined ? {} : { verified_by: criterion.verified_by.map(linkRecord) }),
      ...(criterion.implemented_by === undefined
        ? {}
        : { implemented_by: criterion.implemented_by.map(implementationRecord) }),
    },
    CRITERION_KEYS,
  );

export function linkRecord(link: DeclaredLink): JsonMap {
  const { kind, target, env, proves, ...others } = link;
  const rest = proves === undefined ? others : { ...others, kind: proves };
  const names = env === undefined ? [] : Object.keys(env).sort();
  const written = env === undefined ? {} : { env: names.every((name) => env[name] === null) ? names : sorted(env) };
  return ordered({ [kind]: target, ...rest, ...written }, LINK_KEYS);
}

const implementationRecord = (link: ImplementationLink): Json =>
  link.note === undefined && link.proves === undefined
    ? link.code
    : {
        code: link.code,
        ...(link.note === undefined ? {} : { note: link.note }),
        ...(link.proves === undefined ? {} : { kind: link.proves }),
      };

/** Mappings whose keys have no order of their own. */
const SORTED_KEYS: ReadonlySet<string> = new Set(['extra', 'expect', 'attributes', 'attributes_schema']);

/** Known keys in their order, values that are plain JSON; `extra` and `expect` with sorted keys. */
function ordered(source: Readonly<Record<string, unknown>>, keys: readonly string[]): JsonMap {
  const entries: [string, Json][] = [];
  for (const key of keys) {
    const value = source[key];
    // All values of a spec but its positions are JSON, and `position` is none of the keys.
    if (value !== undefined) entries.push([key, SORTED_KEYS.has(key) ? sorted(value as Json) : (value as Json)]);
  }
  return Object.fromEntries(entries);
}

/** The same value with the keys of every mapping sorted, so that equal values give equal text. */
export function sorted(value: Json): Json {
  if (isList(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);

/** The same spec without the positions of a file. */
export const withoutPositions = (spec: Spec): Spec => {
  const strip = <T extends { readonly position?: unknown }>({ position: _position, ...rest }: T): Omit<T, 'position'> =>
    rest;
  return {
    ...strip(spec),
    ...(spec.criteria === undefined
      ? {}
      : {
          criteria: spec.criteria.map((criterion) => ({
            ...strip(criterion),
            ...(criterion.verified_by === undefined ? {} : { verified_by: criterion.verified_by.map(strip) }),
            ...(criterion.implemented_by === undefined ? {} : { implemented_by: criterion.implemented_by.map(strip) }),
          })),
        }),
  };
};
