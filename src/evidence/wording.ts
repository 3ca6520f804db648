import type { Criterion } from '../model/index.js';
import { hashFields } from '../util/hash.js';

/** Criteria are never changed in place, and each is asked for its wording several times a run. */
const known = new WeakMap<Criterion, string>();

/**
 * Fingerprint of what a criterion says: a verdict is about these words. Typography that a reader does not see
 * (runs of white space) does not change it.
 */
export const wordingOf = (criterion: Criterion): string => {
  const there = known.get(criterion);
  if (there !== undefined) return there;
  const fold = (text: string | undefined): string | null =>
    text === undefined ? null : text.replace(/\s+/gu, ' ').trim();
  const wording = `sha256:${hashFields([fold(criterion.title), fold(criterion.intent), fold(criterion.description)])}`;
  known.set(criterion, wording);
  return wording;
};
