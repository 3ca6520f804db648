/**
 * Which declaration a comment belongs to, the same for every language (contract, section 3): the declaration that follows,
 * else the one the comment stands in; at the top of a file, before any declaration, the whole file.
 */
import type { Binding } from '../../model/index.js';
import type { SourceText } from './source.js';

/** A declaration that a tag can belong to. `start` is that of its first attribute or decorator. */
export interface Scope {
  readonly start: number;
  readonly end: number;
  /** What a `@verifies` here is bound to; several where one declaration gives several tests. */
  readonly verifies: readonly Binding[];
  readonly implements: readonly Binding[];
}

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
}

interface Nested extends Scope {
  readonly children: Nested[];
}

const WHOLE_FILE: readonly Binding[] = [{ kind: 'file' }];

/** Scopes by nesting. Built once a file; `ownerOf` then answers for each comment. */
export class ScopeTree {
  readonly #root: Nested;
  readonly #source: SourceText;
  readonly #transparent: readonly Transparent[];

  constructor(source: SourceText, scopes: readonly Scope[], transparent: readonly Transparent[]) {
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

  /** The scope that a comment belongs to. */
  ownerOf(comment: CommentGroup): Scope {
    const around = this.#around(comment.start, comment.end);
    if (comment.attaches === 'inner') return around;
    const index = indexBefore(around.children, comment.start);
    const before = around.children[index];
    if (
      before !== undefined &&
      before.end <= comment.start &&
      !this.#source.slice(before.end, comment.start).includes('\n')
    )
      return before;
    const next = around.children[index + 1];
    const top = comment.attaches === 'either' && around === this.#root && this.#isTop(comment);
    if (next === undefined || !this.#isClear(comment.end, next.start)) return around;
    return top && !this.#isAdjacent(comment.end, next.start) ? this.#root : next;
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

  /** Only white space and transparent ranges between two offsets. */
  #isClear(start: number, end: number): boolean {
    let at = start;
    for (let i = Math.max(0, indexBefore(this.#transparent, start)); i < this.#transparent.length; i += 1) {
      const range = this.#transparent[i];
      if (range === undefined || range.start >= end) break;
      if (range.end <= at) continue;
      if (this.#source.slice(at, range.start).trim() !== '') return false;
      at = range.end;
    }
    return at >= end || this.#source.slice(at, end).trim() === '';
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

  /** No blank line and nothing else between a comment and its declaration. */
  #isAdjacent(end: number, start: number): boolean {
    const lineFeeds = this.#source.slice(this.#source.text[end - 1] === '\n' ? end - 1 : end, start);
    return lineFeeds.trim() === '' && lineFeeds.split('\n').length <= 2;
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
