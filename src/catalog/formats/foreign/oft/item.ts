/** A specification item of OpenFastTrace, as its importers see it, and the form of its ids. */

/** `req~auto-off~2`: artifact type, name, revision. */
export interface OftId {
  readonly type: string;
  readonly name: string;
  readonly revision: number;
}

export interface OftItem {
  readonly id: OftId;
  readonly line: number;
  /** The heading directly before the item; null: none. */
  readonly title: string | null;
  /** Headings above it, from the outermost on, its own title not among them. */
  readonly section: readonly string[];
  /** As written; null: not written, which means approved. */
  readonly status: string | null;
  readonly description: string;
  readonly rationale: string;
  readonly comment: string;
  readonly covers: readonly OftId[];
  readonly depends: readonly OftId[];
  readonly needs: readonly string[];
  readonly tags: readonly string[];
  /** Made by a forward (`arch --> dsn : req~x~1`). */
  readonly forwards: boolean;
}

/** Letters of any script; the name may hold digits, `_`, `-` and inner dots. A greedy run of names, as OFT reads them. */
export const ID_SOURCE = '[\\p{L}]+~[\\p{L}][\\p{L}\\p{M}\\p{N}\\p{Pc}-]*(?:\\.[\\p{L}\\p{M}\\p{N}\\p{Pc}-]+)*~\\d+';

const ID = /^([\p{L}]+)~([\p{L}][\p{L}\p{M}\p{N}\p{Pc}.-]*)~(\d+)$/u;

/** The parts of an id; null when the text is none. A revision of `01` is 1. */
export function parseOftId(text: string): OftId | null {
  const match = ID.exec(text.trim());
  const [, type, name, revision] = match ?? [];
  return type === undefined || name === undefined ? null : { type, name, revision: Number(revision) };
}

export const oftIdText = (id: OftId): string => `${id.type}~${id.name}~${id.revision}`;
