import {
  danglingRelations,
  reviewOf,
  riskOf,
  type Catalog,
  type Criterion,
  type DeclaredLink,
  type Failure,
  type Json,
  type Spec,
} from '../model/index.js';
import { canonicalJson } from '../util/hash.js';
import { foldId } from './ids.js';
import { KEPT } from './formats/index.js';
import { criterionRecord, specRecord, withoutPositions } from './record.js';
import { quoted, type JsonMap } from '../yaml/index.js';

export interface ImportChange {
  readonly kind: 'spec' | 'criterion';
  readonly id: string;
}

export interface ImportPlan {
  readonly created: readonly ImportChange[];
  readonly changed: readonly ImportChange[];
  readonly removed: readonly ImportChange[];
  readonly unchanged: readonly ImportChange[];
  /** The catalog after the import. Specs that do not change are the very objects of `current`. */
  readonly next: Catalog;
  /** Ids that differ only in case from those of the project, relations to no spec: the import is refused as a whole. */
  readonly failures: readonly Failure[];
}

/**
 * What an import would do, without doing it. What the import does not mention stays: specs, criteria, fields, links. With
 * `prune` the imported specs and criteria are all there is. Importing the result again changes nothing.
 */
export function planImport(current: Catalog, imported: Catalog, options: { readonly prune: boolean }): ImportPlan {
  const before = new Map(current.specs.map((spec) => [spec.id, spec]));
  const homes = new Map(
    current.specs.flatMap((spec) => (spec.criteria ?? []).map((criterion) => [criterion.id, spec.id] as const)),
  );
  const importedIds = new Set(imported.specs.map((spec) => spec.id));
  const importedCriteria = new Map(
    imported.specs.flatMap((spec) => (spec.criteria ?? []).map((criterion) => [criterion.id, spec.id] as const)),
  );
  const result = {
    created: [] as ImportChange[],
    changed: [] as ImportChange[],
    removed: [] as ImportChange[],
    unchanged: [] as ImportChange[],
  };
  const next: Spec[] = [];
  for (const spec of imported.specs) {
    const old = before.get(spec.id);
    const merged =
      old === undefined
        ? withoutPositions(spec)
        : overlaySpec(old, withoutPositions(spec), options.prune, (id) => importedCriteria.get(id) ?? old.id);
    const { criteria: _new, ...own } = merged;
    const { criteria: _old, ...ownBefore } = old ?? merged;
    note(result, 'spec', spec.id, old !== undefined, old !== undefined && sameSpec(ownBefore, own));
    for (const criterion of merged.criteria ?? []) {
      if (importedCriteria.get(criterion.id) !== spec.id) continue;
      const twin = before
        .get(homes.get(criterion.id) ?? '')
        ?.criteria?.find((candidate) => candidate.id === criterion.id);
      note(
        result,
        'criterion',
        criterion.id,
        twin !== undefined,
        twin !== undefined && homes.get(criterion.id) === spec.id && sameCriterion(twin, criterion),
      );
    }
    next.push(old !== undefined && sameSpec(old, merged) ? old : merged);
  }
  for (const spec of current.specs) {
    if (importedIds.has(spec.id)) continue;
    if (options.prune) result.removed.push({ kind: 'spec', id: spec.id });
    else next.push(withoutMoved(spec, importedCriteria));
  }
  if (options.prune)
    for (const id of homes.keys()) if (!importedCriteria.has(id)) result.removed.push({ kind: 'criterion', id });
  next.sort((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
  return { ...result, next: { specs: next }, failures: [...clashes(next), ...dangling(imported, next)] };
}

function note(
  result: Record<'created' | 'changed' | 'unchanged', ImportChange[]>,
  kind: ImportChange['kind'],
  id: string,
  existed: boolean,
  same: boolean,
): void {
  result[existed ? (same ? 'unchanged' : 'changed') : 'created'].push({ kind, id });
}

/** A criterion that the import puts elsewhere leaves its old spec. */
function withoutMoved(spec: Spec, homes: ReadonlyMap<string, string>): Spec {
  const criteria = (spec.criteria ?? []).filter((criterion) => (homes.get(criterion.id) ?? spec.id) === spec.id);
  return criteria.length === (spec.criteria ?? []).length ? spec : { ...spec, criteria };
}

function overlaySpec(old: Spec, imported: Spec, prune: boolean, homeOf: (id: string) => string): Spec {
  const incoming = new Map((imported.criteria ?? []).map((criterion) => [criterion.id, criterion]));
  const staying = (old.criteria ?? []).filter((criterion) =>
    prune ? incoming.has(criterion.id) : homeOf(criterion.id) === old.id,
  );
  const known = new Set(staying.map((criterion) => criterion.id));
  const criteria = [
    ...staying.map((criterion) => {
      const twin = incoming.get(criterion.id);
      return twin === undefined ? criterion : overlayCriterion(criterion, twin, prune);
    }),
    ...(imported.criteria ?? []).filter((criterion) => !known.has(criterion.id)),
  ];
  const { criteria: _criteria, ...own } = imported;
  const base = prune
    ? own
    : { ...old, ...own, ...unions(old, own, ['depends_on', 'constrained_by']), ...mergedExtra(old, own) };
  const whole: Spec = { ...base, ...(criteria.length === 0 && old.criteria === undefined ? {} : { criteria }) };
  return sameSpec(old, whole) ? old : whole;
}

function overlayCriterion(old: Criterion, imported: Criterion, prune: boolean): Criterion {
  if (prune) return sameCriterion(old, imported) ? old : imported;
  const links = unionBy(old.verified_by, imported.verified_by, (link) => `${link.kind}\n${link.target}`, mergeLink);
  const code = unionBy(
    old.implemented_by,
    imported.implemented_by,
    (link) => link.code,
    (left, right) => ({ ...left, ...right }),
  );
  const { gap: _oldGap, ...ungapped } = { ...old, ...imported };
  // A gap may not stand beside links: what is linked is no gap.
  const gap = links === undefined ? (imported.gap ?? old.gap) : undefined;
  const whole: Criterion = {
    ...ungapped,
    ...(links === undefined ? {} : { verified_by: links }),
    ...(code === undefined ? {} : { implemented_by: code }),
    ...(gap === undefined ? {} : { gap }),
    ...unions(old, imported, ['concerns']),
    ...mergedExtra(old, imported),
  };
  return sameCriterion(old, whole) ? old : whole;
}

const mergeLink = (left: DeclaredLink, right: DeclaredLink): DeclaredLink => ({ ...left, ...right });

function unionBy<T>(
  old: readonly T[] | undefined,
  added: readonly T[] | undefined,
  key: (item: T) => string,
  merge: (left: T, right: T) => T,
): readonly T[] | undefined {
  if (old === undefined || added === undefined) return old ?? added;
  // Two links to one thing are told apart by their number.
  const keyed = (items: readonly T[]): Map<string, T> => {
    const result = new Map<string, T>();
    for (const item of items) {
      let number = 0;
      while (result.has(`${number}\n${key(item)}`)) number += 1;
      result.set(`${number}\n${key(item)}`, item);
    }
    return result;
  };
  const [there, incoming] = [keyed(old), keyed(added)];
  const merged = [...there].map(([name, item]) => {
    const twin = incoming.get(name);
    return twin === undefined ? item : merge(item, twin);
  });
  return [...merged, ...[...incoming].filter(([name]) => !there.has(name)).map(([, item]) => item)];
}

/** Lists of names: the old ones in their order, then the new ones. */
function unions<T extends object>(old: T, imported: T, names: readonly (keyof T)[]): Partial<T> {
  const result: Partial<T> = {};
  for (const name of names) {
    const [left, right] = [old[name], imported[name]];
    // All of these fields are lists of texts; the union is one too.
    if (Array.isArray(left) && Array.isArray(right)) result[name] = [...new Set([...left, ...right])] as T[keyof T];
  }
  return result;
}

interface WithExtra {
  readonly extra?: Readonly<Record<string, Json>>;
}

/** What the import says wins; only in its own kept records are lists united by id, so that no kept record is lost. */
function mergedExtra(old: WithExtra, imported: WithExtra): WithExtra {
  if (old.extra === undefined || imported.extra === undefined) return {};
  const [left, right] = [old.extra[KEPT], imported.extra[KEPT]];
  return {
    extra: {
      ...old.extra,
      ...imported.extra,
      ...(isMap(left) && isMap(right) ? { [KEPT]: mergeKept(left, right) } : {}),
    },
  };
}

function mergeKept(old: JsonMap, imported: JsonMap): JsonMap {
  const result = new Map(Object.entries({ ...old, ...imported }));
  for (const name of ['relations', 'locations', 'links']) {
    const [left, right] = [old[name], imported[name]];
    if (!isList(left) || !isList(right)) continue;
    const incoming = new Map(right.map((item) => [entryId(item), item]));
    const there = new Set(left.map(entryId));
    result.set(name, [
      ...left.map((item) => incoming.get(entryId(item)) ?? item),
      ...right.filter((item) => !there.has(entryId(item))),
    ]);
  }
  return Object.fromEntries(result);
}

const isMap = (value: Json | undefined): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);
/** What makes two kept entries the same: the id of the record, or of the link record in a pair. */
const entryId = (value: Json): string => {
  if (!isMap(value)) return canonicalJson(value);
  const link = value['link'];
  return canonicalJson((isMap(link) ? link['id'] : value['id']) ?? value);
};

const sameSpec = (left: Spec, right: Spec): boolean =>
  left === right || canonicalJson(comparableSpec(left)) === canonicalJson(comparableSpec(right));
const sameCriterion = (left: Criterion, right: Criterion): boolean =>
  left === right || canonicalJson(comparableCriterion(left)) === canonicalJson(comparableCriterion(right));

/** Content without what does not matter: order of lists that are sets, values that equal their default, empty texts and lists. */
function comparableSpec(spec: Spec): JsonMap {
  const record = specRecord(spec);
  const criteria = (spec.criteria ?? [])
    .map(comparableCriterion)
    .sort((left, right) => (canonicalJson(left) < canonicalJson(right) ? -1 : 1));
  return said({ ...record, ...sortedSets(record, ['depends_on', 'constrained_by']), criteria });
}

function comparableCriterion(criterion: Criterion): JsonMap {
  const record = criterionRecord(criterion);
  return said({
    ...record,
    ...sortedSets(record, ['concerns', 'verified_by', 'implemented_by']),
    review: reviewOf(criterion),
    risk: riskOf(criterion),
  });
}

function sortedSets(record: JsonMap, names: readonly string[]): JsonMap {
  const entries = names.flatMap((name): [string, Json][] => {
    const value = record[name];
    return isList(value)
      ? [[name, [...value].sort((left, right) => (canonicalJson(left) < canonicalJson(right) ? -1 : 1))]]
      : [];
  });
  return Object.fromEntries(entries);
}

const said = (record: JsonMap): JsonMap =>
  Object.fromEntries(
    Object.entries(record).filter(
      ([, value]) =>
        value !== '' && !(isList(value) && value.length === 0) && !(isMap(value) && Object.keys(value).length === 0),
    ),
  );

/** What the import itself says must lead somewhere; what dangled in the project before is the check's to say. */
const dangling = (imported: Catalog, next: readonly Spec[]): Failure[] =>
  danglingRelations(
    imported,
    next.map((spec) => spec.id),
  ).map(({ spec, field, target }) => ({
    kind: 'invalid-spec',
    ...spec.position,
    message: `${field} of ${quoted(spec.id)} names ${quoted(target)}, which is neither in the import nor in the project.`,
    hint: 'Import that spec, too, or correct the reference.',
  }));

function clashes(specs: readonly Spec[]): Failure[] {
  const seen = new Map<string, string>();
  const failures: Failure[] = [];
  for (const id of specs.flatMap((spec) => [spec.id, ...(spec.criteria ?? []).map((criterion) => criterion.id)])) {
    const other = seen.get(foldId(id));
    if (other !== undefined)
      failures.push({
        kind: 'invalid-spec',
        message: `The ids ${quoted(other)} and ${quoted(id)} differ only in case, or stand twice.`,
        hint: 'Give one of the two another id.',
      });
    seen.set(foldId(id), id);
  }
  return failures;
}
