/** Questions about sockets and ports that need no database. */
import { lstat } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';

/** What is at a socket's path: nothing, a file that nobody listens on, or somebody. */
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
    client.once('error', () => resolve('stale'));
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
