/**
 * One request to the daemon through dockerode's modem. dockerode's own methods are not used for answers, because a connection
 * that is cut in the middle of one leaves their promise open for ever; here every answer is read to its end, and an end that
 * came too early is trouble.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { library } from '../../util/library.js';
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

interface DialOptions {
  readonly path: string;
  readonly method: string;
  readonly isStream: boolean;
  readonly hijack?: boolean;
  readonly headers?: Record<string, string>;
  readonly options: { readonly _query: Record<string, string>; readonly _body: unknown };
  readonly abortSignal: AbortSignal;
  readonly statusCodes: Readonly<Record<number, true | string>>;
}
/** The part of dockerode's modem that is used; its own types are `any`. */
interface Modem {
  dial(options: DialOptions, callback: (error: unknown, result: unknown) => void): void;
}
type Dockerode = new (options: Readonly<Record<string, unknown>>) => { readonly modem: Modem };

const ACCEPTED: Readonly<Record<number, true>> = { 101: true, 200: true, 201: true, 204: true, 304: true };

function troubleOf(error: unknown, timedOut: boolean, what: string): DaemonTrouble {
  if (error instanceof DaemonTrouble) return error;
  if (timedOut) return new DaemonTrouble(`${what}: the Docker daemon did not answer in time`, 'timeout', 0);
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
  if (typeof status === 'number') {
    const json: unknown = Reflect.get(Object(error), 'json');
    const said: unknown = typeof json === 'object' && json !== null ? Reflect.get(json, 'message') : undefined;
    const text =
      typeof said === 'string'
        ? said
        : messageOf(error)
            .replace(/^\(HTTP code \d+\)[^-]*- /, '')
            .trim();
    return new DaemonTrouble(text, 'answer', status);
  }
  return new DaemonTrouble(`${what}: ${messageOf(error)}`, 'connection', 0);
}

let loaded: Dockerode | null = null;

/** Loads dockerode at the first need. Throws DaemonTrouble when the address cannot be used at all. */
export function openTransport(address: Exclude<Address, { kind: 'none' }>, defaultTimeoutMs = 60_000): Transport {
  // The package is CommonJS and its types describe `modem` as any.
  const Docker = (loaded ??= library('dockerode', 'dockerode') as Dockerode);
  // Connections are not kept: one that outlived a restart of the daemon would break the next request.
  const secure = address.kind === 'tcp' && address.tls !== null;
  const agent = secure ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false });
  let modem: Modem;
  try {
    modem = new Docker(
      address.kind === 'socket'
        ? {
            socketPath: address.path,
            host: undefined,
            protocol: 'http',
            agent,
            timeout: undefined,
            ca: undefined,
            cert: undefined,
            key: undefined,
          }
        : {
            host: address.host,
            port: address.port,
            protocol: secure ? 'https' : 'http',
            agent,
            pathPrefix: '/',
            socketPath: undefined,
            timeout: undefined,
            ...address.tls,
          },
    ).modem;
  } catch (error) {
    throw troubleOf(error, false, 'docker');
  }

  const dial = (
    request: Request,
    hijack: boolean,
  ): { head: Promise<unknown>; timedOut: () => boolean; done: () => void } => {
    const abort = new AbortController();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abort.abort();
    }, request.timeoutMs ?? defaultTimeoutMs);
    const query: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.query ?? {})) query[name] = String(value);
    const head = new Promise<unknown>((resolve, reject) => {
      modem.dial(
        {
          path: `${request.path}?`,
          method: request.method,
          isStream: true,
          ...(hijack ? { hijack } : {}),
          ...(request.headers === undefined ? {} : { headers: { ...request.headers } }),
          options: { _query: query, _body: request.body ?? {} },
          abortSignal: abort.signal,
          statusCodes: ACCEPTED,
        },
        (error, result) => {
          if (error === null || error === undefined) resolve(result);
          else reject(troubleOf(error, late, `${request.method} ${request.path}`));
        },
      );
    });
    return { head, timedOut: () => late, done: () => clearTimeout(timer) };
  };

  const open: Transport['open'] = async (request, onData) => {
    const dialed = dial(request, false);
    let response: IncomingMessage;
    try {
      response = (await dialed.head) as IncomingMessage; // isStream gives the response itself
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
        const socket = (await dialed.head) as Duplex & { statusCode?: number }; // upgrade gives the socket; no upgrade gives the response
        if (socket.statusCode !== undefined)
          throw new DaemonTrouble(
            `${request.path}: the daemon did not hand the connection over`,
            'answer',
            socket.statusCode,
          );
        return socket;
      } finally {
        dialed.done();
      }
    },
    close: () => agent.destroy(),
  };
}
