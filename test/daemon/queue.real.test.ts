import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, dead, kill9, lives, until, type LogEntry } from './rig.js';

const starts = (entries: readonly LogEntry[]): readonly LogEntry[] =>
  entries.filter((entry) => entry.event === 'worker.start');
const slots = (entries: readonly LogEntry[]): string[] =>
  starts(entries).map((entry) => `${String(entry['slot'])}/${String(entry['planned'])}`);
const NO_JITTER = { spawn_jitter_min_ms: 0, spawn_jitter_max_ms: 0 };

describe('a batch', () => {
  // OC-29
  // @verifies AC-orchestrator-batch
  it.each([
    { queued: 6, workers: 4, perTick: 4, expected: ['1/4', '2/4', '3/4', '4/4'] },
    { queued: 6, workers: 8, perTick: 4, expected: ['1/4', '2/4', '3/4', '4/4', '1/2', '2/2'] },
    { queued: 4, workers: 2, perTick: 4, expected: ['1/2', '2/2'] },
    { queued: 1, workers: 4, perTick: 4, expected: ['1/1'] },
    { queued: 3, workers: 0, perTick: 4, expected: [] },
  ])(
    'of $queued queued runs with at most $workers workers and $perTick a tick starts $expected and no more',
    async ({ queued, workers, perTick, expected }) => {
      await using test = await box({
        config: { max_workers: workers, spawns_per_tick: perTick, ...NO_JITTER, log_level: 'debug' },
        probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }),
      });
      for (let count = 0; count < queued; count += 1) await test.enqueue(['SPEC-long']);
      await test.start();
      await until(async () => slots(await test.log()).length >= expected.length, 'the starts');
      // Three more ticks have looked at the queue and started nothing.
      const seen = (await test.log('tick')).length;
      await until(async () => (await test.log('tick')).length >= seen + 3, 'three ticks');
      expect(slots(await test.log())).toEqual(expected);
      const first = starts(await test.log())[0];
      if (first !== undefined)
        expect(first['message']).toBe(
          `starting worker for ${String(first['run_id'])} (batch slot ${slots([first])[0]})`,
        );
      await test.coherence(['daemon', 'stop', '--now']);
    },
  );

  // OC-30
  // @verifies AC-orchestrator-jitter
  it('pauses between its starts and not after the last, and a stop ends the pause', async () => {
    await using test = await box({
      config: { max_workers: 8, spawns_per_tick: 4, spawn_jitter_min_ms: 300, spawn_jitter_max_ms: 400 },
      probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }) }),
    });
    for (let count = 0; count < 7; count += 1) await test.enqueue(['SPEC-long']);
    const daemon = await test.start();
    const batch = await until(async () => {
      const first = starts(await test.log()).filter((entry) => entry['planned'] === 4);
      return first.length === 4 ? first : null;
    }, 'the first batch');
    expect(batch.map((entry) => entry['jitter_ms'] === 0)).toEqual([true, false, false, false]);
    for (const entry of batch.slice(1))
      expect(Number(entry['jitter_ms'])).toSatisfy((value: number) => value >= 300 && value <= 400);
    for (const [index, entry] of batch.entries()) {
      const before = batch[index - 1];
      if (before !== undefined)
        expect(Number(entry['mono_ms']) - Number(before['mono_ms'])).toBeGreaterThanOrEqual(
          Number(entry['jitter_ms']) - 1,
        );
    }
    // In the middle of the second batch.
    await until(async () => starts(await test.log()).length === 5, 'the second batch');
    process.kill(daemon.pid, 'SIGTERM');
    await test.logged('daemon.stop');
    expect(starts(await test.log()).length).toBe(5);
    process.kill(daemon.pid, 'SIGTERM');
    await dead(daemon);
    expect((await test.list()).filter((run) => run.state === 'queued')).toHaveLength(7);
  });

  // OC-31
  // @verifies AC-orchestrator-order
  it('follows priority, then the order of arrival, and keeps a dependent back until its parent has passed', async () => {
    await using test = await box({
      config: { max_workers: 1, ...NO_JITTER },
      probes: (self) => ({ 'specs/a.yaml': self.probe('a') }),
    });
    const runs: string[] = [];
    for (const priority of [2, 1, 1, 0]) runs.push(...(await test.enqueue(['SPEC-a'], { priority })));
    const [child = ''] = await test.queue('SPEC-a', '--priority', '-5', '--after', runs[0] ?? '');
    await test.start();
    await test.ended([...runs, child]);
    expect(starts(await test.log()).map((entry) => entry['run_id'])).toEqual([
      runs[3],
      runs[1],
      runs[2],
      runs[0],
      child,
    ]);
  });

  // @verifies AC-orchestrator-dependents
  it('ends what waits for a run that failed', async () => {
    await using test = await box({
      probes: (self) => ({ 'specs/bad.yaml': self.probe('bad', { exit: 3 }), 'specs/a.yaml': self.probe('a') }),
    });
    const [bad = ''] = await test.queue('SPEC-bad');
    const [child = ''] = await test.queue('SPEC-a', '--after', bad);
    await test.start();
    const [first, second] = await test.ended([bad, child]);
    expect(first).toMatchObject({ verdict: 'FAIL', reason: 'exit-code' });
    expect(second).toMatchObject({
      verdict: 'ERROR',
      reason: 'canceled',
      criteria: [{ verdict: 'ERROR', reason: 'canceled' }],
    });
    expect((await test.marks()).map((mark) => mark.run)).not.toContain(child);
  });

  // @verifies AC-orchestrator-slot-failure
  it('gives the slot of a run that cannot start to the next one, and the run goes back or ends', async () => {
    await using test = await box({
      config: { max_workers: 2, retry_count: 0, ...NO_JITTER },
      probes: (self) => ({ 'specs/a.yaml': self.probe('a') }),
    });
    const commit = await test.git('rev-parse', 'HEAD');
    const [doomed = ''] = await test.queue('SPEC-a', '--commit', commit);
    const [fine = ''] = await test.queue('SPEC-a');
    // Its commit is gone from the repository when it is claimed.
    await test.git('commit', '-q', '--amend', '-m', 'other', '--allow-empty');
    await rm(join(test.repo, '.git', 'objects', commit.slice(0, 2), commit.slice(2)));
    await rm(join(test.repo, '.git', 'logs'), { recursive: true });
    await test.start();
    const [first, second] = await test.ended([doomed, fine]);
    expect(first).toMatchObject({ verdict: 'ERROR', reason: 'setup' });
    expect(second).toMatchObject({ verdict: 'PASS' });
    expect(await test.worktrees()).toEqual([test.repo]);
  });
});

describe('the command line', () => {
  // K2
  // @verifies AC-orchestrator-dedupe
  it('queues without a daemon, and a repeated request is the same run', async () => {
    await using test = await box({
      probes: (self) => ({ 'specs/a.yaml': self.probe('a', { count: 2 }), 'specs/b.yaml': self.probe('b') }),
    });
    const [first] = await test.queue('SPEC-a', '--request', 'k');
    expect(await test.queue('SPEC-a', '--request', 'k')).toEqual([first]);
    expect(await test.queue('SPEC-a', 'SPEC-b')).toHaveLength(2);
    await test.start();
    expect(await test.queue('SPEC-a', '--request', 'k')).toEqual([first]);
    const all = await test.list();
    expect(all).toHaveLength(3);
    await test.ended(all.map((run) => run.run_id));
    expect(await test.queue('SPEC-a', '--request', 'k')).toEqual([first]);
    const [part = ''] = await test.queue('AC-a-2');
    expect((await test.ended([part]))[0]).toMatchObject({
      spec_id: 'SPEC-a',
      verdict: 'PASS',
      criteria: [{ id: 'AC-a-2', verdict: 'PASS' }],
    });
  });

  it('answers with the codes of the contract', async () => {
    await using test = await box({ probes: (self) => ({ 'specs/a.yaml': self.probe('a') }) });
    const code = async (...args: string[]): Promise<number | null> => (await test.coherence(args)).code;
    expect(await code('queue', 'add', 'SPEC-nope')).toBe(66);
    expect(await code('queue', 'add', 'SPEC-a', '--commit', 'nope')).toBe(66);
    expect(await code('queue', 'add', 'SPEC-a', '--after', 'nope')).toBe(66);
    expect(await code('queue', 'add', 'SPEC-a', '--priority', 'high')).toBe(64);
    expect(await code('queue', 'add')).toBe(64);
    expect(await code('queue', 'show', 'nope')).toBe(66);
    for (const args of [
      ['daemon', 'status'],
      ['daemon', 'stop'],
      ['daemon', 'reload'],
      ['pool', 'list'],
      ['pool', 'warm'],
    ])
      expect(await code(...args), args.join(' ')).toBe(69);
    const [run = ''] = await test.queue('SPEC-a');
    expect((await test.coherence(['queue', 'cancel', run])).code).toBe(0);
    expect(await test.show(run)).toMatchObject({ state: 'done', verdict: 'ERROR', reason: 'canceled' });
    expect(await code('queue', 'cancel', run)).toBe(64);
    expect((await test.coherence(['queue', 'retry', run])).code).toBe(0);
    expect(await code('queue', 'retry', run)).toBe(64);
    await test.write({ 'specs/broken.yaml': 'id: [' });
    expect(await code('queue', 'add', 'SPEC-a')).toBe(65);
  });

  // @verifies AC-orchestrator-retry
  it('retries an ended run under its own id: all criteria run again, and its record is the new one', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/a.yaml': self.probe('a', { count: 2, script: './try.sh' }),
        'try.sh': '#!/bin/sh\necho at >> "$BOX/tries"\ntest -e "$BOX/good"\n',
      }),
    });
    await test.start();
    const [run = ''] = await test.queue('SPEC-a');
    expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'FAIL', attempt: 1 });
    const record = async () => JSON.parse(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8'));
    expect((await record()).summary).toMatchObject({ pass: 0, fail: 2 });
    await writeFile(join(test.folder, 'good'), '');
    const again = await test.coherence(['queue', 'retry', run, '--json']);
    expect(again.json()).toMatchObject({ run_id: run, state: 'queued', verdict: null });
    await until(
      async () => (await test.show(run)).attempt === 2 && (await test.show(run)).state === 'done',
      'the second end',
    );
    expect(await test.show(run)).toMatchObject({
      verdict: 'PASS',
      attempt: 2,
      criteria: [
        { verdict: 'PASS', attempt: 2 },
        { verdict: 'PASS', attempt: 2 },
      ],
    });
    expect((await record()).summary).toMatchObject({ pass: 2, fail: 0 });
    expect((await readFile(join(test.folder, 'tries'), 'utf8')).trim().split('\n')).toHaveLength(4);
  });

  // F21
  // @verifies AC-orchestrator-kill-ladder
  it('cancels a run whose tree ignores TERM, forks away and left its session; nothing of it is alive afterwards', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/wild.yaml': self.probe('wild', { sleep: 60, script: './wild.sh' }),
        'wild.sh':
          '#!/bin/sh\ntrap "" TERM\n(setsid sh -c \'trap "" TERM; sleep 300\' & ) \nsh -c \'trap "" TERM; sleep 301\' &\nsleep 302\nsleep 303\n',
      }),
      config: { pool: { term_grace_ms: 300 } },
    });
    await test.start();
    const [run = ''] = await test.queue('SPEC-wild');
    await until(
      () => ['sleep 300', 'sleep 301', 'sleep 302'].every((what) => test.processes().some(({ argv }) => argv === what)),
      'the tree',
    );
    expect((await test.coherence(['queue', 'cancel', run])).code).toBe(0);
    expect(test.processes().filter(({ argv }) => argv.includes('sleep'))).toEqual([]);
    expect(await test.show(run)).toMatchObject({ state: 'done', verdict: 'ERROR', reason: 'canceled' });
    expect(await test.log('pool.reap')).toMatchObject([{ run_id: run, reason: 'canceled', verified_dead: true }]);
    expect((await readFile(join(test.state, 'reap-log.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(1);
  });

  // @verifies AC-orchestrator-evidence
  it('leaves the evidence of a run of a commit in the checkout, about that commit, and no worktree', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/a.yaml': self.probe('a', { count: 2, script: './say.sh' }),
        'say.sh': '#!/bin/sh\ncat content.txt\n',
        'content.txt': 'committed\n',
      }),
    });
    const commit = await test.git('rev-parse', 'HEAD');
    await writeFile(join(test.repo, 'content.txt'), 'edited\n');
    await test.start();
    const [of = ''] = await test.queue('SPEC-a', '--commit', 'HEAD');
    const [here = ''] = await test.queue('SPEC-a');
    expect(await test.ended([of, here])).toMatchObject([
      { verdict: 'PASS', commit },
      { verdict: 'PASS', commit: null },
    ]);
    for (const [run, text, dirty] of [
      [of, 'committed\n', false],
      [here, 'edited\n', true],
    ] as const) {
      const record = JSON.parse(await readFile(join(test.repo, '.coherence/runs', run, 'run.json'), 'utf8'));
      expect(record).toMatchObject({ run, source: { commit, dirty }, summary: { pass: 2, executed: 2 } });
      for (const criterion of record.specs[0].criteria) {
        expect(await readFile(join(test.repo, criterion.checks[0].output), 'utf8')).toBe(text);
        expect((await stat(join(test.repo, criterion.checks[0].output))).mode & 0o777).toBe(0o600);
      }
    }
    expect(await test.worktrees()).toEqual([test.repo]);
    expect((await test.coherence(['runs', 'show', of])).code).toBe(0);
  });
});

describe('a worker', () => {
  // K19
  // @verifies AC-orchestrator-worker-death
  it('that is killed ends its run as ERROR(crash) once tests ran, and the daemon goes on', async () => {
    await using test = await box({
      probes: (self) => ({ 'specs/long.yaml': self.probe('long', { sleep: 60 }), 'specs/a.yaml': self.probe('a') }),
    });
    const daemon = await test.start();
    const [long = ''] = await test.queue('SPEC-long');
    const start = await test.logged('worker.start');
    await until(async () => (await test.marks()).length > 0, 'the mark');
    await kill9({ pid: Number(start['pid']), startTicks: Number(start['start_ticks']) });
    expect((await test.ended([long]))[0]).toMatchObject({
      verdict: 'ERROR',
      reason: 'crash',
      criteria: [{ verdict: 'ERROR', reason: 'crash' }],
    });
    expect(test.processes().filter(({ argv }) => argv.includes('sleep'))).toEqual([]);
    const [after = ''] = await test.queue('SPEC-a');
    expect((await test.ended([after]))[0]).toMatchObject({ verdict: 'PASS' });
    expect(lives(daemon)).toBe(true);
  });

  // @verifies AC-orchestrator-worker-death
  it('that cannot be started is tried again, and then ends its run as ERROR(infra); other runs are not touched', async () => {
    await using test = await box({
      config: { retry_count: 1 },
      probes: (self) => ({ 'specs/a.yaml': self.probe('a') }),
    });
    const node = join(test.folder, 'node-wrapper');
    await writeFile(node, `#!/bin/sh\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
    const daemon = await test.start({ COHERENCE_BACKENDS__NODE__BIN: node });
    const [fine = ''] = await test.queue('SPEC-a');
    await test.ended([fine]);
    await rm(node);
    const [run = ''] = await test.queue('SPEC-a');
    expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'ERROR', reason: 'infra' });
    expect((await test.log('worker.start_failed')).map((entry) => entry['run_id'])).toEqual([run, run]);
    expect(lives(daemon)).toBe(true);
  });

  // F22
  // @verifies AC-orchestrator-output-bounded
  it('that floods its output ends like any other and costs the daemon no memory', async () => {
    await using test = await box({
      probes: (self) => ({
        'specs/flood.yaml': self.probe('flood', { script: './flood.sh' }),
        'flood.sh': '#!/bin/sh\nhead -c 60000000 /dev/zero | tr "\\0" x\necho\n',
      }),
    });
    await test.start();
    const [run = ''] = await test.queue('SPEC-flood');
    expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS' });
    expect(Number((await test.status())['memory_bytes'])).toBeLessThan(130 * 1024 * 1024);
  });
});
