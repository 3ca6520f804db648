import { spawn } from 'node:child_process';
import { readFile, writeFile, chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identityOf, processStat } from '../../src/util/process.js';
import { BIN, box, dead, isRoot, kill9, lives, until, type Box } from './rig.js';

const waitMarks = async (test: Box, count: number): Promise<void> =>
  void (await until(
    async () => (await test.marks()).filter((mark) => mark.what === 'end').length >= count,
    `${count} marks`,
  ));
const settledCriteria = async (test: Box, run: string, count: number): Promise<void> =>
  void (await until(async () => (await test.show(run)).criteria.length >= count, `${count} verdicts`));
const startsOf = async (test: Box): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const mark of await test.marks()) if (mark.what === 'start') counts[mark.ac] = (counts[mark.ac] ?? 0) + 1;
  return counts;
};

describe('a daemon killed at work', () => {
  // OC-15, K9
  // @verifies AC-orchestrator-lossless
  it('resumes the run with what was completed: no criterion lost, none run twice but the one at work', async () => {
    await using test = await box({
      probes: (self) => ({ 'specs/six.yaml': self.probe('six', { count: 6, sleep: 0.4 }) }),
    });
    const daemon = await test.start();
    const [run = ''] = await test.enqueue(['SPEC-six']);
    await settledCriteria(test, run, 3);
    await waitMarks(test, 3);
    await kill9(daemon);
    const completed = (await test.show(run)).criteria.length;
    await test.start();
    const [ended] = await test.ended([run]);
    expect(ended).toMatchObject({ run_id: run, verdict: 'PASS', attempt: 2, fence: 2 });
    expect(ended?.criteria.map((item) => [item.id, item.verdict])).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => [`AC-six-${number}`, 'PASS']),
    );
    const counts = await startsOf(test);
    for (let number = 1; number <= 6; number += 1)
      expect([`AC-six-${number}`, counts[`AC-six-${number}`]]).toEqual([
        `AC-six-${number}`,
        number === completed + 1 ? expect.toBeOneOf([1, 2]) : 1,
      ]);
    expect(await test.log('resume.requeued')).toMatchObject([
      { run_id: run, completed, remaining: 6 - completed, attempt: 1, fence: 1 },
    ]);
    const record = JSON.parse(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8'));
    expect(record.summary).toMatchObject({ pass: 6, executed: 6 });
    for (const criterion of record.specs[0].criteria) await readFile(join(test.repo, criterion.checks[0].output));
  });

  // @verifies AC-orchestrator-resume-source
  it('runs again what was settled after an edit that was taken back before the resume', async () => {
    await using test = await box({
      config: { tick_interval_ms: 100 },
      probes: (self) => ({
        'specs/three.yaml': self.probe('three', { count: 3, script: './gated.sh' }),
        'content.ts': 'good\n',
        'gated.sh':
          '#!/bin/sh\necho "$COHERENCE_AC_ID $(cat content.ts)" >> "$BOX/seen"\nwhile [ ! -e "$BOX/go-$COHERENCE_AC_ID" ]; do sleep 0.05; done\ntrue\n',
      }),
    });
    const seen = async () =>
      (await readFile(join(test.folder, 'seen'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    const daemon = await test.start();
    const [run = ''] = await test.enqueue(['SPEC-three']);
    await until(async () => (await seen()).length === 1, 'the first criterion');
    await writeFile(join(test.folder, 'go-AC-three-1'), '');
    await until(async () => (await seen()).length === 2, 'the second criterion');
    await writeFile(join(test.repo, 'content.ts'), 'edited\n');
    await writeFile(join(test.folder, 'go-AC-three-2'), '');
    await settledCriteria(test, run, 2);
    await until(async () => (await seen()).length === 3, 'the third criterion');
    await kill9(daemon);
    await writeFile(join(test.repo, 'content.ts'), 'good\n');
    await writeFile(join(test.folder, 'go-AC-three-3'), '');
    await test.start();
    expect((await test.ended([run]))[0]).toMatchObject({
      verdict: 'PASS',
      criteria: [
        { id: 'AC-three-1', attempt: 1 },
        { id: 'AC-three-2', attempt: 2 },
        { id: 'AC-three-3', attempt: 2 },
      ],
    });
    expect((await seen()).filter((line) => line.startsWith('AC-three-2')).at(-1)).toBe('AC-three-2 good');
    const record = JSON.parse(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8'));
    expect(record.specs[0].criteria.map((item: object) => Object.keys(item).includes('basis'))).toEqual([
      false,
      false,
      false,
    ]);
  });

  // @verifies AC-orchestrator-one-source
  it('of a checkout that is committed to in the middle is about no clean commit', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/two.yaml': self.probe('two', { count: 2, script: './gated.sh' }),
        'gated.sh': '#!/bin/sh\necho at >> "$BOX/at"\nwhile [ ! -e "$BOX/go-$COHERENCE_AC_ID" ]; do sleep 0.05; done\n',
      }),
    });
    await test.start();
    const [run = ''] = await test.enqueue(['SPEC-two']);
    await until(
      async () => (await readFile(join(test.folder, 'at'), 'utf8').catch(() => '')) !== '',
      'the first criterion',
    );
    await writeFile(join(test.folder, 'go-AC-two-1'), '');
    await settledCriteria(test, run, 1);
    const first = await test.git('rev-parse', 'HEAD');
    await writeFile(join(test.repo, 'content.ts'), 'other\n');
    await test.git('add', 'content.ts');
    await test.git('commit', '-qm', 'second');
    await writeFile(join(test.folder, 'go-AC-two-2'), '');
    expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS' });
    const record = JSON.parse(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8'));
    expect(record).toMatchObject({
      source: { commit: first, dirty: true },
      notes: [expect.stringContaining('source changed while the tests ran')],
    });
  });

  // OC-20, K6
  // @verifies AC-orchestrator-sweep-boot
  it('sweeps the worktree of the dead run before any worker starts', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 2 }) }) });
    const daemon = await test.start();
    const [run = ''] = await test.enqueue(['SPEC-long'], { commit: 'HEAD' });
    await until(async () => (await test.marks()).length > 0, 'the mark');
    expect(await test.worktrees()).toEqual([test.repo, join(test.state, 'worktrees', `verify-${run}-1`)]);
    await kill9(daemon);
    await test.start();
    await test.ended([run]);
    const events = (await test.log()).slice(
      (await test.log()).findLastIndex((entry) => entry.event === 'daemon.start'),
    );
    const sweeps = events.filter((entry) => entry.event === 'worktree.sweep');
    expect(sweeps).toHaveLength(1);
    expect(sweeps[0]).toMatchObject({
      swept_count: 1,
      failed_count: 0,
      root_owned_skipped: 0,
      no_manifest_skipped: 0,
      live_skipped: 0,
      roots_unreadable: 0,
      locked_removed: 1,
      admin_pruned: 0,
      prune_succeeded: true,
      backlog_count: 1,
      duration_ms: expect.any(Number),
      trash_pending: 1,
    });
    expect(events.findIndex((entry) => entry.event === 'pool.boot_reap')).toBeLessThan(
      events.findIndex((entry) => entry.event === 'worktree.sweep'),
    );
    expect(events.findIndex((entry) => entry.event === 'worktree.sweep')).toBeLessThan(
      events.findIndex((entry) => entry.event === 'worker.start'),
    );
    expect(await test.worktrees()).toEqual([test.repo]);
  });

  // F19
  // @verifies AC-orchestrator-crash-loop
  it('three times by the same run gives that run up as ERROR(crash), and says so', async () => {
    await using test = await box({
      probes: (self) => ({ 'specs/poison.yaml': self.probe('poison', { count: 2, sleep: 60 }) }),
    });
    const [run = ''] = await test.enqueue(['SPEC-poison']);
    for (let death = 1; death <= 3; death += 1) {
      const daemon = await test.start();
      await until(
        async () => (await test.marks()).filter((mark) => mark.what === 'start').length === death,
        `start ${death}`,
      );
      await kill9(daemon);
    }
    await test.start();
    expect(await test.show(run)).toMatchObject({
      state: 'dead_letter',
      verdict: 'ERROR',
      reason: 'crash',
      criteria: [
        { verdict: 'ERROR', reason: 'crash' },
        { verdict: 'ERROR', reason: 'crash' },
      ],
    });
    expect(await test.log('run.dead_letter')).toMatchObject([{ run_id: run, reason: 'crash_loop', resurrections: 3 }]);
    expect(test.processes().filter(({ argv }) => argv.includes('sleep'))).toEqual([]);
  });

  // F21
  // @verifies AC-orchestrator-kill-ladder
  it('leaves a tree that left its session and ignores TERM; the next boot ends it before it takes work', async () => {
    await using test = await box({
      config: { pool: { term_grace_ms: 200 } },
      probes: (self) => ({
        'specs/wild.yaml': self.probe('wild', { script: './wild.sh' }),
        'wild.sh': '#!/bin/sh\ntrap "" TERM HUP\nsetsid sh -c \'trap "" TERM; sleep 300\' &\nsleep 302\n',
      }),
    });
    const daemon = await test.start();
    await test.enqueue(['SPEC-wild']);
    await until(() => test.processes().filter(({ argv }) => /^sleep 30[02]$/.test(argv)).length === 2, 'the tree');
    // The worker dies with the daemon, so nobody of ours is left to clean up.
    const worker = test.processes().find(({ argv }) => argv.includes('coh-run-'));
    await kill9(daemon);
    if (worker !== undefined) process.kill(worker.pid, 'SIGKILL');
    expect(test.processes().filter(({ argv }) => /^sleep 300$/.test(argv))).toHaveLength(1);
    await writeFile(join(test.repo, '.coherence/config.local.yaml'), 'max_workers: 0\n');
    await test.start();
    expect(test.processes().filter(({ argv }) => argv.startsWith('sleep'))).toEqual([]);
    expect((await test.log('pool.boot_reap')).at(-1)).toMatchObject({ found: 1, killed: 1 });
    expect((await test.log('pool.reap')).at(-1)).toMatchObject({
      reason: 'boot_orphan',
      signal: 'SIGKILL',
      verified_dead: true,
    });
  });
});

describe('identity', () => {
  // @verifies AC-orchestrator-control-identity
  it.each([
    ['any process', ['sleep', '600'], false],
    ['one that holds the lock', ['flock', '-n', 'LOCK', 'sleep', '600'], true],
  ])('daemon.json that names %s with its true start time: no signal, 69 at once', async (_what, command, locks) => {
    await using test = await box();
    await kill9(await test.start());
    const lock = join(test.state, 'orchestrator.lock');
    const [program = '', ...args] = command.map((word) => (word === 'LOCK' ? lock : word));
    const stranger = spawn(program, args, { env: { PATH: test.env['PATH'] }, stdio: 'ignore', detached: true });
    const identity = identityOf(stranger.pid ?? 0);
    if (identity === null) throw new Error('the stranger lives');
    try {
      if (locks)
        await until(async () => (await test.exec(['flock', '-n', lock, 'true'])).code === 1, 'the lock to be held');
      const file = join(test.state, 'daemon.json');
      const named = JSON.parse(await readFile(file, 'utf8'));
      await writeFile(file, JSON.stringify({ ...named, pid: identity.pid, start_ticks: identity.startTicks }));
      for (const what of ['reload', 'stop', 'status'])
        expect(await test.coherence(['daemon', what])).toMatchObject({
          code: 69,
          err: expect.stringContaining('No daemon runs'),
        });
      expect(lives(identity)).toBe(true);
    } finally {
      process.kill(-identity.pid, 'SIGKILL');
    }
  });

  // @verifies AC-orchestrator-control-identity
  it('a daemon of ours whose socket is gone is stopped by a signal', async () => {
    await using test = await box();
    const daemon = await test.start();
    await rm(String((await test.status())['socket']));
    expect(await test.coherence(['daemon', 'stop'])).toMatchObject({ code: 0 });
    expect(lives(daemon)).toBe(false);
  });

  // F10
  // @verifies AC-orchestrator-verified-identity
  it('a recycled or forged pid in the ledger or in daemon.json is never signalled', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a') }) });
    const stranger = spawn('sleep', ['600'], { env: { PATH: test.env['PATH'] }, stdio: 'ignore', detached: true });
    const identity = identityOf(stranger.pid ?? 0);
    if (identity === null) throw new Error('the stranger lives');
    try {
      const { database, clock } = await test.journal();
      const add = (nonce: string, ticks: number): void => {
        database
          .sql(`INSERT INTO procs(nonce, kind, name, key, instance_id, boot_id, pid, start_ticks, pgid, isolation, run_id, state, created, last_used)
          VALUES(:nonce, 'worker', 'coh-run-x', NULL, 'dead', :boot, :pid, :ticks, :pid, 'group', NULL, 'busy', '', 0)`)
          .run({ nonce, boot: clock.bootId, pid: identity.pid, ticks });
      };
      add('recycled', identity.startTicks - 5);
      add('forged', identity.startTicks);
      await writeFile(
        join(test.state, 'daemon.json'),
        JSON.stringify({
          instance_id: 'x',
          boot_id: identity.bootId,
          pid: identity.pid,
          start_ticks: identity.startTicks - 1,
          socket: '',
          started_at: '',
        }),
      );
      expect((await test.coherence(['daemon', 'stop'])).code).toBe(69);
      expect((await test.coherence(['daemon', 'reload'])).code).toBe(69);
      await test.start();
      expect((await test.log('pool.boot_reap')).at(-1)).toMatchObject({
        found: 1,
        killed: 0,
        gone: 1,
        indeterminate: 1,
      });
      expect(await test.log('pool.reap_refused')).toMatchObject([
        { pid: identity.pid, why: expect.stringContaining('nonce') },
      ]);
      expect(lives(identity)).toBe(true);
      const [run = ''] = await test.enqueue(['SPEC-a']);
      expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS' });
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  // OC-12
  // @verifies AC-orchestrator-foreign
  it('a user process with our marker in its arguments, or in its folder, lives on', async () => {
    await using test = await box();
    const folder = join(test.folder, 'coh-warm-abc');
    await mkdir(folder);
    const env = { PATH: test.env['PATH'] };
    const marked = [
      spawn('sh', ['-c', 'exec -a coh-warm-abc sleep 600 || exec sleep 600', 'coh-warm-abc'], { env, stdio: 'ignore' }),
      spawn('sleep', ['600'], { env, cwd: folder, stdio: 'ignore' }),
      spawn('tail', ['-f', '/dev/null', '--pid=1', '-s', '600', '--', 'coh-warm-abc'], { env, stdio: 'ignore' }),
    ];
    try {
      await test.start();
      expect((await test.log('pool.boot_reap')).at(-1)).toMatchObject({ found: 0, killed: 0 });
      for (const child of marked.slice(1, 2)) expect(processStat(child.pid ?? 0)?.state).not.toBe('Z');
      expect(
        marked.filter((child) => child.exitCode === null && child.signalCode === null).length,
      ).toBeGreaterThanOrEqual(2);
    } finally {
      for (const child of marked) child.kill('SIGKILL');
    }
  });

  // F12
  // @verifies AC-orchestrator-parked
  it.skipIf(!isRoot)(
    'a process of another user that cannot be judged parks its run, which comes back when it is gone',
    async () => {
      await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a') }) });
      // The daemon runs as nobody; the process that its ledger names belongs to root.
      const uid = 65_534;
      await chownTree(test.folder, uid);
      const as = (args: readonly string[]) =>
        test.exec([
          'setpriv',
          '--reuid',
          String(uid),
          '--regid',
          String(uid),
          '--clear-groups',
          process.execPath,
          BIN,
          ...args,
        ]);
      await as(['queue', 'add', 'SPEC-a']);
      const [run] = (await as(['queue', 'list', '--json'])).json<{ runs: { run_id: string }[] }>().runs;
      const rootProcess = spawn('sleep', ['600'], {
        env: { PATH: test.env['PATH'], COHERENCE_RUN_NONCE: 'n' },
        stdio: 'ignore',
      });
      const identity = identityOf(rootProcess.pid ?? 0);
      if (identity === null || run === undefined) throw new Error('it lives');
      const { database, clock } = await test.journal();
      database
        .sql("UPDATE runs SET state='running', owner='dead', fence=1, attempt=1 WHERE run_id=:id")
        .run({ id: run.run_id });
      database
        .sql(`INSERT INTO procs(nonce, kind, name, key, instance_id, boot_id, pid, start_ticks, pgid, isolation, run_id, state, created, last_used)
      VALUES('n', 'worker', 'coh-run-x', NULL, 'dead', :boot, :pid, :ticks, :pid, 'group', :run, 'busy', '', 0)`)
        .run({ boot: clock.bootId, pid: identity.pid, ticks: identity.startTicks, run: run.run_id });
      await chownTree(test.folder, uid);
      const started = await as(['daemon', 'start']);
      expect(started.code, started.err).toBe(0);
      try {
        await test.logged('run.parked', (entry) => entry['run_id'] === run.run_id);
        expect(await test.show(run.run_id)).toMatchObject({ state: 'parked', reason: 'orphan_indeterminate' });
        expect(lives(identity)).toBe(true);
        rootProcess.kill('SIGKILL');
        expect((await test.ended([run.run_id]))[0]).toMatchObject({ verdict: 'PASS', attempt: 2 });
      } finally {
        rootProcess.kill('SIGKILL');
        await as(['daemon', 'stop', '--now']);
      }
    },
  );
});

async function chownTree(folder: string, uid: number): Promise<void> {
  await new Promise<void>((done, refuse) => {
    spawn('chown', ['-R', `${uid}:${uid}`, folder]).once('exit', (code) =>
      code === 0 ? done() : refuse(new Error('chown')),
    );
  });
  await chown(folder, uid, uid);
}

describe('two daemons', () => {
  // F8, OC-28
  // @verifies AC-orchestrator-one-daemon
  it('at once: exactly one is ready, the others exit 1 with its pid and touch nothing', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }) });
    const answers = await Promise.all(Array.from({ length: 4 }, async () => test.coherence(['daemon', 'start'])));
    expect(answers.map((answer) => answer.code).sort()).toEqual([0, 1, 1, 1]);
    const pid = await test.daemonPid();
    for (const answer of answers) if (answer.code === 1) expect(answer.err).toContain(`already running (pid ${pid})`);
    expect(await test.log('daemon.ready')).toHaveLength(1);
    await test.enqueue(['SPEC-long'], { commit: 'HEAD' });
    await until(async () => (await test.marks()).length > 0, 'the mark');
    const [identity, worktrees] = [await readFile(join(test.state, 'daemon.json'), 'utf8'), await test.worktrees()];
    expect((await test.coherence(['daemon', 'start'])).code).toBe(1);
    expect((await test.coherence(['daemon', 'foreground'])).code).toBe(1);
    expect((await test.coherence(['sweep', '--json'])).json()).toMatchObject({ swept_count: 0, backlog_count: 0 });
    expect([await readFile(join(test.state, 'daemon.json'), 'utf8'), await test.worktrees()]).toEqual([
      identity,
      worktrees,
    ]);
    expect(worktrees).toHaveLength(2);
    expect(await test.log('pool.boot_reap')).toHaveLength(1);
  });

  // @verifies AC-orchestrator-strangers-state
  it("of two state folders on one repository do not touch each other's worktrees and processes", async () => {
    await using one = await box({ probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }) });
    await using two = await box();
    const daemon = await one.start();
    await one.enqueue(['SPEC-long'], { commit: 'HEAD' });
    await until(async () => (await one.marks()).length > 0, 'the mark');
    await kill9(daemon);
    // The second one works on the first one's repository, where a dead stranger has left a worktree and a process.
    const orphans = one.processes().length;
    const started = await two.coherence(['daemon', 'start'], {}, { cwd: one.repo });
    expect(started.code, started.err).toBe(0);
    expect((await two.log('worktree.sweep')).at(-1)).toMatchObject({ swept_count: 0, locked_removed: 0 });
    expect((await two.log('pool.boot_reap')).at(-1)).toMatchObject({ found: 0, killed: 0 });
    expect(await one.worktrees()).toHaveLength(2);
    expect(one.processes().length).toBeLessThanOrEqual(orphans);
  });

  // F9
  // @verifies AC-orchestrator-lock-lost
  it('after the lock file was deleted: the first one notices, takes no more work and ends', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a', { sleep: 1 }) }) });
    const daemon = await test.start();
    const [run = ''] = await test.enqueue(['SPEC-a']);
    await test.logged('worker.start');
    const { unlink } = await import('node:fs/promises');
    await unlink(join(test.state, 'orchestrator.lock'));
    await test.logged('lock.lost');
    await dead(daemon);
    expect(await test.show(run)).toMatchObject({ state: 'done', verdict: 'PASS' });
    await test.start();
  });

  // K20
  // @verifies AC-orchestrator-stopped-process
  it('one stopped by a signal still holds its lock, and bursts with nothing when it goes on', async () => {
    await using test = await box({
      config: {
        spawns_per_tick: 2,
        max_workers: 8,
        tick_interval_ms: 100,
        spawn_jitter_min_ms: 0,
        spawn_jitter_max_ms: 0,
      },
      probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }),
    });
    const daemon = await test.start();
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      const second = await test.exec([process.execPath, BIN, 'daemon', 'foreground']);
      expect(second).toMatchObject({ code: 1 });
      expect(second.err).toContain(`already running (pid ${daemon.pid})`);
      const { database } = await test.journal();
      const { enqueue, systemClock } = await import('../../src/journal/index.js');
      const { newRun } = await import('../journal/rig.js');
      enqueue(
        database,
        systemClock(),
        Array.from({ length: 6 }, () =>
          newRun({
            spec_id: 'SPEC-long',
            repo: test.repo,
            payload: { criteria: ['AC-long-1'], whole: true, place: null, options: {}, keep_worktree: false },
          }),
        ),
      );
      // Nothing tells of a tick that is missed: the time of several of them is what has to pass.
      await new Promise((done) => setTimeout(done, 500));
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    await until(async () => (await test.log('worker.start')).length === 6, 'all starts');
    const batches = new Map<unknown, number>();
    for (const entry of await test.log('worker.start'))
      batches.set(entry['batch_id'], (batches.get(entry['batch_id']) ?? 0) + 1);
    expect([...batches.values()]).toEqual([2, 2, 2]);
  });
});
