/**
 * What comes from a repository or a test is data: control characters (escape sequences, carriage returns, bidirectional
 * overrides) are made visible so that they cannot repaint a terminal or hide a line. Line feeds and tabs stay.
 */
export const visible = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? '\u2421' : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });

/** Visible and on one line: line feeds and tabs too. */
export const visibleLine = (text: string): string => visible(text).replace(/\n/gu, '\u240a').replace(/\t/gu, ' ');

/** Cuts to at most `limit` code points, never inside one, and says so with an ellipsis. */
export function clip(text: string, limit: number): string {
  const points = [...text];
  return points.length <= limit ? text : `${points.slice(0, Math.max(0, limit - 1)).join('')}…`;
}

/** Edit distance with transpositions, for "did you mean". */
function distance(left: string, right: string): number {
  const rows = Array.from({ length: left.length + 1 }, (_, i) => [i, ...Array.from({ length: right.length }, () => 0)]);
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let j = 0; j <= right.length; j += 1) (rows[0] as number[])[j] = j;
  for (let i = 1; i <= left.length; i += 1)
    for (let j = 1; j <= right.length; j += 1) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1;
      let best = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + same);
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1])
        best = Math.min(best, cell(i - 2, j - 2) + 1);
      (rows[i] as number[])[j] = best;
    }
  return cell(left.length, right.length);
}

/** The candidate nearest to `word`, or null when none is near enough to be a typing error. */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const d = distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) {
      best = candidate;
      bestDistance = d;
    }
  }
  return best;
}

/**
 * Breaks a sentence between words so that no line is wider than `columns`; lines after the first begin with `indent`. A word that is
 * wider by itself (a path, a selector) stays whole: in two parts it could not be copied.
 */
export function wrapLines(sentence: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of sentence.split(/(?<=\S) +/u)) {
    if (line !== '' && [...line].length + 1 + [...word].length > columns) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** `1 spec`, `2 specs`, `0 criteria`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** `text` as a regular expression that matches just it. */
export const escapedRegExp = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
