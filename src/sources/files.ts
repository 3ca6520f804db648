import { isForeign, ignoreMatcher } from './ignore.js';
import type { ListOptions, SourceFile, TreeEntry } from './types.js';
import { readWorkingTree } from './working-tree.js';

const MANIFEST = '/.coherence/project.toml';

/**
 * Files that are this project's own: tracked, and untracked but not ignored; without `.git`, `node_modules`, vendored folders
 * (`vendor`, `third_party`), evidence, submodules, and folders below the root that are projects of their own (they hold a
 * `.coherence/project.toml`). Symlinks are listed (mode 120000) and never followed. Sorted by path. Never rejects for what it finds.
 */
export async function listFiles(root: string, options: ListOptions = {}): Promise<readonly SourceFile[]> {
  const { entries } = await readWorkingTree(root);
  return ownFiles(entries, options.extraIgnores ?? []).map(({ path, mode, size, blob }) => ({ path, mode, size, blob }));
}

function ownFiles(entries: readonly TreeEntry[], globs: readonly string[]): TreeEntry[] {
  const ignored = ignoreMatcher(globs);
  const otherProjects = entries.filter((entry) => entry.path.endsWith(MANIFEST)).map((entry) => entry.path.slice(0, -MANIFEST.length + 1));
  return entries.filter(
    (entry) =>
      entry.kind !== 'submodule' &&
      !isForeign(entry.path) &&
      !ignored(entry.path) &&
      !otherProjects.some((folder) => entry.path.startsWith(folder)),
  );
}
