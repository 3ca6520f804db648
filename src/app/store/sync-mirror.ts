/**
 * `<state>/sync.json`: for each branch, how each file under specs/ looked when files and store were last equal. It answers
 * "did anything change?" with a look at the files' status alone, without reading them and without a connection.
 */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPECS_FOLDER } from '../../catalog/index.js';
import type { Project } from '../../config/index.js';
import { errorCode, writeAtomically } from '../../util/files.js';
import { sha256 } from '../../util/hash.js';

/** [size, modified, changed, inode, hash]; `modified` is null where the clock could not yet tell a later change apart. */
type Stamp = readonly [number, number | null, number, number, string];
export interface Mirrored {
  readonly root: string;
  readonly files: Readonly<Record<string, Stamp>>;
  /** Fields in conflict, kept until somebody decides. */
  readonly conflicts: number;
}
type Mirror = Readonly<Record<string, Mirrored>>;

const pathOf = (project: Project): string => join(project.directories.state, 'sync.json');
const keyOf = (database: string, branch: string): string => `${database} ${branch}`;
/** A file that changed within this time of being looked at may change again with the same time stamp. */
const CLOCK_STEP_MS = 50;

function read(project: Project): Mirror {
  try {
    const parsed: unknown = JSON.parse(readFileSync(pathOf(project), 'utf8'));
    // Written by `write` below; a value of another form only makes the comparison fail, which means "look closer".
    return typeof parsed === 'object' && parsed !== null ? (parsed as Mirror) : {};
  } catch {
    return {};
  }
}

/** The files of `specEntries` by their names alone, which is faster; null where a name does not tell what is behind it. */
function specNames(root: string): string[] | null {
  try {
    const names = readdirSync(`${root}/${SPECS_FOLDER}`);
    return names.every((name) => name.endsWith('.yaml')) ? names.map((name) => `${SPECS_FOLDER}/${name}`) : null;
  } catch {
    return null;
  }
}

/** Regular files below specs/, relative to the root. Synchronous: for many small questions that is several times faster. */
function specEntries(root: string): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
      if (entry.isDirectory()) visit(`${folder}/${entry.name}`);
      else if (entry.name.endsWith('.yaml')) found.push(`${folder}/${entry.name}`);
    }
  };
  try {
    visit(SPECS_FOLDER);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
  }
  return found;
}

function unchanged(root: string, file: string, stamp: Stamp): boolean {
  // Both parts are ours and normal; `join` would take as long as the question itself.
  const now = lstatSync(`${root}/${file}`);
  if (now.size !== stamp[0]) return false;
  if (stamp[1] !== null && now.mtimeMs === stamp[1] && now.ctimeMs === stamp[2] && now.ino === stamp[3]) return true;
  return sha256(readFileSync(join(root, file))) === stamp[4];
}

export type MirrorState = 'equal' | 'changed' | 'conflicts';

/** What a mirror is kept under: the database, and for a shared store where it is, so that one store is never taken for another. */
export const mirrorName = (project: Project, database: string): string => {
  const { url } = project.settings.store;
  return url === null ? database : `${database}@${sha256(url.replace(/\/\/[^@/]*@/, '//')).slice(0, 12)}`;
};

/** Whether files and store are as they were when they were last equal. */
export function compareMirror(project: Project, database: string, branch: string): MirrorState {
  const known = read(project)[keyOf(database, branch)];
  if (known === undefined || known.root !== project.root) return 'changed';
  try {
    const count = Object.keys(known.files).length;
    const names = specNames(project.root);
    // A folder may have a file's name: other numbers are no answer yet.
    const files = names?.length === count ? names : specEntries(project.root);
    if (files.length !== count) return 'changed';
    for (const file of files) {
      const stamp = Object.hasOwn(known.files, file) ? known.files[file] : undefined;
      if (stamp === undefined || !unchanged(project.root, file, stamp)) return 'changed';
    }
  } catch (error) {
    if (errorCode(error) === '') throw error;
    return 'changed';
  }
  return known.conflicts > 0 ? 'conflicts' : 'equal';
}

/** Notes the present files as equal to the store. `hashes` are those of the bytes that were compared. */
export async function writeMirror(
  project: Project,
  database: string,
  branch: string,
  hashes: ReadonlyMap<string, string>,
  conflicts: number,
): Promise<void> {
  await store(project, keyOf(database, branch), { root: project.root, files: stamps(project, hashes), conflicts });
}

const store = async (project: Project, key: string, entry: Mirrored): Promise<void> =>
  writeAtomically(pathOf(project), JSON.stringify({ ...read(project), [key]: entry }), 0o600);

function stamps(project: Project, hashes: ReadonlyMap<string, string>): Record<string, Stamp> {
  const files: Record<string, Stamp> = {};
  const now = Date.now();
  for (const [file, hash] of hashes) {
    try {
      const found = lstatSync(join(project.root, file));
      const settled = found.ctimeMs < now - CLOCK_STEP_MS;
      files[file] = [found.size, settled ? found.mtimeMs : null, found.ctimeMs, found.ino, hash];
    } catch {
      // It vanished meanwhile: without a stamp the next look sees a change.
    }
  }
  return files;
}

/** A branch's mirror as it stands, to be put back with changes by `restoreMirror`. */
export const takeMirror = (project: Project, database: string, branch: string): Mirrored | null =>
  read(project)[keyOf(database, branch)] ?? null;

/** Notes that files which were equal before still are, and that the changed ones are equal again. Null: the file is gone. */
export async function restoreMirror(
  project: Project,
  database: string,
  branch: string,
  before: Mirrored,
  changes: ReadonlyMap<string, string | null>,
): Promise<void> {
  const present = new Map([...changes].flatMap(([file, hash]) => (hash === null ? [] : [[file, hash] as const])));
  const kept = Object.entries(before.files).filter(([file]) => !changes.has(file));
  await store(project, keyOf(database, branch), {
    ...before,
    files: { ...Object.fromEntries(kept), ...stamps(project, present) },
  });
}

/** Forgets a branch before its store is changed, so that a kill in between is seen as "look closer". */
export async function forgetMirror(project: Project, database: string, branch: string): Promise<void> {
  const { [keyOf(database, branch)]: gone, ...rest } = read(project);
  if (gone !== undefined) await writeAtomically(pathOf(project), JSON.stringify(rest), 0o600);
}
