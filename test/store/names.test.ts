import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  databaseName,
  doltBranch,
  environmentOf,
  guardTarget,
  requireTestDatabase,
  storeEnvironment,
} from '../../src/store/index.js';
import { isAtLeast } from '../../src/store/dolt/binary.js';
import { base32 } from '../../src/store/dolt/branches.js';
import { between, positions } from '../../src/store/dolt/position.js';
import { fromRows, toRows, type CatalogRows } from '../../src/store/dolt/rows.js';
import { plainSpec } from '../../src/catalog/index.js';
import { catalog } from '../catalog-merge/generate.js';

describe('database names', () => {
  // @verifies AC-store-environments
  it('end in the environment, whatever the manifest says', () => {
    expect([databaseName('shop_abc', 'dev'), databaseName('shop_abc_test', 'prod')]).toEqual([
      'shop_abc_dev',
      'shop_abc_prod',
    ]);
    expect([storeEnvironment(undefined), storeEnvironment(''), storeEnvironment('staging').ok]).toEqual([
      { ok: true, value: 'dev' },
      { ok: true, value: 'dev' },
      false,
    ]);
    expect([environmentOf('x_prod'), environmentOf('x')]).toEqual(['prod', null]);
  });

  // @verifies AC-store-guards
  it('keep tests to …_test, and refuse a target of another environment, naming both', () => {
    expect([
      requireTestDatabase('shop_test').ok,
      requireTestDatabase('shop_prod').ok,
      requireTestDatabase('test').ok,
    ]).toEqual([true, false, false]);
    const refused = guardTarget('shop_prod', 'dev');
    expect(refused.ok ? '' : refused.failures[0]?.message).toBe(
      'The target "shop_prod" is of environment prod, but this command runs in environment dev (COHERENCE_ENV).',
    );
    expect(guardTarget('shop_dev', 'dev').ok).toBe(true);
  });
});

describe('branch names', () => {
  it('are base32 of the git name, told apart by case, and short', () => {
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map(base32)).toEqual([
      '',
      'my',
      'mzxq',
      'mzxw6',
      'mzxw6yq',
      'mzxw6ytb',
      'mzxw6ytboi',
    ]);
    expect(doltBranch('Main')).not.toBe(doltBranch('main'));
    expect(doltBranch('x'.repeat(200))).toMatch(/^h-[0-9a-f]{64}$/);
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        expect(doltBranch(left) === doltBranch(right)).toBe(Buffer.from(left).equals(Buffer.from(right)));
        expect(doltBranch(left)).toMatch(/^[bh]-[a-z0-9]{0,118}$/);
      }),
    );
  });
});

describe('versions', () => {
  it.each([
    ['2.1.0', '2.1', true],
    ['2.10.0', '2.9', true],
    ['2.0.9', '2.1', false],
    ['1.99.0', '2', false],
    ['2.1', '2.1.0', true],
  ])('%s is at least %s: %s', (have, want, expected) => {
    expect(isAtLeast(have, want)).toBe(expected);
  });
});

describe('order keys', () => {
  it('always leave room between two keys', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (places) => {
        const keys: string[] = [];
        for (const place of places) {
          const at = place % (keys.length + 1);
          keys.splice(at, 0, between(keys[at - 1] ?? '', keys[at] ?? null));
        }
        expect(keys).toEqual(keys.toSorted());
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it('stay as they are for items that did not move', () => {
    const first = positions(['a', 'b', 'c', 'd'], new Map());
    const second = positions(['a', 'x', 'b', 'd', 'c'], first);
    expect([...second].filter(([item, key]) => first.get(item) === key)).toHaveLength(3);
    expect([...second.values()]).toEqual([...second.values()].toSorted());
  });
});

describe('rows', () => {
  const none: CatalogRows = { spec: [], criterion: [], relation: [], declared_link: [] };

  // @verifies AC-store-rows-lossless
  it('hold every field of a catalog', () => {
    fc.assert(
      fc.property(catalog, (value) => {
        const rows = toRows(value.specs, none);
        expect(fromRows(rows).specs.map(plainSpec)).toEqual(value.specs.map(plainSpec));
        expect(toRows(value.specs, rows)).toEqual(rows);
      }),
    );
  });
});
