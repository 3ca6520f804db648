/** What a file's path says: OpenSpec keeps a capability's name and a change's name nowhere else. */
import type { OpenSpecDocument } from './parse.js';

export interface Place {
  /** Nested ones with `/`. */
  readonly capability: string;
  /** Null: it is in force. */
  readonly change: string | null;
  /** How the tool's readers and people name the document: the capability, for a delta behind its change. */
  readonly name: string;
}

const PATH = /^(?:.*?\/)??(specs|changes\/[^/]+\/specs)\/(.+)\/spec\.md$/i;
const SHORT = /^(?:(.+)\/)?spec\.md$/i;

/** Null: the file is none of a catalog: a proposal, a list of tasks, an archived change. */
export function placeOf(file: string): { readonly capability: string; readonly change: string | null } | null {
  if (/(?:^|\/)changes\/archive\//i.test(file)) return null;
  const [, folder, capability] = PATH.exec(file) ?? [];
  if (folder !== undefined && capability !== undefined)
    return { capability, change: folder.toLowerCase() === 'specs' ? null : (folder.split('/')[1] ?? null) };
  const short = SHORT.exec(file);
  return short === null ? null : { capability: short[1] ?? 'spec', change: null };
}

/** A delta is one by its headings or by its folder; where only the headings say so the change has no name. */
export function documentPlace(file: string, document: OpenSpecDocument): Place | null {
  const place = placeOf(file);
  if (place === null) return null;
  const change = place.change ?? (document.isDelta ? 'unnamed' : null);
  return { ...place, change, name: change === null ? place.capability : `changes/${change}/${place.capability}` };
}
