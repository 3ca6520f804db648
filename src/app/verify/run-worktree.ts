/** Installed dependencies for a queued run of another commit. */
import { relative } from 'node:path';
import type { Project } from '../../config/index.js';
import { success, type Result } from '../../model/index.js';
import { prepareDependencies } from '../../worktrees/dependencies/index.js';
import { listFiles } from '../../sources/index.js';
import { workspacesOf } from './workspaces.js';

interface Wanted {
  readonly checkout: string;
  readonly root: string;
  readonly commit: string | null;
}

/** Nothing for a run on the checkout. What could not be installed is a note: the tests that need it say so themselves. */
export async function prepareRunWorktree(
  project: Project,
  job: Wanted,
  context: { readonly env: Readonly<Record<string, string | undefined>>; readonly signal: AbortSignal },
): Promise<Result<readonly string[]>> {
  if (job.commit === null || relative(job.checkout, job.root) === '') return success([]);
  const paths = (await listFiles(job.root)).map((file) => file.path);
  const prepared = await prepareDependencies({
    checkout: job.checkout,
    worktree: job.root,
    paths,
    workspaces: await workspacesOf(job.root, paths),
    prepare: project.settings.worktrees.prepare,
    cacheFolder: project.directories.cache,
    env: context.env,
    signal: context.signal,
  });
  return success(prepared.ok ? prepared.notes : [`Dependencies of the worktree: ${prepared.message}`]);
}
