/**
 * Writes a change of the catalog to `specs/`: all files of it or none. The whole change goes to one journal file first;
 * that write is the moment at which it happens. A process killed after it leaves the rest to the next command.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { editSpecText, formatSpec, sameSpec, SPECS_FOLDER, specFileName } from '../catalog/index.js';
import type { Project } from '../config/index.js';
import { failure, success, type Catalog, type Result, type Spec } from '../model/index.js';
import { errorCode, exists, insideRoot, writeAtomically } from '../util/files.js';
import { sha256 } from '../util/hash.js';
import { capture } from '../util/process.js';

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
  for (const spec of next.specs) {
    const old = before.get(spec.id);
    if (old !== undefined && sameSpec(old, spec)) continue;
    const path = paths.get(spec.id) ?? freePath(spec, taken);
    taken.add(path.toLowerCase());
    places.set(spec.id, path);
    const target = await insideRoot(project.root, path);
    if (target === null)
      return failure({
        kind: 'unsafe-path',
        message: `${path} leads out of the project.`,
        hint: 'Replace the symlink by a folder.',
        file: path,
      });
    const text = old === undefined ? null : await readFile(target, 'utf8').catch(() => null);
    if (text === null) changes.set(path, formatSpec(spec));
    else {
      const edited = editSpecText(text, path, spec);
      if (!edited.ok) return edited;
      if (edited.value !== text) changes.set(path, edited.value);
    }
  }
  return success({ changes, paths: places });
}

function freePath(spec: Spec, taken: ReadonlySet<string>): string {
  const name = `${SPECS_FOLDER}/${specFileName(spec.id)}`;
  return taken.has(name.toLowerCase()) ? name.replace(/\.yaml$/, `-${sha256(spec.id).slice(0, 8)}.yaml`) : name;
}

const journalFolder = (project: Project): string => join(project.directories.state, 'changes');
const journalOf = (project: Project): string => join(journalFolder(project), `${sha256(project.root).slice(0, 16)}.json`);

/** Applies a change. Failures: `try-again` when the disk is full or a file cannot be written, with nothing changed. */
export async function writeFiles(project: Project, changes: FileChanges): Promise<Result<null>> {
  try {
    const [only] = changes;
    if (changes.size === 1 && only !== undefined) {
      await applyOne(project.root, only[0], only[1], true);
      return success(null);
    }
    if (changes.size === 0) return success(null);
    await mkdir(journalFolder(project), { recursive: true, mode: 0o700 });
    await writeAtomically(journalOf(project), JSON.stringify({ root: project.root, changes: [...changes] }), 0o600);
    return await finish(project);
  } catch (error) {
    return writeFailure(error);
  }
}

function writeFailure(error: unknown): Result<never> {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return failure({
      kind: 'try-again',
      message: 'The specs could not be written: the disk is full.',
      hint: 'Free some space and run the command again.',
    });
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
    return failure({ kind: 'try-again', message: `The specs could not be written (${code}).`, hint: 'Check the permissions of specs/.' });
  throw error;
}

export const hasUnfinishedChange = async (project: Project): Promise<boolean> => exists(journalOf(project));

/** Under the catalog lock: completes a change that a killed command left half applied. One look at one file when there is none. */
export async function recoverFiles(project: Project): Promise<Result<null>> {
  if (!(await exists(journalOf(project)))) return success(null);
  try {
    return await finish(project);
  } catch (error) {
    return writeFailure(error);
  }
}

async function finish(project: Project): Promise<Result<null>> {
  const path = journalOf(project);
  const text = await readFile(path, 'utf8').catch(() => null);
  // Another command finished it in the meantime.
  if (text === null) return success(null);
  const { changes } = JSON.parse(text) as { readonly changes: readonly (readonly [string, string | null])[] };
  for (const [file] of changes) {
    if ((await insideRoot(project.root, file)) === null)
      return failure({
        kind: 'unsafe-path',
        message: `${file} leads out of the project.`,
        hint: `Replace the symlink by a folder; ${path} holds the change.`,
        file,
      });
  }
  const waiting = changes.values();
  const worker = async (): Promise<void> => {
    for (const [file, content] of waiting) await applyOne(project.root, file, content, false);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  // The journal protects against kills; against a power cut the files must be on disk before it goes.
  await capture({ command: ['sync', '-f', join(project.root, SPECS_FOLDER)], cwd: project.root }).catch(() => undefined);
  await rm(path, { force: true });
  return success(null);
}

async function applyOne(root: string, file: string, content: string | null, durable: boolean): Promise<void> {
  const path = join(root, file);
  if (content === null) {
    await unlink(path).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    await removeEmpty(root, dirname(file));
    return;
  }
  if (durable) {
    await writeAtomically(path, content);
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const mode = await stat(path).then(
    (found) => found.mode & 0o7777,
    () => null,
  );
  await writeFile(temporary, content, { flag: 'wx' });
  if (mode !== null) await chmod(temporary, mode);
  await rename(temporary, path);
}

/** Folders below specs/ that a removal emptied; specs/ itself stays. */
async function removeEmpty(root: string, folder: string): Promise<void> {
  if (!folder.startsWith(`${SPECS_FOLDER}/`)) return;
  if ((await readdir(join(root, folder)).catch(() => ['?'])).length > 0) return;
  await rmdir(join(root, folder)).catch(() => undefined);
  await removeEmpty(root, dirname(folder));
}
