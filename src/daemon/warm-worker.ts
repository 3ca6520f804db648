/** Entry of a warm worker: like a worker, but everything is loaded before it is asked, and it serves run after run. */
import { serve } from './worker-loop.js';

export async function main(): Promise<void> {
  const ttl = Number(process.env['COHERENCE_WARM_TTL_MS'] ?? '600000');
  let isSound = (): boolean => true;
  await serve({
    once: false,
    orphanMs: Number.isFinite(ttl) ? ttl : 600_000,
    isSound: () => isSound(),
    load: async () => {
      const { warmJobs } = await import('../app/index.js');
      const jobs = await warmJobs(process.cwd());
      isSound = jobs.isSound;
      return jobs.run;
    },
  });
  process.exit(0);
}
