/**
 * One request to the Docker daemon over its socket, or TCP with TLS. Every answer is read to its end, and an end that came
 * too early is trouble: a client library that trusts the first bytes leaves a promise open for ever when the line is cut.
 */
import { Agent as HttpAgent, IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import type { Address } from './address.js';

/** What the daemon or the way to it did wrong. Thrown inside this room only; its door turns it into data. */
export class DaemonTrouble extends Error {
  constructor(
    message: string,
    /** `answer`: the daemon said no. `connection`: it could not be reached or the line broke. `timeout`: it did not answer in time. */
    readonly kind: 'answer' | 'connection' | 'timeout',
    /** HTTP status of an `answer`, else 0. */
    readonly status: number,
  ) {
    super(message);
    this.name = 'DaemonTrouble';
  }
}

export const isStatus = (error: unknown, status: number): boolean =>
  error instanceof DaemonTrouble && error.status === status;
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer; null: only its head is limited. Default: the transport's. */
  readonly timeoutMs?: number | null;
}

/** An answer whose head has arrived. `end` settles when the body has, and rejects when it was cut. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly end: Promise<Buffer>;
}

export interface Transport {
  /** Resolves with the head; rejects with DaemonTrouble. */
  open(request: Request, onData?: (chunk: Buffer) => void): Promise<Answer>;
  /** The JSON of the whole answer; null when it is empty. */
  call(request: Request): Promise<unknown>;
  /** A connection taken over for raw streams (attach, exec start). */
  hijack(request: Request): Promise<Duplex>;
  close(): void;
}

const ACCEPTED: ReadonlySet<number> = new Set([101, 200, 201, 204, 304]);
/** The daemon's words on a refusal are a line; a page of a proxy is cut. */
const MAX_REFUSAL = 64 * 1024;

function troubleOf(error: unknown, timedOut: boolean, what: string): DaemonTrouble {
  if (error instanceof DaemonTrouble) return error;
  if (timedOut) return new DaemonTrouble(`${what}: the Docker daemon did not answer in time`, 'timeout', 0);
  return new DaemonTrouble(`${what}: ${messageOf(error)}`, 'connection', 0);
}

/** What the daemon says in the body of a refusal: `{"message": …}`, else the body itself. */
async function refusalOf(response: IncomingMessage): Promise<DaemonTrouble> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_REFUSAL) break;
  }
  const body = Buffer.concat(chunks).toString('utf8').trim();
  let said: unknown = null;
  try {
    said = Reflect.get(Object(JSON.parse(body)), 'message');
  } catch {
    // No JSON: a proxy in between, or an old daemon. The text itself is all there is.
  }
  const status = response.statusCode ?? 0;
  const text = typeof said === 'string' && said !== '' ? said : body;
  return new DaemonTrouble(text === '' ? `HTTP status ${status}` : text, 'answer', status);
}

/** `?a=1&b=2`, or nothing. */
function queryOf(request: Request): string {
  const query = new URLSearchParams(
    Object.entries(request.query ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return query === '' ? '' : `?${query}`;
}

/** Throws DaemonTrouble when the address cannot be used at all (a certificate that is none). */
export function openTransport(address: Exclude<Address, { kind: 'none' }>, defaultTimeoutMs = 60_000): Transport {
  // Connections are not kept: one that outlived a restart of the daemon would break the next request.
  const secure = address.kind === 'tcp' && address.tls !== null;
  const agent = secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  const start = secure ? httpsRequest : httpRequest;
  const way =
    address.kind === 'socket'
      ? { socketPath: address.path, host: 'docker' }
      : { host: address.host, port: address.port, ...address.tls };
  if (address.kind === 'tcp' && address.tls !== null) {
    try {
      createSecureContext(address.tls);
    } catch (error) {
      throw troubleOf(error, false, 'docker');
    }
  }

  /** The head of an answer, or the socket that was handed over; `done` ends the time limit. */
  const dial = (
    request: Request,
    hijack: boolean,
  ): { head: Promise<IncomingMessage | Duplex>; timedOut: () => boolean; done: () => void } => {
    const abort = new AbortController();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort.abort();
    }, request.timeoutMs ?? defaultTimeoutMs);
    const body = request.method === 'POST' ? Buffer.from(JSON.stringify(request.body ?? {})) : null;
    const head = new Promise<IncomingMessage | Duplex>((resolve, reject) => {
      const fail = (error: unknown): void => reject(troubleOf(error, late, `${request.method} ${request.path}`));
      const sent = start({
        ...way,
        agent,
        method: request.method,
        path: request.path + queryOf(request),
        signal: abort.signal,
        headers: {
          ...request.headers,
          ...(body === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': body.length }),
          ...(hijack ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
        },
      });
      sent.on('error', fail);
      sent.on('upgrade', (_response, socket, first) => {
        if (first.length > 0) socket.unshift(first);
        resolve(socket);
      });
      sent.on('response', (response) => {
        if (ACCEPTED.has(response.statusCode ?? 0)) resolve(response);
        else refusalOf(response).then(reject, fail);
      });
      sent.end(body ?? undefined);
    });
    return { head, timedOut: () => late, done: () => clearTimeout(timer) };
  };

  const open: Transport['open'] = async (request, onData) => {
    const dialed = dial(request, false);
    let response: IncomingMessage;
    try {
      response = (await dialed.head) as IncomingMessage; // nothing was asked to be handed over
    } catch (error) {
      dialed.done();
      throw error;
    }
    if (request.timeoutMs === null) dialed.done();
    const end = new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const cut = (error?: Error): void => {
        dialed.done();
        reject(
          troubleOf(
            error ?? new Error('the connection was cut in the middle of the answer'),
            dialed.timedOut(),
            `${request.method} ${request.path}`,
          ),
        );
      };
      response.on('data', (chunk: Buffer) => (onData === undefined ? chunks.push(chunk) : onData(chunk)));
      response.on('error', cut);
      response.on('close', () => (response.complete ? undefined : cut()));
      response.on('end', () => {
        if (!response.complete) return cut();
        dialed.done();
        resolve(Buffer.concat(chunks));
      });
    });
    end.catch(() => undefined); // whoever awaits `end` sees it; nobody has to
    return { status: response.statusCode ?? 0, headers: response.headers, end };
  };

  return {
    open,
    call: async (request) => {
      const text = (await (await open(request)).end).toString('utf8');
      if (text.trim() === '') return null;
      try {
        return JSON.parse(text);
      } catch {
        throw new DaemonTrouble(`${request.method} ${request.path}: the answer is not JSON`, 'answer', 0);
      }
    },
    hijack: async (request) => {
      const dialed = dial(request, true);
      try {
        const given = await dialed.head;
        if (!(given instanceof IncomingMessage)) return given;
        given.destroy();
        throw new DaemonTrouble(
          `${request.path}: the daemon did not hand the connection over`,
          'answer',
          given.statusCode ?? 0,
        );
      } finally {
        dialed.done();
      }
    },
    close: () => agent.destroy(),
  };
}
