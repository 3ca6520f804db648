/** A Dolt server that belongs to nobody's clone, as a team would run one: TCP, users with passwords. Ended with the test. */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { connect, type SqlConnection } from '../../src/store/dolt/connection.js';
import { findDolt } from '../../src/store/index.js';
import { CACHE, get, temporary } from './rig.js';

export const PASSWORD = 'p@ss/w:rd';

export interface SharedServer {
  readonly port: number;
  /** As in store.url, for the user `team`. */
  readonly url: string;
  readonly admin: SqlConnection;
}

// Hooks run in reverse order: these end before the rig looks for what was left.
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

export async function startShared(): Promise<SharedServer> {
  const folder = await temporary('shared');
  const dolt = get(await findDolt({ doltBin: null, cache: CACHE, env: process.env })).path;
  const port = await freePort();
  const [data, home] = [join(folder, 'data'), join(folder, 'home')];
  for (const path of [data, home]) await mkdir(path);
  await writeFile(
    join(folder, 'config.yaml'),
    `data_dir: ${data}\nlistener:\n  host: 127.0.0.1\n  port: ${port}\n  socket: ${join(folder, 's')}\n`,
  );
  const child = spawn(dolt, ['sql-server', '--config', join(folder, 'config.yaml')], {
    cwd: folder,
    env: {
      ...process.env,
      DOLT_ROOT_PATH: home,
      HOME: home,
      DOLT_ROOT_PASSWORD: 'root',
      DOLT_DISABLE_EVENT_FLUSH: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  let log = '';
  const ready = new Promise<void>((done, fail) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        log += chunk.toString('utf8');
        if (log.includes('Server ready')) done();
      });
    child.once('exit', () => fail(new Error(`the shared server ended: ${log}`)));
  });
  ends.push(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await ready;
  const admin = await connect({ kind: 'url', url: `mysql://root:root@127.0.0.1:${port}` });
  await admin.query("CREATE USER 'team'@'%' IDENTIFIED BY ?", [PASSWORD]);
  await admin.query("GRANT ALL ON *.* TO 'team'@'%'");
  await admin.query("CREATE USER 'guest'@'%' IDENTIFIED BY 'guest'");
  ends.push(async () => admin.close());
  return { port, url: `mysql://team:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`, admin };
}
