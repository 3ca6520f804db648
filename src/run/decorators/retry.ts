/**
 * Retry of infrastructure trouble (no process to be had, a daemon that is away), only before a test's first output.
 * Nothing that a test did is ever retried: a failure, a time-out, a crash, or trouble after the first byte stands.
 */
import type { Batch, EventSink, Outcome } from '../../model/index.js';

export interface RetryOptions {
  /** How often at most; 0: never. */
  readonly count: number;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** Before the first retry; doubles each time, up to 5 s. */
  readonly firstDelayMs?: number;
}

const silent = (outcome: Outcome): boolean => (outcome.stdout?.bytes ?? 0) === 0 && (outcome.stderr?.bytes ?? 0) === 0;
const retryable = (outcome: Outcome): boolean => outcome.reason === 'infra' && silent(outcome);

const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });

/** Runs a batch; its cases that met infrastructure trouble before any output are run again, in a fresh workspace each time. */
export async function withRetry(
  batch: Batch,
  options: RetryOptions,
  once: (batch: Batch, attempt: number) => Promise<readonly Outcome[]>,
): Promise<readonly Outcome[]> {
  let attempt = 1;
  let outcomes = await once(batch, attempt);
  for (let delay = options.firstDelayMs ?? 250; attempt <= options.count; delay = Math.min(delay * 2, 5000)) {
    const failed = new Map(outcomes.filter(retryable).map((outcome) => [outcome.case, outcome]));
    if (failed.size === 0) break;
    await pause(delay, options.signal);
    if (options.signal.aborted) break;
    attempt += 1;
    for (const outcome of failed.values())
      options.emit({ type: 'retry', case: outcome.case, why: outcome.detail, attempt });
    const again = await once({ ...batch, cases: batch.cases.filter((entry) => failed.has(entry.id)) }, attempt);
    outcomes = [...outcomes.filter((outcome) => !failed.has(outcome.case)), ...again];
  }
  return outcomes;
}
