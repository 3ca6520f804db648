/**
 * Which daemon: DOCKER_HOST, else the current docker context (DOCKER_CONTEXT, else `currentContext` of the client's config),
 * else the default socket.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { exists } from '../../util/files.js';

export interface Tls {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export type Address =
  | { readonly kind: 'socket'; readonly path: string; readonly from: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls: Tls | null;
      readonly from: string;
    }
  | { readonly kind: 'none'; readonly detail: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** A user without an entry in the system's list has no home folder, and Node throws. */
function homeOf(env: Environment): string {
  if (env['HOME'] !== undefined && env['HOME'] !== '') return env['HOME'];
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}

const readTls = async (folder: string): Promise<Tls> => {
  const read = (name: string): Promise<Buffer | undefined> => readFile(join(folder, name)).catch(() => undefined);
  const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
};

/** `unix://`, `tcp://`, `http(s)://`; others (ssh, npipe) are named as what this tool does not speak. */
async function parseHost(text: string, from: string, tls: () => Promise<Tls | null>): Promise<Address> {
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    return path.startsWith('/')
      ? { kind: 'socket', path, from }
      : { kind: 'none', detail: `${from} names no absolute socket path: ${text}` };
  }
  if (text.startsWith('/')) return { kind: 'socket', path: text, from };
  const withScheme = text.includes('://') ? text : `tcp://${text}`;
  let url: URL;
  try {
    url = new URL(withScheme.replace(/^tcp:/, 'http:'));
  } catch {
    return { kind: 'none', detail: `${from} is not an address: ${text}` };
  }
  if (!['http:', 'https:'].includes(url.protocol) || url.hostname === '')
    return {
      kind: 'none',
      detail: `${from} uses ${url.protocol}//, which this tool does not speak (unix, tcp, http, https)`,
    };
  const secure = (await tls()) ?? (url.protocol === 'https:' ? {} : null);
  const port = Number(url.port) || (secure === null ? 2375 : 2376);
  return { kind: 'tcp', host: url.hostname, port, tls: secure, from };
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  let at: unknown = value;
  for (const name of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, name) : undefined;
  return typeof at === 'string' && at !== '' ? at : undefined;
}

const readJson = async (path: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
};

async function contextAddress(name: string, folder: string): Promise<Address> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = await readJson(join(folder, 'contexts', 'meta', id, 'meta.json'));
  const host = textAt(meta, 'Endpoints', 'docker', 'Host');
  if (host === undefined) return { kind: 'none', detail: `docker context "${name}" is not defined in ${folder}` };
  const certificates = join(folder, 'contexts', 'tls', id, 'docker');
  return parseHost(host, `docker context "${name}"`, async () =>
    (await exists(certificates)) ? readTls(certificates) : null,
  );
}

async function defaultSocket(env: Environment): Promise<string> {
  const desktop = join(homeOf(env), '.docker', 'run', 'docker.sock');
  return !(await exists('/var/run/docker.sock')) && (await exists(desktop)) ? desktop : '/var/run/docker.sock';
}

/** Reads files only; connects to nothing. `env` decides, not this process's own environment. */
export async function daemonAddress(env: Environment): Promise<Address> {
  const folder = env['DOCKER_CONFIG'] ?? join(homeOf(env), '.docker');
  const host = env['DOCKER_HOST'] ?? '';
  if (host !== '') {
    const verify = (env['DOCKER_TLS_VERIFY'] ?? '') !== '';
    return parseHost(host, 'DOCKER_HOST', async () => (verify ? readTls(env['DOCKER_CERT_PATH'] ?? folder) : null));
  }
  const context = env['DOCKER_CONTEXT'] || textAt(await readJson(join(folder, 'config.json')), 'currentContext');
  if (context !== undefined && context !== 'default') return contextAddress(context, folder);
  return { kind: 'socket', path: await defaultSocket(env), from: 'the default socket' };
}

export const addressText = (address: Address): string =>
  address.kind === 'socket'
    ? `unix://${address.path}`
    : address.kind === 'tcp'
      ? `tcp://${address.host}:${address.port}`
      : address.detail;
