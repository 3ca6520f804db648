/**
 * What installed packages draw in: the module graph behind an import of a test, followed into node_modules and site-packages until
 * something in it may ask the clock, chance or the network. Such a test is no function of any files.
 */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import type { ModuleFacts } from '../../model/index.js';
import type { FactsCache } from '../../scan/index.js';
import { turns } from '../../util/turns.js';
import { orNull, readRegularFile, readRegularText } from '../../util/files.js';

/** A reason that no identity of files, tools and environment can hold; programs and the machine are in the identity. */
export const isShifting = (why: string): boolean => /^(?:network|the clock|randomness)/u.test(why);

const MAX_FILE = 1024 * 1024;
const MAX_FILES = 3000;
const BUILTIN = new Set(builtinModules);
/** Test runners themselves: what they do with the clock is theirs, and no test's result. */
const RUNNERS = /^(?:vitest|@vitest\/.+|@jest\/globals|pytest|_pytest|pluggy)$/u;

const isFile = (path: string): boolean => orNull(() => statSync(path).isFile()) === true;

/** Every file that `exports`, `imports` or `main` may choose under some condition. */
function targetsOf(value: unknown, star: string): string[] {
  if (typeof value === 'string') return [value.replaceAll('*', star)];
  if (Array.isArray(value)) return value.flatMap((item) => targetsOf(item, star));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([condition, item]) => (condition === 'types' ? [] : targetsOf(item, star)));
}

function mapped(map: unknown, key: string): string[] | null {
  if (map === undefined) return null;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return key === '.' ? targetsOf(map, '') : [];
  const entries = Object.entries(map);
  if (!entries.some(([name]) => name.startsWith('.') || name.startsWith('#')))
    return key === '.' ? targetsOf(map, '') : [];
  return entries.flatMap(([name, value]) => {
    if (name === key) return targetsOf(value, '');
    const at = name.indexOf('*');
    if (at === -1) return [];
    const [before, after] = [name.slice(0, at), name.slice(at + 1)];
    const fits = key.startsWith(before) && key.endsWith(after) && key.length >= name.length - 1;
    return fits ? targetsOf(value, key.slice(before.length, key.length - after.length)) : [];
  });
}

const ENDINGS = [
  '',
  '.js',
  '.mjs',
  '.cjs',
  '.json',
  '.ts',
  '.mts',
  '.cts',
  '/index.js',
  '/index.mjs',
  '/index.cjs',
  '/index.ts',
];

/** Files that a specifier may mean, seen from a file; null: a package that is not there, or that chooses none. */
function resolveScript(from: string, specifier: string): readonly string[] | null {
  if (/^\.{0,2}\//u.test(specifier) || specifier === '.' || specifier === '..') {
    const path = join(dirname(from), specifier);
    return ENDINGS.map((ending) => path + ending).filter(isFile);
  }
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const own = specifier.startsWith('#') ? folder : join(folder, 'node_modules', name);
    const text = readRegularText(join(own, 'package.json'));
    if (text !== null) {
      const manifest = orNull(() => JSON.parse(text) as Record<string, unknown>);
      if (manifest === null) return null;
      const rest = specifier.slice(name.length);
      const chosen = specifier.startsWith('#')
        ? (mapped(manifest['imports'], specifier) ?? [])
        : (mapped(manifest['exports'], `.${rest}`) ??
          (rest === '' ? [manifest['main'], manifest['module'], 'index.js'] : [`.${rest}`]));
      const files = chosen
        .filter((item) => typeof item === 'string')
        .flatMap((item) =>
          ENDINGS.map((ending) => join(own, item) + ending)
            .filter(isFile)
            .slice(0, 1),
        );
      return files.length > 0 ? files : null;
    }
    if (dirname(folder) === folder) return null;
  }
}

/** Files of a dotted name below folders of installed packages; empty: it is not installed there (the standard library, or absent). */
function resolvePython(folders: readonly string[], dotted: string): readonly string[] {
  const parts = dotted.split('.');
  const found: string[] = [];
  for (const folder of folders)
    for (let length = 1; length <= parts.length; length += 1) {
      const path = join(folder, ...parts.slice(0, length));
      found.push(...[`${path}.py`, join(path, '__init__.py')].filter(isFile));
      const last = parts[length - 1] ?? '';
      for (const name of orNull(() => readdirSync(dirname(path))) ?? [])
        if (name.startsWith(`${last}.`) && /\.(?:so|pyd)$/u.test(name)) found.push(join(dirname(path), name));
    }
  return found;
}

export class PackageBars {
  private readonly reasons = new Map<string, string | null>();
  private readonly files = new Map<string, readonly string[]>();
  private readonly pause = turns();

  /** @param sitePackages absolute folders */
  constructor(
    private readonly facts: FactsCache,
    private readonly sitePackages: () => Promise<readonly string[]>,
  ) {}

  private folders: readonly string[] | undefined;

  /** @returns one line, or null: nothing behind this import shifts */
  async script(from: string, specifier: string): Promise<string | null> {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/');
    if (RUNNERS.test(name)) return null;
    const files = resolveScript(from, specifier);
    if (files === null) return `${specifier}: its files cannot be told`;
    return this.graph(specifier, files, (file, facts) =>
      facts.imports.flatMap((next) => {
        if (next.startsWith('node:') || BUILTIN.has(next) || RUNNERS.test(next)) return [];
        // An optional package that is not installed is none; a path that leads nowhere is another build's.
        return resolveScript(file, next) ?? [];
      }),
    );
  }

  async python(dotted: string): Promise<string | null> {
    if (RUNNERS.test(dotted.split('.')[0] ?? '')) return null;
    this.folders ??= await this.sitePackages();
    return this.graph(dotted, this.installed(dotted), (file, facts) =>
      facts.imports.flatMap((next) => {
        const dots = /^\.+/u.exec(next)?.[0].length ?? 0;
        if (dots === 0) return RUNNERS.test(next.split('.')[0] ?? '') ? [] : this.installed(next);
        const base = join(dirname(file), '../'.repeat(dots - 1));
        return resolvePython([base], next.slice(dots));
      }),
    );
  }

  /** A thousand modules name the same hundred: each name is looked for once. */
  private installed(dotted: string): readonly string[] {
    const there = this.files.get(dotted) ?? resolvePython(this.folders ?? [], dotted);
    this.files.set(dotted, there);
    return there;
  }

  private async graph(
    name: string,
    start: readonly string[],
    next: (file: string, facts: ModuleFacts) => readonly string[],
  ): Promise<string | null> {
    const key = start.join('\0');
    const known = this.reasons.get(key);
    if (known !== undefined) return known;
    const why = await this.walk(name, start, next);
    this.reasons.set(key, why);
    return why;
  }

  private async walk(
    name: string,
    start: readonly string[],
    next: (file: string, facts: ModuleFacts) => readonly string[],
  ): Promise<string | null> {
    const seen = new Set<string>();
    const queue = [...start];
    const looked = new Set<string>();
    for (const file of queue) {
      if (looked.has(file)) continue;
      looked.add(file);
      await this.pause();
      const real = orNull(() => realpathSync.native(file)) ?? file;
      if (seen.has(real)) continue;
      seen.add(real);
      if (seen.size > MAX_FILES) return `${name} draws in too many files to look at`;
      if (/\.(?:node|so|pyd|wasm)$/u.test(real)) return `${name} draws in ${real}, which is no source`;
      if (!/\.(?:[cm]?[jt]sx?|py)$/u.test(real)) continue;
      if ((orNull(() => statSync(real).size) ?? MAX_FILE) >= MAX_FILE)
        return `${name} draws in ${real}, which is too large to look at`;
      const facts = await this.facts.of(real, { blob: null, read: async () => readRegularFile(real) });
      if (facts === null) return `${name} draws in ${real}, which cannot be read`;
      if (facts.outside !== null && isShifting(facts.outside)) return `${name} draws in ${facts.outside}: ${real}`;
      queue.push(...next(real, facts));
    }
    return null;
  }
}
