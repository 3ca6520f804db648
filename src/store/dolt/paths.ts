import { join } from 'node:path';
import { sha256 } from '../../util/hash.js';

/** Where the owned server's files are. All but the socket are below the state folder. */
export interface ServerPaths {
  /** The databases. */
  readonly data: string;
  /** Dolt's own home (DOLT_ROOT_PATH): it never sees the user's. */
  readonly home: string;
  readonly config: string;
  readonly password: string;
  readonly identity: string;
  /** Names the databases that were made here, so that one that vanishes is noticed. */
  readonly marker: string;
  /** Held while the server is started, stopped or migrated. */
  readonly startLock: string;
  /** Held shared by every user of the server, exclusively by the keeper while it stops an idle server. */
  readonly useLock: string;
  readonly log: string;
  readonly socket: string;
}

/** Linux allows 107 bytes for the path of a socket. */
export const SOCKET_PATH_LIMIT = 107;

export function serverPaths(state: string, sockets: string): ServerPaths {
  const at = (name: string): string => join(state, name);
  return {
    data: at('dolt'),
    home: at('dolt-home'),
    config: at('dolt.yaml'),
    password: at('dolt.password'),
    identity: at('dolt.json'),
    marker: at('store.json'),
    startLock: at('dolt.lock'),
    useLock: at('dolt.use'),
    log: join(state, 'logs', 'dolt.log'),
    socket: join(sockets, `dolt-${sha256(state).slice(0, 16)}.sock`),
  };
}
