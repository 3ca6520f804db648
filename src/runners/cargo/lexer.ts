/**
 * A lexer for just as much Rust as is needed to follow `mod` declarations: comments (nested), all string forms,
 * characters and lifetimes are told apart, so that a `mod` or a brace inside one of them does not count.
 */
export interface Token {
  readonly kind: 'word' | 'mark' | 'string';
  readonly text: string;
  /** Offset of its first character. */
  readonly at: number;
}

const WORD_START = /[A-Za-z_\u0080-\uffff]/u;
const WORD = /[A-Za-z0-9_\u0080-\uffff]/u;

/** End of the block comment that starts at `start`; comments nest in Rust. */
function blockCommentEnd(source: string, start: number): number {
  let depth = 0;
  for (let at = start; at < source.length; at += 1) {
    if (source.startsWith('/*', at)) {
      depth += 1;
      at += 1;
    } else if (source.startsWith('*/', at)) {
      depth -= 1;
      at += 1;
      if (depth === 0) return at + 1;
    }
  }
  return source.length;
}

/** End of the quoted text whose opening quote is at `start`. */
function quotedEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === '\\') at += 1;
    else if (source[at] === '"') return at + 1;
  }
  return source.length;
}

const RAW = /(?:br|cr|r)(#*)"/uy;
const CHARACTER = /'(?:\\(?:u\{[^}]*\}|x[0-9A-Fa-f]{2}|.)|[^\\'])'/suy;

export function tokens(source: string): readonly Token[] {
  const found: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const character = source.charAt(at);
    if (source.startsWith('//', at)) {
      const end = source.indexOf('\n', at);
      at = end === -1 ? source.length : end;
      continue;
    }
    if (source.startsWith('/*', at)) {
      at = blockCommentEnd(source, at);
      continue;
    }
    RAW.lastIndex = at;
    const raw = RAW.exec(source);
    if (raw !== null) {
      const close = `"${raw[1] ?? ''}`;
      const start = at + raw[0].length;
      const end = source.indexOf(close, start);
      found.push({ kind: 'string', text: source.slice(start, end === -1 ? source.length : end), at });
      at = end === -1 ? source.length : end + close.length;
      continue;
    }
    if (character === '"') {
      const end = quotedEnd(source, at);
      found.push({ kind: 'string', text: source.slice(at + 1, end - 1).replace(/\\(["\\])/gu, '$1'), at });
      at = end;
      continue;
    }
    if (character === "'") {
      CHARACTER.lastIndex = at;
      at += CHARACTER.exec(source)?.[0].length ?? 1;
      continue;
    }
    if (WORD_START.test(character)) {
      const start = source.startsWith('r#', at) ? at + 2 : at;
      let end = start;
      while (end < source.length && WORD.test(source.charAt(end))) end += 1;
      found.push({ kind: 'word', text: source.slice(start, end), at });
      at = Math.max(end, at + 1);
      continue;
    }
    if (!/\s/u.test(character)) found.push({ kind: 'mark', text: character, at });
    at += 1;
  }
  return found;
}
