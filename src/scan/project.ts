/**
 * The project as analysers see it, and what they looked at: the facts that a cached answer hangs on.
 */
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { blobId } from './blob.js';
import type { Facts } from './cache.js';
import type { ProjectView } from './language.js';

/** What scan is given of each file; sources/ makes them. */
export interface ScannedFile {
  readonly path: string;
  readonly mode: string;
  readonly size: number;
  readonly blob: string | null;
}

/** Files beyond this are generated or data; they are neither read nor analysed. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Recently read files, so that a helper that many tests import is read once. */
const MAX_KEPT = 128;

/** Reads a regular file of about `size` bytes; a symlink in its place is an error. Plain calls: twice as fast as `readFileSync`. */
function readWithoutFollowing(path: string, size: number): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.allocUnsafe(size + 1);
    let length = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += count;
      if (count === 0) return buffer.subarray(0, length);
      // Longer than it was when it was listed.
      if (length === buffer.length) return Buffer.concat([buffer, readFileSync(descriptor)]);
    }
  } finally {
    closeSync(descriptor);
  }
}

export class Project {
  readonly #root: string;
  readonly #files: ReadonlyMap<string, ScannedFile>;
  readonly #blobs = new Map<string, string | null>();
  readonly #kept = new Map<string, Buffer | null>();
  #sorted: readonly string[] | null = null;
  #listing: string | null = null;

  constructor(root: string, files: readonly ScannedFile[]) {
    this.#root = root;
    this.#files = new Map(files.map((file) => [file.path, file]));
  }

  exists(path: string): boolean {
    return this.#files.has(path);
  }

  /** Bytes of a listed regular file, or null. Symlinks are not followed. */
  readNow(path: string, limit = MAX_FILE_BYTES): Buffer | null {
    const file = this.#files.get(path);
    if (file === undefined || file.mode === '120000' || file.size > limit) return null;
    try {
      return readWithoutFollowing(join(this.#root, path), file.size);
    } catch {
      return null;
    }
  }

  readKept(path: string): Buffer | null {
    const known = this.#kept.get(path);
    if (known !== undefined) return known;
    const bytes = this.readNow(path);
    if (this.#kept.size >= MAX_KEPT) {
      const oldest = this.#kept.keys().next();
      if (oldest.done !== true) this.#kept.delete(oldest.value);
    }
    this.#kept.set(path, bytes);
    return bytes;
  }

  /** Blob id of what is on disk; null for what cannot be read. */
  blobOf(path: string): string | null {
    const listed = this.#files.get(path)?.blob;
    if (listed !== null && listed !== undefined) return listed;
    let known = this.#blobs.get(path);
    if (known === undefined) {
      const bytes = this.readNow(path);
      known = bytes === null ? null : blobId(bytes);
      this.#blobs.set(path, known);
    }
    return known;
  }

  noteBlob(path: string, bytes: Buffer): string {
    const blob = this.#files.get(path)?.blob ?? blobId(bytes);
    this.#blobs.set(path, blob);
    return blob;
  }

  get files(): readonly string[] {
    return (this.#sorted ??= [...this.#files.keys()].sort());
  }

  #fact(path: string, kind: string): string {
    if (path === '*') return (this.#listing ??= blobId(Buffer.from(this.files.join('\0'))));
    if (kind === '+' || kind === '-') return this.exists(path) ? '+' : '-';
    return this.blobOf(path) ?? '-';
  }

  holds(facts: Facts): boolean {
    return facts.every(([path, fact]) => this.#fact(path, fact) === fact);
  }

  /** A view for the analysis of one file that notes what it is asked. */
  view(): { readonly project: ProjectView; facts(): Facts } {
    const asked = new Map<string, string>();
    const listing = (): readonly string[] => {
      asked.set('*', this.#fact('*', ''));
      return this.files;
    };
    const project: ProjectView = {
      read: async (path) => {
        const bytes = this.readKept(path);
        asked.set(path, bytes === null ? '-' : this.noteBlob(path, bytes));
        return bytes;
      },
      exists: (path) => {
        const there = this.exists(path);
        if (!asked.has(path)) asked.set(path, there ? '+' : '-');
        return there;
      },
      get files() {
        return listing();
      },
    };
    return { project, facts: () => [...asked].sort(([left], [right]) => (left < right ? -1 : 1)) };
  }
}
