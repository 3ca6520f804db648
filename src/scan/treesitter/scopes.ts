/**
 * Which declaration a tag belongs to, the same for every language (contract, section 3; trust.md T2): the declaration that begins
 * on the next line, else the function or test that it stands in; at the top of a file, before any declaration, the whole file;
 * else nothing. A blank line, commented-out code and anything that declares nothing end its reach.
 */
import type { Binding } from '../../model/index.js';
import { commentedCode, innerLines, isCommentedTag, type InnerLine, type StartsCode } from '../commented.js';
import { commentedOut, ENDED_BY, noDeclaration } from '../reach.js';
import type { SourceText } from './source.js';

/** A declaration that a tag can belong to. `start` is that of its first attribute or decorator. */
export interface Scope {
  readonly start: number;
  readonly end: number;
  /** What a `@verifies` here is bound to; several where one declaration gives several tests. */
  readonly verifies: readonly Binding[];
  readonly implements: readonly Binding[];
  /** It holds declarations of its own (a suite, class or module), so a tag in it must name one of them. */
  readonly holds?: boolean;
}

/** What a language adds: what code looks like, and how its comments show examples. */
export interface TagRules {
  readonly startsCode: StartsCode;
  /** Lines of a comment that show how to use something, as Go's indented ones do. */
  isExample?(line: InnerLine): boolean;
  /** Indentation is structure: a comment further in than a declaration is not about it. */
  readonly indented?: boolean;
  /** The whole file is one test, so that a tag anywhere in it names the file. */
  readonly isOneTest?: boolean;
}

/** What a tag is bound to. */
export type Owner = Pick<Scope, 'verifies' | 'implements'>;

/** One comment, or several that stand together. */
export interface CommentGroup {
  readonly start: number;
  readonly end: number;
  /** Where the language itself attaches it: `inner` to what it stands in (`//!`, a docstring), `next` to what follows (`///`). */
  readonly attaches: 'inner' | 'next' | 'either';
}

/** A range that may lie between a comment and its declaration: another comment, an import, the package clause. */
export interface Transparent {
  readonly start: number;
  readonly end: number;
  readonly comment: boolean;
  /** A doc comment: code in it is an example, not commented out. */
  readonly documentation?: boolean;
}

interface Nested extends Scope {
  readonly children: Nested[];
}

const WHOLE_FILE: readonly Binding[] = [{ kind: 'file' }];

interface Gap {
  readonly next: number;
  readonly blank: number | null;
  readonly code: InnerLine | null;
}

/** Scopes by nesting. Built once a file; `ownerOf` then answers for each tag. */
export class ScopeTree {
  readonly #root: Nested;
  readonly #source: SourceText;
  readonly #transparent: readonly Transparent[];
  readonly #rules: TagRules;

  constructor(source: SourceText, scopes: readonly Scope[], transparent: readonly Transparent[], rules: TagRules) {
    this.#rules = rules;
    this.#source = source;
    this.#transparent = transparent.toSorted((left, right) => left.start - right.start);
    this.#root = { start: -1, end: source.text.length + 1, verifies: WHOLE_FILE, implements: WHOLE_FILE, children: [] };
    const open: Nested[] = [this.#root];
    for (const scope of scopes.toSorted((left, right) => left.start - right.start || right.end - left.end)) {
      while (open.length > 1 && (open.at(-1)?.end ?? 0) < scope.end) open.pop();
      const nested: Nested = { ...scope, children: [] };
      open.at(-1)?.children.push(nested);
      open.push(nested);
    }
  }

  /** What a tag at an offset of a comment is bound to. */
  ownerOf(comment: CommentGroup, tag: number): Owner {
    const lines = innerLines(this.#source.text, comment.start, comment.end);
    if (isCommentedTag(lines, tag, this.#rules.startsCode)) return this.#dangling(tag, ENDED_BY.commentedTag);
    const around = this.#around(comment.start, comment.end);
    if (comment.attaches === 'inner') return around;
    const index = indexBefore(around.children, comment.start);
    const stood = around === this.#root || around.holds === true ? null : around;
    const lineStart = this.#source.lineStarts[this.#source.lineOf(comment.start) - 1] ?? 0;
    const below = comment.attaches === 'next' ? [] : lines.filter(({ offset }) => offset > tag);
    const { next, blank, code } = this.#gapAfter(comment.end, below);
    if (code !== null) return this.#dangling(code.offset, commentedOut(code.text));
    const following = around.children[index + 1];
    const isFurtherIn =
      this.#rules.indented === true && this.#source.columnOf(comment.start) > this.#source.columnOf(next);
    const isNext = following?.start === next && !isFurtherIn;
    const sameLine = !this.#source.slice(comment.end, next).includes('\n');
    if (this.#hasCode(lineStart, comment.start) && !(isNext && sameLine)) {
      const before = around.children[index];
      if (before !== undefined && before.end > lineStart && before.end <= comment.start) return before;
      return stood ?? (this.#beginsAt(around, lineStart) ? around : this.#nothing(lineStart, ENDED_BY.behindCode));
    }
    if (
      around === this.#root &&
      comment.attaches === 'either' &&
      this.#isOfFile(comment, index, next, isNext && blank === null)
    )
      return this.#root;
    if (isNext && blank === null) return following;
    // A test one blank line away was perhaps the tag's own once; other code in a test is what the test does.
    if (stood !== null && !isNext) return stood;
    if (blank !== null) return this.#nothing(blank, ENDED_BY.blankLine);
    const rest = this.#source.slice(next, next + 200);
    const nothing = rest === '' || rest.startsWith('}') || isFurtherIn;
    return this.#nothing(
      Math.min(next, this.#source.text.length - 1),
      nothing ? ENDED_BY.nothing : noDeclaration(rest),
    );
  }

  /** Where no declaration is named. */
  #nothing(offset: number, between: string): Owner {
    return this.#rules.isOneTest === true ? this.#root : this.#dangling(offset, between);
  }

  #dangling(offset: number, between: string): Owner {
    const binds: readonly Binding[] = [{ kind: 'dangling', line: this.#source.lineOf(offset), between }];
    return { verifies: binds, implements: binds };
  }

  /** At the top of the file, or before an import with no declaration above. */
  #isOfFile(comment: CommentGroup, index: number, next: number, isAttached: boolean): boolean {
    if (this.#isTop(comment) && !isAttached) return true;
    return index === -1 && this.#transparent.some((range) => !range.comment && range.start === next);
  }

  /** The name of what a scope declares stands on the line that starts here. */
  #beginsAt(scope: Scope, lineStart: number): boolean {
    const line = this.#source.lineOf(lineStart);
    return scope.implements.some((binding) => binding.kind !== 'file' && binding.line === line);
  }

  /** Code that is no comment between two offsets. */
  #hasCode(start: number, end: number): boolean {
    let at = start;
    for (const range of this.#comments(start, end)) {
      if (this.#source.slice(at, range.start).trim() !== '') return true;
      at = Math.max(at, range.end);
    }
    return at < end && this.#source.slice(at, end).trim() !== '';
  }

  *#comments(start: number, end: number): Generator<Transparent> {
    for (let i = Math.max(0, indexBefore(this.#transparent, start)); i < this.#transparent.length; i += 1) {
      const range = this.#transparent[i];
      if (range === undefined || range.start >= end) return;
      if (range.comment && range.end > start) yield range;
    }
  }

  /** What stands between a comment and the next token. */
  #gapAfter(end: number, below: readonly InnerLine[]): Gap {
    const { text } = this.#source;
    const lines = [...below];
    let at = end;
    let blank: number | null = null;
    const spaceUpTo = (until: number): void => {
      // A doc comment of Rust ends with its own line feed.
      const from = text[at - 1] === '\n' ? at - 1 : at;
      const first = text.indexOf('\n', from);
      const second = first === -1 ? -1 : text.indexOf('\n', first + 1);
      if (second !== -1 && second < until) blank ??= second;
    };
    for (const range of this.#comments(end, text.length)) {
      if (range.start < at) continue;
      if (text.slice(at, range.start).trim() !== '') break;
      spaceUpTo(range.start);
      if (range.documentation !== true) lines.push(...innerLines(text, range.start, range.end));
      at = range.end;
    }
    const rest = text.slice(at);
    const next = at + (rest.length - rest.trimStart().length);
    spaceUpTo(next);
    const { isExample, startsCode } = this.#rules;
    const plain = lines.filter((line) => isExample?.(line) !== true);
    const code = plain.length === 0 ? null : commentedCode(plain, startsCode);
    return { next, blank, code };
  }

  /** The innermost scope that holds a range. */
  #around(start: number, end: number): Nested {
    let scope = this.#root;
    for (;;) {
      const inner = scope.children[indexBefore(scope.children, start)];
      if (inner === undefined || inner.end < end) return scope;
      scope = inner;
    }
  }

  /** Nothing but comments before it. */
  #isTop(comment: CommentGroup): boolean {
    let at = 0;
    for (const range of this.#transparent) {
      if (range.start >= comment.start) break;
      if (!range.comment || this.#source.slice(at, range.start).trim() !== '') return false;
      at = Math.max(at, range.end);
    }
    return at >= comment.start || this.#source.slice(at, comment.start).trim() === '';
  }
}

/** Index of the last range that starts at or before an offset; -1 when there is none. */
function indexBefore(ranges: readonly { readonly start: number }[], offset: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
