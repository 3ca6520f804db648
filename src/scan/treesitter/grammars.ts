/**
 * The grammars, loaded when a file of their language is first parsed: one WebAssembly module and one parser a language,
 * for the life of the process. Nothing of web-tree-sitter is loaded before that.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Parser } from 'web-tree-sitter';

export type GrammarName = 'rust' | 'python' | 'go' | 'java' | 'bash';

const fromHere = createRequire(import.meta.url);
let ready: Promise<typeof import('web-tree-sitter')> | undefined;
const parsers = new Map<GrammarName, Promise<Parser>>();

/** The package's own root: the first folder upwards that holds a package.json. Nothing above it is ever looked at. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** A file of `grammars/` (put there by the build), else the same file of the npm package that it was copied from. */
function wasmFile(packageName: string): string {
  const shipped = join(packageRoot(), 'grammars', `${packageName}.wasm`);
  return existsSync(shipped) ? shipped : fromHere.resolve(`${packageName}/${packageName}.wasm`);
}

async function runtime(): Promise<typeof import('web-tree-sitter')> {
  ready ??= (async () => {
    const library = await import('web-tree-sitter');
    // Its own WebAssembly file stands beside it in node_modules: one version for both, always.
    await library.Parser.init();
    return library;
  })();
  return ready;
}

async function load(name: GrammarName): Promise<Parser> {
  const { Language, Parser } = await runtime();
  return new Parser().setLanguage(await Language.load(wasmFile(`tree-sitter-${name}`)));
}

/** The parser of a language. Rejects when the package is damaged: a grammar is missing or does not fit the runtime. */
export async function parserOf(name: GrammarName): Promise<Parser> {
  const known = parsers.get(name);
  if (known !== undefined) return known;
  const loading = load(name);
  parsers.set(name, loading);
  // A failed load (out of memory, say) is tried again by the next file, not remembered.
  loading.catch(() => parsers.delete(name));
  return loading;
}

/** Throws a parser away after it trapped: its state is unknown. The next file gets a new one. */
export const discardParser = (name: GrammarName): void => void parsers.delete(name);
