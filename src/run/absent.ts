/** A test of a file that was loaded and that no report is about: why that may be, in the words of what the source says. */
import type { Case } from '../model/index.js';
import type { Match } from './matching.js';
import type { Finding } from './outcome.js';

/** @param otherwise what it is when the source gives no reason */
export function absent(entry: Case, match: Match | undefined, otherwise: Finding): Finding {
  const elsewhere = match?.kind === 'none' ? match.elsewhere : [];
  const other =
    elsewhere.length === 0
      ? ''
      : `; what ran under its title is another definition (line ${elsewhere.join(', ')} of ${entry.file})`;
  const condition = entry.test?.condition;
  if (condition !== undefined)
    return {
      reason: 'configured-out',
      detail: `not declared here: ${condition.text} (${entry.file}:${condition.line})${other}`,
      proof: 'report',
    };
  return other === ''
    ? otherwise
    : { ...otherwise, detail: `the definition at line ${entry.line} did not run${other}` };
}
