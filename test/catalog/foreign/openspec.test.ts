import { describe, expect, it } from 'vitest';
import { readOpenSpec } from '../../../src/catalog/formats/foreign/openspec/read.js';
import { writeOpenSpec } from '../../../src/catalog/formats/foreign/openspec/write.js';
import { readCatalog, writeYaml, type ForeignCatalog } from '../../../src/catalog/index.js';
import { criteriaOf, type Catalog, type Criterion, type Result, type Spec } from '../../../src/model/index.js';
import { DELTA, SPEC, UNUSUAL } from './openspec-sample.js';

const KETTLE = 'specs/kettle/spec.md';
const CHANGE = 'changes/add-beep/specs/kettle/spec.md';

const tryRead = async (files: Readonly<Record<string, string>>): Promise<Result<ForeignCatalog>> =>
  readOpenSpec(Object.entries(files).map(([file, text]) => ({ file, content: new TextEncoder().encode(text) })));

async function read(files: Readonly<Record<string, string>>): Promise<ForeignCatalog> {
  const result = await tryRead(files);
  if (!result.ok) throw new Error(result.failures.map((failure) => failure.message).join('\n'));
  return result.value;
}

async function write(catalog: Catalog): Promise<Readonly<Record<string, string>>> {
  const result = await writeOpenSpec(catalog);
  if (!result.ok) throw new Error('not written');
  return Object.fromEntries([...result.value].map(([file, text]) => [file, String(text)]));
}

/** As the next command reads it: through our own spec files. */
function throughYaml(catalog: Catalog): Catalog {
  const encoder = new TextEncoder();
  const files = [...writeYaml(catalog)].map(([file, text]) => ({ file, content: encoder.encode(text) }));
  const { catalog: again, failures } = readCatalog(files);
  expect(failures).toEqual([]);
  return again;
}

const specOf = (criteria: readonly Criterion[], rest: Partial<Spec> = {}): Spec => ({
  id: 'SPEC-tea',
  title: 'Tea',
  level: 'module',
  status: 'active',
  criteria,
  ...rest,
});

describe('OpenSpec documents', () => {
  // @verifies AC-catalog-openspec-items
  it('give a criterion for each requirement and scenario, with title, text and place', async () => {
    const { catalog } = await read({ [KETTLE]: SPEC });
    const [spec] = catalog.specs;
    expect(spec).toMatchObject({ id: 'SPEC-kettle', title: 'Kettle Specification', source: { id: 'kettle' } });
    expect(spec?.intent).toMatch(/^Says what the kettle does/);
    const criteria = spec === undefined ? [] : criteriaOf(spec);
    expect(criteria.map(({ source }) => [source?.id, source?.line])).toEqual([
      ['kettle/Switch off at boiling point', 8],
      ['kettle/Switch off at boiling point/Water boils', 14],
      ['kettle/Switch off at boiling point/Lid is open', 22],
      ['kettle/Fill level', 26],
      ['kettle/Fill level/Half full', 29],
    ]);
    expect(criteria[1]?.traces).toEqual([{ to: criteria[0]?.id, role: 'scenario' }]);
    expect(criteria[1]?.description).toMatch(/##### Details\n- inside the scenario$/);
    expect(criteria[4]?.description).toMatch(/### Requirement: Not a requirement/);
  });

  // @verifies AC-catalog-openspec-change
  it('of a change are drafts that name it; what it removes and renames is kept as notes', async () => {
    const { catalog } = await read({ [CHANGE]: DELTA });
    const [spec] = catalog.specs;
    expect(spec).toMatchObject({ id: 'SPEC-changes/add-beep/kettle', status: 'draft' });
    const criteria = spec === undefined ? [] : criteriaOf(spec);
    expect(criteria).toHaveLength(1);
    expect(criteria[0]).toMatchObject({
      title: 'Beep when done',
      status: 'draft',
      source: { id: 'changes/add-beep/kettle/Beep when done', status: 'change add-beep' },
    });
  });

  // @verifies AC-catalog-openspec-round-trip
  it('have the same bytes after import and export, through spec files of ours, whatever their form', async () => {
    const files = {
      [KETTLE]: SPEC,
      [CHANGE]: DELTA,
      'specs/a/deep/spec.md': UNUSUAL,
      'specs/a-deep/spec.md': `\uFEFF${SPEC.replaceAll('\n', '\r\n')}`,
      'specs/bare/spec.md': '',
      'specs/blank/spec.md': '\ttext\n \n# T\n# \n',
      'specs/heading/spec.md': '### \n# \n',
      'specs/ended/spec.md': '### Requirements\n##### A\n#### B\nMUST\n### Requirement: Outside\n',
      'specs/tight/spec.md': '# T\nBelow.\n## Purpose\n\nP\n## Requirements\n### Requirement: A\n\nB SHALL\n\n\n',
    };
    const { catalog } = await read(files);
    const written = await write(throughYaml(catalog));
    expect(written).toEqual(files);
    expect(await write(throughYaml((await read(written)).catalog))).toEqual(files);
  });

  // @verifies AC-catalog-openspec-items
  it('hold requirements in the first section of that name only, at whatever depth', async () => {
    const { catalog, notes } = await read({ 'specs/odd/spec.md': UNUSUAL });
    const criteria = catalog.specs.flatMap((spec) => criteriaOf(spec));
    expect(criteria.map(({ title }) => title)).toEqual(['Blanks  inside', 'Plain heading', 'Given']);
    expect(catalog.specs[0]?.intent).toBe('Stands behind the requirements.\n### Part of it\n\nText.');
    expect(notes).toEqual([]);
  });

  // @verifies AC-catalog-openspec-round-trip
  it('change by an edited title in that heading only', async () => {
    const { catalog } = await read({ [KETTLE]: SPEC });
    const edited = catalog.specs.map((spec) => ({
      ...spec,
      criteria: criteriaOf(spec).map((entry) => (entry.title === 'Half full' ? { ...entry, title: 'Half' } : entry)),
    }));
    expect((await write({ specs: edited }))[KETTLE]).toBe(
      SPEC.replace('##### Scenario: Half full', '##### Scenario: Half'),
    );
  });

  // @verifies AC-catalog-openspec-malformed
  it('with a title that stands twice are read whole, and it is said where', async () => {
    const text = '## Purpose\nP\n\n## Requirements\n\n### Requirement: A\nSHALL\n\n### Requirement: A\nMUST\n';
    const { catalog, notes } = await read({ [KETTLE]: text });
    expect(catalog.specs.flatMap((spec) => criteriaOf(spec)).map(({ description }) => description)).toEqual([
      'SHALL',
      'MUST',
    ]);
    expect(notes).toEqual([`${KETTLE}:9: the requirement "A" stands at ${KETTLE}:6 already.`]);
    expect(await write(throughYaml(catalog))).toEqual({ [KETTLE]: text });
  });

  // @verifies AC-catalog-openspec-malformed
  it('with a fence that never ends are refused at its line', async () => {
    const result = await tryRead({ [KETTLE]: '## Purpose\nP\n\n````\n```\n## Requirements\n' });
    expect(result).toMatchObject({ ok: false, failures: [{ file: KETTLE, line: 4, column: 1 }] });
  });

  // @verifies AC-catalog-openspec-malformed
  it('without a section, and files that are no specs, are told of', async () => {
    const { notes } = await read({ [KETTLE]: '# K\n\n## Other\nText\n', 'changes/archive/x/specs/k/spec.md': DELTA });
    expect(notes).toEqual([
      `${KETTLE} has no section "Purpose": OpenSpec itself refuses it.`,
      `${KETTLE} has no section "Requirements": its text is kept as notes, and none of it is a criterion.`,
      '1 of 2 files are no specs (proposals, tasks, archived changes) and stay where they are.',
    ]);
  });

  // @verifies AC-catalog-openspec-malformed
  it('with a title that is too long, or no UTF-8, are refused at their place', async () => {
    const long = await tryRead({ [KETTLE]: `## Requirements\n### Requirement: ${'x'.repeat(501)}\n` });
    expect(long).toMatchObject({ ok: false, failures: [{ file: KETTLE, line: 2, column: 1 }] });
    const latin = await readOpenSpec([{ file: KETTLE, content: Buffer.from('# K\n\xe9', 'latin1') }]);
    expect(latin).toMatchObject({ ok: false, failures: [{ file: KETTLE, line: 2, column: 1 }] });
  });

  // @verifies AC-catalog-openspec-round-trip
  it('made from specs of ours read back with the same items, and a further export changes no byte', async () => {
    const spec = specOf(
      [
        { id: 'AC-tea-hot', title: 'Hot', description: 'It SHALL be hot.\n### Requirement: Text only\n```\nopen' },
        { id: 'AC-tea-note', title: 'Remark', kind: 'note', description: 'Only text.' },
        { id: 'AC-tea-old', title: 'Old', status: 'retired' },
        { id: 'AC-tea-green', title: 'Green' },
        { id: 'AC-tea-80', title: 'At 80', traces: [{ to: 'AC-tea-hot', role: 'scenario' }], description: '- THEN 80' },
        { id: 'AC-tea-81', title: 'At 81', traces: [{ to: 'AC-tea-80', role: 'scenario' }], description: '- THEN 81' },
      ],
      { intent: 'About tea.\n## Requirements\nnone' },
    );
    const first = await write({ specs: [spec] });
    const { catalog } = await read(first);
    const criteria = catalog.specs.flatMap((each) => criteriaOf(each));
    expect(criteria.map(({ title, traces }) => [title, traces !== undefined])).toEqual([
      ['Hot', false],
      ['At 80', true],
      ['Green', false],
      ['At 81', false],
    ]);
    expect(await write(throughYaml(catalog))).toEqual(first);
  });
});
