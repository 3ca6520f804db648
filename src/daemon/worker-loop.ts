/** The worker's side of the channel: takes runs, answers with their results, ends when it is told to or when the daemon is gone. */
import type { JobHooks, KeptCriterion } from '../app/index.js';
import type { FromWorker, ToWorker } from './worker-protocol.js';

export type RunJob = (
  job: Extract<ToWorker, { type: 'run' }>['job'],
  hooks: JobHooks,
) => Promise<
  | {
      readonly ok: true;
      readonly value: {
        readonly verdict: 'PASS' | 'FAIL' | 'SKIP' | 'ERROR';
        readonly reason: string;
        readonly detail: string;
      };
    }
  | { readonly ok: false; readonly failures: Extract<FromWorker, { type: 'failed' }>['failures'] }
>;

export interface WorkerOptions {
  /** Loads what a run needs; called before `ready` is said, so that a warm worker has it in memory. */
  load(): Promise<RunJob>;
  /** Ends after one run. */
  readonly once: boolean;
  /** How long a worker without a daemon waits before it ends by itself; milliseconds. */
  readonly orphanMs: number;
  /** Asked after each run; false ends the worker. */
  readonly isSound?: () => boolean;
}

const send = async (message: FromWorker): Promise<void> =>
  new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });

export async function serve(options: WorkerOptions): Promise<void> {
  const waiting: Extract<ToWorker, { type: 'run' }>[] = [];
  let current: AbortController | null = null;
  let answerKept: ((kept: readonly KeptCriterion[] | null) => void) | null = null;
  let next: (() => void) | null = null;
  let ending = false;
  const stop = (): void => {
    ending = true;
    current?.abort('canceled');
    next?.();
  };
  process.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'run':
        waiting.push(message);
        next?.();
        return;
      case 'kept':
        answerKept?.(message.kept);
        return;
      case 'cancel':
        stop();
    }
  });
  // The daemon is dead. What runs cannot be reported any more; an idle worker is left for the next boot to find, for a while.
  process.on('disconnect', () => {
    answerKept?.(null);
    if (current !== null || options.once) stop();
    else setTimeout(stop, options.orphanMs).unref();
  });
  process.on('SIGTERM', stop);
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  // Without the channel nothing would keep an idle worker alive until it is reaped.
  const alive = setInterval(() => undefined, 60_000);
  const runJob = await options.load();
  await send({ type: 'ready' });
  while (!ending) {
    const request = waiting.shift();
    if (request === undefined) {
      await new Promise<void>((resolve) => {
        next = resolve;
      });
      continue;
    }
    current = new AbortController();
    const { job } = request;
    const { fence } = job;
    let executing = false;
    const result = await runJob(job, {
      env: request.env ?? process.env,
      signal: current.signal,
      emit: (event) => {
        if (!executing && (event.type === 'batch.start' || event.type === 'output')) {
          executing = true;
          void send({ type: 'executing', fence });
        }
        if (event.type !== 'output') void send({ type: 'event', fence, event });
      },
      planned: async (basis, criteria) => {
        const answer = new Promise<readonly KeptCriterion[] | null>((resolve) => {
          answerKept = resolve;
        });
        await send({ type: 'planned', fence, basis, criteria });
        if (!process.connected) return null;
        return answer;
      },
      criterion: (record, basis) => void send({ type: 'criterion', fence, record, basis }),
    });
    current = null;
    await send(
      result.ok ? { type: 'done', fence, end: result.value } : { type: 'failed', fence, failures: result.failures },
    );
    if (options.once || options.isSound?.() === false) break;
  }
  clearInterval(alive);
  if (process.connected) process.disconnect();
}
