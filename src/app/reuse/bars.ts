/** Why a verdict is no function of the project, its tools and its environment: then no identity, however whole, lets it be reused. */
import { readdirSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Project } from '../../config/index.js';
import type { Closure } from '../../closure/index.js';
import type { Case } from '../../model/index.js';
import { openFactsCache } from '../../scan/index.js';
import { OUTPUT_NAMES } from '../../sources/index.js';
import { orNull, readRegularText } from '../../util/files.js';
import { hashFields } from '../../util/hash.js';
import type { Analysis } from '../analysis/analyse.js';
import { closuresOf } from './project-closures.js';
import { crateBar } from './crate-bars.js';
import { PackageBars } from './package-bars.js';

export interface Bars {
  /** One line for a person, or null: nothing bars it. */
  of(entry: Case): Promise<string | null>;
  save(): Promise<void>;
}

/** The prefixes of the interpreters that a path names: `prefix/bin/python`. */
const prefixesOf = (path: string | undefined): string[] =>
  (path ?? '')
    .split(delimiter)
    .filter((folder) => basename(folder) === 'bin' && ['python3', 'python'].some((name) => isThere(join(folder, name))))
    .map((folder) => dirname(folder));
const isThere = (path: string): boolean => orNull(() => statSync(path)) !== null;

/** Where Python packages lie: the project's own environments, the configured one, and what the interpreters on PATH have. */
function sitePackages(
  root: string,
  inTree: readonly string[],
  configured: string | null,
  env: Readonly<Record<string, string | undefined>>,
): string[] {
  const prefixes = [
    ...inTree,
    join(root, '.venv'),
    join(root, 'venv'),
    ...(configured?.includes('/') === true ? [dirname(dirname(configured))] : []),
    env['VIRTUAL_ENV'] ?? '',
    ...prefixesOf(env['PATH']),
    '/usr/local',
    '/usr',
    join(env['HOME'] ?? '/', '.local'),
  ];
  return [...new Set(prefixes)]
    .filter((prefix) => prefix !== '')
    .flatMap((prefix) => {
      const lib = join(prefix, 'lib');
      return (orNull(() => readdirSync(lib)) ?? [])
        .filter((name) => name.startsWith('python'))
        .flatMap((name) => [join(lib, name, 'site-packages'), join(lib, name, 'dist-packages')]);
    });
}

const UNCACHEABLE = /@uncacheable\b/u;
const SCRIPT = /\.(?:[cm]?[jt]sx?|vue|svelte)$/u;

export async function barsOf(
  project: Project,
  analysis: Analysis,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Bars> {
  const closures = await closuresOf(project, analysis, env);
  const facts = await openFactsCache(
    join(project.directories.cache, 'facts', `${hashFields([project.root]).slice(0, 16)}-packages`),
  );
  const packages = new PackageBars(facts, async () =>
    sitePackages(project.root, await closures.environments(), project.settings.backends.python.bin, env),
  );
  const known = new Map<Closure, Promise<string | null>>();

  const inPackages = async (closure: Closure): Promise<string | null> => {
    for (const path of closure.files.keys()) {
      const own = await closures.factsOf(path);
      if (own === null) continue;
      // What lies in a folder that tools make is in no identity.
      const read = own.paths.find(
        (text) => text.includes('/') && text.split('/').some((part) => OUTPUT_NAMES.has(part)),
      );
      if (read !== undefined && own.reads) return `${path} reads ${read}, which tools make anew`;
      for (const specifier of own.imports) {
        const why = SCRIPT.test(path)
          ? isBare(specifier)
            ? await barOfScript(path, specifier)
            : null
          : path.endsWith('.py') && !specifier.startsWith('.')
            ? await packages.python(specifier)
            : null;
        if (why !== null) return `${path}: ${why}`;
      }
    }
    return crateBar(project.root, closure, closures.factsOf, env);
  };
  const barOfScript = async (path: string, specifier: string): Promise<string | null> => {
    if (!(await closures.isPackage(path, specifier))) return null;
    return packages.script(join(project.root, path), specifier);
  };

  return {
    of: async (entry) => {
      if (UNCACHEABLE.test(readRegularText(join(project.root, entry.file)) ?? ''))
        return `${entry.file} is marked @uncacheable`;
      const closure = await closures.of(entry);
      if (closure === null) return 'what it reaches is not known';
      if (closure.outside !== null) return closure.outside;
      const there = known.get(closure) ?? inPackages(closure);
      known.set(closure, there);
      return there;
    },
    save: async () => {
      await closures.save();
      await facts.save();
    },
  };
}

const isBare = (specifier: string): boolean => !/^(?:\.{0,2}\/|\.{1,2}$|node:|virtual:|data:)/u.test(specifier);
