/** What the daemon does when it is asked. */
import { flatSettings, sweepWorktrees, type DaemonStatus } from '../app/index.js';
import {
  cancelWaiting,
  countPending,
  countRuns,
  enqueue,
  failureOf,
  getRun,
  isTerminal,
  JournalTrouble,
  retry,
  type RunRow,
} from '../journal/index.js';
import { failure, success, type Failure, type Result } from '../model/index.js';
import { logSweep } from './boot-steps.js';
import type { Core } from './core.js';
import type { Pool } from './pool.js';
import type { Scheduler } from './schedule/loop.js';
import type { Handlers } from './server.js';

export interface HandlerOptions {
  readonly core: Core;
  readonly pool: Pool;
  readonly scheduler: Scheduler;
  readonly isDegraded: () => boolean;
  readonly checkDisk: () => void;
  readonly status: () => DaemonStatus;
  readonly stop: (now: boolean) => void;
}

const unknownRun = (id: string): Failure => ({
  kind: 'unknown-id',
  message: `There is no run ${id}.`,
  hint: '`coherence queue list` shows the runs.',
});

export function handlersOf({ core, pool, scheduler, isDegraded, checkDisk, status, stop }: HandlerOptions): Handlers {
  const { journal } = core;
  const full = (): Result<never> => failure(failureOf(new JournalTrouble('full', 'disk full'), journal.path));
  const draining = (): Result<never> =>
    failure({ kind: 'try-again', message: 'The daemon is stopping.', hint: 'Try again when it has stopped.' });

  const whenEnded = async (
    runId: string,
    onEvent: Parameters<Core['watchers']['add']>[1]['event'],
    onGone: (work: () => void) => void,
  ): Promise<RunRow | null> => {
    const now = getRun(journal.database, runId);
    if (now === null || isTerminal(now.state)) return now;
    return new Promise((resolve) => {
      const finish = (): void => {
        remove();
        resolve(getRun(journal.database, runId));
      };
      const remove = core.watchers.add(runId, { event: onEvent, ended: finish });
      onGone(finish);
    });
  };

  return {
    status: () => success(status()),
    reload: async () => (core.draining.aborted ? draining() : success(await core.reload())),
    stop: (params) => {
      const { pid, start_ticks: startTicks } = status();
      // The answer goes out before the socket closes.
      setImmediate(() => stop(params.now));
      return success({ pid, start_ticks: startTicks });
    },
    enqueue: (params) => {
      if (core.draining.aborted) return draining();
      checkDisk();
      if (isDegraded()) return full();
      const { env } = params;
      if (env !== undefined) for (const run of params.runs) core.environments.set(run.run_id, env);
      const add = () => enqueue(journal.database, journal.clock, params.runs);
      // Somebody who waits for the verdict is gone after a power cut, and so may be his run.
      const runs = env === undefined ? add() : journal.database.relaxed(add);
      for (const { run } of runs) if (isTerminal(run.state)) core.watchers.ended(run.run_id);
      core.wake.notify();
      return success({ runs });
    },
    cancel: async ({ run_id: id }) => {
      const run = cancelWaiting(journal.database, journal.clock, id, 'canceled by the user');
      if (run === null) return failure(unknownRun(id));
      const attempt = scheduler.stopRun(id, 'canceled');
      if (attempt !== null) await attempt.done;
      core.watchers.ended(id);
      core.wake.notify();
      return success({ run: getRun(journal.database, id) ?? run });
    },
    retry: ({ run_id: id }) => {
      checkDisk();
      if (isDegraded()) return full();
      const before = getRun(journal.database, id);
      if (before === null) return failure(unknownRun(id));
      const run = retry(journal.database, id);
      if (run === null)
        return failure({
          kind: 'usage',
          message: `Run ${id} has not ended (${before.state}).`,
          hint: '`coherence queue cancel` ends it.',
        });
      core.wake.notify();
      return success({ run });
    },
    wait: async ({ run_id: id }, caller) => {
      const run = await whenEnded(id, caller.event, caller.onGone);
      return run === null ? failure(unknownRun(id)) : success({ run });
    },
    pool: () => success({ workers: pool.list() }),
    evict: async ({ name }) => success({ evicted: await pool.evict(name, 'evicted') }),
    warm: async ({ root, slug }) => {
      const made = await pool.warm(root, slug);
      return 'refused' in made
        ? failure({ kind: 'try-again', message: `No warm worker was made: ${made.refused}.` })
        : success(made);
    },
    sweep: async ({ dry_run: dryRun, repo }) => {
      const { swept, json } = await sweepWorktrees({
        stateFolder: core.stateFolder,
        journal,
        settings: core.settings(),
        repos: [core.project.root, repo],
        dryRun,
        self: core.instance,
      });
      if (!dryRun) logSweep(core, json);
      if (swept.deletion !== null) core.background(swept.deletion);
      return success({ report: json });
    },
  };
}

export const statusOf = (
  core: Core,
  pool: Pool,
  scheduler: Scheduler,
  facts: Omit<
    DaemonStatus,
    'generation' | 'settings' | 'active' | 'queued' | 'parked' | 'pool' | 'outbox_pending' | 'memory_bytes'
  >,
): DaemonStatus => ({
  ...facts,
  generation: core.generation(),
  settings: Object.fromEntries(flatSettings(core.settings())),
  active: scheduler.attempts().map((attempt) => ({
    run_id: attempt.run.run_id,
    spec_id: attempt.run.spec_id,
    state: getRun(core.journal.database, attempt.run.run_id)?.state ?? 'running',
    attempt: attempt.run.attempt,
    fence: attempt.run.fence,
    pid: attempt.worker()?.pid ?? null,
    start_ticks: attempt.worker()?.startTicks ?? null,
    warm: attempt.warm(),
  })),
  queued: countRuns(core.journal.database, 'queued'),
  parked: countRuns(core.journal.database, 'parked'),
  pool: pool.list(),
  outbox_pending: countPending(core.journal.database),
  memory_bytes: process.memoryUsage().rss,
});
