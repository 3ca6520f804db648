/** `cfg(…)` expressions of `.cargo/config.toml`, judged against `rustc --print cfg`. */
import { tokens, type Token } from './lexer.js';

/** Whether `cfg(all(unix, target_arch = "x86_64"))` holds. What cannot be read does not hold. */
export function cfgHolds(expression: string, facts: readonly string[]): boolean {
  const all = tokens(expression);
  const known = new Set(facts);
  let at = 0;
  const peek = (): Token | undefined => all[at];
  const list = (): boolean[] => {
    const values: boolean[] = [];
    if (peek()?.text !== '(') return values;
    at += 1;
    while (at < all.length && peek()?.text !== ')') {
      values.push(one());
      if (peek()?.text === ',') at += 1;
    }
    at += 1;
    return values;
  };
  const one = (): boolean => {
    const token = peek();
    at += 1;
    if (token?.kind !== 'word') return false;
    if (token.text === 'all') return list().every(Boolean);
    if (token.text === 'any') return list().some(Boolean);
    if (token.text === 'not') return list()[0] === false;
    if (token.text === 'true' || token.text === 'false') return token.text === 'true';
    if (peek()?.text === '=') {
      const value = all[at + 1];
      at += 2;
      return value?.kind === 'string' && known.has(`${token.text}="${value.text}"`);
    }
    return known.has(token.text);
  };
  if (all[0]?.text !== 'cfg') return false;
  at = 1;
  return list()[0] === true;
}
