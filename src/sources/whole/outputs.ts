/**
 * Which folders are what tools make and nobody reads back as an input: they are left out of the identity of a project. Nothing
 * that git tracks is ever left out, and a name alone never decides where a tool marks its folders itself.
 */
import { readSync, openSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import { orNull } from '../../util/files.js';
import { ignoreMatcher } from '../ignore.js';

/** The first bytes of a CACHEDIR.TAG: cargo, pytest, mypy and ruff put it into what they can make again. */
const SIGNATURE = 'Signature: 8a477f597d28d172789f06886806bc55';

/**
 * Written anew by every run and read only by the tool that wrote it: compiled modules (checked against their source), the order
 * of vitest's last run, hypothesis' examples (tests that use them are never reused), this tool's own evidence, editors' state.
 */
const MADE = new Set(['__pycache__', '.vite', '.vite-temp', '.vitest', '.hypothesis', '.idea']);
const MADE_FILES = /^(?:\.DS_Store|.*\.sw[op]|\.coverage(?:\..+)?)$/u;

export interface OutputRules {
  /** @param parent name of the folder that holds it */
  isOutputFolder(path: string, name: string, parent: string): boolean;
  isOutputFile(path: string, name: string): boolean;
  /** @param names what lies in the folder */
  isCache(path: string, absolute: string, names: ReadonlySet<string>): boolean;
}

/** The names of folders that are left out by their name; whoever reads in one rests on what no identity holds. */
export const OUTPUT_NAMES: ReadonlySet<string> = new Set([...MADE, 'target', '.pytest_cache', 'runs']);

function startsWithSignature(file: string): boolean {
  const handle = orNull(() => openSync(file, 'r'));
  if (handle === null) return false;
  try {
    const bytes = Buffer.alloc(SIGNATURE.length);
    return readSync(handle, bytes, 0, bytes.length, 0) === bytes.length && bytes.toString('latin1') === SIGNATURE;
  } finally {
    closeSync(handle);
  }
}

/**
 * @param prefix where the project lies below the top, with a `/` at its end, or ''
 * @param declared `verify.outputs`, relative to the project
 * @param tracked whether git tracks the path (relative to the top) or something below it
 */
export function outputRules(
  prefix: string,
  declared: readonly string[],
  tracked: (path: string) => boolean,
): OutputRules {
  const matches = ignoreMatcher(declared);
  const isDeclared = (path: string): boolean => path.startsWith(prefix) && matches(path.slice(prefix.length));
  return {
    isOutputFolder: (path, name, parent) =>
      (MADE.has(name) ||
        (parent === '.coherence' && name === 'runs') ||
        (parent === 'node_modules' && name === '.cache') ||
        isDeclared(path)) &&
      !tracked(path),
    isOutputFile: (path, name) => (MADE_FILES.test(name) || isDeclared(path)) && !tracked(path),
    // uv tags its virtual environments, too, and those are what tests run on.
    isCache: (path, absolute, names) =>
      names.has('CACHEDIR.TAG') &&
      !names.has('pyvenv.cfg') &&
      startsWithSignature(join(absolute, 'CACHEDIR.TAG')) &&
      !tracked(path),
  };
}
