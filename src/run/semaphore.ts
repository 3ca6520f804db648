/** Permits for containers. A permit is taken before create and given back after removal: never more than `size` at once. */
export interface Semaphore {
  /** Resolves to the function that gives the permit back, or to null when the signal aborted first. First come, first served. */
  take(signal: AbortSignal): Promise<(() => void) | null>;
}

export function semaphore(size: number): Semaphore {
  let free = Math.max(1, Math.floor(size));
  const waiting: (() => void)[] = [];
  const giver = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    };
  };
  return {
    take: async (signal) => {
      if (signal.aborted) return null;
      if (free > 0) {
        free -= 1;
        return giver();
      }
      return new Promise((resolve) => {
        const granted = (): void => {
          signal.removeEventListener('abort', aborted);
          resolve(giver());
        };
        const aborted = (): void => {
          const place = waiting.indexOf(granted);
          if (place !== -1) waiting.splice(place, 1);
          resolve(null);
        };
        waiting.push(granted);
        signal.addEventListener('abort', aborted, { once: true });
      });
    },
  };
}
