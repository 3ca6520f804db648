/**
 * A command as the main process of a container of its own: create, attach, watch, start, await the end, drain, inspect,
 * remove. The command's end is the container's end, its exit code is exact, and killing it reaches everything it started.
 * Such a container is never committed.
 *
 * Unknown is not success: an exit counts only when the watch that was registered before the start and the inspection after
 * it name the same code, nothing ran out of memory, and all that the daemon logged has come through the attached stream.
 */
import type { Duplex } from 'node:stream';
import { monotonicMs } from '../../util/monotonic.js';
import { exitOf, type Api, type Mount } from './api.js';
import { demux, type StreamName } from './demux.js';
import { kernelKills, outOfMemory } from './memory.js';
import { LABEL, type ContainerKind } from './names.js';
import type { Owner } from './owner.js';
import { destroyContainer, pause, settleSoon } from './teardown.js';
import { isStatus, messageOf } from './transport.js';

export interface ContainerSpec {
  readonly name: string;
  readonly kind: ContainerKind;
  readonly image: string;
  readonly command: readonly string[];
  readonly user: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly network: string;
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly pids: number | null;
  /** Capabilities kept; all others are dropped. Null: the daemon's default set (set-up installs packages). */
  readonly capabilities: readonly string[] | null;
  readonly stdin: boolean;
  /** Docker's own init as first process, so that signals and zombies are treated as outside a container. */
  readonly init: boolean;
}

/** What a container of ours needs that runs nothing of the project: root of its own, and no network, capability, mount or input. */
export const BARE = {
  user: '0:0',
  directory: '/',
  env: {},
  mounts: [],
  network: 'none',
  cpus: null,
  memoryBytes: null,
  pids: null,
  capabilities: [],
  stdin: false,
  init: false,
} as const satisfies Omit<ContainerSpec, 'name' | 'kind' | 'image' | 'command'>;

export const containerLabels = (owner: Owner, kind: ContainerKind): Record<string, string> => ({
  [LABEL.kind]: kind,
  [LABEL.run]: owner.run,
  [LABEL.process]: owner.process,
  [LABEL.schema]: '1',
});

/**
 * The body of `POST /containers/create`. Entrypoint, command, user and health check are always set, whatever the image says.
 * `Mounts`, not `Binds`: a `:` in a path breaks the string form, and `Binds` makes a missing source as root without a word.
 */
export const createBody = (spec: ContainerSpec, owner: Owner): unknown => ({
  Image: spec.image,
  Entrypoint: spec.command,
  Cmd: [],
  User: spec.user,
  WorkingDir: spec.directory,
  Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
  Labels: containerLabels(owner, spec.kind),
  AttachStdin: spec.stdin,
  OpenStdin: spec.stdin,
  StdinOnce: spec.stdin,
  AttachStdout: true,
  AttachStderr: true,
  Tty: false,
  Healthcheck: { Test: ['NONE'] },
  HostConfig: {
    Mounts: spec.mounts.map((mount) => ({
      Type: 'bind',
      Source: mount.source,
      Target: mount.target,
      ReadOnly: mount.readOnly,
    })),
    NetworkMode: spec.network,
    AutoRemove: false,
    Privileged: false,
    ...(spec.init ? { Init: true } : {}),
    SecurityOpt: ['no-new-privileges'],
    ...(spec.capabilities === null ? {} : { CapDrop: ['ALL'], CapAdd: spec.capabilities }),
    ...(spec.cpus === null ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
    ...(spec.memoryBytes === null ? {} : { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
    ...(spec.pids === null ? {} : { PidsLimit: spec.pids }),
    // A log that is exact for any bytes, unlike json-file's: the attached stream is compared with it.
    LogConfig: { Type: 'local', Config: { 'max-size': '8g', 'max-file': '1', compress: 'false' } },
  },
});

export interface MainEnd {
  /** The exit code where it is certain, else null. */
  readonly code: number | null;
  readonly timedOut: boolean;
  readonly canceled: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly trouble: { readonly reason: 'infra' | 'crash'; readonly message: string } | null;
  /** The daemon does not have the image (any more). */
  readonly imageGone: boolean;
  /** The daemon has no init program: to be asked for without one. */
  readonly initMissing: boolean;
  /** Set when the container could not be removed. */
  readonly left: string | null;
}

export interface MainOptions {
  readonly timeoutMs: number | null;
  readonly signal: AbortSignal;
  readonly input?: string;
  readonly onOutput: (stream: StreamName, bytes: Buffer) => void;
  /** How long teardown waits for a request that was under way when the run was canceled; default 8 s. */
  readonly graceMs?: number;
}

/** How long the output may take to end after the container has. */
const DRAIN_MS = 10_000;
const KILL_MS = 20_000;

/** Docker's init, and almost every command, holds its outputs open to its own end: a stream that ends this much earlier was cut, even where nothing was lost. */
const EARLY_MS = 1000;

interface Output {
  /** What is wrong with the stream, or null; settles when it has ended. */
  readonly end: Promise<string | null>;
  /** When it ended, on the monotonic clock; null while it has not. */
  readonly endedAt: () => number | null;
  readonly bytes: Record<StreamName, number>;
  /** Whether the last byte of a stream was a line feed. */
  readonly closedLine: Record<StreamName, boolean>;
}

export function readOutput(socket: Duplex, take: (stream: StreamName, bytes: Buffer) => void): Output {
  const bytes = { stdout: 0, stderr: 0 };
  const closedLine = { stdout: true, stderr: true };
  const frames = demux((stream, piece) => {
    bytes[stream] += piece.length;
    closedLine[stream] = piece[piece.length - 1] === 0x0a;
    take(stream, piece);
  });
  let endedAt: number | null = null;
  const end = new Promise<string | null>((resolve) => {
    let broken: string | null = null;
    socket.on('data', (chunk: Buffer) => {
      broken ??= frames.write(chunk);
    });
    socket.on('error', (error: Error) => {
      broken ??= `the output stream of the container broke: ${error.message}`;
    });
    socket.on('close', () => {
      endedAt = monotonicMs();
      resolve(broken ?? frames.end());
    });
    socket.on('end', () => socket.destroy());
    if (socket.destroyed) resolve('the output stream of the container was cut before it began');
  });
  return { end, endedAt: () => endedAt, bytes, closedLine };
}

/** Compares what came through the attached stream with what the daemon logged. A cut stream at a frame's border looks like an end. */
async function lostOutput(api: Api, id: string, output: Output): Promise<string | null> {
  const logged = { stdout: 0, stderr: 0 };
  const frames = demux((stream, piece) => {
    logged[stream] += piece.length;
  });
  let broken: string | null = null;
  await api.logs(id, (chunk) => {
    broken ??= frames.write(chunk);
  });
  broken ??= frames.end();
  if (broken !== null) return broken;
  for (const stream of ['stdout', 'stderr'] as const) {
    // The log ends every line; a last line without line feed counts one byte more there.
    const missing = logged[stream] - output.bytes[stream] - (output.closedLine[stream] ? 0 : 1);
    if (missing > 0) return `${missing} bytes of the container's ${stream} were lost on the way: the stream was cut`;
  }
  return null;
}

/** Runs to the end and resolves after the container is gone; never rejects. */
export async function runMain(api: Api, owner: Owner, spec: ContainerSpec, options: MainOptions): Promise<MainEnd> {
  const grace = options.graceMs ?? 8000;
  const stop = new AbortController();
  let timedOut = false;
  let canceled = false;
  let started = false;
  let startedAt = new Date();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    if (stop.signal.aborted) return;
    canceled = true;
    stop.abort();
  };
  const result = {
    code: null as number | null,
    trouble: null as MainEnd['trouble'],
    imageGone: false,
    initMissing: false,
    left: null as string | null,
    endedAt: new Date(),
  };
  const infra = (message: string): void => {
    result.trouble ??= { reason: 'infra', message };
  };
  const finish = (): MainEnd => ({ ...result, timedOut, canceled, startedAt });
  if (options.signal.aborted) {
    canceled = true;
    return finish();
  }
  options.signal.addEventListener('abort', onAbort, { once: true });

  let socket = null as Duplex | null; // assigned in a callback, which the compiler does not follow
  let created = false;
  try {
    created = true; // from here on the name may be taken, whatever the answer
    const id = await settleSoon(api.createContainer(spec.name, createBody(spec, owner)), stop.signal, grace);
    if (id === null || stop.signal.aborted) return finish();
    // Both before the start: no output and no exit can be missed.
    const attaching = api.attach(id, spec.stdin).then((attached) => (socket = attached));
    const before = await settleSoon(Promise.all([attaching, api.watchExit(id)]), stop.signal, grace);
    if (before === null || stop.signal.aborted) return finish();
    const [attached, watch] = before;
    const output = readOutput(attached, options.onOutput);
    const kills = await kernelKills();
    startedAt = new Date();
    const start = api.startContainer(id).then(() => true);
    if ((await settleSoon(start, stop.signal, grace)) === null) return finish();
    started = true;
    startedAt = new Date();
    if (options.timeoutMs !== null)
      timer = setTimeout(() => {
        if (stop.signal.aborted) return;
        timedOut = true;
        stop.abort();
      }, options.timeoutMs);
    if (spec.stdin) attached.end(options.input ?? '');

    const exit = await awaitExit(api, id, watch.end, stop.signal);
    result.endedAt = new Date();
    const streamEnd = output.endedAt();
    if (streamEnd !== null && monotonicMs() - streamEnd > EARLY_MS)
      infra(
        'the output of the container ended before the container did: the stream was cut, or the command closed both of its outputs',
      );
    clearTimeout(timer);
    if (timedOut || canceled) {
      await Promise.race([output.end, pause(2000)]);
      return finish();
    }
    if ('error' in exit) infra(exit.error);
    const drained = await Promise.race([
      output.end,
      pause(DRAIN_MS).then(() => 'the output of the container did not end with it'),
    ]);
    if (drained !== null) infra(drained);
    await confirm(api, id, 'code' in exit ? exit.code : null, { output, kills }, infra, result);
  } catch (error) {
    result.imageGone = !started && isStatus(error, 404) && /no such image/i.test(messageOf(error));
    result.initMissing = !started && spec.init && /docker-init|init binary/i.test(messageOf(error));
    infra(messageOf(error));
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', onAbort);
    socket?.destroy();
    if (created && !(await destroyContainer(api, spec.name))) result.left = spec.name;
  }
  if (result.trouble !== null) result.code = null;
  return finish();
}

/** The end of the container; after a stop it is killed first, and its end awaited all the same. */
async function awaitExit(
  api: Api,
  id: string,
  watched: Promise<Buffer>,
  stop: AbortSignal,
): Promise<{ readonly code: number } | { readonly error: string }> {
  const ended = watched.then(exitOf, (error: unknown) => ({
    error: `lost sight of the container while it ran: ${messageOf(error)}`,
  }));
  const stopped = new Promise<'stop'>((resolve) => {
    if (stop.aborted) resolve('stop');
    else stop.addEventListener('abort', () => resolve('stop'), { once: true });
  });
  const first = await Promise.race([ended, stopped]);
  if (first !== 'stop') return first;
  await api.killContainer(id).catch(() => undefined);
  return Promise.race([ended, pause(KILL_MS).then(() => ({ error: 'the container did not end when it was killed' }))]);
}

/** Sets the code only if inspection and log agree with the watch. */
async function confirm(
  api: Api,
  id: string,
  watched: number | null,
  { output, kills }: { readonly output: Output; readonly kills: number | null },
  infra: (message: string) => void,
  result: { code: number | null; trouble: MainEnd['trouble'] },
): Promise<void> {
  // Beside the inspection: the container has ended, so all that it will ever have said is logged.
  const losing = lostOutput(api, id, output);
  losing.catch(() => undefined); // told where it is awaited; what is found before that counts first
  let state = null;
  for (let attempt = 0; ; attempt += 1) {
    try {
      state = await api.inspectContainer(id);
      if (state === null || !state.running) break;
    } catch (error) {
      if (attempt >= 3) throw error;
    }
    if (attempt >= 3) break;
    await pause(50 * 2 ** attempt);
  }
  if (state === null || state.dead || state.status === 'removing')
    return infra('the container was removed by somebody else while it was in use');
  const until =
    [state.startedAt, state.finishedAt, new Date().toISOString()].sort(
      (left, right) => Date.parse(right) - Date.parse(left),
    )[0] ?? '';
  const [events, lost] = await Promise.all([
    state.createdAt === '' ? Promise.resolve<string[]>([]) : api.eventsOf(id, ['kill', 'oom'], state.createdAt, until),
    losing,
  ]);
  const memory =
    state.outOfMemory || events.includes('oom')
      ? 'the limit of the environment was reached and the kernel killed a process'
      : await outOfMemory(api, id, kills, state.createdAt === '' ? state.startedAt : state.createdAt);
  if (memory !== null) {
    result.trouble = { reason: 'crash', message: `out of memory: ${memory}` };
    return;
  }
  // A command that ends cleanly because a daemon that shuts down, or a person, told it to has not done its work.
  if (events.includes('kill'))
    return infra(
      'the container was signaled from outside while it ran (docker stop, docker kill or a daemon that shut down)',
    );
  if (state.running) return infra('the daemon still calls the container running after its end');
  if (watched === null || state.exitCode !== watched)
    return infra(
      `the exit code is not certain: ${String(watched)} was reported, ${String(state.exitCode)} is recorded`,
    );
  if (lost !== null) return infra(lost);
  result.code = watched;
}
