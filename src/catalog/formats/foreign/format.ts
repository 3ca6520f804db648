/**
 * What a catalog format of another tool is here: one folder below `formats/`, one entry in `foreign/index.ts`.
 * Reading executes nothing, and is all or nothing: bad input gives failures with file:line:column, never an exception.
 */
import type { Catalog, Result } from '../../../model/index.js';

/** A file of another tool, whole. */
export interface ForeignFile {
  /** As failures name it, with `/`; the part below the imported folder decides ids that are made from paths. */
  readonly file: string;
  readonly content: Uint8Array;
}

export interface ForeignCatalog {
  /** Ids are native (`SPEC-…`, `AC-…`); `source.id` of each criterion is the tool's own id, letter by letter. */
  readonly catalog: Catalog;
  /** What the user should know: items that were left out, and why. One sentence each. */
  readonly notes: readonly string[];
}

/** File name (below the export's folder) → content. */
export type WrittenFiles = ReadonlyMap<string, string | Uint8Array>;

export interface CatalogFormat {
  /** As `--from` and `--format` name it. */
  readonly name: string;
  /** The tool's own name, for people. */
  readonly title: string;
  /** Whether a file of a folder is one of its; a file that is named alone is always read. */
  readonly takes: (file: string) => boolean;
  /** Null: the format is written only. Failures are `invalid-spec`, all of all files. */
  readonly read: ((files: readonly ForeignFile[]) => Promise<Result<ForeignCatalog>>) | null;
  /** Null: the format is read only. Equal catalogs give equal bytes. */
  readonly write: ((catalog: Catalog) => Promise<Result<WrittenFiles>>) | null;
}
