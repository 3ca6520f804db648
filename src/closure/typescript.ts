/**
 * Closures of vitest and node:test files: the import graph, and on the way every package.json, tsconfig, runner configuration,
 * environment file and lock file that can change how a module runs.
 */
import { builtinModules } from 'node:module';
import type { ModuleFacts } from '../model/index.js';
import {
  ClosureBuilder,
  folderOf,
  foldersUp,
  joined,
  nearestWith,
  resolvePath,
  type Closure,
  type ClosureTree,
} from './types.js';

const BUILTIN = new Set(builtinModules);
const ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json', '.vue', '.svelte'];
const TYPESCRIPT = ['.ts', '.tsx', '.mts', '.cts'];
const INDEX = ['.ts', '.tsx', '.mts', '.js', '.jsx', '.mjs', '.cjs', '.json'];
/** Files beside a test or above it that configure how it runs. */
const CONFIGURATION =
  /^(?:vite(?:st)?\.(?:config|workspace|projects)\.[cm]?[jt]s|vitest\.workspace\.json|package\.json|tsconfig[\w.-]*\.json|jsconfig\.json|\.env(?:\..+)?|\.npmrc|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?|\.swcrc|babel\.config\.[cm]?[jt]s(?:on)?|\.babelrc(?:\.json)?|postcss\.config\.[cm]?[jt]s|\.browserslistrc|\.node-version|\.nvmrc)$/u;
const SNAPSHOTS = '__snapshots__';

const isRelative = (specifier: string): boolean =>
  specifier.startsWith('./') ||
  specifier.startsWith('../') ||
  specifier === '.' ||
  specifier === '..' ||
  specifier.startsWith('/');
const bare = (specifier: string): string => specifier.split(/[?#]/u)[0] ?? specifier;

const stems = new WeakMap<ClosureTree, ReadonlyMap<string, readonly string[]>>();

/** Paths by what they are without their last ending: an import is one look-up, where asking for every ending would be twenty. */
function byStem(tree: ClosureTree): ReadonlyMap<string, readonly string[]> {
  const known = stems.get(tree);
  if (known !== undefined) return known;
  const found = new Map<string, string[]>();
  for (const path of tree.paths) {
    const dot = path.lastIndexOf('.');
    if (dot <= path.lastIndexOf('/')) continue;
    const stem = path.slice(0, dot);
    const there = found.get(stem);
    if (there === undefined) found.set(stem, [path]);
    else there.push(path);
  }
  stems.set(tree, found);
  return found;
}

/** Files that a path without an ending may mean. TypeScript's `./x.js` may mean `./x.ts`. All that exist count. */
function candidates(tree: ClosureTree, path: string): string[] {
  const files = byStem(tree);
  const ended = (stem: string, endings: readonly string[]): string[] =>
    (files.get(stem) ?? []).filter((file) => endings.includes(file.slice(stem.length)));
  const javascript = /\.[cm]?jsx?$/u.exec(path);
  return [
    ...(tree.has(path) ? [path] : []),
    ...ended(path, ENDINGS),
    ...(javascript === null ? [] : ended(path.slice(0, javascript.index), TYPESCRIPT)),
    ...ended(joined(path, 'index'), INDEX),
  ];
}

const SCRIPT = /\.(?:[cm]?[jt]sx?|vue|svelte)$/iu;

/** Takes a folder whose files may run: what they import is followed too, since it may lie elsewhere. */
async function widenRun(walk: Walk, folder: string, from: string): Promise<void> {
  for (const path of await walk.builder.widen(folder, from, true)) if (SCRIPT.test(path)) walk.queue.push(path);
}

interface Walk {
  readonly tree: ClosureTree;
  readonly builder: ClosureBuilder;
  readonly aliases: readonly Alias[];
  readonly queue: string[];
}

interface Alias {
  readonly prefix: string;
  readonly suffix: string;
  readonly targets: readonly string[];
}

const TSCONFIG = /(?:ts|js)config[\w.-]*\.json$/u;

const configurations = new WeakMap<ClosureTree, Map<string, readonly string[]>>();

/** Files directly in a folder that configure how its tests run; looked up once a folder, since all its tests ask. */
async function configurationIn(tree: ClosureTree, folder: string): Promise<readonly string[]> {
  const known = configurations.get(tree) ?? new Map<string, readonly string[]>();
  configurations.set(tree, known);
  const there = known.get(folder);
  if (there !== undefined) return there;
  const all = (await tree.everythingBelow(folder === '' ? '.' : `${folder}/.`)) ?? [];
  const found = all.filter((path) => CONFIGURATION.test(path.slice(path.lastIndexOf('/') + 1)));
  known.set(folder, found);
  return found;
}

/** JSON with comments and trailing commas, as compilers read it; null when it is not even that. */
function readLenient(text: string): unknown {
  const clean = text
    .replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[^]*?\*\//gu, (part) => (part.startsWith('"') ? part : ''))
    .replace(/,(\s*[}\]])/gu, '$1');
  try {
    return JSON.parse(clean);
  } catch {
    return null;
  }
}

/** The configurations that a tsconfig builds on, wherever they lie: `extends` and `references`. */
async function takeExtended(tree: ClosureTree, builder: ClosureBuilder, configs: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const queue = [...configs];
  for (let config = queue.pop(); config !== undefined; config = queue.pop()) {
    const text = await tree.text(config);
    if (text === null || !/"(?:extends|references)"/u.test(text)) continue;
    const read = readLenient(text) as { extends?: unknown; references?: unknown } | null; // fields are checked below
    if (read === null) builder.outside ??= `${config} cannot be read`;
    const bases = (Array.isArray(read?.extends) ? read.extends : [read?.extends]).filter(
      (base): base is string => typeof base === 'string',
    );
    const projects = (Array.isArray(read?.references) ? read.references : []).flatMap((item: unknown) =>
      typeof item === 'object' && item !== null && 'path' in item && typeof item.path === 'string' ? [item.path] : [],
    );
    for (const base of [...bases, ...projects]) {
      if (!isRelative(base) && bases.includes(base)) {
        const installed = await tree.installed(config, base);
        if (installed.kind === 'package') builder.facts.add(installed.identity);
        else if (installed.kind === 'inside') await builder.widen(installed.folder, config, false);
        else builder.outside ??= `${config} extends ${base}, which is not installed`;
        continue;
      }
      const path = resolvePath(folderOf(config), base);
      const files =
        path === null
          ? []
          : [path, `${path}.json`, joined(path, 'tsconfig.json')].filter((candidate) => tree.has(candidate));
      if (path === null) builder.outside ??= `${config}: ${base} leads out of the project`;
      for (const file of files) {
        if (found.includes(file) || configs.includes(file)) continue;
        found.push(file);
        queue.push(file);
        await builder.add(file, config);
      }
    }
  }
  return found;
}

/** `compilerOptions.paths` of the tsconfig files on the way; comments and trailing commas are allowed in them. */
async function aliasesFrom(tree: ClosureTree, configs: readonly string[]): Promise<Alias[]> {
  const found: Alias[] = [];
  for (const config of configs) {
    const text = await tree.text(config);
    if (text === null || !text.includes('"paths"')) continue;
    const options = (readLenient(text) as { compilerOptions?: { baseUrl?: unknown; paths?: unknown } } | null)
      ?.compilerOptions; // fields are checked below
    const base = resolvePath(folderOf(config), typeof options?.baseUrl === 'string' ? options.baseUrl : '.');
    if (base === null || typeof options?.paths !== 'object' || options.paths === null) continue;
    for (const [pattern, targets] of Object.entries(options.paths)) {
      if (!Array.isArray(targets)) continue;
      const star = pattern.indexOf('*');
      found.push({
        prefix: star === -1 ? pattern : pattern.slice(0, star),
        suffix: star === -1 ? '' : pattern.slice(star + 1),
        targets: targets
          .filter((target): target is string => typeof target === 'string')
          .flatMap((target) => resolvePath(base, target) ?? []),
      });
    }
  }
  return found;
}

function throughAliases(walk: Walk, specifier: string): string[] {
  return walk.aliases.flatMap((alias) => {
    if (!specifier.startsWith(alias.prefix) || !specifier.endsWith(alias.suffix)) return [];
    const middle = specifier.slice(alias.prefix.length, specifier.length - alias.suffix.length);
    return alias.targets.flatMap((target) => candidates(walk.tree, target.replace('*', middle)));
  });
}

async function follow(walk: Walk, file: string, specifier: string, packageFolder: string): Promise<void> {
  const { tree, builder } = walk;
  const name = bare(specifier);
  if (name.startsWith('node:') || BUILTIN.has(name) || name.startsWith('virtual:') || name.startsWith('data:')) return;
  if (name.startsWith('http:') || name.startsWith('https:')) {
    builder.outside ??= `${file}: imports ${name}`;
    return;
  }
  if (isRelative(name)) {
    const path = name.startsWith('/') ? resolvePath(packageFolder, name.slice(1)) : resolvePath(folderOf(file), name);
    const found = path === null ? [] : candidates(tree, path);
    if (found.length > 0) walk.queue.push(...found);
    // It leads out of the project, or to something that is made at run time or ignored: the package as a whole then.
    else if (path === null) builder.outside ??= `${file}: ${name} leads out of the project`;
    else await widenRun(walk, packageFolder, file);
    return;
  }
  const aliased = throughAliases(walk, name);
  walk.queue.push(...aliased);
  if (name.startsWith('#')) {
    await widenRun(walk, packageFolder, file);
    return;
  }
  const installed = await tree.installed(file, name);
  switch (installed.kind) {
    case 'package':
      builder.facts.add(installed.identity);
      return;
    case 'inside':
      // A workspace package: its own files decide, and which of them its `exports` choose is not followed further.
      await widenRun(walk, installed.folder, file);
      return;
    case 'linked-outside':
      builder.outside ??= `${file}: ${name} is linked to a folder outside the project`;
      return;
    case 'missing':
      if (aliased.length === 0) await widenRun(walk, packageFolder, file);
  }
}

/** What a file that reads files, or a configuration, may mean by its strings. */
async function takePaths(walk: Walk, file: string, facts: ModuleFacts, packageFolder: string): Promise<void> {
  for (const text of facts.paths) {
    const inPackage = resolvePath(folderOf(file), text);
    if (text.startsWith('/') || text.startsWith('~') || inPackage === null) continue;
    if (packageFolder !== '' && text.includes('..') && !inPackage.startsWith(`${packageFolder}/`)) {
      await walk.builder.widen('', file, false);
      return;
    }
  }
}

/**
 * The closure of one test file.
 * @param environment what the runner itself adds: its version
 */
export async function typescriptClosure(
  tree: ClosureTree,
  testFile: string,
  environment: readonly string[],
): Promise<Closure> {
  const builder = new ClosureBuilder(tree);
  for (const fact of environment) builder.facts.add(fact);
  const packageFolder = nearestWith(tree, testFile, 'package.json') ?? '';
  const onTheWay = foldersUp(folderOf(testFile));
  const configuration: string[] = [];
  for (const folder of onTheWay) configuration.push(...(await configurationIn(tree, folder)));
  const compilerConfigs = configuration.filter((path) => TSCONFIG.test(path));
  const aliases = await aliasesFrom(tree, [
    ...compilerConfigs,
    ...(await takeExtended(tree, builder, compilerConfigs)),
  ]);
  const walk: Walk = { tree, builder, aliases, queue: [testFile] };
  for (const path of configuration) {
    const facts = await builder.add(path, testFile);
    if (facts === null || !/\.[cm]?[jt]s$/u.test(path)) continue;
    // A configuration is code whose strings name set-up files, aliases and environments.
    for (const specifier of facts.imports) await follow(walk, path, specifier, folderOf(path));
    for (const text of facts.paths) {
      const named = resolvePath(folderOf(path), text);
      if (named === null || named === '') continue;
      const files = candidates(tree, named);
      if (files.length > 0) walk.queue.push(...files);
      else if (tree.paths.some((other) => other.startsWith(`${named}/`))) await widenRun(walk, named, path);
    }
    if (facts.computed) await widenRun(walk, packageFolder, path);
    else if (facts.reads) await builder.widen(packageFolder, path, false);
  }
  for (let file = walk.queue.pop(); file !== undefined; file = walk.queue.pop()) {
    const facts = await builder.add(file, builder.from.has(file) ? (builder.from.get(file) ?? file) : testFile);
    if (facts === null) continue;
    const before = walk.queue.length;
    // A package's manifest decides how its modules are read (type, imports, exports).
    const own = nearestWith(tree, file, 'package.json');
    if (own !== null) await builder.add(joined(own, 'package.json'), file);
    for (const specifier of facts.imports) await follow(walk, file, specifier, own ?? '');
    for (const next of walk.queue.slice(before))
      if (!builder.from.has(next) && !builder.files.has(next)) builder.from.set(next, file);
    // What it loads by a computed name may lie in its own package, or where the test that calls it says.
    for (const folder of new Set([packageFolder, own ?? ''])) {
      if (facts.computed) await widenRun(walk, folder, file);
      else if (facts.reads) await builder.widen(folder, file, false);
    }
    if (facts.reads) await takePaths(walk, file, facts, packageFolder);
  }
  const snapshots = joined(
    joined(folderOf(testFile), SNAPSHOTS),
    `${testFile.slice(testFile.lastIndexOf('/') + 1)}.snap`,
  );
  if (tree.has(snapshots)) await builder.add(snapshots, testFile);
  return builder.closure();
}
