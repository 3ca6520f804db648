import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { SourceIdentity } from '../model/index.js';
import { exists } from '../util/files.js';
import { mapSeveral } from '../util/several.js';
import { blobIdOnDisk } from './blob.js';
import { isEvidence } from './ignore.js';
import type { TreeEntry, WorkingTree } from './types.js';
import { readWorkingTree } from './working-tree.js';

/** Submodules of submodules: deeper ones count with the commit that their parent records. */
const MAX_DEPTH = 4;

/** What stands for an entry's content: its blob id, or for a checked-out submodule the identity of its own tree. */
async function contentOf(root: string, tree: WorkingTree, entry: TreeEntry, depth: number): Promise<string> {
  if (entry.kind === 'submodule') {
    const folder = join(root, entry.path);
    if (depth < MAX_DEPTH && (await exists(join(folder, '.git')))) return (await identity(folder, depth + 1)).tree;
    return `commit:${entry.indexBlob ?? ''}`;
  }
  return entry.blob ?? (await blobIdOnDisk(root, entry.path, entry.kind, tree.algorithm)) ?? 'unreadable';
}

function isCommitted(tree: WorkingTree, entries: readonly TreeEntry[], contents: readonly string[]): boolean {
  if (tree.missing.length > 0 || !tree.nothingStaged) return false;
  return entries.every((entry, i) => {
    if (entry.kind === 'submodule' || entry.untouched) return true;
    return entry.indexBlob === contents[i] && entry.indexMode === entry.mode;
  });
}

const identity = async (root: string, depth: number): Promise<SourceIdentity> =>
  (await identityOf(root, await readWorkingTree(root), depth)).identity;

export interface Identified {
  readonly identity: SourceIdentity;
  /** Path → what stands for its content, of every file that the identity is made of. */
  readonly contents: ReadonlyMap<string, string>;
}

/** The identity of a tree that has been read. */
export async function identityOf(root: string, tree: WorkingTree, depth = 0): Promise<Identified> {
  const commit = tree.head;
  const entries = tree.entries.filter((entry) => !isEvidence(entry.path));
  const contents = await mapSeveral(entries, async (entry) => contentOf(root, tree, entry, depth));
  const hash = createHash('sha256');
  entries.forEach((entry, i) => hash.update(`${entry.mode} ${contents[i] ?? ''} ${entry.path}\0`));
  const dirty = !tree.inGit || commit === null || !isCommitted(tree, entries, contents);
  return {
    identity: { commit: tree.inGit ? commit : null, dirty, tree: `sha256:${hash.digest('hex')}` },
    contents: new Map(entries.map((entry, i) => [entry.path, contents[i] ?? ''])),
  };
}

/**
 * Which source this is: the commit, whether the tree differs from it (untracked files count; ignored ones and evidence do not),
 * and a hash over path, mode and content of every file that git would show. The hash depends on the bytes on disk alone: the same
 * before and after a commit, with or without git's index being fresh. Vendored files count, since tests may run on them.
 */
export const sourceIdentity = async (root: string): Promise<SourceIdentity> => identity(root, 0);
