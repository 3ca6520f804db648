import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, dead, until } from './rig.js';

describe('verify beside a daemon', () => {
  // @verifies AC-orchestrator-verify
  it('goes through it and gives the same record and exit code; without one it does the work itself', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/a.yaml': self.probe('a', { count: 2 }),
        'specs/bad.yaml': self.probe('bad', { exit: 3 }),
      }),
    });
    // Where it ran is the one difference: a daemon verifies in a worktree, and its record says so.
    const shape = (text: string): unknown =>
      JSON.parse(text, (key, value: unknown) =>
        /^(?:run|started_at|ended_at|duration_ms|output|output_sha256|stderr|stderr_sha256|executed|worktree)$/.test(
          key,
        ) || key === 'env'
          ? undefined
          : value,
      );
    const alone = [
      await test.coherence(['verify', 'SPEC-a', '--json', '--no-cache']),
      await test.coherence(['verify', 'SPEC-bad', '--json', '--no-cache']),
    ];
    expect(alone.map((answer) => answer.code)).toEqual([0, 1]);
    expect(await test.list()).toEqual([]);
    await test.start();
    const served = [
      await test.coherence(['verify', 'SPEC-a', '--json', '--no-cache']),
      await test.coherence(['verify', 'SPEC-bad', '--json', '--no-cache']),
    ];
    expect(served.map((answer) => answer.code)).toEqual([0, 1]);
    expect((await test.list()).map((run) => run.verdict)).toEqual(['PASS', 'FAIL']);
    for (const [index, answer] of served.entries()) expect(shape(answer.out)).toEqual(shape(alone[index]?.out ?? ''));
    const { run } = served[0]?.json<{ run: string }>() ?? { run: '' };
    expect(JSON.parse(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8')).run).toBe(run);
    expect((await test.coherence(['verify', 'SPEC-nope'])).code).toBe(66);
  });

  // @verifies AC-orchestrator-verify
  it('that is interrupted cancels its run in the daemon and exits 130', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }) });
    await test.start();
    let pid = 0;
    const asked = test.coherence(
      ['verify', 'SPEC-long'],
      {},
      {
        onStart: (started) => {
          pid = started;
        },
      },
    );
    await until(async () => (await test.marks()).length > 0, 'the mark');
    process.kill(pid, 'SIGINT');
    expect((await asked).code).toBe(130);
    expect(await test.list()).toMatchObject([{ state: 'done', verdict: 'ERROR', reason: 'canceled' }]);
    expect(test.processes().filter(({ argv }) => argv.startsWith('sleep'))).toEqual([]);
  });

  // @verifies AC-orchestrator-private
  it('gives a check that requires an orchestrator a daemon of its own, which is gone afterwards', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/own.yaml': self
          .probe('own', { script: './ask.sh', extra: '' })
          .replace(/(- run: .*)\n/, '$1\n        requires: [orchestrator]\n'),
        'ask.sh':
          '#!/bin/sh\nset -e\nprintf %s "$COHERENCE_STATE_DIR" > "$BOX/where"\ntest "$COHERENCE_STATE_DIR" != "$BOX/state"\ngrep -o \'"pid":[0-9]*\' "$COHERENCE_STATE_DIR/daemon.json" | cut -d: -f2 > "$BOX/pid"\n',
      }),
    });
    const answer = await test.coherence(['verify', 'SPEC-own', '--json']);
    expect(answer.code, answer.out + answer.err).toBe(0);
    const pid = Number(await readFile(join(test.folder, 'pid'), 'utf8'));
    expect(pid).toBeGreaterThan(1);
    await expect(readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).resolves.not.toContain('start.cjs\0daemon');
    expect(test.processes()).toEqual([]);
    await expect(readFile(join(await readFile(join(test.folder, 'where'), 'utf8'), 'daemon.json'))).rejects.toThrow(
      'ENOENT',
    );
  });
});

describe('daemon foreground', () => {
  // @verifies AC-orchestrator-signals
  it('is the process itself: TERM lets what runs finish, a second one ends it and the run is resumed later', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/two.yaml': self.probe('two', { count: 2, sleep: 1 }),
        'specs/long.yaml': self.probe('long', { sleep: 60 }),
      }),
    });
    let pid = 0;
    const first = test.coherence(
      ['daemon', 'foreground'],
      {},
      {
        onStart: (started) => {
          pid = started;
        },
      },
    );
    await test.logged('daemon.ready');
    expect(await test.daemonPid()).toBe(pid);
    const [two = ''] = await test.enqueue(['SPEC-two']);
    await until(async () => (await test.marks()).length > 0, 'the mark');
    process.kill(pid, 'SIGTERM');
    expect((await first).code).toBe(0);
    expect(await test.show(two)).toMatchObject({ state: 'done', verdict: 'PASS', attempt: 1 });

    const daemon = await test.start();
    const [long = ''] = await test.enqueue(['SPEC-long']);
    await until(async () => (await test.marks()).some((mark) => mark.run === long), 'the mark');
    process.kill(daemon.pid, 'SIGTERM');
    await until(async () => (await test.log('daemon.stop')).length === 2, 'the drain');
    process.kill(daemon.pid, 'SIGTERM');
    await dead(daemon);
    expect(await test.show(long)).toMatchObject({ state: 'queued', reason: 'shutdown', attempt: 1 });
    expect(test.processes()).toEqual([]);
    expect((await test.coherence(['daemon', 'logs', '--event', 'daemon.stopped'])).out.trim().split('\n')).toHaveLength(
      2,
    );
  });
});
