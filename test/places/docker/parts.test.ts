import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { daemonAddress } from '../../../src/places/docker/address.js';
import { demux } from '../../../src/places/docker/demux.js';
import { environmentOf } from '../../../src/places/docker/environment.js';
import { flights } from '../../../src/places/docker/flight.js';
import { matcher, selection } from '../../../src/run/glob.js';
import { maskForms } from '../../../src/places/docker/reports.js';
import { semaphore } from '../../../src/run/semaphore.js';
import { firstFile } from '../../../src/places/docker/user.js';

const frame = (stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(payload.length, 4);
  return Buffer.concat([head, payload]);
};

describe('frames of an output stream', () => {
  // @verifies AC-docker-output
  it('come out whole and in order however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 }))),
        fc.array(fc.nat(30)),
        (frames, cuts) => {
          const bytes = Buffer.concat(frames.map(([stream, payload]) => frame(stream, Buffer.from(payload))));
          const seen = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
          const reader = demux((stream, piece) => (seen[stream] = Buffer.concat([seen[stream], piece])));
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            expect(reader.write(bytes.subarray(at, at + cut))).toBeNull();
            at += cut;
          }
          expect(reader.end()).toBeNull();
          for (const [name, number] of [
            ['stdout', 1],
            ['stderr', 2],
          ] as const)
            expect(
              seen[name].equals(
                Buffer.concat(
                  frames.filter(([stream]) => stream === number).map(([, payload]) => Buffer.from(payload)),
                ),
              ),
            ).toBe(true);
        },
      ),
    );
  });

  // @verifies AC-docker-unknown-is-not-success
  it('an end inside a frame, and what is no frame at all, are told', () => {
    const cut = (bytes: Buffer): string | null => {
      const reader = demux(() => undefined);
      return reader.write(bytes) ?? reader.end();
    };
    expect(cut(frame(1, Buffer.from('abc')).subarray(0, 9))).toContain('cut');
    expect(cut(frame(1, Buffer.from('abc')).subarray(0, 5))).toContain('cut');
    expect(cut(Buffer.from('plain text of a terminal'))).toContain('not in frames');
    expect(cut(frame(1, Buffer.from('abc')))).toBeNull();
  });
});

describe('which daemon', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });
  const config = async (current: string | null, contexts: Readonly<Record<string, string>>): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'coherence-context-'));
    folders.push(folder);
    await writeFile(join(folder, 'config.json'), JSON.stringify(current === null ? {} : { currentContext: current }));
    for (const [name, host] of Object.entries(contexts)) {
      const meta = join(folder, 'contexts', 'meta', createHash('sha256').update(name).digest('hex'));
      await mkdir(meta, { recursive: true });
      await writeFile(
        join(meta, 'meta.json'),
        JSON.stringify({ Name: name, Endpoints: { docker: { Host: host, SkipTLSVerify: false } } }),
      );
    }
    return folder;
  };

  // @verifies AC-docker-which-daemon
  it('DOCKER_HOST comes first, then DOCKER_CONTEXT, then the current context, then the default socket', async () => {
    const DOCKER_CONFIG = await config('colima', { colima: 'unix:///c/colima.sock', remote: 'tcp://10.0.0.1:2375' });
    expect(
      await daemonAddress({ DOCKER_CONFIG, DOCKER_CONTEXT: 'remote', DOCKER_HOST: 'unix:///x.sock' }),
    ).toMatchObject({
      kind: 'socket',
      path: '/x.sock',
    });
    expect(await daemonAddress({ DOCKER_CONFIG, DOCKER_CONTEXT: 'remote' })).toMatchObject({
      kind: 'tcp',
      host: '10.0.0.1',
      port: 2375,
    });
    expect(await daemonAddress({ DOCKER_CONFIG })).toMatchObject({ kind: 'socket', path: '/c/colima.sock' });
    expect(await daemonAddress({ DOCKER_CONFIG, DOCKER_CONTEXT: 'default' })).toMatchObject({
      kind: 'socket',
      from: 'the default socket',
    });
    expect(await daemonAddress({ DOCKER_CONFIG: await config(null, {}) })).toMatchObject({
      kind: 'socket',
      from: 'the default socket',
    });
    expect(await daemonAddress({ DOCKER_CONFIG, DOCKER_CONTEXT: 'gone' })).toMatchObject({
      kind: 'none',
      detail: expect.stringContaining('gone') as string,
    });
  });

  // @verifies AC-docker-which-daemon
  it('what it does not speak it names', async () => {
    for (const host of ['ssh://user@host', 'npipe:////./pipe/docker', 'unix://relative', 'tcp://'])
      expect(await daemonAddress({ DOCKER_HOST: host })).toMatchObject({ kind: 'none' });
    expect(await daemonAddress({ DOCKER_HOST: 'https://host' })).toMatchObject({ kind: 'tcp', port: 2376, tls: {} });
    expect(await daemonAddress({ DOCKER_HOST: 'host:99' })).toMatchObject({
      kind: 'tcp',
      host: 'host',
      port: 99,
      tls: null,
    });
  });
});

describe('patterns', () => {
  // @verifies AC-docker-inputs-exist
  it('name a path with all below it, or match by *, ** and ?', () => {
    const matching = (pattern: string, paths: readonly string[]): string[] => paths.filter(matcher(pattern));
    const paths = ['package.json', 'package-lock.json', 'src/package.json', 'src/a/b.ts', 'srcs', 'a+b.txt'];
    expect(matching('package*.json', paths)).toEqual(['package.json', 'package-lock.json']);
    expect(matching('**/package.json', paths)).toEqual(['package.json', 'src/package.json']);
    expect(matching('src/', paths)).toEqual(['src/package.json', 'src/a/b.ts']);
    expect(matching('src', paths)).toEqual(['src/package.json', 'src/a/b.ts']);
    expect(matching('./src/**/*.ts', paths)).toEqual(['src/a/b.ts']);
    expect(matching('a+b.t?t', paths)).toEqual(['a+b.txt']);
    expect(matching('.', paths)).toEqual(paths);
    expect(paths.filter(selection(['.'], ['src/', '*.txt']))).toEqual(['package.json', 'package-lock.json', 'srcs']);
  });
});

describe('permits', () => {
  // @verifies AC-docker-jobs
  it("are never more than their number, in order, and an abort takes nobody else's", async () => {
    const permits = semaphore(1);
    const never = new AbortController().signal;
    const first = await permits.take(never);
    const abort = new AbortController();
    const order: string[] = [];
    const second = permits
      .take(abort.signal)
      .then((permit) => order.push(permit === null ? 'second gave up' : 'second'));
    const third = permits.take(never).then((permit) => {
      order.push('third');
      permit?.();
    });
    abort.abort();
    await second;
    expect(order).toEqual(['second gave up']);
    first?.();
    first?.(); // twice is once
    await third;
    expect(order).toEqual(['second gave up', 'third']);
    const [one, two] = [await permits.take(never), permits.take(AbortSignal.timeout(20))];
    expect(one).not.toBeNull();
    expect(await two).toBeNull();
    expect(await permits.take(AbortSignal.abort())).toBeNull();
  });
});

describe('the event loop', () => {
  // @verifies AC-docker-no-blocking
  it("is never held by a file operation of this room: one big copy must not freeze everybody's time limits", async () => {
    const room = join(import.meta.dirname, '../../../src/places/docker');
    const blocking: string[] = [];
    for (const name of await readdir(room))
      for (const [match] of (await readFile(join(room, name), 'utf8')).matchAll(/\b\w+Sync\(/g))
        blocking.push(`${name}: ${match}`);
    expect(blocking).toEqual([]);
    expect((await readdir(room)).length).toBeGreaterThan(20);
  });
});

describe('shared work', () => {
  // @verifies AC-docker-source-once
  it('runs once for all who wait; a failure is reported to all and not kept', async () => {
    let runs = 0;
    const cell = flights<{ ok: boolean; run: number }>((result) => result.ok);
    const never = new AbortController().signal;
    const start = async (): Promise<{ ok: boolean; run: number }> => {
      const run = (runs += 1);
      await new Promise((resolve) => setImmediate(resolve));
      return { ok: run > 1, run };
    };
    expect(await Promise.all([cell.join('x', never, start), cell.join('x', never, start)])).toEqual([
      { ok: false, run: 1 },
      { ok: false, run: 1 },
    ]);
    expect(await Promise.all([cell.join('x', never, start), cell.join('x', never, start)])).toEqual([
      { ok: true, run: 2 },
      { ok: true, run: 2 },
    ]);
    expect(await cell.join('x', never, start)).toEqual({ ok: true, run: 2 });
  });

  // @verifies AC-docker-cancel
  it('ends early only when the last one gives up, who then waits for its end', async () => {
    const cell = flights<string>(() => true);
    const [a, b] = [new AbortController(), new AbortController()];
    const log: string[] = [];
    const start = (signal: AbortSignal): Promise<string> =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () =>
          setImmediate(() => {
            log.push('torn down');
            resolve('ended');
          }),
        ),
      );
    const first = cell.join('x', a.signal, start);
    const second = cell.join('x', b.signal, start);
    a.abort();
    expect(await first).toBeNull();
    expect(log).toEqual([]);
    b.abort();
    expect(await second).toBe('ended');
    expect(log).toEqual(['torn down']);
    expect(await cell.join('x', AbortSignal.abort(), start)).toBeNull();
  });
});

describe('environments', () => {
  // @verifies AC-docker-safe-defaults
  it('get safe defaults, numbers for units, and only named variables of the caller', () => {
    const plain = environmentOf('base', { image: 'x' }, { HOME: '/h', A: '1', B: '2' });
    expect(plain).toMatchObject({
      user: '0:0',
      workdir: '/workspace',
      shell: ['sh', '-ec'],
      pull: 'missing',
      env: { TZ: 'UTC', LANG: 'C.UTF-8' },
      secrets: {},
      limits: { network: 'none', pids: 512, memoryBytes: 2 * 1024 ** 3, cpus: null },
    });
    const full = environmentOf(
      'base',
      {
        image: 'x',
        env: { LANG: 'de', A: 'own' },
        pass_env: ['A', 'MISSING'],
        secrets: ['B'],
        limits: { memory: '512m', pids: 5 },
        setup: [{ id: 's', run: 'r', timeout: '5m' }],
      },
      { A: '1', B: '2' },
    );
    expect(full).toMatchObject({
      env: { TZ: 'UTC', LANG: 'de', A: '1' },
      secrets: { B: '2' },
      limits: { memoryBytes: 512 * 1024 ** 2, pids: 5 },
      setup: [{ network: 'none', timeoutMs: 300_000, inputs: [] }],
    });
    expect(full.env).not.toHaveProperty('MISSING');
  });

  // @verifies AC-docker-secrets
  it('a secret is masked in every form that a report writes it in', () => {
    expect(maskForms(['a&"<b'])).toEqual(
      expect.arrayContaining(['a&"<b', 'a&amp;&quot;&lt;b', 'a&\\"<b', 'a%26%22%3Cb']),
    );
    expect(maskForms(['', 'x', 'ab'])).toEqual([]);
  });

  // @verifies AC-docker-clean-config
  it('reads the first file of an archive', () => {
    const archive = Buffer.alloc(1024);
    archive.write('passwd', 0);
    archive.write('00000000013\0', 124);
    archive.write('root:x:0:0\n', 512);
    expect(firstFile(archive)).toBe('root:x:0:0\n');
    expect(firstFile(Buffer.alloc(10))).toBe('');
  });
});
