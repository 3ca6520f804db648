/**
 * The two tags (verifies, implements) and their lists of ids in the text of one comment or docstring: the same for every language.
 *
 * A list goes on over commas, also over a line break after a comma (with the comment's own leading `*`, `#` or `//`).
 * An id is `AC-` or `SPEC-` and then `[A-Za-z0-9][A-Za-z0-9._/-]*`; punctuation that ends a sentence does not belong to it.
 * Ids with other characters (imported catalogs hold such) stand in double quotes, single quotes or backticks.
 */
import { escapedRegExp } from '../util/text.js';

export type Relation = 'verifies' | 'implements';

/** One id of one tag. Offsets count UTF-16 units from the start of the text that was given; lines and columns from 1. */
export interface Tag {
  readonly relation: Relation;
  readonly id: string;
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

export interface TagOptions {
  /** Further words that open a list, with their relation: Rust has `Verifies:`. Matched as whole words, exactly. */
  readonly words?: Readonly<Record<string, Relation>>;
}

/** Longest id that counts (contract, section 1). Longer ones are kept up to here so that `unknown-id` can show them. */
const MAX_ID = 400;
const PLAIN_ID = /(?:AC|SPEC|ac|spec)-[A-Za-z0-9._/-]*/y;
/** What is quoted behind a tag is meant as an id, whatever it begins with: `unknown-id` shows it where no spec has it. */
const QUOTED = /(["'`])([^\s"'`][^\r\n]{0,399}?)\1/y;
const QUOTED_ID = /(["'`])((?:AC|SPEC)-[^\r\n]{0,400}?)\1/y;
const STANDARD: Readonly<Record<string, Relation>> = { '@verifies': 'verifies', '@implements': 'implements' };
const LINE_LEAD = /[ \t]*(?:\/\/[/!]?|\*(?!\/)|#|--|;+|%+)?[ \t]*/y;

function opener(words: Readonly<Record<string, Relation>>): RegExp {
  const names = Object.keys(words).map(escapedRegExp).join('|');
  // `@verifies` must not be the tail of something else: an e-mail address, `{@verifies …}` in prose is fine.
  return new RegExp(`(?<![\\w@.\\\\])(${names})(?![\\w-])[ \\t]*:?[ \\t]*`, 'gu');
}

const STANDARD_OPENER = opener(STANDARD);

/** Punctuation that follows an id in a sentence is not part of it. */
const withoutSentenceEnd = (id: string): string => id.replace(/[./-]+$/u, '');

/** Every id that the tags in `text` name, in order. Never throws. */
export function tagsIn(text: string, options: TagOptions = {}): readonly Tag[] {
  const words = options.words === undefined ? STANDARD : { ...STANDARD, ...options.words };
  const pattern = options.words === undefined ? STANDARD_OPENER : opener(words);
  const found: Tag[] = [];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const relation = words[match[1] ?? ''];
    if (relation === undefined) continue;
    // A language's own word (`Verifies:`) may begin a sentence that quotes something else, and a tag may be quoted itself.
    const isSeparate = /[ \t:]$/u.test(match[0]);
    const quotes = isSeparate && match[1]?.startsWith('@') === true ? QUOTED : QUOTED_ID;
    const end = readList(text, pattern.lastIndex, quotes, (id, offset) =>
      found.push({ relation, id, offset, ...placeOf(text, offset) }),
    );
    pattern.lastIndex = Math.max(pattern.lastIndex, end);
  }
  return found;
}

/** Reads `id, id, …` from `start`; returns where it stopped. */
function readList(text: string, start: number, quotes: RegExp, take: (id: string, offset: number) => void): number {
  let at = start;
  for (;;) {
    quotes.lastIndex = at;
    const quoted = quotes.exec(text);
    if (quoted !== null) {
      take((quoted[2] ?? '').slice(0, MAX_ID), at + 1);
      at = quotes.lastIndex;
    } else {
      PLAIN_ID.lastIndex = at;
      const plain = PLAIN_ID.exec(text);
      if (plain === null) return at;
      const id = withoutSentenceEnd(plain[0].slice(0, MAX_ID));
      // `AC-` alone (prose about ids) names nothing.
      if (!/^(?:AC|SPEC)-./iu.test(id)) return PLAIN_ID.lastIndex;
      take(id, at);
      at = PLAIN_ID.lastIndex;
    }
    const next = afterComma(text, at);
    if (next === null) return at;
    at = next;
  }
}

/** Where the next id may start after a comma: on the same line, or on the next one behind the comment's own lead. */
function afterComma(text: string, at: number): number | null {
  const comma = /[ \t]*,[ \t]*/y;
  comma.lastIndex = at;
  if (!comma.test(text)) return null;
  let next = comma.lastIndex;
  const lineBreak = /\r?\n/y;
  lineBreak.lastIndex = next;
  if (lineBreak.test(text)) {
    LINE_LEAD.lastIndex = lineBreak.lastIndex;
    LINE_LEAD.test(text);
    next = LINE_LEAD.lastIndex;
  }
  return next;
}

/** Line and column (from 1) of an offset in a text. */
export function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) {
    line += 1;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}

/** A tag's position in its file, given where the comment's text starts there (line and column from 1). */
export const tagPosition = (
  tag: Tag,
  start: { readonly line: number; readonly column: number },
): { readonly line: number; readonly column: number } => ({
  line: start.line + tag.line - 1,
  column: tag.line === 1 ? start.column + tag.column - 1 : tag.column,
});

const VERIFIES = Buffer.from('@verifies');
const IMPLEMENTS = Buffer.from('@implements');

/** The byte prefilter for the two comment tags that every language shares. */
export const mentionsTag = (bytes: Buffer): boolean => bytes.includes(VERIFIES) || bytes.includes(IMPLEMENTS);
