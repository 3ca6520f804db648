import { failure, success, type Result } from '../model/index.js';
import { mapSeveral } from '../util/several.js';
import { blobIdOnDisk } from './blob.js';
import { listAtCommit, readBlobs } from './commits.js';
import { isEvidence } from './ignore.js';
import { pairRenames, type RenameSide } from './renames.js';
import type { ChangedFile, TreeEntry } from './types.js';
import { readWorkingTree } from './working-tree.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Beyond this many bytes a file is a rename only when its content is the same. */
const MAX_COMPARED = 512 * 1024;

/**
 * How the working tree (untracked files included) differs from a commit, sorted by path. Renames are followed: the same content,
 * or at least half of the lines. Fails with `usage` when the ref names no commit or the folder is not in git.
 */
export async function changedFiles(root: string, ref: string): Promise<Result<readonly ChangedFile[]>> {
  const [tree, listed] = await Promise.all([readWorkingTree(root), listAtCommit(root, ref)]);
  if (!tree.inGit)
    return failure({
      kind: 'usage',
      message: 'this folder is not in a git repository, so nothing can be compared',
      hint: 'Run without --changed.',
    });
  if (!listed.ok) return listed;
  const before = new Map(listed.value.filter((file) => !isEvidence(file.path)).map((file) => [file.path, file]));
  const entries = tree.entries.filter((entry) => entry.kind !== 'submodule' && !isEvidence(entry.path));

  // An untouched file has its index's content whatever a filter made of the bytes on disk.
  const contentOf = async (entry: TreeEntry): Promise<string> =>
    (entry.untouched ? entry.indexBlob : null) ??
    entry.blob ??
    (entry.kind === 'submodule' ? null : await blobIdOnDisk(root, entry.path, entry.kind, tree.algorithm)) ??
    'unreadable';
  const contents = await mapSeveral(entries, contentOf);

  const changed: ChangedFile[] = [];
  const added: RenameSide[] = [];
  const here = new Set<string>();
  entries.forEach((entry, i) => {
    here.add(entry.path);
    const old = before.get(entry.path);
    const blob = contents[i] ?? 'unreadable';
    if (old === undefined)
      added.push({
        path: entry.path,
        blob,
        read:
          entry.kind === 'file' && entry.size <= MAX_COMPARED
            ? async () => readFile(join(root, entry.path)).catch(() => null)
            : async () => null,
      });
    else if (old.blob !== blob || old.mode !== entry.mode) changed.push({ path: entry.path, status: 'modified' });
  });
  const gone = [...before.values()].filter((file) => !here.has(file.path));
  const old =
    added.length === 0
      ? new Map<string, Buffer>()
      : await readBlobs(
          root,
          gone.map((file) => file.blob),
        );
  const deleted: RenameSide[] = gone.map((file) => ({
    path: file.path,
    blob: file.blob,
    read: async () => {
      const bytes = old.get(file.blob) ?? null;
      return bytes !== null && bytes.length <= MAX_COMPARED ? bytes : null;
    },
  }));
  const pairs = await pairRenames(deleted, added);
  const from = new Set(pairs.values());
  for (const file of added) {
    const source = pairs.get(file.path);
    changed.push(
      source === undefined
        ? { path: file.path, status: 'added' }
        : { path: file.path, status: 'renamed', from: source },
    );
  }
  for (const file of deleted) if (!from.has(file.path)) changed.push({ path: file.path, status: 'deleted' });
  return success(changed.sort((left, right) => (left.path < right.path ? -1 : 1)));
}
