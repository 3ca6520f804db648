import { randomInt } from 'node:crypto';

/** How many hits are run again: `percent` of them rounded up; at least one from 50 hits on, where auditing is on at all. */
export const auditSize = (hits: number, percent: number): number => {
  if (percent <= 0 || hits === 0) return 0;
  const wanted = Math.floor((hits * percent) / 100);
  return Math.min(hits, wanted === 0 && hits >= 50 ? 1 : wanted);
};

/** A random choice without repetition. */
export function sample<T>(items: readonly T[], size: number): readonly T[] {
  const pool = [...items];
  const chosen: T[] = [];
  while (chosen.length < size && pool.length > 0) chosen.push(...pool.splice(randomInt(pool.length), 1));
  return chosen;
}
