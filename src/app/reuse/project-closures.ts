/** Closures of a project's cases: the facts kept on disk, the tree and the tools in one, made once for an analysis. */
import { join } from 'node:path';
import type { Project } from '../../config/index.js';
import type { Closure } from '../../closure/index.js';
import type { Case, ModuleFacts } from '../../model/index.js';
import { openFactsCache } from '../../scan/index.js';
import type { SourceFile } from '../../sources/index.js';
import { hashFields } from '../../util/hash.js';
import type { Analysis } from '../analysis/analyse.js';
import { closureTree } from './closure-tree.js';
import { closures } from './closures.js';

type Env = Readonly<Record<string, string | undefined>>;
/** Null where no closure can be made. */
type ClosureOf = (entry: Case) => Promise<Closure | null>;

export interface ProjectClosures {
  readonly of: ClosureOf;
  /** As if these paths were in the tree still: what once reached them is affected by their going. */
  readonly withGone: (gone: readonly string[]) => Promise<ClosureOf>;
  /** Facts of a file of the tree, and whether a specifier names an installed package from there. */
  readonly factsOf: (path: string) => Promise<ModuleFacts | null>;
  readonly isPackage: (fromFile: string, specifier: string) => Promise<boolean>;
  /** Absolute folders of the Python environments that lie in the tree. */
  readonly environments: () => Promise<readonly string[]>;
  /** Keeps what was found out about files for the next run. */
  readonly save: () => Promise<void>;
}

export async function projectClosures(
  project: Project,
  files: readonly SourceFile[],
  env: Env,
): Promise<ProjectClosures> {
  const facts = await openFactsCache(join(project.directories.cache, 'facts', hashFields([project.root]).slice(0, 16)));
  const context = { root: project.root, env };
  const tree = await closureTree(project.root, files, facts);
  return {
    of: closures(tree, context),
    withGone: async (gone) => closures(await closureTree(project.root, files, facts, gone), context),
    factsOf: async (path) => tree.facts(path),
    isPackage: async (fromFile, specifier) => (await tree.installed(fromFile, specifier)).kind === 'package',
    environments: async () => (await tree.environments()).map((folder) => join(project.root, folder)),
    save: facts.save,
  };
}

const known = new WeakMap<Analysis, Map<Env, Promise<ProjectClosures>>>();

/** The closures of an analysis: selecting by change and the verdict cache ask for the same ones. */
export async function closuresOf(project: Project, analysis: Analysis, env: Env): Promise<ProjectClosures> {
  const byEnv = known.get(analysis) ?? new Map<Env, Promise<ProjectClosures>>();
  known.set(analysis, byEnv);
  const made = byEnv.get(env) ?? projectClosures(project, analysis.source.files, env);
  byEnv.set(env, made);
  return made;
}
