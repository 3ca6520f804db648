import { describe, expect, it } from 'vitest';
import { applyCatalogChange, catalogAt } from '../../src/app/catalog/catalog-change.js';
import { coverageView } from '../../src/app/analysis/coverage-view.js';
import { drainRuns, recordRun, startStore, storeLog } from '../../src/app/store/store.js';
import { formatSpec } from '../../src/catalog/index.js';
import { wordingOf } from '../../src/evidence/index.js';
import { success, type Criterion, type Spec } from '../../src/model/index.js';
import { useBranch } from '../../src/store/dolt/branches.js';
import { makeSession } from '../../src/store/dolt/session.js';
import { doltBranch, openServer, type StoreSession } from '../../src/store/index.js';
import { ulid } from '../../src/util/ulid.js';
import { record } from './record.js';
import { doltHere, get, newPlace, newProject, open, type TestProject } from './rig.js';

const real = describe.skipIf(!doltHere);
const one: Criterion = { id: 'AC-a-1', title: 'one', verified_by: [{ kind: 'run', target: 'true' }] };
const spec = (rest: Partial<Spec> = {}): Spec => ({
  id: 'SPEC-a',
  title: 'a',
  level: 'module',
  status: 'active',
  criteria: [one],
  ...rest,
});
const edit = async (at: TestProject, change: (spec: Spec) => Spec): Promise<void> =>
  void get(
    await applyCatalogChange(at.project, 'Edit', (current) => success({ specs: current.specs.map(change) }), at.env),
  );
const newest = async (at: TestProject): Promise<string> =>
  get(await storeLog(at.project, null, 1, at.env))[0]?.commit ?? '';

/** A project whose only spec is committed, with a store that has it. */
async function committed(): Promise<{ readonly at: TestProject; readonly commit: string }> {
  const at = await newProject();
  await at.write('specs/a.yaml', formatSpec(spec()));
  await at.git('add', '.');
  await at.git('commit', '-qm', 'one');
  get(await startStore(at.project, () => undefined, at.env));
  return { at, commit: await at.git('rev-parse', 'HEAD') };
}

real('--at', () => {
  // @verifies AC-store-at
  it('gives the catalog of a git ref from files, and of a Dolt commit or branch from the store', async () => {
    const { at, commit } = await committed();
    const [old] = get(await storeLog(at.project, null, 1, at.env));
    await edit(at, (before) => ({ ...before, title: 'new' }));
    const title = async (ref?: string): Promise<unknown> =>
      get(await catalogAt(at.project, ref, at.env)).specs[0]?.title;
    const branch = doltBranch('main');
    expect([
      await title(),
      await title('HEAD'),
      await title(old?.commit),
      await title(branch),
      await title(`${branch}~1`),
    ]).toEqual(['new', 'a', 'a', 'new', 'a']);
    for (const nobody of ['0'.repeat(32), 'no-such-branch', '--all', "x' OR 1"]) {
      const refused = await catalogAt(at.project, nobody, at.env);
      expect([nobody, refused.ok ? '' : refused.failures[0]?.kind]).toEqual([nobody, 'unknown-id']);
    }
    expect(old?.git).toBe(commit);
    // Dolt's very first commit is older than our tables.
    const beginning = get(await storeLog(at.project, null, 99, at.env)).at(-1)?.commit;
    expect(get(await catalogAt(at.project, beginning, at.env)).specs).toEqual([]);
  });

  // @verifies AC-store-coverage-at
  it('gives the coverage of a Dolt commit: its catalog and wording, and the verdicts recorded by then about exactly its code', async () => {
    const { at, commit } = await committed();
    const run = async (
      verdict: 'PASS' | 'FAIL',
      over: { readonly commit?: string; readonly dirty?: boolean; readonly wording?: string },
    ): Promise<string> => {
      const made = record(ulid(), verdict, over.commit ?? commit, {
        wording: over.wording ?? wordingOf(one),
        dirty: over.dirty ?? false,
      });
      expect(await recordRun(at.project, made, at.env)).toBe('pending');
      expect(await drainRuns(at.project, at.env)).toBe(0);
      return newest(at);
    };
    const before = await newest(at);
    const otherCode = await run('PASS', { commit: 'c'.repeat(40) });
    const dirty = await run('PASS', { dirty: true });
    const otherWords = await run('PASS', { wording: `sha256:${'f'.repeat(64)}` });
    const passed = await run('PASS', {});
    await edit(at, (old) => ({ ...old, criteria: [{ ...one, title: 'reworded' }] }));
    const reworded = await newest(at);
    await edit(at, () => spec());
    const failed = await run('FAIL', {});
    const numbers = async (ref: string): Promise<unknown> => {
      // `coverageView` takes the environment of the process, as a command does.
      const view = get(await withEnvironment(at, async () => coverageView(at.project, { at: ref, withHistory: true })));
      const { specified, traced, executed, passed: good } = view.total;
      return {
        numbers: [specified, traced, executed, good],
        runs: view.trend.length,
        verdict: view.criteria[0]?.verdict,
      };
    };
    expect(await numbers(before)).toEqual({ numbers: [1, 1, 0, 0], runs: 0, verdict: null });
    // The newest run on a clean tree names the code; nobody has that commit here.
    const unknown = await withEnvironment(at, async () =>
      coverageView(at.project, { at: otherCode, withHistory: false }),
    );
    expect(unknown.ok ? [] : unknown.failures).toMatchObject([
      { kind: 'unavailable', hint: expect.stringContaining('Fetch that commit') },
    ]);
    expect(dirty).not.toBe(otherCode);
    expect(await numbers(otherWords)).toEqual({ numbers: [1, 1, 0, 0], runs: 3, verdict: null });
    expect(await numbers(passed)).toEqual({ numbers: [1, 1, 1, 1], runs: 4, verdict: 'PASS' });
    expect(await numbers(reworded)).toEqual({ numbers: [1, 1, 0, 0], runs: 4, verdict: null });
    expect(await numbers(failed)).toEqual({ numbers: [1, 1, 1, 0], runs: 5, verdict: 'FAIL' });
    expect(await numbers(doltBranch('main'))).toEqual(await numbers(failed));
  });

  // @verifies AC-store-no-loop
  it('and blame ask the same number of questions over ten commits and over two hundred', async () => {
    const place = await newPlace();
    const session = await open(place);
    const server = get(await openServer(place));
    await useBranch(server.connection, place.database, session.branch);
    let statements = 0;
    const connection = {
      ...server.connection,
      query: async (statement: string, values?: readonly unknown[]) => {
        statements += 1;
        return server.connection.query(statement, values);
      },
    };
    const counted: StoreSession = makeSession({
      place,
      connection,
      server: { ...server, connection },
      branch: session.branch,
      syncTable: 'sync_state',
    });
    const asked: (readonly number[])[] = [];
    const git = 'a'.repeat(40);
    let edits = 0;
    for (const commits of [10, 200]) {
      for (; edits < commits; edits += 1) {
        const upsert = [spec({ title: `${edits}`, criteria: [{ ...one, title: `${edits}` }] })];
        get(await session.write({ upsert, remove: [], sync: [], unsync: [], message: `${edits}`, git }));
      }
      get(await session.recordRuns([{ ...record(ulid(), 'PASS', git), criteria: [] }]));
      const count = async (question: () => Promise<unknown>): Promise<number> => {
        statements = 0;
        await question();
        return statements;
      };
      const head = get(await session.head());
      asked.push([
        await count(async () => {
          const title = get(await counted.blame('SPEC-a')).find(
            (entry) => entry.field === 'title' && entry.id === 'SPEC-a',
          );
          expect(title).toMatchObject({ value: `${commits - 1}`, previous: `${commits - 2}` });
        }),
        await count(async () => get(await counted.catalog(head))),
        await count(async () => expect(get(await counted.gitOf(head))).toBe(git)),
        await count(async () => get(await counted.verdictsAt(git, head))),
        await count(async () => get(await counted.trend(100, head))),
        await count(async () => get(await counted.log('SPEC-a', 5))),
      ]);
    }
    expect(asked[1]).toEqual(asked[0]);
    expect(Math.max(...(asked[0] ?? []))).toBeLessThan(10);
    await server.close();
    await session.close();
  });
});

/** Runs `work` with the environment of a test project, as the project's own commands would have it. */
async function withEnvironment<T>(at: TestProject, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, at.env);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(process.env)) if (!Object.hasOwn(before, name)) delete process.env[name];
    Object.assign(process.env, before);
  }
}
