/** A catalog → OpenSpec documents, a capability a spec. What OpenSpec has no word for stays in our own files. */
import {
  entriesOf,
  statusOf,
  success,
  type Catalog,
  type Criterion,
  type Result,
  type Spec,
} from '../../../../model/index.js';
import { specFileName } from '../../../ids.js';
import type { WrittenFiles } from '../format.js';
import {
  asLayout,
  asRecord,
  HEADINGS,
  keptOf,
  textOf,
  titleOfHeading,
  type HeadingRole,
  type Layout,
} from './layout.js';
import { guardText, outlineOf } from './lines.js';

interface Part {
  readonly heading: string | null;
  readonly body: string;
  readonly layout: Layout;
}

export async function writeOpenSpec(catalog: Catalog): Promise<Result<WrittenFiles>> {
  const files = new Map<string, string>();
  const own = catalog.specs.find((spec) => spec.source?.format === 'openspec')?.source?.file ?? '';
  const below = /^(.*?)(?:specs|changes)\//i.exec(own)?.[1] ?? '';
  // A retired one is no requirement any more, and OpenSpec has no word for it.
  const living = catalog.specs.filter((spec) => spec.status !== 'retired');
  for (const spec of living) files.set(fileOf(spec, below, files), documentOf(spec));
  return success(files);
}

function fileOf(spec: Spec, below: string, taken: ReadonlyMap<string, string>): string {
  const made = `${below}specs/${specFileName(spec.id).replace(/\.yaml$/u, '')}/spec.md`;
  const source = spec.source?.format === 'openspec' ? spec.source.file : undefined;
  return source === undefined || taken.has(source) ? made : source;
}

function documentOf(spec: Spec): string {
  const kept = keptOf(spec.extra);
  const isDelta = typeof kept['change'] === 'string';
  const living = entriesOf(spec).filter((entry) => statusOf(spec, entry) !== 'retired');
  const parents = parentsOf(living);
  const parts: Part[] =
    kept['title'] === null ? [] : [part('title', spec.title, '', asLayout(asRecord(kept['title'])))];
  if (kept['purpose'] !== null) {
    const layout = asLayout(asRecord(kept['purpose']));
    parts.push(part('purpose', 'Purpose', purposeOf(spec), layout));
  }
  let isOpen = isDelta;
  const left: Criterion[] = [];
  for (const entry of groupEntries(living, parents)) {
    const own = keptOf(entry.extra);
    if (isText(entry)) {
      if (own['heading'] === undefined) {
        if (entry.kind === 'note') left.push(entry);
        continue;
      }
      if (own['place'] === 'requirements') isOpen = true;
      const heading = typeof own['heading'] === 'string' ? own['heading'] : null;
      const body = own['place'] === 'purpose' ? (spec.intent ?? '') : (entry.description ?? '');
      parts.push({ heading, body, layout: asLayout(own) });
      continue;
    }
    if (!isOpen) parts.push(part('requirements', 'Requirements', '', asLayout(asRecord(kept['requirements']))));
    isOpen = true;
    const role = isDelta ? 'proposal' : (parents.get(entry) ?? null) === null ? 'requirement' : 'scenario';
    parts.push(part(role, entry.title, entry.description ?? entry.intent ?? '', asLayout(own)));
  }
  if (!isOpen && spec.source?.format !== 'openspec') parts.push(part('requirements', 'Requirements', '', {}));
  if (left.length > 0) parts.push(part('purpose', 'Notes', left.map(noteText).join('\n\n'), {}));
  const text = parts
    .map(({ heading, body, layout }, index) => textOf(heading, body, layout, index === parts.length - 1))
    .join('');
  const lineEnd = typeof kept['line_end'] === 'string' ? kept['line_end'] : '\n';
  return (kept['bom'] === true ? '\uFEFF' : '') + (lineEnd === '\n' ? text : text.replaceAll('\n', lineEnd));
}

/** OpenSpec refuses a capability without a purpose; a spec of ours may have none. */
function purposeOf(spec: Spec): string {
  if (spec.source?.format === 'openspec') return spec.intent ?? '';
  const texts = [spec.intent, spec.description].filter((text) => text !== undefined && text.trim() !== '');
  const purpose = texts.length === 0 ? spec.title : texts.join('\n\n');
  // A heading of this name would be taken for the section itself, wherever it stands.
  const lines = purpose.split('\n');
  const named = new Set(
    outlineOf(lines)
      .headings.filter(({ title }) => /^(?:requirements|purpose)$/i.test(title))
      .map(({ line }) => line),
  );
  return lines.map((line, index) => (named.has(index) ? ` ${line}` : line)).join('\n');
}

const noteText = (note: Criterion): string => [`### ${oneLine(note.title)}`, note.description ?? ''].join('\n').trim();

/** The heading stays as its author wrote it, but for a title that changed since. */
function headingOf(role: HeadingRole, title: string, kept: string | null | undefined): string {
  if (typeof kept !== 'string') return HEADINGS[role] + oneLine(title);
  const before = titleOfHeading(kept, role);
  const isSame = role === 'purpose' || role === 'requirements' || before === title;
  return isSame ? kept : kept.slice(0, Math.max(0, kept.lastIndexOf(before))) + oneLine(title);
}

function part(role: HeadingRole, title: string, text: string, layout: Layout): Part {
  const heading = headingOf(role, title, layout.heading);
  const level = /^#+/.exec(heading)?.[0].length ?? 1;
  // Below a requirement every heading is a scenario; in a proposal they belong to its text.
  const guarded = guardText(text, role === 'requirement' ? 6 : level);
  return { heading, body: guarded.trim(), layout };
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/gu, ' ').trim();
const isText = (entry: Criterion): boolean => entry.kind === 'note' || entry.kind === 'heading';

/**
 * The requirement of each scenario, by our id or by the tool's; null: it is a requirement itself. There are two levels only:
 * what names a scenario as its requirement is a requirement.
 */
function parentsOf(entries: readonly Criterion[]): ReadonlyMap<Criterion, Criterion | null> {
  const criteria = entries.filter((entry) => !isText(entry));
  const byId = new Map(criteria.flatMap((entry) => [[entry.source?.id ?? entry.id, entry] as const]));
  for (const entry of criteria) byId.set(entry.id, entry);
  const named = new Map(
    criteria.map((entry) => {
      const to = (entry.traces ?? []).find((trace) => trace.role === 'scenario')?.to;
      const parent = to === undefined ? undefined : byId.get(to);
      return [entry, parent === entry ? null : (parent ?? null)];
    }),
  );
  return new Map(
    criteria.map((entry) => {
      const parent = named.get(entry) ?? null;
      return [entry, parent !== null && named.get(parent) === null ? parent : null];
    }),
  );
}

/** The entries in their order, but each scenario among those of its requirement, wherever somebody added it. */
function groupEntries(
  living: readonly Criterion[],
  parents: ReadonlyMap<Criterion, Criterion | null>,
): readonly Criterion[] {
  const groups = new Map<Criterion | null, Criterion[]>([[null, []]]);
  for (const entry of living) if (parents.get(entry) === null) groups.set(entry, [entry]);
  let open: Criterion | null = null;
  for (const entry of living) {
    if (groups.has(entry)) open = entry;
    else groups.get(parents.get(entry) ?? open)?.push(entry);
  }
  return [...groups.values()].flat();
}
