/**
 * Syntax trees are garbage soon after they are made, but V8 lets the heap grow to twice what a large scan needs before it looks.
 * Asking for a collection now and then keeps a scan of 20,000 files below 500 MB (docs/static-analysis.md has the figures).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Resident bytes below which nothing is done. */
const FLOOR = 300 * 1024 * 1024;
/** Growth since the last collection that is worth another one. */
const GROWTH = 24 * 1024 * 1024;

/** V8's own collector, or null where it is not handed out. */
function collector(): (() => void) | null {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('typeof gc === "function" ? gc : null');
  setFlagsFromString('--no-expose-gc');
  return typeof gc === 'function' ? () => void gc() : null;
}

/** A function to call now and then during a long scan. */
export function memoryGuard(): () => void {
  let after = 0;
  let collect: (() => void) | null | undefined;
  return () => {
    const resident = process.memoryUsage.rss();
    if (resident < FLOOR || resident < after + GROWTH) return;
    collect ??= collector();
    collect?.();
    after = process.memoryUsage.rss();
  };
}
