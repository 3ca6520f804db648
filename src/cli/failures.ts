/** Failures as text for people, and as an exit code. */
import { exitCodeOf, type Failure } from '../model/index.js';
import { visible } from '../util/text.js';
import type { Streams } from './streams.js';

/** `error: specs/a.yaml:3:5: what is wrong. What to do.` */
export function failureLine(item: Failure, word: 'error' | 'warning' = 'error'): string {
  const at =
    item.file === undefined
      ? ''
      : `${item.file}${item.line === undefined ? '' : `:${item.line}:${item.column ?? 1}`}: `;
  return visible(`${word}: ${at}${item.message}${item.hint === undefined ? '' : ` ${item.hint}`}`);
}

/** Prints every failure to standard error and gives the exit code of the first. */
export function reportFailures(failures: readonly Failure[], streams: Streams): number {
  for (const item of failures) streams.err(`${failureLine(item)}\n`);
  return exitCodeOf(failures);
}
