/**
 * Whether an assertion can be reached from a test's body, judged on its tokens: the same walk for every language, with that
 * language's words. Calls of functions in the same file are followed. A test in which nothing can be reached is hollow.
 */
import type { Token } from './tokens.js';

export type Reach = 'asserts' | 'nothing' | 'unknown';

export interface AssertionRules {
  /** Tokens that fail a test by themselves: `assert`, `raise`, `throw`, `?`. By token type. */
  readonly keywords: ReadonlySet<string>;
  /** Token types that can name a function. */
  readonly identifiers: ReadonlySet<string>;
  /** Tokens before a name that make it a declaration, not a call: `def`, `fn`, `func`. */
  readonly declares: ReadonlySet<string>;
  /** True when calling `name` (on `qualifier`, if any) can fail a test, as far as its name tells. */
  fails(name: string, qualifier: string | null): boolean;
  /** A call that may lead to an assertion outside this file: then nobody can say. */
  isOpaque?(tokens: readonly Token[], index: number, qualifier: string | null): boolean;
  /** True where a line feed ends a statement (Python, Go); otherwise only `;` does. */
  readonly lineEnds: boolean;
  /** False for a `return` that hangs on a condition although it stands in no block of its own (Java's `if (x) return;`). */
  isUnconditional?(tokens: readonly Token[], index: number): boolean;
}

const OPENING = new Set(['{', '(', '[', 'open']);
const CLOSING = new Set(['}', ')', ']', 'close']);

/** Bodies of the functions of a file by name; a name may have several (methods of different types). */
export type Bodies = (name: string) => readonly (readonly Token[])[];

/** `body` without its outer braces; `text` is the file's, which tells line feeds between tokens. */
export function reachOf(body: readonly Token[], bodies: Bodies, rules: AssertionRules, text: string): Reach {
  const visited = new Set<string>();
  const visit = (all: readonly Token[]): Reach => {
    const tokens = untilReturn(all, rules, text);
    let reach: Reach = 'nothing';
    for (let i = 0; i < tokens.length; i += 1) {
      const token = tokens[i];
      if (token === undefined) break;
      if (rules.keywords.has(token.type)) return 'asserts';
      if (!rules.identifiers.has(token.type) || rules.declares.has(tokens[i - 1]?.type ?? '')) continue;
      const called = isCalled(tokens, i);
      if (!called && !isPassed(tokens, i)) continue;
      const known = bodies(token.text);
      if (known.length > 0) {
        if (visited.has(token.text)) continue;
        visited.add(token.text);
        for (const inner of known) {
          const found = visit(inner);
          if (found === 'asserts') return found;
          if (found === 'unknown') reach = found;
        }
        // A name like `check_value` that leads to nothing is no assertion, whatever it is called.
        continue;
      }
      if (!called) continue;
      const qualifier = qualifierOf(tokens, i);
      if (rules.fails(token.text, qualifier)) return 'asserts';
      if (rules.isOpaque?.(tokens, i, qualifier) === true) reach = 'unknown';
    }
    return reach;
  };
  return visit(body);
}

/** Tokens up to the end of the first statement that leaves the body unconditionally. */
function untilReturn(tokens: readonly Token[], rules: AssertionRules, text: string): readonly Token[] {
  let depth = 0;
  for (let i = 0; i < tokens.length; i += 1) {
    const type = tokens[i]?.type ?? '';
    if (OPENING.has(type)) depth += 1;
    else if (CLOSING.has(type)) depth -= 1;
    else if (type === 'return' && depth === 0 && rules.isUnconditional?.(tokens, i) !== false) {
      let end = i + 1;
      for (let inner = 0; end < tokens.length; end += 1) {
        const next = tokens[end]?.type ?? '';
        if (inner === 0 && rules.lineEnds && hasLineFeed(text, tokens, end)) break;
        if (OPENING.has(next)) inner += 1;
        else if (CLOSING.has(next)) inner -= 1;
        else if (next === ';' && inner === 0) break;
      }
      return tokens.slice(0, end);
    }
  }
  return tokens;
}

/** True when a line feed stands between a token and the one before it. */
function hasLineFeed(text: string, tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  const token = tokens[index];
  return (
    before !== undefined &&
    token !== undefined &&
    text.slice(before.start + before.text.length, token.start).includes('\n')
  );
}

/** The tokens between the first and the last one: a body without its braces, a block without its marks. */
export const inside = (tokens: readonly Token[]): readonly Token[] => tokens.slice(1, -1);

const isCalled = (tokens: readonly Token[], index: number): boolean => {
  const next = tokens[index + 1]?.type;
  return next === '(' || next === '!' || (next === '::' && tokens[index + 2]?.type === '<');
};

/** A function handed over as an argument may be called by who gets it. */
const isPassed = (tokens: readonly Token[], index: number): boolean =>
  ['(', ',', 'self', '&'].includes(tokens[index - 1]?.text ?? '') && [')', ','].includes(tokens[index + 1]?.text ?? '');

/** `require` in `require.Equal(`, `self` in `self.fail(`; null for a plain name. */
function qualifierOf(tokens: readonly Token[], index: number): string | null {
  const separator = tokens[index - 1]?.type;
  return separator === '.' || separator === '::' ? (tokens[index - 2]?.text ?? '') : null;
}

const ASSERTION_WORDS = new Set([
  'assert',
  'asserts',
  'assertion',
  'expect',
  'expects',
  'check',
  'checks',
  'verify',
  'verifies',
  'should',
  'ensure',
  'must',
  'fail',
  'fails',
  'panic',
  'bail',
]);

/** Words of an identifier: `assertThat`, `check_equal` and `MustParse` give their parts in lower case. */
export const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/gu, '$1 $2')
    .split(/[^A-Za-z0-9]+/u)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());

/** True when a name says that it asserts. */
export const namesAssertion = (name: string): boolean =>
  wordsOf(name).some((word) => ASSERTION_WORDS.has(word.replace(/\d+$/u, '')));
