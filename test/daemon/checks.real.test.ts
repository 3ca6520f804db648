/** Public acceptance checks, word by word, as a user would do them: the command line, signals, the log. Others stand beside the rows they belong to, by their number. */
import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../../src/util/process.js';
import { box, kill9, lives, until, type LogEntry } from './rig.js';

describe('public checks', () => {
  // @verifies AC-orchestrator-foreign
  it('OC-12: processes of a user with our marker in argv, or in their folder, are alive after a boot and at most listed as foreign', async () => {
    await using test = await box();
    const folder = join(test.folder, 'coh-warm-folder');
    await mkdir(folder);
    const env = { PATH: test.env['PATH'] };
    // A program whose argument list names the marker, and one that works in a folder of that name.
    const children = [
      spawn('sh', ['-c', 'while :; do sleep 600; done', 'coh-warm-abc'], { env, stdio: 'ignore', detached: true }),
      spawn('sleep', ['600'], { env, cwd: folder, stdio: 'ignore', detached: true }),
    ];
    const identities = children.map((child) => identityOf(child.pid ?? 0));
    try {
      for (let boot = 0; boot < 2; boot += 1) {
        const daemon = await test.start();
        const report = (await test.log('pool.boot_reap')).at(-1);
        expect(report).toMatchObject({ found: 0, killed: 0 });
        expect(report?.['foreign_pids']).toContain(children[0]?.pid);
        expect(identities.map((identity) => identity !== null && lives(identity))).toEqual([true, true]);
        await kill9(daemon);
      }
      expect(await test.log('pool.reap')).toEqual([]);
    } finally {
      for (const child of children) process.kill(-(child.pid ?? 0), 'SIGKILL');
    }
  });

  // @verifies AC-orchestrator-jitter
  it('OC-30: of 8 queued runs, 4 a tick, the pauses inside a batch lie in [50, 150] ms, have at least 5 values, and none comes after the last', async () => {
    await using test = await box({
      config: { max_workers: 8, spawns_per_tick: 4, log_level: 'debug' },
      probes: (self) => ({ 'specs/a.yaml': self.probe('a'), 'specs/long.yaml': self.probe('long', { sleep: 60 }) }),
    });
    const runs: string[] = [];
    for (let count = 0; count < 24; count += 1) runs.push(...(await test.enqueue(['SPEC-a'])));
    const daemon = await test.start();
    await test.ended(runs);
    const batches = new Map<unknown, LogEntry[]>();
    for (const entry of await test.log('worker.start'))
      batches.set(entry['batch_id'], [...(batches.get(entry['batch_id']) ?? []), entry]);
    const pauses: number[] = [];
    for (const batch of batches.values()) {
      expect(batch[0]?.['jitter_ms']).toBe(0);
      for (const [index, entry] of batch.entries()) {
        const before = batch[index - 1];
        if (before === undefined) continue;
        const pause = Number(entry['jitter_ms']);
        const gap = Number(entry['mono_ms']) - Number(before['mono_ms']);
        expect(pause).toSatisfy((value: number) => value >= 50 && value <= 150);
        // Never shorter than the pause; how much later is the machine's doing.
        expect(gap).toBeGreaterThanOrEqual(pause - 1);
        pauses.push(pause);
      }
    }
    expect(new Set(pauses).size).toBeGreaterThanOrEqual(5);
    // A pause after the last start of a batch would stand in the next one's first entry.
    expect([...batches.values()].every((batch) => batch.length <= 4)).toBe(true);
    expect(lives(daemon)).toBe(true);
  });

  // @verifies AC-orchestrator-reload
  it('OC-33: `config set max_workers 10` and a plain `kill -HUP`: daemon and workers stay, new ones start, the file holds the number', async () => {
    await using test = await box({
      config: { max_workers: 2, tick_interval_ms: 60_000 },
      probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }),
    });
    for (let count = 0; count < 3; count += 1) await test.queue('SPEC-long');
    const daemon = await test.start();
    const first = await until(async () => {
      const entries = await test.log('worker.start');
      return entries.length === 2 ? entries : null;
    }, 'two workers');
    expect((await test.coherence(['config', 'set', 'max_workers', '10'])).code).toBe(0);
    process.kill(daemon.pid, 'SIGHUP');
    // A tick is a minute away: the hangup itself wakes the loop.
    await until(async () => (await test.log('worker.start')).length === 3, 'the third worker', 20_000);
    expect((await test.log('reload.applied')).at(-1)).toMatchObject({ changed: { max_workers: { from: 2, to: 10 } } });
    expect(lives(daemon)).toBe(true);
    for (const entry of first)
      expect(lives({ pid: Number(entry['pid']), startTicks: Number(entry['start_ticks']) })).toBe(true);
    expect(await readFile(join(test.repo, '.coherence/config.yaml'), 'utf8')).toMatch(/^max_workers: 10$/m);
    expect((await test.coherence(['config', 'get', 'max_workers', '--json'])).json()).toMatchObject({ value: 10 });
  });

  // @verifies AC-orchestrator-verify
  it('every command of the orchestrator answers --json with one object and the exit code of the contract', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a') }) });
    const ask = async (...args: string[]) => {
      const answer = await test.coherence([...args, '--json']);
      expect(answer.code, `${args.join(' ')}: ${answer.err}`).toBe(0);
      return answer.json();
    };
    const { pid } = await ask('daemon', 'start');
    expect(await ask('daemon', 'status')).toMatchObject({
      state: 'ready',
      pid,
      generation: expect.any(Number),
      active: [],
      queued: 0,
      parked: 0,
      pool: [],
      degraded: null,
      isolation: { level: 'group' },
      settings: { max_workers: 5 },
      sweep: { swept_count: 0 },
      reap: { killed: 0 },
    });
    expect(await ask('daemon', 'reload')).toMatchObject({
      generation: expect.any(Number),
      applied: {},
      unchanged: expect.any(Array),
      requires_restart: [],
      errors: [],
    });
    const added = await ask('queue', 'add', 'SPEC-a', '--request', 'k');
    expect(added).toMatchObject({
      run_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      runs: [{ spec_id: 'SPEC-a', repeated: false }],
    });
    const id = String((added as { run_id: string }).run_id);
    await test.ended([id]);
    expect(await ask('queue', 'show', id)).toMatchObject({
      run_id: id,
      state: 'done',
      verdict: 'PASS',
      attempt: 1,
      fence: 1,
      criteria: [{ id: 'AC-a-1', verdict: 'PASS', reason: 'exit-code' }],
    });
    expect(await ask('queue', 'list', '--all')).toMatchObject({ runs: [{ run_id: id, verdict: 'PASS' }] });
    expect(await ask('queue', 'list')).toEqual({ runs: [] });
    expect(await ask('pool', 'warm')).toMatchObject({
      fresh: true,
      worker: { key: 'probe@node', name: expect.stringMatching(/^coh-warm-/), state: 'idle' },
    });
    expect(await ask('pool', 'list')).toMatchObject({ workers: [{ key: 'probe@node' }] });
    expect(await ask('pool', 'evict')).toMatchObject({ evicted: [expect.stringMatching(/^coh-warm-/)] });
    expect(await ask('sweep')).toMatchObject({
      swept_count: 0,
      failed_count: 0,
      prune_succeeded: true,
      backlog_count: 0,
    });
    expect(await ask('sweep', '--dry-run')).toMatchObject({ swept_count: 0 });
    const listed = (await ask('config', 'list')) as { settings: readonly { key: string; hot: boolean }[] };
    expect(listed.settings.find((setting) => setting.key === 'max_workers')).toMatchObject({ value: 5, hot: true });
    expect(listed.settings.find((setting) => setting.key === 'tick_interval_ms')).toMatchObject({
      value: 200,
      hot: false,
    });
    const logs = await test.coherence(['daemon', 'logs', '--lines', '0']);
    for (const line of logs.out.trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({
        ts: expect.any(String),
        level: expect.any(String),
        event: expect.any(String),
      });
    expect(await ask('daemon', 'stop')).toMatchObject({ pid, stopped: true });
    for (const args of [
      ['daemon', 'status'],
      ['daemon', 'stop'],
      ['daemon', 'reload'],
      ['pool', 'list'],
    ])
      expect((await test.coherence([...args, '--json'])).code, args.join(' ')).toBe(69);
  });
});
