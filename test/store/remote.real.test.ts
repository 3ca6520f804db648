import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyCatalogChange, catalogAt } from '../../src/app/catalog-change.js';
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
  storeTrend,
  verdictsAt,
} from '../../src/app/store.js';
import { syncState } from '../../src/app/sync.js';
import { loadProject } from '../../src/config/index.js';
import { formatSpec } from '../../src/catalog/index.js';
import { success, type RunRecord, type Spec } from '../../src/model/index.js';
import { useBranch } from '../../src/store/dolt/branches.js';
import { readRows } from '../../src/store/dolt/queries/catalog.js';
import { readBlame } from '../../src/store/dolt/queries/history.js';
import { cloneStore, ensureDolt, findDolt, openServer, type StoreSession } from '../../src/store/index.js';
import { ulid } from '../../src/util/ulid.js';
import { doltHere, get, newPlace, newProject, open, temporary, type TestProject } from './rig.js';

const real = describe.skipIf(!doltHere);
const spec = (id: string, rest: Partial<Spec> = {}): Spec => ({ id: `SPEC-${id}`, title: id, level: 'module', status: 'active', ...rest });
const edit = async (at: TestProject, change: (spec: Spec) => Spec): Promise<void> =>
  void get(await applyCatalogChange(at.project, 'Edit', (current) => success({ specs: current.specs.map(change) }), at.env));
const titles = async (at: TestProject): Promise<unknown> =>
  get(await catalogAt(at.project, undefined, at.env)).specs.map((one) => [one.title, one.owner]);

const record = (run: string, verdict: 'PASS' | 'FAIL', commit: string): RunRecord => ({
  schema: 'coherence.verify/1',
  run,
  session: 'shop',
  started_at: '2026-01-01T00:00:00.000Z',
  source: { commit, dirty: false, tree: 'sha256:x' },
  summary: {
    pass: verdict === 'PASS' ? 1 : 0,
    fail: verdict === 'FAIL' ? 1 : 0,
    skip: 0,
    error: 0,
    cached: 0,
    executed: 1,
    duration_ms: 12,
  },
  warm: {},
  diagnostics: [],
  specs: [
    {
      id: 'SPEC-a',
      title: 'a',
      level: 'module',
      status: 'active',
      verdict,
      reason: verdict === 'PASS' ? 'executed' : 'assertion',
      criteria: [
        {
          id: 'AC-a-1',
          title: 'one',
          risk: 'medium',
          verdict,
          reason: verdict === 'PASS' ? 'executed' : 'assertion',
          wording: 'f'.repeat(64),
          checks: [
            {
              link: 'a.test.ts > one',
              kind: 'test',
              runner: 'vitest',
              place: 'host',
              verdict,
              reason: verdict === 'PASS' ? 'executed' : 'assertion',
              proof: 'report',
              file: 'a.test.ts',
              line: 3,
              command: ['vitest'],
              exit_code: 0,
              attempt: 1,
              started_at: null,
              ended_at: null,
              duration_ms: 3.5,
              cached: false,
              env: {},
              source_hash: 'sha256:y',
              image_id: null,
              layers: [],
              output: '.coherence/runs/x',
              output_sha256: 'a'.repeat(64),
              message: 'secret output',
            },
          ],
        },
      ],
    },
  ],
});

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
    expect(clash).toMatchObject({ state: 'conflicts', conflicts: [{ field: 'title', base: 'ann', ours: 'from ann', theirs: 'from bob' }] });
    expect(await titles(ann)).toEqual([['from ann', 'bob']]);
    expect(get(await pullStore(ann.project, remote, 'theirs', ann.env)).state).toBe('merged');
    expect(await titles(ann)).toEqual([['from bob', 'bob']]);
    // Merges are in the history but own no change.
    expect(get(await storeLog(ann.project, 'SPEC-a', 99, ann.env)).some((entry) => entry.message.startsWith('Merge'))).toBe(false);
    expect(get(await storeDiff(ann.project, 'HEAD~1..HEAD', ann.env))).toMatchObject([{ id: 'SPEC-a', field: 'title', to: 'from bob' }]);
    expect((await pullStore(ann.project, 'file:///nowhere/at/all', undefined, ann.env)).ok).toBe(false);
  }, 120_000);
});

real('a session', () => {
  it('sees what a fetch brings after a write of its own', async () => {
    const remote = `file://${await temporary('remote')}/r`;
    const [one, two] = [await newPlace(), await newPlace()];
    const write = async (session: StoreSession, title: string): Promise<unknown> =>
      get(await session.write({ upsert: [spec('a', { title })], remove: [], sync: [], unsync: [], message: title, git: null }));
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
    expect(get(await verdictsAt(at.project, commit, at.env))).toMatchObject([{ criterion: 'AC-a-1', verdict: 'PASS', run: second.run }]);
  });
});

real('times', () => {
  // @verifies AC-store-at
  it('spec show --at reads git refs from files and Dolt commits from the store', async () => {
    const at = await newProject();
    await at.write('specs/a.yaml', formatSpec(spec('a')));
    await at.git('add', '.');
    await at.git('commit', '-qm', 'one');
    get(await startStore(at.project, () => undefined, at.env));
    const [old] = get(await storeLog(at.project, null, 1, at.env));
    await edit(at, (one) => ({ ...one, title: 'new' }));
    const title = async (ref?: string): Promise<unknown> => get(await catalogAt(at.project, ref, at.env)).specs[0]?.title;
    expect([await title(), await title('HEAD'), await title(old?.commit)]).toEqual(['new', 'a', 'a']);
    const nobody = await catalogAt(at.project, '0'.repeat(32), at.env);
    expect(nobody.ok ? '' : nobody.failures[0]?.kind).toBe('unknown-id');
    expect(old?.git).toBe(await at.git('rev-parse', 'HEAD'));
  });

  // @verifies AC-store-no-loop
  it('asks the same number of questions over three commits and over thirty', async () => {
    const place = await newPlace();
    const session = await open(place);
    const server = get(await openServer(place));
    await useBranch(server.connection, place.database, session.branch);
    let statements = 0;
    const counting = {
      ...server.connection,
      query: async (statement: string, values?: readonly unknown[]) => {
        statements += 1;
        return server.connection.query(statement, values);
      },
    };
    const asked: number[] = [];
    for (const edits of [3, 30]) {
      for (let at = 0; at < edits; at += 1)
        get(
          await session.write({
            upsert: [
              spec('a', {
                title: `${edits} ${at}`,
                criteria: [{ id: 'AC-a-1', title: `${at}`, verified_by: [{ kind: 'run', target: 'true' }] }],
              }),
            ],
            remove: [],
            sync: [],
            unsync: [],
            message: `${at}`,
            git: null,
          }),
        );
      statements = 0;
      expect((await readBlame(counting, 'SPEC-a')).find((entry) => entry.field === 'title' && entry.id === 'SPEC-a')).toMatchObject({
        value: `${edits} ${edits - 1}`,
        previous: `${edits} ${edits - 2}`,
      });
      await readRows(counting, await session.head());
      asked.push(statements);
    }
    expect(asked[1]).toBe(asked[0]);
    await server.close();
    await session.close();
  });

  it('a target of another environment is refused', async () => {
    const at = await newProject();
    const refused = await migrateStore(at.project, 'shop_abc123_prod', at.env);
    expect(refused.ok ? '' : refused.failures[0]?.message).toContain('environment prod, but this command runs in environment test');
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
      get(await findDolt({ doltBin: null, cache: join(process.env['HOME'] ?? '', '.cache/coherence'), env: process.env })).path,
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
      const place = await newPlace({ cache, env: { ...process.env, PATH: nowhere }, doltUrl: url, doltSha256: '0'.repeat(64) });
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
