/** The life of containers: time limits, permits, cancellation, teardown before the folder. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { absent, batchOf, check, dockerRig, expectSame, importBusybox, never, openIn, shell } from './rig.js';

const CREATE = /^POST \/containers\/create/;

describe.skipIf(absent !== null)('the life of containers', () => {
  const rig = dockerRig();

  // @verifies AC-docker-exit-codes
  it('a child that holds the output open does not keep the check from ending', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const ran = await check(place, shell('(sleep 600) & echo started; exit 5', { timeoutMs: 30_000 }));
    expect({ code: ran.end.code, out: ran.out, timedOut: ran.end.timedOut }).toEqual({
      code: 5,
      out: 'started\n',
      timedOut: false,
    });
  });

  // @verifies AC-docker-time-limit
  it('a time limit ends the whole container before the next one starts, and queueing is free', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} }, { jobs: 1 });
    await check(place, 'true');
    rig.proxy().clear();
    const [slow, next] = await Promise.all([
      check(place, shell('trap "" TERM; sleep 30', { timeoutMs: 1000 })),
      check(place, 'echo second'),
    ]);
    expect({
      timedOut: slow.end.timedOut,
      code: slow.end.code,
      canceled: slow.end.canceled,
      trouble: slow.trouble,
    }).toEqual({
      timedOut: true,
      code: null,
      canceled: false,
      trouble: null,
    });
    expect({ code: next.end.code, out: next.out }).toEqual({ code: 0, out: 'second\n' });
    const order = rig
      .proxy()
      .log.flatMap((exchange) =>
        exchange.method === 'DELETE'
          ? ['remove']
          : CREATE.test(`${exchange.method} ${exchange.path}`)
            ? ['create']
            : [],
      );
    expect(order).toEqual(['create', 'remove', 'create', 'remove']);
    const queued = await Promise.all(
      Array.from({ length: 3 }, async () => check(place, shell('sleep 0.8', { timeoutMs: 1600 }))),
    );
    expect(queued.map((ran) => [ran.end.code, ran.end.timedOut])).toEqual([
      [0, false],
      [0, false],
      [0, false],
    ]);
  });

  // @verifies AC-docker-jobs
  it('never more containers at once than jobs, set-up and all', async () => {
    const project = await rig.project();
    const place = project.place(
      {
        a: { setup: [{ id: 'a', run: 'sleep 0.3; echo a > /a' }] },
        b: { setup: [{ id: 'b', run: 'sleep 0.3; echo b > /b' }] },
        c: {},
      },
      { jobs: 2 },
    );
    await Promise.all(
      ['a', 'b', 'c', 'c', 'a', 'c'].map(async (environment) => check(place, 'sleep 0.2', environment)),
    );
    let most = 0;
    let now = 0;
    for (const { method, path } of rig.proxy().log) {
      if (CREATE.test(`${method} ${path}`)) most = Math.max(most, (now += 1));
      else if (method === 'DELETE' && path.startsWith('/containers/')) now -= 1;
    }
    expect({ most, now }).toEqual({ most: 2, now: 0 });
    // Two layers were committed side by side: under names of their own, with the run in them.
    const names = rig
      .proxy()
      .seen(/^POST \/commit/)
      .map(({ path }) => new URL(`http://x${path}`).searchParams)
      .map((query) => `${query.get('repo') ?? ''}:${query.get('tag') ?? ''}`);
    expect([names.length, new Set(names).size]).toEqual([2, 2]);
    for (const name of names) expect(name).toMatch(/^coherence-eph\/[0-9a-z]{26}:\d+\./);
  });

  // @verifies AC-docker-cancel
  it('a workspace goes after its container, also when nobody waited for the check', async () => {
    const project = await rig.project();
    const abort = new AbortController();
    const place = project.place({ base: {} });
    const workspace = await openIn(place, 'base', abort.signal);
    const running = workspace.exec(
      shell('trap "" TERM; echo up; while true; do mkdir -p a/b/c; echo x > a/b/c/$RANDOM; done'),
      abort.signal,
    );
    while (!project.events.some((event) => event.type === 'output' && event.line === 'up'))
      await new Promise((resolve) => setImmediate(resolve));
    rig.proxy().clear();
    const held = rig.proxy().rule(/^POST \/containers\/[^/]+\/kill/, { do: 'hold' }, 1);
    abort.abort();
    const disposed = Promise.resolve(workspace[Symbol.asyncDispose]()).then(
      () => rig.proxy().seen(/^DELETE \/containers/).length,
    );
    await held.met;
    expect((await readdir(workspace.hostRoot)).sort()).toEqual(['a', 'marker.txt']);
    held.release();
    expect(await disposed).toBe(1);
    await expect(readdir(workspace.hostRoot)).rejects.toThrow('ENOENT');
    expect((await running).end.canceled).toBe(true);
  });

  // @verifies AC-docker-cancel
  it('a canceled check is gone when its promise settles, and nothing is created after an abort', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const abort = new AbortController();
    const place = project.place({ base: {} }, { signal: abort.signal, jobs: 1 });
    const workspace = await openIn(place);
    const running = workspace.exec(shell('trap "" TERM INT; echo up; sleep 60'), never);
    const queued = workspace.exec(shell('echo never'), never);
    while (!project.events.some((event) => event.type === 'output' && event.line === 'up'))
      await new Promise((resolve) => setImmediate(resolve));
    const removing = rig.proxy().rule(/^DELETE \/containers/, { do: 'hold' }, 1);
    let settled = false;
    void running.finally(() => (settled = true));
    abort.abort();
    await removing.met;
    expect((await project.ledger()).containers).toHaveLength(before.containers.length + 1);
    expect(settled).toBe(false);
    removing.release();
    const ended = await running;
    expect((await project.ledger()).containers).toEqual(before.containers);
    expect({ canceled: ended.end.canceled, timedOut: ended.end.timedOut, code: ended.end.code }).toEqual({
      canceled: true,
      timedOut: false,
      code: null,
    });
    expect(await queued).toMatchObject({ end: { canceled: true, code: null } });
    rig.proxy().clear();
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'canceled',
    });
    expect((await workspace.exec(shell('true'), never)).end.canceled).toBe(true);
    expect(rig.proxy().seen(/^POST /)).toEqual([]);
    await place.close();
    expectSame(await project.ledger(), before);
  });

  // @verifies AC-docker-infra-not-fail
  it('what cannot start is trouble with a reason, never an exit code', async () => {
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/file:1', [], async (tree) => {
      await writeFile(join(tree, 'afile'), 'x');
    });
    const project = await rig.project();
    const before = await project.ledger();
    const place = project.place({
      base: {},
      odd: { image: 'coherence-test/file:1', workdir: '/afile' },
      missing: { image: 'coherence-test/nothing:1' },
    });
    const unstartable = await check(place, 'true', 'odd');
    expect({ code: unstartable.end.code, reason: unstartable.trouble?.reason }).toEqual({
      code: null,
      reason: 'setup',
    });
    const program = await check(place, { ...shell(''), command: ['no-such-program'] });
    expect(program.trouble).toMatchObject({
      reason: 'setup',
      message: expect.stringContaining('no-such-program') as string,
    });
    expect(await place.open({ environment: 'missing', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'infra',
      message: expect.stringContaining('coherence-test/nothing:1') as string,
    });
    expect(await place.open({ environment: 'unknown', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'setup',
      message: expect.stringContaining('unknown') as string,
    });
    const folder = await check(place, shell('true', { directory: 'no/such' }));
    expect({ code: folder.end.code, reason: folder.trouble?.reason }).toEqual({ code: null, reason: 'setup' });
    await place.close();
    expectSame(await project.ledger(), before);
  });
});
