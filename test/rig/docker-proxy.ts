/**
 * A recording proxy between a client and dockerd: a unix socket that notes method, path and status of every request, passes
 * upgraded streams through untouched, and can fail, answer, hold, delay or cut a matching request. Races become deterministic.
 */
import { createServer, request, type IncomingMessage } from 'node:http';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly body: string;
  /** 0 until the head of the answer has come. */
  status: number;
}

export type Action =
  | { readonly do: 'fail'; readonly status: number; readonly message: string }
  /** Answers itself; the daemon never hears of the request. */
  | { readonly do: 'answer'; readonly body: string }
  | { readonly do: 'hold' }
  /** Forwards, and gives this instead of the daemon's answer once that has ended. */
  | { readonly do: 'replace'; readonly body: string }
  /** Forwards, and breaks both connections after so many bytes of the answer's body (or of the upgraded stream). */
  | { readonly do: 'cut'; readonly afterBytes: number }
  /** Forwards an upgraded stream, but keeps it open when the daemon has ended it. */
  | { readonly do: 'linger' }
  /** Forwards; `cut()` of the rule breaks both connections. */
  | { readonly do: 'tap' };

export interface Rule {
  /** Resolves when the first matching request has arrived. */
  readonly met: Promise<void>;
  release(): void;
  cut(): void;
  /** Stops matching. */
  remove(): void;
}

export interface DockerProxy extends AsyncDisposable {
  readonly socket: string;
  readonly host: string;
  readonly log: Exchange[];
  /** Requests whose `METHOD path` matches. */
  seen(pattern: RegExp): Exchange[];
  /** Matches `METHOD path?query`; at most `times` requests. */
  rule(pattern: RegExp, action: Action, times?: number): Rule;
  clear(): void;
}

interface Live {
  readonly pattern: RegExp;
  readonly action: Action;
  left: number;
  readonly meet: () => void;
  readonly gate: Promise<void>;
  readonly cuts: (() => void)[];
}

const strip = (path: string): string => path.replace(/^\/v\d+\.\d+/, '');

export async function dockerProxy(daemonSocket: string, socket: string): Promise<DockerProxy> {
  const log: Exchange[] = [];
  let rules: Live[] = [];
  const sockets = new Set<Socket>();
  const ruleFor = (exchange: Exchange): Live | null => {
    const found = rules.find((rule) => rule.left > 0 && rule.pattern.test(`${exchange.method} ${exchange.path}`));
    if (found === undefined) return null;
    found.left -= 1;
    found.meet();
    return found;
  };
  const readBody = async (message: IncomingMessage): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const ask = (message: IncomingMessage, body: Buffer) => {
    const headers = { ...message.headers };
    delete headers['transfer-encoding'];
    if (body.length > 0) headers['content-length'] = String(body.length);
    return request({
      socketPath: daemonSocket,
      method: message.method ?? 'GET',
      path: message.url ?? '/',
      headers,
      agent: false,
    });
  };
  const note = (message: IncomingMessage, body: Buffer): Exchange => {
    const exchange: Exchange = {
      method: message.method ?? 'GET',
      path: strip(message.url ?? '/'),
      body: body.toString('utf8'),
      status: 0,
    };
    log.push(exchange);
    return exchange;
  };

  const server = createServer((message, response) => {
    void (async () => {
      const body = await readBody(message).catch(() => Buffer.alloc(0));
      const exchange = note(message, body);
      const rule = ruleFor(exchange);
      const action = rule?.action;
      const answer = (status: number, text: string): void => {
        exchange.status = status;
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(text);
      };
      if (action?.do === 'fail') return answer(action.status, JSON.stringify({ message: action.message }));
      if (action?.do === 'answer') return answer(200, action.body);
      if (action?.do === 'hold') await rule?.gate;
      const asked = ask(message, body);
      const cut = (): void => {
        asked.destroy();
        response.destroy();
      };
      rule?.cuts.push(cut);
      asked.on('error', () => response.destroy());
      asked.on('response', (given) => {
        exchange.status = given.statusCode ?? 0;
        if (action?.do === 'replace') {
          response.writeHead(given.statusCode ?? 200, { 'content-type': 'application/json' });
          response.flushHeaders();
          given.resume();
          given.on('end', () => response.end(action.body));
          return;
        }
        response.writeHead(given.statusCode ?? 500, given.headers);
        response.flushHeaders();
        let passed = 0;
        given.on('data', (chunk: Buffer) => {
          response.write(chunk);
          passed += chunk.length;
          if (action?.do === 'cut' && passed >= action.afterBytes) cut();
        });
        given.on('end', () => response.end());
        given.on('error', () => response.destroy());
        if (action?.do === 'cut' && action.afterBytes === 0) cut();
      });
      response.on('close', () => asked.destroy());
      asked.end(body);
    })();
  });

  server.on('upgrade', (message, client: Duplex, early: Buffer) => {
    void (async () => {
      // A client that asks for an upgrade may send its body first, by length or in one chunk.
      let body = early;
      const length = Number(message.headers['content-length'] ?? 0);
      const chunked = message.headers['transfer-encoding'] === 'chunked';
      while (chunked ? !body.includes('0\r\n\r\n') : body.length < length) {
        const chunk = await new Promise<Buffer | null>((resolve) => {
          client.once('data', resolve);
          client.once('close', () => resolve(null));
        });
        if (chunk === null) return;
        client.pause();
        body = Buffer.concat([body, chunk]);
      }
      const sent = chunked ? Buffer.alloc(0) : body.subarray(0, length);
      const rest = chunked ? body.subarray(body.indexOf('0\r\n\r\n') + 5) : body.subarray(length);
      const exchange = note(message, sent);
      const rule = ruleFor(exchange);
      const action = rule?.action;
      client.on('error', () => undefined);
      if (action?.do === 'fail') {
        exchange.status = action.status;
        const text = JSON.stringify({ message: action.message });
        client.end(
          `HTTP/1.1 ${action.status} failed\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`,
        );
        return;
      }
      if (action?.do === 'hold') await rule?.gate;
      const asked = ask(message, sent);
      asked.on('error', () => client.destroy());
      asked.on('response', (given) => {
        exchange.status = given.statusCode ?? 0;
        client.write(
          `HTTP/1.1 ${given.statusCode} failed\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n`,
        );
        given.pipe(client);
      });
      asked.on('upgrade', (given, daemon: Duplex, head: Buffer) => {
        exchange.status = given.statusCode ?? 101;
        const lines = Object.entries(given.headers).map(([name, value]) => `${name}: ${String(value)}`);
        client.write(`HTTP/1.1 101 UPGRADED\r\n${lines.join('\r\n')}\r\n\r\n`);
        const cut = (): void => {
          daemon.destroy();
          client.destroy();
        };
        rule?.cuts.push(cut);
        let passed = 0;
        const pass = (chunk: Buffer): void => {
          const room = action?.do === 'cut' ? Math.max(0, action.afterBytes - passed) : chunk.length;
          if (room > 0 && !client.write(chunk.subarray(0, room))) {
            daemon.pause();
            client.once('drain', () => daemon.resume());
          }
          passed += chunk.length;
          if (action?.do === 'cut' && passed >= action.afterBytes) client.end(() => cut());
        };
        if (action?.do === 'cut' && action.afterBytes === 0) return cut();
        if (head.length > 0) pass(head);
        daemon.on('data', pass);
        daemon.on('end', () => (action?.do === 'linger' ? undefined : client.end()));
        daemon.on('error', () => client.destroy());
        if (rest.length > 0) daemon.write(rest);
        client.on('data', (chunk: Buffer) => daemon.write(chunk));
        client.on('end', () => daemon.end());
        client.on('close', () => daemon.destroy());
        client.resume();
      });
      asked.end(sent);
    })();
  });
  server.on('connection', (connection) => {
    sockets.add(connection);
    connection.on('error', () => undefined);
    connection.on('close', () => sockets.delete(connection));
  });
  await rm(socket, { force: true });
  await new Promise<void>((resolve) => server.listen(socket, resolve));

  return {
    socket,
    host: `unix://${socket}`,
    log,
    seen: (pattern) => log.filter((exchange) => pattern.test(`${exchange.method} ${exchange.path}`)),
    rule: (pattern, action, times = Infinity) => {
      let meet = (): void => undefined;
      const met = new Promise<void>((resolve) => (meet = resolve));
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const live: Live = { pattern, action, left: times, meet, gate, cuts: [] };
      rules.push(live);
      return { met, release, cut: () => live.cuts.forEach((cut) => cut()), remove: () => (live.left = 0) };
    },
    clear: () => {
      rules = [];
      log.length = 0;
    },
    [Symbol.asyncDispose]: async () => {
      for (const connection of sockets) connection.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(socket, { force: true });
    },
  };
}
