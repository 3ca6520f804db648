/** The control socket: JSON lines, one request after another on a connection, answers in the order in which they are ready. */
import { chmod, unlink } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { lineSplitter, type AnswerLine, type MethodName, type Methods, type RequestLine } from '../app/index.js';
import { failureOf, troubleOf } from '../journal/index.js';
import { failure, type Failure, type Result, type RunEvent } from '../model/index.js';
import type { Log } from '../journal/index.js';

export interface Caller {
  event(event: RunEvent): void;
  /** Called once, when the connection is gone. */
  onGone(work: () => void): void;
}

export type Handlers = {
  readonly [M in MethodName]: (
    params: Methods[M]['params'],
    caller: Caller,
  ) => Promise<Result<Methods[M]['answer']>> | Result<Methods[M]['answer']>;
};

export interface Server {
  close(): Promise<void>;
}

function converse(socket: Socket, handlers: Handlers, journalPath: string, log: Log): void {
  const gone: (() => void)[] = [];
  const say = (line: AnswerLine): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(line)}\n`);
  };
  const answer = async (text: string): Promise<void> => {
    let request: RequestLine;
    try {
      request = JSON.parse(text) as RequestLine; // checked below as far as it matters; only this user can connect
    } catch {
      socket.destroy();
      return;
    }
    const { id, method } = request;
    const handler = Object.hasOwn(handlers, method)
      ? (handlers[method] as (params: unknown, caller: Caller) => Promise<Result<unknown>> | Result<unknown>)
      : null; // one type for all methods
    const refuse = (...failures: readonly Failure[]): void => say({ id, ok: false, failures });
    if (handler === null)
      return refuse({
        kind: 'usage',
        message: `The daemon does not know "${String(method)}"; is it of another version?`,
        hint: 'Restart it: `coherence daemon stop`, `coherence daemon start`.',
      });
    try {
      const result = await handler(request.params, {
        event: (event) => say({ id, event }),
        onGone: (work) => gone.push(work),
      });
      say(result.ok ? { id, ok: true, value: result.value } : { id, ok: false, failures: result.failures });
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble !== null) return refuse(failureOf(trouble, journalPath));
      log.error('request.defect', {
        method,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      refuse({
        kind: 'could-not-verify',
        message: `The daemon failed on "${method}": ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  };
  const split = lineSplitter((line) => void answer(line));
  socket.on('data', (chunk: Buffer) => {
    if (!split(chunk)) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const work of gone.splice(0)) work();
  });
}

/** Listens at `path`. A socket left there by a dead daemon is replaced: the caller holds the lock. */
export async function listen(path: string, handlers: Handlers, journalPath: string, log: Log): Promise<Result<Server>> {
  await unlink(path).catch(() => undefined);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    converse(socket, handlers, journalPath, log);
  });
  const trouble = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    server.once('error', resolve);
    server.listen(path, () => resolve(null));
  });
  if (trouble !== null)
    return failure({
      kind: 'damaged-state',
      message: `The socket ${path} cannot be made (${trouble.code ?? trouble.message}).`,
      file: path,
    });
  server.on('error', (error) => log.error('socket.error', { error: error.message }));
  await chmod(path, 0o600);
  return {
    ok: true,
    value: {
      close: async () => {
        const closed = new Promise<void>((resolve) => {
          server.close(() => resolve());
        });
        for (const socket of sockets) socket.end();
        setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, 500).unref();
        await closed;
        await unlink(path).catch(() => undefined);
      },
    },
  };
}
