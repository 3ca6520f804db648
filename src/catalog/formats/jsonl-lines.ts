/**
 * JSON Lines of the six record types of coherence-bootstrap: text → checked records, and back. A record keeps every field
 * that its line had; what is checked is what we read.
 */
import { CONCERNS, LEVELS, REVIEWS, RISKS, STATUSES, type Failure, type Json } from '../../model/index.js';
import { nearest } from '../../util/text.js';
import { MAX_ID } from '../ids.js';
import { LIMITS } from '../limits.js';
import { quoted, shapes, textTrouble, type JsonMap, type TextShape } from '../../yaml/index.js';

/** In the order in which they are written. */
export const RECORD_TYPES = [
  'spec',
  'acceptance_criterion',
  'spec_relation',
  'acceptance_criterion_concern',
  'codeintel_code_location',
  'codeintel_ac_link',
] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

export interface LineRecord {
  readonly type: RecordType;
  readonly line: number;
  /** The whole object, `type` included. */
  readonly fields: JsonMap;
}

interface Field {
  readonly required: boolean;
  readonly values?: readonly string[];
  readonly shape: TextShape;
}

// The constructor gives any kind of shape by its type; this one is always a text.
const text = (max: number, empty: boolean): TextShape => shapes.text(max, { empty }) as TextShape;
const id: Field = { required: true, shape: text(MAX_ID, false) };
const title: Field = { required: true, shape: text(LIMITS.title, false) };
const prose: Field = { required: false, shape: text(LIMITS.text, true) };
const oneOf = (values: readonly string[], required: boolean): Field => ({ required, values, shape: text(64, false) });
const stamps = { created_at: prose, updated_at: prose };

export const FIELDS: Readonly<Record<RecordType, Readonly<Record<string, Field>>>> = {
  spec: {
    id,
    title,
    level: oneOf(LEVELS, true),
    status: oneOf(STATUSES, true),
    slug: prose,
    description: prose,
    ...stamps,
  },
  acceptance_criterion: {
    id,
    title,
    spec_id: id,
    slug: prose,
    intent: prose,
    review_mode: oneOf(REVIEWS, false),
    risk_level: oneOf(RISKS, false),
    ...stamps,
  },
  spec_relation: { id, relation_kind: id, source_spec_id: id, target_spec_id: id, ...stamps },
  acceptance_criterion_concern: { ac_id: id, concern_kind: oneOf(CONCERNS, true) },
  codeintel_code_location: {
    id,
    kind: id,
    file_path: prose,
    repo_path: prose,
    symbol: prose,
    test_command: prose,
    ...stamps,
  },
  codeintel_ac_link: { id, ac_id: id, code_location_id: id, relation_kind: id, note: prose, ...stamps },
};

const FIELD_LISTS: ReadonlyMap<RecordType, readonly (readonly [string, Field])[]> = new Map(
  RECORD_TYPES.map((type) => [type, Object.entries(FIELDS[type])]),
);

/** What tells records of a type apart, and what they are sorted by. */
export const keyOf = (record: { readonly type: RecordType; readonly fields: JsonMap }): string =>
  record.type === 'acceptance_criterion_concern'
    ? `${textOf(record.fields, 'ac_id')}\n${textOf(record.fields, 'concern_kind')}`
    : textOf(record.fields, 'id');

export const textOf = (fields: JsonMap, name: string): string => {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' ? value : '';
};

export const isJsonMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A failure at a field of a line: `column` is where the field's name stands. */
export const lineFailure = (
  file: string,
  line: number,
  source: string,
  field: string | null,
  message: string,
  hint: string,
): Failure => ({
  kind: 'invalid-spec',
  file,
  line,
  column: field === null ? 1 : Math.max(0, source.indexOf(JSON.stringify(field))) + 1,
  message: `Line ${line}${field === null ? '' : `, field ${field}`}: ${message}`,
  hint,
});

export interface Lines {
  readonly records: readonly LineRecord[];
  readonly failures: readonly Failure[];
  /** A failure at a record's field. */
  at(record: LineRecord, field: string, message: string, hint: string): Failure;
}

const MAX_FAILURES = 100;

/** Reads all lines. Blank lines count but say nothing. Failures, all at once: broken JSON, unknown types, fields that are missing or wrong, records that stand twice. */
export function readLines(content: string, file: string): Lines {
  const sources = content.replace(/^\ufeff/, '').split('\n');
  const records: LineRecord[] = [];
  const failures: Failure[] = [];
  const seen = new Map<string, number>();
  for (const [index, source] of sources.entries()) {
    if (failures.length >= MAX_FAILURES) break;
    const line = index + 1;
    if (source.trim() === '') continue;
    const refuse = (field: string | null, message: string, hint: string): void =>
      void failures.push(lineFailure(file, line, source, field, message, hint));
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch (error) {
      refuse(
        null,
        `the line is not JSON (${error instanceof Error ? quoted(error.message).slice(1, -1) : 'unreadable'}).`,
        'Write one JSON object a line.',
      );
      continue;
    }
    if (!isJsonMap(value)) {
      refuse(null, 'the line is not a JSON object.', 'Write one JSON object a line.');
      continue;
    }
    const name = textOf(value, 'type');
    const type = RECORD_TYPES.find((known) => known === name);
    if (type === undefined) {
      const near = nearest(name, RECORD_TYPES);
      refuse(
        'type',
        name === '' ? 'the record has no type.' : `the type ${quoted(name)} is unknown.`,
        near === null ? `Write one of ${RECORD_TYPES.join(', ')}.` : `Did you mean "${near}"?`,
      );
      continue;
    }
    const record: LineRecord = { type, line, fields: value };
    if (!checkFields(record, refuse)) continue;
    const key = `${type}\n${keyOf(record)}`;
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, line);
    else
      refuse(
        type === 'acceptance_criterion_concern' ? 'concern_kind' : 'id',
        `line ${earlier} holds the same record.`,
        'Remove one of the two lines.',
      );
    records.push(record);
  }
  return {
    records,
    failures,
    at: (record, field, message, hint) =>
      lineFailure(file, record.line, sources[record.line - 1] ?? '', field, message, hint),
  };
}

function checkFields(record: LineRecord, refuse: (field: string, message: string, hint: string) => void): boolean {
  let good = true;
  const wrong = (field: string, message: string, hint: string): void => {
    refuse(field, message, hint);
    good = false;
  };
  for (const [name, field] of FIELD_LISTS.get(record.type) ?? []) {
    const value = Object.hasOwn(record.fields, name) ? record.fields[name] : undefined;
    if (value === undefined || (value === null && !field.required)) {
      if (field.required) wrong(name, `the ${record.type} has no ${name}.`, `Add the field ${name}.`);
    } else if (typeof value !== 'string') wrong(name, `${name} must be a text.`, 'Put it in double quotes.');
    else if (field.values !== undefined && !field.values.includes(value)) {
      const near = nearest(value, field.values);
      wrong(
        name,
        `${quoted(value)} is not one of ${field.values.join(', ')}.`,
        near === null ? `Write one of ${field.values.join(', ')}.` : `Did you mean "${near}"?`,
      );
    } else {
      const trouble = textTrouble(field.shape, value);
      if (trouble !== null) wrong(name, trouble.message, trouble.hint);
    }
  }
  return good;
}

/** Records as text: by type, then by key in code point order; keys sorted, no white space, LF. */
export function writeLines(records: readonly { readonly type: RecordType; readonly fields: JsonMap }[]): string {
  const rank = new Map<string, number>(RECORD_TYPES.map((type, index) => [type, index]));
  const keyed = records.map((record) => ({ record, rank: rank.get(record.type) ?? 0, key: keyOf(record) }));
  keyed.sort((left, right) => left.rank - right.rank || codePointOrder(left.key, right.key));
  return keyed.map(({ record }) => `${line(record.fields)}\n`).join('');
}

/** The order of the texts' UTF-8 bytes, which is that of their code points: surrogates stand above all other code units. */
function codePointOrder(left: string, right: string): number {
  const rank = (unit: number): number => (unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000);
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at += 1) {
    const [one, other] = [left.charCodeAt(at), right.charCodeAt(at)];
    if (one !== other) return rank(one) - rank(other);
  }
  return left.length - right.length;
}

/** JSON with sorted keys. */
function line(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  // Array.isArray narrows readonly arrays to any[]; the items are Json.
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(line).join(',')}]`;
  return `{${Object.entries(value)
    .sort(([left], [right]) => codePointOrder(left, right))
    .map(([key, item]) => `${JSON.stringify(key)}:${line(item)}`)
    .join(',')}}`;
}

/** What a record has beyond (or other than) the one that we would write: enough to give it back later. */
export interface Difference {
  readonly fields?: JsonMap;
  readonly absent?: readonly string[];
}

export function difference(record: JsonMap, generated: JsonMap): Difference {
  const fields = Object.entries(record).filter(
    ([key, value]) =>
      !Object.hasOwn(generated, key) || (generated[key] !== value && line(generated[key] ?? null) !== line(value)),
  );
  const absent = Object.keys(generated).filter((key) => !Object.hasOwn(record, key));
  return {
    ...(fields.length === 0 ? {} : { fields: Object.fromEntries(fields) }),
    ...(absent.length === 0 ? {} : { absent }),
  };
}

/** The generated record with what `difference` kept. A field that was null gives way to what the model says now; an absent one stays away while it is empty. */
export function restored(generated: JsonMap, kept: Difference): JsonMap {
  const entries = Object.entries({ ...generated, ...kept.fields }).map(([key, value]) =>
    value === null && isSaid(generated[key]) ? ([key, generated[key] ?? null] as const) : ([key, value] as const),
  );
  return Object.fromEntries(entries.filter(([key, value]) => kept.absent?.includes(key) !== true || isSaid(value)));
}

/** True for a value that is not the one we write where the model says nothing. */
const isSaid = (value: Json | undefined): boolean =>
  value !== undefined && value !== null && value !== '' && value !== 'automated' && value !== 'medium';
