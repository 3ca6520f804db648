/**
 * The comments of a file that hold a tag, and the links they make.
 */
import type { Binding, FoundLink, LinkSource } from '../../model/index.js';
import { tagsIn, type TagOptions } from '../tags.js';
import type { CommentGroup, Scope, ScopeTree } from './scopes.js';
import type { SourceText } from './source.js';
import type { Syntax } from './syntax.js';

type Attaches = CommentGroup['attaches'];

/** Puts comments that stand on lines of their own, directly below each other and in one column, together: one text. */
export function commentGroups(
  comments: readonly Syntax[],
  source: SourceText,
  attaches: (comment: Syntax) => Attaches,
): readonly CommentGroup[] {
  const groups: (CommentGroup & { alone: boolean; column: number })[] = [];
  for (const comment of comments) {
    const column = source.columnOf(comment.start);
    const alone = source.slice(comment.start - column + 1, comment.start).trim() === '';
    const kind = attaches(comment);
    const last = groups.at(-1);
    if (
      last !== undefined &&
      alone &&
      last.alone &&
      last.column === column &&
      last.attaches === kind &&
      isDirectlyBelow(source, last.end, comment.start)
    ) {
      groups[groups.length - 1] = { ...last, end: comment.end };
    } else groups.push({ start: comment.start, end: comment.end, attaches: kind, alone, column });
  }
  return groups;
}

function isDirectlyBelow(source: SourceText, end: number, start: number): boolean {
  const between = source.slice(source.text[end - 1] === '\n' ? end - 1 : end, start);
  return between.trim() === '' && between.split('\n').length === 2;
}

/** The links of one comment. `within` may name a narrower binding for a tag at an offset (a doc test inside a doc comment). */
export function linksOfComment(
  group: CommentGroup,
  scopes: ScopeTree,
  source: SourceText,
  options: {
    readonly tags?: TagOptions;
    readonly from?: LinkSource;
    readonly within?: (offset: number) => readonly Binding[] | null;
  } = {},
): readonly FoundLink[] {
  const tags = tagsIn(source.slice(group.start, group.end), options.tags);
  if (tags.length === 0) return [];
  return tags.flatMap((tag) => {
    const offset = group.start + tag.offset;
    const owner = scopes.ownerOf(group, offset);
    const narrower = tag.relation === 'verifies' ? options.within?.(offset) : undefined;
    return linksTo(owner, tag.relation, tag.id, options.from ?? 'comment', source, offset, narrower);
  });
}

/** One target bound to a scope: a link for each test that the declaration gives. */
export function linksTo(
  owner: Pick<Scope, 'verifies' | 'implements'>,
  relation: FoundLink['relation'],
  target: string,
  from: LinkSource,
  source: SourceText,
  offset: number,
  narrower?: readonly Binding[] | null,
): readonly FoundLink[] {
  return (narrower ?? owner[relation]).map((binds) => ({
    relation,
    target,
    source: from,
    binds,
    ...source.position(offset),
  }));
}
