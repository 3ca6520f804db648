import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Failure } from '../model/index.js';
import { errorCode } from '../util/files.js';
import { LIMITS } from './limits.js';
import { YAML_LIMITS } from '../yaml/index.js';

export const SPECS_FOLDER = 'specs';

/** One file of a catalog, from disk or from a commit. */
export interface CatalogSource {
  /** Relative to the project's root. */
  readonly file: string;
  readonly content: string | Uint8Array;
}

/** A file that looks like a spec file and is not read, and why. */
export interface UnreadFile {
  readonly file: string;
  readonly why: string;
}

interface Listed {
  readonly files: readonly string[];
  readonly failures: readonly Failure[];
  readonly unread: readonly UnreadFile[];
}

/** The spec files below `specs/`, relative to the root. A symlink to a file inside the project is read; one that leads out, or to a folder, is not. */
export async function listSpecFiles(root: string): Promise<Listed> {
  const files: string[] = [];
  const failures: Failure[] = [];
  const unread: UnreadFile[] = [];
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
        else if (target?.isDirectory() === true) unread.push({ file, why: 'it is a symlink to a folder' });
        else if (isSpec && target?.isFile() === true) files.push(file);
      } else if (entry.isDirectory()) await visit(file);
      else if (isSpec && entry.isFile()) files.push(file);
      else if (isSpec) refuse(file, 'invalid-spec', 'is no regular file', 'Replace it by a file, or remove it.');
      else if (/\.ya?ml$/i.test(entry.name) && !entry.name.startsWith('.#'))
        unread.push({ file, why: 'spec files end in .yaml' });
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
      refuse(
        SPECS_FOLDER,
        'invalid-spec',
        `cannot be read (${errorCode(error) || String(error)})`,
        'Check its permissions.',
      );
  }
  if (files.length > LIMITS.files)
    refuse(
      SPECS_FOLDER,
      'invalid-spec',
      `holds ${files.length} spec files; the limit is ${LIMITS.files}`,
      'Split the project.',
    );
  return {
    files: files.length > LIMITS.files ? [] : files.sort(),
    failures,
    unread: unread.sort((left, right) => (left.file < right.file ? -1 : 1)),
  };
}

/** Files read between two turns of the event loop: synchronous reads cost a fifth of asynchronous ones, and this many take a few milliseconds. */
const A_TURN = 100;

/** Reads the files, none larger than a spec file may be. */
export async function readLimited(
  root: string,
  files: readonly string[],
): Promise<{ readonly sources: readonly CatalogSource[]; readonly failures: readonly Failure[] }> {
  const sources: CatalogSource[] = [];
  const failures: Failure[] = [];
  const refuse = (file: string, message: string, hint: string): void =>
    void failures.push({ kind: 'invalid-spec', message, hint, file, line: 1, column: 1 });
  for (const [index, file] of files.entries()) {
    if (index % A_TURN === A_TURN - 1) await new Promise((resolve) => setImmediate(resolve));
    try {
      const content = readBounded(join(root, file));
      if (content === null)
        refuse(file, `${file} is larger than ${YAML_LIMITS.bytes} bytes.`, 'Split it into several files.');
      else sources.push({ file, content });
    } catch (error) {
      refuse(file, `${file} cannot be read (${errorCode(error) || String(error)}).`, 'Check its permissions.');
    }
  }
  return { sources, failures };
}

/** The file's bytes, or null when there are too many. */
function readBounded(path: string): Uint8Array | null {
  const descriptor = openSync(path, 'r');
  try {
    // One look at the size and one read; `readFileSync` looks again.
    const { size } = fstatSync(descriptor);
    if (size > YAML_LIMITS.bytes) return null;
    const bytes = Buffer.allocUnsafe(size);
    let length = 0;
    while (length < size) {
      const read = readSync(descriptor, bytes, length, size - length, null);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}
