/**
 * Headings and code fences as OpenSpec sees them. It reads lines, not Markdown: a heading begins in the first column, a fence
 * may be indented by any number of blanks, and headings that are underlined are text.
 */
export interface Heading {
  /** From 0 on. */
  readonly line: number;
  readonly level: number;
  readonly title: string;
  /** `##` and one blank only: it ends the text above it and begins nothing. */
  readonly isBare: boolean;
}

export interface Outline {
  readonly headings: readonly Heading[];
  /** The fence that never ends, from 0 on; null: all do. */
  readonly openFence: number | null;
}

const FENCE = /^\s*(`{3,}|~{3,})(.*)$/s;
const HEADING = /^(#{1,6})\s+(.+)$/s;
const HEADING_START = /^(#{1,6})\s/;

/** What one heading of OpenSpec starts with, without regard to case; the rest is its title. */
const WORD = { requirement: /^requirement:\s*/i, scenario: /^scenario:\s*/i } as const;

/** The title that is an item's identity: only its ends are cut. */
export const bareTitle = (heading: string, word: keyof typeof WORD): string => heading.replace(WORD[word], '').trim();

/** All headings outside of fences, in their order. */
export function outlineOf(lines: readonly string[]): Outline {
  const headings: Heading[] = [];
  let fence: { readonly mark: string; readonly line: number } | null = null;
  for (const [line, text] of lines.entries()) {
    const [, mark, rest] = FENCE.exec(text) ?? [];
    if (fence !== null) {
      const isEnd = mark !== undefined && mark.startsWith(fence.mark) && rest?.trim() === '';
      if (isEnd) fence = null;
    } else if (mark !== undefined) fence = { mark, line };
    else {
      const level = HEADING_START.exec(text)?.[1]?.length;
      const title = HEADING.exec(text)?.[2];
      if (level !== undefined) headings.push({ line, level, title: (title ?? '').trim(), isBare: title === undefined });
    }
  }
  return { headings, openFence: fence === null ? null : fence.line };
}

/**
 * A text that stays below its heading: lines that would end it are moved in by a blank, which makes plain text of them, and
 * a fence that is left open is closed.
 *
 * @param level of the heading above; only headings as high as that end its text
 */
export function guardText(text: string, level: number): string {
  const lines = text.split('\n');
  const { headings, openFence } = outlineOf(lines);
  const ending = new Set(headings.filter((heading) => heading.level <= level).map((heading) => heading.line));
  const guarded = lines.map((line, index) => (ending.has(index) ? ` ${line}` : line));
  const mark = openFence === null ? undefined : FENCE.exec(lines[openFence] ?? '')?.[1];
  return (mark === undefined ? guarded : [...guarded, mark]).join('\n');
}
