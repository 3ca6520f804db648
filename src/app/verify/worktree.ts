/**
 * A worktree for one piece of work: registered in the ledger with an instance of our own, so that a daemon's sweep knows that
 * it is live, and gone (or in the trash, for the next sweep) when the work is done.
 */
import { join, relative } from 'node:path';
import { failure, success, type Failure, type Result } from '../../model/index.js';
import type { Project } from '../../config/index.js';
import { beginInstance, endInstance, openJournal, type Journal } from '../../journal/index.js';
import { prepareDependencies, type DependencyRequest, type Prepared } from '../../worktrees/dependencies/index.js';
import { listAtCommit } from '../../sources/index.js';
import { gitLine } from '../../util/git.js';
import { identityOf } from '../../util/process.js';
import { ulid } from '../../util/ulid.js';
import { prepareFolders, worktreesOf } from '../daemon/orchestrator.js';
import type { VerifyContext } from './verify-request.js';
import { workspacesOf } from './workspaces.js';

export interface WorktreeWish {
  readonly commit: string;
  readonly run: string;
  readonly attempt: number;
  readonly keep: boolean;
  /** Whether all dependencies are linked in or installed before the work; else that is the caller's, see `prepareWorktree`. */
  readonly prepare: boolean;
}

/** This process as an instance in the ledger, for as long as the work lasts. */
export async function asInstance<T>(
  project: Project,
  work: (journal: Journal, instanceId: string) => Promise<Result<T>>,
): Promise<Result<T>> {
  const folders = await prepareFolders(project, true);
  if (!folders.ok) return folders;
  const opened = await openJournal(project.directories.state);
  if (!opened.ok) return opened;
  using journal = opened.value;
  const identity = identityOf(process.pid) ?? { bootId: '', pid: process.pid, startTicks: 0 };
  const instanceId = ulid();
  beginInstance(journal.database, journal.clock, instanceId, 'verify', identity);
  try {
    return await work(journal, instanceId);
  } finally {
    endInstance(journal.database, journal.clock, instanceId, 'done');
  }
}

const MANIFEST = '.coherence/project.toml';

/** Without the folders that are projects of their own: nothing of theirs runs here, so nothing is installed for them. */
export function ownPaths(paths: readonly string[], project: string): readonly string[] {
  const others = paths
    .filter((path) => path.endsWith(`/${MANIFEST}`))
    .map((path) => path.slice(0, -MANIFEST.length))
    .filter((folder) => !`${project}/`.startsWith(folder));
  return paths.filter((path) => !others.some((folder) => path.startsWith(folder)));
}

/** What `could not be prepared` is called everywhere. */
export const unprepared = (commit: string, message: string): Failure => ({
  kind: 'could-not-verify',
  message: `The dependencies of ${commit.slice(0, 12)} could not be prepared: ${message}`,
});

/**
 * Links or installs what the commit needs in a worktree of it. Failures: git cannot list the commit.
 * @param top of the checkout; @param root the project's folder in the worktree
 */
export async function prepareWorktree(
  project: Project,
  top: string,
  worktree: string,
  commit: string,
  context: VerifyContext,
  limits: Pick<DependencyRequest, 'needed' | 'linkOnly' | 'without'> = {},
  root: string = join(worktree, relative(top, project.root)),
): Promise<Result<Prepared>> {
  const listed = await listAtCommit(top, commit);
  if (!listed.ok) return listed;
  const paths = ownPaths(
    listed.value.map((file) => file.path),
    relative(worktree, root),
  );
  return success(
    await prepareDependencies({
      checkout: top,
      worktree,
      paths,
      workspaces: await workspacesOf(worktree, paths),
      prepare: project.settings.worktrees.prepare,
      cacheFolder: project.directories.cache,
      env: context.env,
      signal: context.signal,
      ...limits,
    }),
  );
}

/** Runs `work` with the folder of a clean checkout of the commit. `could-not-verify` when it cannot be made or prepared. */
export async function withWorktree<T>(
  project: Project,
  wish: WorktreeWish,
  context: VerifyContext,
  work: (folder: string) => Promise<Result<T>>,
): Promise<Result<T>> {
  const top = await gitLine(project.root, ['rev-parse', '--show-toplevel']);
  if (top === null)
    return failure({
      kind: 'could-not-verify',
      message: 'This is no git repository, so there is no commit to check out.',
    });
  return asInstance(project, async (journal, instanceId) => {
    const background: Promise<unknown>[] = [];
    const identity = identityOf(process.pid) ?? { bootId: '', pid: process.pid, startTicks: 0 };
    const made = await worktreesOf(project.directories.state, journal, { instanceId, identity }, (promise) =>
      background.push(promise),
    ).create(
      { repo: top, commit: wish.commit, runId: wish.run, attempt: wish.attempt, keep: wish.keep },
      context.signal,
    );
    if (!made.ok)
      return failure({
        kind: made.trouble.kind === 'disk-full' ? 'try-again' : 'could-not-verify',
        message: `No worktree of ${wish.commit.slice(0, 12)} could be made: ${made.trouble.message}.`,
      });
    try {
      await using worktree = made.worktree;
      if (wish.prepare) {
        const prepared = await prepareWorktree(project, top, worktree.path, wish.commit, context);
        if (!prepared.ok) return prepared;
        if (!prepared.value.ok) return failure(unprepared(wish.commit, prepared.value.message));
        for (const note of prepared.value.notes) context.emit({ type: 'note', message: note });
      }
      return await work(worktree.path);
    } finally {
      await Promise.allSettled(background);
    }
  });
}
