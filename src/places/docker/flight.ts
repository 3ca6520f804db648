/**
 * Work that several requesters share and that ends early only when the last of them gives up. A failure is not kept: the
 * next request starts afresh, unless `keep` says that trying again cannot help.
 */
export interface Flights<T> {
  /** `start` gets a signal of the flight's own. A requester that gives up early gets null, the last one only after the work has ended. */
  join(key: string, signal: AbortSignal, start: (signal: AbortSignal) => Promise<T>): Promise<T | null>;
  forget(key: string): void;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  requesters: number;
}

export function flights<T>(keep: (result: T) => boolean): Flights<T> {
  const open = new Map<string, Flight<T>>();
  const forget = (key: string, flight?: Flight<T>): void => {
    if (flight === undefined || open.get(key) === flight) open.delete(key);
  };
  return {
    forget: (key) => forget(key),
    join: async (key, signal, start) => {
      if (signal.aborted) return null;
      let flight = open.get(key);
      if (flight === undefined || flight.abort.signal.aborted) {
        const abort = new AbortController();
        const started: Flight<T> = { abort, requesters: 0, result: start(abort.signal) };
        flight = started;
        open.set(key, started);
        started.result.then(
          (result) => (keep(result) ? undefined : forget(key, started)),
          () => forget(key, started),
        );
      }
      const mine = flight;
      mine.requesters += 1;
      let onAbort = (): void => undefined;
      const left = new Promise<null>((resolve) => {
        onAbort = () => {
          mine.requesters -= 1;
          if (mine.requesters === 0) mine.abort.abort();
          else resolve(null);
        };
        signal.addEventListener('abort', onAbort, { once: true });
      });
      try {
        return await Promise.race([mine.result, left]);
      } finally {
        signal.removeEventListener('abort', onAbort);
        if (!signal.aborted) mine.requesters -= 1;
      }
    },
  };
}
