/**
 * The one three-way merge of catalogs: `sync`, `store pull` and the git merge driver all call it.
 *
 * Field by field; criteria are matched by id wherever they stand, lists of links by what they link to. One side changed:
 * its value. Both changed to the same: that. Both changed differently, or one removed what the other changed: a conflict,
 * and nothing is dropped. The result does not depend on which side is called ours.
 */
import type { Catalog, Criterion, Json, Spec } from '../model/index.js';
import { foldId } from './ids.js';
import { mergeRecord, mergeValue, type Report, type Side, type Three } from './merge-fields.js';
import { mergeOrder } from './merge-order.js';
import { plainCriterion, plainSpec, sameJson, type Plain } from './merge-values.js';

export type { Side } from './merge-fields.js';

/** One field that both sides changed differently. An absent value is undefined; a whole spec or criterion has field `removed`. */
export interface Conflict {
  readonly spec: string;
  readonly criterion?: string;
  readonly field: string;
  readonly base: Json | undefined;
  readonly ours: Json | undefined;
  readonly theirs: Json | undefined;
}

export interface CatalogMerge {
  /** With conflicts: each conflicting field has its base value, and what one side removed and the other changed is kept. */
  readonly merged: Catalog;
  readonly conflicts: readonly Conflict[];
}

interface Entry {
  /** A spec without its criteria, or a criterion. */
  readonly fields: Plain;
  /** Id of the spec that holds a criterion; '' for a spec. */
  readonly parent: string;
}
interface Flat {
  readonly specs: ReadonlyMap<string, Entry>;
  readonly criteria: ReadonlyMap<string, Entry>;
  readonly order: ReadonlyMap<string, readonly string[]>;
}

function flatten(catalog: Catalog): Flat {
  const specs = new Map<string, Entry>();
  const criteria = new Map<string, Entry>();
  const order = new Map<string, string[]>();
  for (const spec of catalog.specs) {
    const { criteria: _, ...fields } = plainSpec(spec);
    specs.set(spec.id, { fields, parent: '' });
    order.set(
      spec.id,
      (spec.criteria ?? []).map((criterion) => criterion.id),
    );
    for (const criterion of spec.criteria ?? [])
      criteria.set(criterion.id, { fields: plainCriterion(criterion), parent: spec.id });
  }
  return { specs, criteria, order };
}

const sameEntry = (left: Entry, right: Entry): boolean =>
  left.parent === right.parent && sameJson(left.fields, right.fields);

/** Merges one spec or criterion; undefined when it is removed. */
function mergeEntry({ base, ours, theirs }: Three<Entry>, prefer: Side | undefined, report: Report): Entry | undefined {
  if (ours === undefined || theirs === undefined) {
    const left = ours ?? theirs;
    if (base === undefined || left === undefined) return left;
    if (sameEntry(base, left)) return undefined;
    if (prefer !== undefined) return prefer === 'ours' ? ours : theirs;
    report('removed', { base: base.fields, ours: ours?.fields, theirs: theirs?.fields });
    return left;
  }
  const parent = mergeValue('spec', { base: base?.parent, ours: ours.parent, theirs: theirs.parent }, prefer, report);
  return {
    fields: mergeRecord({ base: base?.fields, ours: ours.fields, theirs: theirs.fields }, prefer, report),
    parent: String(parent),
  };
}

const idsOf = (three: Three<ReadonlyMap<string, Entry>>): string[] =>
  [...new Set([three.base, three.ours, three.theirs].flatMap((side) => [...(side?.keys() ?? [])]))].toSorted();

/** Ids that differ only in case cannot live in one catalog: each such pair that the merge brought together is a conflict. */
function foldConflicts(
  merged: Map<string, Entry>,
  ours: ReadonlyMap<string, Entry>,
  theirs: ReadonlyMap<string, Entry>,
  prefer: Side | undefined,
  report: (id: string, left: string, right: string) => void,
): void {
  const seen = new Map<string, string>();
  for (const id of [...merged.keys()]) {
    const folded = foldId(id);
    const first = seen.get(folded);
    if (first === undefined) {
      seen.set(folded, id);
      continue;
    }
    const side = prefer === 'ours' ? ours : theirs;
    if (prefer !== undefined && side.has(id) !== side.has(first)) merged.delete(side.has(id) ? first : id);
    else report(id, ours.has(id) ? id : first, theirs.has(id) ? id : first);
  }
}

/**
 * Merges `ours` and `theirs` over `base`. `prefer` decides every conflict for one side (`sync --ours|--theirs`).
 * Never fails: what cannot be decided is in `conflicts`.
 */
export function mergeCatalogs(base: Catalog, ours: Catalog, theirs: Catalog, prefer?: Side): CatalogMerge {
  const conflicts: Conflict[] = [];
  const [b, o, t] = [flatten(base), flatten(ours), flatten(theirs)];
  const specs = new Map<string, Entry>();
  const criteria = new Map<string, Entry>();
  for (const id of idsOf({ base: b.specs, ours: o.specs, theirs: t.specs })) {
    const entry = mergeEntry(
      { base: b.specs.get(id), ours: o.specs.get(id), theirs: t.specs.get(id) },
      prefer,
      (field, values) => conflicts.push({ spec: id, field, ...values }),
    );
    if (entry !== undefined) specs.set(id, entry);
  }
  for (const id of idsOf({ base: b.criteria, ours: o.criteria, theirs: t.criteria })) {
    const three = { base: b.criteria.get(id), ours: o.criteria.get(id), theirs: t.criteria.get(id) };
    const found: Omit<Conflict, 'spec' | 'criterion'>[] = [];
    const entry = mergeEntry(three, prefer, (field, values) => found.push({ field, ...values }));
    // Named by the spec that it comes to stand in, which is the same whichever side is called ours.
    const spec = entry?.parent ?? three.base?.parent ?? '';
    conflicts.push(...found.map(({ field, ...values }) => ({ spec, criterion: id, field, ...values })));
    if (entry !== undefined) criteria.set(id, entry);
  }
  // A spec removed here while a criterion of it was added or changed there: the whole spec stays until somebody decides.
  for (const [id, entry] of [...criteria]) {
    if (specs.has(entry.parent)) continue;
    const side = o.specs.has(entry.parent) ? o : t.specs.has(entry.parent) ? t : b;
    const kept = side.specs.get(entry.parent);
    if (kept === undefined || (prefer !== undefined && side !== (prefer === 'ours' ? o : t))) {
      criteria.delete(id);
      continue;
    }
    specs.set(entry.parent, kept);
    for (const [child, item] of side.criteria)
      if (item.parent === entry.parent && !criteria.has(child)) criteria.set(child, item);
    if (prefer === undefined)
      conflicts.push({
        spec: entry.parent,
        field: 'removed',
        base: b.specs.get(entry.parent)?.fields,
        ours: o.specs.get(entry.parent)?.fields,
        theirs: t.specs.get(entry.parent)?.fields,
      });
  }
  foldConflicts(specs, o.specs, t.specs, prefer, (id, left, right) =>
    conflicts.push({ spec: id, field: 'id', base: undefined, ours: left, theirs: right }),
  );
  foldConflicts(criteria, o.criteria, t.criteria, prefer, (id, left, right) =>
    conflicts.push({
      spec: criteria.get(id)?.parent ?? '',
      criterion: id,
      field: 'id',
      base: undefined,
      ours: left,
      theirs: right,
    }),
  );

  const children = new Map<string, string[]>();
  for (const [id, entry] of criteria) children.set(entry.parent, [...(children.get(entry.parent) ?? []), id]);
  const merged = [...specs]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([id, entry]): Spec => {
      const kept = new Set(children.get(id));
      const order = mergeOrder(b.order.get(id) ?? [], o.order.get(id) ?? [], t.order.get(id) ?? [], kept);
      const list = order.flatMap((child) => criteria.get(child)?.fields ?? []);
      // The fields came from Spec and Criterion values, and each key keeps its type through the merge.
      return {
        ...(entry.fields as unknown as Spec),
        ...(list.length > 0 ? { criteria: list as unknown as readonly Criterion[] } : {}),
      };
    });
  return { merged: { specs: merged }, conflicts };
}
