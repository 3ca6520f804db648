/** Ending a container for good: every path that created one comes through here, and nothing goes on before it is gone. */
import type { Api } from './api.js';
import { isStatus } from './transport.js';

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** About three seconds: long enough for a daemon that restarts. */
const ATTEMPTS = 7;

/**
 * Kills and removes a container and its anonymous volumes, and resolves once the daemon does not know it any more.
 * `id` may be its name: a create whose answer was lost is found by it. False when the daemon could not be brought to it;
 * the sweep of a later run then takes it by its labels.
 */
export async function destroyContainer(api: Api, id: string): Promise<boolean> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (attempt > 0) await pause(25 * 2 ** attempt);
    try {
      // The daemon answers once it is gone; 'removal in progress' (409, somebody else's request) is asked again.
      await api.removeContainer(id);
      return true;
    } catch (error) {
      if (isStatus(error, 404)) return true;
    }
  }
  return false;
}

/** Waits for `work`, but after `signal` aborted at most `graceMs` longer. Resolves to null when that ran out; rejects as `work` does. */
export async function settleSoon<T>(work: Promise<T>, signal: AbortSignal, graceMs: number): Promise<T | null> {
  work.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  const tooLate = new Promise<null>((resolve) => {
    onAbort = () => {
      timer = setTimeout(() => resolve(null), graceMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
