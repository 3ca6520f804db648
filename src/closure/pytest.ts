/** Closures of pytest files: imports, the conftest chain, configuration and lock files. */
import { turns } from '../util/turns.js';
import { ClosureBuilder, folderOf, foldersUp, joined, resolvePath, type Closure, type ClosureTree } from './types.js';

const CONFIGURATION = new Set([
  'pytest.ini',
  '.pytest.ini',
  'pyproject.toml',
  'setup.cfg',
  'setup.py',
  'tox.ini',
  'conftest.py',
  '__init__.py',
  'poetry.lock',
  'uv.lock',
  'Pipfile',
  'Pipfile.lock',
  '.python-version',
]);
const REQUIREMENTS = /^(?:requirements|constraints)[\w.-]*\.(?:txt|in)$/u;

/** So many files that git does not list are followed; what reaches more of them is not told. */
const MAX_UNLISTED = 2000;

/**
 * Files of the tree that a dotted name may mean, wherever its root lies: every path that ends that way counts, since sys.path
 * is only known when it runs. `a.b` also draws in the packages' `__init__.py` on the way.
 */
function modulesNamed(byEnding: ReadonlyMap<string, readonly string[]>, dotted: string): string[] {
  const parts = dotted.split('.').filter((part) => part !== '');
  const found: string[] = [];
  for (let length = parts.length; length > 0; length -= 1) {
    const stem = parts.slice(0, length).join('/');
    found.push(
      ...(byEnding.get(`${stem}.py`) ?? []),
      ...(byEnding.get(`${stem}/__init__.py`) ?? []),
      ...(byEnding.get(`${stem}.pyi`) ?? []),
    );
  }
  return found;
}

/** Every ending of every Python path, so that a dotted name is one look-up. Ignored files count: a build may make `_version.py`. */
async function endings(tree: ClosureTree): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const path of new Set([...tree.paths, ...((await tree.everythingBelow('')) ?? [])])) {
    if (!path.endsWith('.py') && !path.endsWith('.pyi')) continue;
    const parts = path.split('/');
    for (let i = 0; i < parts.length; i += 1) {
      const ending = parts.slice(i).join('/');
      const list = found.get(ending);
      if (list === undefined) found.set(ending, [path]);
      else list.push(path);
    }
  }
  return found;
}

/** What a configuration makes pytest import: `-p name` among its options, and entry points. */
async function pluginsOf(
  tree: ClosureTree,
  file: string,
): Promise<{ readonly modules: readonly string[]; readonly entryPoints: boolean }> {
  const text = (await tree.text(file)) ?? '';
  return {
    modules: [...text.matchAll(/-p[\s,"']*([A-Za-z_][\w.]*)/gu)].map((match) => match[1] ?? ''),
    entryPoints: text.includes('pytest11'),
  };
}

const known = new WeakMap<ClosureTree, Promise<ReadonlyMap<string, readonly string[]>>>();

/** @param environment python's version and installed distributions; null when they cannot be known */
export async function pytestClosure(
  tree: ClosureTree,
  testFile: string,
  environment: readonly string[] | null,
): Promise<Closure> {
  const builder = new ClosureBuilder(tree);
  if (environment === null) builder.outside = 'the Python environment is not known';
  for (const fact of environment ?? []) builder.facts.add(fact);
  const made = known.get(tree) ?? endings(tree);
  known.set(tree, made);
  const byEnding = await made;
  const queue: string[] = [testFile];
  const everything = await tree.everythingBelow('');
  if (everything === null) builder.outside ??= 'too many files below the project';
  // Native modules, tracked or built in place: which dotted name one answers to is its build's business.
  for (const path of everything ?? []) if (/\.(?:so|pyd|dylib)$/u.test(path)) queue.push(path);
  const packageFolder =
    foldersUp(folderOf(testFile)).find((folder) =>
      ['pyproject.toml', 'setup.py', 'setup.cfg', 'pytest.ini', 'tox.ini'].some((name) =>
        tree.has(joined(folder, name)),
      ),
    ) ?? '';
  for (const folder of foldersUp(folderOf(testFile))) {
    for (const path of (await tree.everythingBelow(folder === '' ? '.' : `${folder}/.`)) ?? []) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (CONFIGURATION.has(name) || REQUIREMENTS.test(name)) queue.push(path);
    }
  }
  const pause = turns();
  let unlisted = 0;
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (builder.hasRun(file)) continue;
    await pause();
    if (!tree.has(file) && (unlisted += 1) > MAX_UNLISTED) {
      builder.outside ??= `${testFile} may reach more than ${MAX_UNLISTED} files that git does not list`;
      break;
    }
    const from = builder.from.get(file) ?? testFile;
    const facts = await builder.add(file, from);
    if (facts === null) continue;
    const settings =
      CONFIGURATION.has(file.slice(file.lastIndexOf('/') + 1)) && !file.endsWith('.py')
        ? await pluginsOf(tree, file)
        : null;
    // An entry point may name a plugin of this very project, which pytest then imports before any test.
    if (settings?.entryPoints === true)
      queue.push(...(await builder.widen(folderOf(file), file, true)).filter((path) => path.endsWith('.py')));
    for (const name of settings?.modules ?? []) queue.push(...modulesNamed(byEnding, name));
    if (!file.endsWith('.py')) continue;
    for (const name of facts.imports) {
      const dots = /^\.+/u.exec(name)?.[0].length ?? 0;
      let found: string[];
      if (dots > 0) {
        const base = resolvePath(folderOf(file), '../'.repeat(dots - 1));
        const stem = base === null ? null : joined(base, name.slice(dots).replaceAll('.', '/'));
        found =
          stem === null
            ? []
            : [
                `${stem}.py`,
                joined(stem, '__init__.py'),
                `${folderOf(stem)}.py`,
                joined(folderOf(stem), '__init__.py'),
              ];
      } else found = modulesNamed(byEnding, name);
      for (const path of found) {
        if (!builder.files.has(path) && !builder.from.has(path)) builder.from.set(path, file);
        queue.push(path);
      }
    }
    if (facts.computed || facts.reads)
      queue.push(...(await builder.widen(packageFolder, file, facts.computed)).filter((path) => path.endsWith('.py')));
    if (facts.reads && packageFolder !== '' && facts.paths.some((path) => path.includes('..')))
      await builder.widen('', file, false);
  }
  return builder.closure();
}
