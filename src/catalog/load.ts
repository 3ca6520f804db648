import { realpath } from 'node:fs/promises';
import type { Catalog, Criterion, Failure, Spec } from '../model/index.js';
import { sha256 } from '../util/hash.js';
import { openParseCache, type ParseCache } from './cache.js';
import { listSpecFiles, readLimited, SPECS_FOLDER, type CatalogSource, type UnreadFile } from './files.js';
import { foldId } from './ids.js';
import { parseSpecText } from './parse.js';
import { pathFailures } from './paths.js';
import { quoted } from '../yaml/index.js';

export interface LoadedCatalog {
  /** The specs of all valid files, sorted by id. Trust it as a whole only when there are no failures. */
  readonly catalog: Catalog;
  /** All failures of all files, sorted by file and line. */
  readonly failures: readonly Failure[];
  /** Spec id → its file, relative to the project's root. */
  readonly files: ReadonlyMap<string, string>;
  readonly unread: readonly UnreadFile[];
}

export interface LoadCatalogOptions {
  /** Folder for parsed files by content hash (made when needed); null or absent: no cache. */
  readonly cacheFolder?: string | null;
}

/** Reads `specs/**\/*.yaml` below `root`. Never rejects for what the files hold; follows no symlink out of the project. */
export async function loadCatalog(root: string, options: LoadCatalogOptions = {}): Promise<LoadedCatalog> {
  const listed = await listSpecFiles(root);
  const cache = await openParseCache(options.cacheFolder ?? null, await realpath(root));
  const read = await readLimited(root, listed.files);
  const loaded = readCatalog(read.sources, cache);
  await cache.save();
  const escaping = await pathFailures(root, loaded.catalog);
  return {
    ...loaded,
    unread: listed.unread,
    failures: inOrder([...listed.failures, ...read.failures, ...loaded.failures, ...escaping]),
  };
}

/** A spec or criterion with its id; what was read from a file has a position. */
type Claim = Pick<Criterion, 'id' | 'position'>;

/** The catalog that the given files make; without looking at the disk. For catalogs of a commit. */
export function readCatalog(
  sources: Iterable<CatalogSource>,
  cache: ParseCache | null = null,
): Omit<LoadedCatalog, 'unread'> {
  const specs: Spec[] = [];
  const failures: Failure[] = [];
  const files = new Map<string, string>();
  const seen = new Map<string, Claim>();
  const claim = (by: Claim, file: string): void => {
    const key = foldId(by.id);
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, by);
    else {
      const note = earlier.id === by.id ? '' : ` (written ${quoted(earlier.id)} there; case does not tell ids apart)`;
      const place = earlier.position ?? { file, line: 1 };
      failures.push({
        kind: 'invalid-spec',
        ...(by.position ?? { file, line: 1, column: 1 }),
        message: `The id ${quoted(by.id)} is taken by ${place.file}:${place.line}${note}.`,
        hint: 'Give one of the two another id.',
      });
    }
  };
  for (const { file, content } of [...sources].sort((left, right) => (left.file < right.file ? -1 : 1))) {
    const hash = cache === null ? '' : sha256(content);
    const cached = cache?.get(file, hash) ?? null;
    const parsed = cached === null ? parseSpecText(content, file) : { ok: true as const, value: cached };
    if (!parsed.ok) {
      failures.push(...parsed.failures);
      continue;
    }
    const spec = parsed.value;
    if (cached === null) cache?.put(file, hash, spec);
    claim(spec, file);
    for (const criterion of spec.criteria ?? []) claim(criterion, file);
    if (!files.has(spec.id)) files.set(spec.id, file);
    specs.push(spec);
  }
  specs.sort((left, right) => (left.id < right.id ? -1 : left.id > right.id ? 1 : 0));
  return { catalog: { specs }, failures: inOrder(failures), files };
}

const inOrder = (failures: readonly Failure[]): Failure[] =>
  [...failures].sort(
    (left, right) =>
      compare(left.file ?? SPECS_FOLDER, right.file ?? SPECS_FOLDER) ||
      (left.line ?? 0) - (right.line ?? 0) ||
      (left.column ?? 0) - (right.column ?? 0),
  );
const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
