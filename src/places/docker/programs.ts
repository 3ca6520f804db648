/** Where a program is inside a container, found by looking only: nothing of the image is executed for it. */
import { posix } from 'node:path';
import type { Api } from './api.js';

/** Bits of Go's FileMode. */
const FOLDER = 2 ** 31;
const SYMLINK = 2 ** 27;
const EXECUTABLE = 0o111;

async function isProgram(api: Api, container: string, path: string): Promise<boolean> {
  let at = path;
  for (let hops = 0; hops < 16; hops += 1) {
    const found = await api.statInside(container, at).catch(() => null);
    if (found === null) return false;
    if (found.mode % (2 * SYMLINK) >= SYMLINK && found.target !== '') {
      const target = posix.resolve(posix.dirname(at), found.target);
      if (target === at) return false;
      at = target;
      continue;
    }
    return found.mode < FOLDER && (found.mode & EXECUTABLE) !== 0;
  }
  return false;
}

/** `program` with a `/` is looked up from the working folder, else along PATH as the container has it. */
export async function findInside(
  api: Api,
  container: string,
  program: string,
  path: string,
  workdir: string,
): Promise<string | null> {
  const candidates = program.includes('/')
    ? [posix.resolve(workdir, program)]
    : path
        .split(':')
        .filter((folder) => folder.startsWith('/'))
        .map((folder) => posix.join(folder, program));
  for (const candidate of candidates) if (await isProgram(api, container, candidate)) return candidate;
  return null;
}
