import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { planImport, testQuery } from '../../src/catalog/index.js';
import type { Catalog, Spec } from '../../src/model/index.js';
import { spec } from './arbitrary.js';

const base = (id: string, more: Partial<Spec> = {}): Spec => ({
  id: `SPEC-${id}`,
  title: id,
  level: 'module',
  status: 'active',
  ...more,
});
const catalog = (...specs: Spec[]): Catalog => ({ specs });
const names = (changes: readonly { readonly id: string }[]): string[] => changes.map((change) => change.id);

describe('an import plan', () => {
  // @verifies AC-catalog-relations
  it.each([
    ['a spec of nobody', { depends_on: ['SPEC-nowhere'] }, ['depends_on of "SPEC-new" names "SPEC-nowhere"']],
    ['a limit of nobody', { constrained_by: ['SPEC-b', 'SPEC-x'] }, ['constrained_by of "SPEC-new" names "SPEC-x"']],
    ['a spec of the project', { depends_on: ['SPEC-b'] }, []],
    ['itself and one of the import', { depends_on: ['SPEC-new', 'SPEC-c'] }, []],
  ])('judges a relation to %s', (_what, relations, wanted) => {
    const plan = planImport(catalog(base('b')), catalog(base('new', relations), base('c')), { prune: false });
    expect(plan.failures.map((item) => item.message.split(',')[0])).toEqual(wanted);
  });

  // @verifies AC-catalog-relations
  it('with prune refuses a relation to what it removes', () => {
    const plan = planImport(catalog(base('b')), catalog(base('new', { depends_on: ['SPEC-b'] })), { prune: true });
    expect(plan.failures).toHaveLength(1);
  });

  const current = catalog(
    base('a', {
      owner: 'Ann',
      criteria: [
        { id: 'AC-a-1', title: 'one', gap: 'later' },
        { id: 'AC-a-2', title: 'two', verified_by: [{ kind: 'run', target: './x' }] },
      ],
    }),
    base('b'),
  );

  it('creates what is new, changes what differs and leaves the rest', () => {
    const plan = planImport(
      current,
      catalog(
        base('a', {
          title: 'A',
          criteria: [
            { id: 'AC-a-2', title: 'two', risk: 'medium', verified_by: [{ kind: 'run', target: './y' }] },
            { id: 'AC-a-3', title: 'three' },
          ],
        }),
        base('c'),
      ),
      { prune: false },
    );
    expect([names(plan.created), names(plan.changed), names(plan.removed), names(plan.unchanged)]).toEqual([
      ['AC-a-3', 'SPEC-c'],
      ['SPEC-a', 'AC-a-2'],
      [],
      [],
    ]);
    expect(plan.next.specs.map((value) => value.id)).toEqual(['SPEC-a', 'SPEC-b', 'SPEC-c']);
    expect(plan.next.specs[0]).toMatchObject({
      title: 'A',
      owner: 'Ann',
      criteria: [
        { id: 'AC-a-1', gap: 'later' },
        { id: 'AC-a-2', verified_by: [{ target: './x' }, { target: './y' }] },
        { id: 'AC-a-3' },
      ],
    });
    expect(plan.next.specs[1]).toBe(current.specs[1]);
  });

  it('takes values that equal a default for the same as none', () => {
    const plan = planImport(current, catalog(base('b', { slug: '', description: '', criteria: [] })), { prune: false });
    expect([plan.changed, names(plan.unchanged)]).toEqual([[], ['SPEC-b']]);
    expect(plan.next.specs[1]).toBe(current.specs[1]);
  });

  it('ends a gap where a link comes', () => {
    const plan = planImport(
      current,
      catalog(base('a', { criteria: [{ id: 'AC-a-1', title: 'one', verified_by: [{ kind: 'run', target: './z' }] }] })),
      { prune: false },
    );
    expect(plan.next.specs[0]?.criteria?.[0]).toEqual({
      id: 'AC-a-1',
      title: 'one',
      verified_by: [{ kind: 'run', target: './z' }],
    });
  });

  it('removes with prune what the import has not', () => {
    const plan = planImport(
      current,
      catalog(base('a', { criteria: [{ id: 'AC-a-2', title: 'two', verified_by: [{ kind: 'run', target: './x' }] }] })),
      { prune: true },
    );
    expect([names(plan.removed), names(plan.unchanged)]).toEqual([['SPEC-b', 'AC-a-1'], ['AC-a-2']]);
    expect(plan.next).toEqual(
      catalog(base('a', { criteria: [{ id: 'AC-a-2', title: 'two', verified_by: [{ kind: 'run', target: './x' }] }] })),
    );
  });

  it('moves a criterion to the spec that the import puts it in', () => {
    const plan = planImport(current, catalog(base('b', { criteria: [{ id: 'AC-a-1', title: 'one', gap: 'later' }] })), {
      prune: false,
    });
    expect(names(plan.changed)).toEqual(['AC-a-1']);
    expect(plan.next.specs.map((value) => names(value.criteria ?? []))).toEqual([['AC-a-2'], ['AC-a-1']]);
  });

  it('refuses ids that differ only in case', () => {
    expect(planImport(current, catalog(base('A')), { prune: false }).failures).toMatchObject([
      { kind: 'invalid-spec' },
    ]);
  });

  // @verifies AC-catalog-import-twice
  it('of what was just imported changes nothing', () => {
    const two = fc.uniqueArray(spec, { maxLength: 3, selector: (value) => value.id.toLowerCase() });
    fc.assert(
      fc.property(two, two, fc.boolean(), (here, imported, prune) => {
        const first = planImport({ specs: here }, { specs: imported }, { prune });
        const second = planImport(first.next, { specs: imported }, { prune });
        expect([second.created, second.changed, second.removed]).toEqual([[], [], []]);
        expect(second.next).toEqual(first.next);
      }),
      { numRuns: 80 },
    );
  });
});

describe('commands of known runners', () => {
  // @verifies AC-catalog-jsonl-resolve
  it('are understood where they are plain, and only there', () => {
    const query = (command: string): unknown => testQuery(command, 'tests/x.rs');
    expect(query('cargo test -p core validates')).toEqual({
      runner: 'cargo',
      file: 'tests/x.rs',
      scope: 'core',
      target: null,
      name: 'validates',
    });
    expect(query('cargo test --package=core --test it m::n -- --exact')).toEqual({
      runner: 'cargo',
      file: 'tests/x.rs',
      scope: 'core',
      target: 'it',
      name: 'm::n',
    });
    expect(query('python -m pytest -q tests/test_a.py::TestX::test_y')).toEqual({
      runner: 'pytest',
      file: 'tests/test_a.py',
      scope: null,
      target: null,
      name: 'TestX::test_y',
    });
    expect(query("npx vitest run test/a.test.ts -t 'a b'")).toEqual({
      runner: 'vitest',
      file: 'test/a.test.ts',
      scope: null,
      target: null,
      name: 'a b',
    });
    expect(query('node --test test/a.test.mjs')).toEqual({
      runner: 'node-test',
      file: 'test/a.test.mjs',
      scope: null,
      target: null,
      name: null,
    });
    expect(query('go test ./pkg -run ^TestX$')).toBeNull();
    expect(query("go test ./pkg -run '^TestX$'")).toEqual({
      runner: 'go',
      file: null,
      scope: './pkg',
      target: null,
      name: 'TestX',
    });
    for (const command of [
      'cargo test && rm -rf x',
      'cargo test a b',
      'cargo build',
      'pytest',
      'pytest a b',
      'pytest $X',
      'pytest -k x',
      'vitest a',
      'FOO=1 cargo test',
      'cargo test `x`',
      'cargo test "$X"',
      'npx jest a',
      './run a',
      'cargo test --features x',
    ])
      expect([command, query(command)]).toEqual([command, null]);
  });
});
