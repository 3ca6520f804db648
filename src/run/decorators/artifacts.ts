/**
 * Artifacts of a case: files that its link names, copied out of the workspace before that goes. Symlinks are not
 * followed, nothing outside the tree is read, and what is too much is left out and said.
 */
import { copyFile, lstat, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import type { Case, EventSink, Outcome } from '../../model/index.js';
import type { Workspace } from '../adapters.js';
import { selection } from '../glob.js';

const FILE_LIMIT = 200;
const BYTE_LIMIT = 64 * 1024 * 1024;
/** Folders that no artifact comes from. */
const LEFT_OUT = new Set(['.git', 'node_modules', '.coherence']);

/** The part of a pattern before its first wildcard: where the search starts. */
const fixedPart = (pattern: string): string => {
  const parts = pattern.replace(/^(?:\.\/)+/, '').split('/');
  const wild = parts.findIndex((part) => /[*?]/.test(part));
  return parts.slice(0, wild === -1 ? parts.length : wild).join('/');
};

async function* filesBelow(root: string, path: string): AsyncGenerator<string> {
  const found = await lstat(join(root, path)).catch(() => null);
  if (found?.isFile() === true) yield path;
  if (found?.isDirectory() !== true) return;
  for (const name of (await readdir(join(root, path)).catch(() => [] as string[])).sort())
    if (!LEFT_OUT.has(name)) yield* filesBelow(root, posix.join(path, name));
}

/** A path none of whose folders is a symlink. */
async function isPlain(root: string, path: string): Promise<boolean> {
  let at = root;
  for (const part of path.split('/').filter((item) => item !== '')) {
    at = join(at, part);
    if ((await lstat(at).catch(() => null))?.isSymbolicLink() === true) return false;
  }
  return true;
}

/** Copies a case's artifacts and gives its outcome with their paths. */
export async function withArtifacts(
  entry: Case,
  outcome: Outcome,
  workspace: Workspace,
  outputFolder: string,
  emit: EventSink,
): Promise<Outcome> {
  if (entry.artifacts.length === 0 || outcome.command.length === 0) return outcome;
  const wanted = selection(entry.artifacts, []);
  const copied = new Map<string, string>();
  let bytes = 0;
  for (const pattern of entry.artifacts) {
    const start = fixedPart(pattern);
    if (start.split('/').includes('..') || start.startsWith('/') || !(await isPlain(workspace.hostRoot, start)))
      continue;
    for await (const path of filesBelow(workspace.hostRoot, start)) {
      if (copied.has(path) || !wanted(path)) continue;
      const size = (await lstat(join(workspace.hostRoot, path))).size;
      if (copied.size >= FILE_LIMIT || bytes + size > BYTE_LIMIT) {
        emit({
          type: 'note',
          message: `${entry.selector}: more than ${FILE_LIMIT} artifacts or ${BYTE_LIMIT / 1024 / 1024} MiB; ${path} and what follows is left out.`,
        });
        return { ...outcome, artifacts: [...copied.values()] };
      }
      const target = join(outputFolder, 'artifacts', entry.id, path);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      const done = await copyFile(join(workspace.hostRoot, path), target).then(
        () => true,
        () => false,
      );
      if (done) copied.set(path, target);
      bytes += size;
    }
  }
  return { ...outcome, artifacts: [...copied.values()] };
}
