/** Titles as patterns: a plain one is itself, one of an `each` may become anything where it holds a placeholder. */
import { escapedRegExp } from './text.js';

/**
 * `text` as a regular expression that matches just it, also between slashes. What no command line carries (NUL, halves of a
 * pair) and what ends a line, also a regular expression's, is written as an escape.
 */
export const escaped = (text: string): string =>
  escapedRegExp(text)
    .replaceAll('/', '\\/')
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Placeholders of `each` titles: `%s`, `%#`, `$name.path`, `$#`. */
export const PLACEHOLDER = /%[sdifjoOc#$%]|\$(?:#|[A-Za-z_][\w.]*)/;

export function titlePattern(title: string): string {
  return title
    .split(new RegExp(`(${PLACEHOLDER.source})`))
    .map((part, index) => (index % 2 === 1 ? '[\\s\\S]*' : escaped(part)))
    .join('');
}

/** The literal text of a pattern before its first placeholder and behind its last one. */
function ends(title: string): readonly [start: string, end: string] {
  const parts = title.split(new RegExp(PLACEHOLDER.source));
  return [parts[0] ?? '', parts.at(-1) ?? ''];
}

/** Whether two titles, each with placeholders, may come out as one text; false only where that is certain. */
export function mayMeet(left: string, right: string): boolean {
  const [start, end] = ends(left);
  const [otherStart, otherEnd] = ends(right);
  return (
    (start.startsWith(otherStart) || otherStart.startsWith(start)) && (end.endsWith(otherEnd) || otherEnd.endsWith(end))
  );
}
