/**
 * The registry of layers: it lives on the daemon. A layer is registered while `coherence-layer:<key>` names an image that
 * says of itself, in labels and comment, that it is that layer. What is in use is held by a lease: a tag of the run's own, so
 * that a removal by anybody only takes a name away. Containers are made from ids, which do not move.
 */
import type { Api, ImageInfo, ImageRow } from './api.js';
import {
  LABEL,
  LAYER_REPOSITORY,
  SCHEMA,
  layerComment,
  layerKeyOf,
  layerReference,
  runTag,
  runTagOf,
  type Reference,
} from './names.js';
import type { Owner } from './owner.js';
import { byLastUse, forgetLayers, touchLayers } from './recency.js';

/** Whether an image is itself a layer of ours; an image that somebody built from one has its labels, but not its comment. */
export const isLayer = (image: ImageInfo, key = image.labels[LABEL.key] ?? ''): boolean =>
  image.labels[LABEL.kind] === 'layer' &&
  image.labels[LABEL.schema] === SCHEMA &&
  image.labels[LABEL.key] === key &&
  image.comment === layerComment(key);

export interface Registry {
  /** The image id of a registered layer, leased for this run; null is a miss. Never removes anything. */
  find(key: string, parent: string): Promise<string | null>;
  /** A name for a fresh commit, unique in the world. */
  ephemeral(): Reference;
  /** Registers a committed image under its key, leased. Null when it has gone in the meantime. */
  put(key: string, id: string, ephemeral: Reference): Promise<string | null>;
  /** Drops this run's names, then evicts what is over capacity. Best effort; never rejects. */
  close(): Promise<void>;
}

export interface RegistryOptions {
  readonly api: Api;
  readonly owner: Owner;
  readonly cacheFolder: string;
  /** At least 1. */
  readonly capacity: number;
}

export function openRegistry({ api, owner, cacheFolder, capacity }: RegistryOptions): Registry {
  let sequence = 0;
  const names: string[] = [];
  const leased = new Map<string, string>();
  const replaced = new Set<string>();
  /** In the order of use. */
  const used: string[] = [];
  let changed = false;

  const lease = async (id: string): Promise<boolean> => {
    if (leased.has(id)) return true;
    const name = runTag('lease', owner.run, ++sequence, owner.process);
    const reference = `${name.repository}:${name.tag}`;
    names.push(reference);
    if (!(await api.tag(id, name.repository, name.tag))) return false;
    leased.set(id, reference);
    return true;
  };
  const noteUse = (key: string): void => {
    const before = used.indexOf(key);
    if (before !== -1) used.splice(before, 1);
    used.push(key);
  };
  const dropNames = async (): Promise<void> => {
    for (const name of names.splice(0)) await api.removeImage(name).catch(() => false);
    leased.clear();
  };

  return {
    find: async (key, parent) => {
      const image = await api.inspectImage(layerReference(key));
      if (image === null || !isLayer(image, key) || image.labels[LABEL.parent] !== parent) return null;
      if (!(await lease(image.id))) return null;
      noteUse(key);
      return image.id;
    },
    ephemeral: () => {
      const name = runTag('eph', owner.run, ++sequence, owner.process);
      names.push(`${name.repository}:${name.tag}`);
      return name;
    },
    put: async (key, id, ephemeral) => {
      const before = await api.inspectImage(layerReference(key));
      if (!(await lease(id)) || !(await api.tag(id, LAYER_REPOSITORY, key))) return null;
      changed = true;
      if (before !== null && before.id !== id) replaced.add(before.id);
      noteUse(key);
      await api.removeImage(`${ephemeral.repository}:${ephemeral.tag}`).catch(() => false);
      return id;
    },
    close: async () => {
      await touchLayers(cacheFolder, used);
      await dropNames();
      try {
        for (const id of replaced) await removeUnnamed(api, id);
        if (changed) await evict(api, { owner: owner.user, cacheFolder, capacity, keep: used.at(-1) ?? null });
      } catch {
        // The daemon went away: what is over capacity is evicted by a later run.
      }
    },
  };
}

/** The registered layers whose owner we are. */
async function ownLayers(api: Api, owner: string): Promise<{ readonly key: string; readonly row: ImageRow }[]> {
  const rows = await api.listImages({ reference: [LAYER_REPOSITORY], label: [`${LABEL.owner}=${owner}`] });
  // The daemon's filter returns whole images with all their names: each is looked at again here.
  return rows.flatMap((row) => row.tags.flatMap((tag) => layerKeyOf(tag) ?? []).map((key) => ({ key, row })));
}

const isLeased = (tags: readonly string[]): boolean => tags.some((tag) => runTagOf(tag) !== null);

/**
 * Takes a layer's name away. Before it, the daemon is asked whether a run holds the image right now; no answer means: keep.
 * The image goes with its last name; a parent layer that has lost its own name goes with its last child.
 */
async function unregister(api: Api, key: string): Promise<boolean> {
  let image: ImageInfo | null;
  try {
    image = await api.inspectImage(layerReference(key));
  } catch {
    return false;
  }
  if (image === null || !isLayer(image, key) || isLeased(image.tags)) return false;
  const removed = await api.removeImage(layerReference(key));
  if (removed) await removeUnnamed(api, image.parent);
  return removed;
}

/** Removes a layer of ours that has no name any more, by id, unforced: the daemon refuses while it has children or containers. */
export async function removeUnnamed(api: Api, id: string): Promise<number> {
  let removed = 0;
  for (let at = id; at !== '';) {
    const image = await api.inspectImage(at).catch(() => null);
    if (image === null) break;
    if (image.tags.length > 0 || !isLayer(image)) break;
    if (!(await api.removeImage(image.id).catch(() => false))) break;
    removed += 1;
    at = image.parent;
  }
  return removed;
}

export interface Eviction {
  /** Only this user's layers count, and only they are evicted: the daemon is shared. */
  readonly owner: string;
  readonly cacheFolder: string;
  readonly capacity: number;
  /** The layer that was put or used last: never a victim. */
  readonly keep: string | null;
}

/** Evicts what was used longest ago until at most `capacity` layers are registered. Returns how many went. */
export async function evict(api: Api, { owner, cacheFolder, capacity, keep }: Eviction): Promise<number> {
  const keys = [...new Set((await ownLayers(api, owner)).map(({ key }) => key))];
  const victims = (await byLastUse(cacheFolder, keys))
    .filter((key) => key !== keep)
    .slice(0, Math.max(0, keys.length - Math.max(1, capacity)));
  let removed = 0;
  for (const key of victims) if (await unregister(api, key)) removed += 1;
  if (removed > 0) await forgetLayers(cacheFolder, new Set(keys.filter((key) => !victims.includes(key))));
  return removed;
}

/** Removes every layer of this user that no run holds. Images first: the side file that knows their order goes last. */
export async function removeAllLayers(api: Api, owner: string, cacheFolder: string): Promise<number> {
  const keys = [...new Set((await ownLayers(api, owner)).map(({ key }) => key))];
  let removed = 0;
  // Children before parents: the last used ones were built on the others.
  for (const key of (await byLastUse(cacheFolder, keys)).reverse()) if (await unregister(api, key)) removed += 1;
  removed += await removeReplaced(api, owner);
  const left = new Set((await ownLayers(api, owner)).map(({ key }) => key));
  await forgetLayers(cacheFolder, left);
  return removed;
}

/** Layers of this user that lost their name to a newer build of the same key, or to `docker rmi`. */
export async function removeReplaced(api: Api, owner: string): Promise<number> {
  const rows = await api.listImages({ dangling: ['true'], label: [`${LABEL.owner}=${owner}`, `${LABEL.kind}=layer`] });
  let removed = 0;
  for (const row of rows) if (row.tags.length === 0) removed += await removeUnnamed(api, row.id);
  return removed;
}
