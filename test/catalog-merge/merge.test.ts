import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeCatalogs, type Conflict } from '../../src/catalog/merge.js';
import { mergeOrder } from '../../src/catalog/merge-order.js';
import { plainSpec, sameSpec } from '../../src/catalog/merge-values.js';
import type { Catalog, Criterion, Spec } from '../../src/model/index.js';
import { catalog, threeWay } from './generate.js';

const plainCatalog = (value: Catalog): unknown => value.specs.map(plainSpec);
const spec = (id: string, criteria: Criterion[] = [], rest: Partial<Spec> = {}): Spec => ({
  id,
  title: id,
  level: 'module',
  status: 'active',
  ...(criteria.length > 0 ? { criteria } : {}),
  ...rest,
});
const ac = (id: string, rest: Partial<Criterion> = {}): Criterion => ({ id, title: id, ...rest });
const one = (...criteria: Criterion[]): Catalog => ({ specs: [spec('SPEC-a', criteria)] });
const ids = (value: Catalog): string[] => (value.specs[0]?.criteria ?? []).map((item) => item.id);
const mirrored = (conflicts: readonly Conflict[]): unknown =>
  conflicts.map(({ ours, theirs, ...rest }) => ({ ...rest, ours: theirs, theirs: ours }));

describe('mergeCatalogs, as properties', () => {
  // @verifies AC-store-merge-symmetric
  it('gives the same catalog and the same conflicts in both orders', () => {
    fc.assert(
      fc.property(threeWay, ({ base, ours, theirs }) => {
        const [forth, back] = [mergeCatalogs(base, ours, theirs), mergeCatalogs(base, theirs, ours)];
        expect(plainCatalog(forth.merged)).toEqual(plainCatalog(back.merged));
        expect(forth.conflicts).toEqual(mirrored(back.conflicts));
      }),
      { numRuns: 400 },
    );
  });

  it('takes the only side that changed, whole', () => {
    fc.assert(
      fc.property(threeWay, ({ base, theirs }) => {
        const { merged, conflicts } = mergeCatalogs(base, base, theirs);
        expect(conflicts).toEqual([]);
        expect(plainCatalog(merged)).toEqual(
          plainCatalog({ specs: theirs.specs.toSorted((a, b) => (a.id < b.id ? -1 : 1)) }),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('is the identity on equal sides', () => {
    fc.assert(
      fc.property(catalog, catalog, (base, both) => {
        const { merged, conflicts } = mergeCatalogs(base, both, both);
        expect(conflicts).toEqual([]);
        expect(plainCatalog(merged)).toEqual(plainCatalog(both));
      }),
    );
  });

  // @verifies AC-store-merge-loses-nothing
  it('loses no spec, criterion or changed field of either side', () => {
    fc.assert(
      fc.property(threeWay, ({ base, ours, theirs }) => {
        const { merged, conflicts } = mergeCatalogs(base, ours, theirs);
        const flat = (value: Catalog): Map<string, Record<string, unknown>> =>
          new Map(
            value.specs.flatMap((item) => [
              [item.id, plainSpec(item)] as const,
              ...(item.criteria ?? []).map((child) => [child.id, { ...child } as Record<string, unknown>] as const),
            ]),
          );
        const [b, m] = [flat(base), flat(merged)];
        for (const [side, other] of [
          [flat(ours), flat(theirs)],
          [flat(theirs), flat(ours)],
        ] as const) {
          for (const [id, fields] of side) {
            if (!b.has(id)) expect(m.has(id)).toBe(true);
            for (const key of ['title', 'intent', 'risk', 'owner', 'status']) {
              const changed = JSON.stringify(fields[key]) !== JSON.stringify(b.get(id)?.[key]);
              if (!changed) continue;
              const taken = JSON.stringify(m.get(id)?.[key]) === JSON.stringify(fields[key]);
              const told = conflicts.some(
                (conflict) =>
                  (conflict.criterion ?? conflict.spec) === id &&
                  (conflict.field === key || conflict.field === 'removed'),
              );
              expect(taken || told, `${id}.${key}: ${JSON.stringify(other.get(id))}`).toBe(true);
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('with a preference decides every conflict and reports none', () => {
    fc.assert(
      fc.property(threeWay, ({ base, ours, theirs }) => {
        const chosen = mergeCatalogs(base, ours, theirs, 'ours');
        expect(chosen.conflicts).toEqual([]);
        expect(plainCatalog(chosen.merged)).toEqual(plainCatalog(mergeCatalogs(base, theirs, ours, 'theirs').merged));
        const open = mergeCatalogs(base, ours, theirs);
        if (open.conflicts.length === 0) expect(plainCatalog(chosen.merged)).toEqual(plainCatalog(open.merged));
      }),
      { numRuns: 200 },
    );
  });
});

describe('mergeCatalogs, by case', () => {
  const base = one(ac('AC-1'), ac('AC-2'));

  // @verifies AC-store-merge-both-append
  it('keeps the criteria that both sides append', () => {
    const { merged, conflicts } = mergeCatalogs(
      base,
      one(ac('AC-1'), ac('AC-2'), ac('AC-x')),
      one(ac('AC-1'), ac('AC-2'), ac('AC-y')),
    );
    expect(conflicts).toEqual([]);
    expect(ids(merged)).toEqual(['AC-1', 'AC-2', 'AC-x', 'AC-y']);
  });

  it('merges different fields of one criterion, and reports the same field with base, ours and theirs', () => {
    const apart = mergeCatalogs(
      base,
      one(ac('AC-1', { title: 'new' }), ac('AC-2')),
      one(ac('AC-1', { risk: 'high' }), ac('AC-2')),
    );
    expect(apart.conflicts).toEqual([]);
    expect(apart.merged.specs[0]?.criteria?.[0]).toEqual({ id: 'AC-1', title: 'new', risk: 'high' });
    const clash = mergeCatalogs(
      base,
      one(ac('AC-1', { title: 'x' }), ac('AC-2')),
      one(ac('AC-1', { title: 'y' }), ac('AC-2')),
    );
    expect(clash.conflicts).toEqual([
      { spec: 'SPEC-a', criterion: 'AC-1', field: 'title', base: 'AC-1', ours: 'x', theirs: 'y' },
    ]);
  });

  it('reports removal against change, and keeps what was changed', () => {
    const { merged, conflicts } = mergeCatalogs(
      base,
      one(ac('AC-2')),
      one(ac('AC-1', { title: 'changed' }), ac('AC-2')),
    );
    expect(conflicts).toMatchObject([{ criterion: 'AC-1', field: 'removed', ours: undefined }]);
    expect(ids(merged)).toEqual(['AC-1', 'AC-2']);
    expect(ids(mergeCatalogs(base, one(ac('AC-2')), base).merged)).toEqual(['AC-2']);
  });

  // @verifies AC-store-merge-removed-spec
  it('reports a spec removed here while a criterion was added there', () => {
    const added = one(ac('AC-1'), ac('AC-2'), ac('AC-3'));
    const { merged, conflicts } = mergeCatalogs(base, { specs: [] }, added);
    expect(conflicts).toMatchObject([{ spec: 'SPEC-a', field: 'removed', ours: undefined }]);
    expect(ids(merged)).toContain('AC-3');
    expect(mergeCatalogs(base, { specs: [] }, added, 'ours').merged).toEqual({ specs: [] });
    expect(ids(mergeCatalogs(base, { specs: [] }, added, 'theirs').merged)).toContain('AC-3');
  });

  it('follows a criterion that moved to another spec while its title changed', () => {
    const two = (first: Criterion[], second: Criterion[]): Catalog => ({
      specs: [spec('SPEC-a', first), spec('SPEC-b', second)],
    });
    const { merged, conflicts } = mergeCatalogs(
      two([ac('AC-1')], []),
      two([], [ac('AC-1')]),
      two([ac('AC-1', { title: 'new' })], []),
    );
    expect(conflicts).toEqual([]);
    expect(merged.specs.map((item) => item.criteria ?? [])).toEqual([[], [{ id: 'AC-1', title: 'new' }]]);
  });

  // @verifies AC-store-merge-symmetric
  it('names a criterion that two sides put into different specs by the same spec, whichever side is ours', () => {
    const two = (first: Criterion[], second: Criterion[]): Catalog => ({
      specs: [spec('SPEC-a', first), spec('SPEC-b', second)],
    });
    const [here, there] = [two([ac('AC-1')], []), two([], [ac('AC-1')])];
    const conflict = mergeCatalogs(two([], []), here, there).conflicts;
    expect(conflict).toMatchObject([{ criterion: 'AC-1', field: 'spec', ours: 'SPEC-a', theirs: 'SPEC-b' }]);
    expect(mirrored(mergeCatalogs(two([], []), there, here).conflicts)).toEqual(conflict);
  });

  it('merges links by what they link to', () => {
    const links = (...list: NonNullable<Criterion['verified_by']>): Catalog => one(ac('AC-1', { verified_by: list }));
    const a = { kind: 'test', target: 'a' } as const;
    const { merged, conflicts } = mergeCatalogs(
      links(a),
      links({ ...a, timeout: '1m' }, { kind: 'run', target: 'x' }),
      links({ kind: 'manual', target: 'look' }, { ...a, note: 'n' }),
    );
    expect(conflicts).toEqual([]);
    expect(merged.specs[0]?.criteria?.[0]?.verified_by).toEqual([
      { kind: 'manual', target: 'look' },
      { kind: 'test', target: 'a', timeout: '1m', note: 'n' },
      { kind: 'run', target: 'x' },
    ]);
  });

  it('sees two links to one test in two places as two', () => {
    const host = { kind: 'test', target: 'a' } as const;
    const docker = { kind: 'test', target: 'a', in: 'docker' } as const;
    const links = (...list: NonNullable<Criterion['verified_by']>): Catalog => one(ac('AC-1', { verified_by: list }));
    const { merged, conflicts } = mergeCatalogs(
      links(host, docker),
      links(docker),
      links(host, { ...docker, timeout: '9s' }),
    );
    expect(conflicts).toEqual([]);
    expect(merged.specs[0]?.criteria?.[0]?.verified_by).toEqual([{ ...docker, timeout: '9s' }]);
  });

  it('reports ids that differ only in case', () => {
    const { conflicts } = mergeCatalogs({ specs: [] }, { specs: [spec('SPEC-a')] }, { specs: [spec('SPEC-A')] });
    expect(conflicts).toEqual([{ spec: 'SPEC-a', field: 'id', base: undefined, ours: 'SPEC-a', theirs: 'SPEC-A' }]);
    expect(
      mergeCatalogs({ specs: [] }, { specs: [spec('SPEC-a')] }, { specs: [spec('SPEC-A')] }, 'theirs').merged.specs.map(
        (item) => item.id,
      ),
    ).toEqual(['SPEC-A']);
  });

  it('keeps __proto__ in extra as an ordinary key', () => {
    const extra = JSON.parse('{"__proto__": "data"}') as Record<string, string>;
    const { merged } = mergeCatalogs({ specs: [] }, { specs: [spec('SPEC-a', [], { extra })] }, { specs: [] });
    expect(JSON.stringify(merged.specs[0]?.extra)).toBe('{"__proto__":"data"}');
  });

  it('calls an empty list and an absent one the same', () => {
    expect(sameSpec(spec('SPEC-a', [], { depends_on: [] }), spec('SPEC-a'))).toBe(true);
  });
});

describe('mergeOrder', () => {
  const order = (base: string, ours: string, theirs: string): string =>
    mergeOrder(
      [...base],
      [...ours],
      [...theirs],
      new Set(
        [...base, ...ours, ...theirs].filter(
          (item) => !base.includes(item) || (ours.includes(item) && theirs.includes(item)),
        ),
      ),
    ).join('');
  it.each([
    ['abc', 'axbc', 'abyc', 'axbyc'],
    ['abc', 'abc', 'cab', 'cab'],
    ['abc', 'bc', 'abcd', 'bcd'],
    ['', 'ab', 'cd', 'abcd'],
    ['', 'az', 'bz', 'abz'],
  ])('%s: %s and %s give %s', (base, ours, theirs, expected) => {
    expect(order(base, ours, theirs)).toBe(expected);
    expect(order(base, theirs, ours)).toBe(expected);
  });
});
