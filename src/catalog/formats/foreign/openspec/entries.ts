/** The blocks of a document → the entries of a spec, with their names and traces. */
import type { Criterion, Json, Spec } from '../../../../model/index.js';
import { HEADINGS, layoutOf, titleOfHeading, type HeadingRole, type Layout } from './layout.js';
import type { Block, OpenSpecDocument } from './parse.js';
import type { Place } from './place.js';

export interface Source {
  readonly file: string;
  readonly place: Place;
  readonly document: OpenSpecDocument;
  /** A byte order mark stands before the text. */
  readonly hasMark: boolean;
  readonly lineEnd: string;
  readonly isMixed: boolean;
}

export interface NamedEntry {
  readonly source: Source;
  readonly block: Block;
  readonly title: string;
  /** `capability/requirement` or `capability/requirement/scenario`, unique in the import. */
  readonly name: string;
  /** Line of the first one of this name; null: it is the first. */
  readonly earlier: number | null;
  /** Of a scenario: its requirement. */
  readonly parent: NamedEntry | null;
}

const LONGEST_NOTE_TITLE = 80;

/** What of a document becomes an entry: all but the parts that a spec has fields for, where they stand in their usual place. */
function isEntry(block: Block, document: OpenSpecDocument): boolean {
  if (block.role === 'title') return false;
  if (block.role === 'purpose') return !isUsualPurpose(block, document);
  return block.role !== 'requirements' || !isUsualRequirements(block, document);
}

function isUsualPurpose(block: Block, { blocks }: OpenSpecDocument): boolean {
  const at = blocks.indexOf(block);
  return at === 0 || (at === 1 && blocks[0]?.role === 'title');
}

const isUsualRequirements = (block: Block, { blocks }: OpenSpecDocument): boolean =>
  block.body === '' && blocks[blocks.indexOf(block) + 1]?.role === 'requirement';

/** All entries of all documents, in their order. */
export function nameEntries(sources: readonly Source[]): readonly NamedEntry[] {
  const entries: NamedEntry[] = [];
  const first = new Map<string, { readonly line: number; count: number }>();
  for (const source of sources) {
    let parent: NamedEntry | null = null;
    for (const block of source.document.blocks) {
      if (!isEntry(block, source.document)) continue;
      const title = entryTitle(block);
      const above: string = block.role === 'scenario' && parent !== null ? parent.name : source.place.name;
      const name = `${above}/${title}`;
      const known = first.get(name);
      if (known === undefined) first.set(name, { line: block.line, count: 1 });
      else known.count += 1;
      const entry: NamedEntry = {
        source,
        block,
        title,
        name: known === undefined ? name : `${name}~again-${known.count}`,
        earlier: known?.line ?? null,
        parent: block.role === 'scenario' ? parent : null,
      };
      if (block.role === 'requirement') parent = entry;
      entries.push(entry);
    }
  }
  return entries;
}

function entryTitle(block: Block): string {
  if (block.heading === null) return block.body.split('\n')[0]?.slice(0, LONGEST_NOTE_TITLE).trim() || 'Text';
  return block.role === 'text' ? block.heading.title || 'Text' : titleOfHeading(block.headingText, block.role);
}

export function specOf(
  source: Source,
  id: string,
  entries: readonly NamedEntry[],
  ids: ReadonlyMap<string, string>,
): Spec {
  const { document, place, file } = source;
  const isLast = (block: Block): boolean => document.blocks.at(-1) === block;
  const titled = document.blocks.find((block) => block.role === 'title');
  const purpose = document.blocks.find((block) => block.role === 'purpose');
  const usual = purpose !== undefined && isUsualPurpose(purpose, document) ? purpose : null;
  const requirements = document.blocks.find(
    (block) => block.role === 'requirements' && isUsualRequirements(block, document),
  );
  const usualLayout = (block: Block, role: HeadingRole): Layout =>
    layoutOf(block, HEADINGS[role] + titleOfHeading(block.headingText, role), isLast(block));
  const named = (role: 'purpose' | 'requirements', block: Block): Layout =>
    layoutOf(block, HEADINGS[role] + (role === 'purpose' ? 'Purpose' : 'Requirements'), isLast(block));
  const kept: Record<string, Json> = {
    ...(place.change === null ? {} : { change: place.change }),
    ...(source.hasMark ? { bom: true } : {}),
    ...(source.lineEnd === '\n' ? {} : { line_end: source.lineEnd }),
    ...(titled === undefined ? { title: null } : filled('title', usualLayout(titled, 'title'))),
    ...(usual === null ? { purpose: null } : filled('purpose', named('purpose', usual))),
    ...(requirements === undefined ? {} : filled('requirements', named('requirements', requirements))),
  };
  const title = titled === undefined ? place.capability : titleOfHeading(titled.headingText, 'title');
  const own = entries.filter((entry) => entry.source === source);
  return {
    id,
    title: place.change !== null && titled === undefined ? `Change ${place.change}: ${title}` : title,
    level: 'module',
    status: place.change === null ? 'active' : 'draft',
    ...(purpose === undefined || purpose.body === '' ? {} : { intent: purpose.body }),
    markup: 'md',
    ...(own.length === 0 ? {} : { criteria: own.map((entry) => entryOf(entry, ids, isLast(entry.block))) }),
    source: { format: 'openspec', id: place.name, ...(place.change === null ? {} : { status: 'change' }), file },
    ...(Object.keys(kept).length === 0 ? {} : { extra: { openspec: kept } }),
  };
}

const filled = (name: string, layout: Layout): Readonly<Record<string, Json>> =>
  Object.keys(layout).length === 0 ? {} : { [name]: { ...layout } };

function entryOf(entry: NamedEntry, ids: ReadonlyMap<string, string>, isLast: boolean): Criterion {
  const { block, title, name, parent, source } = entry;
  const { role } = block;
  const isCriterion = role === 'requirement' || role === 'scenario' || role === 'proposal';
  const canonical = isCriterion ? HEADINGS[role] + title : null;
  const layout: Readonly<Record<string, Json>> = {
    // What is no criterion is known again by its heading.
    ...(isCriterion ? {} : { heading: block.heading === null ? null : block.headingText }),
    ...layoutOf(block, canonical, isLast),
    ...(role === 'purpose' || role === 'requirements' ? { place: role } : {}),
  };
  const to = parent === null ? undefined : ids.get(parent.name);
  return {
    id: ids.get(name) ?? '',
    title,
    ...(role === 'requirement' || role === 'scenario' ? { section: ['Requirements'] } : {}),
    ...(isCriterion ? {} : { kind: 'note' }),
    ...(block.body === '' || role === 'purpose' ? {} : { description: block.body }),
    ...(role === 'proposal' ? { status: 'draft' } : {}),
    ...(to === undefined ? {} : { traces: [{ to, role: 'scenario' }] }),
    markup: 'md',
    source: {
      format: 'openspec',
      ...(isCriterion ? { id: name } : {}),
      ...(role === 'proposal' ? { status: `change ${source.place.change ?? ''}` } : {}),
      file: source.file,
      line: block.line,
    },
    ...(Object.keys(layout).length === 0 ? {} : { extra: { openspec: layout } }),
  };
}
