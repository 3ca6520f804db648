/**
 * Commits as data: contents come from git's objects, never through a text conversion, a filter or a network.
 */
import { failure, success, type Result } from '../model/index.js';
import { askGit, askGitBytes, askGitLine } from './ask-git.js';
import type { CommittedFile } from './types.js';

/** The commit id that a ref, tag or id names, or null. A name that looks like an option is only a name. */
export const resolveCommit = async (root: string, ref: string): Promise<string | null> =>
  ref === '' || ref.includes('\0')
    ? null
    : askGitLine(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]);

/** Files of a commit below the root, sorted by path; submodules left out. Fails with `usage` when the ref names no commit. */
export async function listAtCommit(root: string, ref: string): Promise<Result<readonly CommittedFile[]>> {
  const commit = await resolveCommit(root, ref);
  if (commit === null)
    return failure({
      kind: 'usage',
      message: `"${ref}" names no commit here`,
      hint: 'Give a branch, a tag or a commit id; `git log --oneline` lists some.',
    });
  const answer = await askGit(root, ['ls-tree', '-r', '-z', commit]);
  if (!answer.ok)
    return failure({ kind: 'could-not-verify', message: `git cannot list ${commit}: ${answer.stderr.trim()}` });
  const files: CommittedFile[] = [];
  for (const record of answer.stdout.split('\0')) {
    const match = /^(\d{6}) blob ([0-9a-f]+)\t(.*)$/su.exec(record);
    if (match !== null) files.push({ mode: match[1] ?? '', blob: match[2] ?? '', path: match[3] ?? '' });
  }
  return success(files.sort((left, right) => (left.path < right.path ? -1 : 1)));
}

/** A file's bytes in a commit (path relative to the root), or null when the commit has none there. */
export async function readAtCommit(root: string, commit: string, path: string): Promise<Buffer | null> {
  const id = await resolveCommit(root, commit);
  if (id === null || path.includes('\0')) return null;
  const answer = await askGitBytes(root, ['cat-file', 'blob', `${id}:./${path}`]);
  return answer.ok ? answer.stdout : null;
}

/** Contents of many blobs in one process; ids that git does not have are left out. */
export async function readBlobs(root: string, blobs: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const wanted = [...new Set(blobs)].filter((blob) => /^[0-9a-f]{40,64}$/u.test(blob));
  if (wanted.length === 0) return found;
  const answer = await askGitBytes(root, ['cat-file', '--batch'], {
    input: wanted.map((blob) => `${blob}\n`).join(''),
  });
  const bytes = answer.stdout;
  let at = 0;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf(10, at);
    if (lineEnd === -1) break;
    const header = /^([0-9a-f]+) \w+ (\d+)$/u.exec(bytes.toString('latin1', at, lineEnd));
    at = lineEnd + 1;
    if (header === null) continue; // "<id> missing"
    const size = Number(header[2]);
    found.set(header[1] ?? '', bytes.subarray(at, at + size));
    at += size + 1;
  }
  return found;
}

/** The best common ancestor of two commits, or null. */
export async function mergeBase(root: string, left: string, right: string): Promise<string | null> {
  const [a, b] = await Promise.all([resolveCommit(root, left), resolveCommit(root, right)]);
  return a === null || b === null ? null : askGitLine(root, ['merge-base', a, b]);
}

/** Where this branch left what it will be pushed to: its upstream, else the remote's default branch. Null when there is none. */
export async function upstreamBase(root: string): Promise<string | null> {
  for (const ref of [
    '@{upstream}',
    'refs/remotes/origin/HEAD',
    'refs/remotes/origin/main',
    'refs/remotes/origin/master',
  ]) {
    const base = await mergeBase(root, 'HEAD', ref);
    if (base !== null) return base;
  }
  return null;
}
