/**
 * Parsed spec files by content hash, in one JSON file a project: YAML costs 70 µs a criterion, JSON 4. Content decides,
 * never a time stamp. A cache that cannot be read or written is no cache.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spec } from '../model/index.js';
import { writeAtomically } from '../util/files.js';
import { canonicalJson, sha256 } from '../util/hash.js';
import { specShape } from './spec-shape.js';
import { jsonSchema } from './yaml/index.js';

export interface ParseCache {
  get(file: string, hash: string): Spec | null;
  put(file: string, hash: string, spec: Spec): void;
  /** Writes what was put, when it differs from what was read. */
  save(): Promise<void>;
}

/** Counts up when reading changes in a way that the shape does not show. */
const READER = 1;

interface Stored {
  readonly version: string;
  readonly entries: readonly (readonly [file: string, hash: string, spec: Spec])[];
}

const NONE: ParseCache = { get: () => null, put: () => undefined, save: async () => undefined };

/** Opens the cache of the project at `root` (absolute, real) in `folder`; null: no cache. */
export async function openParseCache(folder: string | null, root: string): Promise<ParseCache> {
  if (folder === null) return NONE;
  const path = join(folder, `catalog-${sha256(root).slice(0, 16)}.json`);
  const version = sha256(`${READER}:${canonicalJson(jsonSchema(specShape))}`);
  const before = new Map<string, readonly [hash: string, spec: Spec]>();
  for (const [file, hash, spec] of await stored(path, version)) before.set(file, [hash, spec]);
  const now = new Map<string, readonly [hash: string, spec: Spec]>();
  return {
    get: (file, hash) => {
      const found = before.get(file);
      return found?.[0] === hash ? found[1] : null;
    },
    put: (file, hash, spec) => void now.set(file, [hash, spec]),
    save: async () => {
      if (now.size === before.size && [...now].every(([file, [hash]]) => before.get(file)?.[0] === hash)) return;
      const content: Stored = { version, entries: [...now].map(([file, [hash, spec]]) => [file, hash, spec] as const) };
      await writeAtomically(path, JSON.stringify(content), 0o600).catch(() => undefined);
    },
  };
}

async function stored(path: string, version: string): Promise<Stored['entries']> {
  try {
    const content: unknown = JSON.parse(await readFile(path, 'utf8'));
    // Written by `save` under the same version: the form is known.
    const found = content as Stored;
    return found.version === version && Array.isArray(found.entries) ? found.entries : [];
  } catch {
    return [];
  }
}
