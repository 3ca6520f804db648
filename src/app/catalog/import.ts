/** `import`: a catalog from another tool or project, all or nothing, and the second time without effect. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import {
  decodeUtf8,
  foreignFormat,
  planImport,
  readCatalog as readSources,
  readJsonl,
  type ForeignFile,
  type ImportPlan,
  type ResolveTest,
} from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import {
  criteriaOf,
  failure,
  isForeignFormat,
  RUNNER_OF,
  success,
  type Catalog,
  type ForeignFormatName,
  type FoundTest,
  type ImportFormatName,
  type Result,
} from '../../model/index.js';
import { analyse } from '../analysis/analyse.js';
import { applyCatalogChange, catalogAt } from './catalog-change.js';
import type { Env } from '../store/store-place.js';

export interface ImportRequest {
  /** Absolute path of a file, or of a folder of spec files. */
  readonly path: string;
  /** How to name it in failures. */
  readonly name: string;
  readonly from?: ImportFormatName;
  readonly dryRun: boolean;
  readonly prune: boolean;
}

export interface ImportOutcome {
  readonly specs: number;
  readonly criteria: number;
  readonly plan: Pick<ImportPlan, 'created' | 'changed' | 'removed' | 'unchanged'>;
  readonly dryRun: boolean;
  readonly store: 'written' | 'none' | 'pending';
  readonly notes: readonly string[];
}

/** Failures: `usage` (no such file), `invalid-spec` with file, line and field; nothing is changed then. */
export async function importCatalog(
  project: Project,
  request: ImportRequest,
  env: Env = process.env,
): Promise<Result<ImportOutcome>> {
  const source =
    request.from !== undefined && isForeignFormat(request.from)
      ? await readForeign(request, request.from)
      : await readSource(request);
  if (!source.ok) return source;
  const resolve =
    source.value.kind === 'jsonl' && source.value.text.includes('"codeintel_code_location"')
      ? await testResolver(project)
      : undefined;
  let seen: { readonly imported: Catalog; readonly plan: ImportPlan } | null = null;
  const next = (current: Catalog): Result<Catalog> => {
    const imported = readImport(source.value, request.name, current, resolve);
    if (!imported.ok) return imported;
    const plan = planImport(current, imported.value, { prune: request.prune });
    if (plan.failures.length > 0) return { ok: false, failures: plan.failures };
    seen = { imported: imported.value, plan };
    return success(plan.next);
  };
  const outcome = (store: ImportOutcome['store'], notes: readonly string[]): Result<ImportOutcome> => {
    // Set by `next`, which has succeeded by now.
    const { imported, plan } = seen as unknown as { readonly imported: Catalog; readonly plan: ImportPlan };
    const { created, changed, removed, unchanged } = plan;
    return success({
      specs: imported.specs.length,
      criteria: imported.specs.reduce((sum, spec) => sum + criteriaOf(spec).length, 0),
      plan: { created, changed, removed, unchanged },
      dryRun: request.dryRun,
      store,
      notes: [...(source.value.kind === 'foreign' ? source.value.notes : []), ...notes],
    });
  };
  if (request.dryRun) {
    const current = await catalogAt(project, undefined, env);
    if (!current.ok) return current;
    const planned = next(current.value);
    return planned.ok ? outcome('none', []) : planned;
  }
  const applied = await applyCatalogChange(project, `Import ${request.name}`, next, env);
  return applied.ok ? outcome(applied.value.store, applied.value.notes) : applied;
}

/** The catalog of another tool's file or folder. Failures: `usage`, and those of the format's own reader. */
async function readForeign({ path, name }: ImportRequest, from: ForeignFormatName): Promise<Result<Source>> {
  const format = foreignFormat(from);
  if (format.read === null)
    return failure({
      kind: 'usage',
      message: `${format.title} is only written here, not read.`,
      hint: `\`coherence export --format ${from}\` writes it.`,
    });
  const entry = await stat(path).catch(() => null);
  if (entry === null)
    return failure({ kind: 'usage', message: `${name} does not exist.`, hint: 'Name a file or a folder.' });
  const files: ForeignFile[] = [];
  if (!entry.isDirectory()) files.push({ file: basename(path), content: await readFile(path) });
  else
    for (const file of await listFolder(path))
      if (format.takes(file)) files.push({ file, content: await readFile(join(path, file)) });
  if (files.length === 0)
    return failure({
      kind: 'usage',
      message: `${name} holds no file that ${format.title} reads.`,
      hint: 'Name the folder that holds them, or one file.',
    });
  const read = await format.read(files);
  return read.ok ? success({ kind: 'foreign', ...read.value }) : read;
}

/** Folders that hold no source of a team: version control, installed packages. */
const PASSED_OVER: ReadonlySet<string> = new Set(['.git', '.hg', '.svn', 'node_modules', '.venv', '.coherence']);

/** All files below a folder, with `/`, sorted. Symlinks are passed over: they may lead anywhere. */
async function listFolder(folder: string, below = ''): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const file = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !PASSED_OVER.has(entry.name)) files.push(...(await listFolder(folder, file)));
    else if (entry.isFile()) files.push(file);
  }
  return files.toSorted();
}

type Source =
  | { readonly kind: 'foreign'; readonly catalog: Catalog; readonly notes: readonly string[] }
  | { readonly kind: 'jsonl'; readonly text: string }
  | { readonly kind: 'yaml'; readonly files: readonly { readonly file: string; readonly content: Buffer }[] };

async function readSource({ path, name, from }: ImportRequest): Promise<Result<Source>> {
  const found = await stat(path).catch(() => null);
  if (found === null)
    return failure({
      kind: 'usage',
      message: `${name} does not exist.`,
      hint: 'Name a .jsonl file, a spec file, or a folder of spec files.',
    });
  const yaml =
    from === 'yaml' || (from === undefined && (found.isDirectory() || ['.yaml', '.yml'].includes(extname(path))));
  if (!yaml) {
    if (found.isDirectory())
      return failure({
        kind: 'usage',
        message: `${name} is a folder; jsonl is one file.`,
        hint: 'Name the file, or import a folder of spec files with --from yaml.',
      });
    const text = decodeUtf8(await readFile(path), name);
    return text.ok ? success({ kind: 'jsonl', text: text.value }) : text;
  }
  if (!found.isDirectory()) return success({ kind: 'yaml', files: [{ file: name, content: await readFile(path) }] });
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  return success({
    kind: 'yaml',
    files: await Promise.all(
      names.map(async (file) => ({ file: join(name, file.slice(path.length + 1)), content: await readFile(file) })),
    ),
  });
}

function readImport(source: Source, name: string, known: Catalog, resolve: ResolveTest | undefined): Result<Catalog> {
  if (source.kind === 'foreign') return success(source.catalog);
  if (source.kind === 'yaml') {
    const read = readSources(source.files);
    return read.failures.length > 0 ? { ok: false, failures: read.failures } : success(read.catalog);
  }
  const read = readJsonl(source.text, name, { known, ...(resolve === undefined ? {} : { resolve }) });
  return read.ok ? success(read.value.catalog) : read;
}

/** Finds the one test that an imported command runs, among the tests of this tree. What fits several, or none, stays a command. */
async function testResolver(project: Project): Promise<ResolveTest | undefined> {
  const analysed = await analyse(project, true);
  if (!analysed.ok) return undefined;
  const tests = analysed.value.scan.files.flatMap((file) => file.tests);
  return (query) => {
    const fits = (test: FoundTest): boolean => {
      if (RUNNER_OF[test.framework] !== query.runner) return false;
      if (query.file !== null && test.file !== query.file) return false;
      if (query.target !== null && query.target !== 'lib' && !test.file.endsWith(`tests/${query.target}.rs`))
        return false;
      if (query.name === null) return test.kind === 'file' && query.file !== null;
      return (
        test.kind === 'case' &&
        !test.dynamic &&
        [test.path.join('::'), test.path.join(' > '), test.path.join(' '), test.path.at(-1)].includes(query.name)
      );
    };
    const found = [...new Set(tests.filter(fits).map((test) => test.selector))];
    return found.length === 1 ? (found[0] ?? null) : null;
  };
}
