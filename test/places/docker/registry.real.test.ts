/** The registry of layers on a shared daemon: who holds, replaces, evicts and removes them. */
import { describe, expect, it } from 'vitest';
import type { DeclaredEnvironment, Layer } from '../../../src/model/index.js';
import { dockerGc } from '../../../src/places/docker/index.js';
import { BASE, absent, batchOf, check, dockerRig, expectSame, never, openIn, shell, type Project } from './rig.js';

const COMMIT = /^POST \/commit/;
const EXEC = /^POST \/containers\/[^/]+\/exec/;

const hits = (layers: readonly Layer[]): boolean[] => layers.map((layer) => layer.hit);

describe.skipIf(absent !== null)('layers on a shared daemon', () => {
  const rig = dockerRig();
  const run = async (project: Project, environment: Partial<DeclaredEnvironment>, line = 'true', more = {}) => {
    const place = project.place({ base: environment }, more);
    try {
      return await check(place, line);
    } finally {
      await place.close();
    }
  };
  const clear = async (project: Project, all = true) =>
    dockerGc({
      env: { DOCKER_HOST: rig.proxy().host },
      all,
      layerCapacity: 64,
      stateFolder: project.state,
      cacheFolder: project.cache,
    });
  const layerTags = async (): Promise<string[]> =>
    (await rig.docker('images', '--format', '{{.Repository}}:{{.Tag}}', 'coherence-layer'))
      .split('\n')
      .filter((line) => line !== '')
      .sort();

  // @verifies AC-docker-heals
  it('a layer that was removed by hand is built again, without a removal call of ours and without an error', async () => {
    const project = await rig.project();
    const environment = {
      setup: [
        { id: 'one', run: 'echo 1 > /one' },
        { id: 'two', run: 'echo 2 > /two' },
      ],
    };
    const first = await run(project, environment);
    for (const layer of [...first.layers].reverse()) await rig.docker('rmi', '-f', `coherence-layer:${layer.key}`);
    rig.proxy().clear();
    const place = project.place({ base: environment });
    const again = await check(place, 'cat /one /two');
    expect(rig.proxy().seen(/^DELETE \/images\/coherence-layer/)).toEqual([]);
    expect({ out: again.out, hits: hits(again.layers), trouble: again.trouble }).toEqual({
      out: '1\n2\n',
      hits: [false, false],
      trouble: null,
    });
    await place.close();
    expect(hits((await run(project, environment)).layers)).toEqual([true, true]);
  });

  // @verifies AC-docker-heals
  it('an image that vanishes between the hit and the container is a miss, not an error', async () => {
    const project = await rig.project();
    const place = project.place({ base: { setup: [{ id: 'one', run: 'echo 1 > /only' }] } });
    const workspace = await openIn(place);
    const [tag = ''] = (await rig.docker('images', '--format', '{{.ID}}', 'coherence-layer')).split('\n');
    await rig.docker('rmi', '-f', tag);
    const executed = await workspace.exec(shell('cat /only'), never);
    expect({ code: executed.end.code, trouble: executed.trouble, hits: hits(executed.layers) }).toEqual({
      code: 0,
      trouble: null,
      hits: [false],
    });
  });

  // @verifies AC-docker-leases
  it('a removal by somebody else during a run only takes a name away', async () => {
    const project = await rig.project();
    await clear(project);
    const place = project.place({ base: { setup: [{ id: 'one', run: 'echo leased > /one' }] } });
    const workspace = await openIn(place);
    expect(await clear(project)).toMatchObject({
      ok: true,
      removed: { layers: 0, containers: 0, tags: 0, folders: 0 },
    });
    for (const tag of await layerTags()) await rig.docker('rmi', tag);
    const executed = await workspace.exec(shell('cat /one'), never);
    expect({ code: executed.end.code, hits: hits(executed.layers) }).toEqual({ code: 0, hits: [false] });
    expect(rig.proxy().seen(COMMIT)).toHaveLength(1);
  });

  // @verifies AC-docker-gc-guarded
  it('gc removes our idle layers and nothing else', async () => {
    const project = await rig.project();
    await clear(project);
    await run(project, {
      setup: [
        { id: 'one', run: 'echo 1 > /one' },
        { id: 'two', run: 'echo 2 > /two' },
      ],
    });
    const before = await project.ledger();
    // Names and images of other people: near misses, another owner's layer, an image built from one of ours.
    await rig.docker('tag', BASE, 'coherence-eph-backup/x:1');
    await rig.docker('tag', BASE, 'x/coherence-eph/a:1');
    await rig.docker('tag', BASE, 'coherence-lease/of-somebody:keep');
    const [ours = ''] = await layerTags();
    await rig.docker('run', '--name', 'users', '--network', 'none', ours, 'true').catch(() => undefined);
    await rig.docker('commit', 'users', 'users/derived:1');
    await rig.docker('commit', 'users');
    // Whole in all but its owner.
    const foreign = [
      '-m',
      `coherence layer ${'f'.repeat(64)}`,
      '-c',
      'LABEL coherence.owner=0.someoneelse',
      '-c',
      `LABEL coherence.key=${'f'.repeat(64)}`,
      'users',
      `coherence-layer:${'f'.repeat(64)}`,
    ];
    await rig.docker('commit', ...foreign);
    const done = await clear(project);
    expect(done.ok && done.removed.layers).toBeGreaterThanOrEqual(1);
    const after = await project.ledger();
    const names = after.tags.map((tag) => tag.split(' ')[0]);
    for (const kept of [
      'coherence-eph-backup/x:1',
      'x/coherence-eph/a:1',
      'coherence-lease/of-somebody:keep',
      'users/derived:1',
      `coherence-layer:${'f'.repeat(64)}`,
      BASE,
    ])
      expect(names).toContain(kept);
    expect(after.dangling.length).toBe(before.dangling.length + 1);
    expect(after.containers).toHaveLength(before.containers.length + 1);
    await rig.docker('rm', 'users');
    await rig.docker(
      'rmi',
      '-f',
      ...[
        'coherence-eph-backup/x:1',
        'x/coherence-eph/a:1',
        'coherence-lease/of-somebody:keep',
        'users/derived:1',
        `coherence-layer:${'f'.repeat(64)}`,
        ...after.dangling.filter((id) => !before.dangling.includes(id)),
      ],
    );
    await clear(project);
    expect(await layerTags()).toEqual([]);
    expect((await project.ledger()).dangling).toEqual(before.dangling);
  });

  // @verifies AC-docker-eviction
  it('over capacity the layer that was used longest ago goes, at the end of the run, and never the newest', async () => {
    const project = await rig.project();
    await clear(project);
    const before = await project.ledger();
    const keyOf = async (word: string, capacity: number): Promise<string> =>
      (await run(project, { setup: [{ id: word, run: `echo ${word} > /w` }] }, 'true', { layerCapacity: capacity }))
        .layers[0]?.key ?? '';
    const a = await keyOf('a', 2);
    const b = await keyOf('b', 2);
    expect(await keyOf('a', 2)).toBe(a); // touched: b is now the oldest
    const c = await keyOf('c', 2);
    expect(await layerTags()).toEqual([`coherence-layer:${a}`, `coherence-layer:${c}`].sort());
    expect(b).not.toBe(a);
    const d = await keyOf('d', 1);
    expect(await layerTags()).toEqual([`coherence-layer:${d}`]);
    expectSame(await project.ledger(), before);
  });

  // @verifies AC-docker-eviction
  it('a capacity below one is refused', async () => {
    const project = await rig.project();
    expect(() => project.place({ base: {} }, { layerCapacity: 0 })).toThrow(RangeError);
  });

  // @verifies AC-docker-two-runs
  it('two runs at once build one layer, and leave one image', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const environment = { setup: [{ id: 'shared', run: 'sleep 0.3; echo shared-once > /s' }] };
    const places = [project.place({ base: environment }), project.place({ base: environment })];
    const both = await Promise.all(places.map(async (place) => check(place, 'cat /s')));
    await Promise.all(places.map(async (place) => place.close()));
    expect(both.map((ran) => [ran.end.code, ran.out])).toEqual([
      [0, 'shared-once\n'],
      [0, 'shared-once\n'],
    ]);
    expect(rig.proxy().seen(EXEC)).toHaveLength(1);
    expectSame(await project.ledger(), before);
  });

  // @verifies AC-docker-two-runs
  it('two machines that build the same key leave one image: the replaced one goes', async () => {
    const project = await rig.project();
    const other = await rig.project(); // another cache folder: the file lock does not bind them
    const before = await project.ledger();
    const environment = { setup: [{ id: 'shared', run: 'echo twice > /s' }] };
    const [slow, quick] = [project.place({ base: environment }), other.place({ base: environment })];
    const held = rig.proxy().rule(COMMIT, { do: 'hold' }, 1);
    const later = check(slow, 'cat /s');
    await held.met;
    const first = await check(quick, 'cat /s');
    await quick.close(); // its lease is gone: only the layer's name holds the image
    held.release();
    const both = [await later, first];
    await slow.close();
    expect(both.map((ran) => ran.end.code)).toEqual([0, 0]);
    expect(rig.proxy().seen(COMMIT)).toHaveLength(2);
    const tags = (await layerTags()).filter((tag) => tag.endsWith(both[0]?.layers[0]?.key ?? '-'));
    expect(tags).toHaveLength(1);
    expectSame(await project.ledger(), before);
  });

  // @verifies AC-docker-commit-time
  it('a commit may take longer than any other request', async () => {
    const project = await rig.project();
    const limit = { requestTimeoutMs: 5000 };
    const hold = rig.proxy().rule(COMMIT, { do: 'hold' }, 1);
    const place = project.place({ base: { setup: [{ id: 'big', run: 'echo big > /big' }] } }, limit);
    const checked = check(place, 'cat /big');
    await hold.met;
    // A request of the same limit that began after the commit runs into it, and the commit is awaited still.
    const asked = rig.proxy().rule(/^GET \/images\/coherence-test/, { do: 'hold' }, Infinity);
    const other = await project
      .place({ base: {} }, limit)
      .open({ environment: 'base', batch: batchOf('b'), signal: never });
    await asked.met;
    expect(other).toMatchObject({
      ok: false,
      reason: 'infra',
      message: expect.stringMatching(/time|within/i) as string,
    });
    asked.remove();
    asked.release();
    hold.release();
    expect((await checked).out).toBe('big\n');
  });
});
