import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Failure } from '../model/index.js';
import { errorCode } from '../util/files.js';
import { LIMITS } from './limits.js';
import type { CatalogSource } from './load.js';
import { YAML_LIMITS } from './yaml/index.js';

export const SPECS_FOLDER = 'specs';

interface Listed {
  readonly files: readonly string[];
  readonly failures: readonly Failure[];
  readonly notes: readonly string[];
}

/** The spec files below `specs/`, relative to the root. A symlink to a file inside the project is read; one that leads out, or to a folder, is not. */
export async function listSpecFiles(root: string): Promise<Listed> {
  const files: string[] = [];
  const failures: Failure[] = [];
  const notes: string[] = [];
  const realRoot = await realpath(root);
  const refuse = (file: string, kind: Failure['kind'], message: string, hint: string): void => {
    failures.push({ kind, message: `${file} ${message}.`, hint, file, line: 1, column: 1 });
  };
  const isInside = async (path: string): Promise<boolean> => {
    const real = await realpath(path).catch(() => null);
    return real !== null && (real === realRoot || real.startsWith(realRoot + sep));
  };
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const file = `${folder}/${entry.name}`;
      const isSpec = entry.name.endsWith('.yaml') && !entry.name.startsWith('.#');
      if (entry.isSymbolicLink()) {
        const target = await stat(join(root, file)).catch(() => null);
        if (target === null ? isSpec : !(await isInside(join(root, file))))
          refuse(
            file,
            'unsafe-path',
            target === null ? 'is a symlink to nothing' : 'is a symlink that leads out of the project',
            'Replace it by a file, or remove it.',
          );
        else if (target?.isDirectory() === true) notes.push(`${file} is a symlink to a folder and is not read.`);
        else if (isSpec && target?.isFile() === true) files.push(file);
      } else if (entry.isDirectory()) await visit(file);
      else if (isSpec && entry.isFile()) files.push(file);
      else if (isSpec) refuse(file, 'invalid-spec', 'is no regular file', 'Replace it by a file, or remove it.');
      else if (/\.ya?ml$/i.test(entry.name) && !entry.name.startsWith('.#')) notes.push(`${file} is not read: spec files end in .yaml.`);
    }
  };
  try {
    const found = await lstat(join(root, SPECS_FOLDER));
    if (found.isSymbolicLink() && !(await isInside(join(root, SPECS_FOLDER))))
      refuse(SPECS_FOLDER, 'unsafe-path', 'is a symlink that leads out of the project', 'Replace it by a folder.');
    else if (!(await stat(join(root, SPECS_FOLDER))).isDirectory())
      refuse(SPECS_FOLDER, 'invalid-spec', 'is not a folder', 'Make it a folder of spec files.');
    else await visit(SPECS_FOLDER);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT')
      refuse(SPECS_FOLDER, 'invalid-spec', `cannot be read (${errorCode(error) || String(error)})`, 'Check its permissions.');
  }
  if (files.length > LIMITS.files)
    refuse(SPECS_FOLDER, 'invalid-spec', `holds ${files.length} spec files; the limit is ${LIMITS.files}`, 'Split the project.');
  return { files: files.length > LIMITS.files ? [] : files.sort(), failures, notes: notes.sort() };
}

const AT_ONCE = 32;

/** Reads the files, a bounded number at once, none larger than a spec file may be. */
export async function readLimited(
  root: string,
  files: readonly string[],
): Promise<{ readonly sources: readonly CatalogSource[]; readonly failures: readonly Failure[] }> {
  const sources: CatalogSource[] = [];
  const failures: Failure[] = [];
  const waiting = files.values();
  const work = async (): Promise<void> => {
    for (const file of waiting) {
      try {
        const path = join(root, file);
        const { size } = await stat(path);
        if (size > YAML_LIMITS.bytes)
          failures.push({
            kind: 'invalid-spec',
            message: `${file} has ${size} bytes; the limit is ${YAML_LIMITS.bytes}.`,
            hint: 'Split it into several files.',
            file,
            line: 1,
            column: 1,
          });
        else sources.push({ file, content: await readFile(path) });
      } catch (error) {
        failures.push({
          kind: 'invalid-spec',
          message: `${file} cannot be read (${errorCode(error) || String(error)}).`,
          hint: 'Check its permissions.',
          file,
          line: 1,
          column: 1,
        });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { sources, failures };
}
