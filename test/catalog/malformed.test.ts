import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseDocument } from 'yaml';
import { loadCatalog, specSchema } from '../../src/catalog/index.js';
import { configSchema, loadProject } from '../../src/config/index.js';
import { EXIT_OF_FAILURE, type Failure } from '../../src/model/index.js';
import { CONFIG_CASES, MANIFEST_CASES, SPEC_CASES, type MalformedCase } from './malformed-cases.js';
import { validates } from './schema-validator.js';

const MANIFEST = 'project_slug = "demo"\nproject_hash = "abcd"\ndolt_db_name = "demo_abcd"\n';

function project(file: string, content: string | Uint8Array): string {
  const root = mkdtempSync(join(tmpdir(), 'coherence-malformed-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, '.coherence'));
  mkdirSync(join(root, 'specs'));
  writeFileSync(join(root, '.coherence/project.toml'), MANIFEST);
  writeFileSync(join(root, file), content);
  return root;
}

/** What came of it: failures without place, sentence or hint (there may be none), the first one, and whether the file is what it was. */
const outcome = (file: string, found: readonly Failure[], root: string, before: string | Uint8Array): unknown => ({
  incomplete: found.filter(
    (failure) =>
      EXIT_OF_FAILURE[failure.kind] !== 65 ||
      failure.file !== file ||
      !(Number(failure.line) >= 1) ||
      !(Number(failure.column) >= 1) ||
      !/[.]$/.test(failure.message) ||
      !(Number(failure.hint?.length) > 5),
  ),
  first: [found[0]?.line, found[0]?.column, found[0]?.message],
  unsafe: found[0]?.kind === 'unsafe-path',
  unchanged: readFileSync(join(root, file)).equals(Buffer.from(before)),
});
const refusal = (wanted: MalformedCase): unknown => ({
  incomplete: [],
  first: [...wanted.at, expect.stringContaining(wanted.says)],
  unsafe: wanted.kind === 'unsafe-path',
  unchanged: true,
});

// @verifies AC-catalog-malformed
describe('a malformed file is refused with its place and what to do, and stays as it is:', () => {
  it.each(SPEC_CASES.map((one) => [one.name, one] as const))('spec with %s', async (_name, wanted) => {
    const root = project('specs/a.yaml', wanted.text);
    const { failures } = await loadCatalog(root);
    expect(outcome('specs/a.yaml', failures, root, wanted.text)).toEqual(refusal(wanted));
  });

  it.each(CONFIG_CASES.map((one) => [one.name, one] as const))('config with %s', async (_name, wanted) => {
    const root = project('.coherence/config.yaml', wanted.text);
    const loaded = await loadProject({ cwd: root, env: { HOME: root } });
    expect(outcome('.coherence/config.yaml', loaded.ok ? [] : loaded.failures, root, wanted.text)).toEqual(
      refusal(wanted),
    );
  });

  it.each(MANIFEST_CASES.map((one) => [one.name, one] as const))('manifest with %s', async (_name, wanted) => {
    const root = project('.coherence/project.toml', wanted.text);
    const loaded = await loadProject({ cwd: root, env: { HOME: root } });
    expect(outcome('.coherence/project.toml', loaded.ok ? [] : loaded.failures, root, wanted.text)).toEqual(
      refusal(wanted),
    );
  });

  it('all of several bad files at once, in order', async () => {
    const root = project('specs/b.yaml', 'id: SPEC-b\nlevel: x\nstatus: y\n');
    writeFileSync(join(root, 'specs/a.yaml'), 'titel: A\n');
    writeFileSync(join(root, 'specs/good.yaml'), 'id: SPEC-good\ntitle: G\nlevel: module\nstatus: active\n');
    const { failures, catalog } = await loadCatalog(root);
    expect(failures.map((failure) => `${failure.file}:${failure.line}:${failure.column}`)).toEqual([
      'specs/a.yaml:1:1',
      'specs/a.yaml:1:1',
      'specs/a.yaml:1:1',
      'specs/a.yaml:1:1',
      'specs/a.yaml:1:1',
      'specs/b.yaml:1:1',
      'specs/b.yaml:2:8',
      'specs/b.yaml:3:9',
    ]);
    expect(catalog.specs.map((spec) => spec.id)).toEqual(['SPEC-good']);
  });
});

describe('the JSON Schemas', () => {
  // @verifies AC-catalog-schema
  it('in schema/ are those of the parser (vitest -u writes them)', async () => {
    const text = (schema: object): string => `${JSON.stringify(schema, null, 2)}\n`;
    await expect(text(specSchema())).toMatchFileSnapshot('../../schema/spec.schema.json');
    await expect(text(configSchema())).toMatchFileSnapshot('../../schema/config.schema.json');
  });

  // @verifies AC-catalog-schema
  it.each(
    [
      ...SPEC_CASES.map((one) => [`spec with ${one.name}`, one, specSchema()] as const),
      ...CONFIG_CASES.map((one) => [`config with ${one.name}`, one, configSchema()] as const),
    ].filter(([, one]) => one.schema === true),
  )('refuse the %s too', (_name, wanted, schema) => {
    expect(validates(schema, parseDocument(String(wanted.text)).toJS())).toBe(false);
  });
});
