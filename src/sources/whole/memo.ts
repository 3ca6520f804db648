/**
 * What files hold, remembered by what the file system says of them. A folder is remembered as a whole, under the digest of its
 * listing (name, mode, size, mtime, ctime and inode of each file): no path and no file can take the place of another.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { orNull, writeRemakeable } from '../../util/files.js';

/** File name → what stands for its content, and the paths that its text names above itself. */
export type FolderContents = Readonly<Record<string, readonly [hash: string, climbing?: readonly string[]]>>;

export interface WholeMemo {
  get(listing: string): FolderContents | undefined;
  put(listing: string, contents: FolderContents): void;
  save(): Promise<void>;
}

/** Changes whenever a folder's entry means something else. */
const VERSION = 1;
const MAX_FOLDERS = 40_000;

/** @param folder where the memo lies; null: this process only. One that cannot be read is empty: files are then read again. */
export function openWholeMemo(folder: string | null): WholeMemo {
  const path = folder === null ? null : join(folder, 'whole.json');
  const stored = path === null ? null : orNull(() => JSON.parse(readFileSync(path, 'utf8')) as unknown);
  const { version, folders } = (stored ?? {}) as { version?: unknown; folders?: Record<string, FolderContents> };
  const known = new Map(version === VERSION && typeof folders === 'object' ? Object.entries(folders) : []);
  const used = new Map<string, FolderContents>();
  let fresh = false;
  return {
    get: (listing) => {
      const there = known.get(listing);
      if (there !== undefined) used.set(listing, there);
      return there;
    },
    put: (listing, contents) => {
      known.set(listing, contents);
      used.set(listing, contents);
      fresh = true;
    },
    save: async () => {
      if (path === null || !fresh) return;
      fresh = false;
      // What was asked for in this run comes last, so that it is kept when there is too much.
      const all = [...[...known].filter(([key]) => !used.has(key)), ...used].slice(-MAX_FOLDERS);
      await writeRemakeable(path, JSON.stringify({ version: VERSION, folders: Object.fromEntries(all) })).catch(
        () => undefined,
      );
    },
  };
}
