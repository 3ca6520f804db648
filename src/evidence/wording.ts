import type { Criterion } from '../model/index.js';
import { hashFields } from '../util/hash.js';

/**
 * Fingerprint of what a criterion says: a verdict is about these words. Typography that a reader does not see
 * (runs of white space) does not change it.
 */
export const wordingOf = (criterion: Criterion): string => {
  const fold = (text: string | undefined): string | null => (text === undefined ? null : text.replace(/\s+/gu, ' ').trim());
  return `sha256:${hashFields([fold(criterion.title), fold(criterion.intent), fold(criterion.description)])}`;
};
