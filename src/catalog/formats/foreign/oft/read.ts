/** OpenFastTrace documents → a catalog: a spec a file, a criterion an item. */
import {
  failure,
  success,
  type Criterion,
  type Failure,
  type Result,
  type Spec,
  type Trace,
} from '../../../../model/index.js';
import { decodeText, documentTitle, specIdOf } from '../document.js';
import type { ForeignCatalog, ForeignFile } from '../format.js';
import { nativeIds } from '../native-ids.js';
import { oftIdText, type OftItem } from './item.js';
import { titleOf, type Markup } from './lines.js';
import { parseOftDocument } from './parse.js';

/** Words of OFT for what is not agreed yet, or no more; all others are approved. */
const STATUS: Readonly<Record<string, Criterion['status']>> = {
  proposed: 'draft',
  draft: 'draft',
  rejected: 'retired',
};

interface Document {
  readonly file: string;
  readonly title: string;
  readonly items: readonly OftItem[];
}

export async function readOft(files: readonly ForeignFile[]): Promise<Result<ForeignCatalog>> {
  const failures: Failure[] = [];
  const documents: Document[] = [];
  for (const { file, content } of files) {
    const text = decodeText(content, file);
    if (!text.ok) failures.push(...text.failures);
    else {
      const lines = text.value.split(/\r\n|\n|\r/u);
      const markup: Markup = /\.rst$/i.test(file) ? 'rst' : 'md';
      const items = parseOftDocument(lines, markup);
      const title = documentTitle(lines, (line, next) => titleOf(line, next, markup)?.text ?? null, file);
      if (items.length > 0) documents.push({ file, title, items });
    }
  }
  if (failures.length > 0) return failure(...failures);
  const ids = criterionIds(documents);
  const specs = nativeIds(
    documents.map(({ file }) => specIdOf(file)),
    'SPEC-',
  );
  return success({
    catalog: { specs: documents.map((document) => specOf(document, ids, specs.get(specIdOf(document.file)) ?? '')) },
    notes: [
      ...repeatedIds(documents),
      ...(documents.length === files.length
        ? []
        : [`${files.length - documents.length} of ${files.length} files hold no item.`]),
    ],
  });
}

/** An id that stands twice is a defect to OFT, and it reads both: so do we, and say so. */
function repeatedIds(documents: readonly Document[]): string[] {
  const places = new Map<string, string>();
  return documents.flatMap(({ file, items }) =>
    items.flatMap((item) => {
      const id = oftIdText(item.id);
      const earlier = places.get(id);
      places.set(id, earlier ?? `${file}:${item.line}`);
      return earlier === undefined ? [] : [`${file}:${item.line}: the item ${id} stands at ${earlier} already.`];
    }),
  );
}

/**
 * The native id of each item. The revision is no part of it, so that it stays when the wording moves on, but where two
 * revisions of one item stand side by side; of equal ids the second one gets a number.
 */
function criterionIds(documents: readonly Document[]): ReadonlyMap<OftItem, string> {
  const items = documents.flatMap((document) => document.items);
  const stem = (item: OftItem): string => `${item.id.type}~${item.id.name}`;
  const revisions = new Map<string, Set<number>>();
  for (const item of items) revisions.set(stem(item), (revisions.get(stem(item)) ?? new Set()).add(item.id.revision));
  const times = new Map<string, number>();
  const names = items.map((item) => {
    const name = revisions.get(stem(item))?.size === 1 ? stem(item) : oftIdText(item.id);
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    return time === 1 ? name : `${name}~again-${time}`;
  });
  const natives = nativeIds(names, 'AC-');
  return new Map(items.map((item, index) => [item, natives.get(names[index] ?? '') ?? '']));
}

function specOf(document: Document, ids: ReadonlyMap<OftItem, string>, id: string): Spec {
  return {
    id,
    title: document.title,
    level: 'module',
    status: 'active',
    criteria: document.items.map((item) => criterionOf(item, document.file, ids)),
    source: { format: 'oft', file: document.file },
  };
}

function criterionOf(item: OftItem, file: string, ids: ReadonlyMap<OftItem, string>): Criterion {
  const text = (name: 'description' | 'rationale', value: string): Partial<Criterion> =>
    value.trim() === '' ? {} : { [name]: value.trim() };
  const traces = [
    ...item.covers.map((to): Trace => ({ to: oftIdText(to), role: 'covers' })),
    ...item.depends.map((to): Trace => ({ to: oftIdText(to), role: 'depends' })),
  ];
  const status = item.status === null ? undefined : STATUS[item.status];
  const own = {
    ...(item.title === null ? { untitled: true } : {}),
    ...(item.forwards ? { forwards: true } : {}),
  };
  return {
    id: ids.get(item) ?? '',
    title: item.title === null || item.title.trim() === '' ? item.id.name : item.title.trim(),
    revision: String(item.id.revision),
    ...(item.section.length === 0 ? {} : { section: item.section }),
    ...text('description', item.description),
    ...text('rationale', item.rationale),
    ...(item.comment.trim() === '' ? {} : { comments: [item.comment.trim()] }),
    ...(status === undefined ? {} : { status }),
    ...(item.needs.length === 0 ? {} : { needs: item.needs }),
    ...(traces.length === 0 ? {} : { traces }),
    ...(item.tags.length === 0 ? {} : { tags: item.tags }),
    markup: /\.rst$/i.test(file) ? 'rst' : 'md',
    source: {
      format: 'oft',
      id: oftIdText(item.id),
      ...(item.status === null ? {} : { status: item.status }),
      file,
      line: item.line,
    },
    ...(Object.keys(own).length === 0 ? {} : { extra: { oft: own } }),
  };
}
