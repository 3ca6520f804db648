/** Names of Go's tests as the testing package writes them (`rewrite` in testing/match.go). */

const SPACE = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u;
/** What strconv.IsPrint takes for visible, space aside. */
const PRINTED = /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code === 7) return '\\a';
  if (code === 8) return '\\b';
  const digits = code.toString(16);
  if (code < 0x20 || code === 0x7f) return `\\x${digits.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\U${digits.padStart(8, '0')}`;
}

/** A subtest's title as its name: white space becomes `_`, what cannot be printed is escaped. */
export const goTestName = (title: string): string =>
  [...title]
    .map((character) => (SPACE.test(character) ? '_' : PRINTED.test(character) ? character : escaped(character)))
    .join('');

/** The name of the n-th subtest (from 0) that has the same title. */
export const goNameOfTurn = (name: string, turn: number): string =>
  turn === 0 ? name : `${name}#${String(turn).padStart(2, '0')}`;
