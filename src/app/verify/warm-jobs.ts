/** Jobs in a warm worker: as everywhere, but vitest stays in memory between them. */
import type { Result } from '../../model/index.js';
import { hotHost } from '../../runners/vitest/hot/index.js';
import { runJob, type Job, type JobEnd, type JobHooks } from '../queue/run-job.js';

export interface WarmJobs {
  run(job: Job, hooks: JobHooks): Promise<Result<JobEnd>>;
  /** False once a run had to be broken off in this process: it must end. */
  isSound(): boolean;
}

/** @param root the project's checkout; its vitest is loaded now, so that the first run need not wait for that */
export async function warmJobs(root: string): Promise<WarmJobs> {
  const host = hotHost();
  await host.preload(root);
  return { run: async (job, hooks) => runJob(job, { ...hooks, wrapHost: host.wrap }), isSound: host.isSound };
}
