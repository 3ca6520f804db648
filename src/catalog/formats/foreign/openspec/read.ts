/** OpenSpec documents → a catalog: a spec a capability or delta, a criterion a requirement or scenario, notes for all else. */
import { failure, success, type Catalog, type Failure, type Result } from '../../../../model/index.js';
import { LIMITS } from '../../../limits.js';
import { decodeText } from '../document.js';
import type { ForeignCatalog, ForeignFile } from '../format.js';
import { nativeIds } from '../native-ids.js';
import { nameEntries, specOf, type NamedEntry, type Source } from './entries.js';
import { parseOpenSpec } from './parse.js';
import { documentPlace, placeOf } from './place.js';

export async function readOpenSpec(files: readonly ForeignFile[]): Promise<Result<ForeignCatalog>> {
  const failures: Failure[] = [];
  const sources: Source[] = [];
  const notes: string[] = [];
  let others = 0;
  for (const { file, content } of files) {
    if (placeOf(file) === null) {
      others += 1;
      continue;
    }
    const decoded = decodeText(content, file);
    if (!decoded.ok) failures.push(...decoded.failures);
    else {
      const source = sourceOf(file, decoded.value, content);
      if (source !== null) sources.push(source);
      if (source !== null) notes.push(...notesOf(source));
    }
  }
  const entries = nameEntries(sources);
  failures.push(...sources.flatMap(fenceFailures), ...entries.flatMap(sizeFailures));
  if (failures.length > 0) return failure(...failures);
  const specIds = nativeIds(
    sources.map(({ place }) => place.name),
    'SPEC-',
  );
  const ids = nativeIds(
    entries.map(({ name }) => name),
    'AC-',
  );
  const catalog: Catalog = {
    specs: sources.map((source) => specOf(source, specIds.get(source.place.name) ?? '', entries, ids)),
  };
  const passedOver = `${others} of ${files.length} files are no specs (proposals, tasks, archived changes) and stay where they are.`;
  return success({ catalog, notes: [...notes, ...repeated(entries), ...(others === 0 ? [] : [passedOver])] });
}

function sourceOf(file: string, text: string, content: Uint8Array): Source | null {
  // The decoder swallows a byte order mark.
  const hasMark = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf;
  const ends = new Set(text.match(/\r\n|\r|\n/gu) ?? []);
  const [only] = ends.size === 1 ? ends : [];
  const document = parseOpenSpec(text.replace(/\r\n?/gu, '\n'));
  const place = documentPlace(file, document);
  if (place === null) return null;
  return { file, place, document, hasMark, lineEnd: only ?? '\n', isMixed: ends.size > 1 };
}

/** What the tool itself refuses, or what changes here: nothing is lost by it. */
function notesOf({ file, document, place, isMixed }: Source): string[] {
  const lacks = (role: string): boolean => !document.blocks.some((block) => block.role === role);
  return [
    ...(isMixed ? [`${file} has line ends of more than one kind; an export writes line feeds.`] : []),
    ...(place.change === null && lacks('purpose')
      ? [`${file} has no section "Purpose": OpenSpec itself refuses it.`]
      : []),
    ...(place.change === null && lacks('requirements')
      ? [`${file} has no section "Requirements": its text is kept as notes, and none of it is a criterion.`]
      : []),
  ];
}

/** A fence that hides the rest of the file hides requirements: nobody would miss them. */
function fenceFailures({ file, document }: Source): Failure[] {
  if (document.openFence === null) return [];
  return [
    {
      kind: 'invalid-spec',
      message: `${file}:${document.openFence}: a code fence opens here and never ends, so that OpenSpec sees no heading below it.`,
      hint: 'Close the fence.',
      file,
      line: document.openFence,
      column: 1,
    },
  ];
}

function sizeFailures({ source, block, title, name }: NamedEntry): Failure[] {
  const long =
    [...title].length > LIMITS.title || [...name].length > LIMITS.title
      ? `title is longer than ${LIMITS.title} characters`
      : [...block.body].length > LIMITS.text
        ? `text is longer than ${LIMITS.text} characters`
        : null;
  if (long === null) return [];
  const { file } = source;
  const message = `${file}:${block.line}: the ${long}.`;
  return [{ kind: 'invalid-spec', message, hint: 'Shorten it.', file, line: block.line, column: 1 }];
}

/** OpenSpec tells requirements apart by their titles alone; a title that stands twice gets a number here. */
function repeated(entries: readonly NamedEntry[]): string[] {
  return entries.flatMap(({ source, block, title, earlier }) =>
    earlier === null || block.role === 'text'
      ? []
      : [`${source.file}:${block.line}: the ${block.role} "${title}" stands at ${source.file}:${earlier} already.`],
  );
}
