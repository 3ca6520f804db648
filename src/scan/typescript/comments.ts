/**
 * Real comments only: a tag in a string, a template, JSX text or a regular expression is text of the program, not about it.
 */
import type { ts } from 'ts-morph';
import { compiler } from './compiler.js';

export interface Comment {
  readonly start: number;
  readonly end: number;
}

const TAG = /@(?:verifies|implements)\b/gu;

/** The comments of a file that may hold a tag, in order; neighbouring `//` lines are separate comments. */
export function taggedComments(source: ts.SourceFile): readonly Comment[] {
  const found: Comment[] = [];
  const { text } = source;
  TAG.lastIndex = 0;
  for (let match = TAG.exec(text); match !== null; match = TAG.exec(text)) {
    const comment = commentAt(source, match.index);
    if (comment === null) continue;
    found.push(comment);
    TAG.lastIndex = Math.max(TAG.lastIndex, comment.end);
  }
  return found;
}

/** The comment around an offset, or null when the offset is in code. */
function commentAt(source: ts.SourceFile, offset: number): Comment | null {
  const ts = compiler();
  let node: ts.Node = source;
  let gapStart = 0;
  let gapEnd = source.text.length;
  for (;;) {
    let child: ts.Node | undefined;
    gapStart = node === source ? 0 : node.pos;
    gapEnd = node.end;
    ts.forEachChild(node, (candidate) => {
      if (candidate.end <= offset) gapStart = Math.max(gapStart, candidate.end);
      else if (candidate.pos > offset) gapEnd = Math.min(gapEnd, candidate.pos);
      else if (candidate.pos <= offset && offset < candidate.end) child ??= candidate;
      return undefined;
    });
    if (child === undefined) break;
    node = child;
    if (node.kind === ts.SyntaxKind.JsxText) return null;
  }
  if (node === source && source.endOfFileToken.pos <= offset) gapStart = Math.max(gapStart, source.endOfFileToken.pos);
  // Leaves: all before the token's own start is comments and space.
  if (isLeaf(node) && node !== source) {
    const start = ts.isJsxText(node) ? node.pos : node.getStart(source);
    if (offset >= start) return null;
    gapStart = node.pos;
    gapEnd = start;
  }
  return scanGap(source.text, gapStart, gapEnd, offset, source.languageVariant);
}

function isLeaf(node: ts.Node): boolean {
  let leaf = true;
  compiler().forEachChild(node, () => {
    leaf = false;
    return true;
  });
  return (
    leaf &&
    !compiler().isBlock(node) &&
    !compiler().isArrayLiteralExpression(node) &&
    !compiler().isObjectLiteralExpression(node) &&
    node.kind !== compiler().SyntaxKind.CaseBlock &&
    node.kind !== compiler().SyntaxKind.ClassDeclaration &&
    node.kind !== compiler().SyntaxKind.ClassExpression &&
    node.kind !== compiler().SyntaxKind.ModuleBlock &&
    node.kind !== compiler().SyntaxKind.JsxExpression &&
    node.kind !== compiler().SyntaxKind.NamedImports &&
    node.kind !== compiler().SyntaxKind.TypeLiteral &&
    node.kind !== compiler().SyntaxKind.ReturnStatement
  );
}

/** Between two nodes stand only punctuation, keywords, space and comments, so the scanner alone tells them apart. */
function scanGap(
  text: string,
  start: number,
  end: number,
  offset: number,
  variant: ts.LanguageVariant,
): Comment | null {
  const ts = compiler();
  const scanner = ts.createScanner(
    ts.ScriptTarget.ESNext,
    false,
    variant,
    text,
    undefined,
    start,
    Math.max(0, end - start),
  );
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const [from, to] = [scanner.getTokenStart(), scanner.getTokenEnd()];
    if (to <= offset) continue;
    if (from > offset) return null;
    return kind === ts.SyntaxKind.SingleLineCommentTrivia || kind === ts.SyntaxKind.MultiLineCommentTrivia
      ? { start: from, end: to }
      : null;
  }
  return null;
}
