import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, isRoot, kill9, lives, until } from './rig.js';

const FAKETIME = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1',
].find((path) => existsSync(path));

async function sh(...command: string[]): Promise<number | null> {
  const [program = '', ...args] = command;
  return new Promise((done) => spawn(program, args, { stdio: 'ignore' }).once('exit', done));
}

describe('a full disk', () => {
  // F1, OC-38
  // @verifies AC-orchestrator-disk-full
  it.skipIf(!isRoot)(
    'degrades the daemon: nothing acknowledged is lost, nothing new starts, clients get 75, and it goes on by itself',
    async () => {
      const mount = await mkdtemp(join(tmpdir(), 'coh-small-'));
      expect(await sh('mount', '-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs', mount)).toBe(0);
      try {
        await using test = await box({
          state: join(mount, 'state'),
          config: { max_workers: 2, log_level: 'debug' },
          probes: (self) => ({
            'specs/gate.yaml': self.probe('gate', { count: 3, script: './wait.sh' }),
            'wait.sh': '#!/bin/sh\necho at >> "$BOX/waiting"\nwhile [ ! -e "$BOX/open" ]; do sleep 0.05; done\n',
            'specs/a.yaml': self.probe('a'),
          }),
        });
        await test.start();
        const reserve = join(test.state, 'reserve.bin');
        expect(existsSync(reserve)).toBe(true);
        const [running = ''] = await test.enqueue(['SPEC-gate']);
        await until(
          async () => (await readFile(join(test.folder, 'waiting'), 'utf8').catch(() => '')) !== '',
          'the first criterion',
        );
        const filler = await open(join(mount, 'filler'), 'w');
        await filler
          .write(Buffer.alloc(64 * 1024))
          .then(async function more(): Promise<void> {
            const block = Buffer.alloc(64 * 1024);
            for (;;) await filler.write(block);
          })
          .catch(() => undefined);
        await filler.close();
        const refused = await test.coherence(['queue', 'add', 'SPEC-a']);
        expect(refused.code).toBe(75);
        expect(await test.status()).toMatchObject({ state: 'degraded', degraded: 'disk_full' });
        expect(existsSync(reserve)).toBe(false);
        // What runs goes on, and its verdicts are stored in the space that the reserve gave back.
        await writeFile(join(test.folder, 'open'), '');
        expect((await test.ended([running]))[0]).toMatchObject({
          verdict: 'PASS',
          criteria: [{ verdict: 'PASS' }, { verdict: 'PASS' }, { verdict: 'PASS' }],
        });
        const { database, clock } = await test.journal();
        const { enqueue } = await import('../../src/journal/index.js');
        const { newRun } = await import('../journal/rig.js');
        const waiting = newRun({
          spec_id: 'SPEC-a',
          repo: test.repo,
          payload: { criteria: ['AC-a-1'], whole: true, place: null, options: {}, keep_worktree: false },
        });
        enqueue(database, clock, [waiting]);
        const ticks = (await test.log('tick')).length;
        await until(
          async () => (await test.log('tick')).length > ticks + 3 || (await test.status())['state'] === 'degraded',
          'some ticks',
        );
        expect(await test.show(waiting.run_id)).toMatchObject({ state: 'queued' });
        await rm(join(mount, 'filler'));
        expect((await test.ended([waiting.run_id]))[0]).toMatchObject({ verdict: 'PASS' });
        expect(await test.status()).toMatchObject({ state: 'ready', degraded: null });
        await until(() => existsSync(reserve), 'the new reserve');
        await test.coherence(['daemon', 'stop', '--now']);
      } finally {
        // Lazily: the driver keeps the journal's file open until its statements are collected.
        await sh('umount', '-l', mount);
        await rm(mount, { recursive: true });
      }
    },
  );

  // F2
  // @verifies AC-orchestrator-disk-full
  it.skipIf(!isRoot)('of the worktrees sends the run back with a pause, as often as it takes', async () => {
    const mount = await mkdtemp(join(tmpdir(), 'coh-small-'));
    expect(await sh('mount', '-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', mount)).toBe(0);
    try {
      await using test = await box({
        config: { retry_count: 0 },
        probes: (self) => ({ 'specs/a.yaml': self.probe('a') }),
      });
      await writeFile(join(test.repo, 'big.bin'), Buffer.alloc(3 * 1024 * 1024, 'x'));
      await test.git('add', '-A');
      await test.git('commit', '-qm', 'big');
      await mkdir(join(test.state, 'worktrees'), { recursive: true, mode: 0o700 });
      expect(await sh('mount', '--bind', mount, join(test.state, 'worktrees'))).toBe(0);
      try {
        await test.start();
        const [run = ''] = await test.enqueue(['SPEC-a'], { commit: 'HEAD' });
        await test.logged('worker.start_failed', (entry) => entry['reason'] === 'disk_full');
        expect(await test.show(run)).toMatchObject({ state: 'queued', reason: 'disk_full', attempt: 0 });
        expect(await test.worktrees()).toEqual([test.repo]);
        expect(await sh('mount', '-o', 'remount,size=20m', mount)).toBe(0);
        expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS', attempt: 1 });
        await test.coherence(['daemon', 'stop', '--now']);
      } finally {
        await sh('umount', '-l', join(test.state, 'worktrees'));
      }
    } finally {
      // Lazily: the driver keeps the journal's file open until its statements are collected.
      await sh('umount', '-l', mount);
      await rm(mount, { recursive: true });
    }
  });
});

describe('local state that cannot be used', () => {
  // F17
  // @verifies AC-orchestrator-journal-damaged
  it('a damaged journal is 74 with the way to repair it, and the repaired one goes on', async () => {
    await using test = await box({
      config: { max_workers: 0 },
      probes: (self) => ({ 'specs/a.yaml': self.probe('a') }),
    });
    const runs: string[] = [];
    for (let count = 0; count < 30; count += 1) runs.push(...(await test.enqueue(['SPEC-a'])));
    (await test.journal()).close();
    const path = join(test.state, 'orchestrator.db');
    const file = await open(path, 'r+');
    await file.write(Buffer.alloc(4096, 0x5a), 0, 4096, (await file.stat()).size - 4096 * 3);
    await file.close();
    const refused = await test.coherence(['daemon', 'start']);
    expect(refused).toMatchObject({ code: 74, err: expect.stringContaining('--repair') });
    expect(refused.err).toContain(path);
    const repaired = await test.coherence(['doctor', '--repair']);
    expect(repaired.code, repaired.err).toBe(0);
    expect((await readdir(test.state)).some((name) => name.includes('.damaged-'))).toBe(true);
    await test.start();
  });

  // F13
  // @verifies AC-orchestrator-state-folder
  it.skipIf(!isRoot)('a read-only state folder, or one of another user, is 74 with its path', async () => {
    await using test = await box();
    await mkdir(test.state, { mode: 0o700 });
    expect(await sh('chown', '65534:65534', test.state)).toBe(0);
    expect(await test.coherence(['daemon', 'start'])).toMatchObject({
      code: 74,
      err: expect.stringContaining(test.state),
    });
    expect(await sh('chown', '0:0', test.state)).toBe(0);
    expect(await sh('mount', '--bind', test.state, test.state)).toBe(0);
    try {
      expect(await sh('mount', '-o', 'remount,ro,bind', test.state)).toBe(0);
      const refused = await test.coherence(['daemon', 'start']);
      expect(refused).toMatchObject({ code: 74, err: expect.stringContaining(test.state) });
    } finally {
      expect(await sh('umount', test.state)).toBe(0);
    }
  });

  // F14
  // @verifies AC-orchestrator-backend-missing
  it('git that is missing costs only the runs that need it', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a') }) });
    const bin = join(test.folder, 'bin');
    await mkdir(bin);
    for (const name of ['sh', 'sleep', 'grep', 'cut', 'tr', 'flock', 'true', 'setpriv', 'unshare']) {
      const found = (await test.exec(['sh', '-c', `command -v ${name}`])).out.trim();
      await writeFile(join(bin, name), `#!/bin/sh\nexec ${found} "$@"\n`, { mode: 0o755 }).catch(() => undefined);
    }
    await rm(join(bin, 'sh'));
    const [of = ''] = await test.enqueue(['SPEC-a'], { commit: 'HEAD' });
    const [here = ''] = await test.enqueue(['SPEC-a']);
    await test.exec(['ln', '-s', '/bin/sh', join(bin, 'sh')]);
    await test.start({ PATH: bin });
    const [first, second] = await test.ended([of, here]);
    expect(first).toMatchObject({
      verdict: 'SKIP',
      reason: 'unavailable:git',
      criteria: [{ verdict: 'SKIP', reason: 'unavailable:git' }],
    });
    expect(second).toMatchObject({ verdict: 'PASS' });
  });
});

describe('clocks and boots', () => {
  // F6
  // @verifies AC-orchestrator-clock
  it.skipIf(FAKETIME === undefined)('a wall clock that jumps by a day ends no run and expires nothing', async () => {
    await using test = await box({
      config: { run_timeout_minutes: 1, tick_interval_ms: 100, log_level: 'debug' },
      probes: (self) => ({
        'specs/gate.yaml': self.probe('gate', { script: './wait.sh' }),
        'wait.sh': '#!/bin/sh\nwhile [ ! -e "$BOX/open" ]; do sleep 0.05; done\n',
      }),
    });
    const clock = join(test.folder, 'clock');
    await writeFile(clock, '+0');
    const daemon = await test.start({
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    });
    const [run = ''] = await test.enqueue(['SPEC-gate']);
    await test.coherence(['pool', 'warm']);
    const start = await test.logged('worker.start');
    for (const jump of ['+1d', '-1d']) {
      await writeFile(clock, jump);
      const now = Date.now();
      // The daemon's own clock has jumped, and some ticks have passed since.
      await test.coherence(['daemon', 'reload']);
      await until(
        async () =>
          (await test.log('reload.applied')).some((entry) => Math.abs(Date.parse(entry.ts) - now) > 80_000_000),
        'the jump',
      );
      const ticks = (await test.log('tick')).length;
      await until(async () => (await test.log('tick')).length >= ticks + 5, 'five more ticks');
      expect(lives({ pid: Number(start['pid']), startTicks: Number(start['start_ticks']) })).toBe(true);
      expect(await test.show(run)).toMatchObject({ state: 'running' });
      expect((await test.status())['pool']).toHaveLength(1);
    }
    await writeFile(join(test.folder, 'open'), '');
    expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS', attempt: 1 });
    expect(lives(daemon)).toBe(true);
  });

  // F7
  // @verifies AC-orchestrator-reboot
  it.skipIf(!isRoot)(
    'after a reboot no process is signalled: all rows are gone, the worktree is swept, the run resumes',
    async () => {
      await using test = await box({
        probes: (self) => ({ 'specs/two.yaml': self.probe('two', { count: 2, sleep: 1 }) }),
      });
      const daemon = await test.start();
      const [run = ''] = await test.enqueue(['SPEC-two'], { commit: 'HEAD' });
      await until(async () => (await test.show(run)).criteria.length === 1, 'the first verdict');
      await kill9(daemon);
      for (const { pid } of test.processes()) process.kill(pid, 'SIGKILL');
      // A stranger that has the recorded pid's place would be signalled by anybody who trusts a pid of another boot.
      const bystander = spawn('sleep', ['600'], {
        env: {
          PATH: test.env['PATH'],
          COHERENCE_RUN_NONCE: (await test.journal()).database.sql('SELECT nonce FROM procs').get()?.[
            'nonce'
          ] as string,
        },
        stdio: 'ignore',
      });
      const other = join(test.folder, 'boot_id');
      await writeFile(other, '00000000-1111-2222-3333-444444444444\n');
      try {
        const { BIN } = await import('./rig.js');
        const started = await test.exec([
          'unshare',
          '--mount',
          'sh',
          '-c',
          `mount --bind ${other} /proc/sys/kernel/random/boot_id && exec ${process.execPath} ${BIN} daemon start`,
        ]);
        expect(started.code, started.err).toBe(0);
        expect((await test.log('pool.boot_reap')).at(-1)).toMatchObject({ found: 0, killed: 0, gone: 1 });
        expect((await test.log('worktree.sweep')).at(-1)).toMatchObject({ swept_count: 1 });
        expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS', attempt: 2 });
        expect((await test.marks()).filter((mark) => mark.what === 'start' && mark.ac === 'AC-two-1')).toHaveLength(1);
        expect(bystander.exitCode === null && bystander.signalCode === null).toBe(true);
      } finally {
        bystander.kill('SIGKILL');
      }
    },
  );
});
