/**
 * How the project starts Node for its tests: loaders and preloads named beside `--test` in a package script. A file in
 * TypeScript needs one of them, or a Node that strips types by itself.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { simpleCommands } from '../command/shell-words.js';

/** Options of Node that a test run needs again: those that change how files are loaded. */
const WITH_VALUE = new Set([
  '--import',
  '--loader',
  '--experimental-loader',
  '--require',
  '-r',
  '--conditions',
  '-C',
  '--env-file',
]);
const ALONE = new Set([
  '--experimental-strip-types',
  '--experimental-transform-types',
  '--experimental-vm-modules',
  '--enable-source-maps',
  '--experimental-test-module-mocks',
  '--experimental-wasm-modules',
  '--preserve-symlinks',
  '--expose-gc',
]);

/** Options out of one script's text, or null when it does not start node's test runner. */
export function optionsOfScript(script: string): string[] | null {
  for (const words of simpleCommands(script)) {
    const texts = words.map((word) => word.text);
    const at = texts.findIndex((text) => /(?:^|\/)(?:node|tsx)$/.test(text));
    if (at === -1 || !texts.includes('--test')) continue;
    const options: string[] = (texts[at] ?? '').endsWith('tsx') ? ['--import', 'tsx'] : [];
    for (let index = at + 1; index < texts.length; index += 1) {
      const text = texts[index] ?? '';
      const value = texts[index + 1];
      if (WITH_VALUE.has(text) && value !== undefined) {
        options.push(text, value);
        index += 1;
      } else if (
        ALONE.has(text) ||
        [...WITH_VALUE].some((name) => name.startsWith('--') && text.startsWith(`${name}=`))
      )
        options.push(text);
    }
    return options;
  }
  return null;
}

/** The options of the first script in a package that starts node's test runner; none when there is no such script. */
export async function projectOptions(root: string, directory: string): Promise<readonly string[]> {
  const text = await readFile(join(root, directory, 'package.json'), 'utf8').catch(() => null);
  if (text === null) return [];
  let manifest: unknown;
  try {
    manifest = JSON.parse(text);
  } catch {
    return [];
  }
  const scripts =
    typeof manifest === 'object' &&
    manifest !== null &&
    'scripts' in manifest &&
    typeof manifest.scripts === 'object' &&
    manifest.scripts !== null
      ? manifest.scripts
      : {};
  const texts = Object.entries(scripts)
    .sort(([left], [right]) => Number(right === 'test') - Number(left === 'test'))
    .map(([, value]) => value as unknown);
  for (const script of texts) {
    const found = typeof script === 'string' ? optionsOfScript(script) : null;
    if (found !== null) return found;
  }
  return [];
}

export const isTypeScript = (file: string): boolean => /\.[cm]?tsx?$/.test(file);

/** Whether these options make Node load TypeScript. */
export const loadsTypeScript = (options: readonly string[]): boolean =>
  options.some(
    (option) =>
      option.startsWith('--import') ||
      option.includes('loader') ||
      option === '--require' ||
      option === '-r' ||
      option.startsWith('--require=') ||
      option.startsWith('--experimental-strip') ||
      option.startsWith('--experimental-transform'),
  );
