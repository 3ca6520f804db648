/**
 * The input closure of a test: all that its outcome may depend on. It widens where something cannot be known (a folder instead
 * of files), and it says when the outcome is no function of the tree at all. It never narrows.
 */
import type { ModuleFacts } from '../model/index.js';
import { turns } from '../util/turns.js';

/** The tree as closures see it. */
export interface ClosureTree {
  /** Listed paths (tracked, or untracked and not ignored). */
  readonly paths: readonly string[];
  has(path: string): boolean;
  /** Facts of a listed or ignored file; null when there is none to read. */
  facts(path: string): Promise<ModuleFacts | null>;
  text(path: string): Promise<string | null>;
  /** Every file on disk below a folder, ignored ones too, without installed packages and build output; null when too many. */
  everythingBelow(folder: string): Promise<readonly string[] | null>;
  /** Folders of the tree that hold a Python environment: what lies there is installed, and no source of the project. */
  environments(): Promise<readonly string[]>;
  /** What installed package a bare specifier names from a file: in the tree, outside of it (with an identity), or not there. */
  installed(fromFile: string, specifier: string): Promise<InstalledPackage>;
}

export type InstalledPackage =
  | { readonly kind: 'inside'; readonly folder: string; readonly entry: string | null }
  | { readonly kind: 'package'; readonly identity: string }
  | { readonly kind: 'linked-outside' }
  | { readonly kind: 'missing' };

export interface Closure {
  /** Path → fingerprint of its content (without comments, for languages that are parsed). */
  readonly files: ReadonlyMap<string, string>;
  /** Path → the file that drew it in; for explanations. */
  readonly from: ReadonlyMap<string, string>;
  /** Folders that count as a whole, because something in them cannot be told apart; '' is the project. */
  readonly folders: readonly string[];
  /** Further facts in the key: tool versions, lock files by hash, installed packages. */
  readonly facts: readonly string[];
  /** Why the outcome is no function of these; such a verdict is never cached. */
  readonly outside: string | null;
}

/** Collects a closure. */
export class ClosureBuilder {
  readonly files = new Map<string, string>();
  readonly from = new Map<string, string>();
  readonly folders = new Set<string>();
  readonly facts = new Set<string>();
  private readonly widened = new Set<string>();
  /** Files that are run, not only read: what they import is followed, and what makes them no function of the tree counts. */
  private readonly ran = new Set<string>();
  outside: string | null = null;

  constructor(readonly tree: ClosureTree) {}

  hasRun(path: string): boolean {
    return this.ran.has(path);
  }

  /** Adds a file that is run; null when it was added as such already or cannot be read. One that so far was only read is run from here on. */
  async add(path: string, from: string): Promise<ModuleFacts | null> {
    if (this.ran.has(path)) return null;
    this.ran.add(path);
    const facts = await this.tree.facts(path);
    if (facts === null) return null;
    this.files.set(path, facts.fingerprint);
    if (!this.from.has(path)) this.from.set(path, from);
    if (facts.outside !== null) this.outside ??= `${path}: ${facts.outside}`;
    return facts;
  }

  /**
   * Takes a whole folder, ignored files too: what is read at run time need not be tracked.
   * @param executed whether files of the folder may be run, not only read
   * @returns the files that may now be run and were not before: the caller follows what they import, which may lead out of the folder
   */
  async widen(folder: string, from: string, executed: boolean): Promise<readonly string[]> {
    const mark = `${executed ? 'x' : 'r'}:`;
    if (this.widened.has(mark + folder) || this.widened.has(mark)) return [];
    this.widened.add(mark + folder);
    this.folders.add(folder);
    const files = await this.tree.everythingBelow(folder);
    if (files === null) {
      this.outside ??= `too many files below ${folder === '' ? 'the project' : folder}`;
      return [];
    }
    const pause = turns();
    for (const path of files) {
      if (this.files.has(path)) continue;
      await pause();
      const facts = await this.tree.facts(path);
      if (facts === null) continue;
      this.files.set(path, facts.fingerprint);
      this.from.set(path, from);
    }
    return executed ? files.filter((path) => !this.ran.has(path)) : [];
  }

  closure(): Closure {
    return {
      files: this.files,
      from: this.from,
      folders: [...this.folders].sort(),
      facts: [...this.facts].sort(),
      outside: this.outside,
    };
  }
}

/** The nearest folder upwards from a file that holds `name`; null when none does. '' is the root. */
export function nearestWith(tree: ClosureTree, file: string, name: string): string | null {
  let folder = file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '';
  for (;;) {
    if (tree.has(folder === '' ? name : `${folder}/${name}`)) return folder;
    if (folder === '') return null;
    folder = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '';
  }
}

/** A folder and all above it, innermost first; ends with ''. */
export function foldersUp(folder: string): string[] {
  const found: string[] = [];
  for (let at = folder; ; at = at.includes('/') ? at.slice(0, at.lastIndexOf('/')) : '') {
    found.push(at);
    if (at === '') return found;
  }
}

export const joined = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);
export const folderOf = (file: string): string => (file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '');

/** `a/b` + `../c` → `a/c`; null when it climbs out of the project. */
export function resolvePath(folder: string, path: string): string | null {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join('/');
}
