/**
 * The stages that only read: spec files → catalog, tree → scan, both → trace graph. Nothing of the project is executed.
 */
import { join } from 'node:path';
import { loadCatalog, type UnreadFile } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import {
  DIAGNOSTIC_SEVERITY,
  success,
  type Catalog,
  type Diagnostic,
  type Failure,
  type Result,
  type Scan,
  type TraceGraph,
} from '../../model/index.js';
import { scan, ScanCache } from '../../scan/index.js';
import { ignoreMatcher, readSource, type Source } from '../../sources/index.js';
import { namedFiles, trace } from '../../trace/index.js';
import { recoverCatalog } from '../queue/recover.js';
import { relationDiagnostics } from '../relations.js';

export interface Analysis {
  readonly catalog: Catalog;
  /** Spec id → its file, relative to the root. */
  readonly specFiles: ReadonlyMap<string, string>;
  /** The tree as it was read for all of this. */
  readonly source: Source;
  readonly scan: Scan;
  readonly graph: TraceGraph;
}

export interface LoadedCatalog {
  readonly catalog: Catalog;
  /** Files that look like spec files and are not read. */
  readonly unread: readonly Diagnostic[];
  readonly specFiles: ReadonlyMap<string, string>;
}

const unreadSpec = ({ file, why }: UnreadFile): Diagnostic => ({
  code: 'unread-spec',
  severity: DIAGNOSTIC_SEVERITY['unread-spec'],
  file,
  line: 1,
  column: 1,
  message: `this file is not read: ${why}`,
  hint: 'Rename it, or move it out of specs/.',
});

/** All spec files, or every failure of every bad one: while one is invalid nothing runs (65). */
export async function readCatalog(project: Project): Promise<Result<LoadedCatalog>> {
  const loaded = await loadCatalog(project.root, { cacheFolder: join(project.directories.cache, 'catalog') });
  if (loaded.failures.length > 0) return { ok: false, failures: loaded.failures };
  return success({ catalog: loaded.catalog, specFiles: loaded.files, unread: loaded.unread.map(unreadSpec) });
}

/**
 * @param everything analyse every test file, not only those that a tag or a declared link concerns (for suggestions)
 * @param identify whether the caller will ask which source it is: then git is asked beside the analysis
 * @param read a reading of the tree that was made just now; default: a new one
 * @param cacheOf the root whose scan cache serves: entries are about a path and its bytes, so one checkout's serve its worktrees
 */
export async function analyse(
  project: Project,
  everything = false,
  identify = false,
  read?: Source,
  cacheOf: string = project.root,
): Promise<Result<Analysis>> {
  // An import or sync that was killed between two files is completed first: nobody reads half a change.
  const recovered = await recoverCatalog(project);
  if (!recovered.ok) return recovered;
  const reading = read === undefined ? readSource(project.root) : Promise.resolve(read);
  const identified = identify ? reading.then(async (found) => found.identity()) : undefined;
  identified?.catch(() => undefined); // whoever asks for it is told
  // While git lists the files: what is read without knowing them.
  const loading = readCatalog(project);
  const cache = ScanCache.open(cacheOf, join(project.directories.cache, 'scan'));
  const [loaded, source] = await Promise.all([loading, reading]);
  if (!loaded.ok) return loaded;
  const { catalog, specFiles } = loaded.value;
  const { files } = source;
  // `scan.ignore` leaves files out of the analysis only: tests may still read them, so closures and link targets see them.
  const ignored = ignoreMatcher(project.settings.scan.ignore);
  const found = await scan({
    root: project.root,
    files: files.filter((file) => !ignored(file.path)),
    cache,
    want: namedFiles(catalog),
    scanAll: everything,
  });
  const graph = trace(catalog, found, new Set(files.map((file) => file.path)));
  const relations = await relationDiagnostics(project.root, catalog);
  const diagnostics = [...loaded.value.unread, ...relations, ...graph.diagnostics];
  return success({ catalog, specFiles, source, scan: found, graph: { ...graph, diagnostics } });
}

export const failuresOf = (result: Result<unknown>): readonly Failure[] => (result.ok ? [] : result.failures);
