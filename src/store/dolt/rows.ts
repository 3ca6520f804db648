/** Catalog ↔ rows. Every field of the model has a column or a place in a JSON column; nothing is lost in either direction. */
import type { Catalog, Criterion, DeclaredLink, ImplementationLink, Json, Spec } from '../../model/index.js';
import { canonicalJson, hashFields } from '../../util/hash.js';
import type { SqlRow, SqlValue } from './connection.js';
import { positions } from './position.js';

export const CATALOG_TABLES = ['spec', 'criterion', 'relation', 'declared_link'] as const;
export type CatalogTable = (typeof CATALOG_TABLES)[number];
export type CatalogRows = Readonly<Record<CatalogTable, readonly SqlRow[]>>;

/** Columns in the order of the INSERTs, primary key first. */
export const COLUMNS: Readonly<
  Record<CatalogTable, { readonly key: readonly string[]; readonly rest: readonly string[] }>
> = {
  spec: {
    key: ['id'],
    rest: ['title', 'level', 'status', 'slug', 'owner', 'intent', 'description', 'extra', 'fields'],
  },
  criterion: {
    key: ['id'],
    rest: [
      'spec_id',
      'position',
      'title',
      'slug',
      'intent',
      'description',
      'review',
      'risk',
      'concerns',
      'status',
      'gap',
      'extra',
      'fields',
    ],
  },
  relation: { key: ['spec_id', 'kind', 'target_id', 'repeat'], rest: ['position'] },
  declared_link: {
    key: ['criterion_id', 'link_key'],
    rest: [
      'list',
      'position',
      'kind',
      'target',
      'link_id',
      'runner',
      'place',
      'environment',
      'timeout',
      'note',
      'options',
    ],
  },
};

const RELATIONS = ['depends_on', 'constrained_by'] as const;
const LINK_COLUMNS = {
  id: 'link_id',
  runner: 'runner',
  in: 'place',
  environment: 'environment',
  timeout: 'timeout',
  note: 'note',
} as const;

/** What has a column or a table of its own; all other fields of the model stand in the column `fields`. */
const SPEC_COLUMNS: ReadonlySet<string> = new Set([
  ...COLUMNS.spec.key,
  ...COLUMNS.spec.rest,
  ...RELATIONS,
  'criteria',
]);
const CRITERION_COLUMNS: ReadonlySet<string> = new Set([
  ...COLUMNS.criterion.key,
  ...COLUMNS.criterion.rest,
  'verified_by',
  'implemented_by',
]);

function otherFields(owner: Spec | Criterion, columns: ReadonlySet<string>): string | null {
  const entries = Object.entries(owner).filter(
    ([key, value]) => value !== undefined && (!columns.has(key) || key === 'fields'),
  );
  // A source position has its own name in the model, `position`; the column of that name orders the criteria.
  const content = entries.filter(([key]) => key !== 'position');
  return content.length === 0 ? null : canonicalJson(Object.fromEntries(content));
}

const json = (value: Json | undefined): string | null => (value === undefined ? null : canonicalJson(value));
const orNull = (value: string | undefined): string | null => value ?? null;
/** The primary key as one string. */
export const keyOf = (table: CatalogTable, row: SqlRow): string =>
  COLUMNS[table].key.map((column) => String(row[column])).join('\u0000');

/** Rows of some specs. `known` gives rows that are there, whose order keys are kept where possible. */
export function toRows(specs: readonly Spec[], known: CatalogRows): CatalogRows {
  const keys = (table: CatalogTable, name: (row: SqlRow) => string): Map<string, string> =>
    new Map(known[table].map((row) => [name(row), String(row['position'])]));
  const criterionKeys = keys('criterion', (row) => `${String(row['spec_id'])}\u0000${String(row['id'])}`);
  const relationKeys = keys('relation', (row) => keyOf('relation', row));
  const linkKeys = keys('declared_link', (row) => keyOf('declared_link', row));
  const ordered = (names: readonly string[], prefix: string, all: ReadonlyMap<string, string>): Map<string, string> =>
    positions(
      names,
      all.size === 0
        ? all
        : new Map(
            names.flatMap((name) => (all.has(prefix + name) ? [[name, all.get(prefix + name) ?? ''] as const] : [])),
          ),
    );
  const rows: Record<CatalogTable, SqlRow[]> = { spec: [], criterion: [], relation: [], declared_link: [] };
  for (const spec of specs) {
    rows.spec.push({
      id: spec.id,
      title: spec.title,
      level: spec.level,
      status: spec.status,
      slug: orNull(spec.slug),
      owner: orNull(spec.owner),
      intent: orNull(spec.intent),
      description: orNull(spec.description),
      extra: json(spec.extra),
      fields: otherFields(spec, SPEC_COLUMNS),
    });
    for (const kind of RELATIONS) {
      const names = repeats(spec[kind] ?? []);
      const order = ordered(
        names.map((one) => one.join('\u0000')),
        `${spec.id}\u0000${kind}\u0000`,
        relationKeys,
      );
      for (const [target, repeat] of names)
        rows.relation.push({
          spec_id: spec.id,
          kind,
          target_id: target,
          repeat,
          position: order.get(`${target}\u0000${repeat}`) ?? '',
        });
    }
    const order = ordered(
      (spec.criteria ?? []).map((criterion) => criterion.id),
      `${spec.id}\u0000`,
      criterionKeys,
    );
    for (const criterion of spec.criteria ?? []) {
      rows.criterion.push({
        id: criterion.id,
        spec_id: spec.id,
        position: order.get(criterion.id) ?? '',
        title: criterion.title,
        slug: orNull(criterion.slug),
        intent: orNull(criterion.intent),
        description: orNull(criterion.description),
        review: orNull(criterion.review),
        risk: orNull(criterion.risk),
        concerns: json(nonEmpty(criterion.concerns)),
        status: orNull(criterion.status),
        gap: orNull(criterion.gap),
        extra: json(criterion.extra),
        fields: otherFields(criterion, CRITERION_COLUMNS),
      });
      rows.declared_link.push(...linkRows(criterion, (names) => ordered(names, `${criterion.id}\u0000`, linkKeys)));
    }
  }
  return rows;
}

const nonEmpty = <T extends Json>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;
const repeats = (names: readonly string[]): (readonly [string, number])[] =>
  names.map((name, at) => [name, names.slice(0, at).filter((other) => other === name).length] as const);

function linkRows(criterion: Criterion, order: (names: readonly string[]) => Map<string, string>): SqlRow[] {
  const both = [
    ...(criterion.verified_by ?? []).map((link) => ({
      list: 'verified_by',
      kind: link.kind as string,
      target: link.target,
      fields: link as DeclaredLink | ImplementationLink,
    })),
    ...(criterion.implemented_by ?? []).map((link) => ({
      list: 'implemented_by',
      kind: 'code',
      target: link.code,
      fields: link as DeclaredLink | ImplementationLink,
    })),
  ];
  const seen = new Map<string, number>();
  const keyed = both.map((item) => {
    const base = `${item.list} ${item.kind} ${item.target}`;
    const count = seen.get(base) ?? 0;
    seen.set(base, count + 1);
    return { ...item, key: hashFields([item.list, item.kind, item.target, String(count)]).slice(0, 32) };
  });
  const places = new Map(
    ['verified_by', 'implemented_by'].flatMap((list) => [
      ...order(keyed.filter((item) => item.list === list).map((item) => item.key)),
    ]),
  );
  return keyed.map(({ list, kind, target, fields, key }) => {
    const row: Record<string, SqlValue> = {
      criterion_id: criterion.id,
      link_key: key,
      list,
      position: places.get(key) ?? '',
      kind,
      target,
    };
    const rest: Record<string, Json> = {};
    for (const column of Object.values(LINK_COLUMNS)) row[column] = null;
    for (const [name, value] of Object.entries(fields) as [string, Json][]) {
      if (['kind', 'target', 'code', 'position'].includes(name) || value === undefined) continue;
      const column = (LINK_COLUMNS as Readonly<Record<string, string>>)[name];
      if (column !== undefined && typeof value === 'string') row[column] = value;
      else rest[name] = value;
    }
    row['options'] = Object.keys(rest).length > 0 ? canonicalJson(rest) : null;
    return row;
  });
}

const sorted = (rows: readonly SqlRow[], parent: string, tie: string): SqlRow[] =>
  rows.toSorted(
    (left, right) =>
      compare(left[parent], right[parent]) ||
      compare(left['position'], right['position']) ||
      compare(left[tie], right[tie]),
  );
const compare = (left: SqlValue | undefined, right: SqlValue | undefined): number =>
  String(left) < String(right) ? -1 : String(left) > String(right) ? 1 : 0;
const grouped = (rows: readonly SqlRow[], parent: string): Map<string, SqlRow[]> => {
  const result = new Map<string, SqlRow[]>();
  for (const row of rows) {
    const list = result.get(String(row[parent]));
    if (list === undefined) result.set(String(row[parent]), [row]);
    else list.push(row);
  }
  return result;
};

/** Copies columns that are set. */
function fields(row: SqlRow, columns: readonly string[]): Record<string, Json> {
  const result: Record<string, Json> = {};
  for (const column of columns) if (row[column] !== null && row[column] !== undefined) result[column] = row[column];
  return result;
}
const others = (row: SqlRow): Record<string, Json> =>
  typeof row['fields'] === 'string' ? (JSON.parse(row['fields']) as Record<string, Json>) : {};
const parsed = (row: SqlRow, column: string, name = column): Record<string, Json> =>
  typeof row[column] === 'string' ? { [name]: JSON.parse(row[column]) as Json } : {};

/** The catalog that rows of all four tables say. */
export function fromRows(rows: CatalogRows): Catalog {
  const links = grouped(sorted(rows.declared_link, 'criterion_id', 'link_key'), 'criterion_id');
  const criteria = grouped(sorted(rows.criterion, 'spec_id', 'id'), 'spec_id');
  const relations = grouped(sorted(rows.relation, 'spec_id', 'target_id'), 'spec_id');
  // The columns were filled from these very types by `toRows`, or checked by it on the way in.
  const link = (row: SqlRow): unknown => ({
    ...(row['kind'] === 'code' ? { code: row['target'] } : { kind: row['kind'], target: row['target'] }),
    ...Object.fromEntries(
      Object.entries(LINK_COLUMNS).flatMap(([name, column]) => (row[column] === null ? [] : [[name, row[column]]])),
    ),
    ...(typeof row['options'] === 'string' ? (JSON.parse(row['options']) as Record<string, Json>) : {}),
  });
  const listOf = (row: SqlRow, list: string): Record<string, unknown> => {
    const items = (links.get(String(row['id'])) ?? []).filter((item) => item['list'] === list);
    return items.length === 0 ? {} : { [list]: items.map(link) };
  };
  const criterion = (row: SqlRow): Criterion =>
    ({
      ...fields(row, ['id', 'title', 'slug', 'intent', 'description', 'review', 'risk']),
      ...parsed(row, 'concerns'),
      ...fields(row, ['status']),
      ...listOf(row, 'verified_by'),
      ...listOf(row, 'implemented_by'),
      ...fields(row, ['gap']),
      ...others(row),
      ...parsed(row, 'extra'),
    }) as unknown as Criterion;
  const specs = rows.spec.map((row): Spec => {
    const own = criteria.get(String(row['id'])) ?? [];
    const related = Object.fromEntries(
      RELATIONS.flatMap((kind) => {
        const targets = (relations.get(String(row['id'])) ?? [])
          .filter((item) => item['kind'] === kind)
          .map((item) => item['target_id']);
        return targets.length === 0 ? [] : [[kind, targets]];
      }),
    );
    return {
      ...fields(row, ['id', 'title', 'level', 'status', 'slug', 'owner', 'intent', 'description']),
      ...related,
      ...(own.length > 0 ? { criteria: own.map(criterion) } : {}),
      ...others(row),
      ...parsed(row, 'extra'),
    } as unknown as Spec;
  });
  return { specs: specs.toSorted((left, right) => compare(left.id, right.id)) };
}
