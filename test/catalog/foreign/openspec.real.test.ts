import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readOpenSpec } from '../../../src/catalog/formats/foreign/openspec/read.js';
import { writeOpenSpec } from '../../../src/catalog/formats/foreign/openspec/write.js';
import { criteriaOf, entriesOf } from '../../../src/model/index.js';
import { capture } from '../../../src/util/process.js';
import { hookTools } from '../../rig/hook-tools.js';
import { DELTA, SPEC, UNUSUAL } from './openspec-sample.js';

const FILES = {
  'specs/kettle/spec.md': SPEC,
  'specs/a/odd/spec.md': UNUSUAL,
  'changes/add-beep/specs/kettle/spec.md': DELTA,
};
const PROPOSAL =
  '# Change: Beep\n\n## Why\nPeople walk away from the kettle and forget it entirely.\n\n## What Changes\n- **kettle:** beep\n';

interface Shown {
  readonly overview: string;
  readonly requirements: readonly {
    readonly text: string;
    readonly scenarios: readonly { readonly rawText: string }[];
  }[];
}

const tool = await hookTools('openspec');
const folders: string[] = [];
afterAll(async () => Promise.all(folders.map(async (folder) => rm(folder, { recursive: true, force: true }))));

/** A project with these files, and what the tool itself says about it. */
async function openProject(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(join(tmpdir(), 'coherence-openspec-'));
  folders.push(root);
  for (const [file, text] of Object.entries({ ...files, 'changes/add-beep/proposal.md': PROPOSAL })) {
    await mkdir(dirname(join(root, 'openspec', file)), { recursive: true });
    await writeFile(join(root, 'openspec', file), text);
  }
  return {
    ask: async (...words: string[]): Promise<unknown> => {
      if (!('folder' in tool)) throw new Error(tool.missing);
      const command = [join(tool.folder, 'node_modules', '.bin', 'openspec'), ...words, '--json'];
      const env = {
        ...process.env,
        OPENSPEC_TELEMETRY: '0',
        OPEN_SPEC_INTERACTIVE: '0',
        XDG_CONFIG_HOME: join(root, 'config'),
      };
      const done = await capture({ command, cwd: root, env, timeoutMs: 60_000 });
      // The only fact that is of the place, not of the text.
      return { ...(JSON.parse(done.stdout) as object), root: null };
    },
  };
}

const readFiles = async (files: Readonly<Record<string, string>>) => {
  const result = await readOpenSpec(
    Object.entries(files).map(([file, text]) => ({ file, content: new TextEncoder().encode(text) })),
  );
  if (!result.ok) throw new Error('not read');
  return result.value.catalog;
};

describe.skipIf('missing' in tool)('OpenSpec itself', () => {
  // @verifies AC-catalog-openspec-items
  it('reads the same requirements and scenarios as the import', async () => {
    const project = await openProject(FILES);
    for (const spec of (await readFiles(FILES)).specs.filter(({ status }) => status === 'active')) {
      const shown = (await project.ask('show', spec.source?.id ?? '', '--type', 'spec')) as Shown;
      expect(shown.overview).toBe(spec.intent);
      const scenarios = (id: string): readonly (string | undefined)[] =>
        criteriaOf(spec)
          .filter((entry) => entry.traces?.[0]?.to === id)
          .map(({ description }) => description);
      const own = criteriaOf(spec).filter(({ traces }) => traces === undefined);
      expect(shown.requirements.map((each) => each.scenarios.map(({ rawText }) => rawText))).toEqual(
        own.map(({ id }) => scenarios(id)),
      );
      // The tool drops blank lines and lines such as `**ID**: x`.
      const textOf = (text: string): string =>
        text
          .split('\n')
          .filter((line) => !/^(?:\*\*.*|\s*)$/u.test(line))
          .join('\n');
      expect(shown.requirements.map(({ text }) => text)).toEqual(
        own.map(({ description }) => textOf(description ?? '')),
      );
    }
  });

  // @verifies AC-catalog-openspec-round-trip
  it('says the same of our export as of the original, deltas of changes included', async () => {
    const catalog = await readFiles(FILES);
    // Without what the import kept of the layout: the facts alone have to carry it.
    const plain = catalog.specs.map((spec) =>
      spec.id !== 'SPEC-kettle'
        ? spec
        : { ...spec, criteria: entriesOf(spec).map(({ extra: _extra, ...entry }) => entry) },
    );
    const written = await writeOpenSpec({ specs: plain });
    if (!written.ok) throw new Error('not written');
    const exported = Object.fromEntries([...written.value].map(([file, text]) => [file, String(text)]));
    const [before, after] = [await openProject(FILES), await openProject(exported)];
    for (const words of [
      ['show', 'kettle', '--type', 'spec'],
      ['show', 'add-beep', '--type', 'change'],
      ['list', '--specs'],
    ])
      expect(await after.ask(...words)).toEqual(await before.ask(...words));
  });

  // @verifies AC-catalog-openspec-round-trip
  it('accepts a spec of ours that was never one of its own', async () => {
    const written = await writeOpenSpec({
      specs: [
        {
          id: 'SPEC-tea',
          title: 'Tea',
          level: 'module',
          status: 'active',
          intent: 'Says what tea has to be, at some length, so that the purpose is long enough for the tool.',
          criteria: [
            { id: 'AC-tea-hot', title: 'Hot', description: 'Tea SHALL be hot.' },
            {
              id: 'AC-tea-80',
              title: 'At 80',
              description: '- **WHEN** poured\n- **THEN** 80 degrees',
              traces: [{ to: 'AC-tea-hot', role: 'scenario' }],
            },
          ],
        },
      ],
    });
    if (!written.ok) throw new Error('not written');
    const project = await openProject(
      Object.fromEntries([...written.value].map(([file, text]) => [file, String(text)])),
    );
    expect(await project.ask('validate', 'tea', '--type', 'spec', '--strict')).toMatchObject({
      summary: { totals: { items: 1, passed: 1, failed: 0 } },
    });
  });
});
