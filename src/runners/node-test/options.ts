/**
 * How the project starts Node for its tests: loaders and preloads named beside `--test` in a package script. A file in
 * TypeScript needs one of them, or a Node that strips types by itself.
 */
import { scriptStarts, startsIn } from '../scripts.js';

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

/** `node … --test` and `tsx … --test`, behind whatever stands before them. */
const nodeAt = (words: readonly string[]): number =>
  words.includes('--test') ? words.findIndex((word) => /(?:^|\/)(?:node|tsx)$/.test(word)) : -1;

function optionsIn(words: readonly string[]): string[] {
  const options: string[] = (words[0] ?? '').endsWith('tsx') ? ['--import', 'tsx'] : [];
  for (let index = 1; index < words.length; index += 1) {
    const text = words[index] ?? '';
    const value = words[index + 1];
    if (WITH_VALUE.has(text) && value !== undefined) {
      options.push(text, value);
      index += 1;
    } else if (ALONE.has(text) || [...WITH_VALUE].some((name) => name.startsWith('--') && text.startsWith(`${name}=`)))
      options.push(text);
  }
  return options;
}

/** Options out of one script's text, or null when it does not start node's test runner. */
export function optionsOfScript(script: string): string[] | null {
  const [start] = startsIn(script, '', nodeAt);
  return start === undefined ? null : optionsIn(start.words);
}

export interface NodeStart {
  readonly options: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where a script starts it, relative to the root; null when none does. */
  readonly folder: string | null;
}

/** How the package scripts around a file start node's test runner. */
export async function nodeStart(root: string, file: string): Promise<NodeStart> {
  const [start] = await scriptStarts(root, file, nodeAt);
  return start === undefined
    ? { options: [], env: {}, folder: null }
    : { options: optionsIn(start.words), env: start.env, folder: start.folder };
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

/** Words of `NODE_OPTIONS`. */
export const optionsOfEnv = (env: Readonly<Record<string, string>>): readonly string[] =>
  (env['NODE_OPTIONS'] ?? '').split(/\s+/u).filter((word) => word !== '');
