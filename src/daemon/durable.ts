/**
 * Writes that must not be lost: a verdict that a worker reported, the end of a run. While the disk is full they wait in
 * memory, in order, and whoever asked for them waits too: nothing is acknowledged before it is stored.
 */
import { troubleOf } from '../journal/index.js';

export interface DurableWriter {
  write<T>(work: () => T): Promise<T>;
  /** Tries what waits; true when nothing waits any more. */
  flush(): boolean;
  waiting(): number;
}

export function durableWriter(onFull: () => void): DurableWriter {
  const queue: { readonly attempt: () => boolean }[] = [];
  /** False when the disk is (still) full. */
  const flush = (): boolean => {
    while (queue[0] !== undefined) {
      if (!queue[0].attempt()) return false;
      queue.shift();
    }
    return true;
  };
  return {
    flush,
    waiting: () => queue.length,
    write: async (work) =>
      new Promise((resolve, reject) => {
        const attempt = (): boolean => {
          try {
            resolve(work());
          } catch (error) {
            const trouble = troubleOf(error);
            if (trouble?.kind === 'full' || trouble?.kind === 'busy') {
              if (trouble.kind === 'full') onFull();
              return false;
            }
            reject(error);
          }
          return true;
        };
        queue.push({ attempt });
        // The first refusal gives the reserve back, so the second try often succeeds.
        if (!flush()) flush();
      }),
  };
}

/** A note in a ledger that may be missed when the disk is full: the next boot finds out by looking. */
export function tolerant(work: () => void): void {
  try {
    work();
  } catch (error) {
    const trouble = troubleOf(error);
    if (trouble?.kind !== 'full' && trouble?.kind !== 'busy') throw error;
  }
}
