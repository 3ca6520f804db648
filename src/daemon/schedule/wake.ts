/** Lets the loop sleep until its next tick, or until something happens that it should see at once. */
import { pause } from '../../util/monotonic.js';

export interface Wake {
  /** Ends the current sleep, or the next one when nobody sleeps. Calls between two sleeps count once. */
  notify(): void;
  sleep(milliseconds: number): Promise<void>;
}

export function createWake(): Wake {
  let pending = false;
  let current: AbortController | null = null;
  return {
    notify: () => {
      pending = true;
      current?.abort();
    },
    sleep: async (milliseconds) => {
      if (!pending) {
        current = new AbortController();
        await pause(milliseconds, current.signal);
        current = null;
      }
      pending = false;
    },
  };
}
