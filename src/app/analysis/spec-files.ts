/**
 * Writes a change of the catalog to `specs/`: all files of it or none. New contents are staged beside their files; then one
 * journal file names them, and that write is the moment at which the change happens. Renames follow; a process killed
 * before they are done leaves the rest of them to the next command.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeUtf8, editSpecText, formatSpec, sameSpec, SPECS_FOLDER, specFileName } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { failure, success, type Catalog, type Failure, type Result, type Spec } from '../../model/index.js';
import { failpoint } from '../../util/failpoint.js';
import { errorCode, exists, insideRoot, writeAtomically } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';
import { capture } from '../../util/process.js';
import { mapSeveral } from '../../util/several.js';

/** New content by path relative to the root; null removes the file. */
export type FileChanges = ReadonlyMap<string, string | null>;

export interface PlannedFiles {
  readonly changes: FileChanges;
  /** Path of every spec of the new catalog. */
  readonly paths: ReadonlyMap<string, string>;
}

/** What must change in `specs/` so that it says `next`. Files of specs that stay the same are left alone, byte for byte. */
export async function planFiles(
  project: Project,
  current: Catalog,
  paths: ReadonlyMap<string, string>,
  next: Catalog,
): Promise<Result<PlannedFiles>> {
  const before = new Map(current.specs.map((spec) => [spec.id, spec]));
  const after = new Set(next.specs.map((spec) => spec.id));
  const changes = new Map<string, string | null>();
  const taken = new Set([...paths.values()].map((path) => path.toLowerCase()));
  const places = new Map(paths);
  for (const [id, path] of paths) {
    if (after.has(id)) continue;
    changes.set(path, null);
    places.delete(id);
  }
  const touched: (readonly [spec: Spec, path: string])[] = [];
  for (const spec of next.specs) {
    const old = before.get(spec.id);
    if (old !== undefined && sameSpec(old, spec)) continue;
    const path = paths.get(spec.id) ?? freePath(spec, taken);
    taken.add(path.toLowerCase());
    places.set(spec.id, path);
    touched.push([spec, path]);
  }
  const failures: Failure[] = [];
  await mapSeveral(touched, async ([spec, path]) => {
    const target = await insideRoot(project.root, path);
    if (target === null) {
      failures.push({
        kind: 'unsafe-path',
        message: `${path} leads out of the project.`,
        hint: 'Replace the symlink by a folder.',
        file: path,
      });
      return;
    }
    const bytes = before.has(spec.id) ? await readFile(target).catch(() => null) : null;
    const text = bytes === null ? null : decodeUtf8(bytes, path);
    const edited = text === null ? success(formatSpec(spec)) : text.ok ? editSpecText(text.value, path, spec) : text;
    if (!edited.ok) failures.push(...edited.failures);
    else if (text === null || !text.ok || edited.value !== text.value) changes.set(path, edited.value);
  });
  return failures.length > 0 ? failure(...inOrder(failures)) : success({ changes, paths: places });
}

const inOrder = (failures: readonly Failure[]): Failure[] =>
  failures.toSorted((left, right) => ((left.file ?? '') < (right.file ?? '') ? -1 : 1));

function freePath(spec: Spec, taken: ReadonlySet<string>): string {
  const name = `${SPECS_FOLDER}/${specFileName(spec.id)}`;
  return taken.has(name.toLowerCase()) ? name.replace(/\.yaml$/, `-${sha256(spec.id).slice(0, 8)}.yaml`) : name;
}

const journalFolder = (project: Project): string => join(project.directories.state, 'changes');
const journalOf = (project: Project): string =>
  join(journalFolder(project), `${sha256(project.root).slice(0, 16)}.json`);

/** Applies a change, under the catalog lock. Failures: `try-again` when the disk is full or a file cannot be written, with nothing changed. */
export async function writeFiles(project: Project, changes: FileChanges): Promise<Result<null>> {
  const [only] = changes;
  if (only === undefined) return success(null);
  const staged: [string, string | null][] = [];
  try {
    if (changes.size === 1 && only[1] !== null) {
      await writeAtomically(join(project.root, only[0]), only[1]);
      return success(null);
    }
    await sweepStaged(project.root);
    await mapSeveral([...changes], async ([file, content]) => {
      staged.push([file, content === null ? null : await stage(project.root, file, content)]);
    });
    // What the journal names must be on disk before the journal is, or a power cut could leave names without contents.
    await capture({ command: ['sync', '-f', join(project.root, SPECS_FOLDER)], cwd: project.root });
    failpoint('S1');
    await mkdir(journalFolder(project), { recursive: true, mode: 0o700 });
    await writeAtomically(journalOf(project), JSON.stringify({ root: project.root, staged }), 0o600);
  } catch (error) {
    await Promise.all(
      staged.map(async ([, temporary]) =>
        temporary === null ? undefined : rm(join(project.root, temporary), { force: true }),
      ),
    );
    return writeFailure(error);
  }
  failpoint('S2');
  return recoverFiles(project);
}

const STAGED = /\.yaml\.[0-9a-f]{12}\.tmp$/;

/** Writes new content beside the file; the name of the temporary file. */
async function stage(root: string, file: string, content: string): Promise<string> {
  await mkdir(dirname(join(root, file)), { recursive: true });
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const mode = await stat(join(root, file)).then(
    (found) => found.mode & 0o7777,
    () => null,
  );
  await writeFile(join(root, temporary), content, { flag: 'wx' });
  if (mode !== null) await chmod(join(root, temporary), mode);
  return temporary;
}

/** Removes what a command left that was killed while it staged. No journal names it. */
async function sweepStaged(root: string): Promise<void> {
  const names = await readdir(join(root, SPECS_FOLDER), { recursive: true }).catch(() => []);
  for (const name of names) if (STAGED.test(name)) await rm(join(root, SPECS_FOLDER, name), { force: true });
}

function writeFailure(error: unknown): Result<never> {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return failure({
      kind: 'try-again',
      message: 'The specs could not be written: the disk is full. Nothing was changed.',
      hint: 'Free some space and run the command again.',
    });
  if (['EACCES', 'EROFS', 'EPERM', 'ENOTDIR', 'EISDIR'].includes(code))
    return failure({
      kind: 'try-again',
      message: `The specs could not be written (${code}). Nothing was changed.`,
      hint: 'Check specs/ and its permissions.',
    });
  throw error;
}

export const hasUnfinishedChange = async (project: Project): Promise<boolean> => exists(journalOf(project));

/**
 * Under the catalog lock: completes a change whose moment has come (its journal is there) but whose command was killed. Only
 * renames and removals are left to do, so this needs no space; a step that was done is passed over.
 */
export async function recoverFiles(project: Project): Promise<Result<null>> {
  const path = journalOf(project);
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return success(null);
  const { staged } = JSON.parse(text) as { readonly staged: readonly (readonly [string, string | null])[] };
  const failures: Failure[] = [];
  await mapSeveral(staged, async ([file, temporary]) => {
    if ((await insideRoot(project.root, file)) === null) {
      failures.push({
        kind: 'unsafe-path',
        message: `${file} leads out of the project.`,
        hint: `Replace the symlink by a folder; ${path} holds the change.`,
        file,
      });
      return;
    }
    const step =
      temporary === null
        ? unlink(join(project.root, file))
        : rename(join(project.root, temporary), join(project.root, file));
    await step.catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    if (temporary === null) await removeEmpty(project.root, dirname(file));
    failpoint('S3');
  });
  if (failures.length > 0) return failure(...inOrder(failures));
  failpoint('S4');
  await rm(path, { force: true });
  failpoint('S5');
  return success(null);
}

/** Folders below specs/ that a removal emptied; specs/ itself stays. */
async function removeEmpty(root: string, folder: string): Promise<void> {
  if (!folder.startsWith(`${SPECS_FOLDER}/`)) return;
  if ((await readdir(join(root, folder)).catch(() => ['?'])).length > 0) return;
  await rmdir(join(root, folder)).catch(() => undefined);
  await removeEmpty(root, dirname(folder));
}
