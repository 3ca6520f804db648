/** What killed daemons leave in the state folder and nobody needs any more. Run at boot, under the lock. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { getRun, isTerminal, type Journal } from '../journal/index.js';

/** Outputs of workers that are kept for a look at why one died. */
const KEEP_LOGS = 200;

const names = async (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);

export async function tidy(stateFolder: string, journal: Journal): Promise<void> {
  // Half-written files of a process that died between write and rename.
  for (const name of await names(stateFolder))
    if (/^daemon\.json\.[0-9a-f]{12}\.tmp$/.test(name)) await rm(join(stateFolder, name), { force: true });
  // Outputs of runs that have ended: those that were published are in the checkout.
  const evidence = join(stateFolder, 'evidence');
  for (const id of await names(evidence)) {
    const run = getRun(journal.database, id);
    if (run === null || isTerminal(run.state))
      await rm(join(evidence, id), { recursive: true, force: true }).catch(() => undefined);
  }
  const logs = join(stateFolder, 'logs');
  const outputs = (await names(logs)).filter((name) => /^(?:worker|coh-warm)-.+\.log$/.test(name));
  if (outputs.length <= KEEP_LOGS) return;
  const aged = await Promise.all(
    outputs.map(async (name) => ({
      name,
      at: await stat(join(logs, name)).then(
        (found) => found.mtimeMs,
        () => 0,
      ),
    })),
  );
  for (const { name } of aged.sort((left, right) => right.at - left.at).slice(KEEP_LOGS))
    await rm(join(logs, name), { force: true });
}
