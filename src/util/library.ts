/**
 * Large libraries, each as one file beside the bundles (scripts/build.mjs makes them) and loaded with the code cache: a tenth of the
 * files to open, and nothing to compile. From the sources, and where the file is missing, the package itself.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCompiled } from './code-cache.js';

/**
 * The exports of a CommonJS package; call once and keep the value.
 * @param name of its file in the build
 * @param request what `require` takes to find the package
 */
export function library(name: string, request: string): unknown {
  const built = join(dirname(fileURLToPath(import.meta.url)), `${name}.library.cjs`);
  return existsSync(built) ? loadCompiled(built, 'library') : createRequire(import.meta.url)(request);
}
