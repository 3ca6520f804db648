import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSpec, parseSpecText } from '../../src/catalog/index.js';
import { specRecord } from '../../src/catalog/record.js';
import { specShape } from '../../src/catalog/spec-shape.js';
import { accepts, parseYaml, readShape } from '../../src/yaml/index.js';
import type { Spec } from '../../src/model/index.js';
import { spec as anySpec } from './arbitrary.js';
import { MALFORMED_RECORDS } from './malformed-records.js';

const readByText = (record: unknown): { readonly good: boolean } => {
  // What stands in `record` was made by JSON, which YAML's flow form contains.
  const parsed = parseYaml(JSON.stringify(record), 'x', 'invalid-spec');
  if (!parsed.ok) return { good: false };
  const read = readShape(specShape, parsed.source.root, parsed.source);
  return { good: read.value !== undefined && read.failures.length === 0 };
};
const plain: Spec = {
  id: 'SPEC-a',
  title: 'A',
  level: 'module',
  status: 'active',
  criteria: [{ id: 'AC-a', title: 'One' }],
};

describe('the quick check of plain values', () => {
  // @verifies AC-catalog-quick-check
  it('accepts no spec whose file would be refused or read otherwise', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        if (!accepts(specShape, specRecord(spec))) return;
        const again = parseSpecText(formatSpec(spec), 'x.yaml');
        expect(again.ok ? [] : again.failures).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('accepts ordinary specs, so that imports take the quick way', () => {
    expect(accepts(specShape, specRecord(plain))).toBe(true);
    expect(
      accepts(
        specShape,
        specRecord({
          ...plain,
          extra: { jsonl: { fields: { created_at: '2026-01-01' }, list: [1, 'two', null, true] } },
          criteria: [
            {
              id: 'AC-a',
              title: 'One',
              intent: 'Two\nlines',
              concerns: ['security'],
              verified_by: [
                { kind: 'run', target: 'make', timeout: '30s', env: { A: null, B: '1' }, expect: { exit: 3 } },
              ],
              implemented_by: [{ code: 'src/a.ts::a' }],
            },
          ],
        }),
      ),
    ).toBe(true);
  });

  // @verifies AC-catalog-quick-check
  it.each(MALFORMED_RECORDS)('accepts nothing that the reader refuses: %s', (_name, record) => {
    expect([readByText(record).good, accepts(specShape, record)]).toEqual([false, false]);
  });

  it('leaves deep, long and strange values to the reader', () => {
    let deep: unknown = 'x';
    for (let depth = 0; depth < 80; depth += 1) deep = [deep];
    const holding = (extra: unknown): unknown => ({
      id: 'SPEC-a',
      title: 'A',
      level: 'module',
      status: 'active',
      extra,
    });
    for (const extra of [
      { deep },
      { ['k'.repeat(2000)]: 1 },
      { n: Number.NaN },
      { n: 1e300 },
      { '': 1 },
      { u: undefined },
    ])
      expect(accepts(specShape, holding(extra))).toBe(false);
    const long = Array.from({ length: 200 }, (_, at) => [`k${at}`, 'x'.repeat(60_000)]);
    expect(accepts(specShape, holding(Object.fromEntries(long)))).toBe(false);
  });
});
