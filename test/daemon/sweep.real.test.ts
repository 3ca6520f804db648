import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, box, isRoot, kill9, until, type Box } from './rig.js';

const ZERO = {
  swept_count: 0,
  failed_count: 0,
  root_owned_skipped: 0,
  no_manifest_skipped: 0,
  live_skipped: 0,
  roots_unreadable: 0,
  locked_removed: 0,
  admin_pruned: 0,
  prune_succeeded: true,
  backlog_count: 0,
  duration_ms: expect.any(Number),
  trash_pending: 0,
};
const lastSweep = async (test: Box) => (await test.log('worktree.sweep')).at(-1);

/** A worktree of a run whose daemon is dead; its run does not come back. */
async function stale(test: Box): Promise<string> {
  const daemon = await test.start();
  const [run = ''] = await test.enqueue(['SPEC-long'], { commit: 'HEAD' });
  await until(async () => (await test.marks()).some((mark) => mark.run === run), 'the mark');
  await kill9(daemon);
  for (const { pid } of test.processes()) process.kill(pid, 'SIGKILL');
  await until(() => test.processes().length === 0, 'no processes');
  await test.config({ max_workers: 0, tick_interval_ms: 200 });
  return join(test.state, 'worktrees', `verify-${run}-1`);
}

const long = { probes: (self: Pick<Box, 'probe'>) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }) };

describe('the sweep at boot', () => {
  // OC-21, OC-23
  // @verifies AC-orchestrator-sweep-strangers
  it('with a missing base counts nothing; what users put there survives with its registration; git is not led astray', async () => {
    await using test = await box();
    const garbage = join(test.folder, 'garbage');
    await writeFile(garbage, 'garbage');
    const daemon = await test.start({ GIT_INDEX_FILE: garbage, GIT_DIR: '/nonexistent' });
    expect(await lastSweep(test)).toMatchObject(ZERO);
    await kill9(daemon);
    const base = join(test.state, 'worktrees');
    await mkdir(join(base, 'keep-me'), { recursive: true });
    await writeFile(join(base, 'keep-me', 'important.txt'), 'precious');
    await test.git('worktree', 'add', '-q', join(base, 'mine'));
    await test.start({ GIT_INDEX_FILE: garbage });
    expect(await lastSweep(test)).toMatchObject(ZERO);
    expect(await readFile(join(base, 'keep-me', 'important.txt'), 'utf8')).toBe('precious');
    expect(await test.worktrees()).toEqual([test.repo, join(base, 'mine')]);
    expect(await readFile(join(base, 'mine', 'probe.sh'), 'utf8')).toContain('#!/bin/sh');
    expect(await readFile(garbage, 'utf8')).toBe('garbage');
  });

  // OC-27
  // @verifies AC-orchestrator-sweep-live
  it("leaves a worktree in which the user's shell is; after that `sweep` takes it; a dry run changes nothing and counts the same", async () => {
    await using test = await box(long);
    const path = await stale(test);
    const shell = spawn('sleep', ['600'], { cwd: path, stdio: 'ignore', env: { PATH: test.env['PATH'] } });
    await new Promise((done) => shell.once('spawn', done));
    try {
      await test.start();
      expect(await lastSweep(test)).toMatchObject({ ...ZERO, live_skipped: 1, backlog_count: 1 });
      expect(await readFile(join(path, 'probe.sh'), 'utf8')).toContain('#!/bin/sh');
      const dry = (await test.coherence(['sweep', '--dry-run', '--json'])).json();
      expect(dry).toMatchObject({ ...ZERO, live_skipped: 1, backlog_count: 1 });
    } finally {
      const ended = new Promise((done) => shell.once('exit', done));
      shell.kill('SIGKILL');
      await ended;
    }
    expect((await test.coherence(['sweep', '--dry-run', '--json'])).json()).toMatchObject({
      swept_count: 1,
      backlog_count: 1,
    });
    expect(await test.worktrees()).toHaveLength(2);
    expect((await test.coherence(['sweep', '--json'])).json()).toMatchObject({
      ...ZERO,
      swept_count: 1,
      backlog_count: 1,
      locked_removed: 1,
      trash_pending: 1,
    });
    expect(await test.worktrees()).toEqual([test.repo]);
  });

  // OC-25, F11
  // @verifies AC-orchestrator-sweep-foreign
  it.skipIf(!isRoot)(
    'leaves one with a file that cannot be deleted, counts it as backlog, and tries again at the next boot',
    async () => {
      await using test = await box(long);
      const path = await stale(test);
      const locked = join(path, 'probe.sh');
      expect((await test.exec(['chattr', '+i', locked])).code).toBe(0);
      try {
        for (let boot = 0; boot < 2; boot += 1) {
          const daemon = await test.start();
          expect(await lastSweep(test)).toMatchObject({ ...ZERO, root_owned_skipped: 1, backlog_count: 1 });
          expect(await readFile(locked, 'utf8')).toContain('#!/bin/sh');
          await kill9(daemon);
        }
      } finally {
        await test.exec(['chattr', '-i', locked]);
      }
      await test.start();
      expect(await lastSweep(test)).toMatchObject({ swept_count: 1, root_owned_skipped: 0, backlog_count: 1 });
      expect(await test.worktrees()).toEqual([test.repo]);
    },
  );

  // OC-25, F11
  // @verifies AC-orchestrator-sweep-foreign
  it.skipIf(!isRoot)('of a daemon that is not root leaves a folder of root, and starts', async () => {
    await using test = await box(long);
    const path = await stale(test);
    await mkdir(join(path, 'root-owned'));
    await writeFile(join(path, 'root-owned', 'file'), 'x');
    const uid = '65534';
    expect((await test.exec(['chown', '-R', `${uid}:${uid}`, test.folder])).code).toBe(0);
    expect((await test.exec(['chown', '-R', '0:0', join(path, 'root-owned')])).code).toBe(0);
    const as = (args: readonly string[]) =>
      test.exec(['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', process.execPath, BIN, ...args]);
    const started = await as(['daemon', 'start']);
    expect(started.code, started.err).toBe(0);
    expect(await lastSweep(test)).toMatchObject({ ...ZERO, root_owned_skipped: 1, backlog_count: 1 });
    expect(await readFile(join(path, 'root-owned', 'file'), 'utf8')).toBe('x');
    await as(['daemon', 'stop', '--now']);
  });

  // F20
  // @verifies AC-orchestrator-sweep-fast
  it('of 300 left-over worktrees renames them all before the daemon is ready, and warns of the backlog', async () => {
    await using test = await box({ config: { max_workers: 0 } });
    await test.journal();
    // Made as a dead daemon made them: row, manifest and locked entry.
    const { intendWorktree } = await import('../../src/journal/index.js');
    const { database } = await test.journal();
    const head = await test.git('rev-parse', 'HEAD');
    const base = join(test.state, 'worktrees');
    await mkdir(base);
    const paths = Array.from({ length: 300 }, (_, index) => join(base, `verify-R${index}-1`));
    for (const [index, path] of paths.entries()) {
      const reason = `coherence:v1 instance=dead run=R${index} nonce=n${index}`;
      intendWorktree(database, {
        path,
        run_id: `R${index}`,
        instance_id: 'dead',
        repo: test.repo,
        commit_sha: head,
        nonce: `n${index}`,
        reason,
      });
      await test.git('worktree', 'add', '-q', '--detach', '--lock', '--reason', reason, path, head);
    }
    await test.start();
    expect(await lastSweep(test)).toMatchObject({
      swept_count: 300,
      backlog_count: 300,
      locked_removed: 300,
      failed_count: 0,
    });
    expect(await test.log('worktree.backlog')).toMatchObject([{ level: 'warn', backlog_count: 300 }]);
    // How long that takes is the benchmark's business: 1.7 s on a quiet machine.
    const events = (await test.log()).map((entry) => entry.event);
    expect(events.indexOf('worktree.backlog')).toBeLessThan(events.indexOf('daemon.ready'));
    expect(await test.worktrees()).toEqual([test.repo]);
  });

  it('without a daemon works under the lock, and refuses where somebody else holds it', async () => {
    await using test = await box(long);
    const path = await stale(test);
    expect((await test.coherence(['sweep', '--json'])).json()).toMatchObject({ swept_count: 1, backlog_count: 1 });
    expect(await test.worktrees()).toEqual([test.repo]);
    const holder = spawn('flock', [join(test.state, 'orchestrator.lock'), 'sleep', '60'], {
      stdio: 'ignore',
      detached: true,
    });
    try {
      await until(
        async () => (await test.exec(['flock', '-n', join(test.state, 'orchestrator.lock'), 'true'])).code === 1,
        'the lock',
      );
      expect((await test.coherence(['sweep'])).code).toBe(75);
    } finally {
      process.kill(-(holder.pid ?? 0), 'SIGKILL');
    }
    expect(path).toContain('verify-');
  });
});
