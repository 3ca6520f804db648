/**
 * Copies the grammars from the npm packages (development dependencies) into grammars/, which the package ships.
 * web-tree-sitter is a dependency of the package and brings its own WebAssembly file.
 */
import { copyFile, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LANGUAGES = ['rust', 'python', 'go', 'java', 'bash'];

export async function copyGrammars() {
  const fromHere = createRequire(import.meta.url);
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'grammars');
  await mkdir(folder, { recursive: true });
  for (const language of LANGUAGES) {
    const name = `tree-sitter-${language}`;
    await copyFile(fromHere.resolve(`${name}/${name}.wasm`), join(folder, `${name}.wasm`));
  }
}
