/** The life of a daemon: boot in its fixed order, tick, drain. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  collectWarmDirectories,
  emptyWorktreeTrash,
  hasContainerRuns,
  instanceIsAlive,
  lockPath,
  logPath,
  openDaemonProject,
  prepareFolders,
  reapContainers,
  socketPath,
  sweepWorktrees,
  type DaemonStatus,
  type Place,
  type Project,
  type SweepJson,
} from '../app/index.js';
import {
  beginInstance,
  countRuns,
  endInstance,
  forgetDeadProcesses,
  forgetWorktrees,
  momentNow,
  openInstances,
  openJournal,
  type Journal,
} from '../journal/index.js';
import { failure, success, type Result } from '../model/index.js';
import { failpoint } from '../util/failpoint.js';
import type { Lock } from '../util/lock.js';
import { monotonicMs, pause } from '../util/monotonic.js';
import { identityOf, ownNonce } from '../util/process.js';
import { ulid } from '../util/ulid.js';
import { logSweep } from './boot-steps.js';
import { createWatchers, type Core } from './core.js';
import { openDisk } from './disk.js';
import { durableWriter } from './durable.js';
import { handlersOf, statusOf } from './handlers.js';
import { tidy } from './housekeeping.js';
import { probeIsolation } from './isolation.js';
import { removeIdentity, takeStateLock, writeIdentity } from './lock.js';
import { openLog } from '../journal/index.js';
import { serviceNotifier } from './notify.js';
import { outboxPusher } from './outbox.js';
import { createPool } from './pool.js';
import { openAudit } from './reap/audit.js';
import { reap, type ReapReport } from './reap/reap.js';
import { recover } from './recover.js';
import { createReloader } from './reload.js';
import { createScheduler } from './schedule/loop.js';
import { createWake } from './schedule/wake.js';
import { listen } from './server.js';
import type { SignalName } from './signals.js';

export interface DaemonOptions extends Place {
  readonly safeConfig: boolean;
  readonly allowNetworkState: boolean;
  /** Called once when requests are answered. */
  readonly onReady: (facts: { readonly pid: number; readonly socket: string }) => void;
  /** Hands in the function that receives signals; those that came before are delivered at once. */
  readonly onSignals: (receive: (name: SignalName) => void) => void;
}

interface Booted {
  readonly project: Project;
  readonly lock: Lock;
  readonly journal: Journal;
  readonly instance: string;
  readonly startedAt: string;
}

/** Lock, identity, journal: what must hold before anything else may happen. */
async function claimState(
  options: DaemonOptions,
  bootLog: (step: string, ms: number) => void,
): Promise<Result<Booted>> {
  let last = performance.now();
  const step = (name: string): void => {
    bootLog(name, Math.round(performance.now() - last));
    last = performance.now();
  };
  const opened = await openDaemonProject(options, options.safeConfig);
  if (!opened.ok) return opened;
  const project = opened.value;
  const stateFolder = project.directories.state;
  const folders = await prepareFolders(project, options.allowNetworkState);
  if (!folders.ok) return folders;
  step('folders');
  const locked = await takeStateLock(stateFolder);
  if (!locked.ok) return locked;
  const lock = locked.value;
  step('lock');
  const instance = ulid();
  const startedAt = new Date().toISOString();
  const identity = identityOf(process.pid);
  try {
    if (identity === null)
      return failure({
        kind: 'unavailable',
        message: 'The daemon needs /proc to tell processes apart; this system has none.',
      });
    await writeIdentity(stateFolder, {
      instance_id: instance,
      boot_id: identity.bootId,
      pid: identity.pid,
      start_ticks: identity.startTicks,
      nonce: ownNonce(),
      socket: socketPath(project.directories),
      started_at: startedAt,
    });
  } catch (error) {
    await lock.release();
    return failure({
      kind: 'damaged-state',
      message: `Nothing can be written to ${stateFolder} (${error instanceof Error ? error.message : String(error)}).`,
      file: stateFolder,
    });
  }
  step('identity');
  const journal = await openJournal(stateFolder, { check: true });
  if (!journal.ok) {
    await removeIdentity(stateFolder, instance);
    await lock.release();
    return journal;
  }
  beginInstance(journal.value.database, journal.value.clock, instance, 'daemon', identity);
  step('journal');
  return success({ project, lock, journal: journal.value, instance, startedAt });
}

const here = dirname(fileURLToPath(import.meta.url));

/** Runs until it is told to stop. Failures are those of the boot; afterwards it ends with success. */
export async function runDaemon(options: DaemonOptions): Promise<Result<null>> {
  const bootStarted = performance.now();
  const steps: { readonly step: string; readonly ms: number }[] = [];
  let receive: (name: SignalName) => void = () => undefined;
  const early: SignalName[] = [];
  let booted = false;
  options.onSignals((name) => (booted ? receive(name) : early.push(name)));

  const claimed = await claimState(options, (step, ms) => steps.push({ step, ms }));
  if (!claimed.ok) return claimed;
  const { project, lock, journal, instance, startedAt } = claimed.value;
  const stateFolder = project.directories.state;
  const socket = socketPath(project.directories);
  const log = openLog(logPath(stateFolder), instance, project.settings.log_level);
  const wake = createWake();
  const reloader = createReloader({ project, place: options, journal, log, instance, onApplied: wake.notify });
  const audit = openAudit(stateFolder, journal, instance, log);
  const disk = openDisk(stateFolder);
  disk.reserve();
  const drain = new AbortController();
  const backgroundWork = new Set<Promise<unknown>>();
  let degraded: string | null = null;
  const degrade = (): void => {
    disk.release();
    if (degraded !== null) return;
    degraded = 'disk_full';
    log.error('daemon.degraded', { reason: 'disk_full', free_bytes: disk.free() });
  };
  const durable = durableWriter(degrade);
  const isolation = await probeIsolation(options.env);
  const warmGc = async (): Promise<void> => {
    const { removed, bytes } = await collectWarmDirectories(project, journal);
    if (removed.length > 0) log.info('warm.gc', { removed, bytes });
  };
  const core: Core = {
    place: options,
    project,
    stateFolder,
    instance,
    journal,
    log,
    audit,
    disk,
    durable,
    isolation,
    wake,
    draining: drain.signal,
    program: join(here, 'start.cjs'),
    settings: reloader.settings,
    generation: reloader.generation,
    reload: reloader.reload,
    freeSpace: async () => {
      await emptyWorktreeTrash(stateFolder, reloader.settings());
      await warmGc();
    },
    background: (work) => {
      const settled = work.then(
        () => undefined,
        () => undefined,
      );
      backgroundWork.add(settled);
      void settled.then(() => backgroundWork.delete(settled));
    },
    environments: new Map(),
    watchers: createWatchers(),
  };
  const isOwnerAlive = (id: string): boolean => id !== instance && instanceIsAlive(journal, id);
  log.info('daemon.start', {
    project: project.root,
    state_dir: stateFolder,
    steps,
    isolation: isolation.level,
    node: process.version,
  });

  // Nobody else holds the lock: every other daemon of this state folder is dead.
  for (const other of openInstances(journal.database))
    if (other.instance_id !== instance && !isOwnerAlive(other.instance_id))
      endInstance(journal.database, journal.clock, other.instance_id, 'crashed');
  const timed = async <T>(step: string, work: () => Promise<T> | T): Promise<T> => {
    const started = performance.now();
    const value = await work();
    log.info('boot.step', { step, duration_ms: Math.round(performance.now() - started) });
    return value;
  };
  const reaping = { journal, log, audit, instance, graceMs: reloader.settings().pool.term_grace_ms, isOwnerAlive };
  log.info('pool.enabled', {
    enabled: reloader.settings().pool.enabled,
    global_cap: reloader.settings().pool.global_cap,
    per_key_cap: reloader.settings().pool.per_key_cap,
    ttl_ms: reloader.settings().pool.ttl_ms,
  });
  const reaped: ReapReport = await timed('reap', async () => reap(reaping));
  // Killing the client of a container does not stop it. Docker is asked only where a dead run may have used it.
  if (await hasContainerRuns(stateFolder)) {
    await timed('containers', async () =>
      log.info(
        'pool.containers',
        (await reapContainers(stateFolder, options.env).catch(() => null)) ?? { unavailable: true },
      ),
    );
  }
  const swept: SweepJson = await timed('sweep', async () => {
    const { swept: done, json } = await sweepWorktrees({
      stateFolder,
      journal,
      settings: reloader.settings(),
      repos: [project.root],
      dryRun: false,
      self: instance,
    });
    logSweep(core, json);
    if (done.deletion !== null) core.background(done.deletion);
    return json;
  });
  const recovered = await timed('recover', () => recover(journal, log, instance, isOwnerAlive));
  await timed('tidy', async () => tidy(stateFolder, journal));
  forgetDeadProcesses(journal.database, 1000);
  forgetWorktrees(journal.database, 1000);

  const pool = createPool(core);
  let lost = false;
  const mayClaim = (): boolean => !drain.signal.aborted && degraded === null && !lost;
  const scheduler = createScheduler(core, pool, mayClaim);
  const checkDisk = (): void => {
    if (degraded === null && disk.isFull()) degrade();
  };
  let bootMs = 0;
  const status = (): DaemonStatus =>
    statusOf(core, pool, scheduler, {
      state: drain.signal.aborted ? 'draining' : degraded === null ? 'ready' : 'degraded',
      degraded,
      pid: process.pid,
      start_ticks: identityOf(process.pid)?.startTicks ?? 0,
      instance_id: instance,
      started_at: startedAt,
      project: project.root,
      state_dir: stateFolder,
      socket,
      isolation: { level: isolation.level, available: isolation.available },
      boot_ms: bootMs,
      reap: { ...reaped },
      sweep: swept,
    });
  let graceMs: number | null = null;
  const stop = (now: boolean): void => {
    graceMs = now || drain.signal.aborted ? 0 : reloader.settings().shutdown_grace_ms;
    drain.abort();
    wake.notify();
  };
  const server = await listen(
    socket,
    handlersOf({ core, pool, scheduler, isDegraded: () => degraded !== null, checkDisk, status, stop }),
    journal.path,
    log,
  );
  if (!server.ok) {
    endInstance(journal.database, journal.clock, instance, 'no socket');
    await removeIdentity(stateFolder, instance);
    await lock.release();
    return server;
  }
  bootMs = Math.round(performance.now() - bootStarted);
  const notify = serviceNotifier(options.env);
  receive = (name) => {
    if (name !== 'SIGHUP') stop(false);
    else if (!drain.signal.aborted) void reloader.reload();
  };
  booted = true;
  log.info('daemon.ready', {
    boot_ms: bootMs,
    reap: reaped,
    sweep: swept,
    requeued: recovered.requeued,
    parked: recovered.parked,
    dead_letters: recovered.dead_letters,
    socket,
  });
  notify('READY=1');
  options.onReady({ pid: process.pid, socket });
  // After the first answer: measuring gigabytes must not keep anybody waiting.
  core.background(warmGc());
  // A storm of hangups before this point means one reload.
  for (const name of new Set(early)) receive(name);

  let tended = momentNow(journal.clock).mono;
  const pushOutbox = outboxPusher(core);
  while (!drain.signal.aborted) {
    notify('WATCHDOG=1');
    if (!lost && !(await lock.isCurrent())) {
      lost = true;
      log.error('lock.lost', { path: lockPath(stateFolder) });
      break;
    }
    if (degraded === null) checkDisk();
    else if (disk.hasRecovered() && durable.flush()) {
      degraded = null;
      disk.reserve();
      log.info('daemon.recovered', { free_bytes: disk.free() });
    } else durable.flush();
    if (countRuns(journal.database, 'parked') > 0 || reaped.indeterminate > 0)
      await lookAgain(core, reaping, isOwnerAlive);
    await scheduler.tick();
    core.background(pushOutbox());
    const { reap_interval_ms: every } = reloader.settings().pool;
    if (monotonicMs() - tended >= every) {
      tended = monotonicMs();
      await pool.tend();
    }
    await wake.sleep(
      Math.min(
        scheduler.untilDue(reloader.settings().tick_interval_ms),
        Math.max(10, every - (monotonicMs() - tended)),
      ),
    );
  }

  log.info('daemon.stop', { draining: scheduler.attempts().length, reason: lost ? 'lock.lost' : 'stopped' });
  notify('STOPPING=1');
  failpoint('K18');
  // What runs gets its time; a second signal, or `stop --now`, ends it at once.
  const settled = scheduler.settled();
  const limit = lost ? Number.POSITIVE_INFINITY : (graceMs ?? 0);
  const until = monotonicMs() + limit;
  let isSettled = false;
  void settled.then(() => {
    isSettled = true;
  });
  while (!isSettled && monotonicMs() < until && (graceMs === null || graceMs > 0)) {
    durable.flush();
    await Promise.race([settled, pause(100)]);
  }
  if (!isSettled) await scheduler.stopAll('shutdown');
  await settled;
  await pool.evict(null, 'shutdown');
  durable.flush();
  await server.value.close();
  await Promise.race([Promise.allSettled([...backgroundWork]), pause(5000)]);
  endInstance(journal.database, journal.clock, instance, lost ? 'lock lost' : 'stopped');
  log.info('daemon.stopped', { reason: lost ? 'lock.lost' : 'stopped' });
  journal.close();
  if (!lost) await removeIdentity(stateFolder, instance);
  await lock.release();
  return success(null);
}

/** Processes that could not be judged at the boot are looked at again; their runs come back once they are gone. */
async function lookAgain(
  core: Core,
  reaping: Parameters<typeof reap>[0],
  isOwnerAlive: (id: string) => boolean,
): Promise<void> {
  await reap(reaping, true);
  recover(core.journal, core.log, core.instance, isOwnerAlive);
}
