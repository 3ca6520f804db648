/** `docker gc [--all]`: what is not needed any more, for a person who asks; always guarded by the leases of live runs. */
import { connect, type ConnectOptions } from './connect.js';
import { closeOwner, openOwner } from './owner.js';
import { evict, removeAllLayers, removeReplaced } from './registry.js';
import { sweepDead, type Swept } from './sweep.js';
import { messageOf } from './transport.js';

export interface CollectOptions extends ConnectOptions {
  /** All layers of this user that no run holds, not only what is over capacity. */
  readonly all: boolean;
  readonly layerCapacity: number;
  readonly stateFolder: string;
  readonly cacheFolder: string;
}

export type Collected =
  | { readonly ok: true; readonly removed: Swept & { readonly layers: number } }
  | { readonly ok: false; readonly reason: 'unavailable' | 'failed'; readonly message: string };

let calls = 0;

/** Never touches another user's layers, a live run's or another host's things, or anything that is not exactly of our making. */
export async function dockerGc(options: CollectOptions): Promise<Collected> {
  const connection = await connect(options);
  if (!connection.ok) return { ok: false, reason: 'unavailable', message: connection.detail };
  const { api } = connection;
  const owner = await openOwner(`gc${process.pid}x${(calls += 1)}`);
  try {
    const swept = await sweepDead({ api, stateFolder: options.stateFolder, owner });
    const layers = options.all
      ? await removeAllLayers(api, owner.user, options.cacheFolder)
      : (await evict(api, {
          owner: owner.user,
          cacheFolder: options.cacheFolder,
          capacity: options.layerCapacity,
          keep: null,
        })) + (await removeReplaced(api, owner.user));
    return { ok: true, removed: { ...swept, layers } };
  } catch (error) {
    return { ok: false, reason: 'failed', message: messageOf(error) };
  } finally {
    closeOwner(owner);
    api.close();
  }
}

/** The start-up sweep by itself, for programs that open no place; resolves to null without a daemon. */
export async function sweepDeadRuns(options: ConnectOptions & { readonly stateFolder: string }): Promise<Swept | null> {
  const connection = await connect(options);
  if (!connection.ok) return null;
  const owner = await openOwner(`sweep${process.pid}x${(calls += 1)}`);
  try {
    return await sweepDead({ api: connection.api, stateFolder: options.stateFolder, owner });
  } finally {
    closeOwner(owner);
    connection.api.close();
  }
}
