import { isDeepStrictEqual } from 'node:util';
import {
  failure,
  success,
  type Catalog,
  type Concern,
  type Criterion,
  type Failure,
  type Json,
  type Result,
  type Review,
  type Risk,
  type Spec,
} from '../../model/index.js';
import { canonicalJson } from '../../util/hash.js';
import { foldId, idTrouble } from '../ids.js';
import { formatSpec } from '../format.js';
import { parseSpecText } from '../parse.js';
import { specRecord, toSpec, withoutPositions } from '../record.js';
import { specShape, type RawSpec } from '../spec-shape.js';
import { accepts, decodeUtf8, emitFlow, parseYaml, quoted, readShape, type JsonMap } from '../../yaml/index.js';
import { generatedPair, meaningKey, meaningOf, storedPair, type LinkPair } from './jsonl-links.js';
import {
  difference,
  isJsonMap,
  readLines,
  textOf,
  type LineRecord,
  type Lines,
  type RecordType,
} from './jsonl-lines.js';
import { DEPENDENCIES, generatedCriterion, generatedRelation, generatedSpec, KEPT, OWN_FIELDS } from './jsonl-write.js';
import type { ResolveTest } from './test-command.js';

/** What an import holds, and how many records of each type it came in. */
export interface ImportedCatalog {
  readonly catalog: Catalog;
  readonly counts: Readonly<Record<RecordType, number>>;
}

export interface ReadJsonlOptions {
  /** Finds the one test that a command of a known runner runs; without it commands stay commands. */
  readonly resolve?: ResolveTest;
  /** Specs that references may also point to. */
  readonly known?: Catalog;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface Building {
  readonly spec: Mutable<Spec>;
  readonly kept: Record<string, Json>;
  readonly criteria: Map<string, BuildingCriterion>;
  readonly record: LineRecord | null;
}
interface BuildingCriterion {
  readonly criterion: Mutable<Criterion>;
  readonly kept: Record<string, Json>;
  readonly record: LineRecord | null;
}

/**
 * Reads JSON Lines of the six record types, in any order of lines. Failures (`invalid-spec`, all at once, each with line
 * and field): bytes that are no UTF-8, broken JSON, unknown types, missing or bad fields, references to nothing, ids that stand twice. All or nothing.
 */
export function readJsonl(
  text: string | Uint8Array,
  file: string,
  options: ReadJsonlOptions = {},
): Result<ImportedCatalog> {
  const decoded = typeof text === 'string' ? success(text) : decodeUtf8(text, file);
  if (!decoded.ok) return decoded;
  const lines = readLines(decoded.value, file);
  if (lines.failures.length > 0) return failure(...lines.failures);
  const builder = new Builder(lines, options);
  for (const type of ['spec', 'acceptance_criterion', 'spec_relation', 'acceptance_criterion_concern'] as const)
    for (const record of builder.of(type)) builder.add(record);
  builder.addLinks();
  const specs = builder.finish(file);
  if (builder.failures.length > 0)
    return failure(...builder.failures.sort((left, right) => (left.line ?? 0) - (right.line ?? 0)));
  const count = (type: RecordType): number => builder.of(type).length;
  return success({
    catalog: { specs },
    counts: {
      spec: count('spec'),
      acceptance_criterion: count('acceptance_criterion'),
      spec_relation: count('spec_relation'),
      acceptance_criterion_concern: count('acceptance_criterion_concern'),
      codeintel_code_location: count('codeintel_code_location'),
      codeintel_ac_link: count('codeintel_ac_link'),
    },
  });
}

class Builder {
  readonly failures: Failure[] = [];
  private readonly specs = new Map<string, Building>();
  private readonly criteria = new Map<string, BuildingCriterion>();
  private readonly folded = new Map<string, string>();

  constructor(
    private readonly lines: Lines,
    private readonly options: ReadJsonlOptions,
  ) {}

  of(type: RecordType): readonly LineRecord[] {
    return this.lines.records.filter((record) => record.type === type);
  }

  private fail(record: LineRecord, field: string, message: string, hint: string): void {
    this.failures.push(this.lines.at(record, field, message, hint));
  }

  add(record: LineRecord): void {
    const { fields } = record;
    if (record.type === 'spec') {
      if (!this.claim(record)) return;
      const spec: Mutable<Spec> = {
        id: textOf(fields, 'id'),
        title: textOf(fields, 'title'),
        level: textOf(fields, 'level') as Spec['level'],
        status: textOf(fields, 'status') as Spec['status'],
      }; // the line reader checked both against their lists
      assignTexts(spec, fields, ['slug', 'description']);
      Object.assign(spec, this.own(record, 'spec'));
      const kept = { ...difference(fields, generatedSpec(spec)) } as Record<string, Json>; // a Difference holds JSON only
      this.specs.set(spec.id, { spec, kept, criteria: new Map(), record });
    } else if (record.type === 'acceptance_criterion') {
      const owner = this.spec(textOf(fields, 'spec_id'));
      if (owner === null)
        return this.fail(
          record,
          'spec_id',
          `there is no spec ${quoted(textOf(fields, 'spec_id'))}.`,
          'Add its record, or correct the reference.',
        );
      if (!this.claim(record)) return;
      const criterion: Mutable<Criterion> = { id: textOf(fields, 'id'), title: textOf(fields, 'title') };
      assignTexts(criterion, fields, ['slug', 'intent']);
      // The line reader checked both against their lists.
      if (textOf(fields, 'review_mode') !== '') criterion.review = textOf(fields, 'review_mode') as Review;
      if (textOf(fields, 'risk_level') !== '') criterion.risk = textOf(fields, 'risk_level') as Risk;
      Object.assign(criterion, this.own(record, 'criterion'));
      const kept = { ...difference(fields, generatedCriterion(owner.spec.id, criterion)) } as Record<string, Json>; // a Difference holds JSON only
      const built: BuildingCriterion = { criterion, kept, record };
      owner.criteria.set(criterion.id, built);
      this.criteria.set(criterion.id, built);
    } else if (record.type === 'spec_relation') this.addRelation(record);
    else this.addConcern(record);
  }

  private addRelation(record: LineRecord): void {
    const { fields } = record;
    const source = this.spec(textOf(fields, 'source_spec_id'));
    const target = this.spec(textOf(fields, 'target_spec_id'));
    for (const [field, found] of [
      ['source_spec_id', source],
      ['target_spec_id', target],
    ] as const) {
      if (found === null)
        this.fail(
          record,
          field,
          `there is no spec ${quoted(textOf(fields, field))}.`,
          'Add its record, or correct the reference.',
        );
    }
    if (source === null || target === null) return;
    const kind = DEPENDENCIES.find((known) => known === textOf(fields, 'relation_kind'));
    if (kind !== undefined) {
      source.spec[kind] = [...new Set([...(source.spec[kind] ?? []), target.spec.id])];
      if (canonicalJson(fields) === canonicalJson(generatedRelation(source.spec.id, kind, target.spec.id))) return;
    }
    const { type: _type, source_spec_id: _source, ...relation } = fields;
    push(source.kept, 'relations', relation);
  }

  private addConcern(record: LineRecord): void {
    const owner = this.criterion(textOf(record.fields, 'ac_id'));
    if (owner === null)
      return this.fail(
        record,
        'ac_id',
        `there is no criterion ${quoted(textOf(record.fields, 'ac_id'))}.`,
        'Add its record, or correct the reference.',
      );
    const concern = textOf(record.fields, 'concern_kind') as Concern; // the line reader checked it
    owner.criterion.concerns = [...new Set([...(owner.criterion.concerns ?? []), concern])];
    const { type: _type, ac_id: _ac, concern_kind: _kind, ...more } = record.fields;
    if (Object.keys(more).length > 0)
      owner.kept['concerns'] = {
        ...(isJsonMap(owner.kept['concerns']) ? owner.kept['concerns'] : {}),
        [concern]: more,
      };
  }

  /** Links with their locations; a location that nothing links to is kept by the first spec. */
  addLinks(): void {
    const locations = new Map(
      this.of('codeintel_code_location').map((record) => [textOf(record.fields, 'id'), record]),
    );
    const used = new Set<string>();
    for (const record of this.of('codeintel_ac_link')) {
      const owner = this.criterion(textOf(record.fields, 'ac_id'));
      const location = locations.get(textOf(record.fields, 'code_location_id'));
      if (owner === null)
        this.fail(
          record,
          'ac_id',
          `there is no criterion ${quoted(textOf(record.fields, 'ac_id'))}.`,
          'Add its record, or correct the reference.',
        );
      if (location === undefined)
        this.fail(
          record,
          'code_location_id',
          `there is no code location ${quoted(textOf(record.fields, 'code_location_id'))}.`,
          'Add its record, or correct the reference.',
        );
      if (owner === null || location === undefined) continue;
      used.add(textOf(location.fields, 'id'));
      this.addLink(owner, record, { link: withoutType(record.fields), location: withoutType(location.fields) });
    }
    for (const [id, record] of locations) {
      if (used.has(id)) continue;
      const keeper = [...this.specs.values()].sort((left, right) => (left.spec.id < right.spec.id ? -1 : 1))[0];
      if (keeper === undefined)
        this.fail(
          record,
          'id',
          'there is no spec in this file that a location could belong to.',
          'Import the specs together with their locations.',
        );
      else push(keeper.kept, 'locations', withoutType(record.fields));
    }
  }

  private addLink(owner: BuildingCriterion, record: LineRecord, pair: LinkPair): void {
    const own = record.fields['coherence'] === undefined ? null : this.own(record, 'link');
    const declared = own?.criteria?.[0]?.verified_by?.[0] ?? null;
    const meaning = meaningOf(pair, declared, this.options.resolve ?? ((): null => null));
    const { criterion } = owner;
    if (meaning !== null && 'verifies' in meaning) {
      const { gap: _gap, ...rest } = criterion;
      // A gap may not stand beside a link; the link is the newer news.
      if (criterion.gap !== undefined) delete criterion.gap;
      const there = rest.verified_by ?? [];
      if (!there.some((link) => link.kind === meaning.verifies.kind && link.target === meaning.verifies.target))
        criterion.verified_by = [...there, meaning.verifies];
    } else if (meaning !== null) {
      const there = criterion.implemented_by ?? [];
      if (!there.some((link) => link.code === meaning.implements.code))
        criterion.implemented_by = [...there, meaning.implements];
    }
    if (meaning !== null && isDeepStrictEqual(generatedPair(criterion.id, meaning), pair)) return;
    const { ac_id: _ac, code_location_id: _location, ...link } = pair.link;
    push(owner.kept, 'links', storedPair({ link, location: pair.location, as: meaningKey(meaning) }));
  }

  /** Takes an id for a record, unless another of the file has it without regard to case. */
  private claim(record: LineRecord): boolean {
    const id = textOf(record.fields, 'id');
    const why = idTrouble(id, 'SPEC-', true);
    const other = this.folded.get(foldId(id));
    if (why !== null) this.fail(record, 'id', `${quoted(id)} is refused, because ${why}.`, 'Write a printable id.');
    else if (other !== undefined)
      this.fail(
        record,
        'id',
        `${quoted(id)} is taken by ${quoted(other)}; case does not tell ids apart.`,
        'Give one of the two another id.',
      );
    this.folded.set(foldId(id), id);
    return why === null && other === undefined;
  }

  private spec(id: string): Building | null {
    const found = this.specs.get(id);
    if (found !== undefined) return found;
    const known = this.options.known?.specs.find((spec) => spec.id === id);
    if (known === undefined) return null;
    const { criteria: _criteria, ...spec } = withoutPositions(known);
    const built: Building = { spec, kept: keptCopy(known), criteria: new Map(), record: null };
    this.specs.set(id, built);
    return built;
  }

  private criterion(id: string): BuildingCriterion | null {
    const found = this.criteria.get(id);
    if (found !== undefined) return found;
    const owner = this.options.known?.specs.find((spec) => spec.criteria?.some((criterion) => criterion.id === id));
    const known =
      owner === undefined ? undefined : withoutPositions(owner).criteria?.find((criterion) => criterion.id === id);
    const building = owner === undefined ? null : this.spec(owner.id);
    if (known === undefined || building === null) return null;
    const built: BuildingCriterion = { criterion: { ...known }, kept: keptCopy(known), record: null };
    building.criteria.set(id, built);
    this.criteria.set(id, built);
    return built;
  }

  /** The `coherence` field of a record, read by the shape of spec files; an empty object when there is none. */
  private own(
    record: LineRecord,
    what: 'spec' | 'criterion' | 'link',
  ): Partial<Spec> & { readonly criteria?: readonly Criterion[] } {
    const own = record.fields['coherence'];
    if (own === undefined || !isJsonMap(own)) {
      if (own !== undefined) this.fail(record, 'coherence', 'coherence must be an object.', 'Remove the field.');
      return {};
    }
    const foreign = what === 'link' ? undefined : Object.keys(own).find((key) => !OWN_FIELDS[what].includes(key));
    if (foreign !== undefined) {
      this.fail(
        record,
        'coherence',
        `coherence.${foreign} is unknown.`,
        `Known: ${what === 'link' ? '' : OWN_FIELDS[what].join(', ')}.`,
      );
      return {};
    }
    const frame = { id: 'SPEC-x', title: 'x', level: 'module', status: 'active' };
    const criterion = { id: 'AC-x', title: 'x' };
    const whole =
      what === 'spec'
        ? { ...frame, ...own }
        : {
            ...frame,
            criteria: [what === 'criterion' ? { ...criterion, ...own } : { ...criterion, verified_by: [own] }],
          };
    const raw = this.readOwn(record, whole);
    if (raw === null) return {};
    const spec = withoutPositions(toSpec(raw));
    if (what === 'link') return spec;
    const part: Readonly<Record<string, unknown>> = what === 'spec' ? { ...spec } : { ...spec.criteria?.[0] };
    // Only the fields that were there, not those of the frame.
    return Object.fromEntries(Object.entries(part).filter(([key]) => Object.hasOwn(own, key)));
  }

  /** The value as the shape of spec files reads it, or null with its failures noted. */
  private readOwn(record: LineRecord, whole: JsonMap): RawSpec | null {
    // What the shape accepts is what the reader would give for its text; only other values take that way.
    if (accepts(specShape, whole)) return whole as unknown as RawSpec;
    const parsed = parseYaml(emitFlow(whole), 'coherence', 'invalid-spec');
    const read = parsed.ok
      ? readShape<RawSpec>(specShape, parsed.source.root, parsed.source)
      : { value: undefined, failures: parsed.failures };
    for (const found of read.failures)
      this.fail(record, 'coherence', found.message, found.hint ?? 'Correct the field.');
    return read.value === undefined || read.failures.length > 0 ? null : read.value;
  }

  /** The specs, sorted by id, each checked to be one that a spec file can hold. */
  finish(file: string): Spec[] {
    const specs: Spec[] = [];
    for (const building of this.specs.values()) {
      const criteria = [...building.criteria.values()].map(({ criterion, kept, record }) =>
        withKept(criterion, kept, record !== null && idTrouble(criterion.id, 'AC-', false) !== null),
      );
      const spec = withKept(
        { ...building.spec, ...(criteria.length === 0 ? {} : { criteria }) },
        building.kept,
        building.record !== null && idTrouble(building.spec.id, 'SPEC-', false) !== null,
      );
      specs.push(spec);
      if (this.failures.length > 0 || isSound(spec)) continue;
      const again = parseSpecText(formatSpec(spec), file);
      if (!again.ok)
        for (const found of again.failures)
          this.failures.push({
            ...found,
            file,
            line: building.record?.line ?? 1,
            column: 1,
            message: `${quoted(spec.id)}: ${found.message}`,
          });
    }
    return specs.sort((left, right) => (left.id < right.id ? -1 : 1));
  }
}

/** Whether a spec file can hold the spec, answered without writing and reading it; false: look closer. */
const isSound = (spec: Spec): boolean =>
  idTrouble(spec.id, 'SPEC-', spec.extra !== undefined) === null &&
  (spec.criteria ?? []).every((criterion) => idTrouble(criterion.id, 'AC-', criterion.extra !== undefined) === null) &&
  accepts(specShape, specRecord(spec));

/** The spec or criterion with what was kept; `mark` leaves a mark also when there is nothing, since the id itself is foreign. */
function withKept<T extends { readonly extra?: Readonly<Record<string, Json>> }>(
  owner: T,
  kept: Readonly<Record<string, Json>>,
  mark: boolean,
): T {
  return Object.keys(kept).length === 0 && !mark ? owner : { ...owner, extra: { ...owner.extra, [KEPT]: kept } };
}

const keptCopy = (owner: { readonly extra?: Readonly<Record<string, Json>> }): Record<string, Json> => {
  const kept = owner.extra?.[KEPT];
  return isJsonMap(kept) ? { ...kept } : {};
};

function assignTexts<T extends object>(target: T, fields: JsonMap, names: readonly (keyof T & string)[]): void {
  for (const name of names) if (textOf(fields, name) !== '') Object.assign(target, { [name]: textOf(fields, name) });
}

const withoutType = ({ type: _type, ...rest }: JsonMap): JsonMap => rest;

function push(kept: Record<string, Json>, name: string, value: Json): void {
  const there = kept[name];
  kept[name] = Array.isArray(there) ? [...(there as readonly Json[]), value] : [value]; // Array.isArray narrows to any[]
}
