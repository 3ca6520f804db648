/** Links ↔ pairs of a location record and a link record. */
import type { Criterion, DeclaredLink, ImplementationLink, Json } from '../../model/index.js';
import { unsafePathReason } from '../../util/files.js';
import { canonicalJson, hashFields } from '../../util/hash.js';
import { linkRecord } from '../record.js';
import { selectorPath } from '../spec-shape.js';
import type { JsonMap } from '../../yaml/index.js';
import { isJsonMap, textOf } from './jsonl-lines.js';
import { testQuery, type ResolveTest } from './test-command.js';

/** A link record with its location, without `type`. */
export interface LinkPair {
  readonly link: JsonMap;
  readonly location: JsonMap;
}

/** What the model made of a pair: a link that verifies, code that implements, or nothing. */
export type LinkMeaning = { readonly verifies: DeclaredLink } | { readonly implements: ImplementationLink } | null;

/** Identity of what a pair stands for: kept beside the pair, so that it is found again after edits. */
export const meaningKey = (meaning: LinkMeaning): JsonMap | null =>
  meaning === null
    ? null
    : 'verifies' in meaning
      ? { [meaning.verifies.kind]: meaning.verifies.target }
      : { code: meaning.implements.code };

/** Everything that the criterion links to, as meanings. */
export const meaningsOf = (criterion: Criterion): readonly Exclude<LinkMeaning, null>[] => [
  ...(criterion.verified_by ?? []).map((link) => ({ verifies: link })),
  ...(criterion.implemented_by ?? []).map((link) => ({ implements: link })),
];

/** The pair that we write for a link of ours: ids from its content, no clock. */
export function generatedPair(criterion: string, meaning: Exclude<LinkMeaning, null>): LinkPair {
  const location = 'verifies' in meaning ? verifyingLocation(meaning.verifies) : codeLocation(meaning.implements);
  const locationId = `cl-${hashFields(['coherence', ...Object.entries(location).flat(), 'verifies' in meaning && meaning.verifies.kind === 'manual' ? meaning.verifies.target : ''])}`;
  const own = 'verifies' in meaning ? ownPart(meaning.verifies, 'run') : null;
  const relation = 'verifies' in meaning ? 'verified_by' : 'implemented_by';
  const link: JsonMap = {
    id: `acl-${hashFields(['coherence', criterion, locationId, relation, own === null ? null : canonicalJson(own)])}`,
    ac_id: criterion,
    code_location_id: locationId,
    relation_kind: relation,
    note: noteOf(meaning),
    created_at: '',
    updated_at: '',
    ...(own === null ? {} : { coherence: own }),
  };
  return { link, location: { id: locationId, created_at: '', updated_at: '', ...location } };
}

export const noteOf = (meaning: Exclude<LinkMeaning, null>): string =>
  ('verifies' in meaning ? meaning.verifies.note : meaning.implements.note) ?? '';

/** What a link says that its records have no word for; null when they say all. `plain` is the kind whose target a location holds. */
export function ownPart(link: DeclaredLink, plain: DeclaredLink['kind'] | 'any'): JsonMap | null {
  const { note: _note, ...rest } = linkRecord(link);
  return Object.keys(rest).length === 1 && (plain === 'any' || link.kind === plain) ? null : rest;
}

function verifyingLocation(link: DeclaredLink): Record<string, string> {
  const base = { kind: 'test_command', file_path: '', repo_path: '', symbol: '', test_command: '' };
  if (link.kind === 'run') return { ...base, test_command: link.target };
  if (link.kind === 'manual') return { ...base, kind: 'manual' };
  const file = selectorPath(link.target);
  return {
    ...base,
    kind: 'test_file',
    file_path: file,
    symbol: link.target.slice(file.length).replace(/^(?: > |::)/, ''),
  };
}

function codeLocation({ code }: ImplementationLink): Record<string, string> {
  const cut = code.indexOf('::');
  return {
    kind: 'file',
    file_path: cut < 0 ? code : code.slice(0, cut),
    repo_path: '',
    symbol: cut < 0 ? '' : code.slice(cut + 2),
    test_command: '',
  };
}

/**
 * What an imported pair means. `readOwn` reads the part of ours (already checked). Commands of known runners become
 * `test:` where `resolve` finds the one test, else `run:`.
 */
export function meaningOf(pair: LinkPair, own: DeclaredLink | null, resolve: ResolveTest): LinkMeaning {
  const relation = textOf(pair.link, 'relation_kind');
  const note = textOf(pair.link, 'note');
  const noted = note === '' ? {} : { note };
  const file = textOf(pair.location, 'file_path');
  const symbol = textOf(pair.location, 'symbol');
  const safeFile = file !== '' && unsafePathReason(file) === null ? file : null;
  if (relation === 'implemented_by' || relation === 'implements')
    return safeFile === null
      ? null
      : { implements: { code: symbol === '' ? safeFile : `${safeFile}::${symbol}`, ...noted } };
  if (relation !== 'verified_by') return null;
  if (own !== null) return { verifies: { ...own, ...noted } };
  const command = textOf(pair.location, 'test_command');
  const query =
    command.trim() === ''
      ? { runner: null, file: safeFile, scope: null, target: null, name: symbol === '' ? null : symbol }
      : testQuery(command, safeFile);
  const selector = query === null || (query.runner === null && query.file === null) ? null : resolve(query);
  if (selector !== null) return { verifies: { kind: 'test', target: selector, ...noted } };
  return command.trim() === '' ? null : { verifies: { kind: 'run', target: command, ...noted } };
}

/** A stored pair: what the import brought, and what the model made of it. */
export interface StoredPair extends LinkPair {
  readonly as: JsonMap | null;
}

export const storedPair = ({ link, location, as }: StoredPair): Json => ({
  link,
  location,
  ...(as === null ? {} : { as }),
});

/** Reads stored pairs back from `extra`; what is none (edited by hand) is passed over. */
export function storedPairs(value: Json | undefined): readonly StoredPair[] {
  if (!Array.isArray(value)) return [];
  // Array.isArray narrows to any[]; each entry is looked at.
  return (value as readonly Json[]).flatMap((entry) => {
    if (!isJsonMap(entry)) return [];
    const [link, location, as] = [entry['link'], entry['location'], entry['as']];
    return isJsonMap(link) && isJsonMap(location) ? [{ link, location, as: isJsonMap(as) ? as : null }] : [];
  });
}
