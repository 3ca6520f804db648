/**
 * What a tag is about. In this order:
 * 1. a tag that is commented out itself: nothing;
 * 2. behind code on the same line: the test or declaration that begins or ends on that line;
 * 3. commented-out code between it and the next token: nothing, wherever it stands;
 * 4. at the top of the file and followed by something that declares nothing, or by a blank line: the file;
 *    before an import or `require` at top level, with no declaration above: the file;
 * 5. the test, suite, function or class that begins on the next line; of a statement that only holds tests (a loop, an `if`),
 *    all of them; a call with a title and a function is a possible test;
 * 6. inside a test case or function: that one; inside a value: that one, for `@implements`;
 * 7. otherwise nothing: a tag never slides on to the next test, the suite or the file.
 */
import type { ts } from 'ts-morph';
import type { Comment } from './comments.js';
import { commentedOut, ENDED_BY, noDeclaration } from '../reach.js';
import { compiler } from './compiler.js';
import { gapAfter, isTagCommentedOut } from './gap.js';
import { possibleTest, statementAt } from './possible.js';
import { requiredModule } from './scope.js';

export interface Target<T> {
  readonly start: number;
  readonly end: number;
  /** Where the declaration proper begins; the statement around it may begin earlier. */
  readonly anchor: number;
  readonly kind: 'suite' | 'case' | 'function' | 'class' | 'value' | 'type';
  readonly value: T;
}

export type Bound<T> =
  | { readonly kind: 'file' }
  | { readonly kind: 'targets'; readonly values: readonly T[] }
  /** A statement that may declare a test in a way that is not understood. */
  | { readonly kind: 'possible'; readonly call: ts.CallExpression; readonly around: T | null }
  /** Where the tag's reach ended, and why. */
  | { readonly kind: 'dangling'; readonly offset: number; readonly between: string };

const FILE = { kind: 'file' } as const;

/**
 * @param tag offset of the tag in the comment
 * @param all in order of `start`, outer ones first
 */
export function bindTag<T>(
  comment: Comment,
  tag: number,
  relation: 'verifies' | 'implements',
  source: ts.SourceFile,
  all: readonly Target<T>[],
): Bound<T> {
  // A value is no test, so a tag that verifies cannot mean it.
  const targets =
    relation === 'implements' ? all : all.filter((target) => target.kind !== 'value' && target.kind !== 'type');
  const { text } = source;
  if (isTagCommentedOut(source, comment, tag)) return { kind: 'dangling', offset: tag, between: ENDED_BY.commentedTag };
  const enclosing = innermost(targets.filter((target) => target.start <= comment.start && comment.end <= target.end));
  const stood = enclosing !== null && !holdsDeclarations(enclosing) ? sameStart(enclosing, targets) : null;
  const lineStart = text.lastIndexOf('\n', comment.start - 1) + 1;
  if (hasCode(text, lineStart, comment.start)) {
    const behind = trailing(comment, lineStart, targets, enclosing);
    if (behind !== null) return sameStart(behind, targets);
    if (enclosing?.kind === 'value' || enclosing?.kind === 'type') return sameStart(enclosing, targets);
    return stood ?? { kind: 'dangling', offset: lineStart, between: ENDED_BY.behindCode };
  }
  const { next, blank, code } = gapAfter(source, comment, tag);
  if (code !== null) return { kind: 'dangling', offset: code.offset, between: commentedOut(code.text) };
  const first = targets.find((target) => target.start >= comment.end);
  const within = first !== undefined && (enclosing === null || first.end <= enclosing.end) ? first : null;
  const isNext = within?.start === next && blank === null;
  const statement = isNext || stood !== null || blank !== null ? null : statementAt(source, next);
  const end = statement?.end ?? next;
  const held = outermost(targets.filter((target) => target.start >= next && target.end <= end));
  const call = held.length > 0 || statement === null || relation === 'implements' ? null : possibleTest(statement);
  if (enclosing === null && isFileTag(comment, source, targets, next, isNext || call !== null)) return FILE;
  if (isNext && (enclosing === null || mayHold(enclosing))) return sameStart(within, targets);
  if (held.length > 0) return { kind: 'targets', values: held.flatMap((target) => sameStart(target, targets).values) };
  if (call !== null) return { kind: 'possible', call, around: enclosing?.value ?? null };
  // A subtest that is one blank line away was perhaps the tag's own once; other code in a test is what the test does.
  if (stood !== null && !(blank !== null && within?.start === next && enclosing !== null && mayHold(enclosing)))
    return stood;
  if (enclosing?.kind === 'value' || enclosing?.kind === 'type') return sameStart(enclosing, targets);
  if (blank !== null) return { kind: 'dangling', offset: blank, between: ENDED_BY.blankLine };
  const rest = text.slice(next);
  return {
    kind: 'dangling',
    offset: Math.min(next, Math.max(0, text.length - 1)),
    between: rest === '' || rest.startsWith('}') ? ENDED_BY.nothing : noDeclaration(rest),
  };
}

/** At the top of the file, before any declaration (contract, section 3). */
function isFileTag(
  comment: Comment,
  source: ts.SourceFile,
  targets: readonly Target<unknown>[],
  next: number,
  isAttached: boolean,
): boolean {
  const { text } = source;
  const nothingBefore = skipSpaceAndComments(text, shebangEnd(text)) >= comment.start;
  if (nothingBefore && !isAttached) return true;
  return !targets.some((target) => target.start < comment.start) && isImportAt(source, next);
}

/** What has declarations of its own below it, so that a tag in it must name one of them. */
const holdsDeclarations = (target: Target<unknown>): boolean =>
  target.kind === 'suite' || target.kind === 'class' || target.kind === 'value' || target.kind === 'type';

/** Anything but space and whole comments between two offsets of a line. */
function hasCode(text: string, start: number, end: number): boolean {
  return skipSpaceAndComments(text, start) < end;
}

/** The outermost of some targets. */
const outermost = <T>(targets: readonly Target<T>[]): readonly Target<T>[] =>
  targets.filter(
    (target) =>
      !targets.some(
        (other) =>
          other !== target &&
          other.start <= target.start &&
          other.end >= target.end &&
          other.end - other.start > target.end - target.start,
      ),
  );

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
const sameStart = <T>(
  target: Target<T>,
  targets: readonly Target<T>[],
): Extract<Bound<T>, { readonly kind: 'targets' }> => ({
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
