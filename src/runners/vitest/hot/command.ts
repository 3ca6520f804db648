/** The command line of the vitest runner, read back: what a hot vitest can serve and what it cannot. */
import { isAbsolute, join } from 'node:path';

export interface VitestCommand {
  /** vitest's start file, absolute. */
  readonly start: string;
  /** Our reporter, absolute. */
  readonly reporter: string;
  readonly pattern: string | null;
  /** Whether lines of tests are asked for, which an instance is made with. */
  readonly locations: boolean;
  readonly files: readonly string[];
}

/** Options that mean the same in a hot instance, since it is made with them. */
const KNOWN = new Set(['--bail=0', '--coverage.enabled=false', '--reporter=default']);

/** Null for anything but what the runner is known to write: unknown words are left to the real program. */
export function readVitestCommand(command: readonly string[], directory: string): VitestCommand | null {
  const [, start, run, ...rest] = command;
  if (start === undefined || run !== 'run' || !/(?:^|\/)node_modules\/vitest\/[\w.-]+\.mjs$/.test(start)) return null;
  let reporter: string | null = null;
  let pattern: string | null = null;
  const files: string[] = [];
  let locations = false;
  const seen = new Set<string>();
  for (const word of rest) {
    if (KNOWN.has(word)) seen.add(word);
    else if (word === '--includeTaskLocation') locations = true;
    else if (word.startsWith('--reporter=/') && reporter === null) reporter = word.slice('--reporter='.length);
    else if (word.startsWith('--testNamePattern=') && pattern === null)
      pattern = word.slice('--testNamePattern='.length);
    else if (word.startsWith('-')) return null;
    else files.push(word);
  }
  if (reporter === null || files.length === 0 || [...KNOWN].some((word) => !seen.has(word))) return null;
  return { start: isAbsolute(start) ? start : join(directory, start), reporter, pattern, locations, files };
}
