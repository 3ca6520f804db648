/**
 * Parsed spec files by the hash of their bytes, in one file a project, a line each: YAML costs 70 µs a criterion, these lines
 * 3. Content decides, never a name or a time stamp. A cache that cannot be read or written is no cache.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Position, Spec } from '../model/index.js';
import { writeAtomically } from '../util/files.js';
import { canonicalJson, sha256 } from '../util/hash.js';
import { specShape } from './spec-shape.js';
import { jsonSchema } from './yaml/index.js';

export interface ParseCache {
  /** The spec of a file with these bytes, as if it had been read from `file`; null when it is not known. */
  get(file: string, hash: string): Spec | null;
  put(file: string, hash: string, spec: Spec): void;
  /** Writes what was put and asked for, when it differs from what was read. */
  save(): Promise<void>;
}

/** Counts up when reading changes in a way that the shape does not show, or the lines of this file do. */
const READER = 2;

const NONE: ParseCache = { get: () => null, put: () => undefined, save: async () => undefined };

/** Opens the cache of the project at `root` (absolute, real) in `folder`; null: no cache. */
export async function openParseCache(folder: string | null, root: string): Promise<ParseCache> {
  if (folder === null) return NONE;
  const path = join(folder, `catalog-${sha256(root).slice(0, 16)}.jsonl`);
  const version = JSON.stringify(sha256(`${READER}:${canonicalJson(jsonSchema(specShape))}`));
  const before = storedLines(path, version);
  const now = new Map<string, string>();
  return {
    get: (file, hash) => {
      const line = before.get(hash);
      const spec = line === undefined ? null : decode(line, file);
      if (line !== undefined && spec !== null) now.set(hash, line);
      return spec;
    },
    put: (file, hash, spec) => {
      const line = encode(hash, spec, file);
      if (line !== null) now.set(hash, line);
    },
    save: async () => {
      if (now.size === before.size && [...now].every(([hash, line]) => before.get(hash) === line)) return;
      await writeAtomically(path, [version, ...now.values()].join('\n'), 0o600).catch(() => undefined);
    },
  };
}

/** How each line begins: `["`, then the hash. */
const HASH_FROM = 2;
const HASH_TO = HASH_FROM + 64;

/** Lines by hash. They are taken apart only when they are asked for. */
function storedLines(path: string, version: string): Map<string, string> {
  const lines = new Map<string, string>();
  let text: string;
  try {
    text = readFileSync(path, 'utf8'); // at once: of many megabytes that takes half as long as in parts
  } catch {
    return lines;
  }
  if (!text.startsWith(`${version}\n`)) return lines;
  for (let from = version.length + 1; from < text.length;) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    lines.set(text.slice(from + HASH_FROM, from + HASH_TO), text.slice(from, to));
    from = to + 1;
  }
  return lines;
}

/** A spec with null in place of each position; these follow as a list of lines and columns, in the order of `eachPlace`. */
type Line = readonly [hash: string, spec: Spec, numbers: readonly number[]];

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
function encode(hash: string, spec: Spec, file: string): string | null {
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
  return JSON.stringify([hash, whole, numbers]);
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
