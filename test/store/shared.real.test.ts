import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { applyCatalogChange, catalogAt } from '../../src/app/catalog/catalog-change.js';
import {
  drainRuns,
  migrateStore,
  recordRun,
  startStore,
  stopStore,
  storeBlame,
  storeStatus,
  storeTrend,
} from '../../src/app/store/store.js';
import { openProjectStore } from '../../src/app/store/store-place.js';
import { reconcile, syncProject } from '../../src/app/store/sync.js';
import { formatSpec } from '../../src/catalog/index.js';
import { exitCodeOf, success, type Catalog, type Result, type Spec } from '../../src/model/index.js';
import { ulid } from '../../src/util/ulid.js';
import { record } from './record.js';
import { doltHere, get, newProject, type TestProject } from './rig.js';
import { PASSWORD, startShared } from './shared-server.js';

const real = describe.skipIf(!doltHere);
const spec = (rest: Partial<Spec> = {}): Spec => ({
  id: 'SPEC-a',
  title: 'a',
  level: 'module',
  status: 'active',
  ...rest,
});
const at = async (url: string, over: Readonly<Record<string, string>> = {}): Promise<TestProject> =>
  newProject({ COHERENCE_STORE__URL: url, ...over });
const edit = async (one: TestProject, change: (before: Spec) => Spec): Promise<string> =>
  get(
    await applyCatalogChange(one.project, 'Edit', (now: Catalog) => success({ specs: now.specs.map(change) }), one.env),
  ).store;
const first = async (one: TestProject): Promise<Spec | undefined> =>
  get(await catalogAt(one.project, undefined, one.env)).specs[0];
const told = (result: Result<unknown>): { readonly code: number; readonly text: string } =>
  result.ok
    ? { code: 0, text: '' }
    : {
        code: exitCodeOf(result.failures),
        text: result.failures.map((item) => `${item.message} ${item.hint ?? ''}`).join('\n'),
      };

real('a shared server (store.url)', () => {
  // @verifies AC-store-shared
  it('serves two clones: edits of both merge, one clone never undoes what the other did, and nothing is spawned', async () => {
    const { url } = await startShared();
    const [ann, bob] = [await at(url), await at(url, { GIT_AUTHOR_NAME: 'Bob' })];
    for (const one of [ann, bob]) {
      await one.write('specs/a.yaml', formatSpec(spec()));
      expect(get(await startStore(one.project, () => undefined, one.env)).sync.conflicts).toEqual([]);
    }
    expect(await edit(ann, (before) => ({ ...before, title: 'by ann' }))).toBe('written');
    // Bob's files are older than what Ann wrote: that is no wish to undo it.
    expect(get(await syncProject(bob.project, { env: bob.env })).toFiles).toEqual(['SPEC-a']);
    expect((await first(bob))?.title).toBe('by ann');
    expect(await edit(bob, (before) => ({ ...before, owner: 'bob' }))).toBe('written');
    expect(await edit(ann, (before) => ({ ...before, intent: 'by ann too' }))).toBe('written');
    get(await syncProject(bob.project, { env: bob.env }));
    for (const one of [ann, bob])
      expect(await first(one)).toMatchObject({ title: 'by ann', owner: 'bob', intent: 'by ann too' });
    // The same field on both sides is a conflict for the one who comes second.
    await edit(ann, (before) => ({ ...before, title: 'ann again' }));
    await bob.write('specs/a.yaml', (await bob.read('specs/a.yaml')).replace('title: by ann', 'title: by bob'));
    expect(get(await syncProject(bob.project, { env: bob.env })).conflicts).toEqual([
      { spec: 'SPEC-a', field: 'title', base: 'by ann', ours: 'by bob', theirs: 'ann again' },
    ]);
    const blame = get(await storeBlame(ann.project, 'SPEC-a', ann.env));
    expect(Object.fromEntries(blame.map((entry) => [entry.field, entry.author.split(' ')[0]]))).toMatchObject({
      title: 'Ann',
      owner: 'Bob',
      intent: 'Ann',
    });
    expect(get(await storeStatus(ann.project, ann.env))).toMatchObject({
      running: false,
      pid: null,
      initialised: true,
    });
  });

  // @verifies AC-store-shared
  it('merges what somebody wrote between our reading and our writing', async () => {
    const { url } = await startShared();
    const [ann, bob] = [await at(url), await at(url)];
    await ann.write('specs/a.yaml', formatSpec(spec()));
    get(await startStore(ann.project, () => undefined, ann.env));
    get(await startStore(bob.project, () => undefined, bob.env));
    const session = get(await openProjectStore(ann.project, { env: ann.env }));
    await ann.write('specs/a.yaml', formatSpec(spec({ title: 'by ann' })));
    let meanwhile = 0;
    // The connection is the real one; only the moment of the other clone's edit is chosen.
    const late = {
      ...session,
      syncEntries: async () => {
        const entries = await session.syncEntries();
        if ((meanwhile += 1) === 1) expect(await edit(bob, (before) => ({ ...before, owner: 'bob' }))).toBe('written');
        return entries;
      },
    };
    expect(get(await reconcile(ann.project, late)).conflicts).toEqual([]);
    expect(meanwhile).toBe(2);
    await session.close();
    expect(await first(ann)).toMatchObject({ title: 'by ann', owner: 'bob' });
    get(await syncProject(bob.project, { env: bob.env }));
    expect(await first(bob)).toMatchObject({ title: 'by ann', owner: 'bob' });
  });

  // @verifies AC-store-shared-errors
  it('says what is wrong, with exit code, and never shows the password', async () => {
    const { port, url, admin } = await startShared();
    const listener = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
    const elsewhere = (listener.address() as AddressInfo).port;
    await admin.query('CREATE DATABASE other_abc123_test');
    await admin.query('CREATE TABLE other_abc123_test.payroll (id INT PRIMARY KEY)');
    const secret = encodeURIComponent(PASSWORD);
    const start = async (address: string, slug?: string): Promise<{ readonly code: number; readonly text: string }> => {
      const one = await newProject({ COHERENCE_STORE__URL: address }, slug);
      return told(await startStore(one.project, () => undefined, one.env));
    };
    const cases: readonly (readonly [address: string, code: number, text: string, slug?: string])[] = [
      [`mysql://team:wrong@127.0.0.1:${port}`, 69, 'refuses the user "team": wrong password, or no such user'],
      [`mysql://nobody:${secret}@127.0.0.1:${port}`, 69, 'refuses the user "nobody"'],
      [`mysql://guest:guest@127.0.0.1:${port}`, 69, 'refuses this user'],
      [
        `${url}/shop_abc123_prod`,
        64,
        'names the database "shop_abc123_prod", but that of this project and environment is "shop_abc123_test"',
      ],
      [url, 69, 'other_abc123_test on the shared server is not a store of coherence', 'other'],
      [`mysql://team:${secret}@127.0.0.1:${elsewhere}`, 69, 'does not answer'],
      [`mysql://team:${secret}@127.0.0.1:1`, 69, 'does not answer'],
    ];
    try {
      for (const [address, code, text, slug] of cases) {
        const outcome = await start(address, slug);
        expect([address, outcome.code, outcome.text]).toEqual([address, code, expect.stringContaining(text)]);
        expect(outcome.text).not.toContain(PASSWORD);
        expect(outcome.text).not.toContain(secret);
      }
    } finally {
      await new Promise((done) => listener.close(done));
    }
    // The foreign database is as it was: no table, no commit, and its uncommitted table still there.
    expect((await admin.query('SHOW TABLES FROM other_abc123_test')).map((row) => Object.values(row)[0])).toEqual([
      'payroll',
    ]);
    const one = await at(url);
    expect(told(await migrateStore(one.project, 'shop_abc123_prod', one.env)).code).toBe(64);
    expect(told(await stopStore(one.project, one.env))).toMatchObject({
      code: 64,
      text: expect.stringContaining('does not stop'),
    });
  });

  // @verifies AC-store-shared
  it('that is away delays no edit and no verdict: both arrive when it is back', async () => {
    const { url } = await startShared();
    const one = await at(url);
    await one.write('specs/a.yaml', formatSpec(spec({ criteria: [{ id: 'AC-a-1', title: 'one' }] })));
    get(await startStore(one.project, () => undefined, one.env));
    const away = {
      ...one.project,
      settings: {
        ...one.project.settings,
        store: { ...one.project.settings.store, url: 'mysql://team:x@127.0.0.1:1' },
      },
    };
    const run = record(ulid(), 'PASS', 'c'.repeat(40));
    expect(await recordRun(away, run, one.env)).toBe('pending');
    const applied = get(
      await applyCatalogChange(away, 'Edit', () => success({ specs: [spec({ title: 'away' })] }), one.env),
    );
    expect(applied).toMatchObject({ store: 'pending', files: ['specs/a.yaml'] });
    expect(get(await syncProject(one.project, { env: one.env })).toStore).toEqual(['SPEC-a']);
    expect(await drainRuns(one.project, one.env)).toBe(0);
    expect(get(await storeTrend(one.project, 5, one.env)).map((point) => point.run)).toEqual([run.run]);
  });
});
