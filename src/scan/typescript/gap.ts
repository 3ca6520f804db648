/** What stands between a tag and the next token: comments, line breaks, and whether one of these ends the tag's reach. */
import type { ts } from 'ts-morph';
import { commentedCode, innerLines, isCommentedTag } from '../commented.js';
import type { Comment } from './comments.js';
import { compiler } from './compiler.js';
import { startsCode } from './starts-code.js';

export interface Gap {
  /** Offset of the next token; the text's length at the end of the file. */
  readonly next: number;
  /** Offset of the first blank line; null where there is none. */
  readonly blank: number | null;
  /** The first line of commented-out code, also behind a blank line. */
  readonly code: { readonly text: string; readonly offset: number } | null;
}

/** @param tag offset of the tag in the comment */
export function gapAfter(source: ts.SourceFile, comment: Comment, tag: number): Gap {
  const ts = compiler();
  const { text } = source;
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, false, source.languageVariant, text, undefined, comment.end);
  // Documentation shows how to use what it stands above; only what plain comments hold is commented out.
  const lines = isDocumentation(text, comment.start) ? [] : linesBelow(text, comment, tag);
  let feeds = 0;
  let blank: number | null = null;
  for (let kind = scanner.scan(); ; kind = scanner.scan()) {
    const start = scanner.getTokenStart();
    if (kind === ts.SyntaxKind.NewLineTrivia) {
      feeds += 1;
      if (feeds > 1) blank ??= start;
    } else if (kind === ts.SyntaxKind.SingleLineCommentTrivia || kind === ts.SyntaxKind.MultiLineCommentTrivia) {
      feeds = 0;
      if (!isDocumentation(text, start)) lines.push(...innerLines(text, start, scanner.getTokenEnd()));
    } else if (kind !== ts.SyntaxKind.WhitespaceTrivia && kind !== ts.SyntaxKind.ShebangTrivia) {
      const code = lines.length === 0 ? null : commentedCode(lines, startsCode);
      return { next: kind === ts.SyntaxKind.EndOfFileToken ? text.length : start, blank, code };
    }
  }
}

const isDocumentation = (text: string, start: number): boolean => text.startsWith('/**', start);

/** The lines of the tag's own comment below the tag. */
const linesBelow = (text: string, comment: Comment, tag: number): { text: string; offset: number }[] =>
  innerLines(text, comment.start, comment.end).filter(({ offset }) => offset > tag);

/** Whether a tag is commented out together with what it stood above. */
export const isTagCommentedOut = (source: ts.SourceFile, comment: Comment, tag: number): boolean =>
  isCommentedTag(innerLines(source.text, comment.start, comment.end), tag, startsCode);
