/** Whatever goes wrong between us and the daemon: never a pass, never a leak, never a hang. Made exact by the proxy. */
import { describe, expect, it } from 'vitest';
import { dockerStatus } from '../../../src/places/docker/index.js';
import type { Action } from '../../rig/docker-proxy.js';
import { absent, batchOf, check, dockerRig, execIn, expectSame, never, openIn, shell, type Project } from './rig.js';

const CREATE = /^POST \/containers\/create/;
const ATTACH = /^POST \/containers\/[^/]+\/attach/;
const WAIT = /^POST \/containers\/[^/]+\/wait/;
const START = /^POST \/containers\/[^/]+\/start/;
const INSPECT = /^GET \/containers\/[^/]+\/json/;
const LOGS = /^GET \/containers\/[^/]+\/logs/;

describe.skipIf(absent !== null)('trouble with the daemon', () => {
  const rig = dockerRig();
  const lineSeen = async (project: Project, line: string): Promise<void> => {
    while (!project.events.some((event) => event.type === 'output' && event.line === line))
      await new Promise((resolve) => setImmediate(resolve));
  };

  const unknown: readonly { name: string; pattern: RegExp; action: Action; line?: string }[] = [
    {
      name: 'an output stream that is cut in the middle',
      pattern: ATTACH,
      action: { do: 'cut', afterBytes: 20 },
      line: 'echo 0123456789; sleep 0.2; echo more; exit 0',
    },
    {
      name: 'an output stream that is cut between two frames',
      pattern: ATTACH,
      action: { do: 'cut', afterBytes: 14 },
      line: 'echo first; sleep 0.2; echo second; exit 0',
    },
    {
      name: 'an output stream that is cut before anything came',
      pattern: ATTACH,
      action: { do: 'cut', afterBytes: 0 },
    },
    {
      // The pause is what is under test: nothing is lost here, and only the order of the two ends tells.
      name: 'an output stream that is cut while nothing is printed',
      pattern: ATTACH,
      action: { do: 'cut', afterBytes: 14 },
      line: 'echo first; sleep 2; exit 0',
    },
    {
      name: 'an attach that is refused',
      pattern: ATTACH,
      action: { do: 'fail', status: 500, message: 'no attach today' },
    },
    { name: 'a watch that is cut', pattern: WAIT, action: { do: 'cut', afterBytes: 0 } },
    { name: 'a watch without an exit code', pattern: WAIT, action: { do: 'replace', body: '{"StatusCode":null}' } },
    { name: 'a watch that answers nothing', pattern: WAIT, action: { do: 'replace', body: '' } },
    {
      name: 'a watch with an error beside the code',
      pattern: WAIT,
      action: { do: 'replace', body: '{"StatusCode":0,"Error":{"Message":"lost it"}}' },
    },
    {
      name: 'an inspection without an exit code',
      pattern: INSPECT,
      action: { do: 'answer', body: '{"State":{"Status":"exited","Running":false}}' },
    },
    {
      name: 'an inspection with another exit code',
      pattern: INSPECT,
      action: { do: 'answer', body: '{"State":{"Status":"exited","Running":false,"ExitCode":1}}' },
    },
    {
      name: 'an inspection that says out of memory',
      pattern: INSPECT,
      action: { do: 'answer', body: '{"State":{"Status":"exited","Running":false,"ExitCode":0,"OOMKilled":true}}' },
    },
    {
      name: 'an inspection that finds no container',
      pattern: INSPECT,
      action: { do: 'fail', status: 404, message: 'No such container' },
    },
    { name: 'a log that cannot be read', pattern: LOGS, action: { do: 'fail', status: 500, message: 'no log' } },
    {
      name: 'a create that fails',
      pattern: CREATE,
      action: { do: 'fail', status: 500, message: 'no space left on device' },
    },
    { name: 'a start that fails', pattern: START, action: { do: 'fail', status: 500, message: 'cgroup trouble' } },
  ];

  // @verifies AC-docker-unknown-is-not-success, AC-docker-infra-not-fail, AC-docker-no-leaks
  it.each(unknown.map((one) => [one.name, one] as const))(
    '%s is ERROR, not a pass, and leaves nothing',
    async (name, { pattern, action, line }) => {
      const project = await rig.project();
      const place = project.place({ base: {} });
      const workspace = await openIn(place);
      const before = await project.ledger();
      const rule = rig.proxy().rule(pattern, action, pattern === INSPECT ? Infinity : 1);
      const ran = await execIn(workspace, shell(line ?? 'echo first; echo second; exit 0'));
      await rule.met;
      rule.remove();
      expect(ran.end.code).toBeNull();
      expect(ran.end.timedOut).toBe(false);
      expect(ran.trouble?.reason).toBe(name.includes('memory') ? 'crash' : 'infra');
      expect(ran.trouble?.message).not.toBe('');
      await place.close();
      expect(withoutFolders(await project.ledger())).toEqual(withoutFolders(before));
    },
  );

  // @verifies AC-docker-unknown-is-not-success
  it('a container that is removed by hand is ERROR', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const running = check(place, 'echo up; sleep 60; exit 0');
    await lineSeen(project, 'up');
    await rig.docker('rm', '-f', await rig.docker('ps', '-q'));
    const ran = await running;
    expect({ code: ran.end.code, reason: ran.trouble?.reason }).toEqual({ code: null, reason: 'infra' });
  });

  // @verifies AC-docker-unknown-is-not-success
  it('a check that somebody stops is ERROR, also where it then ends with exit 0', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const running = check(place, 'trap "exit 0" TERM; echo up; while true; do sleep 0.1; done');
    await lineSeen(project, 'up');
    await rig.docker('stop', await rig.docker('ps', '-q'));
    const ran = await running;
    expect({ code: ran.end.code, reason: ran.trouble?.reason, message: ran.trouble?.message }).toEqual({
      code: null,
      reason: 'infra',
      message: expect.stringContaining('signaled from outside') as string,
    });
  });

  // @verifies AC-docker-set-up-end
  it('a set-up whose output never ends has ended with its command', async () => {
    const project = await rig.project();
    const place = project.place({ base: { setup: [{ id: 's', run: 'echo endless > /endless' }] } });
    rig.proxy().rule(/^POST \/exec\/[^/]+\/start/, { do: 'linger' }, 1);
    expect((await check(place, 'cat /endless')).out).toBe('endless\n');
  });

  // @verifies AC-docker-unknown-is-not-success
  it('out of memory is ERROR, also where the shell goes on and exits with 0', async () => {
    const project = await rig.project();
    const place = project.place({ base: { limits: { memory: '16m' } } });
    const ran = await check(place, 'dd if=/dev/zero of=/dev/null bs=200M count=1; exit 0');
    expect({ code: ran.end.code, reason: ran.trouble?.reason, message: ran.trouble?.message }).toEqual({
      code: null,
      reason: 'crash',
      message: expect.stringContaining('out of memory') as string,
    });
  });

  // @verifies AC-docker-unknown-is-not-success
  it('out of memory is ERROR also where the daemon never says so, as when its watcher came too late', async () => {
    const project = await rig.project();
    const place = project.place({ base: { limits: { memory: '16m' } } });
    const state = { Status: 'exited', Running: false, ExitCode: 0, OOMKilled: false };
    const body = JSON.stringify({ Created: new Date().toISOString(), State: state });
    rig.proxy().rule(INSPECT, { do: 'answer', body }, Infinity);
    rig.proxy().rule(/^GET \/events/, { do: 'answer', body: '' }, Infinity);
    const sound = await check(place, 'exit 0');
    expect({ code: sound.end.code, trouble: sound.trouble }).toEqual({ code: 0, trouble: null });
    const ran = await check(place, 'dd if=/dev/zero of=/dev/null bs=200M count=1; exit 0');
    expect({ code: ran.end.code, reason: ran.trouble?.reason, message: ran.trouble?.message }).toEqual({
      code: null,
      reason: 'crash',
      message: expect.stringContaining('out of memory') as string,
    });
  });

  // @verifies AC-docker-unknown-is-not-success
  it('a daemon that restarts, or dies, under a check is ERROR', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const first = check(place, 'trap "exit 0" TERM; echo up; while true; do sleep 0.1; done');
    await lineSeen(project, 'up');
    const restarted = rig.daemon().restart();
    const ran = await first;
    await restarted;
    expect({ code: ran.end.code, reason: ran.trouble?.reason }).toEqual({ code: null, reason: 'infra' });

    project.events.length = 0;
    const second = check(place, 'echo up; sleep 3; exit 0');
    await lineSeen(project, 'up');
    await rig.daemon().kill();
    const died = await second;
    await rig.daemon().start();
    expect({ code: died.end.code, reason: died.trouble?.reason }).toEqual({ code: null, reason: 'infra' });
    // What could not be removed then is removed by its owner's successor.
    await place.close();
    const next = project.place({ base: {} });
    const after = await check(next, 'exit 0');
    expect({ code: after.end.code, trouble: after.trouble }).toEqual({ code: 0, trouble: null });
    await next.close();
    expect((await project.ledger()).containers).toEqual([]);
  });

  // @verifies AC-docker-cancel
  it.each([
    { name: 'create', pattern: CREATE },
    { name: 'start', pattern: START },
    { name: 'attach', pattern: ATTACH },
  ])('an abort while $name is held leaves nothing once it is released', async ({ pattern }) => {
    const project = await rig.project();
    const abort = new AbortController();
    const place = project.place({ base: {} }, { signal: abort.signal });
    const workspace = await openIn(place);
    const before = await project.ledger();
    const held = rig.proxy().rule(pattern, { do: 'hold' }, 1);
    const running = workspace.exec(shell('echo ran; exit 0'), never);
    await held.met;
    abort.abort();
    held.release();
    const ended = await running;
    expect(ended.end).toMatchObject({ canceled: true, code: null });
    await place.close();
    expect(withoutFolders(await project.ledger())).toEqual(withoutFolders(before));
  });

  // @verifies AC-docker-cancel
  it('an abort during set-up commits and registers nothing', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    for (const pattern of [/^POST \/exec\/[^/]+\/start/, /^POST \/commit/]) {
      const abort = new AbortController();
      const place = project.place(
        { base: { setup: [{ id: 's', run: 'echo x > /x; sleep 0.3' }] } },
        { signal: abort.signal },
      );
      const held = rig.proxy().rule(pattern, { do: 'hold' }, 1);
      const opening = place.open({ environment: 'base', batch: batchOf('b'), signal: never });
      await held.met;
      abort.abort();
      held.release();
      expect(await opening).toMatchObject({ ok: false, reason: 'canceled' });
      await place.close();
      expect(await project.ledger()).toEqual(before);
    }
  });

  // @verifies AC-docker-cancel
  it('one requester that gives up does not end the set-up that another waits for', async () => {
    const project = await rig.project();
    const place = project.place({ base: { setup: [{ id: 's', run: 'sleep 0.5; echo x > /x' }] } });
    const abort = new AbortController();
    const held = rig.proxy().rule(/^POST \/exec\/[^/]+\/start/, { do: 'hold' }, 1);
    const [first, second] = [
      place.open({ environment: 'base', batch: batchOf('a'), signal: abort.signal }),
      place.open({ environment: 'base', batch: batchOf('b'), signal: never }),
    ];
    await held.met;
    abort.abort();
    expect(await first).toMatchObject({ ok: false, reason: 'canceled' });
    held.release();
    expect(await second).toMatchObject({ ok: true });
    expect(rig.proxy().seen(/^POST \/commit/)).toHaveLength(1);
  });

  // @verifies AC-docker-failing-set-up
  it('trouble during set-up is ERROR(infra), and the same run may try again', async () => {
    const project = await rig.project();
    const place = project.place({ base: { setup: [{ id: 's', run: 'echo x > /x; sleep 0.2' }] } });
    for (const pattern of [
      /^POST \/commit/,
      /^POST \/containers\/[^/]+\/exec/,
      /^GET \/exec\/[^/]+\/json/,
      /^POST \/images\/.*repo=coherence-lease/,
    ]) {
      const rule = rig.proxy().rule(pattern, { do: 'fail', status: 500, message: 'disk full' }, 1);
      expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
        ok: false,
        reason: 'infra',
        message: expect.stringContaining('disk full') as string,
      });
      await rule.met;
    }
    const last = await check(place, 'cat /x');
    expect(last.out).toBe('x\n');
  });

  // @verifies AC-docker-failing-set-up
  it('a set-up whose exit code is unknown is never committed', async () => {
    const project = await rig.project();
    const place = project.place({ base: { setup: [{ id: 's', run: 'echo unknown > /x' }] } });
    rig.proxy().rule(/^GET \/exec\/[^/]+\/json/, { do: 'answer', body: '{"Running":false,"ExitCode":null}' });
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'infra',
    });
    expect(rig.proxy().seen(/^POST \/commit/)).toEqual([]);
  });

  // @verifies AC-docker-gc-guarded
  it('a removal whose guard cannot ask the daemon does not happen', async () => {
    const project = await rig.project();
    const place = project.place(
      {
        base: {
          setup: [
            { id: 'a', run: 'echo 1 > /one' },
            { id: 'b', run: 'echo 2 > /two' },
          ],
        },
      },
      { layerCapacity: 1 },
    );
    await check(place, 'true');
    rig.proxy().clear();
    rig.proxy().rule(/^GET \/images\/coherence-layer/, { do: 'fail', status: 500, message: 'cannot say' });
    await place.close();
    expect(rig.proxy().seen(/^DELETE \/images\/coherence-layer/)).toEqual([]);
  });

  // @verifies AC-docker-no-daemon
  it('no daemon is unavailable, quickly, wherever the address points', async () => {
    const project = await rig.project();
    for (const host of [
      'unix:///nonexistent/docker.sock',
      'tcp://127.0.0.1:1',
      'ssh://nowhere',
      'tcp://',
      'nonsense://x',
    ]) {
      const env = { DOCKER_HOST: host };
      expect(await dockerStatus({ env })).toMatchObject({
        available: false,
        what: 'docker',
        detail: expect.stringMatching(/./) as string,
      });
      const place = project.place({ base: {} }, { env });
      expect(await place.available()).toMatchObject({ available: false });
      expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
        ok: false,
        reason: 'unavailable:docker',
      });
    }
    expect(await dockerStatus({ env: { DOCKER_HOST: rig.proxy().host } })).toMatchObject({
      available: true,
      version: expect.stringMatching(/^\d+\./) as string,
    });
  });

  // @verifies AC-docker-no-daemon
  it('a daemon that cannot see our files is unavailable', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const probe = rig.proxy().rule(
      CREATE,
      {
        do: 'fail',
        status: 400,
        message: 'invalid mount config for type "bind": bind source path does not exist: /x',
      },
      1,
    );
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'unavailable:docker',
    });
    await probe.met;
    const blind = rig
      .proxy()
      .rule(/^HEAD \/containers\/[^/]+\/archive/, { do: 'fail', status: 404, message: 'not there' }, 1);
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'unavailable:docker',
    });
    await blind.met;
    // Its answer is kept only when it was yes.
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({ ok: true });
  });

  // @verifies AC-docker-no-leaks
  it('a run with a pass, a fail, a time-out, an unstartable container and a set-up error leaves nothing at its end', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const place = project.place({
      base: {},
      bad: { setup: [{ id: 's', run: 'exit 3' }] },
      odd: { workdir: '/bin/busybox' },
    });
    const ended = await Promise.all([
      check(place, 'exit 0'),
      check(place, 'exit 1'),
      check(place, shell('sleep 60', { timeoutMs: 300 })),
      check(place, 'true', 'odd'),
      place
        .open({ environment: 'bad', batch: batchOf('b'), signal: never })
        .then((opened) => ({ end: { code: opened.ok ? 0 : opened.exitCode, timedOut: false } })),
    ]);
    expect(ended.map((one) => [one.end.code, one.end.timedOut])).toEqual([
      [0, false],
      [1, false],
      [null, true],
      [null, false],
      [3, false],
    ]);
    await place.close();
    expectSame(await project.ledger(), before);
  });
});

const withoutFolders = <T extends { readonly folders: readonly string[] }>(ledger: T): Omit<T, 'folders'> => {
  const { folders: _folders, ...rest } = ledger;
  return rest;
};
