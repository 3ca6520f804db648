/** Closures of cargo tests: the package, its path dependencies, the workspace's manifests, the lock file, configuration and toolchain. */
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

/** `path = "…"` of dependency tables; inherited ones come with the workspace's root manifest. */
const pathsIn = (manifest: string): string[] =>
  [...manifest.matchAll(/\bpath\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')/gu)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((path) => path !== '' && !path.endsWith('.rs'));

async function takePackage(
  builder: ClosureBuilder,
  tree: ClosureTree,
  folder: string,
  from: string,
  seen: Set<string>,
): Promise<void> {
  if (seen.has(folder)) return;
  seen.add(folder);
  await builder.widen(folder, from, false);
  const manifest = await tree.text(joined(folder, 'Cargo.toml'));
  for (const path of pathsIn(manifest ?? '')) {
    const other = resolvePath(folder, path);
    if (other === null)
      builder.outside ??= `${joined(folder, 'Cargo.toml')}: the path dependency ${path} leads out of the project`;
    else if (tree.has(joined(other, 'Cargo.toml')))
      await takePackage(builder, tree, other, joined(folder, 'Cargo.toml'), seen);
  }
}

/** @param environment the toolchain (`rustc -vV`); null when it is not known */
export async function cargoClosure(
  tree: ClosureTree,
  testFile: string,
  environment: readonly string[] | null,
): Promise<Closure> {
  const builder = new ClosureBuilder(tree);
  if (environment === null) builder.outside = 'the Rust toolchain is not known';
  for (const fact of environment ?? []) builder.facts.add(fact);
  const folder = nearestWith(tree, testFile, 'Cargo.toml') ?? '';
  const seen = new Set<string>();
  await takePackage(builder, tree, folder, testFile, seen);
  for (const above of foldersUp(folder)) {
    for (const name of [
      'Cargo.toml',
      'Cargo.lock',
      'rust-toolchain',
      'rust-toolchain.toml',
      '.cargo/config.toml',
      '.cargo/config',
    ]) {
      const path = joined(above, name);
      const facts = await builder.add(path, testFile);
      if (facts === null || name !== 'Cargo.toml' || above === folder) continue;
      // A workspace root: dependencies that members inherit by path.
      for (const other of pathsIn((await tree.text(path)) ?? '')) {
        const inherited = resolvePath(above, other);
        if (inherited !== null && tree.has(joined(inherited, 'Cargo.toml')))
          await takePackage(builder, tree, inherited, path, seen);
      }
    }
  }
  let climbs = false;
  for (const path of builder.files.keys()) {
    if (!path.endsWith('.rs')) continue;
    const facts = await tree.facts(path);
    if (facts === null) continue;
    if (facts.outside !== null) builder.outside ??= `${path}: ${facts.outside}`;
    if (facts.paths.some((text) => text.includes('..'))) climbs = true;
    // A build script may read, and print, anything.
    if (path.slice(folderOf(path).length).replace('/', '') === 'build.rs') climbs = true;
  }
  if (climbs) await builder.widen('', testFile, false);
  return builder.closure();
}
