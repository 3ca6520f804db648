/**
 * From an environment to the image that its checks start from: base -> L1 -> ... -> Ln. A layer that is registered costs one
 * question to the daemon and a lease; only a missing one gets folders, a container and a commit. Layers contribute their
 * image and nothing else: no set-up's workspace is ever inherited.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventSink, Layer } from '../../model/index.js';
import { takeLock, type Lock } from '../../util/lock.js';
import type { Api, ImageInfo } from './api.js';
import type { Environment, SetupStep } from './environment.js';
import { flights } from './flight.js';
import { resolveImage, tooDeep } from './image.js';
import { resolveInputs } from './inputs.js';
import { layerKey } from './keys.js';
import type { Owner } from './owner.js';
import type { Registry } from './registry.js';
import type { Semaphore } from '../../run/semaphore.js';
import { buildLayer } from './setup.js';
import type { Frozen } from './source.js';
import { messageOf } from './transport.js';

export type Prepared =
  | { readonly ok: true; readonly base: ImageInfo; readonly image: string; readonly layers: readonly Layer[] }
  | {
      readonly ok: false;
      readonly reason: 'infra' | 'setup' | 'canceled';
      readonly message: string;
      readonly exitCode: number | null;
    };

export interface LayerBench {
  readonly api: Api;
  readonly owner: Owner;
  readonly registry: Registry;
  readonly permits: Semaphore;
  readonly emit: EventSink;
  readonly cacheFolder: string;
  /** The run's own folder; builds get folders below it. */
  readonly runFolder: string;
  readonly nextContainer: () => string;
  readonly secrets: (environment: Environment) => readonly string[];
  readonly commitTimeoutMs: number;
}

type Built = { readonly ok: true; readonly image: string; readonly hit: boolean } | Exclude<Prepared, { ok: true }>;

const canceled = (message: string): Exclude<Prepared, { ok: true }> => ({
  ok: false,
  reason: 'canceled',
  message,
  exitCode: null,
});

export interface Layers {
  /** One flight a key, in this process and (by a file lock) on this machine. Never rejects. */
  prepare(environment: Environment, frozen: Frozen, signal: AbortSignal): Promise<Prepared>;
}

export function layerBuilder(bench: LayerBench): Layers {
  // A set-up command that failed is not run again in this run; trouble may have passed.
  const builds = flights<Built>((built) => !built.ok && built.reason === 'setup');
  let builtCount = 0;

  const lockKey = async (key: string, signal: AbortSignal): Promise<Lock | null> => {
    const folder = join(bench.cacheFolder, 'docker', 'locks');
    await mkdir(folder, { recursive: true });
    while (!signal.aborted) {
      const taken = await takeLock(join(folder, key.slice(0, 32)), 250);
      if (taken.taken) return taken.lock;
      // Without locks on this system two runs may build the same layer; the later one then replaces the earlier.
      if (taken.why === 'unsupported') return null;
    }
    return null;
  };

  const build = async (
    environment: Environment,
    step: SetupStep,
    key: string,
    parent: string,
    frozen: Frozen,
    fields: Parameters<typeof buildLayer>[0]['inputs'],
    signal: AbortSignal,
  ): Promise<Built> => {
    const lock = await lockKey(key, signal);
    try {
      if (signal.aborted) return canceled('canceled before set-up started');
      const meanwhile = await bench.registry.find(key, parent);
      if (meanwhile !== null) return { ok: true, image: meanwhile, hit: true };
      const permit = await bench.permits.take(signal);
      if (permit === null) return canceled('canceled before set-up started');
      try {
        const name = bench.registry.ephemeral();
        const folder = join(bench.runFolder, `layer-${(builtCount += 1)}`);
        const result = await buildLayer({
          api: bench.api,
          owner: bench.owner,
          environment,
          step,
          key,
          parent,
          frozen,
          inputs: fields,
          folder,
          container: bench.nextContainer(),
          name,
          secrets: bench.secrets(environment),
          commitTimeoutMs: bench.commitTimeoutMs,
          signal,
        });
        if (!result.ok) return result;
        const image = await bench.registry.put(key, result.image, name);
        return image === null
          ? {
              ok: false,
              reason: 'infra',
              message: `the layer of set-up "${step.id}" vanished before it was registered`,
              exitCode: null,
            }
          : { ok: true, image, hit: false };
      } finally {
        permit();
      }
    } finally {
      await lock?.release();
    }
  };

  const prepare: Layers['prepare'] = async (environment, frozen, signal) => {
    const base = await resolveImage(bench.api, environment.image, environment.pull);
    if (!base.ok) return { ok: false, reason: 'infra', message: base.message, exitCode: null };
    const deep = tooDeep(base.image, environment.setup.length);
    if (deep !== null)
      return { ok: false, reason: 'setup', message: `environment "${environment.name}": ${deep}`, exitCode: null };
    if (base.image.volumes.length > 0 && environment.setup.length > 0)
      bench.emit({
        type: 'note',
        message: `The image of environment "${environment.name}" declares VOLUME ${base.image.volumes.join(', ')}: what set-up writes there is not kept.`,
      });
    const layers: Layer[] = [];
    let parent = base.image.id;
    for (const step of environment.setup) {
      const inputs = await resolveInputs(frozen, step.inputs);
      if (!inputs.ok)
        return {
          ok: false,
          reason: 'setup',
          message: `set-up "${step.id}" of environment "${environment.name}": ${inputs.message}`,
          exitCode: null,
        };
      const key = layerKey({
        parent,
        command: step.run,
        shell: environment.shell,
        user: environment.user,
        workdir: environment.workdir,
        env: { ...environment.env, ...step.env },
        inputs: inputs.inputs.fields,
        platform: base.image.platform,
        mounts: [`${environment.workdir}:rw`, '/inputs:ro'],
        network: step.network,
      });
      const below = parent;
      const present = await bench.registry.find(key, parent);
      const built: Built | null =
        present !== null
          ? { ok: true, image: present, hit: true }
          : await builds.join(key, signal, (shared) =>
              build(environment, step, key, below, frozen, inputs.inputs, shared).catch((error: unknown): Built => ({
                ok: false,
                reason: 'infra',
                message: messageOf(error),
                exitCode: null,
              })),
            );
      if (built === null) return canceled('canceled during set-up');
      if (!built.ok) return built;
      bench.emit({ type: 'layer', environment: environment.name, layer: step.id, key, hit: built.hit });
      layers.push({ id: step.id, key, hit: built.hit });
      parent = built.image;
    }
    return { ok: true, base: base.image, image: parent, layers };
  };

  return {
    prepare: async (environment, frozen, signal) =>
      prepare(environment, frozen, signal).catch((error: unknown): Prepared => ({
        ok: false,
        reason: 'infra',
        message: messageOf(error),
        exitCode: null,
      })),
  };
}
