/**
 * What a comment is about. In this order:
 * 1. behind code on the same line: the test or declaration that begins or ends on that line;
 * 2. at the top of the file and followed by something that declares nothing, or by a blank line: the file;
 *    before an import or `require` at top level, with no declaration above: the file;
 * 3. inside a test case or function: that one (or a subtest that follows in it);
 * 4. otherwise the next test, suite, function or class in the same block; else what it stands in; else the file.
 */
import type { ts } from 'ts-morph';
import type { Comment } from './comments.js';
import { compiler } from './compiler.js';
import { requiredModule } from './scope.js';

export interface Target<T> {
  readonly start: number;
  readonly end: number;
  /** Where the declaration proper begins; the statement around it may begin earlier. */
  readonly anchor: number;
  readonly kind: 'suite' | 'case' | 'function' | 'class' | 'value' | 'type';
  readonly value: T;
}

export type Bound<T> = { readonly kind: 'file' } | { readonly kind: 'targets'; readonly values: readonly T[] };

const FILE = { kind: 'file' } as const;

/** `targets` in order of `start`, outer ones first. */
export function bindComment<T>(
  comment: Comment,
  relation: 'verifies' | 'implements',
  source: ts.SourceFile,
  all: readonly Target<T>[],
): Bound<T> {
  // A value is no test; a tag that verifies looks past it, to what uses it.
  const targets =
    relation === 'implements' ? all : all.filter((target) => target.kind !== 'value' && target.kind !== 'type');
  const { text } = source;
  const enclosing = innermost(targets.filter((target) => target.start <= comment.start && comment.end <= target.end));
  const lineStart = text.lastIndexOf('\n', comment.start - 1) + 1;
  if (/\S/u.test(text.slice(lineStart, comment.start).replace(/\/\*.*?\*\//gu, ''))) {
    const behind = trailing(comment, lineStart, targets, enclosing);
    if (behind !== null) return sameStart(behind, targets);
  }
  const next = skipSpaceAndComments(text, comment.end);
  const first = targets.find((target) => target.start >= comment.end);
  if (enclosing === null) {
    const attached =
      first !== undefined && first.start === next && !/\n[ \t]*\r?\n/u.test(text.slice(comment.end, next));
    const nothingBefore = skipSpaceAndComments(text, shebangEnd(text)) >= comment.start;
    if (nothingBefore && !attached) return FILE;
    if (!targets.some((target) => target.start < comment.start) && isImportAt(source, next)) return FILE;
  }
  if (
    first !== undefined &&
    (enclosing === null || first.end <= enclosing.end) &&
    (enclosing === null || mayHold(enclosing))
  )
    return sameStart(first, targets);
  return enclosing === null ? FILE : sameStart(enclosing, targets);
}

/** A function's inside is about the function; suites, node:test's cases and classes hold declarations of their own. */
const mayHold = (target: Target<unknown>): boolean =>
  target.kind === 'suite' ||
  target.kind === 'case' ||
  target.kind === 'class' ||
  target.kind === 'value' ||
  target.kind === 'type';

function trailing<T>(
  comment: Comment,
  lineStart: number,
  targets: readonly Target<T>[],
  enclosing: Target<T> | null,
): Target<T> | null {
  const onLine = (offset: number): boolean => offset >= lineStart && offset <= comment.start;
  if (enclosing !== null && onLine(enclosing.anchor)) return enclosing;
  const ending = targets.filter(
    (target) =>
      target.end <= comment.start && onLine(target.end) && (enclosing === null || target.start >= enclosing.start),
  );
  return (
    ending.find(
      (target) => !ending.some((other) => other !== target && other.start <= target.start && other.end >= target.end),
    ) ?? null
  );
}

function innermost<T>(targets: readonly Target<T>[]): Target<T> | null {
  let best: Target<T> | null = null;
  for (const target of targets) if (best === null || target.end - target.start < best.end - best.start) best = target;
  return best;
}

/** Several tests can stand at one place: all that a wrapper's one call declares. */
const sameStart = <T>(target: Target<T>, targets: readonly Target<T>[]): Bound<T> => ({
  kind: 'targets',
  values: targets
    .filter(
      (other) =>
        other.start === target.start &&
        other.end === target.end &&
        other.kind === target.kind &&
        other.anchor === target.anchor,
    )
    .map((other) => other.value),
});

const shebangEnd = (text: string): number => (text.startsWith('#!') ? Math.max(0, text.indexOf('\n')) : 0);

function skipSpaceAndComments(text: string, from: number): number {
  const pattern = /(?:\s|\uFEFF|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/uy;
  pattern.lastIndex = from;
  pattern.test(text);
  return pattern.lastIndex;
}

function isImportAt(source: ts.SourceFile, offset: number): boolean {
  const ts = compiler();
  const statement = source.statements.find((candidate) => candidate.getStart(source) === offset);
  if (statement === undefined) return false;
  if (ts.isImportDeclaration(statement) || ts.isImportEqualsDeclaration(statement)) return true;
  if (ts.isExpressionStatement(statement))
    return ts.isStringLiteral(statement.expression) || requiredModule(statement.expression) !== null;
  return (
    ts.isVariableStatement(statement) &&
    statement.declarationList.declarations.every(
      (declaration) => declaration.initializer !== undefined && requiredModule(declaration.initializer) !== null,
    )
  );
}
