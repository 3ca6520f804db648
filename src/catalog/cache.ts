/**
 * Parsed spec files by the hash of their bytes, in one file a project, a line each: YAML costs 70 µs a criterion, these lines
 * 3. Content decides, never a name or a time stamp. A cache that cannot be read or written is no cache.
 */
import { readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position, Spec } from '../model/index.js';
import { writeRemakeable } from '../util/files.js';
import { canonicalJson, sha256 } from '../util/hash.js';
import { specShape } from './spec-shape.js';
import { jsonSchema } from '../yaml/index.js';

export interface ParseCache {
  /** The spec of a file with these bytes, as if it had been read from `file`; null when it is not known. */
  get(file: string, hash: string): Spec | null;
  put(file: string, hash: string, spec: Spec): void;
  /** Writes what was put, and leaves out what was not asked for once that is much. */
  save(): Promise<void>;
}

/** Counts up when reading changes in a way that the shape does not show, or the lines of this file do. */
const READER = 2;

const NONE: ParseCache = { get: () => null, put: () => undefined, save: async () => undefined };

/** Opens the cache of the project at `root` (absolute, real) in `folder`; null: no cache. */
export async function openParseCache(folder: string | null, root: string): Promise<ParseCache> {
  if (folder === null) return NONE;
  const path = join(folder, `catalog-${sha256(root).slice(0, 16)}.jsonl`);
  // In each line, not once: a command of another version may be adding lines of its own.
  const version = sha256(`${READER}:${canonicalJson(jsonSchema(specShape))}`).slice(0, VERSION_LENGTH);
  const before = storedLines(path);
  const now = new Map<string, string>();
  const fresh: string[] = [];
  return {
    get: (file, hash) => {
      const line = before.lines.get(version + hash);
      const spec = line === undefined ? null : decode(line, file);
      if (line !== undefined && spec !== null) now.set(hash, line);
      return spec;
    },
    put: (file, hash, spec) => {
      const line = encode(version + hash, spec, file);
      if (line === null || now.has(hash)) return;
      now.set(hash, line);
      fresh.push(line);
    },
    save: async () => {
      const stale = before.count + fresh.length - now.size;
      if (stale > before.count * MOST_STALE || fresh.length > before.count * MOST_STALE)
        await writeRemakeable(path, [...now.values(), ''].join('\n')).catch(() => undefined);
      // After an edit of one spec among thousands one line is added. A torn line is one that nobody asks for, or no JSON.
      else if (fresh.length > 0)
        await appendFile(path, ['', ...fresh, ''].join('\n'), { mode: 0o600 }).catch(() => undefined);
    },
  };
}

/** The file is written anew once more than this part of it is of no use, or is missing. */
const MOST_STALE = 0.1;

/** How each line begins: `["`, the version of its form, the hash. */
const KEY_FROM = 2;
const VERSION_LENGTH = 16;
const KEY_TO = KEY_FROM + VERSION_LENGTH + 64;

/** Lines by version and hash, and how many there are. They are taken apart only when they are asked for. */
function storedLines(path: string): { readonly lines: ReadonlyMap<string, string>; readonly count: number } {
  const lines = new Map<string, string>();
  let count = 0;
  let text = '';
  try {
    text = readFileSync(path, 'utf8'); // at once: of many megabytes that takes half as long as in parts
  } catch {
    // No cache yet, or none that can be read: every file is parsed.
  }
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    if (to > from) {
      lines.set(text.slice(from + KEY_FROM, from + KEY_TO), text.slice(from, to));
      count += 1;
    }
    from = to + 1;
  }
  return { lines, count };
}

/** A spec with null in place of each position; these follow as a list of lines and columns, in the order of `eachPlace`. */
type Line = readonly [key: string, spec: Spec, numbers: readonly number[]];

interface Placed {
  position?: Position | null;
}

/** Visits everything in a spec that may have a position, in a fixed order. A generator would take as long as the parsing. */
function eachPlace(spec: Spec, visit: (item: Placed) => void): void {
  // The same objects with a position that may be written: only `decode` does, in a spec that nobody else has yet.
  visit(spec as Placed);
  for (const criterion of spec.criteria ?? []) {
    visit(criterion as Placed);
    for (const link of criterion.verified_by ?? []) visit(link as Placed);
    for (const link of criterion.implemented_by ?? []) visit(link as Placed);
  }
}

/** A line of the file; null for a spec with positions elsewhere. */
function encode(key: string, spec: Spec, file: string): string | null {
  const numbers: number[] = [];
  let elsewhere = false;
  eachPlace(spec, ({ position }) => {
    if (position === undefined || position === null) return;
    elsewhere ||= position.file !== file;
    numbers.push(position.line, position.column);
  });
  if (elsewhere) return null;
  const bare = <T extends { readonly position?: Position }>(item: T): T =>
    item.position === undefined ? item : ({ ...item, position: null } as unknown as T); // the form of a line
  const { criteria } = spec;
  const whole =
    criteria === undefined
      ? bare(spec)
      : {
          ...bare(spec),
          criteria: criteria.map((criterion) => ({
            ...bare(criterion),
            ...(criterion.verified_by === undefined ? {} : { verified_by: criterion.verified_by.map(bare) }),
            ...(criterion.implemented_by === undefined ? {} : { implemented_by: criterion.implemented_by.map(bare) }),
          })),
        };
  return JSON.stringify([key, whole, numbers]);
}

function decode(line: string, file: string): Spec | null {
  try {
    // Written by `encode` under the same version: the form is known.
    const [, spec, numbers] = JSON.parse(line) as Line;
    let at = 0;
    eachPlace(spec, (item) => {
      if (item.position !== null) return;
      item.position = { file, line: numbers[at] ?? 0, column: numbers[at + 1] ?? 0 };
      at += 2;
    });
    return at === numbers.length ? spec : null;
  } catch {
    return null;
  }
}
