/** From the caller's environment to a daemon that answers, or what is missing. */
import type { Availability } from '../../run/adapters.js';
import { addressText, daemonAddress } from './address.js';
import { dockerApi, type Api } from './api.js';
import { messageOf, openTransport } from './transport.js';

export type Connection =
  | { readonly ok: true; readonly api: Api; readonly version: string }
  | { readonly ok: false; readonly detail: string };

/** A daemon that hangs is as good as none. */
const ANSWER_MS = 3000;

export interface ConnectOptions {
  /** DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For every request that has no limit of its own; default 60 s. */
  readonly requestTimeoutMs?: number;
}

export async function connect(options: ConnectOptions): Promise<Connection> {
  const address = await daemonAddress(options.env);
  if (address.kind === 'none') return { ok: false, detail: address.detail };
  try {
    const api = dockerApi(openTransport(address, options.requestTimeoutMs));
    try {
      return { ok: true, api, version: await api.version(ANSWER_MS) };
    } catch (error) {
      api.close();
      return {
        ok: false,
        detail: `no Docker daemon at ${addressText(address)} (${address.from}): ${messageOf(error)}`,
      };
    }
  } catch (error) {
    return { ok: false, detail: messageOf(error) };
  }
}

/** For `doctor`, `--require docker` and `requires: [docker]`; settles within a few seconds. */
export async function dockerStatus(options: ConnectOptions): Promise<Availability> {
  const connection = await connect(options);
  if (!connection.ok) return { available: false, what: 'docker', detail: connection.detail };
  connection.api.close();
  return { available: true, version: connection.version };
}
