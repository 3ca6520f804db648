/** git's own list of worktrees, and taking entries off it. */
import { readdir, readFile, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { git, gitLine } from '../util/git.js';
import { parseLockReason, type LockReason } from './names.js';

export interface WorktreeEntry {
  readonly path: string;
  readonly locked: boolean;
  /** Ours, where the lock reason is one of ours. */
  readonly reason: LockReason | null;
}

const queues = new Map<string, Promise<unknown>>();

/** One git command at a time that changes a repository's list of worktrees. */
export async function oneAtATime<T>(repo: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(repo) ?? Promise.resolve();
  const mine = before.then(work, work);
  const settled = mine.then(
    () => undefined,
    () => undefined,
  );
  queues.set(repo, settled);
  try {
    return await mine;
  } finally {
    if (queues.get(repo) === settled) queues.delete(repo);
  }
}

/** Null when the repository cannot be asked (gone, or no git). */
export async function listEntries(repo: string): Promise<readonly WorktreeEntry[] | null> {
  const answer = await git(repo, ['worktree', 'list', '--porcelain', '-z']);
  if (!answer.ok) return null;
  const entries: WorktreeEntry[] = [];
  for (const block of answer.stdout.split('\0\0')) {
    const lines = block.split('\0');
    const path = lines.find((line) => line.startsWith('worktree '))?.slice(9);
    if (path === undefined) continue;
    const lock = lines.find((line) => line === 'locked' || line.startsWith('locked '));
    entries.push({
      path,
      locked: lock !== undefined,
      reason: lock === undefined ? null : parseLockReason(lock.slice(7)),
    });
  }
  return entries;
}

/** From this number on, entries are unlocked by hand and dropped by one `prune`: `remove` reads all entries for each one. */
const BULK = 8;

/**
 * Takes entries off the list whose folders are gone already. `git worktree remove -f -f` drops a locked entry with a
 * missing folder, which `prune` alone never does. Gives the paths that are off the list now.
 */
export async function removeEntries(repo: string, paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 0) return [];
  return oneAtATime(repo, async () => {
    if (paths.length < BULK) {
      const removed: string[] = [];
      for (const path of paths) if ((await git(repo, ['worktree', 'remove', '-f', '-f', path])).ok) removed.push(path);
      return removed;
    }
    const common = await gitLine(repo, ['rev-parse', '--path-format=absolute', '--git-common-dir']);
    if (common === null) return [];
    const wanted = new Set(paths);
    const unlocked: string[] = [];
    for (const id of await readdir(join(common, 'worktrees')).catch(() => [] as string[])) {
      const admin = join(common, 'worktrees', id);
      const pointer = await readFile(join(admin, 'gitdir'), 'utf8').catch(() => null);
      const path = pointer === null ? null : dirname(pointer.trim());
      if (path === null || !wanted.has(path)) continue;
      const reason = await readFile(join(admin, 'locked'), 'utf8').catch(() => null);
      if (reason !== null && parseLockReason(reason) === null) continue;
      await unlink(join(admin, 'locked')).catch(() => undefined);
      unlocked.push(path);
    }
    await git(repo, ['worktree', 'prune', '--expire=now']);
    const left = new Set((await listEntries(repo))?.map((entry) => entry.path) ?? []);
    return unlocked.filter((path) => !left.has(path));
  });
}

/** `git worktree prune --verbose`: how many stale entries of anybody's went (or would go), null when git failed. */
export async function pruneEntries(repo: string, dryRun: boolean): Promise<number | null> {
  const answer = await oneAtATime(repo, async () =>
    git(repo, ['worktree', 'prune', '--verbose', ...(dryRun ? ['--dry-run'] : [])]),
  );
  if (!answer.ok) return null;
  return `${answer.stdout}\n${answer.stderr}`.split('\n').filter((line) => line.startsWith('Removing ')).length;
}
