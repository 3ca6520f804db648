/**
 * Warm workers: long-lived children that have the test runner in memory and serve runs on one project's checkout.
 * They are found again after a crash by the name in their arguments, and ended only by ledger, start time and nonce.
 */
import { freemem } from 'node:os';
import { join } from 'node:path';
import type { PoolWorker } from '../app/index.js';
import type { RunRow } from '../journal/index.js';
import { monotonicMs } from '../util/monotonic.js';
import { ulid } from '../util/ulid.js';
import type { Core } from './core.js';
import type { ReapReason } from './reap/audit.js';
import { warmName } from './reap/select.js';
import { startWorker, type WorkerProcess } from './worker-process.js';

interface Warm {
  readonly key: string;
  readonly root: string;
  readonly worker: WorkerProcess;
  state: 'idle' | 'busy';
  runId: string | null;
  lastUsed: number;
}

export interface Lease {
  readonly worker: WorkerProcess;
  /** The worker may serve the next run. */
  giveBack(): void;
  /** Call at the end of the run; with `true` the worker is ended and forgotten. */
  drop(dead: boolean): void;
}

export interface Pool {
  /** A warm worker for the run's project, made if the caps allow; null: run it cold. */
  acquire(run: RunRow): Promise<Lease | null>;
  /** Makes one ahead of time. */
  warm(
    root: string,
    slug: string,
  ): Promise<{ readonly worker: PoolWorker; readonly fresh: boolean } | { readonly refused: string }>;
  evict(name: string | null, reason: ReapReason): Promise<readonly string[]>;
  list(): readonly PoolWorker[];
  /** Ends those whose time has come, and the least recently used when memory is short. */
  tend(): Promise<void>;
}

const BACKEND = 'node';
const PRESSURE_BYTES = 200 * 1024 * 1024;

export function createPool(core: Core): Pool {
  const workers = new Map<string, Warm>();
  /** Starts and ends happen one after the other, so that the caps hold at every moment. */
  let chain: Promise<unknown> = Promise.resolve();
  const inOrder = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = chain.then(work, work);
    chain = mine.then(
      () => undefined,
      () => undefined,
    );
    return mine;
  };
  const shown = (warm: Warm): PoolWorker => ({
    name: warm.worker.name,
    key: warm.key,
    root: warm.root,
    pid: warm.worker.pid,
    start_ticks: warm.worker.startTicks,
    state: warm.state,
    run_id: warm.runId,
    idle_ms: warm.state === 'idle' ? monotonicMs() - warm.lastUsed : 0,
  });

  const end = async (warm: Warm, reason: ReapReason): Promise<void> => {
    workers.delete(warm.worker.name);
    const killed = await warm.worker.end({ graceMs: core.settings().pool.term_grace_ms, ask: true });
    core.audit(killed.dead ? 'pool.reap' : 'pool.reap_refused', {
      name: warm.worker.name,
      pid: warm.worker.pid,
      start_ticks: warm.worker.startTicks,
      key: warm.key,
      run_id: warm.runId,
      reason,
      signal: killed.signal,
      verified_dead: killed.dead,
      ...(killed.dead ? {} : { left: killed.left, why: 'it did not die' }),
    });
  };

  const idleByAge = (filter: (warm: Warm) => boolean): readonly Warm[] =>
    [...workers.values()]
      .filter((warm) => warm.state === 'idle' && filter(warm))
      .sort((left, right) => left.lastUsed - right.lastUsed);

  /** Makes room under both caps; false when all are busy. */
  const makeRoom = async (key: string): Promise<boolean> => {
    const { global_cap: globalCap, per_key_cap: perKeyCap } = core.settings().pool;
    const ofKey = (): number => [...workers.values()].filter((warm) => warm.key === key).length;
    while (ofKey() >= perKeyCap) {
      const oldest = idleByAge((warm) => warm.key === key)[0];
      if (oldest === undefined) return false;
      await end(oldest, 'lru_key');
    }
    while (workers.size >= globalCap) {
      const oldest = idleByAge(() => true)[0];
      if (oldest === undefined) return false;
      await end(oldest, 'lru_global');
    }
    return perKeyCap > 0 && globalCap > 0;
  };

  const start = async (key: string, root: string): Promise<Warm | null> => {
    const name = warmName(core.instance, ulid());
    const settings = core.settings();
    const started = await startWorker({
      journal: core.journal,
      instance: core.instance,
      isolation: core.isolation,
      kind: 'warm',
      name,
      key,
      runId: null,
      command: [settings.backends.node.bin, core.program, 'warm-worker'],
      cwd: root,
      env: { ...core.place.env, COHERENCE_WARM_TTL_MS: String(settings.pool.ttl_ms) },
      outputFile: join(core.stateFolder, 'logs', `${name}.log`),
    });
    if (!started.ok) {
      core.log.warn('pool.start_failed', { key, error: started.message });
      return null;
    }
    const warm: Warm = { key, root, worker: started.worker, state: 'idle', runId: null, lastUsed: monotonicMs() };
    workers.set(name, warm);
    warm.worker.mark('idle', null);
    core.log.info('pool.start', { name, key, pid: warm.worker.pid, start_ticks: warm.worker.startTicks });
    void warm.worker.exited.then(async (exit) => {
      if (workers.get(name) !== warm || warm.state === 'busy') return;
      // It ended by itself while idle; its row is closed once nothing of its tree is left.
      workers.delete(name);
      core.log.warn('pool.exit', { name, key, code: exit.code, signal: exit.signal });
      await warm.worker.end({ graceMs: 0, ask: false });
    });
    return warm;
  };

  const obtain = async (
    key: string,
    root: string,
  ): Promise<{ readonly warm: Warm; readonly fresh: boolean } | null> => {
    if (!core.settings().pool.enabled || core.draining.aborted) return null;
    const idle = idleByAge((warm) => warm.key === key && warm.root === root && !warm.worker.hasExited()).at(-1);
    if (idle !== undefined) return { warm: idle, fresh: false };
    const other = [...workers.values()].find((warm) => warm.key === key && warm.root !== root);
    if (other !== undefined)
      core.log.warn('pool.key_conflict', { key, root, other_root: other.root, name: other.worker.name });
    if (!(await makeRoom(key))) return null;
    const warm = await start(key, root);
    return warm === null ? null : { warm, fresh: true };
  };

  const keyOf = (slug: string): string => `${slug}@${BACKEND}`;

  return {
    acquire: async (run) =>
      inOrder(async () => {
        const found = await obtain(keyOf(slugOf(core, run)), run.repo);
        if (found === null) return null;
        const { warm } = found;
        warm.state = 'busy';
        warm.runId = run.run_id;
        warm.worker.mark('busy', run.run_id);
        return {
          worker: warm.worker,
          giveBack: () => {
            warm.state = 'idle';
            warm.runId = null;
            warm.lastUsed = monotonicMs();
            warm.worker.mark('idle', null);
          },
          drop: (dead) => {
            if (dead) workers.delete(warm.worker.name);
          },
        };
      }),
    warm: async (root, slug) =>
      inOrder(async () => {
        if (!core.settings().pool.enabled) return { refused: 'pool.enabled is false' };
        const found = await obtain(keyOf(slug), root);
        return found === null
          ? { refused: 'all warm workers are busy, or the caps are 0' }
          : { worker: shown(found.warm), fresh: found.fresh };
      }),
    evict: async (name, reason) =>
      inOrder(async () => {
        const chosen = [...workers.values()].filter(
          (warm) => (name === null || warm.worker.name === name || warm.key === name) && warm.state === 'idle',
        );
        await Promise.all(chosen.map(async (warm) => end(warm, reason)));
        return chosen.map((warm) => warm.worker.name);
      }),
    list: () => [...workers.values()].map(shown),
    tend: async () =>
      inOrder(async () => {
        const { ttl_ms: ttl } = core.settings().pool;
        const now = monotonicMs();
        await Promise.all(idleByAge((warm) => now - warm.lastUsed >= ttl).map(async (warm) => end(warm, 'ttl')));
        const oldest = idleByAge(() => true)[0];
        if (oldest !== undefined && freemem() < PRESSURE_BYTES) await end(oldest, 'pressure');
      }),
  };
}

const slugOf = (core: Core, run: RunRow): string =>
  typeof run.payload.options['slug'] === 'string' ? run.payload.options['slug'] : core.project.manifest.slug;
