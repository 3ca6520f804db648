import { reviewOf, riskOf, type Catalog, type Criterion, type Json, type Spec } from '../../model/index.js';
import { canonicalJson, hashFields } from '../../util/hash.js';
import { criterionRecord, specRecord } from '../record.js';
import { CRITERION_KEYS, SPEC_KEYS } from '../spec-shape.js';
import type { JsonMap } from '../../yaml/index.js';
import { generatedPair, meaningKey, meaningsOf, noteOf, ownPart, storedPairs } from './jsonl-links.js';
import { isJsonMap, restored, textOf, writeLines, type Difference, type RecordType } from './jsonl-lines.js';

/** Key below `extra` for what an import of this format brought. */
export const KEPT = 'jsonl';
export const DEPENDENCIES = ['depends_on', 'constrained_by'] as const;

/** What the record types have words or records of their own for. */
const SHARED: Readonly<Record<'spec' | 'criterion', readonly string[]>> = {
  spec: ['id', 'title', 'level', 'status', 'slug', 'description', 'depends_on', 'constrained_by', 'criteria'],
  criterion: ['id', 'title', 'slug', 'intent', 'review', 'risk', 'concerns', 'verified_by', 'implemented_by'],
};
/** All other fields stand in the field `coherence`. */
export const OWN_FIELDS: Readonly<Record<'spec' | 'criterion', readonly string[]>> = {
  spec: SPEC_KEYS.filter((key) => !SHARED.spec.includes(key)),
  criterion: CRITERION_KEYS.filter((key) => !SHARED.criterion.includes(key)),
};

interface OutRecord {
  readonly type: RecordType;
  readonly fields: JsonMap;
}

/**
 * A catalog as JSON Lines of the six record types: keys and lines sorted, LF. What was imported in this format comes back
 * record by record; what these records have no word for stands in a field `coherence`, so that nothing is lost.
 */
export function writeJsonl(catalog: Catalog): string {
  const records: OutRecord[] = [];
  const locations = new Map<string, JsonMap>();
  for (const spec of catalog.specs) {
    records.push({ type: 'spec', fields: restored(generatedSpec(spec), keptOf(spec)) });
    for (const relation of relationsOf(spec)) records.push({ type: 'spec_relation', fields: relation });
    for (const location of listOf(keptOf(spec)['locations'])) locations.set(textOf(location, 'id'), location);
    for (const criterion of spec.criteria ?? []) records.push(...criterionRecords(spec.id, criterion, locations));
  }
  for (const location of locations.values())
    records.push({ type: 'codeintel_code_location', fields: { ...location, type: 'codeintel_code_location' } });
  return writeLines(records);
}

export const keptOf = (owner: { readonly extra?: Readonly<Record<string, Json>> }): Difference & JsonMap => {
  const kept = owner.extra !== undefined && Object.hasOwn(owner.extra, KEPT) ? owner.extra[KEPT] : undefined;
  // The fields of a Difference are read with care: `restored` copes with any JSON in them.
  return (isJsonMap(kept) ? checkedKept(kept) : {}) as Difference & JsonMap;
};

/** Kept parts of the right form; what somebody broke by hand counts as not there. */
function checkedKept(kept: JsonMap): JsonMap {
  const { fields, absent, ...rest } = kept;
  return { ...rest, ...(isJsonMap(fields) ? { fields } : {}), ...(Array.isArray(absent) ? { absent } : {}) };
}

// Array.isArray narrows to any[]; only mappings are taken.
export const listOf = (value: Json | undefined): readonly JsonMap[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonMap) : [];

/** The record that we would write for a spec without knowing of an import. */
export function generatedSpec(spec: Spec): JsonMap {
  const own = ownFields(specRecord(spec), OWN_FIELDS.spec);
  return {
    type: 'spec',
    id: spec.id,
    title: spec.title,
    level: spec.level,
    status: spec.status,
    slug: spec.slug ?? '',
    description: spec.description ?? '',
    created_at: '',
    updated_at: '',
    ...own,
  };
}

export function generatedCriterion(specId: string, criterion: Criterion): JsonMap {
  const own = ownFields(criterionRecord(criterion), OWN_FIELDS.criterion);
  return {
    type: 'acceptance_criterion',
    id: criterion.id,
    spec_id: specId,
    title: criterion.title,
    slug: criterion.slug ?? '',
    intent: criterion.intent ?? '',
    review_mode: reviewOf(criterion),
    risk_level: riskOf(criterion),
    created_at: '',
    updated_at: '',
    ...own,
  };
}

/** Fields that these record types have no word for, as `coherence`. */
function ownFields(record: JsonMap, names: readonly string[]): JsonMap {
  const own: Record<string, Json> = {};
  for (const name of names) {
    const value = record[name];
    if (value === undefined) continue;
    if (name !== 'extra' || !isJsonMap(value)) own[name] = value;
    else {
      const { [KEPT]: _kept, ...others } = value;
      if (Object.keys(others).length > 0) own['extra'] = others;
    }
  }
  return Object.keys(own).length === 0 ? {} : { coherence: own };
}

export const generatedRelation = (source: string, kind: string, target: string): JsonMap => ({
  type: 'spec_relation',
  id: `rel-${hashFields(['coherence', source, kind, target])}`,
  relation_kind: kind,
  source_spec_id: source,
  target_spec_id: target,
  created_at: '',
  updated_at: '',
});

/** Relations that the model has a list for follow that list; all others are given back as they came. */
function relationsOf(spec: Spec): JsonMap[] {
  const kept = listOf(keptOf(spec)['relations']).map((relation): JsonMap => ({
    ...relation,
    type: 'spec_relation',
    source_spec_id: spec.id,
  }));
  const result = kept.filter((relation) => !DEPENDENCIES.some((kind) => kind === relation['relation_kind']));
  for (const kind of DEPENDENCIES) {
    for (const target of new Set(spec[kind] ?? [])) {
      const known = kept.filter(
        (relation) => relation['relation_kind'] === kind && relation['target_spec_id'] === target,
      );
      result.push(...(known.length > 0 ? known : [generatedRelation(spec.id, kind, target)]));
    }
  }
  return result;
}

function criterionRecords(specId: string, criterion: Criterion, locations: Map<string, JsonMap>): OutRecord[] {
  const kept = keptOf(criterion);
  const records: OutRecord[] = [
    { type: 'acceptance_criterion', fields: restored(generatedCriterion(specId, criterion), kept) },
  ];
  const concerns = isJsonMap(kept['concerns']) ? kept['concerns'] : {};
  for (const concern of new Set(criterion.concerns ?? [])) {
    const more = concerns[concern];
    records.push({
      type: 'acceptance_criterion_concern',
      fields: {
        ...(isJsonMap(more) ? more : {}),
        type: 'acceptance_criterion_concern',
        ac_id: criterion.id,
        concern_kind: concern,
      },
    });
  }
  const pairs = storedPairs(kept['links']);
  const add = (link: JsonMap, location: JsonMap): void => {
    const id = textOf(location, 'id');
    if (!locations.has(id)) locations.set(id, location);
    records.push({
      type: 'codeintel_ac_link',
      fields: { ...link, type: 'codeintel_ac_link', ac_id: criterion.id, code_location_id: id },
    });
  };
  for (const pair of pairs) if (pair.as === null) add(pair.link, pair.location);
  for (const meaning of meaningsOf(criterion)) {
    const key = canonicalJson(meaningKey(meaning));
    const known = pairs.filter((pair) => pair.as !== null && canonicalJson(pair.as) === key);
    if (known.length === 0) {
      const { link, location } = generatedPair(criterion.id, meaning);
      add(link, location);
    }
    for (const pair of known) {
      const { coherence: before, ...link } = pair.link;
      const own = 'verifies' in meaning ? ownPart(meaning.verifies, before === undefined ? 'any' : 'run') : null;
      const note = noteOf(meaning);
      const noted = note === textOf(link, 'note') ? {} : { note };
      add({ ...link, ...noted, ...(own === null ? {} : { coherence: own }) }, pair.location);
    }
  }
  return records;
}
