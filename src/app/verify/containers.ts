/** Containers and volumes that dead runs of this state folder left on the Docker daemon. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Every run in a container keeps a folder here for as long as it lasts, whatever brought it there. */
export const hasContainerRuns = async (stateFolder: string): Promise<boolean> =>
  (await readdir(join(stateFolder, 'docker', 'runs')).catch(() => [])).length > 0;

/** Null where no Docker daemon answers. */
export async function reapContainers(
  stateFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Readonly<Record<string, unknown>> | null> {
  // Loaded only here: Docker's client is the largest of all libraries, and most boots have nothing to ask it.
  const { sweepDeadRuns } = await import('../../places/docker/index.js');
  const swept = await sweepDeadRuns({ env, stateFolder });
  return swept === null ? null : { ...swept };
}
