import * as fc from 'fast-check';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyCatalogChange, catalogAt } from '../../src/app/catalog/catalog-change.js';
import { mergeTexts } from '../../src/app/catalog/merge-file.js';
import { openProjectStore } from '../../src/app/store/store-place.js';
import { startStore, storeBlame, storeLog, storeStatus } from '../../src/app/store/store.js';
import { syncProject, syncState } from '../../src/app/store/sync.js';
import { formatSpec, mergeCatalogs, parseSpecText, plainSpec } from '../../src/catalog/index.js';
import { success, type Catalog, type Spec } from '../../src/model/index.js';
import { sharing, threeWay, together } from '../catalog-merge/generate.js';
import { doltHere, get, newProject, type TestProject } from './rig.js';

const real = describe.skipIf(!doltHere);
const spec = (id: string, rest: Partial<Spec> = {}): Spec => ({
  id: `SPEC-${id}`,
  title: id,
  level: 'module',
  status: 'active',
  ...rest,
});
const plain = (catalog: Catalog): unknown => catalog.specs.map(plainSpec);

/** Puts a catalog into files, all of it. */
async function putFiles(at: TestProject, catalog: Catalog): Promise<void> {
  for (const name of await readdir(join(at.root, 'specs')))
    await (await import('node:fs/promises')).rm(join(at.root, 'specs', name));
  for (const one of catalog.specs) await at.write(`specs/${one.id.slice(5)}.yaml`, formatSpec(one));
}

/** Changes the store alone, as a teammate's push would. */
async function putStore(at: TestProject, catalog: Catalog): Promise<void> {
  const session = get(await openProjectStore(at.project, { env: at.env }));
  try {
    const before = get(await session.catalog());
    const wanted = new Set(catalog.specs.map((one) => one.id));
    get(
      await session.write({
        upsert: catalog.specs,
        remove: before.specs.map((one) => one.id).filter((id) => !wanted.has(id)),
        sync: [],
        unsync: [],
        message: 'teammate',
        git: null,
      }),
    );
  } finally {
    await session.close();
  }
  await (await import('node:fs/promises')).rm(join(at.project.directories.state, 'sync.json'), { force: true });
}
const stored = async (at: TestProject): Promise<Catalog> => {
  const session = get(await openProjectStore(at.project, { env: at.env }));
  try {
    return get(await session.catalog());
  } finally {
    await session.close();
  }
};
const files = async (at: TestProject): Promise<Catalog> => get(await catalogAt(at.project, undefined, at.env));

real('sync', () => {
  it('brings files into a new store, then has nothing to do and opens no connection', async () => {
    const at = await newProject();
    await at.write('specs/a.yaml', formatSpec(spec('a', { criteria: [{ id: 'AC-a-1', title: 'one' }] })));
    expect(await syncState(at.project, at.env)).toBe('no-store');
    const started = get(await startStore(at.project, () => undefined, at.env));
    expect(started.sync.toStore).toEqual(['SPEC-a']);
    expect(plain(await stored(at))).toEqual(plain(await files(at)));
    expect(get(await syncProject(at.project, { env: at.env })).state).toBe('unchanged');
    expect(get(await storeStatus(at.project, at.env))).toMatchObject({
      running: true,
      database: 'shop_abc123_test',
      branch: 'main',
      sync: 'equal',
      initialised: true,
    });
  });

  // @verifies AC-store-edit-both
  it('writes an edit to file and store in one step, and keeps the comment in the file', async () => {
    const at = await newProject();
    await at.write('specs/a.yaml', `# mine\n${formatSpec(spec('a'))}`);
    get(await startStore(at.project, () => undefined, at.env));
    const applied = get(
      await applyCatalogChange(
        at.project,
        (id) => `Edit ${id}`,
        (current) => success({ specs: current.specs.map((one) => ({ ...one, title: 'new' })) }),
        at.env,
      ),
    );
    expect(applied).toMatchObject({ files: ['specs/a.yaml'], store: 'written' });
    expect(await at.read('specs/a.yaml')).toMatch(/^# mine\n[^]*title: new/);
    expect((await stored(at)).specs[0]?.title).toBe('new');
    expect(await syncState(at.project, at.env)).toBe('equal');
    expect(get(await storeLog(at.project, 'SPEC-a', 10, at.env)).map((entry) => [entry.message, entry.author])).toEqual(
      [
        ['Edit SPEC-a', 'Ann <ann@example.org>'],
        ['Sync SPEC-a', 'Ann <ann@example.org>'],
      ],
    );
    expect(get(await storeBlame(at.project, 'SPEC-a', at.env)).find((entry) => entry.field === 'title')).toMatchObject({
      value: 'new',
      previous: 'a',
      message: 'Edit SPEC-a',
    });
  });

  // @verifies AC-store-sync-conflict
  it('shows a conflict with base, store and file, keeps both sides, and obeys --ours and --theirs', async () => {
    for (const prefer of ['ours', 'theirs'] as const) {
      const at = await newProject();
      await at.write('specs/a.yaml', formatSpec(spec('a')));
      await at.write('specs/b.yaml', formatSpec(spec('b')));
      get(await startStore(at.project, () => undefined, at.env));
      await putStore(at, { specs: [spec('a', { title: 'store' }), spec('b', { owner: 'store' })] });
      await putFiles(at, { specs: [spec('a', { title: 'file' }), spec('b', { intent: 'file' })] });
      const outcome = get(await syncProject(at.project, { env: at.env }));
      expect(outcome.conflicts).toEqual([{ spec: 'SPEC-a', field: 'title', base: 'a', ours: 'file', theirs: 'store' }]);
      expect((await files(at)).specs.map((one) => [one.title, one.owner, one.intent])).toEqual([
        ['file', undefined, undefined],
        ['b', 'store', 'file'],
      ]);
      expect((await stored(at)).specs.map((one) => [one.title, one.owner, one.intent])).toEqual([
        ['store', undefined, undefined],
        ['b', 'store', 'file'],
      ]);
      expect(await syncState(at.project, at.env)).toBe('conflicts');
      expect(get(await syncProject(at.project, { env: at.env })).conflicts).toHaveLength(1);
      expect(get(await syncProject(at.project, { env: at.env, prefer })).conflicts).toEqual([]);
      const title = prefer === 'ours' ? 'file' : 'store';
      expect([(await files(at)).specs[0]?.title, (await stored(at)).specs[0]?.title]).toEqual([title, title]);
    }
  });

  // @verifies AC-store-sync-invalid-file
  it('leaves an invalid file out, and removes nothing from the store for it', async () => {
    const at = await newProject();
    await at.write('specs/a.yaml', formatSpec(spec('a')));
    await at.write('specs/b.yaml', formatSpec(spec('b')));
    get(await startStore(at.project, () => undefined, at.env));
    await at.write('specs/a.yaml', 'id: [broken\n');
    await at.write('specs/b.yaml', formatSpec(spec('b', { title: 'changed' })));
    const outcome = get(await syncProject(at.project, { env: at.env }));
    expect(outcome.invalid.map((item) => item.file)).toEqual(['specs/a.yaml']);
    expect((await stored(at)).specs.map((one) => one.title)).toEqual(['a', 'changed']);
    expect(await at.read('specs/a.yaml')).toBe('id: [broken\n');
  });

  // @verifies AC-store-branches
  it('gives a git branch a branch of the store, from that of its merge base, and a detached HEAD none', async () => {
    const at = await newProject();
    await at.write('specs/a.yaml', formatSpec(spec('a')));
    await at.git('add', '.');
    await at.git('commit', '-qm', 'one');
    get(await startStore(at.project, () => undefined, at.env));
    await at.git('checkout', '-qb', 'Feature/Ünï');
    await at.write('specs/a.yaml', formatSpec(spec('a', { title: 'on branch' })));
    expect(get(await syncProject(at.project, { env: at.env })).toStore).toEqual(['SPEC-a']);
    expect(get(await storeLog(at.project, 'SPEC-a', 9, at.env))).toHaveLength(2);
    await at.git('commit', '-qam', 'two');
    await at.git('checkout', '-q', 'main');
    expect(get(await syncProject(at.project, { env: at.env })).conflicts).toEqual([]);
    expect((await stored(at)).specs[0]?.title).toBe('a');
    await at.git('checkout', '-q', '--detach');
    expect(get(await syncProject(at.project, { env: at.env })).state).toBe('detached');
  });

  // @verifies AC-store-branch-from-base
  it('makes a new branch from the merge base, not from what a neighbour edited before its own commit', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    await at.write('specs/a.yaml', formatSpec(spec('a', { title: 'base' })));
    get(await syncProject(at.project, { env: at.env }));
    await at.git('add', '.');
    await at.git('commit', '-qm', 'base');
    await at.git('checkout', '-qb', 'left');
    await at.write('specs/a.yaml', formatSpec(spec('a', { title: 'left' })));
    get(await syncProject(at.project, { env: at.env }));
    await at.git('commit', '-qam', 'left');
    await at.git('checkout', '-q', 'main');
    await at.git('checkout', '-qb', 'right');
    expect(get(await syncProject(at.project, { env: at.env })).toStore).toEqual([]);
    expect(get(await storeLog(at.project, 'SPEC-a', 9, at.env))).toHaveLength(1);
    expect((await stored(at)).specs[0]?.title).toBe('base');
  });

  // @verifies AC-store-sync-is-driver
  it('comes to the same catalog as the merge driver and the merge in memory, in both orders', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    await fc.assert(
      fc.asyncProperty(threeWay, async ({ base, ours, theirs }) => {
        get(await syncProject(at.project, { env: at.env, prefer: 'ours' }));
        await putFiles(at, base);
        get(await syncProject(at.project, { env: at.env, prefer: 'ours' }));
        expect(plain(await stored(at))).toEqual(plain(base));
        await putStore(at, theirs);
        await putFiles(at, ours);
        const memory = mergeCatalogs(base, ours, theirs);
        const outcome = get(await syncProject(at.project, { env: at.env }));
        expect(outcome.conflicts.map((item) => ({ ...item }))).toEqual(memory.conflicts.map((item) => ({ ...item })));
        const held = together(new Set(memory.conflicts.map((item) => item.spec)), [base, ours, theirs]);
        const free = (catalog: Catalog): unknown => plain({ specs: catalog.specs.filter((one) => !held.has(one.id)) });
        expect(free(await files(at))).toEqual(free(memory.merged));
        expect(free(await stored(at))).toEqual(free(memory.merged));
        // Specs in conflict are whole on both sides.
        const kept = (catalog: Catalog): unknown => plain({ specs: catalog.specs.filter((one) => held.has(one.id)) });
        expect(kept(await files(at))).toEqual(kept(ours));
        expect(kept(await stored(at))).toEqual(kept(theirs));
        // The driver, file by file, both ways round. What moved from file to file it cannot see.
        const elsewhere = sharing([base, ours, theirs]);
        for (const one of memory.merged.specs) {
          if (elsewhere.has(one.id)) continue;
          const text = (catalog: Catalog): string =>
            catalog.specs
              .filter((item) => item.id === one.id)
              .map(formatSpec)
              .join('');
          if (text(ours) === '' || text(theirs) === '' || held.has(one.id)) continue;
          for (const [left, right] of [
            [ours, theirs],
            [theirs, ours],
          ] as const) {
            const driver = mergeTexts(text(base), text(left), text(right));
            expect(driver.conflicts).toEqual([]);
            expect(plainSpec(get(parseSpecText(driver.text, 'x.yaml')))).toEqual(plainSpec(one));
          }
        }
      }),
      // No shrinking: each try is a round through a real server.
      { numRuns: 30, endOnFailure: true },
    );
  });
});
