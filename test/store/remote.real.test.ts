import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyCatalogChange, catalogAt } from '../../src/app/catalog/catalog-change.js';
import {
  cloneProjectStore,
  drainRuns,
  migrateStore,
  pullStore,
  pushStore,
  recordRun,
  startStore,
  stopStore,
  storeDiff,
  storeLog,
  storeStatus,
  storeTrend,
  verdictsAt,
} from '../../src/app/store/store.js';
import { syncProject, syncState } from '../../src/app/store/sync.js';
import { loadProject } from '../../src/config/index.js';
import { formatSpec } from '../../src/catalog/index.js';
import { success, type RunRecord, type Spec } from '../../src/model/index.js';
import { cloneStore, ensureDolt, findDolt, runningServer, type StoreSession } from '../../src/store/index.js';
import { ulid } from '../../src/util/ulid.js';
import { record } from './record.js';
import { doltHere, get, newPlace, newProject, open, temporary, type TestProject } from './rig.js';

const real = describe.skipIf(!doltHere);
const spec = (id: string, rest: Partial<Spec> = {}): Spec => ({
  id: `SPEC-${id}`,
  title: id,
  level: 'module',
  status: 'active',
  ...rest,
});
const edit = async (at: TestProject, change: (spec: Spec) => Spec): Promise<void> =>
  void get(
    await applyCatalogChange(at.project, 'Edit', (current) => success({ specs: current.specs.map(change) }), at.env),
  );
const titles = async (at: TestProject): Promise<unknown> =>
  get(await catalogAt(at.project, undefined, at.env)).specs.map((one) => [one.title, one.owner]);

real('remotes', () => {
  // @verifies AC-store-remotes
  it('push, clone and pull: parallel edits of two people merge by field, the same field is a conflict', async () => {
    const remote = `file://${await temporary('remote')}/r`;
    const [ann, bob] = [await newProject(), await newProject({ GIT_AUTHOR_NAME: 'Bob' })];
    await ann.write('specs/a.yaml', formatSpec(spec('a')));
    get(await startStore(ann.project, () => undefined, ann.env));
    get(await pushStore(ann.project, remote, ann.env));
    expect(get(await cloneProjectStore(bob.project, remote, undefined, bob.env)).toFiles).toEqual(['SPEC-a']);
    expect((await cloneProjectStore(bob.project, remote, undefined, bob.env)).ok).toBe(false);
    await edit(bob, (one) => ({ ...one, owner: 'bob' }));
    get(await pushStore(bob.project, remote, bob.env));
    await edit(ann, (one) => ({ ...one, title: 'ann' }));
    const rejected = await pushStore(ann.project, remote, ann.env);
    expect(rejected.ok ? '' : rejected.failures[0]?.hint).toBe('Run `coherence store pull` first.');
    expect(get(await pullStore(ann.project, remote, undefined, ann.env)).state).toBe('merged');
    expect(await titles(ann)).toEqual([['ann', 'bob']]);
    expect(await syncState(ann.project, ann.env)).toBe('equal');
    get(await pushStore(ann.project, remote, ann.env));
    expect(get(await pullStore(bob.project, remote, undefined, bob.env)).state).toBe('fast-forward');
    expect(await titles(bob)).toEqual([['ann', 'bob']]);
    expect(get(await pullStore(bob.project, remote, undefined, bob.env)).state).toBe('equal');
    await edit(bob, (one) => ({ ...one, title: 'from bob' }));
    get(await pushStore(bob.project, remote, bob.env));
    await edit(ann, (one) => ({ ...one, title: 'from ann' }));
    const clash = get(await pullStore(ann.project, remote, undefined, ann.env));
    expect(clash).toMatchObject({
      state: 'conflicts',
      conflicts: [{ field: 'title', base: 'ann', ours: 'from ann', theirs: 'from bob' }],
    });
    expect(await titles(ann)).toEqual([['from ann', 'bob']]);
    expect(get(await pullStore(ann.project, remote, 'theirs', ann.env)).state).toBe('merged');
    expect(await titles(ann)).toEqual([['from bob', 'bob']]);
    // Merges are in the history but own no change.
    expect(
      get(await storeLog(ann.project, 'SPEC-a', 99, ann.env)).some((entry) => entry.message.startsWith('Merge')),
    ).toBe(false);
    expect(get(await storeDiff(ann.project, 'HEAD~1..HEAD', ann.env))).toMatchObject([
      { id: 'SPEC-a', field: 'title', to: 'from bob' },
    ]);
    expect((await pullStore(ann.project, 'file:///nowhere/at/all', undefined, ann.env)).ok).toBe(false);
  }, 120_000);
});

real('a session', () => {
  it('sees what a fetch brings after a write of its own', async () => {
    const remote = `file://${await temporary('remote')}/r`;
    const [one, two] = [await newPlace(), await newPlace()];
    const write = async (session: StoreSession, title: string): Promise<unknown> =>
      get(
        await session.write({
          upsert: [spec('a', { title })],
          remove: [],
          sync: [],
          unsync: [],
          message: title,
          git: null,
        }),
      );
    const first = await open(one);
    await write(first, 'one');
    get(await first.push(remote));
    get(await cloneStore(two, remote));
    const second = await open(two);
    await write(second, 'two');
    get(await second.push(remote));
    await write(first, 'three');
    expect(get(await first.fetch(remote)).state).toBe('diverged');
    await first.close();
    await second.close();
  });
});

real('runs', () => {
  // @verifies AC-store-outbox
  it('wait while the store is stopped, arrive once with the next command, and carry no output', async () => {
    const at = await newProject();
    const commit = 'c'.repeat(40);
    expect(await recordRun(at.project, record(ulid(), 'PASS', commit), at.env)).toBe('none');
    await at.write('specs/a.yaml', formatSpec(spec('a', { criteria: [{ id: 'AC-a-1', title: 'one' }] })));
    get(await startStore(at.project, () => undefined, at.env));
    get(await stopStore(at.project, at.env));
    const [first, second] = [record(ulid(), 'FAIL', commit), record(ulid(), 'PASS', commit)];
    for (const one of [first, second]) expect(await recordRun(at.project, one, at.env)).toBe('pending');
    expect(await drainRuns(at.project, at.env)).toBe(2);
    const outbox = join(at.project.directories.state, 'outbox', 'shop_abc123_test');
    const saved = await readFile(join(outbox, `${first.run}.json`), 'utf8');
    expect(saved).not.toContain('secret output');
    expect(get(await storeTrend(at.project, 10, at.env)).map((point) => [point.run, point.pass, point.fail])).toEqual([
      [first.run, 0, 1],
      [second.run, 1, 0],
    ]);
    expect(await readdir(outbox)).toEqual([]);
    // A file that was taken in but not yet removed when its command was killed.
    await writeFile(join(outbox, `${first.run}.json`), saved);
    expect(get(await storeTrend(at.project, 10, at.env))).toHaveLength(2);
    expect(get(await verdictsAt(at.project, commit, at.env))).toMatchObject([
      { criterion: 'AC-a-1', verdict: 'PASS', run: second.run },
    ]);
  });

  // @verifies AC-store-outbox
  it('wait while the server is dead, and all arrive with the next sync', async () => {
    const at = await newProject();
    await at.write('specs/a.yaml', formatSpec(spec('a', { criteria: [{ id: 'AC-a-1', title: 'one' }] })));
    get(await startStore(at.project, () => undefined, at.env));
    const runs = [1, 2, 3].map(() => record(ulid(), 'PASS', 'c'.repeat(40)));
    for (const one of runs) {
      const server = await runningServer(at.place);
      if (server !== null) process.kill(server.pid, 'SIGKILL');
      expect(await recordRun(at.project, one, at.env)).toBe('pending');
    }
    expect(get(await storeStatus(at.project, at.env)).pending_runs).toBe(3);
    await at.write('specs/a.yaml', formatSpec(spec('a', { title: 'changed' })));
    get(await syncProject(at.project, { env: at.env }));
    expect(get(await storeStatus(at.project, at.env)).pending_runs).toBe(0);
    expect(get(await storeTrend(at.project, 10, at.env)).map((point) => point.run)).toEqual(runs.map((one) => one.run));
  });

  // @verifies AC-store-outbox-refused
  it('that the store refuses are set aside and stop neither the others nor any command', async () => {
    const at = await newProject();
    get(await startStore(at.project, () => undefined, at.env));
    const [first, odd, last] = [1, 2, 3].map(() => record(ulid(), 'PASS', 'c'.repeat(40))) as [
      RunRecord,
      RunRecord,
      RunRecord,
    ];
    for (const one of [first, { ...odd, session: null as unknown as string }, last])
      await recordRun(at.project, one, at.env);
    const outbox = join(at.project.directories.state, 'outbox', at.place.database);
    await writeFile(join(outbox, `${ulid()}.json`), '{"half');
    expect(get(await storeTrend(at.project, 10, at.env)).map((point) => point.run)).toEqual([first.run, last.run]);
    expect(get(await storeStatus(at.project, at.env))).toMatchObject({ pending_runs: 0, refused_runs: 2 });
    expect(await readdir(outbox)).toContain(`${odd.run}.json.damaged`);
  });
});

real('guards', () => {
  it('a target of another environment is refused', async () => {
    const at = await newProject();
    const refused = await migrateStore(at.project, 'shop_abc123_prod', at.env);
    expect(refused.ok ? '' : refused.failures[0]?.message).toContain(
      'environment prod, but this command runs in environment test',
    );
  });
});

describe('without Dolt', () => {
  // @verifies AC-store-no-dolt
  it('files serve; what needs history says how to get it', async () => {
    const empty = await temporary('empty');
    const at = await newProject({ PATH: '/usr/bin:/bin', COHERENCE_CACHE_DIR: empty });
    const project = get(await loadProject({ cwd: at.root, env: at.env }));
    await at.write('specs/a.yaml', formatSpec(spec('a')));
    expect(
      get(
        await applyCatalogChange(
          project,
          'Edit',
          (current) => success({ specs: current.specs.map((one) => ({ ...one, title: 'new' })) }),
          at.env,
        ),
      ),
    ).toMatchObject({ store: 'none', notes: [] });
    expect(get(await catalogAt(project, undefined, at.env)).specs[0]?.title).toBe('new');
    for (const result of [
      await storeLog(project, null, 9, at.env),
      await startStore(project, () => undefined, { ...at.env, PATH: empty }),
    ]) {
      expect(result.ok ? [] : result.failures).toMatchObject([{ kind: 'unavailable' }]);
      expect(result.ok ? '' : result.failures[0]?.hint).toContain('store start');
    }
  });
});

real('installing', () => {
  // @verifies AC-store-install-mirror
  it('takes a mirror with the right hash, once for many, and refuses a wrong hash', async () => {
    const bytes = await readFile(
      get(
        await findDolt({ doltBin: null, cache: join(process.env['HOME'] ?? '', '.cache/coherence'), env: process.env }),
      ).path,
    );
    let requests = 0;
    const server = createServer((_request, response) => {
      requests += 1;
      response.end(bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dolt`;
    try {
      const cache = await temporary('cache');
      const nowhere = await temporary('nowhere');
      const place = await newPlace({
        cache,
        env: { ...process.env, PATH: nowhere },
        doltUrl: url,
        doltSha256: '0'.repeat(64),
      });
      const wrong = await ensureDolt(place, () => undefined);
      expect(wrong.ok ? '' : wrong.failures[0]?.message).toContain('its SHA-256 is');
      expect(await readdir(join(cache, 'dolt'))).toEqual(['install.lock']);
      const right = { ...place, doltSha256: createHash('sha256').update(bytes).digest('hex') };
      requests = 0;
      const all = await Promise.all([1, 2, 3].map(async () => ensureDolt(right, () => undefined)));
      expect(all.map((one) => get(one).path)).toEqual([1, 2, 3].map(() => join(cache, 'dolt/2.2.0/dolt')));
      expect(requests).toBe(1);
      expect((await stat(join(cache, 'dolt/2.2.0/dolt'))).mode & 0o111).not.toBe(0);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
