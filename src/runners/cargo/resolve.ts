/**
 * file → (package, target, libtest names), by static analysis of the module tree. Nothing is executed here: what a
 * case comes to is decided later, with the executables' own lists.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Case } from '../../model/index.js';
import { lacksHarness, readManifest } from './manifest.js';
import { packageFolder, type Metadata, type Package, type Target } from './metadata.js';
import { moduleTree, modulesByPlace, type PlacedCondition } from './module-tree.js';
import type { TreePaths } from './paths.js';

/** One place where a case's test may be compiled into. */
export interface Candidate {
  readonly entry: Package;
  readonly target: Target;
  /** Modules that the file stands for in this target. */
  readonly modules: readonly string[];
  /** `declared`: a chain of `mod` leads there. `place`: only the folder suggests it (modules made by a macro). */
  readonly ground: 'declared' | 'place';
  readonly harness: boolean;
  /** Conditions of the `mod` declarations that lead to the file. */
  readonly conditions: readonly PlacedCondition[];
}

export interface ResolvedCase {
  readonly case: Case;
  readonly kind: 'test' | 'doctest';
  readonly candidates: readonly Candidate[];
  /** Packages that may hold it: they are built. */
  readonly packages: readonly Package[];
}

export const isDocCase = (one: Case): boolean =>
  one.test?.framework === 'doctest' || one.path[0] === 'doctest' || /\(line \d+\)$/u.test(one.path.at(-1) ?? '');

const hasTests = (target: Target): boolean => !target.kind.includes('custom-build');

/** Finds candidates for many cases, reading every manifest and source at most once. */
export class Resolver {
  readonly #metadata: Metadata;
  readonly #paths: TreePaths;
  readonly #hostRoot: string;
  readonly #sources = new Map<string, Promise<string | null>>();
  readonly #conditions = new Map<string, ReadonlyMap<string, PlacedCondition[]>>();
  readonly #trees = new Map<string, ReturnType<typeof moduleTree>>();

  constructor(metadata: Metadata, paths: TreePaths, hostRoot: string) {
    this.#metadata = metadata;
    this.#paths = paths;
    this.#hostRoot = hostRoot;
  }

  #read = (path: string): Promise<string | null> => {
    const known = this.#sources.get(path);
    if (known !== undefined) return known;
    const text = path.startsWith('..')
      ? Promise.resolve(null)
      : readFile(join(this.#hostRoot, path), 'utf8').catch(() => null);
    this.#sources.set(path, text);
    return text;
  };

  #tree(rootFile: string): ReturnType<typeof moduleTree> {
    const known = this.#trees.get(rootFile);
    if (known !== undefined) return known;
    const conditions = new Map<string, PlacedCondition[]>();
    const tree = moduleTree(rootFile, this.#read, undefined, conditions);
    this.#trees.set(rootFile, tree);
    this.#conditions.set(rootFile, conditions);
    return tree;
  }

  /** Packages around the file, the innermost first, then all others. */
  #order(file: string): readonly Package[] {
    const depth = (entry: Package): number => {
      const folder = this.#paths.relative(packageFolder(entry));
      return folder !== null && (folder === '' || file.startsWith(`${folder}/`)) ? folder.length : -1;
    };
    return [...this.#metadata.packages].sort((left, right) => depth(right) - depth(left));
  }

  async #candidatesIn(entry: Package, file: string): Promise<Candidate[]> {
    const found: Candidate[] = [];
    const byPlace: Candidate[] = [];
    const manifest = await readManifest(this.#paths.host(entry.manifestPath) ?? '');
    for (const target of entry.targets.filter(hasTests)) {
      const rootFile = this.#paths.relative(target.sourcePath);
      if (rootFile === null) continue;
      const folder = this.#paths.relative(packageFolder(entry)) ?? '';
      const below =
        folder === '' ? rootFile : rootFile.startsWith(`${folder}/`) ? rootFile.slice(folder.length + 1) : null;
      const harness = !lacksHarness(manifest, target, below);
      const tree = await this.#tree(rootFile);
      const conditions = this.#conditions.get(rootFile)?.get(file) ?? [];
      const places = tree.get(file);
      if (places !== undefined) {
        for (const modules of places) found.push({ entry, target, modules, ground: 'declared', harness, conditions });
        continue;
      }
      const guess = modulesByPlace(rootFile, file);
      // A path that a declared file has taken is not this file's, whatever its folder suggests.
      const taken =
        guess !== null &&
        [...tree.values()].some((all) => all.some((modules) => modules.join('::') === guess.join('::')));
      if (guess !== null && guess.length > 0 && !taken)
        byPlace.push({ entry, target, modules: guess, ground: 'place', harness, conditions: [] });
    }
    return found.length > 0 ? found : byPlace;
  }

  async resolve(one: Case): Promise<ResolvedCase> {
    const order = this.#order(one.file);
    const nearest = order[0];
    if (isDocCase(one))
      return { case: one, kind: 'doctest', candidates: [], packages: nearest === undefined ? [] : [nearest] };
    let fallback: Candidate[] = [];
    for (const entry of order) {
      const candidates = await this.#candidatesIn(entry, one.file);
      if (candidates.some((candidate) => candidate.ground === 'declared')) return this.#resolved(one, candidates);
      if (fallback.length === 0 && entry === nearest) fallback = candidates;
    }
    return this.#resolved(one, fallback);
  }

  #resolved(one: Case, candidates: readonly Candidate[]): ResolvedCase {
    return {
      case: one,
      kind: 'test',
      candidates,
      packages: [...new Set(candidates.map((candidate) => candidate.entry))],
    };
  }
}
