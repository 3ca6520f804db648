/** `export`: the catalog for teammates and other tools, with its links. Bytes depend on the catalog alone. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  editSpecText,
  foreignFormat,
  parseSpecText,
  sameSpec,
  writeJsonl,
  writeYaml,
  type Conflict,
} from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import {
  failure,
  isForeignFormat,
  success,
  type Catalog,
  type ExportFormatName,
  type ForeignFormatName,
  type Result,
} from '../../model/index.js';
import { writeAtomically } from '../../util/files.js';
import { catalogAt, changedSpecs } from './catalog-change.js';
import { openProjectStore, type Env } from '../store/store-place.js';
import { syncProject, syncState } from '../store/sync.js';

export interface ExportRequest {
  readonly format: ExportFormatName;
  /** Absolute: a file for jsonl, a folder for all others. Null: standard output, or `specs/`. */
  readonly out: string | null;
  readonly check: boolean;
}

export interface ExportOutcome {
  /** What to print on standard output; null when it went to files. */
  readonly text: string | null;
  readonly written: readonly string[];
  /** With `check`: ids or files that differ. */
  readonly differing: readonly string[];
  readonly conflicts: readonly Conflict[];
  readonly specs: number;
}

const outcome = (catalog: Catalog, rest: Partial<ExportOutcome>): Result<ExportOutcome> =>
  success({ text: null, written: [], differing: [], conflicts: [], specs: catalog.specs.length, ...rest });

export async function exportCatalog(
  project: Project,
  request: ExportRequest,
  env: Env = process.env,
): Promise<Result<ExportOutcome>> {
  if (request.format === 'jsonl') return exportJsonl(project, request, env);
  if (isForeignFormat(request.format)) return exportForeign(project, request.format, request, env);
  return request.out === null
    ? exportSpecs(project, request.check, env)
    : exportFolder(project, request.out, request.check, env);
}

async function exportJsonl(project: Project, { out, check }: ExportRequest, env: Env): Promise<Result<ExportOutcome>> {
  const catalog = await catalogAt(project, undefined, env);
  if (!catalog.ok) return catalog;
  const text = writeJsonl(catalog.value);
  if (out === null) {
    if (!check) return outcome(catalog.value, { text });
    return exportSpecs(project, true, env);
  }
  if ((await stat(out).catch(() => null))?.isDirectory() === true)
    return failure({
      kind: 'usage',
      message: `${out} is a folder; jsonl is one file.`,
      hint: 'Name a file: --out catalog.jsonl',
    });
  const there = await readFile(out, 'utf8').catch(() => null);
  if (check) return outcome(catalog.value, { differing: there === text ? [] : [relative(project.root, out)] });
  if (there !== text) await writeAtomically(out, text);
  return outcome(catalog.value, { written: there === text ? [] : [out] });
}

/** Into a folder, in the format of another tool: only files that differ are written, and none is removed. */
async function exportForeign(
  project: Project,
  name: ForeignFormatName,
  { out, check }: ExportRequest,
  env: Env,
): Promise<Result<ExportOutcome>> {
  const format = foreignFormat(name);
  if (format.write === null)
    return failure({
      kind: 'usage',
      message: `${format.title} is only read here, not written.`,
      hint: `\`coherence import --from ${name}\` reads it.`,
    });
  if (out === null)
    return failure({
      kind: 'usage',
      message: `\`export --format ${name}\` needs --out FOLDER.`,
      hint: `For example: coherence export --format ${name} --out exported/`,
    });
  const catalog = await catalogAt(project, undefined, env);
  if (!catalog.ok) return catalog;
  const written = await format.write(catalog.value);
  if (!written.ok) return written;
  const changes: [string, string | Uint8Array][] = [];
  for (const [file, content] of written.value) {
    const there = await readFile(join(out, file)).catch(() => null);
    if (there === null || !there.equals(Buffer.from(content))) changes.push([file, content]);
  }
  if (check) return outcome(catalog.value, { differing: changes.map(([file]) => file) });
  for (const [file, content] of changes) {
    await mkdir(dirname(join(out, file)), { recursive: true });
    await writeAtomically(join(out, file), content);
  }
  return outcome(catalog.value, { written: changes.map(([file]) => join(out, file)) });
}

/** Into specs/ itself: what the store has comes into the files, as `sync` does it. Without a store specs/ is the catalog. */
async function exportSpecs(project: Project, check: boolean, env: Env): Promise<Result<ExportOutcome>> {
  if (!check) {
    const synced = await syncProject(project, { env });
    if (!synced.ok) return synced;
    if (synced.value.invalid.length > 0) return { ok: false, failures: synced.value.invalid };
    const catalog = await catalogAt(project, undefined, env);
    return catalog.ok
      ? outcome(catalog.value, { written: synced.value.toFiles, conflicts: synced.value.conflicts })
      : catalog;
  }
  const catalog = await catalogAt(project, undefined, env);
  if (!catalog.ok) return catalog;
  const state = await syncState(project, env);
  if (state === 'equal' || state === 'no-store' || state === 'detached') return outcome(catalog.value, {});
  const session = await openProjectStore(project, { env });
  if (!session.ok) return session;
  try {
    const stored = await session.value.catalog();
    if (!stored.ok) return stored;
    const { created, changed, removed } = changedSpecs(stored.value, catalog.value);
    return outcome(catalog.value, { differing: [...created, ...changed, ...removed].toSorted() });
  } finally {
    await session.value.close();
  }
}

/** Into a folder: canonical files; in files of the same name that are there only what changed is touched. */
async function exportFolder(
  project: Project,
  folder: string,
  check: boolean,
  env: Env,
): Promise<Result<ExportOutcome>> {
  const catalog = await catalogAt(project, undefined, env);
  if (!catalog.ok) return catalog;
  if ((await stat(folder).catch(() => null))?.isFile() === true)
    return failure({
      kind: 'usage',
      message: `${folder} is a file; yaml is a folder of files.`,
      hint: 'Name a folder: --out exported/',
    });
  const specs = new Map(catalog.value.specs.map((spec) => [[...writeYaml({ specs: [spec] }).keys()][0] ?? '', spec]));
  const changes: [string, string][] = [];
  for (const [name, text] of writeYaml(catalog.value)) {
    const spec = specs.get(name);
    const there = await readFile(join(folder, name), 'utf8').catch(() => null);
    if (there === text || spec === undefined) continue;
    const parsed = there === null ? null : parseSpecText(there, name);
    if (there === null || parsed === null || !parsed.ok) {
      changes.push([name, text]);
      continue;
    }
    if (sameSpec(parsed.value, spec)) continue;
    const edited = editSpecText(there, name, spec);
    changes.push([name, edited.ok ? edited.value : text]);
  }
  if (check) return outcome(catalog.value, { differing: changes.map(([name]) => name) });
  await mkdir(folder, { recursive: true });
  for (const [name, text] of changes) await writeAtomically(join(folder, name), text);
  return outcome(catalog.value, { written: changes.map(([name]) => join(folder, name)) });
}
