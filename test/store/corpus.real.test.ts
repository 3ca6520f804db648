import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportCatalog } from '../../src/app/export.js';
import { importCatalog } from '../../src/app/import.js';
import { catalogAt } from '../../src/app/catalog-change.js';
import { openProjectStore } from '../../src/app/store-place.js';
import { startStore, stopStore, storeLog } from '../../src/app/store.js';
import { syncState } from '../../src/app/sync.js';
import { criteriaOf, type Catalog } from '../../src/model/index.js';
import { runningServer } from '../../src/store/index.js';
import { canonicalJson } from '../../src/util/hash.js';
import { drive } from './program.js';
import { doltHere, get, newProject, type TestProject } from './rig.js';

const CORPUS = process.env['COHERENCE_CORPUS'] ?? '/work/shared/cases/bootstrap-specs.jsonl';
const here = existsSync(CORPUS);
const request = (path: string, over: { dryRun?: boolean; prune?: boolean } = {}): Parameters<typeof importCatalog>[1] => ({
  path,
  name: 'in.jsonl',
  dryRun: false,
  prune: false,
  ...over,
});
const exported = async (at: TestProject): Promise<string> =>
  get(await exportCatalog(at.project, { format: 'jsonl', out: null, check: false }, at.env)).text ?? '';
const shape = (catalog: Catalog): [number, number] => [catalog.specs.length, catalog.specs.flatMap(criteriaOf).length];
const stored = async (at: TestProject): Promise<Catalog> => {
  const session = get(await openProjectStore(at.project, { env: at.env }));
  try {
    return get(await session.catalog());
  } finally {
    await session.close();
  }
};

describe.skipIf(!here)('the real corpus, from files alone', () => {
  // @verifies AC-store-corpus
  it('comes in and goes out line for line, and the second import changes nothing', async () => {
    const at = await newProject();
    const text = await readFile(CORPUS, 'utf8');
    const dry = get(await importCatalog(at.project, request(CORPUS, { dryRun: true }), at.env));
    expect([dry.specs, dry.criteria, dry.plan.created.length]).toEqual([39, 235, 274]);
    expect(get(await catalogAt(at.project)).specs).toEqual([]);
    const first = get(await importCatalog(at.project, request(CORPUS), at.env));
    expect([first.plan.created.length, first.plan.changed.length]).toEqual([274, 0]);
    const out = await exported(at);
    expect(out.trimEnd().split('\n').toSorted()).toEqual(text.trimEnd().split('\n').toSorted());
    expect(await exported(at)).toBe(out);
    const again = get(await importCatalog(at.project, request(CORPUS), at.env));
    expect([again.plan.created.length, again.plan.changed.length, again.plan.removed.length]).toEqual([0, 0, 0]);
  });

  // @verifies AC-store-bad-line
  it('aborts on a bad line in the middle with its number, and changes nothing', async () => {
    const at = await newProject();
    const lines = (await readFile(CORPUS, 'utf8')).trimEnd().split('\n');
    for (const bad of ['{"broken', '{"type":"nonsense","id":"x"}']) {
      const file = join(at.root, 'bad.jsonl');
      await writeFile(file, [...lines.slice(0, 100), bad, ...lines.slice(100)].join('\n'));
      const refused = await importCatalog(at.project, request(file), at.env);
      expect(refused.ok ? [] : refused.failures.map((item) => [item.kind, item.line])).toEqual([['invalid-spec', 101]]);
      expect(get(await catalogAt(at.project)).specs).toEqual([]);
    }
  });
});

describe.skipIf(!here || !doltHere)('the real corpus, with the store', () => {
  // @verifies AC-store-import-twice
  it('goes through files and store without losing a field; importing twice makes no Dolt commit', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    expect(get(await importCatalog(at.project, request(CORPUS), at.env)).store).toBe('written');
    const text = (await readFile(CORPUS, 'utf8')).trimEnd().split('\n').toSorted();
    expect((await exported(at)).trimEnd().split('\n').toSorted()).toEqual(text);
    // From the store alone: the files are gone, and come back byte for byte.
    const before = await exported(at);
    const catalog = await stored(at);
    expect(shape(catalog)).toEqual([39, 235]);
    const commits = get(await storeLog(at.project, null, 100, at.env)).length;
    get(await importCatalog(at.project, request(CORPUS), at.env));
    expect(get(await storeLog(at.project, null, 100, at.env))).toHaveLength(commits);
    expect(await syncState(at.project, at.env)).toBe('equal');
    expect(get(await exportCatalog(at.project, { format: 'yaml', out: null, check: true }, at.env)).differing).toEqual([]);
    expect(await exported(at)).toBe(before);
  });

  it('is pruned of what a second file does not have, in files and store', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    get(await importCatalog(at.project, request(CORPUS), at.env));
    const file = join(at.root, 'small.jsonl');
    await writeFile(
      file,
      `${(await readFile(CORPUS, 'utf8'))
        .split('\n')
        .filter((line) => line.includes('"SPEC-component-cli-parser"'))
        .join('\n')}\n`,
    );
    const pruned = get(await importCatalog(at.project, request(file, { prune: true }), at.env));
    expect(pruned.plan.removed.length).toBeGreaterThan(200);
    expect(canonicalJson((await stored(at)).specs.map((spec) => spec.id))).toBe('["SPEC-component-cli-parser"]');
    expect(get(await catalogAt(at.project)).specs).toHaveLength(1);
  });

  // @verifies AC-store-kill-cli
  it('is all there or not at all after SIGKILL of the command at 50 random moments of import and sync', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    const small = join(at.root, 'small.jsonl');
    await writeFile(
      small,
      `${(await readFile(CORPUS, 'utf8'))
        .split('\n')
        .filter((line) => line.includes('cli-router'))
        .join('\n')}\n`,
    );
    const whole = async (): Promise<number> => Date.now();
    const startedAt = await whole();
    expect((await drive(at, ['import', CORPUS])).code).toBe(0);
    const duration = (await whole()) - startedAt;
    const sizes = [
      [1, 2],
      [39, 235],
    ].map((pair) => pair.join());
    const seen = new Set<string>();
    for (let round = 0; round < 50; round += 1) {
      const command = round % 5 === 4 ? ['sync'] : ['import', round % 2 === 0 ? small : CORPUS];
      await drive(at, command, Math.random() * duration * 1.1);
      const files = shape(get(await catalogAt(at.project, undefined, at.env))).join();
      expect(sizes).toContain(files);
      seen.add(files);
      if (round % 5 === 0) expect(sizes).toContain(shape(await stored(at)).join());
    }
    // Whatever was cut off, the next command brings both together.
    const last = await drive(at, ['import', CORPUS]);
    expect(last.stderr + (last.code === 0 ? '' : last.stdout)).toBe('');
    expect(await exported(at)).toContain('"SPEC-component-cli-parser"');
    expect(shape(await stored(at))).toEqual([39, 235]);
    expect(seen.size).toBe(2);
  }, 170_000);

  // @verifies AC-store-kill-cli
  it.each([
    ['S1', 'before the journal', '1,2'],
    ['S2', 'after the journal', '39,235'],
    ['S3', 'after the first rename', '39,235'],
    ['S3@20', 'after the 20th rename', '39,235'],
    ['S4', 'after the last rename', '39,235'],
    ['S5', 'between files and store', '39,235'],
    ['S6', 'inside the transaction', '39,235'],
    ['S7', 'after the Dolt commit', '39,235'],
  ])('%s: killed %s it is all there or not at all, and the next command makes both equal', async (place, _when, expected) => {
    const at = await newProject();
    const small = join(at.root, 'small.jsonl');
    await writeFile(
      small,
      `${(await readFile(CORPUS, 'utf8'))
        .split('\n')
        .filter((line) => line.includes('cli-router'))
        .join('\n')}\n`,
    );
    get(await startStore(at.project, () => undefined, at.env));
    get(await importCatalog(at.project, request(small), at.env));
    const [name = '', time = '1'] = place.split('@');
    const killed = await drive(at, ['import', CORPUS], undefined, { COHERENCE_TEST: '1', COHERENCE_FAILPOINTS: `${name}=kill@${time}` });
    expect([killed.code, killed.stdout]).toEqual([null, '']);
    expect(shape(get(await catalogAt(at.project, undefined, at.env))).join()).toBe(expected);
    expect(['1,2', '39,235']).toContain(shape(await stored(at)).join());
    expect((await drive(at, ['sync'])).code).toBe(0);
    expect(shape(await stored(at)).join()).toBe(expected);
    expect(await syncState(at.project, at.env)).toBe('equal');
    expect((await readdir(join(at.root, 'specs'))).filter((file) => !file.endsWith('.yaml') && place !== 'S1')).toEqual([]);
  });

  // @verifies AC-store-kill-server
  it('is all there or not at all after SIGKILL of the server during import', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    const small = join(at.root, 'small.jsonl');
    await writeFile(
      small,
      `${(await readFile(CORPUS, 'utf8'))
        .split('\n')
        .filter((line) => line.includes('cli-router'))
        .join('\n')}\n`,
    );
    for (let round = 0; round < 12; round += 1) {
      const importing = drive(at, ['import', round % 2 === 0 ? CORPUS : small]);
      const timer = setTimeout(
        () => {
          void runningServer(at.place).then((server) => server !== null && process.kill(server.pid, 'SIGKILL'));
        },
        300 + Math.random() * 700,
      );
      const done = await importing;
      clearTimeout(timer);
      expect([0, 75]).toContain(done.code);
      expect(['1,2', '39,235']).toContain(shape(get(await catalogAt(at.project, undefined, at.env))).join());
      expect(['0,0', '1,2', '39,235']).toContain(shape(await stored(at)).join());
    }
    expect((await drive(at, ['import', CORPUS])).code).toBe(0);
    expect(shape(await stored(at))).toEqual([39, 235]);
  }, 120_000);

  it('comes back from the store when the files are lost on a new branch of work', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    get(await importCatalog(at.project, request(CORPUS), at.env));
    get(await stopStore(at.project, at.env));
    await rm(join(at.root, 'specs/component-cli-parser.yaml'));
    expect(await syncState(at.project, at.env)).toBe('pending');
  });
});
