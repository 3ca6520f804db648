/**
 * The kinds of lines that OpenFastTrace knows. It reads lines, not Markdown: it disagrees with CommonMark on purpose, and a
 * Markdown library would find other items than the tool does.
 */
import { ID_SOURCE, parseOftId, type OftId } from './item.js';

export type Markup = 'md' | 'rst';

const UNDERLINES: Readonly<Record<Markup, RegExp>> = {
  md: /^[=-]{3,}\s*$/,
  rst: /^[-=`:.'"~^_*+#<>]{3,}\s*$/,
};
const HASH_TITLE = /^(#+)\s*(.*)$/;
/** In RST a second backtick makes a literal of it, and the line no id. */
const ID = new RegExp(`^\`?(${ID_SOURCE})\`?.*$`, 'su');
const FORWARD = new RegExp(`([a-zA-Z]+)\\s*-->\\s*([a-zA-Z]+(?:,\\s*[a-zA-Z]+)*)\\s*:\\s*(${ID_SOURCE})`, 'u');
const REFERENCE = new RegExp(`^\\s{0,3}[+*-](?:.*[^\\p{L}\\p{N}_])?(${ID_SOURCE})(?:[^\\p{L}\\p{N}_].*)?$`, 'su');
const NEED = /^\s{0,3}[+*-](?:.*\W)?([A-Za-z]+)(?:\W.*)?$/s;
const ENTRY = /^\s{0,3}[+*-]\s*(.*)$/s;
const WORDS = /^\s*\w+\s*(?:,\s*\w+\s*)*$/;
const STATUS = /^Status:\s*(approved|proposed|draft|rejected)\s*$/;

export type Keyword = 'Description' | 'Rationale' | 'Comment' | 'Covers' | 'Depends' | 'Needs' | 'Tags';
const KEYWORD = /^(Description|Rationale|Comment|Covers|Depends|Needs|Tags):(.*)$/s;

/** `Covers:` alone, or `Needs: a, b` and `Tags: a, b` with their words; null for any other line. */
export function keywordOf(line: string): { readonly word: Keyword; readonly list: readonly string[] } | null {
  const [, word, rest] = KEYWORD.exec(line) ?? [];
  if (word === undefined || rest === undefined) return null;
  if (rest.trim() === '') return { word: word as Keyword, list: [] }; // the pattern names no other words
  if ((word !== 'Needs' && word !== 'Tags') || !WORDS.test(rest)) return null;
  return { word, list: rest.split(',').map((item) => item.trim()) };
}

/** The title that begins at this line, with its depth; null: none. `next` is the line below, null at the end. */
export function titleOf(
  line: string,
  next: string | null,
  markup: Markup,
): { readonly text: string; readonly depth: string } | null {
  const [, hashes, text] = (markup === 'md' ? HASH_TITLE.exec(line) : null) ?? [];
  if (hashes !== undefined && text !== undefined) return { text, depth: '#'.repeat(hashes.length) };
  if (next === null || !UNDERLINES[markup].test(next)) return null;
  return { text: line, depth: next.charAt(0) };
}

export const isUnderline = (line: string, markup: Markup): boolean => UNDERLINES[markup].test(line);
export const idOf = (line: string): OftId | null => parsed(ID.exec(line)?.[1]);
export const referenceOf = (line: string): OftId | null => parsed(REFERENCE.exec(line)?.[1]);
export const needOf = (line: string): string | null => NEED.exec(line)?.[1] ?? null;
export const entryOf = (line: string): string | null => ENTRY.exec(line)?.[1] ?? null;
export const statusOf = (line: string): string | null => STATUS.exec(line)?.[1] ?? null;
export const isFence = (line: string): boolean => /^ *[`~]{3,30}\w*\s*$/.test(line);
export const isFenceEnd = (line: string): boolean => /^ *[`~]{3,30}\s*$/.test(line);
export const isSwitch = (line: string, word: 'off' | 'on'): boolean =>
  new RegExp(`(?:^|\\W)oft:${word}(?:\\W|$)`).test(line);

/** `arch --> dsn, impl : req~x~1`: an item of the first type that passes the last one on. */
export function forwardOf(
  line: string,
): { readonly type: string; readonly needs: readonly string[]; readonly covers: OftId } | null {
  const [, type, needs, original] = FORWARD.exec(line) ?? [];
  const covers = parsed(original);
  if (type === undefined || needs === undefined || covers === null) return null;
  return { type, needs: needs.split(',').map((need) => need.trim()), covers };
}

const parsed = (text: string | undefined): OftId | null => (text === undefined ? null : parseOftId(text));
