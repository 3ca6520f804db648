/** The warm pool from the outside; it lives in the daemon. */
import type { Project } from '../../config/index.js';
import { success, type Result } from '../../model/index.js';
import { askDaemon } from '../daemon/daemon-client.js';
import type { PoolWorker } from '../daemon/daemon-protocol.js';

export async function listPool(project: Project): Promise<Result<readonly PoolWorker[]>> {
  const answer = await askDaemon(project.directories, 'pool', {});
  return answer.ok ? success(answer.value.workers) : answer;
}

/** Ends idle workers: one by name or key, or all. Busy ones stay. */
export async function evictPool(project: Project, name: string | null): Promise<Result<readonly string[]>> {
  const answer = await askDaemon(project.directories, 'evict', { name }, 60_000);
  return answer.ok ? success(answer.value.evicted) : answer;
}

/** Makes the project's worker ahead of time; `fresh` is false when there was one. */
export async function warmPool(
  project: Project,
): Promise<Result<{ readonly worker: PoolWorker; readonly fresh: boolean }>> {
  return askDaemon(project.directories, 'warm', { root: project.root, slug: project.manifest.slug }, 60_000);
}
