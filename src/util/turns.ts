/**
 * Long work in steps: the event loop gets a turn now and then, so that signals are heard and answers of other work are taken.
 */

/** Milliseconds without a turn; a signal is heard within about so much time. */
const BETWEEN_MS = 50;

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** @returns a function to await in each step; it waits only where the last turn is long ago */
export function turns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BETWEEN_MS) return;
    await turn();
    last = performance.now();
  };
}

/** Waits for work that nobody depends on, or for the signal: then the work is left, and what it rejects with is nobody's. */
export async function unlessAborted(signal: AbortSignal | undefined, work: Promise<void>): Promise<void> {
  if (signal === undefined) return work;
  work.catch(() => undefined);
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (!signal.aborted) await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
