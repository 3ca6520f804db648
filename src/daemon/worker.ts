/** Entry of the process that carries out one run. */
import { serve } from './worker-loop.js';

export async function main(): Promise<void> {
  await serve({ once: true, orphanMs: 0, load: async () => (await import('../app/index.js')).runJob });
  process.exit(0);
}
