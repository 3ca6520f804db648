/** Finds processes that a test left behind: by a folder of the test in their command line, or by a nonce in their environment. */
import { readdirSync, readFileSync } from 'node:fs';
import { processStat } from '../../src/util/process.js';

export interface Leak {
  readonly pid: number;
  readonly command: string;
}

/** Live processes (zombies do not count) whose command line or environment holds one of the marks. Not this process. */
export function leftovers(marks: readonly string[]): Leak[] {
  return readdirSync('/proc').flatMap((name): Leak[] => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const state = processStat(pid)?.state;
      if (state === undefined || state === 'Z' || state === 'X') return [];
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      return marks.some((mark) => command.includes(mark) || environment.includes(mark))
        ? [{ pid, command: command.replaceAll('\0', ' ').slice(0, 300) }]
        : [];
    } catch {
      return [];
    }
  });
}

/** Waits until nothing with these marks lives; the leftovers after `limitMs`. */
export async function settled(marks: readonly string[], limitMs = 5000): Promise<Leak[]> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = leftovers(marks);
    if (found.length === 0 || Date.now() >= end) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
