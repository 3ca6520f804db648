/**
 * A line of shell, read far enough to see which programs it starts: simple commands with their words and offsets.
 * Nothing is expanded or executed. What cannot be read (here-documents, arithmetic) ends up in words that match nothing.
 */
export interface Word {
  /** Without quotes. A substitution is kept as it is written. */
  readonly text: string;
  /** Offsets in the line: `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** Inner lines of `$(…)` and backticks in this word. */
  readonly inner: readonly string[];
}

/** A word of shell that stands for exactly this text. */
export const quotedWord = (text: string): string =>
  /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The simple commands of a line, in order. */
export function simpleCommands(line: string): Word[][] {
  const commands: Word[][] = [];
  let current: Word[] = [];
  let at = 0;
  const close = (): void => {
    if (current.length > 0) commands.push(current);
    current = [];
  };
  while (at < line.length) {
    const character = line.charAt(at);
    if (character === '\\' && line.charAt(at + 1) === '\n') at += 2;
    else if (character === ' ' || character === '\t') at += 1;
    else if (character === '#' && (at === 0 || /[\s;&|(]/.test(line.charAt(at - 1)))) {
      while (at < line.length && line.charAt(at) !== '\n') at += 1;
    } else if (/[\n;&|()]/.test(character)) {
      // `2>&1` and `&>file` are redirections, not separators.
      if (character === '&' && (line.charAt(at - 1) === '>' || line.charAt(at + 1) === '>')) at += 1;
      else {
        close();
        at += 1;
      }
    } else {
      const word = readWord(line, at);
      current.push(word);
      at = word.end;
    }
  }
  close();
  return commands;
}

function readWord(line: string, start: number): Word {
  let at = start;
  let text = '';
  const inner: string[] = [];
  while (at < line.length && !/[\s;&|()]/.test(line.charAt(at))) {
    const character = line.charAt(at);
    if (character === "'") {
      const end = line.indexOf("'", at + 1);
      text += line.slice(at + 1, end === -1 ? line.length : end);
      at = end === -1 ? line.length : end + 1;
    } else if (character === '"') {
      at += 1;
      while (at < line.length && line.charAt(at) !== '"') {
        if (line.charAt(at) === '\\' && /["\\$`\n]/.test(line.charAt(at + 1))) {
          text += line.charAt(at + 1);
          at += 2;
        } else if (line.startsWith('$(', at) || line.charAt(at) === '`') {
          const end = substitutionEnd(line, at);
          inner.push(substitution(line, at, end));
          text += line.slice(at, end);
          at = end;
        } else {
          text += line.charAt(at);
          at += 1;
        }
      }
      at += 1;
    } else if (character === '\\') {
      text += line.charAt(at + 1);
      at += 2;
    } else if (line.startsWith('$(', at) || character === '`') {
      const end = substitutionEnd(line, at);
      inner.push(substitution(line, at, end));
      text += line.slice(at, end);
      at = end;
    } else {
      text += character;
      at += 1;
    }
  }
  return { text, start, end: Math.max(at, start + 1), inner };
}

const substitution = (line: string, start: number, end: number): string =>
  line.charAt(start) === '`' ? line.slice(start + 1, end - 1) : line.slice(start + 2, end - 1);

function substitutionEnd(line: string, start: number): number {
  if (line.charAt(start) === '`') {
    const end = line.indexOf('`', start + 1);
    return end === -1 ? line.length : end + 1;
  }
  let depth = 0;
  for (let at = start + 1; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === "'") {
      const end = line.indexOf("'", at + 1);
      at = end === -1 ? line.length : end;
    } else if (character === '(') depth += 1;
    else if (character === ')') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return line.length;
}
