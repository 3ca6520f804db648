/**
 * One try of one run, from the claim to its end: a tree to work on, a worker, its results, and the proof that nothing of
 * it is left. The slot is free when `done` settles.
 */
import { relative, join } from 'node:path';
import { worktreesOf, type Job } from '../app/index.js';
import {
  advance,
  beginAttempt,
  complete,
  getRun,
  park,
  putBack,
  record,
  resultsOf,
  setCriteria,
  type Claimed,
  type Ending,
  type RunRow,
} from '../journal/index.js';
import { compareVerdicts, type CriterionRecord, type Verdict } from '../model/index.js';
import { failpoint } from '../util/failpoint.js';
import { gitLine } from '../util/git.js';
import { sha256 } from '../util/hash.js';
import { identityOf } from '../util/process.js';
import type { Core } from './core.js';
import type { Pool } from './pool.js';
import { backoffMs } from './schedule/plan.js';
import { startWorker, type WorkerProcess } from './worker-process.js';
import type { FromWorker } from './worker-protocol.js';

export interface Prepared {
  readonly run: RunRow;
  /** Root of the project in the tree under test. */
  readonly root: string;
  release(): Promise<void>;
}

export type Preparation = { readonly ok: true; readonly prepared: Prepared } | { readonly ok: false };

export type StopReason = 'canceled' | 'timeout' | 'shutdown' | 'lock-lost';

export interface Attempt {
  readonly run: RunRow;
  worker(): WorkerProcess | null;
  warm(): string | null;
  /** Ends the attempt; `done` settles when its processes are verified dead and its row is written. */
  stop(reason: StopReason): void;
  readonly done: Promise<void>;
}

const claimedOf = (run: RunRow): Claimed => ({ run_id: run.run_id, fence: run.fence });

/** Gives a claimed run back, or ends it when it has failed to start too often. */
async function startFailed(
  core: Core,
  run: RunRow,
  reason: string,
  detail: string,
  permanent: Ending | null,
): Promise<void> {
  const { journal } = core;
  core.log.warn('worker.start_failed', {
    run_id: run.run_id,
    reason,
    error: detail,
    attempt: run.attempt,
    failures: run.failures + 1,
  });
  const limit = core.settings().retry_count;
  // A full disk is no fault of the run: it waits as long as it takes.
  const ending =
    permanent ??
    (reason !== 'disk_full' && run.failures >= limit ? { verdict: 'ERROR' as const, reason: 'infra', detail } : null);
  await core.durable.write(() => {
    if (ending !== null) complete(journal.database, journal.clock, claimedOf(run), ending);
    else
      putBack(journal.database, journal.clock, claimedOf(run), {
        reason,
        detail,
        delayMs: backoffMs(run.failures),
        counts: true,
        started: false,
      });
  });
  if (ending !== null) core.watchers.ended(run.run_id);
}

/** A tree for the run: the checkout itself, or a worktree of its commit. False: the run went back or has ended. */
export async function prepareAttempt(core: Core, run: RunRow): Promise<Preparation> {
  const { journal } = core;
  await core.durable.write(() => advance(journal.database, claimedOf(run), 'preparing'));
  if (run.commit_sha === null) return { ok: true, prepared: { run, root: run.repo, release: async () => undefined } };
  const identity = identityOf(process.pid);
  const top = await gitLine(run.repo, ['rev-parse', '--show-toplevel']);
  if (identity === null || top === null) {
    await startFailed(core, run, 'setup', `${run.repo} is no git repository, or git is missing`, {
      verdict: 'SKIP',
      reason: 'unavailable:git',
      detail: 'git is missing, or the project is no repository',
    });
    return { ok: false };
  }
  const made = await worktreesOf(
    core.stateFolder,
    journal,
    { instanceId: core.instance, identity },
    core.background,
  ).create(
    { repo: top, commit: run.commit_sha, runId: run.run_id, attempt: run.attempt, keep: run.payload.keep_worktree },
    core.draining,
  );
  if (made.ok)
    return {
      ok: true,
      prepared: { run, root: join(made.worktree.path, relative(top, run.repo)), release: made.worktree.release },
    };
  const { kind, message } = made.trouble;
  if (core.draining.aborted) {
    await giveBack(core, run);
    return { ok: false };
  }
  const permanent: Ending | null =
    kind === 'no-commit'
      ? { verdict: 'ERROR', reason: 'setup', detail: `commit ${run.commit_sha}: ${message}` }
      : kind === 'git-missing'
        ? { verdict: 'SKIP', reason: 'unavailable:git', detail: message }
        : null;
  // What is in the trash is the nearest space to be had.
  if (kind === 'disk-full') await core.freeSpace();
  await startFailed(core, run, kind === 'disk-full' ? 'disk_full' : 'worktree', message, permanent);
  return { ok: false };
}

/** Puts a claimed run that was never started back, as if it had not been claimed; its fence stays spent. */
export async function giveBack(core: Core, run: RunRow): Promise<void> {
  await core.durable.write(() =>
    putBack(core.journal.database, core.journal.clock, claimedOf(run), {
      reason: 'shutdown',
      detail: 'the daemon stopped before it started',
      delayMs: 0,
      counts: false,
      started: false,
    }),
  );
}

interface Progress {
  executing: boolean;
  finished: { readonly verdict: Verdict; readonly reason: string; readonly detail: string } | null;
  failures: Extract<FromWorker, { type: 'failed' }>['failures'] | null;
  stale: boolean;
}

/** The run's verdict over all stored results; criteria without one count as `rest`. */
function verdictOf(core: Core, run: RunRow, rest: Ending): Ending {
  const results = resultsOf(core.journal.database, run.run_id);
  const current = getRun(core.journal.database, run.run_id);
  const missing = (current?.payload.criteria ?? []).some((id) => !results.some((result) => result.ac_id === id));
  let worst: Ending | null = missing || results.length === 0 ? rest : null;
  for (const result of results) {
    if (worst !== null && compareVerdicts(result.verdict, worst.verdict) <= 0) continue;
    const found = JSON.parse(result.payload) as CriterionRecord; // as it was stored
    worst = { verdict: result.verdict, reason: found.reason, detail: found.detail ?? '' };
  }
  return worst ?? rest;
}

/** Starts the worker and follows it to its end. Null when it could not be started: the run went back. */
export async function startAttempt(
  core: Core,
  pool: Pool,
  prepared: Prepared,
  onStarted: (worker: WorkerProcess) => void,
): Promise<Attempt | { readonly failed: string }> {
  const { run } = prepared;
  const { journal } = core;
  const claimed = claimedOf(run);
  const settings = core.settings();
  const eligible =
    run.commit_sha === null &&
    run.payload.place !== 'docker' &&
    (run.backend === 'vitest' || run.backend === 'node-test') &&
    settings.pool.enabled;
  const lease = eligible ? await pool.acquire(run) : null;
  let worker: WorkerProcess;
  if (lease !== null) worker = lease.worker;
  else {
    const started = await startWorker({
      journal,
      instance: core.instance,
      isolation: core.isolation,
      kind: 'worker',
      name: `coh-run-${run.run_id}-${run.attempt}`,
      key: null,
      runId: run.run_id,
      command: [settings.backends.node.bin, core.program, 'worker'],
      cwd: run.repo,
      env: core.place.env,
      outputFile: join(core.stateFolder, 'logs', `worker-${run.run_id}-${run.attempt}.log`),
    });
    if (!started.ok) {
      await prepared.release();
      await startFailed(core, run, 'spawn', `${settings.backends.node.bin}: ${started.message}`, null);
      return { failed: started.code };
    }
    worker = started.worker;
  }
  await core.durable.write(() => advance(journal.database, claimed, 'running'));
  onStarted(worker);

  const progress: Progress = { executing: false, finished: null, failures: null, stale: false };
  let stopReason: StopReason | null = null;
  let stopped: () => void = () => undefined;
  const stopRequested = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  const stop = (reason: StopReason): void => {
    if (stopReason !== null) return;
    stopReason = reason;
    stopped();
  };
  const answered = new Promise<void>((resolve) => {
    let chain: Promise<void> = Promise.resolve();
    worker.listen((message) => {
      // One after the other: what is stored must be stored in the order in which it was said.
      chain = chain.then(
        async () => {
          await receive(core, run, worker, message, progress);
          if (progress.finished !== null || progress.failures !== null || progress.stale) resolve();
        },
        () => undefined,
      );
    });
  });
  // Monotonic: a clock that jumps ends no run.
  const limit = setTimeout(() => stop('timeout'), settings.run_timeout_minutes * 60_000);
  const job: Job = {
    run_id: run.run_id,
    fence: run.fence,
    attempt: run.attempt,
    session: run.session_id,
    spec_id: run.spec_id,
    criteria: run.payload.whole ? null : run.payload.criteria,
    root: prepared.root,
    checkout: run.repo,
    commit: run.commit_sha,
    folder: join(core.stateFolder, 'evidence', run.run_id),
    place: run.payload.place,
    options: run.payload.options,
  };
  worker.send({ type: 'run', job, env: core.environments.get(run.run_id) ?? null });
  const done = (async () => {
    await Promise.race([answered, worker.exited, stopRequested]);
    clearTimeout(limit);
    if (stopReason !== null) await core.durable.write(() => advance(journal.database, claimed, 'stopping'));
    else await core.durable.write(() => advance(journal.database, claimed, 'finishing'));
    let isDead = true;
    const reusable = lease !== null && stopReason === null && progress.finished !== null && !worker.hasExited();
    if (reusable) {
      worker.listen(null);
      lease.giveBack();
    } else isDead = await endWorker(core, run, worker, stopReason);
    lease?.drop(!reusable);
    await prepared.release();
    await settle(core, run, worker, progress, stopReason, isDead);
    core.environments.delete(run.run_id);
  })();
  return { run, worker: () => worker, warm: () => lease?.worker.name ?? null, stop, done };
}

/** False when something of it could not be ended: then no other worker may take the run yet. */
async function endWorker(core: Core, run: RunRow, worker: WorkerProcess, reason: StopReason | null): Promise<boolean> {
  // After its last word it ends by itself; the ladder makes sure, and looks for what it may have left.
  if (reason === null && !worker.hasExited())
    await Promise.race([worker.exited, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
  const killed = await worker.end({ graceMs: core.settings().pool.term_grace_ms, ask: reason !== null });
  if (reason !== null || !killed.dead || killed.signal !== 'none') {
    core.audit(killed.dead ? 'pool.reap' : 'pool.reap_refused', {
      name: worker.name,
      pid: worker.pid,
      start_ticks: worker.startTicks,
      key: null,
      run_id: run.run_id,
      reason:
        reason === 'timeout'
          ? 'timeout'
          : reason === null
            ? 'finished'
            : reason === 'canceled'
              ? 'canceled'
              : 'shutdown',
      signal: killed.signal,
      verified_dead: killed.dead,
      ...(killed.dead ? {} : { left: killed.left, why: 'it did not die' }),
    });
  }
  return killed.dead;
}

async function receive(
  core: Core,
  run: RunRow,
  worker: WorkerProcess,
  message: FromWorker,
  progress: Progress,
): Promise<void> {
  const { journal } = core;
  if (message.type === 'ready' || message.fence !== run.fence) return;
  switch (message.type) {
    case 'planned': {
      // The next verdict waits for the disk, and takes this along.
      const kept = await core.durable.write(() =>
        journal.database.relaxed(() => {
          const list = beginAttempt(journal.database, claimedOf(run), message.basis);
          if (list !== null) setCriteria(journal.database, run.run_id, message.criteria);
          return list === null
            ? null
            : resultsOf(journal.database, run.run_id)
                .filter((result) => list.includes(result.ac_id))
                .map((result) => ({ id: result.ac_id, payload: result.payload }));
        }),
      );
      if (kept === null) stale(core, run, progress, 'planned');
      worker.send({ type: 'kept', fence: run.fence, kept });
      return;
    }
    case 'executing':
      progress.executing = true;
      return;
    case 'event':
      if (message.event.type === 'warm_boot.start') failpoint('K17');
      if (message.event.type === 'warm_boot.done')
        core.log.info('warm_boot.done', { run_id: run.run_id, ...message.event.fields });
      else if (message.event.type === 'warm_boot.start' || message.event.type === 'cargo.stale_member') {
        const { type, ...fields } = message.event;
        core.log.info(type, { run_id: run.run_id, ...fields });
      }
      core.watchers.event(run.run_id, message.event);
      return;
    case 'criterion': {
      const payload = JSON.stringify({
        ...message.record,
        ...(message.basis === null ? {} : { basis: message.basis }),
      });
      const stored = await core.durable.write(() =>
        record(journal.database, {
          run_id: run.run_id,
          ac_id: message.record.id,
          fence: run.fence,
          attempt: run.attempt,
          verdict: message.record.verdict,
          evidence_sha: sha256(payload),
          payload,
        }),
      );
      failpoint('K9');
      if (!stored) stale(core, run, progress, message.record.id);
      else
        core.log.info('criterion', {
          run_id: run.run_id,
          ac_id: message.record.id,
          verdict: message.record.verdict,
          reason: message.record.reason,
          attempt: run.attempt,
          fence: run.fence,
        });
      return;
    }
    case 'done':
      progress.finished = message.end;
      return;
    case 'failed':
      progress.failures = message.failures;
  }
}

function stale(core: Core, run: RunRow, progress: Progress, what: string): void {
  const current = getRun(core.journal.database, run.run_id);
  core.log.warn('fence.stale', { run_id: run.run_id, fence: run.fence, current: current?.fence ?? null, what });
  if (current?.fence !== run.fence) progress.stale = true;
}

/** Writes how the attempt ended. */
async function settle(
  core: Core,
  run: RunRow,
  worker: WorkerProcess,
  progress: Progress,
  stopReason: StopReason | null,
  isDead: boolean,
): Promise<void> {
  const { journal } = core;
  const claimed = claimedOf(run);
  const exit = worker.hasExited() ? await worker.exited : null;
  const end = async (rest: Ending): Promise<void> => {
    const ending = await core.durable.write(() => {
      const found = verdictOf(core, run, rest);
      // The verdict is over what was stored; what was not gets the reason why it was not.
      complete(journal.database, journal.clock, claimed, found, rest);
      return found;
    });
    core.log.info('worker.exit', {
      run_id: run.run_id,
      pid: worker.pid,
      code: exit?.code ?? null,
      signal: exit?.signal ?? null,
      verdict: ending.verdict,
      reason: ending.reason,
      attempt: run.attempt,
      fence: run.fence,
    });
    core.watchers.ended(run.run_id);
  };
  const back = async (why: Parameters<typeof putBack>[3]): Promise<void> => {
    await core.durable.write(() => {
      if (isDead) putBack(journal.database, journal.clock, claimed, why);
      else park(journal.database, run);
    });
    core.log.info('worker.exit', {
      run_id: run.run_id,
      pid: worker.pid,
      code: exit?.code ?? null,
      signal: exit?.signal ?? null,
      requeued: true,
      reason: why.reason,
      attempt: run.attempt,
      fence: run.fence,
    });
  };
  if (progress.stale) {
    core.log.info('worker.exit', {
      run_id: run.run_id,
      pid: worker.pid,
      code: exit?.code ?? null,
      signal: exit?.signal ?? null,
      stale: true,
    });
    return;
  }
  if (stopReason === 'canceled') return end({ verdict: 'ERROR', reason: 'canceled', detail: 'canceled by the user' });
  if (stopReason === 'timeout')
    return end({
      verdict: 'ERROR',
      reason: 'run-timeout',
      detail: `the run took longer than ${core.settings().run_timeout_minutes} minutes`,
    });
  if (stopReason !== null)
    return back({
      reason: 'shutdown',
      detail: 'the daemon stopped while it ran',
      delayMs: 0,
      counts: false,
      started: true,
    });
  if (progress.finished !== null) {
    // A spec without criteria has only the worker's own word; otherwise what has no verdict was left out by --fail-fast.
    const empty = (getRun(journal.database, run.run_id)?.payload.criteria ?? []).length === 0;
    return end(empty ? progress.finished : { verdict: 'ERROR', reason: 'canceled', detail: 'not reached' });
  }
  if (progress.failures !== null) {
    const first = progress.failures[0];
    return end({
      verdict: 'ERROR',
      reason: first?.kind === 'unknown-id' ? 'not-found' : 'setup',
      detail:
        first === undefined
          ? 'it could not be verified'
          : `${first.file === undefined ? '' : `${first.file}${first.line === undefined ? '' : `:${first.line}`}: `}${first.message}`,
    });
  }
  const how =
    exit === null ? 'ended' : exit.signal === null ? `exited with ${exit.code}` : `was killed by ${exit.signal}`;
  const tail = worker.tail().trim().split('\n').at(-1) ?? '';
  const detail = `the worker ${how}${tail === '' ? '' : `: ${tail}`}`;
  // Only trouble before a test's first output is retried; later it could have been the test's own doing.
  if (!progress.executing && run.failures < core.settings().retry_count)
    return back({ reason: 'infra', detail, delayMs: backoffMs(run.failures), counts: true, started: true });
  return end({ verdict: 'ERROR', reason: 'crash', detail });
}
