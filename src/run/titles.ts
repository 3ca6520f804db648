/** Titles as patterns: a plain one is itself, one of an `each` may become anything where it holds a placeholder. */
import { escapedRegExp } from '../util/text.js';

/** `text` as a regular expression that matches just it, also between slashes. */
export const escaped = (text: string): string => escapedRegExp(text).replaceAll('/', '\\/');

/** Placeholders of `each` titles: `%s`, `%#`, `$name.path`, `$#`. */
const PLACEHOLDER = /%[sdifjoOc#$%]|\$(?:#|[A-Za-z_][\w.]*)/;

export function titlePattern(title: string): string {
  return title
    .split(new RegExp(`(${PLACEHOLDER.source})`))
    .map((part, index) => (index % 2 === 1 ? '[\\s\\S]*' : escaped(part)))
    .join('');
}
