import { isForeign, ignoreMatcher } from './ignore.js';
import type { Around, SourceIdentity } from '../model/index.js';
import { identityOf, type Identified } from './identity.js';
import type { ListOptions, SourceFile, TreeEntry, WorkingTree } from './types.js';
import { readWorkingTree } from './working-tree.js';

const MANIFEST = '/.coherence/project.toml';

/**
 * Files that are this project's own: tracked, and untracked but not ignored; without `.git`, `node_modules`, vendored folders
 * (`vendor`, `third_party`), evidence, submodules, and folders below the root that are projects of their own (they hold a
 * `.coherence/project.toml`). Symlinks are listed (mode 120000) and never followed. Sorted by path. Never rejects for what it finds.
 */
export async function listFiles(root: string, options: ListOptions = {}): Promise<readonly SourceFile[]> {
  return filesOf(await readWorkingTree(root), options);
}

const filesOf = (tree: WorkingTree, options: ListOptions = {}): readonly SourceFile[] =>
  ownFiles(tree.entries, options.extraIgnores ?? []).map(({ path, mode, size, blob }) => ({ path, mode, size, blob }));

/** The files of a project and which source they are, from one reading: what is analysed is exactly what the identity names. */
export interface Source {
  readonly files: readonly SourceFile[];
  /** Asked of git at the first call. */
  identity(): Promise<SourceIdentity>;
  /** Path → what stands for its content; read together with the identity. */
  contents(): Promise<ReadonlyMap<string, string>>;
  /** Null where the root is not the top of a repository: then not all that lies around it was read. */
  around(): Around | null;
  /** Whether git's index has the path. */
  isTracked(path: string): boolean;
  /** Whether git's index has the path or something below it. */
  tracksBelow(path: string): boolean;
  /** Where the root lies in its repository: '' at the top or outside git, else with a `/` at its end. */
  readonly prefix: string;
}

export async function readSource(root: string): Promise<Source> {
  const tree = await readWorkingTree(root);
  let asked: Promise<Identified> | undefined;
  const ask = async (): Promise<Identified> => (asked ??= identityOf(root, tree));
  let tracked: ReadonlySet<string> | undefined;
  const allTracked = (): ReadonlySet<string> =>
    (tracked ??= new Set(tree.entries.flatMap((entry) => (entry.indexMode === null ? [] : [entry.path]))));
  let folders: Set<string> | undefined;
  const trackedFolders = (): ReadonlySet<string> => {
    if (folders !== undefined) return folders;
    folders = new Set();
    for (const path of allTracked())
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const folder = path.slice(0, end);
        if (folders.has(folder)) break;
        folders.add(folder);
      }
    return folders;
  };
  return {
    prefix: tree.inGit ? tree.prefix : '',
    files: filesOf(tree),
    isTracked: (path) => allTracked().has(path),
    tracksBelow: (path) => allTracked().has(path) || trackedFolders().has(path),
    identity: async () => (await ask()).identity,
    contents: async () => (await ask()).contents,
    around: () => (tree.inGit && tree.prefix === '' ? { root, entries: entriesOf(tree) } : null),
  };
}

const entriesOf = (tree: WorkingTree): readonly string[] =>
  [
    ...tree.entries.map((entry) => `${entry.indexMode === null ? '?' : 'H'} ${entry.path}`),
    ...tree.missing.flatMap((path) => [`H ${path}`, `R ${path}`]),
  ].sort();

function ownFiles(entries: readonly TreeEntry[], globs: readonly string[]): TreeEntry[] {
  const ignored = ignoreMatcher(globs);
  const otherProjects = entries
    .filter((entry) => entry.path.endsWith(MANIFEST))
    .map((entry) => entry.path.slice(0, -MANIFEST.length + 1));
  return entries.filter(
    (entry) =>
      entry.kind !== 'submodule' &&
      !isForeign(entry.path) &&
      !ignored(entry.path) &&
      !otherProjects.some((folder) => entry.path.startsWith(folder)),
  );
}
