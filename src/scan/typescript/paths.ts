/**
 * Import aliases that are written as data: `paths` and `baseUrl` of the nearest tsconfig.json or jsconfig.json, and `imports` of
 * package.json. Aliases in a bundler's configuration are code and stay unknown.
 */
import { posix } from 'node:path';
import { compiler } from './compiler.js';

/** The part of `Modules` that is needed here. */
export interface TextFiles {
  text(path: string): string | null;
  exists(path: string): boolean;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

/** JSON with comments; null when it is not an object. */
function readJson(path: string, files: TextFiles): Readonly<Record<string, unknown>> | null {
  const text = files.text(path);
  if (text === null) return null;
  const { config } = compiler().parseConfigFileTextToJson(path, text) as { readonly config?: unknown };
  return isRecord(config) ? config : null;
}

/** Nearest file of these names in the folder of `from` or above it. */
export function nearest(from: string, names: readonly string[], files: Pick<TextFiles, 'exists'>): string | null {
  for (let folder = posix.dirname(from); ; folder = posix.dirname(folder)) {
    for (const name of names) {
      const path = folder === '.' ? name : `${folder}/${name}`;
      if (files.exists(path)) return path;
    }
    if (folder === '.' || folder === '/') return null;
  }
}

interface Paths {
  readonly folder: string;
  readonly paths: Readonly<Record<string, unknown>>;
  readonly baseUrl: string | null;
}

function configuredPaths(path: string, files: TextFiles, depth = 0): Paths | null {
  const config = readJson(path, files);
  if (config === null) return null;
  const options = isRecord(config['compilerOptions']) ? config['compilerOptions'] : {};
  const folder = posix.dirname(path);
  const baseUrl = typeof options['baseUrl'] === 'string' ? posix.join(folder, options['baseUrl']) : null;
  if (isRecord(options['paths'])) return { folder: baseUrl ?? folder, paths: options['paths'], baseUrl };
  if (baseUrl !== null) return { folder: baseUrl, paths: {}, baseUrl };
  const parents = typeof config['extends'] === 'string' ? [config['extends']] : strings(config['extends']);
  for (const parent of parents.toReversed()) {
    if (depth >= 4 || !parent.startsWith('.')) continue;
    const target = posix.normalize(posix.join(folder, parent.endsWith('.json') ? parent : `${parent}.json`));
    const found = target.startsWith('..') ? null : configuredPaths(target, files, depth + 1);
    if (found !== null) return found;
  }
  return null;
}

/** What `*` of a pattern stands for, or null when the pattern does not match. */
function starMatch(pattern: string, specifier: string): string | null {
  const star = pattern.indexOf('*');
  if (star === -1) return pattern === specifier ? '' : null;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return specifier.length >= head.length + tail.length && specifier.startsWith(head) && specifier.endsWith(tail)
    ? specifier.slice(head.length, specifier.length - tail.length)
    : null;
}

function* expand(table: Readonly<Record<string, unknown>>, folder: string, specifier: string): Generator<string> {
  for (const [pattern, targets] of Object.entries(table)) {
    const star = starMatch(pattern, specifier);
    if (star === null) continue;
    const list =
      typeof targets === 'string'
        ? [targets]
        : isRecord(targets)
          ? Object.values(targets).filter((item): item is string => typeof item === 'string')
          : strings(targets);
    for (const target of list)
      yield posix.join(
        folder,
        target.replace('*', () => star),
      );
  }
}

/** Project paths (without endings, perhaps) that a non-relative specifier may mean. */
export function* aliasCandidates(from: string, specifier: string, files: TextFiles): Generator<string> {
  if (specifier.startsWith('#')) {
    const manifest = nearest(from, ['package.json'], files);
    const imports = manifest === null ? null : readJson(manifest, files)?.['imports'];
    if (manifest !== null && isRecord(imports)) yield* expand(imports, posix.dirname(manifest), specifier);
  }
  const config = nearest(from, ['tsconfig.json', 'jsconfig.json'], files);
  const found = config === null ? null : configuredPaths(config, files);
  if (found === null) return;
  yield* expand(found.paths, found.folder, specifier);
  if (found.baseUrl !== null) yield posix.join(found.baseUrl, specifier);
}
