/** Containers and volumes that dead runs of this state folder left on the Docker daemon. */
export async function reapContainers(stateFolder: string, env: Readonly<Record<string, string | undefined>>): Promise<Readonly<Record<string, unknown>> | null> {
  // Loaded only here: Docker's client is the largest of all libraries, and most boots have nothing to ask it.
  const { sweepDeadRuns } = await import('../run/docker/index.js');
  const swept = await sweepDeadRuns({ env, stateFolder });
  return swept === null ? null : { ...swept };
}
