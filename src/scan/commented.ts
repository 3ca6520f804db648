/**
 * Code inside comments. A commented-out test must not hand its tag to a neighbour, and prose must not be taken for code: the
 * language's own parser decides, on the text of the comments without their marks.
 *
 * Each line is tried as the first line of a piece of code (prose above it cannot swallow it, as an apostrophe or an open
 * parenthesis would); what must stand there to be code is the language's to say (`StartsCode`).
 */

/** Whether a text begins, at its very first character, with a statement or declaration that nobody writes as prose. */
export type StartsCode = (text: string) => boolean;

/** One line of a comment without the comment's marks, and where that text starts in the file. */
export interface InnerLine {
  readonly text: string;
  readonly offset: number;
}

/** Lines handed to the parser at once, and lines of comments looked at: a licence or a whole commented-out file is no loss. */
const MAX_PIECE = 60;
const MAX_LINES = 400;

const LINE_MARK = /^[ \t]*(?:\/\/[/!]*|#+|--|;+|%+)/u;
const BLOCK_LINE_MARK = /^[ \t]*\*(?!\/)/u;

/** The lines of one comment (or of several that the text holds with only white space between them) without their marks. */
export function innerLines(text: string, start: number, end: number): readonly InnerLine[] {
  const lines: InnerLine[] = [];
  let isBlock = false;
  for (let at = start; at < end;) {
    const feed = text.indexOf('\n', at);
    const stop = feed === -1 || feed >= end ? end : feed;
    let line = text.slice(at, stop).replace(/\r$/u, '');
    let offset = at;
    const cut = (count: number): void => {
      line = line.slice(count);
      offset += count;
    };
    const mark = isBlock ? BLOCK_LINE_MARK.exec(line)?.[0] : LINE_MARK.exec(line)?.[0];
    if (mark !== undefined) cut(mark.length);
    else if (!isBlock) {
      const open = /^[ \t]*(?:\/\*[*!]?|[rRuU]?(?:"""|'''))/u.exec(line)?.[0];
      if (open !== undefined) {
        cut(open.length);
        isBlock = open.includes('/*');
      }
    }
    const close = isBlock ? line.indexOf('*/') : -1;
    if (close !== -1) {
      line = line.slice(0, close);
      isBlock = false;
    }
    lines.push({ text: line, offset });
    at = stop + 1;
  }
  return lines;
}

const indentOf = (text: string): number => text.length - text.trimStart().length;

/** The lines from one on, moved left so that it starts at the margin. */
function pieceFrom(lines: readonly InnerLine[], index: number): string {
  const indent = indentOf(lines[index]?.text ?? '');
  return lines
    .slice(index, index + MAX_PIECE)
    .map(({ text }) => text.slice(Math.min(indent, indentOf(text))))
    .join('\n');
}

/** The first line at which code begins, or null. Examples in fenced blocks are documentation. */
export function commentedCode(lines: readonly InnerLine[], startsCode: StartsCode): InnerLine | null {
  let fence: string | null = null;
  for (let i = 0; i < Math.min(lines.length, MAX_LINES); i += 1) {
    const line = lines[i];
    const trimmed = line?.text.trim() ?? '';
    if (line === undefined || trimmed === '') continue;
    const mark = /^(?:```+|~~~+)/u.exec(trimmed)?.[0];
    if (fence !== null) {
      if (mark !== undefined && mark.startsWith(fence)) fence = null;
    } else if (mark !== undefined) fence = mark;
    else if (startsCode(pieceFrom(lines, i))) return line;
  }
  return null;
}

/** Marks of a comment inside a comment: `// // @verifies`, `# # @verifies`. */
const INNER_MARK = /^[ \t]*(?:\/\/|\/\*|#(?=[ \t]))/u;

/** Whether the tag at an offset is itself commented out, by a mark or as the end of a commented-out line of code. */
export function isCommentedTag(lines: readonly InnerLine[], offset: number, startsCode: StartsCode): boolean {
  const line = lines.findLast((candidate) => candidate.offset <= offset);
  if (line === undefined || line.offset + line.text.length < offset) return false;
  // Most lines begin with the tag itself, which is no code; they need no parser.
  if (line.text.trimStart().startsWith('@')) return false;
  return INNER_MARK.test(line.text) || startsCode(line.text.trimStart());
}

/** A piece of source as people recognise it: its first line, not too long. */
export function glimpse(text: string): string {
  const line = text.trim().split(/\r?\n/u)[0] ?? '';
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}
