/**
 * The `-t` pattern for a batch: exact full titles, escaped and anchored, as vitest joins them (with spaces).
 */
import type { Case } from '../../model/index.js';
import { escaped, titlePattern } from '../../util/titles.js';

/** One argument of a command line may not be longer than 128 KiB on Linux. */
const PATTERN_LIMIT = 100_000;

/** The pattern that selects the cases, or null when only whole files do: a title that is not known before the run, or too many. */
export function namePattern(cases: readonly Case[]): string | null {
  const parts = new Set<string>();
  for (const entry of cases) {
    if (entry.path.length === 0 || entry.test?.dynamic === true) return null;
    const titles = entry.test?.parametrised === true ? entry.path.map(titlePattern) : entry.path.map(escaped);
    // A selector that no scan resolved may name a suite.
    parts.add(titles.join(' ') + (entry.test === null || entry.test.kind === 'suite' ? '(?: [\\s\\S]*)?' : ''));
  }
  // vitest 1 puts a space before the outermost title.
  const pattern = `^\\s*(?:${[...parts].join('|')})$`;
  return Buffer.byteLength(pattern) > PATTERN_LIMIT ? null : pattern;
}
