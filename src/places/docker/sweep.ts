/**
 * What killed runs left: containers, run-scoped tags, folders. Only what carries the mark of a process of this very machine
 * that is certainly dead is touched; a live run's, another host's and everything that is not exactly of our making stays.
 * Certainty comes from pid, start time and boot, so no age has to be waited for. Layers are never swept.
 */
import { join } from 'node:path';
import type { Api } from './api.js';
import { holdsForeign, reclaim } from './reclaim.js';
import { removeTree } from './copy.js';
import { deadRunFolders, notedImage } from './folders.js';
import { LABEL, isContainerKind, runTagOf } from './names.js';
import { ownerState, type Owner } from './owner.js';
import { destroyContainer } from './teardown.js';

export interface Swept {
  readonly containers: number;
  readonly tags: number;
  readonly folders: number;
}

export interface Sweeping {
  readonly api: Api;
  readonly stateFolder: string;
  /** Of the sweeper, for a container that hands files back. */
  readonly owner: Owner;
}

async function sweepContainers(api: Api): Promise<number> {
  let count = 0;
  for (const container of await api.listContainers(LABEL.run)) {
    // A container that somebody starts from one of our layers inherits the layer's labels, but not a container's kind.
    if (!isContainerKind(container.labels[LABEL.kind])) continue;
    if ((await ownerState(container.labels[LABEL.run] ?? '', container.labels[LABEL.process] ?? '')) !== 'dead')
      continue;
    if (await destroyContainer(api, container.id)) count += 1;
  }
  return count;
}

async function sweepTags(api: Api): Promise<number> {
  let count = 0;
  const rows = await api.listImages({ reference: ['coherence-eph/*', 'coherence-lease/*'] });
  for (const row of rows)
    for (const tag of row.tags) {
      // The filter returns whole images: a person's own name on the same image must not go along.
      const mine = runTagOf(tag);
      if (mine === null || (await ownerState(mine.run, mine.process)) !== 'dead') continue;
      if (await api.removeImage(tag)) count += 1;
    }
  return count;
}

async function sweepFolders({ api, stateFolder, owner }: Sweeping): Promise<number> {
  let count = 0;
  for (const folder of await deadRunFolders(stateFolder)) {
    if (await removeTree(folder)) {
      count += 1;
      continue;
    }
    const image = await notedImage(folder);
    const [user, group] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    if (image === null || !(await holdsForeign(folder, user))) continue;
    await reclaim({
      api,
      owner,
      image,
      container: `coherence-${owner.run}-sweep-${count}`,
      folders: [join(folder)],
      user,
      group,
    });
    if (await removeTree(folder)) count += 1;
  }
  return count;
}

/** Containers first: what still runs would write into the folders. Each part is tried, whatever became of the others. */
export async function sweepDead(sweeping: Sweeping): Promise<Swept> {
  const quiet = async (part: Promise<number>): Promise<number> => part.catch(() => 0);
  const containers = await quiet(sweepContainers(sweeping.api));
  const tags = await quiet(sweepTags(sweeping.api));
  return { containers, tags, folders: await quiet(sweepFolders(sweeping)) };
}
