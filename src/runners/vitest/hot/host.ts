/**
 * The place `host` of a warm worker: vitest's command lines are served by the instance in memory, all others (and vitest's
 * whenever that is in doubt) by the real program.
 */
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Around, EventSink } from '../../../model/index.js';
import type { ProcessEnd } from '../../../util/process.js';
import type { Executed, Invocation, Place, Workspace } from '../../../run/adapters.js';
import { Capture } from '../../../run/decorators/capture.js';
import { maskedEnv, secretValues } from '../../../run/environment.js';
import { insideRoot } from '../../../util/files.js';
import { readVitestCommand, type VitestCommand } from './command.js';
import { fingerprint, namesAround, type Fingerprint } from './fingerprint.js';
import { startHot, type HotVitest } from './instance.js';
import { loadVitest } from './vitest-api.js';

/** What the instance in memory needs to know of the host place that it stands before. */
export interface HotOptions {
  readonly root: string;
  readonly outputFolder: string;
  readonly emit?: EventSink | undefined;
}

export interface HotHost {
  /** Puts the hot vitest before a host place. */
  /** @param around what lies around the root, when it was read just now; it holds for the first workspace */
  wrap(place: Place, options: HotOptions, around?: Around | null): Place;
  /** Loads the vitest of a project's root, if it has one. */
  preload(root: string): Promise<void>;
  /** False after a run had to be broken off: what is left in this process is not to be trusted. */
  isSound(): boolean;
  close(): Promise<void>;
}

interface Held {
  readonly folder: string;
  readonly start: string;
  readonly locations: boolean;
  readonly stamp: Fingerprint;
  readonly vitest: HotVitest;
  readonly streams: { readonly stdout: Outlet; readonly stderr: Outlet };
}

/** A stream that lasts as long as the instance and leads into the capture of the current run. */
class Outlet extends Writable {
  target: ((chunk: Buffer) => void) | null = null;

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, done: () => void): void {
    this.target?.(Buffer.from(chunk));
    done();
  }

  /** vitest pipes each test process into it, and the end of a pipe ends its target: this one outlives them, as standard output would. */
  override end(): this {
    return this;
  }
}

/** How long a canceled run gets before the process is given up. */
const CANCEL_MS = 2000;

/** Makes the process's environment exactly `env`, as a child's would be; gives back what it was. */
function swapEnvironment(env: Readonly<Record<string, string>>): () => void {
  const before = { ...process.env };
  const set = (values: Readonly<Record<string, string | undefined>>): void => {
    for (const name of Object.keys(process.env)) if (!(name in values)) delete process.env[name];
    for (const [name, value] of Object.entries(values)) if (value !== undefined) process.env[name] = value;
  };
  // The nonce by which everything that this process starts is found stays.
  const nonce = before['COHERENCE_RUN_NONCE'];
  set({ ...env, ...(nonce === undefined ? {} : { COHERENCE_RUN_NONCE: nonce }) });
  return () => set(before);
}

export function hotHost(): HotHost {
  let held: Held | null = null;
  let sound = true;
  /** Folders whose vitest cannot be served hot, with what they looked like. */
  const refused = new Map<string, string>();
  /** One run after the other: environment and folder are the process's. */
  let chain: Promise<unknown> = Promise.resolve();
  let running = 0;

  const drop = async (): Promise<void> => {
    const old = held;
    held = null;
    if (old !== null) await old.vitest.close().catch(() => undefined);
  };

  /** The instance for this folder as it is now, and whether its modules are all in doubt. */
  const obtain = async (
    command: VitestCommand,
    folder: string,
    env: Readonly<Record<string, string>>,
    around: Around | null,
  ): Promise<{ readonly held: Held; readonly forget: boolean } | null> => {
    if (around === null) return null;
    const extra = held !== null && held.folder === folder ? held.vitest.configurationFiles : [];
    const stamp = await fingerprint(folder, around, env, extra);
    if (refused.get(folder) === stamp.instance) return null;
    if (
      held !== null &&
      held.folder === folder &&
      held.start === command.start &&
      held.locations === command.locations &&
      held.stamp.instance === stamp.instance
    ) {
      const forget = held.stamp.names !== stamp.names;
      held = { ...held, stamp };
      return { held, forget };
    }
    await drop();
    const streams = { stdout: new Outlet(), stderr: new Outlet() };
    const vitest = await startHot(command, streams).catch(() => null);
    if (vitest === null) {
      refused.set(folder, stamp.instance);
      return null;
    }
    // Taken again with the files that the configuration turned out to be made of.
    const whole = await fingerprint(folder, around, env, vitest.configurationFiles);
    held = { folder, start: command.start, locations: command.locations, stamp: whole, vitest, streams };
    return { held, forget: false };
  };

  const serve = async (
    command: VitestCommand,
    folder: string,
    invocation: Invocation,
    base: Readonly<Record<string, string>>,
    early: Promise<Around | null> | null,
    outputs: { readonly stdout: Capture; readonly stderr: Capture },
    signal: AbortSignal,
  ): Promise<ProcessEnd | null> => {
    const startedAt = new Date();
    const started = performance.now();
    const restore = swapEnvironment({ ...base, ...invocation.env });
    const before = process.cwd();
    try {
      process.chdir(folder);
      const got = await obtain(command, folder, { ...base, ...invocation.env }, await (early ?? namesAround(folder)));
      if (got === null || signal.aborted) return null;
      for (const [name, value] of Object.entries(got.held.vitest.added)) process.env[name] ??= value;
      got.held.streams.stdout.target = (chunk) => outputs.stdout.write(chunk);
      got.held.streams.stderr.target = (chunk) => outputs.stderr.write(chunk);
      let canceled = false;
      const broken = new Promise<null>((resolve) => {
        signal.addEventListener(
          'abort',
          () => {
            canceled = true;
            void got.held.vitest.cancel().catch(() => undefined);
            // A test that does not yield keeps its process: this worker ends with all that it started.
            setTimeout(() => resolve(null), CANCEL_MS).unref();
          },
          { once: true },
        );
      });
      const finished = await Promise.race([got.held.vitest.run(command, got.forget), broken]);
      got.held.streams.stdout.target = null;
      got.held.streams.stderr.target = null;
      if (canceled) sound = false;
      return {
        pid: process.pid,
        code: finished?.code ?? null,
        signal: finished === null ? 'SIGKILL' : null,
        spawnError: null,
        timedOut: false,
        canceled,
        startedAt,
        endedAt: new Date(),
        durationMs: performance.now() - started,
      };
    } finally {
      process.chdir(before);
      restore();
    }
  };

  return {
    isSound: () => sound,
    close: drop,
    preload: async (root) => {
      await loadVitest(join(root, 'node_modules', 'vitest', 'vitest.mjs')).catch(() => null);
    },
    wrap: (place, options, around = null) => {
      // Only the first workspace: what runs in it may make files, and they count for those that come later.
      let read = around;
      return {
        ...place,
        open: async (request) => {
          const opened = await place.open(request);
          if (!opened.ok || opened.workspace.place !== 'host') return opened;
          const { workspace } = opened;
          const base = workspace.inherited;
          // Asked now, while the first command of this workspace is put together; later ones ask for themselves.
          let early: Promise<Around | null> | null =
            !sound || base === undefined ? null : read === null ? namesAround(options.root) : Promise.resolve(read);
          read = null;
          early?.catch(() => undefined); // told where it is awaited
          const exec: Workspace['exec'] = async (invocation, signal): Promise<Executed> => {
            const folder =
              base === undefined || invocation.input !== undefined
                ? null
                : invocation.directory === ''
                  ? options.root
                  : await insideRoot(options.root, invocation.directory);
            const command = folder === null ? null : readVitestCommand(invocation.command, folder);
            if (folder === null || command === null || base === undefined || !sound)
              return workspace.exec(invocation, signal);
            const secrets = secretValues(invocation.env);
            const capture = (stream: 'stdout' | 'stderr'): Capture =>
              new Capture({
                file: join(options.outputFolder, `${invocation.label}.${stream}`),
                secrets,
                onLine: (line) => options.emit?.({ type: 'output', batch: request.batch.id, stream, line }),
              });
            const outputs = { stdout: capture('stdout'), stderr: capture('stderr') };
            // Behind another run it would be about the tree before that run.
            const known = folder === options.root && running === 0 ? early : null;
            early = null;
            running += 1;
            const mine = chain
              .then(async () => serve(command, folder, invocation, base, known, outputs, signal))
              .finally(() => {
                running -= 1;
              });
            chain = mine.catch(() => undefined);
            const end = await mine;
            const [stdout, stderr] = await Promise.all([outputs.stdout.close(), outputs.stderr.close()]);
            // Nothing ran: the real program does it, into the same files.
            if (end === null) return workspace.exec(invocation, signal);
            return { end, stdout, stderr, imageId: null, layers: [], trouble: null, env: maskedEnv(invocation.env) };
          };
          return {
            ok: true,
            workspace: { ...workspace, exec, [Symbol.asyncDispose]: async () => workspace[Symbol.asyncDispose]() },
          };
        },
      };
    },
  };
}
