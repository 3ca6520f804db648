/**
 * The leaf tokens of a piece of source without comments: what a fingerprint hashes and what assertions are looked for in.
 */
import { sha256 } from '../../util/hash.js';
import type { Syntax } from './syntax.js';

export interface Token {
  /** The grammar's name; for punctuation and keywords the text itself. `open` and `close` stand around a block of Python. */
  readonly type: string;
  readonly text: string;
  readonly start: number;
}

/** What a language's tokens need to know about its grammar. */
export interface TokenRules {
  readonly comments: ReadonlySet<string>;
  /** Literals: their white space and escapes count, so they are one token with all their text. */
  readonly literals: ReadonlySet<string>;
  /** Nodes whose extent is written by indentation alone. */
  readonly blocks: ReadonlySet<string>;
  /** Lists in which a comma before the closing bracket means nothing (it does in a Python tuple). */
  readonly commaLists: ReadonlySet<string>;
}

/** Tokens of `node`, leaving out the subtrees that `skip` names. Iterative: nesting depth of the source is not limited. */
export function tokensOf(
  node: Syntax,
  rules: TokenRules,
  skip: (node: Syntax) => boolean = () => false,
): readonly Token[] {
  const tokens: Token[] = [];
  const stack: (Syntax | Token)[] = [node];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (!('children' in next)) {
      tokens.push(next);
      continue;
    }
    const type = next.type;
    if (rules.comments.has(type) || skip(next)) continue;
    const children = rules.literals.has(type) ? [] : next.children;
    if (children.length === 0) {
      const text = next.text;
      if (text.trim() !== '') tokens.push({ type, text, start: next.start });
      continue;
    }
    const block = rules.blocks.has(type);
    if (block) stack.push({ type: 'close', text: '', start: next.end });
    for (let i = children.length - 1; i >= 0; i -= 1) {
      const child = children[i];
      if (child === undefined || isTrailingComma(next, children, i, rules)) continue;
      stack.push(child);
    }
    if (block) stack.push({ type: 'open', text: '', start: next.start });
  }
  return tokens;
}

/** A formatter writes a comma before the closing bracket when it breaks a list over lines, and takes it away when it joins them. */
function isTrailingComma(list: Syntax, children: readonly Syntax[], index: number, rules: TokenRules): boolean {
  if (!rules.commaLists.has(list.type) || children[index]?.type !== ',') return false;
  for (let after = index + 1; after < children.length; after += 1) {
    const type = children[after]?.type ?? '';
    if (!rules.comments.has(type)) return after === children.length - 1 && /^[)\]}>]$/u.test(type);
  }
  return false;
}

/** SHA-256 (hex) of tokens: length and text of each, so that no two lists give the same bytes. */
export function fingerprintOf(tokens: readonly Token[]): string {
  let all = '';
  for (const token of tokens)
    all += token.type === 'open' || token.type === 'close' ? `${token.type};` : `${token.text.length}:${token.text}`;
  return sha256(all);
}
