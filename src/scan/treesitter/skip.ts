import type { SkipMark } from '../../model/index.js';

/** The mark that tells most: a test that is never run beats one that is run under a condition. */
export function strongest(...marks: readonly (SkipMark | null | undefined)[]): SkipMark | null {
  const present = marks.filter((mark) => mark !== null && mark !== undefined);
  return present.find((mark) => mark !== 'conditional') ?? present[0] ?? null;
}
