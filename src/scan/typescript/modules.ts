/**
 * Other files of the project, as far as a title, an alias or a wrapper needs them.
 *
 * Analysis is synchronous; a file that is not loaded yet is noted in `missing` and the answer is "not known". The caller loads
 * what is missing and analyses again, until nothing new is asked for.
 */
import { posix } from 'node:path';
import { blobId } from '../blob.js';
import type { ProjectView } from '../language.js';
import { parse } from './compiler.js';
import { aliasCandidates } from './paths.js';
import { blockScope, type Module, type Scope } from './scope.js';

export function makeModule(path: string, text: string): Module {
  const source = parse(path, text);
  let scope: Scope | null = null;
  const module: Module = {
    path,
    source,
    get scope() {
      return (scope ??= blockScope(null, module, source.statements));
    },
  };
  return module;
}

const ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'];
/** What a specifier's JavaScript ending may stand for in TypeScript. */
const SOURCES_OF: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
  '.jsx': ['.tsx'],
};

/** More than this is not a helper but a product. */
const MAX_BYTES = 512 * 1024;
const MAX_PARSED = 256;

/** Parsed modules of recent files, by content, so that a helper that many tests import is parsed once. */
const parsed = new Map<string, Module>();

function remember(key: string, make: () => Module): Module {
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const made = make();
  if (parsed.size >= MAX_PARSED) {
    const oldest = parsed.keys().next();
    if (oldest.done !== true) parsed.delete(oldest.value);
  }
  parsed.set(key, made);
  return made;
}

export class Modules {
  readonly #project: ProjectView;
  readonly #loaded = new Map<string, Module | null>();
  readonly #texts = new Map<string, string | null>();
  readonly #missing = new Set<string>();
  readonly #resolved = new Map<string, string | null>();

  constructor(project: ProjectView) {
    this.#project = project;
  }

  /** The project file that a specifier names from a file, or null: a package, a builtin, or nothing that exists. */
  resolve(from: string, specifier: string): string | null {
    const key = `${from}\0${specifier}`;
    let known = this.#resolved.get(key);
    // Until the configuration files that aliases stand in are loaded, the answer is not final.
    if (known === undefined || this.#missing.size > 0) this.#resolved.set(key, (known = this.#find(from, specifier)));
    return known;
  }

  #find(from: string, specifier: string): string | null {
    if (specifier.startsWith('.')) return this.#existing(posix.normalize(posix.join(posix.dirname(from), specifier)));
    for (const candidate of aliasCandidates(from, specifier, this)) {
      const found = this.#existing(posix.normalize(candidate));
      if (found !== null) return found;
    }
    return null;
  }

  #existing(base: string): string | null {
    if (base.startsWith('..') || base.startsWith('/')) return null;
    const ending = /\.[cm]?[jt]sx?$/u.exec(base)?.[0] ?? '';
    const stem = base.slice(0, base.length - ending.length);
    const candidates = [
      ...(ending === '' ? [] : [base]),
      ...(SOURCES_OF[ending] ?? []).map((other) => stem + other),
      ...ENDINGS.map((other) => base + other),
      ...ENDINGS.map((other) => posix.join(base, `index${other}`)),
    ];
    return candidates.find((path) => this.#project.exists(path)) ?? null;
  }

  /** A project file, parsed; null when it is not loaded (then it is noted) or cannot be. */
  module(path: string): Module | null {
    const known = this.#loaded.get(path);
    if (known === undefined) this.#missing.add(path);
    return known ?? null;
  }

  /** A text file such as tsconfig.json; null as for `module`. */
  text(path: string): string | null {
    if (!this.#project.exists(path)) return null;
    const known = this.#texts.get(path);
    if (known === undefined) this.#missing.add(path);
    return known ?? null;
  }

  exists(path: string): boolean {
    return this.#project.exists(path);
  }

  /** Loads what was asked for since the last call. False when that was nothing. */
  async loadMissing(): Promise<boolean> {
    if (this.#missing.size === 0) return false;
    const paths = [...this.#missing];
    this.#missing.clear();
    this.#resolved.clear();
    for (const path of paths) {
      const bytes = await this.#project.read(path);
      const usable = bytes !== null && bytes.length <= MAX_BYTES ? bytes : null;
      if (path.endsWith('.json')) this.#texts.set(path, usable?.toString('utf8') ?? null);
      else
        this.#loaded.set(
          path,
          usable === null
            ? null
            : remember(`${path}\0${blobId(usable)}`, () => makeModule(path, usable.toString('utf8'))),
        );
    }
    return true;
  }
}
