/** Random catalogs and edits of them, for properties of the merge. Kept beside it so that sync's tests can use it too. */
import * as fc from 'fast-check';
import type { Catalog, Criterion, Spec } from '../../src/model/index.js';

const word = fc.constantFrom(
  'a',
  'b',
  'c',
  'two words',
  'line\nbreak',
  '☂',
  'it\'s: "x"',
  '- dash',
  '#no',
  '1.10',
  'true',
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;

const link = fc
  .record({
    kind: fc.constantFrom('test' as const, 'run' as const, 'manual' as const),
    target: fc.constantFrom('tests/x.rs::a', 'tests/x.rs::b', 'true', 'look'),
    timeout: maybe(fc.constantFrom('30s', '1m')),
    note: maybe(word),
  })
  .map(defined);
export const criterion = (id: string): fc.Arbitrary<Criterion> =>
  fc
    .record({
      id: fc.constant(id),
      title: word,
      risk: maybe(fc.constantFrom('low' as const, 'high' as const)),
      intent: maybe(word),
      concerns: maybe(
        fc.uniqueArray(fc.constantFrom('security' as const, 'performance' as const, 'usability' as const), {
          minLength: 1,
        }),
      ),
      verified_by: maybe(
        fc.uniqueArray(link, { minLength: 1, maxLength: 3, selector: (one) => one.kind + one.target }),
      ),
      extra: maybe(fc.dictionary(fc.constantFrom('x', 'y'), word, { minKeys: 1 })),
    })
    .map(defined) as fc.Arbitrary<Criterion>;

const CRITERIA = ['1', '2', '3', '4', '5', '6'];
export const spec = (name: string): fc.Arbitrary<Spec> =>
  fc
    .record({
      id: fc.constant(`SPEC-${name}`),
      title: word,
      level: fc.constantFrom('module' as const, 'system' as const),
      status: fc.constantFrom('active' as const, 'draft' as const),
      owner: maybe(word),
      depends_on: maybe(fc.shuffledSubarray(['SPEC-a', 'SPEC-b', 'SPEC-c'], { minLength: 1 })),
      criteria: fc
        .shuffledSubarray(CRITERIA, { maxLength: 4 })
        .chain((names) => fc.tuple(...names.map((one) => criterion(`AC-${name}-${one}`)))),
    })
    .map(defined)
    .map((value) =>
      value.criteria?.length === 0 ? (({ criteria: _, ...rest }) => rest)(value) : value,
    ) as fc.Arbitrary<Spec>;

const NAMES = ['a', 'b', 'c'];
export const catalog: fc.Arbitrary<Catalog> = fc
  .subarray(NAMES)
  .chain((names) => fc.tuple(...names.map(spec)))
  .map((specs) => ({ specs }));

/** A catalog that differs from `base` in a few places: fields of other random specs and criteria are taken over. */
export const edited = (base: Catalog): fc.Arbitrary<Catalog> =>
  fc.tuple(catalog, fc.array(fc.nat(9), { minLength: 40, maxLength: 40 })).map(([other, dice]) => {
    let at = 0;
    const roll = (): number => dice[at++ % dice.length] ?? 0;
    const mix = <T extends object>(left: T, right: T | undefined): T => {
      if (right === undefined) return left;
      const result = { ...left } as Record<string, unknown>;
      for (const key of [
        'title',
        'risk',
        'intent',
        'owner',
        'depends_on',
        'concerns',
        'verified_by',
        'status',
        'extra',
      ]) {
        if (roll() > 1) continue;
        const value = (right as Record<string, unknown>)[key];
        if (value === undefined && key !== 'title' && key !== 'status') delete result[key];
        else if (value !== undefined) result[key] = value;
      }
      return result as T;
    };
    const specs: Spec[] = [];
    for (const name of NAMES) {
      const left = base.specs.find((one) => one.id === `SPEC-${name}`);
      const right = other.specs.find((one) => one.id === `SPEC-${name}`);
      if (left === undefined) {
        if (right !== undefined && roll() < 3) specs.push(right);
        continue;
      }
      if (roll() === 9) continue;
      const kept = (left.criteria ?? [])
        .filter(() => roll() < 9)
        .map((one) =>
          mix(
            one,
            right?.criteria?.find((two) => two.id === one.id),
          ),
        );
      const added = (right?.criteria ?? []).filter(
        (one) => !(left.criteria ?? []).some((two) => two.id === one.id) && roll() < 4,
      );
      const criteria = [...kept];
      for (const one of added) criteria.splice(roll() % (criteria.length + 1), 0, one);
      if (roll() === 0) criteria.reverse();
      // A criterion put elsewhere in the list, and one under another id.
      if (roll() === 1) criteria.push(...criteria.splice(0, 1));
      const [renamed] = criteria;
      if (renamed !== undefined && roll() === 2) criteria[0] = { ...renamed, id: `${renamed.id}-renamed` };
      const { criteria: _, ...fields } = mix(left, right);
      specs.push(criteria.length > 0 ? { ...fields, criteria } : fields);
    }
    return { specs: roll() < 3 ? moved(specs, roll()) : specs };
  });

/** The first criterion of one spec goes to another spec. */
function moved(specs: readonly Spec[], which: number): Spec[] {
  const from = specs[which % specs.length];
  const to = specs[(which + 1) % specs.length];
  const criterion = from?.criteria?.[0];
  if (from === undefined || to === undefined || from === to || criterion === undefined) return [...specs];
  return specs.map((one) => {
    if (one === to) return { ...to, criteria: [...(to.criteria ?? []), criterion] };
    if (one !== from) return one;
    const { criteria: _, ...fields } = from;
    return (from.criteria ?? []).length > 1 ? { ...fields, criteria: (from.criteria ?? []).slice(1) } : fields;
  });
}

/** For each criterion the specs that have it on some side; more than one when it moved. */
function homes(sides: readonly Catalog[]): ReadonlySet<string>[] {
  const found = new Map<string, Set<string>>();
  for (const side of sides)
    for (const one of side.specs)
      for (const criterion of one.criteria ?? [])
        found.set(criterion.id, (found.get(criterion.id) ?? new Set()).add(one.id));
  return [...found.values()].filter((specs) => specs.size > 1);
}

/** Ids of specs that had or have a criterion which another spec has on some side: merging file by file cannot know about it. */
export const sharing = (sides: readonly Catalog[]): ReadonlySet<string> =>
  new Set(homes(sides).flatMap((specs) => [...specs]));

/** These specs, and all that are tied to them by criteria that moved: they are written together or not at all. */
export function together(ids: ReadonlySet<string>, sides: readonly Catalog[]): ReadonlySet<string> {
  const grown = new Set([
    ...ids,
    ...homes(sides).flatMap((specs) => ([...specs].some((id) => ids.has(id)) ? [...specs] : [])),
  ]);
  return grown.size === ids.size ? ids : together(grown, sides);
}

/** A base and two edits of it. */
export const threeWay: fc.Arbitrary<{ base: Catalog; ours: Catalog; theirs: Catalog }> = catalog.chain((base) =>
  fc.record({ base: fc.constant(base), ours: edited(base), theirs: edited(base) }),
);
