/** A file of the project as analysis sees it. */
export interface SourceFile {
  /** Relative to the project's root, `/` separators, as git names it. */
  readonly path: string;
  /** As git writes it: `100644`, `100755`, `120000` (symlink; never followed). */
  readonly mode: string;
  /** Bytes. */
  readonly size: number;
  /** Git blob id of exactly the bytes on disk, when git's index vouches for them; null when only hashing can tell. */
  readonly blob: string | null;
}

export interface ListOptions {
  /** Further globs to leave out (`*`, `**`, `?`, `{a,b}`; a pattern without `/` matches at any depth, a folder takes all below it). */
  readonly extraIgnores?: readonly string[];
}

/** What differs between a commit and the working tree. `from` is the old path of a renamed file. */
export interface ChangedFile {
  readonly path: string;
  readonly status: 'added' | 'modified' | 'deleted' | 'renamed';
  readonly from?: string;
}

/** One path of a commit's tree. */
export interface CommittedFile {
  readonly path: string;
  readonly mode: string;
  readonly blob: string;
}

/** One entry of the working tree, before anything is left out. Internal to this room. */
export interface TreeEntry {
  readonly path: string;
  readonly kind: 'file' | 'symlink' | 'submodule';
  readonly mode: string;
  readonly size: number;
  /** Blob id of the bytes on disk; null = unknown without reading. For a submodule the commit that the index records. */
  readonly blob: string | null;
  /** What the index records, whether or not the bytes on disk are the same (filters, changes); null when untracked. */
  readonly indexBlob: string | null;
  /** Mode in the index; null when untracked. */
  readonly indexMode: string | null;
  /** The index's stat data says: not touched since it was added. */
  readonly untouched: boolean;
}

export interface WorkingTree {
  /** Where the root lies in its repository: '' at the top, else with a `/` at its end. */
  readonly prefix: string;
  /** False outside git, or where git refuses the repository. */
  readonly inGit: boolean;
  /** The index says what the commit says. */
  readonly nothingStaged: boolean;
  /** The commit that is checked out; null before the first one. */
  readonly head: string | null;
  /** `sha1` or `sha256`: how this repository names blobs. */
  readonly algorithm: 'sha1' | 'sha256';
  /** Sorted by path (UTF-16 order). */
  readonly entries: readonly TreeEntry[];
  /** Tracked paths that are gone from disk. */
  readonly missing: readonly string[];
}
