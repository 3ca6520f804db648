import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatSpec,
  parseSpecText,
  planImport,
  readJsonl,
  withoutPositions,
  writeJsonl,
  type ImportedCatalog,
  type ReadJsonlOptions,
} from '../../src/catalog/index.js';
import type { Catalog, Spec } from '../../src/model/index.js';
import { anyText, spec } from './arbitrary.js';

/** Real data that is not part of the product; beside the repository where it is there at all. */
const CASES =
  process.env['COHERENCE_CASES'] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'shared', 'cases');
const CORPUS = join(CASES, 'bootstrap-specs.jsonl');
const SAMPLES = join(CASES, 'bootstrap-record-types.jsonl');

function imported(text: string, options: ReadJsonlOptions = {}): ImportedCatalog {
  const result = readJsonl(text, 'in.jsonl', options);
  if (!result.ok) throw new Error(JSON.stringify(result.failures.slice(0, 5), null, 1));
  return result.value;
}

// @verifies AC-catalog-bytes
it('bytes that are no UTF-8 are refused with line and column', () => {
  const line = (title: string): string => `${JSON.stringify({ ...SPEC_LINE, title })}\n`;
  const bad = Buffer.from(line('A') + line('caf\u00e9').replace('SPEC-A', 'SPEC-B'), 'latin1');
  expect(readJsonl(bad, 'in.jsonl')).toMatchObject({
    ok: false,
    failures: [{ kind: 'invalid-spec', file: 'in.jsonl', line: 2, message: 'The file is not valid UTF-8.' }],
  });
  expect(readJsonl(Buffer.from(`\ufeff${line('A')}`, 'utf16le'), 'in.jsonl')).toMatchObject({
    ok: false,
    failures: [{ message: 'The file is UTF-16, not UTF-8.' }],
  });
  expect(readJsonl(Buffer.from(line('caf\u00e9')), 'in.jsonl')).toMatchObject({ ok: true });
});

/** The catalog after a way through spec files. */
const throughFiles = (catalog: Catalog): Catalog => ({
  specs: catalog.specs.map((value) => {
    const parsed = parseSpecText(formatSpec(value), 'specs/x.yaml');
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.failures));
    return withoutPositions(parsed.value);
  }),
});

const SPEC_LINE = {
  created_at: 'm1',
  description: '',
  id: 'SPEC-A',
  level: 'module',
  slug: 'a',
  status: 'draft',
  title: 'A',
  type: 'spec',
  updated_at: 'm2',
};
const AC_LINE = {
  created_at: 'm1',
  id: 'AC-A-x',
  intent: 'i',
  review_mode: 'manual',
  risk_level: 'high',
  slug: 'x',
  spec_id: 'SPEC-A',
  title: 'X',
  type: 'acceptance_criterion',
  updated_at: 'm1',
};
const LOCATION = {
  created_at: '',
  file_path: 'tests/x.rs',
  id: 'cl-1',
  kind: 'test_file',
  repo_path: '.',
  symbol: '',
  test_command: 'cargo test -p p name',
  type: 'codeintel_code_location',
  updated_at: '',
};
const LINK = {
  ac_id: 'AC-A-x',
  code_location_id: 'cl-1',
  created_at: '',
  id: 'acl-1',
  note: 'because',
  relation_kind: 'verified_by',
  type: 'codeintel_ac_link',
  updated_at: '',
};
const lines = (...records: object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('');

describe('JSON Lines of the six record types', () => {
  // @verifies AC-catalog-jsonl-corpus
  it.skipIf(!existsSync(CORPUS))('give back the real corpus line for line', () => {
    const text = readFileSync(CORPUS, 'utf8');
    const { catalog, counts } = imported(text);
    expect([counts.spec, counts.acceptance_criterion]).toEqual([39, 235]);
    expect(writeJsonl(throughFiles(catalog))).toBe(text);
  });

  // @verifies AC-catalog-jsonl-records
  it.skipIf(!existsSync(SAMPLES))('give back every record of the real samples', () => {
    const samples = readFileSync(SAMPLES, 'utf8');
    const records = samples
      .split('\n')
      .filter((line) => line !== '')
      .map((line): Record<string, string> => JSON.parse(line));
    const specIds = new Set(
      records.flatMap((record) => [record['source_spec_id'] ?? [], record['target_spec_id'] ?? []].flat()),
    );
    const criterionIds = new Set(records.flatMap((record) => record['ac_id'] ?? []));
    const parents = [...specIds]
      .map((id) => ({ ...SPEC_LINE, id }))
      .concat([...criterionIds].map((id) => ({ ...AC_LINE, id, spec_id: 'SPEC-A' }) as never));
    const { catalog } = imported(samples + lines(...parents));
    const written = writeJsonl(throughFiles(catalog));
    expect(samples.split('\n').filter((line) => !written.split('\n').includes(line))).toEqual([]);
    expect(written.split('\n')).toHaveLength(records.length + parents.length + 1);
    expect(writeJsonl(imported(written).catalog)).toBe(written);
  });

  // @verifies AC-catalog-jsonl-records
  it('keep relations with notes, concerns, locations, links, unknown fields and missing ones', () => {
    const { description: _description, ...bare } = SPEC_LINE;
    const text = lines(
      SPEC_LINE,
      { ...bare, id: 'SPEC-B', custom: { a: [1, null] } },
      AC_LINE,
      { ...AC_LINE, id: 'AC-A-y', slug: null },
      {
        created_at: 'm',
        id: 'R1',
        note: 'why',
        relation_kind: 'depends_on',
        source_spec_id: 'SPEC-A',
        target_spec_id: 'SPEC-B',
        type: 'spec_relation',
        updated_at: '',
      },
      {
        created_at: 'm',
        id: 'R2',
        note: 'see',
        relation_kind: 'see_also',
        source_spec_id: 'SPEC-B',
        target_spec_id: 'SPEC-B',
        type: 'spec_relation',
        updated_at: '',
      },
      { ac_id: 'AC-A-x', concern_kind: 'performance', type: 'acceptance_criterion_concern' },
      { ac_id: 'AC-A-x', concern_kind: 'security', type: 'acceptance_criterion_concern', weight: 2 },
      LOCATION,
      { ...LOCATION, id: 'cl-orphan' },
      { ...LOCATION, id: 'cl-2', file_path: 'src/a.rs', symbol: 'f', test_command: '' },
      LINK,
      { ...LINK, id: 'acl-2', ac_id: 'AC-A-y' },
      { ...LINK, id: 'acl-3', code_location_id: 'cl-2', relation_kind: 'implemented_by' },
      { ...LINK, id: 'acl-4', relation_kind: 'tracked_by' },
    );
    const { catalog } = imported(text);
    expect(new Set(writeJsonl(throughFiles(catalog)).split('\n'))).toEqual(
      new Set(
        text
          .split('\n')
          .map((line) =>
            line === ''
              ? ''
              : JSON.stringify(
                  Object.fromEntries(Object.entries(JSON.parse(line) as object).sort(([a], [b]) => (a < b ? -1 : 1))),
                ),
          ),
      ),
    );
    expect(catalog.specs[0]?.depends_on).toEqual(['SPEC-B']);
    expect(catalog.specs[0]?.criteria?.[0]).toMatchObject({
      concerns: ['performance', 'security'],
      verified_by: [{ kind: 'run', target: 'cargo test -p p name', note: 'because' }],
      implemented_by: [{ code: 'src/a.rs::f' }],
    });
  });

  // @verifies AC-catalog-jsonl-order
  it('read the same in any order of lines', () => {
    const all = [
      SPEC_LINE,
      { ...SPEC_LINE, id: 'SPEC-B' },
      AC_LINE,
      LOCATION,
      LINK,
      { ac_id: 'AC-A-x', concern_kind: 'security', type: 'acceptance_criterion_concern' },
    ];
    const expected = writeJsonl(imported(lines(...all)).catalog);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        expect(writeJsonl(imported(lines(...shuffled)).catalog)).toBe(expected);
      }),
      { numRuns: 20 },
    );
  });

  // @verifies AC-catalog-jsonl-resolve
  it('turn commands of known runners into test links where they resolve, and give the record back', () => {
    const asked: unknown[] = [];
    const { catalog } = imported(lines(SPEC_LINE, AC_LINE, LOCATION, LINK), {
      resolve: (query) => {
        asked.push(query);
        return 'tests/x.rs::name';
      },
    });
    expect(asked).toEqual([{ runner: 'cargo', file: 'tests/x.rs', scope: 'p', target: null, name: 'name' }]);
    expect(catalog.specs[0]?.criteria?.[0]?.verified_by).toEqual([
      { kind: 'test', target: 'tests/x.rs::name', note: 'because' },
    ]);
    const written = writeJsonl(throughFiles(catalog));
    expect(written).toContain(`${JSON.stringify(LOCATION)}\n${JSON.stringify(LINK)}\n`);
  });

  // @verifies AC-catalog-jsonl-refuses
  it('refuse the whole file, naming line and field', () => {
    const cases: readonly (readonly [string, string, string, number, string])[] = [
      ['broken JSON', lines(SPEC_LINE, AC_LINE) + '{"type":\n', 'Line 3', 3, 'not JSON'],
      ['unknown type', lines(SPEC_LINE, AC_LINE, { type: 'spek', id: 'x' }), 'Line 3, field type', 3, 'unknown'],
      ['no type', lines(SPEC_LINE, { id: 'x' }), 'Line 2, field type', 2, 'no type'],
      ['a list', `${lines(SPEC_LINE)}[]\n`, 'Line 2', 2, 'not a JSON object'],
      ['bad level', lines({ ...SPEC_LINE, level: 'modul' }), 'Line 1, field level', 1, 'product, system, module'],
      ['bad risk', lines(SPEC_LINE, { ...AC_LINE, risk_level: 'huge' }), 'Line 2, field risk_level', 2, 'critical'],
      [
        'bad concern',
        lines(SPEC_LINE, AC_LINE, { ac_id: 'AC-A-x', concern_kind: 'beauty', type: 'acceptance_criterion_concern' }),
        'Line 3, field concern_kind',
        3,
        'usability',
      ],
      ['no title', lines({ ...SPEC_LINE, title: '' }), 'Line 1, field title', 1, 'empty'],
      ['a number as title', lines({ ...SPEC_LINE, title: 5 }), 'Line 1, field title', 1, 'must be a text'],
      ['dangling spec', lines(SPEC_LINE, { ...AC_LINE, spec_id: 'SPEC-Z' }), 'Line 2, field spec_id', 2, 'no spec'],
      ['dangling criterion', lines(SPEC_LINE, LOCATION, LINK), 'Line 3, field ac_id', 3, 'no criterion'],
      ['dangling location', lines(SPEC_LINE, AC_LINE, LINK), 'Line 3, field code_location_id', 3, 'no code location'],
      [
        'dangling relation',
        lines(SPEC_LINE, {
          id: 'R',
          relation_kind: 'x',
          source_spec_id: 'SPEC-A',
          target_spec_id: 'SPEC-Q',
          type: 'spec_relation',
        }),
        'Line 2, field target_spec_id',
        2,
        'no spec',
      ],
      ['twice', lines(SPEC_LINE, SPEC_LINE), 'Line 2, field id', 2, 'line 1'],
      ['twice but for case', lines(SPEC_LINE, { ...SPEC_LINE, id: 'SPEC-a' }), 'Line 2, field id', 2, 'taken'],
      ['control characters', lines({ ...SPEC_LINE, id: 'SPEC-\u001b[31m' }), 'Line 1, field id', 1, 'printed'],
      [
        'foreign field of ours',
        lines({ ...SPEC_LINE, coherence: { id: 'SPEC-B' } }),
        'Line 1, field coherence',
        1,
        'unknown',
      ],
      [
        'bad link of ours',
        lines(SPEC_LINE, AC_LINE, LOCATION, { ...LINK, coherence: { test: '../x' } }),
        'Line 4, field coherence',
        4,
        '..',
      ],
    ];
    for (const [name, text, place, line, says] of cases) {
      const result = readJsonl(text, 'in.jsonl');
      expect([name, result]).toMatchObject([
        name,
        { ok: false, failures: [{ kind: 'invalid-spec', file: 'in.jsonl', line }] },
      ]);
      expect(JSON.stringify(result)).toContain(place);
      expect(JSON.stringify(result)).toContain(says);
    }
  });

  it('never throw, whatever the text is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText(100),
          fc
            .array(
              fc.oneof(
                fc.json(),
                fc.constant(JSON.stringify(SPEC_LINE)),
                fc.constant('{"type":"spec","__proto__":{"id":"x"}}'),
              ),
            )
            .map((parts) => parts.join('\n')),
        ),
        (text) => {
          const result = readJsonl(text, 'in.jsonl');
          expect(
            result.ok ||
              result.failures.every(
                (found) => found.kind === 'invalid-spec' && (found.line ?? 0) > 0 && (found.column ?? 0) > 0,
              ),
          ).toBe(true);
        },
      ),
      { numRuns: 120 },
    );
  });

  // @verifies AC-catalog-jsonl-stable
  it('of any catalog of ours come back complete, and export, import, export changes no byte', () => {
    fc.assert(
      fc.property(fc.uniqueArray(spec, { maxLength: 3, selector: (value) => value.id.toLowerCase() }), (generated) => {
        const specs = distinct(generated);
        const text = writeJsonl({ specs });
        const again = imported(text).catalog;
        expect(writeJsonl(throughFiles(again))).toBe(text);
        const plan = planImport({ specs }, again, { prune: false });
        expect([plan.created, plan.changed, plan.removed]).toEqual([[], [], []]);
        expect(plan.next.specs).toEqual([...specs].sort((left, right) => (left.id < right.id ? -1 : 1)));
      }),
      { numRuns: 25 },
    );
  });
});

/** Without links that stand twice, ids that clash and references to nothing, which a record set cannot hold. */
function distinct(specs: readonly Spec[]): Spec[] {
  const ids = new Set(specs.map((value) => value.id));
  return specs.map(({ criteria, depends_on: depends, constrained_by: constrained, ...value }) => ({
    ...value,
    ...(depends === undefined ? {} : { depends_on: depends.filter((id) => ids.has(id)) }),
    ...(constrained === undefined ? {} : { constrained_by: constrained.filter((id) => ids.has(id)) }),
    ...(criteria === undefined
      ? {}
      : {
          criteria: criteria.map((criterion) => ({
            ...criterion,
            id: criterion.id.replace('AC-', `AC-${specs.findIndex((other) => other.id === value.id)}-`),
            ...(criterion.verified_by === undefined
              ? {}
              : {
                  verified_by: criterion.verified_by.filter(
                    (link, index, all) =>
                      all.findIndex((other) => other.kind === link.kind && other.target === link.target) === index,
                  ),
                }),
            ...(criterion.implemented_by === undefined
              ? {}
              : {
                  implemented_by: criterion.implemented_by.filter(
                    (link, index, all) => all.findIndex((other) => other.code === link.code) === index,
                  ),
                }),
          })),
        }),
  }));
}
