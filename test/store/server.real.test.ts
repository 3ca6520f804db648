import { chmod, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  openServer,
  openStore,
  runningServer,
  serverPaths,
  stopServer,
  type StorePlace,
} from '../../src/store/index.js';
import { hashOf, MIGRATIONS, type Migration } from '../../src/store/dolt/migrations.js';
import { socketState } from '../../src/store/dolt/socket.js';
import { sha256 } from '../../src/util/hash.js';
import { capture } from '../../src/util/process.js';
import { settled } from '../rig/leaks.js';
import { drive } from './program.js';
import { doltHere, get, newPlace, newProject, open, temporary, writeSpec } from './rig.js';

const real = describe.skipIf(!doltHere);
const paths = (place: StorePlace): ReturnType<typeof serverPaths> => serverPaths(place.state, place.sockets);
const kinds = (result: { ok: boolean; failures?: readonly { kind: string; message: string }[] }): string =>
  result.ok ? 'ok' : (result.failures ?? []).map((item) => item.kind).join();

async function contents(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  return (await Promise.all(names.map(async (name) => `${name} ${sha256(await readFile(name))}`))).join('\n');
}

/** Waits for an event that a process of ours brings about. */
async function until(done: () => Promise<boolean>, limitMs = 20_000): Promise<boolean> {
  const end = Date.now() + limitMs;
  while (Date.now() < end) {
    if (await done()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

real('the owned server', () => {
  // @verifies AC-store-one-server
  it('is one after ten commands at once on a cold store', async () => {
    const at = await newProject();
    const answers = await Promise.all(Array.from({ length: 10 }, async () => drive(at, ['open'])));
    expect(answers.filter((answer) => answer.code !== 0).map((answer) => answer.stdout + answer.stderr)).toEqual([]);
    const pids = new Set(answers.map((answer) => (JSON.parse(answer.stdout) as { value: { pid: number } }).value.pid));
    expect(pids.size).toBe(1);
    const servers = (await settled([paths(at.place).config], 0)).filter((leak) => leak.command.includes('sql-server'));
    expect(servers.map((server) => server.pid)).toEqual([...pids]);
  });

  // @verifies AC-store-private-files
  it('keeps password and identity to itself, listens on 127.0.0.1 and its socket only, and leaves the home alone', async () => {
    const home = await temporary('home');
    const place = await newPlace({ env: { ...process.env, HOME: home } });
    await (await open(place)).close();
    for (const name of ['password', 'identity', 'config'] as const)
      expect((await stat(paths(place)[name])).mode & 0o777).toBe(0o600);
    const server = await runningServer(place);
    expect(server).toMatchObject({ version: '2.2.0', socket: paths(place).socket });
    const tables = await capture({ command: ['cat', '/proc/net/tcp'], cwd: '/' });
    const port = (server?.port ?? 0).toString(16).toUpperCase().padStart(4, '0');
    expect(tables.stdout).toContain(`0100007F:${port} 00000000:0000 0A`);
    expect(tables.stdout).not.toContain(`00000000:${port} 00000000:0000 0A`);
    expect(await readdir(home)).toEqual([]);
    expect(await readFile(`/proc/${server?.pid ?? 0}/environ`, 'utf8')).toContain(
      `DOLT_ROOT_PATH=${paths(place).home}`,
    );
    expect(await readFile(join(paths(place).home, '.dolt/config_global.json'), 'utf8')).toContain(
      '"metrics.disabled":"true"',
    );
  });

  // @verifies AC-store-heals-kill
  it('is started anew after SIGKILL, with the data, and the keeper goes with the old one', async () => {
    const place = await newPlace();
    const session = await open(place);
    await writeSpec(session);
    await session.close();
    const before = await runningServer(place);
    process.kill(before?.pid ?? 0, 'SIGKILL');
    expect(await until(async () => (await runningServer(place)) === null)).toBe(true);
    expect(await settled([paths(place).config, paths(place).useLock])).toEqual([]);
    const again = await open(place);
    expect(get(await again.catalog()).specs.map((spec) => spec.title)).toEqual(['A']);
    expect((await runningServer(place))?.pid).not.toBe(before?.pid);
    await again.close();
  });

  // @verifies AC-store-idle-stop
  it('ends when its state folder is deleted: nobody could find it any more', async () => {
    const place = await newPlace({ idleMinutes: 1 / 60 });
    await (await open(place)).close();
    const pid = (await runningServer(place))?.pid ?? 0;
    expect(pid).toBeGreaterThan(0);
    await rm(place.state, { recursive: true, force: true });
    await until(
      async () =>
        !(await stat(`/proc/${pid}`).then(
          () => true,
          () => false,
        )) || /^State:\s+[ZX]/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => 'State:\tX')),
    );
  });

  // @verifies AC-store-idle-stop
  it('stops by itself when idle, but not under an open connection', async () => {
    const place = await newPlace({ idleMinutes: 1 / 60 });
    const session = await open(place);
    await until(async () => (await runningServer(place)) === null, 3000);
    expect(await runningServer(place)).not.toBeNull();
    expect(get(await session.catalog()).specs).toEqual([]);
    await session.close();
    expect(await until(async () => (await runningServer(place)) === null)).toBe(true);
    expect(await settled([paths(place).config, paths(place).useLock])).toEqual([]);
  });

  it('is stopped by store stop, twice without complaint, and its files go', async () => {
    const place = await newPlace();
    await (await open(place)).close();
    expect(await stopServer(place)).toEqual({ ok: true, value: true });
    expect(await stopServer(place)).toEqual({ ok: true, value: false });
    await expect(stat(paths(place).socket)).rejects.toThrow('ENOENT');
  });

  // @verifies AC-store-foreign-socket
  it('refuses a foreign program on its socket and leaves that alone', async () => {
    const place = await newPlace();
    await mkdir(place.sockets, { mode: 0o700 });
    const foreign = createServer((client) => client.on('error', () => undefined).end('hello'));
    await new Promise<void>((resolve) => foreign.listen(paths(place).socket, resolve));
    try {
      const refused = await openStore({ place, gitBranch: 'main', create: true });
      expect(kinds(refused)).toBe('unavailable');
      expect(foreign.listening).toBe(true);
    } finally {
      await new Promise((resolve) => foreign.close(resolve));
    }
    await (await open(place)).close();
  });

  // @verifies AC-store-foreign-socket
  it('refuses a program that listens and never accepts, whose queue is full', async () => {
    const place = await newPlace();
    await mkdir(place.sockets, { mode: 0o700 });
    const at = paths(place).socket;
    const listen = 'import socket,sys,time;s=socket.socket(socket.AF_UNIX);s.bind(sys.argv[1]);s.listen(0)';
    const mute = spawn('python3', ['-c', `${listen};print("on",flush=True);time.sleep(600)`, at], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await once(mute.stdout, 'data');
      const { ino } = await stat(at);
      expect(kinds(await openStore({ place, gitBranch: 'main', create: true }))).toBe('unavailable');
      expect((await stat(at)).ino).toBe(ino);
      expect(await socketState(at)).toBe('listening');
    } finally {
      mute.kill('SIGKILL');
      await once(mute, 'close');
    }
    expect(await socketState(at)).toBe('stale');
  });

  // @verifies AC-store-lost-connection
  it('every question to a server that was killed is answered with what to do, none is thrown', async () => {
    const place = await newPlace();
    const session = await open(place);
    process.kill((await runningServer(place))?.pid ?? 0, 'SIGKILL');
    const answers = await Promise.all([session.catalog(), session.syncEntries(), session.head(), session.facts()]);
    expect(answers.map(kinds)).toEqual(['try-again', 'try-again', 'try-again', 'try-again']);
    await session.close();
  });

  it('refuses another server that took the socket of a live one', async () => {
    const [mine, other] = [await newPlace(), await newPlace()];
    await (await open(mine)).close();
    await (await open(other)).close();
    // The same password, so that only the mark tells them apart.
    const identity = JSON.parse(await readFile(paths(mine).identity, 'utf8')) as { socket: string };
    await writeFile(paths(mine).identity, JSON.stringify({ ...identity, socket: paths(other).socket }), {
      mode: 0o600,
    });
    const password = await readFile(paths(mine).password, 'utf8');
    await writeFile(paths(mine).password, await readFile(paths(other).password, 'utf8'), { mode: 0o600 });
    const refused = await openServer(mine);
    expect(kinds(refused)).toBe('unavailable');
    await writeFile(paths(mine).identity, JSON.stringify(identity), { mode: 0o600 });
    await writeFile(paths(mine).password, password, { mode: 0o600 });
  }, 60_000);

  it('removes a stale socket, and refuses a socket folder that is open to others', async () => {
    const place = await newPlace();
    await (await open(place)).close();
    process.kill((await runningServer(place))?.pid ?? 0, 'SIGKILL');
    await until(async () => (await runningServer(place)) === null);
    expect((await stat(paths(place).socket)).isSocket()).toBe(true);
    await (await open(place)).close();
    get(await stopServer(place));
    await chmod(place.sockets, 0o777);
    expect(kinds(await openServer(place))).toBe('unavailable');
  });

  // @verifies AC-store-long-path
  it('works with a state path of over 108 characters, and with characters that configuration files treat specially', async () => {
    const folder = await temporary();
    const state = join(folder, 'x'.repeat(60), `$HOME "q" 'q' ${'y'.repeat(60)}: #ü`);
    const place = await newPlace({ state });
    await mkdir(state, { recursive: true });
    const session = await open(place);
    expect(get(await session.catalog()).specs).toEqual([]);
    await session.close();
    get(await stopServer(place));
  });

  // @verifies AC-store-moved-data
  it('is not used when its data folder was deleted or replaced', async () => {
    const place = await newPlace();
    await (await open(place)).close();
    const { data } = paths(place);
    await rename(data, `${data}.away`);
    expect(kinds(await openServer(place))).toBe('unavailable');
    await cp(`${data}.away`, data, { recursive: true });
    const refused = await openServer(place);
    expect(refused.ok ? '' : refused.failures[0]?.message).toContain('replaced by another');
    get(await stopServer(place));
  });

  // @verifies AC-store-damaged
  it.each([
    ['no manifest', async (noms: string) => rm(join(noms, 'manifest'))],
    ['an empty manifest', async (noms: string) => writeFile(join(noms, 'manifest'), '')],
    ['garbage in the manifest', async (noms: string) => writeFile(join(noms, 'manifest'), 'garbage')],
    ['no journal', async (noms: string) => rm(join(noms, 'v'.repeat(32)))],
    ['garbage in the journal', async (noms: string) => writeFile(join(noms, 'v'.repeat(32)), Buffer.alloc(3000, 0xab))],
    ['no database', async (noms: string) => rm(join(noms, '../..'), { recursive: true })],
    ['garbage in repo_state.json', async (noms: string) => writeFile(join(noms, '../repo_state.json'), '{')],
  ])('finds %s: exit 74, and the folder stays as it is', async (_what, damage) => {
    const place = await newPlace();
    await (await open(place)).close();
    get(await stopServer(place));
    const { data } = paths(place);
    await damage(join(data, place.database, '.dolt/noms'));
    const before = await contents(data);
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(kinds(await openStore({ place, gitBranch: 'main', create: true }))).toBe('damaged-state');
    expect(await contents(data)).toBe(before);
  });

  // @verifies AC-store-no-sharing
  it('is another one for another clone: they share nothing', async () => {
    const [one, two] = [await newPlace(), await newPlace()];
    const session = await open(one);
    await writeSpec(session);
    const other = await open(two);
    expect(get(await other.catalog()).specs).toEqual([]);
    expect(other.server.pid).not.toBe(session.server.pid);
    await session.close();
    await other.close();
  });

  it('shows each session what another one has written meanwhile', async () => {
    const place = await newPlace();
    const [one, two] = [await open(place), await open(place)];
    await writeSpec(one, 'SPEC-a');
    await writeSpec(two, 'SPEC-b');
    expect(get(await one.catalog()).specs.map((spec) => spec.id)).toEqual(['SPEC-a', 'SPEC-b']);
    await one.close();
    await two.close();
  });

  it('serves several projects of one state folder, a database each', async () => {
    const one = await newPlace();
    const two = { ...one, database: 'q_h_test' };
    const [first, second] = [await open(one), await open(two)];
    expect(first.server.pid).toBe(second.server.pid);
    await writeSpec(first);
    expect(get(await second.catalog()).specs).toEqual([]);
    await first.close();
    await second.close();
  });
});

real('the schema', () => {
  const next: Migration = {
    number: MIGRATIONS.length + 1,
    name: 'later',
    statements: ['CREATE TABLE later (id INT PRIMARY KEY)'],
  };

  // @verifies AC-store-newer-schema
  it('of a newer version is refused with what to do; an edited step is damage', async () => {
    const place = await newPlace();
    await get(await openStore({ place, gitBranch: 'main', create: true, migrations: [...MIGRATIONS, next] })).close();
    const refused = await openStore({ place, gitBranch: 'main', create: false });
    expect(refused.ok ? [] : refused.failures).toMatchObject([
      {
        kind: 'unavailable',
        message: `The store has schema ${next.number}; this version of coherence knows schemas up to ${next.number - 1}.`,
        hint: 'Update coherence.',
      },
    ]);
    const edited = await openStore({
      place,
      gitBranch: 'main',
      create: false,
      migrations: [...MIGRATIONS, { ...next, statements: [] }],
    });
    expect(kinds(edited)).toBe('damaged-state');
    expect(hashOf(next)).not.toBe(hashOf({ ...next, statements: [] }));
  });

  it('goes forward on a branch that has data, one commit a step', async () => {
    const place = await newPlace();
    const session = await open(place);
    await writeSpec(session);
    await session.close();
    const newer = get(await openStore({ place, gitBranch: 'main', create: false, migrations: [...MIGRATIONS, next] }));
    expect(get(await newer.facts()).schema).toBe(next.number);
    expect(get(await newer.catalog()).specs).toHaveLength(1);
    expect(get(await newer.log(null, 1)).map((entry) => entry.message)).toEqual([`Schema ${next.number}: later`]);
    await newer.close();
  });
});

describe.skipIf(!doltHere || process.getuid?.() !== 0)('a full disk', () => {
  // @verifies AC-store-disk-full
  it('is "try again", and the store works once there is room', async () => {
    const folder = await temporary();
    const mounted = await capture({ command: ['mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder], cwd: '/' });
    if (!mounted.ok) return;
    try {
      const place = await newPlace({ state: join(folder, 'state') });
      await (await open(place)).close();
      await writeFile(join(folder, 'filler'), Buffer.alloc(64 * 1024 * 1024, 1)).catch(() => undefined);
      const session = await openStore({ place, gitBranch: 'main', create: false });
      const text = 'x'.repeat(200_000);
      const change = {
        upsert: Array.from({ length: 30 }, (_, at) => ({
          id: `SPEC-${at}`,
          title: 'A',
          level: 'module' as const,
          status: 'active' as const,
          intent: `${at}${text}`,
        })),
        remove: [],
        sync: [],
        unsync: [],
        message: 'a',
        git: null,
      };
      const written = session.ok ? await session.value.write(change) : session;
      expect(kinds(written)).toBe('try-again');
      if (session.ok) await session.value.close();
      await rm(join(folder, 'filler'));
      await stopServer(place);
      const again = await open(place);
      expect(get(await again.catalog()).specs).toEqual([]);
      get(await again.write({ ...change, upsert: change.upsert.slice(0, 2) }));
      await again.close();
      await stopServer(place);
    } finally {
      await capture({ command: ['umount', '-l', folder], cwd: '/' });
    }
  });
});
