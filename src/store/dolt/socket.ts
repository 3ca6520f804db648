/** Questions about sockets and ports that need no database. */
import { lstat } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { errorCode } from '../../util/files.js';

/**
 * What is at a socket's path: nothing, a file that nobody listens on, or somebody. Only a refused connection says that
 * nobody listens: a program that is busy or stopped has a full queue (EAGAIN), and one of another user denies us.
 */
export async function socketState(path: string): Promise<'absent' | 'stale' | 'listening' | 'not-a-socket'> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return 'absent';
  if (!found.isSocket()) return 'not-a-socket';
  return new Promise((resolve) => {
    const client = createConnection({ path });
    client.setTimeout(2000, () => {
      client.destroy();
      resolve('listening');
    });
    client.once('connect', () => {
      client.destroy();
      resolve('listening');
    });
    client.once('error', (error) => {
      const code = errorCode(error);
      resolve(code === 'ECONNREFUSED' ? 'stale' : code === 'ENOENT' ? 'absent' : 'listening');
    });
  });
}

/** A port that was free a moment ago on 127.0.0.1. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
