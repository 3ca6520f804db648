/** The place `docker`: opens a workspace for a batch, with everything in between turned into data. */
import { join } from 'node:path';
import type { DeclaredEnvironment, EventSink } from '../../model/index.js';
import type { Availability, OpenRequest, Place } from '../../run/adapters.js';
import { connect, type Connection } from './connect.js';
import { cloneTree, removeTree } from './copy.js';
import type { Environment } from './environment.js';
import { variablesOf } from './image.js';
import { openSession, type Session } from './session.js';
import { manifestHash } from './source.js';
import { messageOf } from './transport.js';
import { dockerWorkspace, makeLinks, makeWorkspaceFolder, type DockerWorkspace, type Ground } from './workspace.js';

export interface DockerOptions {
  /** Absolute path of the project's root; only read. */
  readonly root: string;
  /** `docker.environments` of the settings. */
  readonly environments: Readonly<Record<string, DeclaredEnvironment>>;
  /** `docker.layer_capacity`, at least 1. */
  readonly layerCapacity: number;
  readonly stateFolder: string;
  readonly cacheFolder: string;
  /** Existing folder for captured output. */
  readonly outputFolder: string;
  readonly runId: string;
  /** At most so many of our containers at once. */
  readonly jobs: number;
  readonly emit: EventSink;
  /** Of the whole run. */
  readonly signal: AbortSignal;
  /** The caller's environment: names the daemon, and gives `pass_env` and `secrets` their values. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For a commit; default 30 min. */
  readonly commitTimeoutMs?: number;
  /** For every other request; default 60 s. */
  readonly requestTimeoutMs?: number;
}

export interface DockerPlace extends Place {
  /** `sha256:` over path, mode and content of the copy that all workspaces of this run come from; null before the first one. */
  sourceHash(): Promise<string | null>;
}

type Opened = Awaited<ReturnType<Place['open']>>;
type Refusal = Exclude<Opened, { ok: true }>;

const refuse = (reason: Refusal['reason'], message: string, exitCode: number | null = null): Refusal => ({
  ok: false,
  reason,
  message,
  exitCode,
});

/** Throws RangeError for a capacity below 1, which the settings refuse already. */
export function dockerPlace(options: DockerOptions): DockerPlace {
  if (!(options.layerCapacity >= 1)) throw new RangeError('docker.layer_capacity must be at least 1');
  let connection: Promise<Connection> | null = null;
  let session: Promise<Session> | null = null;
  let frozenFolder: Awaited<ReturnType<Session['source']>> | null = null;
  const init = { present: true };
  const open = new Set<DockerWorkspace>();
  const user = { user: process.getuid?.() ?? 0, group: process.getgid?.() ?? 0 };

  /** A daemon that was not there is asked for again by the next batch. */
  const connected = async (): Promise<Connection> => {
    connection ??= connect(options);
    const found = await connection;
    if (!found.ok) connection = null;
    return found;
  };

  const ground = async (
    held: Session,
    environment: Environment,
    signal: AbortSignal,
  ): Promise<{ readonly ok: true; readonly ground: Ground } | Refusal> => {
    const frozen = await held.source(signal);
    if (!frozen.ok) return refuse(signal.aborted ? 'canceled' : 'infra', frozen.message);
    frozenFolder = frozen;
    const prepared = await held.prepare(environment, frozen.frozen, signal);
    return prepared.ok
      ? { ok: true, ground: { image: prepared.image, layers: prepared.layers, env: variablesOf(prepared.base) } }
      : prepared;
  };

  const openWorkspace = async (request: OpenRequest, held: Session, signal: AbortSignal): Promise<Opened> => {
    const environment = held.declared(request.environment);
    if (typeof environment === 'string') return refuse('setup', environment);
    const made = await ground(held, environment, signal);
    if (!made.ok) return made;
    const blind = await held.blind(made.ground.image, signal);
    if (signal.aborted) return refuse('canceled', 'canceled before it started');
    if (blind !== null) return refuse('unavailable:docker', blind);

    const folder = held.nextFolder('workspace');
    try {
      let from = request.inherit?.hostRoot;
      if (from === undefined) {
        const frozen = await held.source(signal);
        if (!frozen.ok) return refuse('infra', frozen.message);
        const variant = await held.variant(environment, made.ground.image, frozen.frozen, signal);
        if (!variant.ok) return refuse(signal.aborted ? 'canceled' : 'infra', variant.message);
        from = variant.frozen.folder;
      }
      await makeWorkspaceFolder(folder);
      const cloned = await cloneTree(from, join(folder, 'tree'), signal);
      const link =
        cloned.ok && request.inherit === undefined ? await makeLinks(join(folder, 'tree'), environment.link) : null;
      if (!cloned.ok || link !== null) {
        await removeTree(folder);
        if (!cloned.ok) return refuse(signal.aborted ? 'canceled' : 'infra', cloned.message);
        return refuse('setup', `environment "${environment.name}": ${link ?? ''}`);
      }
    } catch (error) {
      await removeTree(folder);
      return refuse('infra', messageOf(error));
    }
    const workspace = dockerWorkspace(
      {
        api: held.api,
        owner: held.owner,
        permits: held.permits,
        emit: options.emit,
        outputFolder: options.outputFolder,
        nextContainer: held.nextContainer,
        init,
        user,
        renew: async (wanted, current) => {
          held.forgetPrepared(wanted);
          const again = await ground(held, wanted, current);
          return again.ok ? again.ground : null;
        },
      },
      { environment, ground: made.ground, batch: request.batch.id, folder, signal: options.signal },
    );
    open.add(workspace);
    return { ok: true, workspace };
  };

  return {
    name: 'docker',
    available: async (): Promise<Availability> => {
      const found = await connected();
      return found.ok
        ? { available: true, version: found.version }
        : { available: false, what: 'docker', detail: found.detail };
    },
    open: async (request) => {
      const signal = AbortSignal.any([request.signal, options.signal]);
      if (signal.aborted) return refuse('canceled', 'canceled before it started');
      const found = await connected();
      if (!found.ok) return refuse('unavailable:docker', found.detail);
      try {
        session ??= openSession(found.api, options);
        return await openWorkspace(request, await session, signal);
      } catch (error) {
        return refuse(signal.aborted ? 'canceled' : 'infra', messageOf(error));
      }
    },
    sourceHash: async () => (frozenFolder?.ok === true ? manifestHash(frozenFolder.frozen) : null),
    close: async () => {
      const [held, found] = await Promise.all([session?.catch(() => null), connection?.catch(() => null)]);
      await Promise.allSettled([...open].map(async (workspace) => workspace[Symbol.asyncDispose]()));
      if (held !== null && held !== undefined) await held.close();
      else if (found?.ok === true) found.api.close();
      session = null;
      connection = null;
    },
  };
}
