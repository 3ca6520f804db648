/**
 * 50 runs of 3 criteria; the daemon dies by SIGKILL at every failpoint and then at random. Whatever happens, each run ends
 * once, each criterion has exactly one stored verdict, none ever runs twice at the same time, and nothing is left.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, dead, entriesIn, kill9, lives, until, type Box } from './rig.js';

type Identity = { readonly pid: number; readonly startTicks: number };

/** What makes a daemon come by a failpoint; by default the queued runs do. */
const TRIGGERS: Readonly<Record<string, (test: Box) => Promise<unknown>>> = {
  K14: async (test) => test.coherence(['daemon', 'reload']),
  K18: async (test) => test.coherence(['daemon', 'stop', '--now']),
};

async function diesAt(test: Box, point: string): Promise<void> {
  const daemon: Identity | null = await test.start({ COHERENCE_FAILPOINTS: `${point}=kill` }).catch(() => null);
  // K16 is in the boot: the daemon never becomes ready.
  if (daemon === null) return;
  await TRIGGERS[point]?.(test);
  // A failpoint that nothing came by in time (no work left for it) is passed by a kill from outside.
  await until(() => !lives(daemon), point, 8000).catch(async () => kill9(daemon));
}

describe('kill anywhere', () => {
  // K1 to K18
  // @verifies AC-orchestrator-kill-anywhere
  it('50 runs of 3 criteria through a death at every failpoint and 20 at random', async () => {
    await using test = await box({
      config: {
        tick_interval_ms: 100,
        max_workers: 3,
        spawns_per_tick: 3,
        spawn_jitter_min_ms: 0,
        spawn_jitter_max_ms: 10,
        pool: { term_grace_ms: 500 },
      },
      probes: (self) => ({ 'specs/p.yaml': self.probe('p', { count: 3, sleep: 0.05 }) }),
    });
    const runs: string[] = [];
    for (let count = 0; count < 50; count += 1)
      runs.push(...(await test.enqueue(['SPEC-p'], count % 2 === 0 ? { commit: 'HEAD' } : {})));

    // Enqueue: the client learns that it does not know (75); asking again with the same key gives one run.
    for (const point of ['K1', 'K2']) {
      const daemon = await test.start({ COHERENCE_FAILPOINTS: `${point}=kill`, COHERENCE_MAX_WORKERS: '0' });
      const before = (await test.list()).length;
      expect((await test.coherence(['queue', 'add', 'SPEC-p', '--request', point])).code).toBe(75);
      await dead(daemon);
      expect((await test.list()).length - before).toBe(point === 'K1' ? 0 : 1);
      const again = await test.queue('SPEC-p', '--request', point);
      expect((await test.list()).length - before).toBe(1);
      runs.push(...again);
    }
    for (const point of [
      'K3',
      'K4',
      'K5',
      'K6',
      'K7',
      'K8',
      'K9',
      'K10',
      'K11',
      'K12',
      'K13',
      'K14',
      'K16',
      'K18',
      'K9',
      'K8',
    ])
      await diesAt(test, point);
    for (let death = 0; death < 20; death += 1) {
      const daemon = await test.start().catch(() => null);
      if (daemon === null) continue;
      await new Promise((done) => setTimeout(done, Math.random() * 400));
      await kill9(daemon);
    }
    await test.start();
    const ended = await test.ended(runs, 120_000);

    for (const run of ended) {
      const names = run.criteria.map((item) => item.id);
      expect([run.run_id, names.toSorted()]).toEqual([run.run_id, ['AC-p-1', 'AC-p-2', 'AC-p-3']]);
      expect([run.run_id, run.state, run.verdict, run.reason]).toEqual(
        run.state === 'done'
          ? [run.run_id, 'done', 'PASS', 'exit-code']
          : [run.run_id, 'dead_letter', 'ERROR', 'crash'],
      );
    }
    expect(ended.filter((run) => run.verdict === 'PASS').length).toBeGreaterThan(25);
    expect((await test.marks()).filter((mark) => mark.what === 'overlap')).toEqual([]);
    const { database } = await test.journal();
    expect(database.sql('SELECT run_id, ac_id FROM ac_results GROUP BY run_id, ac_id HAVING count(*)>1').all()).toEqual(
      [],
    );
    expect(Number(database.sql('SELECT count(*) AS n FROM ac_results').get()?.['n'])).toBe(runs.length * 3);

    expect((await test.coherence(['daemon', 'stop'])).code).toBe(0);
    expect(test.processes()).toEqual([]);
    expect(await test.worktrees()).toEqual([test.repo]);
    expect((await entriesIn(join(test.state, 'worktrees'))).filter((name) => name !== '.trash')).toEqual([]);
    await until(
      async () => (await entriesIn(join(test.state, 'worktrees', '.trash'))).length === 0,
      'the empty trash',
      5000,
    );
    expect(database.sql("SELECT name, state FROM procs WHERE state<>'dead'").all()).toEqual([]);
  }, 400_000);
});
