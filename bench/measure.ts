/** Timing of whole processes: the median of several runs, both sides in turn, so that a drifting machine changes both. */
import { spawnSync } from 'node:child_process';

export interface Figure {
  readonly name: string;
  readonly ms: number;
  readonly against: string;
  readonly baseMs: number;
  readonly ratio: number;
  readonly target: number;
  /** True when larger is better. */
  readonly atLeast?: boolean;
}

export interface Command {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Before each run, not timed. */
  readonly before?: () => void;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0;

export function runOnce(entry: Command): number {
  entry.before?.();
  const started = performance.now();
  const [program = '', ...args] = entry.command;
  const result = spawnSync(program, args, {
    cwd: entry.cwd,
    env: { ...process.env, ...entry.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    maxBuffer: 1 << 28,
  });
  const taken = performance.now() - started;
  if (result.error !== undefined) throw result.error;
  return taken;
}

/** Medians of `times` runs of each command, in turn after one warm-up each. */
export function compare(left: Command, right: Command, times = 5): { readonly left: number; readonly right: number } {
  runOnce(left);
  runOnce(right);
  const lefts: number[] = [];
  const rights: number[] = [];
  for (let round = 0; round < times; round += 1) {
    lefts.push(runOnce(left));
    rights.push(runOnce(right));
  }
  return { left: median(lefts), right: median(rights) };
}

export const figure = (
  name: string,
  ms: number,
  against: string,
  baseMs: number,
  target: number,
  atLeast = false,
): Figure => ({ name, ms, against, baseMs, ratio: ms / baseMs, target, ...(atLeast ? { atLeast } : {}) });
