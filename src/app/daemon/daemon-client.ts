/** Talking to the daemon of a state folder: over its socket, or not at all. */
import { connect, type Socket } from 'node:net';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Directories } from '../../config/index.js';
import { failure, success, type EventSink, type Failure, type Result } from '../../model/index.js';
import { sha256 } from '../../util/hash.js';
import { carriesNonce, holdsLock, isAlive, type ProcessIdentity } from '../../util/process.js';
import { lineSplitter, type AnswerLine, type MethodName, type Methods } from './daemon-protocol.js';

/** One socket a state folder. Short, since a socket's path is limited to about a hundred characters. */
export const socketPath = (directories: Directories): string =>
  join(directories.sockets, `d-${sha256(directories.state).slice(0, 16)}.sock`);

export const lockPath = (stateFolder: string): string => join(stateFolder, 'orchestrator.lock');
export const identityPath = (stateFolder: string): string => join(stateFolder, 'daemon.json');
export const logPath = (stateFolder: string): string => join(stateFolder, 'logs', 'daemon.jsonl');

/** What `daemon.json` says. Information only: the lock is the truth. */
export interface DaemonIdentity {
  readonly instance_id: string;
  readonly boot_id: string;
  readonly pid: number;
  readonly start_ticks: number;
  /** The random value in the daemon's environment; null for one that was not started by `daemon start`. */
  readonly nonce: string | null;
  readonly socket: string;
  readonly started_at: string;
}

export async function readDaemonIdentity(stateFolder: string): Promise<DaemonIdentity | null> {
  try {
    const value = JSON.parse(await readFile(identityPath(stateFolder), 'utf8')) as Partial<DaemonIdentity>; // fields are checked below
    if (
      typeof value.pid !== 'number' ||
      typeof value.start_ticks !== 'number' ||
      typeof value.boot_id !== 'string' ||
      typeof value.instance_id !== 'string'
    )
      return null;
    return {
      instance_id: value.instance_id,
      boot_id: value.boot_id,
      pid: value.pid,
      start_ticks: value.start_ticks,
      nonce: typeof value.nonce === 'string' && value.nonce !== '' ? value.nonce : null,
      socket: value.socket ?? '',
      started_at: value.started_at ?? '',
    };
  } catch {
    return null;
  }
}

export interface LivingDaemon extends ProcessIdentity {
  /** False for one without a nonce of ours (`daemon foreground`): it may be waited for, and never signalled. */
  readonly mayBeSignalled: boolean;
}

/**
 * The daemon of a state folder. `daemon.json` only says where to look, since anybody's pid may stand in it by now: that
 * process must itself hold the daemon's lock and, where a nonce is written, carry it in its environment.
 */
export async function livingDaemon(stateFolder: string): Promise<LivingDaemon | null> {
  const named = await readDaemonIdentity(stateFolder);
  if (named === null) return null;
  const { pid, nonce } = named;
  const identity: ProcessIdentity = { bootId: named.boot_id, pid, startTicks: named.start_ticks };
  if (!isAlive(identity) || !holdsLock(pid, lockPath(stateFolder))) return null;
  if (nonce !== null && !carriesNonce(pid, nonce)) return null;
  return { ...identity, mayBeSignalled: nonce !== null };
}

export interface DaemonClient extends Disposable {
  /** `try-again` (75) when no answer came in `timeoutMs` or the connection broke; else the daemon's own failures. */
  ask<M extends MethodName>(
    method: M,
    params: Methods[M]['params'],
    options?: { readonly timeoutMs?: number; readonly onEvent?: EventSink; readonly signal?: AbortSignal },
  ): Promise<Result<Methods[M]['answer']>>;
}

export const noDaemon = (stateFolder: string): Failure => ({
  kind: 'unavailable',
  message: `No daemon runs for ${stateFolder}.`,
  hint: '`coherence daemon start` starts one.',
});

interface Waiting {
  readonly settle: (result: Result<unknown>) => void;
  readonly onEvent: EventSink | undefined;
}

function clientOf(socket: Socket): DaemonClient {
  const waiting = new Map<number, Waiting>();
  let next = 1;
  const broken: Failure = {
    kind: 'try-again',
    message: 'The daemon ended the connection before it answered.',
    hint: 'It may have been stopped; `coherence daemon status` tells.',
  };
  const dropAll = (): void => {
    for (const entry of waiting.values()) entry.settle(failure(broken));
    waiting.clear();
    socket.unref();
  };
  const split = lineSplitter((line) => {
    const answer = JSON.parse(line) as AnswerLine; // written by our own daemon
    const entry = waiting.get(answer.id);
    if (entry === undefined) return;
    if ('event' in answer) entry.onEvent?.(answer.event);
    else entry.settle(answer.ok ? success(answer.value) : failure(...answer.failures));
  });
  socket.on('data', (chunk: Buffer) => {
    if (!split(chunk)) socket.destroy();
  });
  socket.on('error', dropAll);
  socket.on('close', dropAll);
  return {
    ask: async (method, params, options = {}) => {
      const id = next;
      next += 1;
      return new Promise((resolve) => {
        const timer =
          options.timeoutMs === undefined
            ? null
            : setTimeout(
                () =>
                  settle(
                    failure({
                      kind: 'try-again',
                      message: `The daemon did not answer "${method}" within ${(options.timeoutMs ?? 0) / 1000} seconds.`,
                    }),
                  ),
                options.timeoutMs,
              );
        const onAbort = (): void =>
          settle(failure({ kind: 'try-again', message: 'Interrupted while waiting for the daemon.' }));
        const settle = (result: Result<unknown>): void => {
          if (!waiting.delete(id)) return;
          if (timer !== null) clearTimeout(timer);
          options.signal?.removeEventListener('abort', onAbort);
          resolve(result as Result<Methods[typeof method]['answer']>); // the daemon answers a method with its type
        };
        waiting.set(id, { settle, onEvent: options.onEvent });
        options.signal?.addEventListener('abort', onAbort, { once: true });
        if (options.signal?.aborted === true) return onAbort();
        if (socket.destroyed) return settle(failure(broken));
        socket.write(`${JSON.stringify({ id, method, params })}\n`);
      });
    },
    [Symbol.dispose]: () => {
      socket.destroy();
    },
  };
}

/** Null when no daemon listens. A socket that is not ours is not talked to. */
export async function connectDaemon(directories: Directories): Promise<DaemonClient | null> {
  const path = socketPath(directories);
  const found = await lstat(path).catch(() => null);
  if (found === null || !found.isSocket() || (process.getuid !== undefined && found.uid !== process.getuid()))
    return null;
  const socket = connect(path);
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  return connected ? clientOf(socket) : null;
}

const ANSWER_MS = 10_000;

/** One question to the daemon; `unavailable` (69) without one. */
export async function askDaemon<M extends MethodName>(
  directories: Directories,
  method: M,
  params: Methods[M]['params'],
  timeoutMs = ANSWER_MS,
): Promise<Result<Methods[M]['answer']>> {
  using client = await connectDaemon(directories);
  if (client === null) return failure(noDaemon(directories.state));
  // Awaited here: the connection lasts until the answer is there.
  return await client.ask(method, params, { timeoutMs });
}
