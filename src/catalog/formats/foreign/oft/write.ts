/** A catalog → OpenFastTrace Markdown, a file a spec. What OFT has no word for is left out and stays in our own files. */
import { criteriaOf, success, type Catalog, type Criterion, type Result, type Spec } from '../../../../model/index.js';
import type { WrittenFiles } from '../format.js';
import { specFileName } from '../../../ids.js';
import { oftIdText, parseOftId, type OftId } from './item.js';
import { forwardOf, idOf, isSwitch, keywordOf, statusOf, titleOf } from './lines.js';

const OFT_STATUS: Readonly<Record<string, string>> = { draft: 'draft', retired: 'rejected' };
const WORD = /^\w+$/;

export async function writeOft(catalog: Catalog): Promise<Result<WrittenFiles>> {
  const files = new Map<string, string>();
  for (const spec of catalog.specs) files.set(fileOf(spec, files), documentOf(spec));
  return success(files);
}

function fileOf(spec: Spec, taken: ReadonlyMap<string, string>): string {
  const own = specFileName(spec.id).replace(/\.yaml$/u, '.md');
  const source = spec.source?.format === 'oft' ? spec.source.file : undefined;
  const wanted = source === undefined ? own : source.replace(/\.[^./]+$/u, '.md');
  return taken.has(wanted) ? own : wanted;
}

/** The item's id in OFT: the one that it came with, else made from ours. A revision that changed here is the newer one. */
export function oftIdOf(criterion: Criterion): OftId {
  const own = criterion.source?.format === 'oft' ? parseOftId(criterion.source.id ?? '') : null;
  const revision = /^\d+$/.test(criterion.revision ?? '') ? Number(criterion.revision) : (own?.revision ?? 1);
  if (own !== null) return { ...own, revision };
  const name = criterion.id
    .replace(/^AC-/u, '')
    .replace(/[^\p{L}\p{N}_.-]+/gu, '-')
    .replace(/\.+(?=\.|$)/gu, '');
  return { type: 'req', name: /^\p{L}/u.test(name) ? name : `ac-${name}`, revision };
}

function documentOf(spec: Spec): string {
  const blocks: string[] = [];
  let open: readonly string[] = [];
  const heading = (text: string, depth: number): void => void blocks.push(`${'#'.repeat(depth)} ${oneLine(text)}`);
  if (criteriaOf(spec)[0]?.section?.[0] !== spec.title) heading(spec.title, 1);
  for (const criterion of criteriaOf(spec)) {
    const section = criterion.section ?? [];
    const common = section.findIndex((text, index) => open[index] !== text);
    const from = common < 0 ? section.length : common;
    for (const [index, text] of section.entries()) if (index >= from) heading(text, index + 1);
    open = section;
    blocks.push(...itemBlocks(criterion, section.length, blocks.at(-1)?.startsWith('#') === true));
  }
  return `${blocks.join('\n\n')}\n`;
}

function itemBlocks(criterion: Criterion, depth: number, isBelowHeading: boolean): string[] {
  const own = criterion.extra?.['oft'];
  const marks = typeof own === 'object' && own !== null && !Array.isArray(own) ? (own as Record<string, unknown>) : {};
  const id = oftIdOf(criterion);
  const references = (role: string): string[] =>
    (criterion.traces ?? []).filter((trace) => (trace.role ?? 'covers') === role).map((trace) => trace.to);
  const covers = references('covers');
  if (marks['forwards'] === true && covers[0] !== undefined)
    return [`${id.type} --> ${(criterion.needs ?? []).join(', ')} : ${covers[0]}`];
  // A heading above an item is its title, whatever stands between them but text.
  const title =
    marks['untitled'] === true
      ? isBelowHeading
        ? ['<!-- no title -->']
        : []
      : [`${'#'.repeat(depth + 1)} ${oneLine(criterion.title)}`];
  const status = statusWord(criterion);
  const text = (keyword: string, value: string | undefined): string[] =>
    value === undefined || value === '' ? [] : [keyword, guarded(value)].filter((part) => part !== '');
  const list = (keyword: string, ids: readonly string[]): string[] =>
    ids.length === 0 ? [] : [keyword, ids.map((to) => `* \`${to}\``).join('\n')];
  const words = (keyword: string, items: readonly string[] | undefined): string[] =>
    items === undefined || items.length === 0
      ? []
      : items.every((item) => WORD.test(item))
        ? [`${keyword} ${items.join(', ')}`]
        : [`${keyword}\n${items.map((item) => `* ${oneLine(item)}`).join('\n')}`];
  const head = [...title, `\`${oftIdText(id)}\``];
  return [
    // The id stands directly below its heading.
    title[0]?.startsWith('#') === true ? head.join('\n') : head.join('\n\n'),
    ...(status === null ? [] : [`Status: ${status}`]),
    ...text('', criterion.description ?? criterion.intent),
    ...text('Rationale:', criterion.rationale),
    ...text('Comment:', criterion.comments?.join('\n\n')),
    ...list('Covers:', covers),
    ...list('Depends:', references('depends')),
    ...words('Tags:', criterion.tags),
    ...words('Needs:', criterion.needs),
  ];
}

/** The status as it came, where it still means the same; null: approved, which OFT need not be told. */
function statusWord(criterion: Criterion): string | null {
  const original = criterion.source?.format === 'oft' ? criterion.source.status : undefined;
  const now = OFT_STATUS[criterion.status ?? ''] ?? null;
  if (original === undefined) return now;
  const meant = original === 'proposed' ? 'draft' : original;
  return meant === (now ?? 'approved') ? original : now;
}

const oneLine = (text: string): string => text.replace(/\s*\n\s*/gu, ' ').trim();

/** A text whose lines OFT would take for its own words gets a blank before those: a line that begins with one means nothing. */
function guarded(text: string): string {
  const lines = text.split('\n');
  return lines
    .map((line, index) => {
      const next = lines[index + 1] ?? null;
      const means =
        idOf(line) !== null ||
        keywordOf(line) !== null ||
        statusOf(line) !== null ||
        titleOf(line, next, 'md') !== null;
      return means || forwardOf(line) !== null || isSwitch(line, 'off') ? ` ${line}` : line;
    })
    .join('\n');
}
