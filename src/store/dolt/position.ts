/**
 * Fractional order keys: strings over 0-9a-z, compared by byte, never ending in '0'. A new item gets a key between its
 * neighbours', so that two insertions on two branches touch no row but their own.
 */
const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const digit = (key: string, at: number): number => (at < key.length ? DIGITS.indexOf(key.charAt(at)) : 0);

/** A key strictly between `low` and `high`; '' is the front, null the end. */
export function between(low: string, high: string | null): string {
  let result = '';
  for (let at = 0; ; at += 1) {
    const left = digit(low, at);
    const right = high === null ? DIGITS.length : digit(high, at);
    if (right - left > 1) return result + DIGITS.charAt(left + Math.floor((right - left) / 2));
    result += DIGITS.charAt(left);
    // Once we are below `high` at this digit, everything above `low` in the rest will do.
    if (left < right) high = null;
  }
}

/** `count` keys in order between two keys, evenly spread so that they stay short. */
function spread(low: string, high: string | null, count: number): string[] {
  if (count === 0) return [];
  if (low === '' && high === null && count > 1) {
    const width = Math.ceil(Math.log(count + 1) / Math.log(36));
    // The trailing digit keeps a key from ending in '0'.
    return Array.from({ length: count }, (_, at) => `${(at + 1).toString(36).padStart(width, '0')}i`);
  }
  const middle = count >> 1;
  const key = between(low, high);
  return [...spread(low, key, middle), key, ...spread(key, high, count - middle - 1)];
}

/** Longest run of items whose known keys already ascend; the others get new keys. */
function keepable(order: readonly string[], known: ReadonlyMap<string, string>): Set<string> {
  const tails: { key: string; at: number }[] = [];
  const previous: number[] = [];
  order.forEach((item, at) => {
    const key = known.get(item);
    if (key === undefined) return;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    previous[at] = low === 0 ? -1 : (tails[low - 1]?.at ?? -1);
    tails[low] = { key, at };
  });
  const kept = new Set<string>();
  for (let at = tails.at(-1)?.at ?? -1; at >= 0; at = previous[at] ?? -1) kept.add(order[at] ?? '');
  return kept;
}

/** Keys for items in their order; as many as possible keep the key that they have. */
export function positions(order: readonly string[], known: ReadonlyMap<string, string>): Map<string, string> {
  const kept = keepable(order, known);
  const result = new Map<string, string>();
  let low = '';
  let run: string[] = [];
  const flush = (high: string | null): void => {
    spread(low, high, run.length).forEach((key, at) => result.set(run[at] ?? '', key));
    run = [];
  };
  for (const item of order) {
    const key = kept.has(item) ? known.get(item) : undefined;
    if (key === undefined) run.push(item);
    else {
      flush(key);
      result.set(item, key);
      low = key;
    }
  }
  flush(null);
  return result;
}
