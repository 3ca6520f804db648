/**
 * The failure matrix, K1 to K18: the daemon dies by SIGKILL at exactly that place, what is on disk and alive is looked at,
 * and the next boot must bring it in order. A failpoint that is not reached fails the test.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, dead, entriesIn, kill9, until, type Box, type ShownRun } from './rig.js';

type Identity = { readonly pid: number; readonly startTicks: number };

const QUICK = { tick_interval_ms: 100, spawn_jitter_min_ms: 0, spawn_jitter_max_ms: 0, pool: { term_grace_ms: 300 } };
const two = {
  config: QUICK,
  probes: (self: Pick<Box, 'probe'>) => ({ 'specs/two.yaml': self.probe('two', { count: 2, sleep: 0.2 }) }),
};

/** Starts a daemon that will die at `point`, queues a run for it, and waits for the death. */
async function diesAt(
  test: Box,
  point: string,
  commit: string | null = null,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const daemon = await test.start({ COHERENCE_FAILPOINTS: `${point}=kill`, ...env });
  const [run = ''] = await test.enqueue(['SPEC-two'], { commit });
  await dead(daemon);
  return run;
}

const rows = async (test: Box, sql: string) => (await test.journal()).database.sql(sql).all();
const treeOf = (test: Box, run: string): string => join(test.state, 'worktrees', `verify-${run}-1`);
const startsOf = async (test: Box, ac: string): Promise<number> =>
  (await test.marks()).filter((mark) => mark.what === 'start' && mark.ac === ac).length;
const last = async (test: Box, event: string) => (await test.log(event)).at(-1);

/** The run ends with PASS, one verdict a criterion; nothing of any attempt is left, not even in git's own list. */
async function endsWell(test: Box, run: string): Promise<ShownRun> {
  const [ended] = await test.ended([run]);
  if (ended === undefined) throw new Error('no such run');
  expect(ended).toMatchObject({
    state: 'done',
    verdict: 'PASS',
    criteria: [
      { id: 'AC-two-1', verdict: 'PASS' },
      { id: 'AC-two-2', verdict: 'PASS' },
    ],
  });
  expect((await test.marks()).filter((mark) => mark.what === 'overlap')).toEqual([]);
  expect((await test.coherence(['daemon', 'stop'])).code).toBe(0);
  expect(test.processes()).toEqual([]);
  expect(await test.worktrees()).toEqual([test.repo]);
  expect((await entriesIn(join(test.state, 'worktrees'))).filter((name) => name !== '.trash')).toEqual([]);
  await until(async () => (await entriesIn(join(test.state, 'worktrees', '.trash'))).length === 0, 'the empty trash');
  return ended;
}

describe('the daemon is killed', () => {
  // @verifies AC-orchestrator-dedupe
  it('K1, before the enqueue is committed: the client gets an error and nothing is queued', async () => {
    await using test = await box(two);
    const daemon = await test.start({ COHERENCE_FAILPOINTS: 'K1=kill' });
    expect((await test.coherence(['queue', 'add', 'SPEC-two', '--request', 'k'])).code).toBe(75);
    await dead(daemon);
    expect(await test.list()).toEqual([]);
  });

  // @verifies AC-orchestrator-dedupe
  it('K2, after the commit and before the reply: the repeated request is the same run', async () => {
    await using test = await box(two);
    const daemon = await test.start({ COHERENCE_FAILPOINTS: 'K2=kill', COHERENCE_MAX_WORKERS: '0' });
    expect((await test.coherence(['queue', 'add', 'SPEC-two', '--request', 'k'])).code).toBe(75);
    await dead(daemon);
    const [queued] = await test.list();
    await test.start();
    expect(await test.queue('SPEC-two', '--request', 'k')).toEqual([queued?.run_id]);
    await endsWell(test, queued?.run_id ?? '');
    expect(await test.list()).toHaveLength(1);
  });

  // @verifies AC-orchestrator-fence
  it('K3, after the claim: the run goes back and its next claim has a higher fence', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K3');
    expect(await test.show(run)).toMatchObject({ state: 'claimed', fence: 1 });
    expect(await rows(test, 'SELECT * FROM procs')).toEqual([]);
    await test.start();
    expect(await endsWell(test, run)).toMatchObject({ fence: 2, attempt: 1 });
  });

  // @verifies AC-orchestrator-sweep-interrupted
  it('K4, between the intent and `worktree add`: the row is closed and the manifest removed, nothing counts as swept', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K4', 'HEAD');
    expect(await entriesIn(join(test.state, 'worktrees'))).toEqual([`verify-${run}-1.manifest.json`]);
    expect(await rows(test, 'SELECT path, state FROM worktrees')).toEqual([
      { path: treeOf(test, run), state: 'intended' },
    ]);
    await test.start({ COHERENCE_MAX_WORKERS: '0' });
    expect(await last(test, 'worktree.sweep')).toMatchObject({ swept_count: 0, failed_count: 0 });
    expect(await entriesIn(join(test.state, 'worktrees'))).toEqual([]);
    expect(await rows(test, 'SELECT state FROM worktrees')).toEqual([{ state: 'gone' }]);
    await test.coherence(['daemon', 'stop']);
    await test.start();
    await endsWell(test, run);
  });

  // @verifies AC-orchestrator-sweep-interrupted
  it('K5, during `worktree add`: the git that outlived it is ended, then the half-made worktree and its locked entry are swept', async () => {
    await using test = await box(two);
    // A git that is slow where it counts, as in a repository of many gigabytes.
    const bin = join(test.folder, 'bin');
    const { out } = await test.exec(['sh', '-c', 'command -v git']);
    await test.exec(['mkdir', bin]);
    await writeFile(
      join(bin, 'git'),
      `#!/bin/sh\ncase " $* " in *" worktree add "*) ${out.trim()} "$@"; echo made >> "$BOX/made"; sleep 600;; *) exec ${out.trim()} "$@";; esac\n`,
      { mode: 0o755 },
    );
    const daemon = await test.start({ PATH: `${bin}:${test.env['PATH'] ?? ''}` });
    const [run = ''] = await test.enqueue(['SPEC-two'], { commit: 'HEAD' });
    await until(async () => (await readFile(join(test.folder, 'made'), 'utf8').catch(() => '')) !== '', 'the worktree');
    await kill9(daemon);
    const sleeping = () => test.processes().filter(({ argv }) => argv === 'sleep 600');
    expect(sleeping()).toHaveLength(1);
    expect(await test.worktrees()).toEqual([test.repo, treeOf(test, run)]);
    await test.start();
    expect(sleeping()).toEqual([]);
    expect(await last(test, 'pool.boot_reap')).toMatchObject({ found: 1, killed: 1 });
    expect(await last(test, 'worktree.sweep')).toMatchObject({ swept_count: 1, locked_removed: 1 });
    await endsWell(test, run);
  });

  // @verifies AC-orchestrator-sweep-interrupted
  it('K5, as the first thing of `worktree add`: whatever of folder and entry is there is gone after the boot', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K5', 'HEAD');
    expect(await test.show(run)).toMatchObject({ state: 'preparing' });
    await test.start();
    await endsWell(test, run);
  });

  // @verifies AC-orchestrator-sweep-boot
  it('K6, after `worktree add`: the live worktree is swept and the run queued again', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K6', 'HEAD');
    expect(await test.worktrees()).toEqual([test.repo, treeOf(test, run)]);
    await test.start();
    expect(await last(test, 'worktree.sweep')).toMatchObject({ swept_count: 1, locked_removed: 1, backlog_count: 1 });
    expect(await last(test, 'resume.requeued')).toMatchObject({ run_id: run, completed: 0 });
    await endsWell(test, run);
  });

  // @verifies AC-orchestrator-boot-reap
  it('K7, between the spawn intent and the fork: no process carries the nonce, so its row is gone without a signal', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K7');
    expect(await rows(test, 'SELECT pid, state FROM procs')).toEqual([{ pid: null, state: 'intended' }]);
    await test.start();
    expect(await last(test, 'pool.boot_reap')).toMatchObject({ found: 0, killed: 0, gone: 1 });
    await endsWell(test, run);
  });

  // @verifies AC-orchestrator-boot-reap
  it('K8, between the fork and the note of its pid: the child is found by its nonce and ended', async () => {
    await using test = await box(two);
    // A worker that does not end by itself when the channel to the daemon closes.
    const node = join(test.folder, 'stubborn');
    await writeFile(node, '#!/bin/sh\ntrap "" TERM\nsleep 600\n', { mode: 0o755 });
    const run = await diesAt(test, 'K8', null, { COHERENCE_BACKENDS__NODE__BIN: node });
    expect(await rows(test, 'SELECT pid, state FROM procs')).toEqual([{ pid: null, state: 'intended' }]);
    expect(test.processes().some(({ argv }) => argv === 'sleep 600')).toBe(true);
    await test.start();
    expect(test.processes().filter(({ argv }) => argv === 'sleep 600' || argv.includes(node))).toEqual([]);
    expect(await last(test, 'pool.boot_reap')).toMatchObject({ found: 1, killed: 1, indeterminate: 0 });
    expect(await last(test, 'pool.reap')).toMatchObject({ reason: 'boot_orphan', run_id: run, verified_dead: true });
    await endsWell(test, run);
  });

  // @verifies AC-orchestrator-lossless
  it('K9, while the worker runs: what is stored is kept and not run again', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K9', 'HEAD');
    expect((await test.show(run)).criteria.map((item) => item.id)).toEqual(['AC-two-1']);
    await test.start();
    expect(await last(test, 'resume.requeued')).toMatchObject({ run_id: run, completed: 1, remaining: 1 });
    expect(await endsWell(test, run)).toMatchObject({
      attempt: 2,
      fence: 2,
      criteria: [{ attempt: 1 }, { attempt: 2 }],
    });
    expect(await startsOf(test, 'AC-two-1')).toBe(1);
  });

  // @verifies AC-orchestrator-lossless
  it('K10, between the result and its commit: that criterion runs again and has one verdict', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K10');
    expect((await test.show(run)).criteria).toEqual([]);
    await test.start();
    expect(await endsWell(test, run)).toMatchObject({ attempt: 2, criteria: [{ attempt: 2 }, { attempt: 2 }] });
    expect(await startsOf(test, 'AC-two-1')).toBe(2);
    expect(await rows(test, 'SELECT count(*) AS n FROM ac_results')).toEqual([{ n: 2 }]);
  });

  // @verifies AC-orchestrator-lossless
  it('K11, after the commit and before the store has it: the verdict waits in the outbox, once', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K11');
    expect(await rows(test, 'SELECT ac_id, pushed_at FROM outbox')).toEqual([{ ac_id: 'AC-two-1', pushed_at: null }]);
    await test.start();
    await endsWell(test, run);
    expect(await startsOf(test, 'AC-two-1')).toBe(1);
    expect(await rows(test, 'SELECT ac_id FROM outbox ORDER BY seq')).toEqual([
      { ac_id: 'AC-two-1' },
      { ac_id: 'AC-two-2' },
    ]);
  });

  // @verifies AC-orchestrator-sweep-interrupted
  it('K13, while a worktree is removed: what lies in the trash is deleted and git has forgotten it', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K13', 'HEAD');
    expect(await entriesIn(join(test.state, 'worktrees', '.trash'))).toHaveLength(1);
    expect(await test.worktrees()).toHaveLength(2);
    await test.start();
    expect(await last(test, 'worktree.sweep')).toMatchObject({ swept_count: 0, locked_removed: 1, trash_pending: 1 });
    // All was settled and its record written before the death: the next attempt has nothing to do and must not stumble over that.
    const record = await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8');
    expect(await endsWell(test, run)).toMatchObject({ attempt: 2, fence: 2 });
    expect(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8')).toBe(record);
  });

  // @verifies AC-orchestrator-reload
  it('K14, during a reload: the client gets 75 and the next boot reads the file anyway', async () => {
    await using test = await box(two);
    const daemon = await test.start({ COHERENCE_FAILPOINTS: 'K14=kill' });
    await test.config({ ...QUICK, max_workers: 3 });
    expect((await test.coherence(['daemon', 'reload'])).code).toBe(75);
    await dead(daemon);
    await test.start();
    expect(await test.status()).toMatchObject({ settings: { max_workers: 3 } });
  });

  // @verifies AC-orchestrator-config-edit
  it('K15, during `config set`: the file is the old one, the daemon reads it, and the next `config set` removes the leftover', async () => {
    await using test = await box(two);
    await test.start();
    const file = join(test.repo, '.coherence/config.yaml');
    const before = await readFile(file, 'utf8');
    const halves = async () => (await entriesIn(join(test.repo, '.coherence'))).filter((name) => name.endsWith('.tmp'));
    expect(
      await test.coherence(['config', 'set', 'max_workers', '9'], { COHERENCE_FAILPOINTS: 'K15=kill' }),
    ).toMatchObject({ signal: 'SIGKILL' });
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await halves()).toHaveLength(1);
    expect((await test.coherence(['daemon', 'reload', '--json'])).json()).toMatchObject({ applied: {} });
    expect((await test.coherence(['config', 'set', 'max_workers', '9', '--reload'])).out).toContain('max_workers 5→9');
    expect(await halves()).toEqual([]);
  });

  // @verifies AC-orchestrator-sweep-interrupted
  it('K16, during the boot, once while it reaps and once while it sweeps: the boot after that finishes both', async () => {
    await using test = await box(two);
    const run = await diesAt(test, 'K9', 'HEAD');
    // The worker ends with its channel; what it leaves for the reap is a tree that does not.
    const { database } = await test.journal();
    const nonce = String(database.sql('SELECT nonce FROM procs').get()?.['nonce']);
    await until(() => test.processes().length === 0, 'the end of the worker');
    const { spawn } = await import('node:child_process');
    const left = spawn('sleep', ['600'], {
      env: { ...test.env, COHERENCE_RUN_NONCE: nonce },
      stdio: 'ignore',
      detached: true,
    });
    const exited = new Promise((done) => left.once('exit', done));
    for (const where of ['reap', 'sweep']) {
      await expect(test.start({ COHERENCE_FAILPOINTS: 'K16=kill' }), where).rejects.toThrow('daemon start exits');
      const boot = (await test.log()).slice(
        (await test.log()).findLastIndex((entry) => entry.event === 'daemon.start'),
      );
      expect(
        boot.some((entry) => entry.event === 'pool.boot_reap'),
        where,
      ).toBe(where === 'sweep');
    }
    await exited;
    expect(await test.worktrees()).toHaveLength(2);
    await test.start();
    await endsWell(test, run);
    expect(await startsOf(test, 'AC-two-1')).toBe(1);
  });

  // @verifies AC-orchestrator-lossless
  it('K18, while it drains: as if it had been killed at work', async () => {
    await using test = await box(two);
    const daemon: Identity = await test.start({ COHERENCE_FAILPOINTS: 'K18=kill' });
    const [run = ''] = await test.enqueue(['SPEC-two']);
    await until(async () => (await startsOf(test, 'AC-two-1')) === 1, 'the first criterion');
    await test.coherence(['daemon', 'stop']);
    await dead(daemon);
    expect(await test.show(run)).toMatchObject({ state: 'running' });
    await test.start();
    await endsWell(test, run);
  });
});
