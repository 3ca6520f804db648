/**
 * A worker as the daemon sees it: a child in a group of its own whose ledger row and nonce are there before it is.
 */
import { intendProcess, processStarted, setProcess, setProcessState, type Journal } from '../journal/index.js';
import { failpoint } from '../util/failpoint.js';
import { newNonce, processStat, startChild } from '../util/process.js';
import { tolerant } from './durable.js';
import type { Isolation } from './isolation.js';
import { outputRing } from './output-ring.js';
import { killTree, type Killed } from './reap/kill.js';
import type { FromWorker, ToWorker } from './worker-protocol.js';

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface WorkerProcess {
  readonly name: string;
  readonly nonce: string;
  readonly pid: number;
  readonly startTicks: number;
  /** Settles when the main process has ended. */
  readonly exited: Promise<WorkerExit>;
  hasExited(): boolean;
  send(message: ToWorker): void;
  /** One listener at a time. */
  listen(listener: ((message: FromWorker) => void) | null): void;
  /** The end of what it printed. */
  tail(): string;
  /** The whole ladder; marks the ledger row dead when the tree is verified dead, else indeterminate. */
  end(options: { readonly graceMs: number; readonly ask: boolean }): Promise<Killed>;
  /** Marks the row idle or busy. */
  mark(state: 'idle' | 'busy', runId: string | null): void;
}

export interface StartOptions {
  readonly journal: Journal;
  readonly instance: string;
  readonly isolation: Isolation;
  readonly kind: 'worker' | 'warm';
  readonly name: string;
  readonly key: string | null;
  readonly runId: string | null;
  /** Node.js and the script. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** File for what it prints, made with the first byte. */
  readonly outputFile: string;
}

export type StartResult =
  | { readonly ok: true; readonly worker: WorkerProcess }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** How long the end of the channel may take after the exit. */
const CHANNEL_MS = 1000;

type Child = ReturnType<typeof startChild>;

async function started(child: Child): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(null));
    child.once('error', (error) => resolve(error));
  });
}

export async function startWorker(options: StartOptions): Promise<StartResult> {
  const { journal } = options;
  const nonce = newNonce();
  // Warm workers live on after the daemon, to be found at its next boot: the kernel must not take them with it.
  const isolation = options.kind === 'warm' ? { level: 'group', prefix: [] as readonly string[] } : options.isolation;
  intendProcess(journal.database, journal.clock, {
    nonce,
    kind: options.kind,
    name: options.name,
    key: options.key,
    instance_id: options.instance,
    isolation: isolation.level,
    run_id: options.runId,
  });
  failpoint('K7');
  let child: Child;
  try {
    child = startChild([...isolation.prefix, ...options.command, options.name], {
      cwd: options.cwd,
      env: options.env,
      nonce,
      ipc: true,
    });
  } catch (error) {
    tolerant(() => setProcessState(journal.database, nonce, 'dead'));
    return { ok: false, code: 'EINVAL', message: String(error) };
  }
  const trouble = await started(child);
  failpoint('K8');
  const pid = child.pid;
  if (trouble !== null || pid === undefined) {
    tolerant(() => setProcessState(journal.database, nonce, 'dead'));
    return { ok: false, code: trouble?.code ?? 'UNKNOWN', message: trouble?.message ?? 'no process id' };
  }
  const startTicks = processStat(pid)?.startTicks ?? 0;
  tolerant(() => processStarted(journal.database, nonce, pid, startTicks));
  const output = outputRing(options.outputFile);
  child.stdout?.on('data', output.push);
  child.stderr?.on('data', output.push);
  child.on('error', () => undefined);
  let listener: ((message: FromWorker) => void) | null = null;
  const early: FromWorker[] = [];
  child.on('message', (message) => {
    const said = message as FromWorker; // the worker is our own program
    if (listener === null) early.push(said);
    else listener(said);
  });
  let gone = false;
  const exited = new Promise<WorkerExit>((resolve) => {
    child.once('close', () => output.close());
    child.once('exit', (code, signal) => {
      gone = true;
      // Messages that were sent before the exit may still be under way: the end of the channel comes after them.
      const settle = (): void => resolve({ code, signal });
      if (!child.connected) setImmediate(settle);
      else {
        child.once('disconnect', () => setImmediate(settle));
        setTimeout(settle, CHANNEL_MS).unref();
      }
    });
  });
  const worker: WorkerProcess = {
    name: options.name,
    nonce,
    pid,
    startTicks,
    exited,
    hasExited: () => gone,
    send: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    listen: (next) => {
      listener = next;
      if (next !== null) for (const message of early.splice(0)) next(message);
    },
    tail: () => output.tail(4096),
    mark: (state, runId) => tolerant(() => setProcess(journal.database, journal.clock, nonce, state, runId)),
    end: async ({ graceMs, ask }) => {
      tolerant(() => setProcessState(journal.database, nonce, 'stopping'));
      const killed = await killTree(
        {
          nonce,
          group: pid,
          known: gone ? [] : [{ pid, startTicks }],
          ...(ask && child.connected
            ? { cancel: () => void child.send({ type: 'cancel' } satisfies ToWorker, () => undefined) }
            : {}),
        },
        { graceMs },
      );
      tolerant(() => setProcessState(journal.database, nonce, killed.dead ? 'dead' : 'indeterminate'));
      return killed;
    },
  };
  return { ok: true, worker };
}
