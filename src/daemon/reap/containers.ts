/** Containers of this state folder, found by label. Killing a `docker run` client does not stop its container. */
export interface ContainerReaper {
  /** Stops and removes every container that carries this state folder's label and whose owner is dead; gives ids by outcome. */
  reap(stateHash: string, isOwnerAlive: (instance: string) => boolean): Promise<{ readonly removed: readonly string[]; readonly left: readonly string[] }>;
}
