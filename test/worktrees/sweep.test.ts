import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  sweep,
  worktrees,
  type LedgerRow,
  type SweepOptions,
  type Worktree,
  type WorktreeLedger,
} from '../../src/worktrees/index.js';
import { capture } from '../../src/util/process.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Rig {
  readonly repo: string;
  readonly base: string;
  readonly head: string;
  readonly rows: Map<string, LedgerRow>;
  readonly ledger: WorktreeLedger;
  git(...args: string[]): Promise<string>;
  make(run: string, keep?: boolean): Promise<Worktree>;
  sweep(change?: Partial<SweepOptions>): Promise<Awaited<ReturnType<typeof sweep>>['report']>;
}

async function rig(): Promise<Rig> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'coh-sweep-')));
  cleanups.push(async () => rm(folder, { recursive: true, force: true }));
  const repo = join(folder, 'repo');
  await mkdir(repo);
  const env = {
    ...process.env,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@x',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@x',
  };
  const git = async (...args: string[]): Promise<string> => {
    const answer = await capture({ command: ['git', ...args], cwd: repo, env });
    if (!answer.ok) throw new Error(answer.stderr);
    return answer.stdout.trim();
  };
  await git('init', '-q');
  await writeFile(join(repo, 'file.txt'), 'content\n');
  await git('add', '.');
  await git('commit', '-qm', 'first');
  const rows = new Map<string, LedgerRow>();
  const ledger: WorktreeLedger = {
    intend: (row) => rows.set(row.path, { ...row, state: 'intended' }),
    set: (path, state) => {
      const row = rows.get(path);
      if (row !== undefined) rows.set(path, { ...row, state });
    },
    open: () => [...rows.values()].filter((row) => row.state !== 'gone'),
  };
  const base = join(folder, 'state', 'worktrees');
  const head = await git('rev-parse', 'HEAD');
  const owner = { instanceId: 'dead-instance', identity: { bootId: 'b', pid: 1, startTicks: 1 } };
  return {
    repo,
    base,
    head,
    rows,
    ledger,
    git,
    make: async (run, keep = false) => {
      const made = await worktrees({
        base,
        owner,
        ledger,
        onBackground: (work) => cleanups.unshift(async () => void (await work)),
      }).create({ repo, commit: head, runId: run, attempt: 1, keep });
      if (!made.ok) throw new Error(made.trouble.message);
      return made.worktree;
    },
    sweep: async (change = {}) => {
      const swept = await sweep({
        base,
        extraRoots: [],
        repos: [repo],
        ledger,
        isOwnerDead: () => true,
        dryRun: false,
        deleteConcurrency: 2,
        ...change,
      });
      await swept.deletion;
      return swept.report;
    },
  };
}

const CLEAN = {
  sweptCount: 0,
  failedCount: 0,
  rootOwnedSkipped: 0,
  noManifestSkipped: 0,
  liveSkipped: 0,
  rootsUnreadable: 0,
  lockedRemoved: 0,
  adminPruned: 0,
  pruneSucceeded: true,
  backlogCount: 0,
  trashPending: 0,
};
const listed = async (test: Rig): Promise<string[]> =>
  (await test.git('worktree', 'list', '--porcelain'))
    .split('\n')
    .filter((line) => line.startsWith('worktree '))
    .map((line) => line.slice(9));
const there = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('a worktree of ours', () => {
  // @verifies AC-orchestrator-ownership-first
  it('is never taken away by a second one that wants its place', async () => {
    const test = await rig();
    const first = await test.make('R1');
    await expect(test.make('R1')).rejects.toThrow('exists already');
    expect(await there(join(first.path, 'file.txt'))).toBe(true);
    expect(test.rows.get(first.path)).toMatchObject({ state: 'live' });
    await first.release();
  });

  // @verifies AC-orchestrator-ownership-first
  it('has its owner on record in three places, and is gone from all of them after its release', async () => {
    const test = await rig();
    const worktree = await test.make('R1');
    expect(worktree.path).toBe(join(test.base, 'verify-R1-1'));
    expect(await readFile(join(worktree.path, 'file.txt'), 'utf8')).toBe('content\n');
    expect(test.rows.get(worktree.path)).toMatchObject({ state: 'live', instance_id: 'dead-instance', run_id: 'R1' });
    expect(JSON.parse(await readFile(`${worktree.path}.manifest.json`, 'utf8'))).toMatchObject({
      instance: 'dead-instance',
      run: 'R1',
      path: worktree.path,
    });
    expect(await test.git('worktree', 'list', '--porcelain')).toContain(
      'locked coherence:v1 instance=dead-instance run=R1 nonce=',
    );
    await worktree.release();
    await worktree.release();
    expect(await listed(test)).toEqual([test.repo]);
    expect(await there(worktree.path)).toBe(false);
    expect(await there(`${worktree.path}.manifest.json`)).toBe(false);
  });

  it('that git refuses leaves nothing behind', async () => {
    const test = await rig();
    const deletions: Promise<unknown>[] = [];
    const made = await worktrees({
      base: test.base,
      owner: { instanceId: 'i', identity: { bootId: 'b', pid: 1, startTicks: 1 } },
      ledger: test.ledger,
      onBackground: (work) => deletions.push(work),
    }).create({ repo: test.repo, commit: 'f'.repeat(40), runId: 'R2', attempt: 1 });
    await Promise.all(deletions);
    expect(made).toMatchObject({ ok: false, trouble: { kind: 'no-commit' } });
    expect([...test.rows.values()].map((row) => row.state)).toEqual(['gone']);
    expect(await readdir(test.base)).toEqual(['.trash']);
    expect(await readdir(join(test.base, '.trash'))).toEqual([]);
    expect(await listed(test)).toEqual([test.repo]);
  });
});

describe('the sweep', () => {
  // @verifies AC-orchestrator-sweep
  it('takes what a dead instance left, whatever of its three records is missing', async () => {
    const test = await rig();
    const [all, noRow, noManifest, onlyLock] = [
      await test.make('R1'),
      await test.make('R2'),
      await test.make('R3'),
      await test.make('R4'),
    ];
    test.rows.delete(noRow.path);
    test.rows.delete(onlyLock.path);
    await rm(`${noManifest.path}.manifest.json`);
    await rm(`${onlyLock.path}.manifest.json`);
    expect(await test.sweep({ dryRun: true })).toMatchObject({ sweptCount: 4, backlogCount: 4, lockedRemoved: 4 });
    expect(await listed(test)).toHaveLength(5);
    expect(await test.sweep()).toMatchObject({
      ...CLEAN,
      sweptCount: 4,
      backlogCount: 4,
      lockedRemoved: 4,
      trashPending: 4,
    });
    expect(await listed(test)).toEqual([test.repo]);
    expect(await readdir(test.base)).toEqual(['.trash']);
    expect(await readdir(join(test.base, '.trash'))).toEqual([]);
    expect(await test.sweep()).toMatchObject(CLEAN);
    expect(await there(all.path)).toBe(false);
  });

  // @verifies AC-orchestrator-sweep-strangers
  it('leaves what is not ours: foreign names, foreign worktrees, our prefix without a record, copied manifests', async () => {
    const test = await rig();
    await mkdir(join(test.base, 'keep-me'), { recursive: true });
    await writeFile(join(test.base, 'keep-me', 'important.txt'), 'x');
    await test.git('worktree', 'add', '-q', join(test.base, 'mine'));
    await mkdir(join(test.base, 'verify-notes'));
    await writeFile(join(test.base, 'verify-notes', 'n.txt'), 'y');
    await test.git('worktree', 'add', '-q', '--lock', '--reason', 'mine', join(test.base, 'verify-locked-by-me'));
    const kept = await test.make('R9', true);
    const real = await test.make('R8');
    await mkdir(join(test.base, 'verify-copied'));
    await writeFile(join(test.base, 'verify-copied.manifest.json'), await readFile(`${real.path}.manifest.json`));
    expect(await test.sweep()).toMatchObject({
      ...CLEAN,
      noManifestSkipped: 3,
      sweptCount: 1,
      backlogCount: 1,
      lockedRemoved: 1,
      trashPending: 1,
    });
    expect((await readdir(test.base)).sort()).toEqual([
      '.trash',
      'keep-me',
      'mine',
      'verify-R9-1',
      'verify-R9-1.manifest.json',
      'verify-copied',
      'verify-copied.manifest.json',
      'verify-locked-by-me',
      'verify-notes',
    ]);
    expect(await listed(test)).toEqual(
      [test.repo, join(test.base, 'mine'), kept.path, join(test.base, 'verify-locked-by-me')].sort((left, right) =>
        left === test.repo ? -1 : right === test.repo ? 1 : left < right ? -1 : 1,
      ),
    );
  });

  // @verifies AC-orchestrator-sweep
  it('removes a locked entry whose folder is gone, which prune alone never does', async () => {
    const test = await rig();
    const worktree = await test.make('R1');
    await rm(worktree.path, { recursive: true });
    await test.git('worktree', 'prune');
    expect(await listed(test)).toHaveLength(2);
    expect(await test.sweep()).toMatchObject({ ...CLEAN, lockedRemoved: 1 });
    expect(await listed(test)).toEqual([test.repo]);
    expect(test.rows.get(worktree.path)?.state).toBe('gone');
  });

  // @verifies AC-orchestrator-sweep-live
  it('leaves a folder in which somebody is, and one whose owner lives', async () => {
    const test = await rig();
    const [inside, owned] = [await test.make('R1'), await test.make('R2')];
    const shell = spawn('sleep', ['60'], { cwd: inside.path, stdio: 'ignore' });
    await new Promise((resolve) => shell.once('spawn', resolve));
    cleanups.unshift(async () => void shell.kill('SIGKILL'));
    test.rows.set(owned.path, { ...(test.rows.get(owned.path) as LedgerRow), instance_id: 'alive' });
    const isOwnerDead = (id: string): boolean => id !== 'alive';
    for (const dryRun of [true, false])
      expect(await test.sweep({ isOwnerDead, dryRun })).toMatchObject({ ...CLEAN, liveSkipped: 1, backlogCount: 1 });
    expect((await there(inside.path)) && (await there(owned.path))).toBe(true);
    const ended = new Promise((resolve) => shell.once('exit', resolve));
    shell.kill('SIGKILL');
    await ended;
    expect(await test.sweep({ isOwnerDead })).toMatchObject({
      ...CLEAN,
      sweptCount: 1,
      backlogCount: 1,
      lockedRemoved: 1,
      trashPending: 1,
    });
    expect(await there(owned.path)).toBe(true);
  });

  it('works with a missing and an empty base, and unsets what would lead git elsewhere', async () => {
    const test = await rig();
    const garbage = join(test.repo, '..', 'garbage-index');
    await writeFile(garbage, 'garbage');
    process.env['GIT_INDEX_FILE'] = garbage;
    process.env['GIT_DIR'] = '/nonexistent';
    try {
      expect(await test.sweep()).toMatchObject(CLEAN);
      expect(await test.sweep()).toMatchObject(CLEAN);
    } finally {
      delete process.env['GIT_INDEX_FILE'];
      delete process.env['GIT_DIR'];
    }
    expect(await readFile(garbage, 'utf8')).toBe('garbage');
    expect(await readdir(test.base)).toEqual([]);
  });

  // @verifies AC-orchestrator-sweep-interrupted
  it('finishes what a killed sweep or release began', async () => {
    const test = await rig();
    const [moved, half, intended] = [await test.make('R1'), await test.make('R2'), await test.make('R3')];
    // Killed after the rename: entry, manifest and row are left.
    await mkdir(join(test.base, '.trash'));
    await rename(moved.path, join(test.base, '.trash', 'x'));
    test.ledger.set(moved.path, 'releasing');
    // Killed in the middle of `worktree add`: the folder is incomplete.
    await rm(join(half.path, '.git'));
    // Killed between the manifest and `worktree add`: there is no folder and no entry.
    await test.git('worktree', 'remove', '-f', '-f', intended.path);
    test.ledger.set(intended.path, 'intended');
    // Killed while it wrote a manifest.
    await writeFile(join(test.base, 'verify-R4-1.manifest.json.0123456789ab.tmp'), '{');
    expect(await test.sweep()).toMatchObject({
      ...CLEAN,
      sweptCount: 1,
      backlogCount: 1,
      lockedRemoved: 2,
      trashPending: 2,
    });
    expect(await listed(test)).toEqual([test.repo]);
    expect(await readdir(test.base)).toEqual(['.trash']);
    expect(test.ledger.open()).toEqual([]);
  });

  it('looks into more folders where it is told to, and says which it cannot read', async () => {
    const test = await rig();
    const worktree = await test.make('R1');
    const extra = join(test.repo, '..', 'elsewhere');
    await mkdir(extra);
    await rename(test.base, join(extra, 'base'));
    await mkdir(test.base);
    expect(await test.sweep({ extraRoots: [join(test.repo, 'file.txt'), join(extra, 'missing')] })).toMatchObject({
      rootsUnreadable: 1,
      lockedRemoved: 1,
    });
    expect(await there(join(extra, 'base', 'verify-R1-1'))).toBe(true);
    expect(test.rows.get(worktree.path)?.state).toBe('gone');
  });

  // @verifies AC-orchestrator-sweep-fast
  it('takes many with one prune', async () => {
    const test = await rig();
    const made: Worktree[] = [];
    for (let index = 0; index < 12; index += 1) made.push(await test.make(`R${index}`));
    expect(await test.sweep()).toMatchObject({
      ...CLEAN,
      sweptCount: 12,
      backlogCount: 12,
      lockedRemoved: 12,
      trashPending: 12,
    });
    expect(await listed(test)).toEqual([test.repo]);
  });
});
