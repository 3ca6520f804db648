/**
 * The observer's program (native/observer.c), built by scripts/build.mjs where a C compiler is present and shipped in dist/native/.
 * It is used only while its bytes have the hash that the build wrote down.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { orNull } from '../util/files.js';
import { sha256 } from '../util/hash.js';

/** Set by the build: platform → hash of its program. */
declare const COHERENCE_OBSERVERS: Readonly<Record<string, string>> | undefined;

export type Helper = { readonly ok: true; readonly path: string } | { readonly ok: false; readonly why: string };

const PLATFORM = `${process.platform}-${process.arch}`;

/** Beside the bundles; from the sources, where the last build of this package put it. */
function nativeFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  const beside = join(folder, 'native');
  if (existsSync(beside)) return beside;
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'dist', 'native');
}

function expectedHash(folder: string): string | undefined {
  if (typeof COHERENCE_OBSERVERS !== 'undefined') return COHERENCE_OBSERVERS[PLATFORM];
  const built = orNull(() => JSON.parse(readFileSync(join(folder, 'hashes.json'), 'utf8')) as Record<string, string>);
  return built?.[PLATFORM];
}

/** The program in a folder, when it is there and is the one that was built. */
export function checkedHelper(folder: string, hash: string | undefined): Helper {
  if (process.platform !== 'linux')
    return { ok: false, why: `There is no observer for ${process.platform}: it needs Linux.` };
  if (hash === undefined)
    return {
      ok: false,
      why: `This build has no observer for ${PLATFORM}: there was no C compiler when it was made.`,
    };
  const path = join(folder, `observer-${PLATFORM}`);
  const bytes = orNull(() => readFileSync(path));
  if (bytes === null) return { ok: false, why: `The observer ${path} is missing; install or build coherence again.` };
  if (sha256(bytes) !== hash)
    return { ok: false, why: `The observer ${path} is not the one that was built; install or build coherence again.` };
  return { ok: true, path };
}

let checked: Helper | undefined;

/** Checked once a process. */
export function helper(): Helper {
  checked ??= checkedHelper(nativeFolder(), expectedHash(nativeFolder()));
  return checked;
}
