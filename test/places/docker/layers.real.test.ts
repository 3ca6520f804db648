/** Layers: what is in them and when they are built. On a real daemon, watched through the proxy. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeclaredEnvironment, Layer } from '../../../src/model/index.js';
import { absent, batchOf, check, dockerRig, importBusybox, never, type Project } from './rig.js';

const COMMIT = /^POST \/commit/;
const CREATE = /^POST \/containers\/create/;
const EXEC = /^POST \/containers\/[^/]+\/exec/;

const hits = (layers: readonly Layer[]): boolean[] => layers.map((layer) => layer.hit);

describe.skipIf(absent !== null)('layers', () => {
  const rig = dockerRig();
  const run = async (project: Project, environment: Partial<DeclaredEnvironment>, line = 'true', more = {}) => {
    const place = project.place({ base: environment }, more);
    try {
      return await check(place, line);
    } finally {
      await place.close();
    }
  };
  const layerTags = async (): Promise<string[]> =>
    (await rig.docker('images', '--format', '{{.Repository}}:{{.Tag}}', 'coherence-layer'))
      .split('\n')
      .filter((line) => line !== '')
      .sort();

  // @verifies AC-docker-fresh-source, AC-docker-hit-no-set-up
  it('after a hit a check sees the source of today', async () => {
    const project = await rig.project({ 'marker.txt': 'v1\n' });
    const environment = { setup: [{ id: 'tools', run: 'echo tool > /opt.txt' }] };
    const first = await run(project, environment, 'cat marker.txt gone.txt; cat /opt.txt; true');
    expect({ out: first.out, hits: hits(first.layers) }).toEqual({ out: 'v1\ntool\n', hits: [false] });
    await project.write('marker.txt', 'v2\n');
    rig.proxy().clear();
    const second = await run(project, environment, 'cat marker.txt; cat /opt.txt');
    expect({ out: second.out, hits: hits(second.layers) }).toEqual({ out: 'v2\ntool\n', hits: [true] });
    expect(rig.proxy().seen(COMMIT)).toEqual([]);
    expect(rig.proxy().seen(EXEC)).toEqual([]);
    // One container in all: the check's own.
    expect(rig.proxy().seen(CREATE)).toHaveLength(1);
    expect(rig.proxy().seen(/^PUT /)).toEqual([]);
  });

  // @verifies AC-docker-fresh-source
  it('a file that was deleted on the host is gone in the container, also after a hit', async () => {
    const project = await rig.project({ 'a.txt': 'a', 'b.txt': 'b' });
    const environment = { setup: [{ id: 'one', run: 'cp /inputs/a.txt /a-layer.txt', inputs: ['a.txt'] }] };
    expect((await run(project, environment, 'ls')).out).toBe('a.txt\nb.txt\n');
    await project.git('rm', '-q', '--cached', '-f', '--ignore-unmatch', 'b.txt');
    await rm(join(project.root, 'b.txt'));
    const second = await run(project, environment, 'ls');
    expect({ out: second.out, hits: hits(second.layers) }).toEqual({ out: 'a.txt\n', hits: [true] });
  });

  // @verifies AC-docker-layers-system-only
  it('a set-up command that writes into the workspace is an error, and nothing of it is in any layer', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const place = project.place({
      base: { setup: [{ id: 'stray', run: 'echo TOKEN-IN-WORKSPACE > token.txt; echo ok > /kept.txt' }] },
    });
    const opened = await place.open({ environment: 'base', batch: batchOf('b'), signal: never });
    expect(opened).toMatchObject({
      ok: false,
      reason: 'setup',
      message: expect.stringContaining('token.txt') as string,
    });
    await place.close();
    expect(rig.proxy().seen(COMMIT)).toEqual([]);
    expect(await project.ledger()).toEqual(before);
  });

  // @verifies AC-docker-layers-system-only, AC-docker-secrets
  it('a layer holds system state only: no source, no workspace, no variable, no secret', async () => {
    const project = await rig.project({ 'marker.txt': 'SOURCE-TOKEN\n', 'lock.json': 'LOCK\n' });
    const ran = await run(
      project,
      {
        env: { DECLARED: 'DECLARED-VALUE' },
        secrets: ['MY_SECRET'],
        setup: [
          {
            id: 'one',
            run: 'echo SYSTEM-TOKEN > /opt.txt; test "$MY_SECRET" = SECRET-VALUE; cat /inputs/lock.json',
            inputs: ['lock.json'],
          },
        ],
      },
      'cat /opt.txt; ls -a /workspace; echo "$MY_SECRET"',
      { env: { DOCKER_HOST: rig.proxy().host, MY_SECRET: 'SECRET-VALUE' } },
    );
    expect(ran.out).toBe('SYSTEM-TOKEN\n.\n..\nlock.json\nmarker.txt\n***\n');
    const [tag = ''] = (await layerTags()).filter((name) => name.endsWith(ran.layers[0]?.key ?? '-'));
    const described = `${await rig.docker('inspect', tag)}${await rig.docker('history', '--no-trunc', tag)}`;
    for (const word of ['SOURCE-TOKEN', 'DECLARED-VALUE', 'SECRET-VALUE', 'DECLARED'])
      expect(described).not.toContain(word);
    await rig.docker('save', '-o', join(project.output, 'image.tar'), tag);
    const saved = await readFile(join(project.output, 'image.tar'));
    expect(saved.includes('SYSTEM-TOKEN')).toBe(true);
    for (const word of ['SOURCE-TOKEN', 'DECLARED-VALUE', 'SECRET-VALUE', 'LOCK\n'])
      expect(saved.includes(word)).toBe(false);
    expect(JSON.stringify(ran.env)).not.toContain('SECRET-VALUE');
  });

  // @verifies AC-docker-set-up-once
  it('set-up runs once for many checks and many runs', async () => {
    const project = await rig.project();
    const environment = {
      setup: [
        { id: 'one', run: 'echo 1 > /one' },
        { id: 'two', run: 'cat /one > /two' },
      ],
    };
    const five = async (): Promise<number> => {
      const place = project.place({ base: environment });
      const all = await Promise.all(Array.from({ length: 5 }, async () => check(place, 'cat /two')));
      await place.close();
      expect(all.map((ran) => ran.out)).toEqual(Array.from({ length: 5 }, () => '1\n'));
      return rig.proxy().seen(COMMIT).length;
    };
    expect(await five()).toBe(2);
    expect(rig.proxy().seen(EXEC)).toHaveLength(2);
    rig.proxy().clear();
    expect(await five()).toBe(0);
    expect(rig.proxy().seen(EXEC)).toEqual([]);
    expect(rig.proxy().seen(CREATE)).toHaveLength(5);
  });

  // @verifies AC-docker-key-complete
  it('what can change a layer makes another layer: base by id, user, variables, inputs (all of it: keys.test.ts)', async () => {
    const project = await rig.project({ 'in.txt': '1', 'other.txt': '1' });
    const seen = new Set<string>();
    const keyOf = async (environment: Partial<DeclaredEnvironment>): Promise<string> => {
      const ran = await run(project, {
        ...environment,
        setup: [{ id: 's', run: 'echo x > /tmp/x', inputs: ['in.txt'] }],
      });
      expect(ran.trouble).toBeNull();
      return ran.layers[0]?.key ?? '';
    };
    const first = await keyOf({});
    seen.add(first);
    seen.add(await keyOf({ env: { A: '1' } }));
    seen.add(await keyOf({ user: '1234' }));
    await project.write('other.txt', '2');
    expect(await keyOf({})).toBe(first);
    await project.write('in.txt', '2');
    seen.add(await keyOf({}));
    // The same name with other content is another base: the id counts.
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/moving:1', []);
    seen.add(await keyOf({ image: 'coherence-test/moving:1' }));
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/moving:1', [], async (tree) =>
      writeFile(join(tree, 'new'), 'x'),
    );
    seen.add(await keyOf({ image: 'coherence-test/moving:1' }));
    expect(seen.size).toBe(6);
    await rig.docker('rmi', '-f', 'coherence-test/moving:1');
  });

  // @verifies AC-docker-inputs-exist
  it('an input that matches nothing is an error before any container', async () => {
    const project = await rig.project();
    const place = project.place({ base: { setup: [{ id: 's', run: 'true', inputs: ['nope.json'] }] } });
    const opened = await place.open({ environment: 'base', batch: batchOf('b'), signal: never });
    expect(opened).toMatchObject({
      ok: false,
      reason: 'setup',
      message: expect.stringContaining('nope.json') as string,
    });
    expect(rig.proxy().seen(CREATE)).toEqual([]);
  });

  // @verifies AC-docker-inputs-exist
  it('set-up sees its declared inputs only, read-only', async () => {
    const project = await rig.project({ 'sub/a.json': 'A', 'sub/b.json': 'B', 'c.txt': 'C' });
    const ran = await run(
      project,
      {
        setup: [
          {
            id: 's',
            run: 'find /inputs -type f > /seen; (echo x > /inputs/sub/a.json) 2>/dev/null && echo writable >> /seen; ls -a /workspace >> /seen',
            inputs: ['sub/*.json'],
          },
        ],
      },
      'cat /seen',
    );
    expect(ran.out.split('\n').sort().join(' ').trim()).toBe('. .. /inputs/sub/a.json /inputs/sub/b.json');
  });

  // @verifies AC-docker-failing-set-up
  it('a failing set-up is ERROR(setup) with its exit code and output; nothing is kept and the next run tries again', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    for (let round = 0; round < 2; round += 1) {
      rig.proxy().clear();
      const place = project.place({
        base: { setup: [{ id: 'bad', run: 'echo half > /half; echo why it failed >&2; exit 3' }] },
        other: {},
      });
      const opened = await place.open({ environment: 'base', batch: batchOf('b'), signal: never });
      expect(opened).toMatchObject({
        ok: false,
        reason: 'setup',
        exitCode: 3,
        message: expect.stringContaining('why it failed') as string,
      });
      // Once a run, whoever asks.
      expect(await place.open({ environment: 'base', batch: batchOf('c'), signal: never })).toMatchObject({
        ok: false,
        reason: 'setup',
      });
      expect((await check(place, 'exit 0', 'other')).end.code).toBe(0);
      await place.close();
      expect(rig.proxy().seen(EXEC)).toHaveLength(1);
      expect(rig.proxy().seen(COMMIT)).toEqual([]);
    }
    expect(await project.ledger()).toEqual(before);
  });

  // @verifies AC-docker-set-up-end
  it('set-up ends with its command, not with a child that holds its output; what goes on in the background is stopped before the commit', async () => {
    const project = await rig.project();
    const ran = await run(
      project,
      { setup: [{ id: 'daemon', run: '(while true; do echo x >> /growing; done) & sleep 0.2; echo done > /done' }] },
      'cat /done; a=$(stat -c %s /growing); sleep 0.2; b=$(stat -c %s /growing); test "$a" = "$b" && echo still',
    );
    expect(ran.out).toBe('done\nstill\n');
  });

  // @verifies AC-docker-set-up-end
  it('a set-up that takes longer than its limit is ERROR(setup), and its container is gone', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const place = project.place({ base: { setup: [{ id: 'slow', run: 'trap "" TERM; sleep 60', timeout: '300ms' }] } });
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'setup',
      exitCode: null,
    });
    expect((await project.ledger()).containers).toEqual(before.containers);
  });

  // @verifies AC-docker-clean-config
  it('set-up and checks run whatever the base image says of entrypoint, command and user', async () => {
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/odd:1', [
      'ENTRYPOINT ["/bin/false"]',
      'USER 1000',
      'CMD ["nonsense"]',
    ]);
    const project = await rig.project();
    const ran = await run(
      project,
      {
        image: 'coherence-test/odd:1',
        setup: [
          { id: 's', run: 'id -u > /who' },
          { id: 't', run: 'cat /who > /who2' },
        ],
      },
      'cat /who2; id -u; touch mine && echo wrote',
    );
    expect({ out: ran.out, code: ran.end.code }).toEqual({ out: '0\n0\nwrote\n', code: 0 });
    const other = await run(
      project,
      { image: 'coherence-test/odd:1', user: 'worker:workers' },
      'id -u; id -g; touch mine && echo wrote',
    );
    expect(other.out).toBe('1234\n4321\nwrote\n');
  });

  // @verifies AC-docker-volume-warning
  it('a VOLUME of the base image is warned about, and no anonymous volume stays', async () => {
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/volume:1', ['VOLUME /data']);
    const project = await rig.project();
    const before = await project.ledger();
    const ran = await run(
      project,
      { image: 'coherence-test/volume:1', setup: [{ id: 's', run: 'echo x > /data/x' }] },
      'ls /data',
    );
    expect(ran.out).toBe('');
    expect(
      project.events
        .filter((event) => event.type === 'note')
        .map((event) => event.message)
        .join(),
    ).toContain('VOLUME /data');
    expect((await project.ledger()).volumes).toEqual(before.volumes);
  });

  // @verifies AC-docker-depth
  it('more layers than Docker allows are refused when planning', async () => {
    const project = await rig.project();
    const place = project.place({
      base: { setup: Array.from({ length: 125 }, (_, index) => ({ id: `s${index}`, run: 'true' })) },
    });
    expect(await place.open({ environment: 'base', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'setup',
      message: expect.stringContaining('125') as string,
    });
    expect(rig.proxy().seen(CREATE)).toEqual([]);
  });

  // @verifies AC-docker-layers-system-only
  it('every container that is committed had the workspace mounted', async () => {
    const project = await rig.project();
    await run(project, { setup: [{ id: 'm', run: 'echo mounted > /m' }] });
    const bodies = rig
      .proxy()
      .seen(CREATE)
      .map(
        (exchange) =>
          JSON.parse(exchange.body) as {
            Labels: Record<string, string>;
            HostConfig: { Mounts: { Target: string }[]; Binds?: unknown };
          },
      );
    const setups = bodies.filter((body) => body.Labels['coherence.kind'] === 'setup');
    expect(setups.length).toBeGreaterThan(0);
    for (const body of bodies.filter((item) => item.Labels['coherence.kind'] !== 'probe')) {
      expect(body.HostConfig.Mounts.map((mount) => mount.Target)).toContain('/workspace');
      expect(body.HostConfig.Binds).toBeUndefined();
    }
  });
});
