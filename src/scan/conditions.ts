/**
 * What stands around a definition and decides whether it exists: said by every language in the same way.
 */
import type { Condition, FoundTest } from '../model/index.js';

/** Longer ones are data, not a condition that a person reads. */
const MAX_TEXT = 1000;

/** A condition inside another one: both must hold, and the inner one is the place to look at. */
export function under(outer: Condition | null, text: string, line: number): Condition {
  const own = text.replace(/\s+/gu, ' ').trim();
  return { text: (outer === null ? own : `${outer.text} and ${own}`).slice(0, MAX_TEXT), line };
}

/** The field of a found test. */
export const conditionOf = (condition: Condition | null): Pick<FoundTest, 'condition'> =>
  condition === null ? {} : { condition };
