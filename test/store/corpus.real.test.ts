import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportCatalog } from '../../src/app/catalog/export.js';
import { importCatalog } from '../../src/app/catalog/import.js';
import { catalogAt } from '../../src/app/catalog/catalog-change.js';
import { openProjectStore } from '../../src/app/store/store-place.js';
import { startStore, stopStore, storeLog } from '../../src/app/store/store.js';
import { syncState } from '../../src/app/store/sync.js';
import { plainSpec } from '../../src/catalog/index.js';
import { criteriaOf, type Catalog } from '../../src/model/index.js';
import { runningServer } from '../../src/store/index.js';
import { canonicalJson } from '../../src/util/hash.js';
import { drive } from './program.js';
import { doltHere, get, newProject, type TestProject } from './rig.js';

/** Beside the repository, not in it: where it is absent these tests are skipped. */
const CORPUS =
  process.env['COHERENCE_CORPUS'] ?? resolve(import.meta.dirname, '../../../shared/cases/bootstrap-specs.jsonl');
const here = existsSync(CORPUS);
const request = (
  path: string,
  over: { dryRun?: boolean; prune?: boolean } = {},
): Parameters<typeof importCatalog>[1] => ({
  path,
  name: 'in.jsonl',
  dryRun: false,
  prune: false,
  ...over,
});
const exported = async (at: TestProject): Promise<string> =>
  get(await exportCatalog(at.project, { format: 'jsonl', out: null, check: false }, at.env)).text ?? '';
const shapeOf = (catalog: Catalog): [number, number] => [
  catalog.specs.length,
  catalog.specs.flatMap(criteriaOf).length,
];
const words = (catalog: Catalog): string => canonicalJson(catalog.specs.map(plainSpec));
/** One spec of the corpus with its two criteria, as a file of its own. */
async function smallFile(at: TestProject): Promise<string> {
  const path = join(at.root, 'small.jsonl');
  const lines = (await readFile(CORPUS, 'utf8')).split('\n').filter((line) => line.includes('cli-router'));
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}
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
    expect(shapeOf(catalog)).toEqual([39, 235]);
    const commits = get(await storeLog(at.project, null, 100, at.env)).length;
    get(await importCatalog(at.project, request(CORPUS), at.env));
    expect(get(await storeLog(at.project, null, 100, at.env))).toHaveLength(commits);
    expect(await syncState(at.project, at.env)).toBe('equal');
    expect(get(await exportCatalog(at.project, { format: 'yaml', out: null, check: true }, at.env)).differing).toEqual(
      [],
    );
    expect(await exported(at)).toBe(before);
    const edited = join(at.root, 'specs/component-cli-router.yaml');
    await writeFile(edited, (await readFile(edited, 'utf8')).replace(/^title: .*$/m, 'title: by hand'));
    expect(get(await exportCatalog(at.project, { format: 'yaml', out: null, check: true }, at.env)).differing).toEqual([
      expect.stringContaining('component-cli-router'),
    ]);
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

  // @verifies AC-store-kill-cli, AC-store-kill-server
  it('is the old or the new catalog, never half, after SIGKILL of command or server at 50 random moments of import and sync', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    const small = await smallFile(at);
    const files = async (): Promise<Catalog> => get(await catalogAt(at.project, undefined, at.env));
    const startedAt = Date.now();
    expect((await drive(at, ['import', CORPUS])).code).toBe(0);
    const duration = Date.now() - startedAt;
    let before = words(await stored(at));
    const seen = { files: new Set<string>(), killed: new Set<string>() };
    for (let round = 0; round < 50; round += 1) {
      const victim = round % 2 === 0 ? 'command' : 'server';
      const command = round % 6 < 4 ? ['import', round % 4 < 2 ? small : CORPUS] : ['sync'];
      // So that each sync has something to bring into the store.
      if (command[0] === 'sync') {
        const path = join(at.root, 'specs/component-cli-router.yaml');
        await writeFile(path, (await readFile(path, 'utf8')).replace(/^title: .*$/m, `title: round ${round}`));
      }
      const changed = words(await files());
      const delay = Math.random() * duration * 1.1;
      const what = `round ${round}: ${command.join(' ')}, ${victim} killed after ${Math.round(delay)} ms`;
      const timer =
        victim === 'command'
          ? undefined
          : setTimeout(() => {
              void runningServer(at.place).then((server) => {
                if (server !== null) process.kill(server.pid, 'SIGKILL');
              });
            }, delay);
      const done = await drive(at, command, victim === 'command' ? delay : undefined);
      clearTimeout(timer);
      if (victim === 'server') expect([0, 75], `${what}\n${done.stderr}`).toContain(done.code);
      if (victim === 'server' ? done.code === 75 : done.code === null) seen.killed.add(`${victim} ${command[0] ?? ''}`);
      const [inFiles, inStore] = [await files(), words(await stored(at))];
      const shape = shapeOf(inFiles).join();
      expect(['1,2', '39,235'], what).toContain(shape);
      seen.files.add(shape);
      // What the store had, what the files said before the command, or what they say now: each of them whole.
      expect([before, changed, words(inFiles)].includes(inStore), what).toBe(true);
      before = inStore;
    }
    // Whatever was cut off, the next command brings both together.
    const last = await drive(at, ['import', CORPUS]);
    expect(last.stderr + (last.code === 0 ? '' : last.stdout)).toBe('');
    expect(await exported(at)).toContain('"SPEC-component-cli-parser"');
    expect(words(await stored(at))).toBe(words(await files()));
    expect(seen.files.size).toBe(2);
    expect([...seen.killed]).toContain('command import');
  }, 170_000);

  // @verifies AC-store-kill-cli
  it('is all there or not at all when the command is killed at each step of a write, and the next one makes both equal', async () => {
    const at = await newProject();
    const small = await smallFile(at);
    get(await startStore(at.project, () => undefined, at.env));
    for (const [place, when, expected] of [
      ['S1', 'before the journal', '1,2'],
      ['S2', 'after the journal', '39,235'],
      ['S3', 'after the first rename', '39,235'],
      ['S3@20', 'after the 20th rename', '39,235'],
      ['S4', 'after the last rename', '39,235'],
      ['S5', 'between files and store', '39,235'],
      ['S6', 'inside the transaction', '39,235'],
      ['S7', 'after the Dolt commit', '39,235'],
    ] as const) {
      get(await importCatalog(at.project, request(small, { prune: true }), at.env));
      expect(shapeOf(await stored(at)).join(), when).toBe('1,2');
      const [name = '', time = '1'] = place.split('@');
      const killed = await drive(at, ['import', CORPUS], undefined, {
        COHERENCE_TEST: '1',
        COHERENCE_FAILPOINTS: `${name}=kill@${time}`,
      });
      expect([killed.code, killed.stdout], when).toEqual([null, '']);
      expect(shapeOf(get(await catalogAt(at.project, undefined, at.env))).join(), when).toBe(expected);
      expect(['1,2', '39,235'], when).toContain(shapeOf(await stored(at)).join());
      expect((await drive(at, ['sync'])).code, when).toBe(0);
      expect(shapeOf(await stored(at)).join(), when).toBe(expected);
      expect(await syncState(at.project, at.env), when).toBe('equal');
      expect(
        (await readdir(join(at.root, 'specs'))).filter((file) => !file.endsWith('.yaml') && place !== 'S1'),
        when,
      ).toEqual([]);
    }
  });

  it('comes back from the store when the files are lost on a new branch of work', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    get(await importCatalog(at.project, request(CORPUS), at.env));
    get(await stopStore(at.project, at.env));
    await rm(join(at.root, 'specs/component-cli-parser.yaml'));
    expect(await syncState(at.project, at.env)).toBe('pending');
  });
});
