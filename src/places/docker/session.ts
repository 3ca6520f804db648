/** What a run holds once its first Docker check is opened: folder, registry, permits, the frozen source, prepared environments. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeclaredEnvironment, EventSink } from '../../model/index.js';
import type { Api } from './api.js';
import { BARE, createBody } from './container.js';
import { removeTree } from './copy.js';
import { environmentOf, type Environment } from './environment.js';
import { flights, type Flights } from './flight.js';
import { makeRunFolder, noteImage } from './folders.js';
import { layerBuilder, type Layers, type Prepared } from './layers.js';
import { closeOwner, openOwner, type Owner } from './owner.js';
import { cannotSee } from './probe.js';
import { openRegistry, type Registry } from './registry.js';
import { maskForms } from './reports.js';
import { semaphore, type Semaphore } from '../../run/semaphore.js';
import { belongsTo, freeze, freezeFor, type Access, type Freezing, type Frozen } from './source.js';
import { sweepDead } from './sweep.js';
import { destroyContainer } from './teardown.js';
import { messageOf } from './transport.js';
import { accountOf } from './user.js';

export interface SessionOptions {
  readonly root: string;
  readonly environments: Readonly<Record<string, DeclaredEnvironment>>;
  readonly layerCapacity: number;
  readonly stateFolder: string;
  readonly cacheFolder: string;
  readonly runId: string;
  readonly jobs: number;
  readonly emit: EventSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly commitTimeoutMs?: number;
}

const COMMIT_MS = 30 * 60_000;

export type Session = Awaited<ReturnType<typeof openSession>>;

export async function openSession(api: Api, options: SessionOptions) {
  const { emit } = options;
  const owner: Owner = await openOwner(options.runId);
  const folder = await makeRunFolder(options.stateFolder, owner);
  await mkdir(options.cacheFolder, { recursive: true });
  // Best effort, beside the run: what dead owners left neither delays nor fails it.
  const sweeping = sweepDead({ api, stateFolder: options.stateFolder, owner }).catch(() => null);
  const registry: Registry = openRegistry({
    api,
    owner,
    cacheFolder: options.cacheFolder,
    capacity: options.layerCapacity,
  });
  const permits: Semaphore = semaphore(options.jobs);
  let containers = 0;
  const nextContainer = (): string => `coherence-${owner.run}-${(containers += 1)}`;
  let folders = 0;
  const nextFolder = (kind: string): string => join(folder, `${kind}-${(folders += 1)}`);
  const layers: Layers = layerBuilder({
    api,
    owner,
    registry,
    permits,
    emit,
    cacheFolder: options.cacheFolder,
    runFolder: folder,
    nextContainer,
    secrets: (environment) => maskForms(Object.values(environment.secrets)),
    commitTimeoutMs: options.commitTimeoutMs ?? COMMIT_MS,
  });

  // A cell that failed stays unset: everybody who waited hears of it, and the next one tries again.
  const freezing: Flights<Freezing> = flights((done) => done.ok);
  const variants: Flights<Freezing> = flights((done) => done.ok);
  const prepared: Flights<Prepared> = flights((done) => done.ok || done.reason === 'setup');
  const seeing: Flights<string | null> = flights((why) => why === null);
  const accounts = new Map<string, Promise<Access>>();

  const source = async (signal: AbortSignal): Promise<Freezing> => {
    const target = nextFolder('source');
    const canceled: Freezing = { ok: false, message: 'canceled while the source was copied' };
    return (
      (await freezing.join('source', signal, async (shared) => {
        try {
          const done = await freeze(options.root, target, shared);
          if (!done.ok) await removeTree(target);
          return done;
        } catch (error) {
          await removeTree(target);
          return { ok: false, message: `the source cannot be copied: ${messageOf(error)}` };
        }
      })) ?? canceled
    );
  };

  const named = async (user: string, image: string): Promise<Access> => {
    const name = nextContainer();
    let permit: (() => void) | null = null;
    try {
      const account = await accountOf(user, api, async () => {
        permit = await permits.take(new AbortController().signal);
        return api.createContainer(name, createBody({ ...BARE, name, kind: 'probe', image, command: ['true'] }, owner));
      });
      if (account === null) return { kind: 'open' };
      return {
        kind: 'owner',
        owner: account.group === null ? String(account.user) : `${account.user}:${account.group}`,
      };
    } finally {
      if (permit !== null) {
        await destroyContainer(api, name);
        (permit as () => void)(); // assigned in the callback, which the compiler does not follow
      }
    }
  };

  /** What the container's user needs to write to a copy of the source. */
  const accessFor = async (environment: Environment, image: string, frozen: Frozen): Promise<Access> => {
    const key = `${environment.user}\0${image}`;
    const wanted = accounts.get(key) ?? named(environment.user, image);
    accounts.set(key, wanted);
    const access = await wanted;
    const us = process.getuid?.() ?? 0;
    const uid = access.kind === 'owner' ? Number.parseInt(access.owner, 10) : null;
    if (us === 0) return uid !== null && (await belongsTo(frozen, uid)) ? { kind: 'as-is' } : access;
    return uid === 0 || uid === us ? { kind: 'as-is' } : { kind: 'open' };
  };

  const declared = (name: string | null): Environment | string => {
    const names = Object.keys(options.environments);
    const chosen = name ?? (names.includes('default') ? 'default' : names.length === 1 ? (names[0] ?? '') : null);
    if (chosen === null)
      return names.length === 0
        ? 'docker.environments of config.yaml declares no environment'
        : `the link names none of the environments ${names.join(', ')}`;
    const found = Object.hasOwn(options.environments, chosen) ? options.environments[chosen] : undefined;
    return found === undefined
      ? `docker.environments of config.yaml has no environment "${chosen}"`
      : environmentOf(chosen, found, options.env);
  };

  return {
    api,
    owner,
    folder,
    registry,
    permits,
    nextContainer,
    nextFolder,
    declared,
    source,
    prepare: async (environment: Environment, frozen: Frozen, signal: AbortSignal): Promise<Prepared> =>
      (await prepared.join(environment.name, signal, async (shared) => {
        const done = await layers.prepare(environment, frozen, shared);
        if (done.ok && process.getuid?.() !== 0) await noteImage(folder, done.image).catch(() => undefined);
        return done;
      })) ?? { ok: false, reason: 'canceled', message: 'canceled during set-up', exitCode: null },
    forgetPrepared: (environment: Environment): void => prepared.forget(environment.name),
    /** Null when the daemon sees our files, else why not. */
    blind: async (image: string, signal: AbortSignal): Promise<string | null> =>
      seeing.join('probe', signal, async (shared) => {
        const permit = await permits.take(shared);
        if (permit === null) return 'canceled';
        return cannotSee({
          api,
          owner,
          image,
          container: nextContainer(),
          stateFolder: options.stateFolder,
          folder,
          cacheFolder: options.cacheFolder,
        }).finally(permit);
      }),
    /** The tree that this environment's workspaces are copied from. */
    variant: async (
      environment: Environment,
      image: string,
      frozen: Frozen,
      signal: AbortSignal,
    ): Promise<Freezing> => {
      const access = await accessFor(environment, image, frozen);
      const key = JSON.stringify([environment.source, access]);
      const target = nextFolder('variant');
      const done = await variants.join(key, signal, async (shared) => {
        const made = await freezeFor(frozen, environment.source, access, target, shared);
        if (!made.ok) await removeTree(target);
        return made;
      });
      return done ?? { ok: false, message: 'canceled while the workspace was prepared' };
    },
    close: async (): Promise<void> => {
      await sweeping;
      await registry.close();
      if (!(await removeTree(folder)))
        emit({ type: 'note', message: `The folder ${folder} could not be removed; a later run will.` });
      closeOwner(owner);
      api.close();
    },
  };
}
