/**
 * When a layer was last used, as a counter that only grows: two uses in the same second keep their order, and a clock that
 * jumps back evicts nothing. A side file, since labels cannot change; losing it merely resets the order.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../../util/files.js';
import { takeLock } from '../../util/lock.js';

interface Recency {
  readonly counter: number;
  readonly used: Readonly<Record<string, number>>;
}

const EMPTY: Recency = { counter: 0, used: {} };

const parse = (text: string): Recency => {
  try {
    const value: unknown = JSON.parse(text);
    const counter: unknown = Reflect.get(Object(value), 'counter');
    const used: unknown = Reflect.get(Object(value), 'used');
    if (typeof counter !== 'number' || typeof used !== 'object' || used === null) return EMPTY;
    return {
      counter,
      used: Object.fromEntries(
        Object.entries(used).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
      ),
    };
  } catch {
    return EMPTY;
  }
};

const fileOf = (cacheFolder: string): string => join(cacheFolder, 'docker', 'layers.json');

const read = async (cacheFolder: string): Promise<Recency> =>
  readFile(fileOf(cacheFolder), 'utf8').then(parse, () => EMPTY);

/** Notes that these layers were used now, in this order. Best effort: a cache folder that cannot be written costs only order. */
export async function touchLayers(cacheFolder: string, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return;
  try {
    const taken = await takeLock(`${fileOf(cacheFolder)}.lock`, 5000);
    try {
      const before = await read(cacheFolder);
      const used: Record<string, number> = { ...before.used };
      let counter = before.counter;
      for (const key of keys) used[key] = ++counter;
      await writeAtomically(fileOf(cacheFolder), JSON.stringify({ counter, used }), 0o600);
    } finally {
      if (taken.taken) await taken.lock.release();
    }
  } catch {
    // Nothing but the order of eviction is lost.
  }
}

/** Keys from the one used longest ago to the one used last; never used ones first, by name. */
export async function byLastUse(cacheFolder: string, keys: readonly string[]): Promise<string[]> {
  const { used } = await read(cacheFolder);
  return [...keys].sort((left, right) => (used[left] ?? 0) - (used[right] ?? 0) || (left < right ? -1 : 1));
}

/** Forgets layers that are gone. */
export async function forgetLayers(cacheFolder: string, kept: ReadonlySet<string>): Promise<void> {
  try {
    const taken = await takeLock(`${fileOf(cacheFolder)}.lock`, 5000);
    try {
      const before = await read(cacheFolder);
      const used = Object.fromEntries(Object.entries(before.used).filter(([key]) => kept.has(key)));
      if (Object.keys(used).length < Object.keys(before.used).length)
        await writeAtomically(fileOf(cacheFolder), JSON.stringify({ counter: before.counter, used }), 0o600);
    } finally {
      if (taken.taken) await taken.lock.release();
    }
  } catch {
    // As above.
  }
}
