/** The scheduler: one tick after the other, each a batch of starts with pauses between them. */
import { claimOne, eligible, nextDue, type Backend, type Blocked, type RunRow } from '../../journal/index.js';
import { monotonicMs, pause } from '../../util/monotonic.js';
import { ulid } from '../../util/ulid.js';
import { giveBack, prepareAttempt, startAttempt, type Attempt, type Prepared, type StopReason } from '../attempt.js';
import type { Core } from '../core.js';
import type { Pool } from '../pool.js';
import { jitter, toSpawn } from './plan.js';

export interface Scheduler {
  /** What works now. */
  attempts(): readonly Attempt[];
  /** Starts a batch if there is room and work. */
  tick(): Promise<void>;
  /** Milliseconds until something waits no longer, at most `limit`. */
  untilDue(limit: number): number;
  stopRun(runId: string, reason: StopReason): Attempt | null;
  /** Ends everything and waits for it. */
  stopAll(reason: StopReason): Promise<void>;
  settled(): Promise<void>;
}

/** At most so many at once, on top of `max_workers`. */
const CLASS_LIMITS: Readonly<Partial<Record<Backend, number>>> = { docker: 2, orchestrator: 1 };

export function createScheduler(core: Core, pool: Pool, mayClaim: () => boolean): Scheduler {
  const attempts = new Map<string, Attempt>();
  /** Claimed and being prepared: they hold their slot, too. */
  const preparing = new Map<string, RunRow>();
  let batches = 0;
  /** When the last worker was seen to run: pauses are counted from there. */
  let lastStart = 0;

  const active = (): number => attempts.size + preparing.size;

  const blocked = (refused: readonly string[]): Blocked => {
    const runs = [...[...attempts.values()].map((attempt) => attempt.run), ...preparing.values()];
    const backends = (Object.entries(CLASS_LIMITS) as [Backend, number][])
      .filter(([backend, limit]) => runs.filter((run) => run.backend === backend).length >= limit)
      .map(([backend]) => backend);
    return {
      backends,
      cargoSessions: runs.filter((run) => run.backend === 'cargo').map((run) => run.session_id),
      runs: refused,
    };
  };

  /** Claims until one run has a tree to work on. A run that cannot start goes back and costs no slot. */
  const next = async (refused: string[]): Promise<Prepared | null> => {
    while (mayClaim()) {
      const run = await core.durable.write(() =>
        claimOne(core.journal.database, core.journal.clock, core.instance, blocked(refused)),
      );
      if (run === null) return null;
      preparing.set(run.run_id, run);
      const prepared = await prepareAttempt(core, run);
      if (prepared.ok) return prepared.prepared;
      preparing.delete(run.run_id);
      refused.push(run.run_id);
    }
    return null;
  };

  const drop = async (prepared: Prepared): Promise<void> => {
    await prepared.release();
    await giveBack(core, prepared.run);
    preparing.delete(prepared.run.run_id);
  };

  const start = async (
    prepared: Prepared,
    slot: number,
    planned: number,
    waited: number,
    batch: string,
  ): Promise<'started' | 'failed' | 'no-fork'> => {
    const { run } = prepared;
    const attempt = await startAttempt(core, pool, prepared, (worker) => {
      lastStart = monotonicMs();
      core.log.info('worker.start', {
        message: `starting worker for ${run.run_id} (batch slot ${slot}/${planned})`,
        run_id: run.run_id,
        spec_id: run.spec_id,
        batch_id: batch,
        slot,
        planned,
        jitter_ms: waited,
        pid: worker.pid,
        start_ticks: worker.startTicks,
        fence: run.fence,
        attempt: run.attempt,
        name: worker.name,
        mono_ms: lastStart,
      });
    });
    preparing.delete(run.run_id);
    if ('failed' in attempt) return attempt.failed === 'EAGAIN' || attempt.failed === 'ENOMEM' ? 'no-fork' : 'failed';
    attempts.set(run.run_id, attempt);
    void attempt.done
      .then(
        () => undefined,
        (error: unknown) =>
          core.log.error('attempt.defect', {
            run_id: run.run_id,
            error: error instanceof Error ? (error.stack ?? error.message) : String(error),
          }),
      )
      .then(() => {
        attempts.delete(run.run_id);
        core.wake.notify();
      });
    return 'started';
  };

  const tick = async (): Promise<void> => {
    const settings = core.settings();
    const allowed = mayClaim() ? toSpawn(settings.max_workers, active(), settings.spawns_per_tick) : 0;
    const waiting = eligible(core.journal.database, core.journal.clock, blocked([]));
    const planned = Math.min(allowed, waiting);
    const batch = planned === 0 ? '' : ulid();
    const refused: string[] = [];
    let spawned = 0;
    let isFirst = true;
    while (spawned < planned && mayClaim()) {
      const pauseMs = isFirst ? 0 : jitter(settings.spawn_jitter_min_ms, settings.spawn_jitter_max_ms);
      // The tree is prepared while the pause runs: the gap between two starts is the pause, not the pause and a checkout.
      const prepared = await next(refused);
      if (prepared === null) break;
      if (!isFirst) await pause(lastStart + pauseMs - monotonicMs(), core.draining);
      if (!mayClaim()) {
        await drop(prepared);
        break;
      }
      isFirst = false;
      const outcome = await start(prepared, spawned + 1, planned, pauseMs, batch);
      if (outcome === 'no-fork') break;
      if (outcome === 'failed') {
        refused.push(prepared.run.run_id);
        continue;
      }
      spawned += 1;
    }
    batches += spawned > 0 ? 1 : 0;
    core.log.debug('tick', {
      active: active(),
      max_workers: settings.max_workers,
      eligible: waiting,
      to_spawn: allowed,
      spawned,
      batches,
    });
  };

  return {
    attempts: () => [...attempts.values()],
    tick,
    untilDue: (limit) => Math.min(limit, nextDue(core.journal.database, core.journal.clock) ?? limit),
    stopRun: (runId, reason) => {
      const attempt = attempts.get(runId) ?? null;
      attempt?.stop(reason);
      return attempt;
    },
    stopAll: async (reason) => {
      for (const attempt of attempts.values()) attempt.stop(reason);
      await Promise.all([...attempts.values()].map(async (attempt) => attempt.done.catch(() => undefined)));
    },
    settled: async () => {
      while (attempts.size > 0 || preparing.size > 0) {
        await Promise.all([...attempts.values()].map(async (attempt) => attempt.done.catch(() => undefined)));
        if (preparing.size > 0) await pause(10);
      }
    },
  };
}
