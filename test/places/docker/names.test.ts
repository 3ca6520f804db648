import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layerKey, type LayerRecipe } from '../../../src/places/docker/keys.js';
import { layerKeyOf, layerReference, parseReference, runTag, runTagOf } from '../../../src/places/docker/names.js';
import { closeOwner, hostId, openOwner, ownerState } from '../../../src/places/docker/owner.js';
import { processStat } from '../../../src/util/process.js';

const RECIPE: LayerRecipe = {
  parent: 'sha256:aa',
  command: 'apk add build-base',
  shell: ['sh', '-ec'],
  user: '0:0',
  workdir: '/workspace',
  env: { LANG: 'C.UTF-8', TZ: 'UTC' },
  inputs: ['package.json', 'file', '644', 'ff'],
  platform: 'linux/amd64/',
  mounts: ['/workspace:rw', '/inputs:ro'],
  network: 'none',
};

describe('layer keys', () => {
  // @verifies AC-docker-key-complete
  it('golden vectors: another algorithm is another schema', () => {
    expect(layerKey(RECIPE)).toBe('a0e42ce452640ecfca896838803f9dcd1ce309103f0c1ce613662c97ad470108');
    expect(layerKey({ ...RECIPE, env: {}, inputs: [] })).toBe(
      '8e8ba5c9bcecf3f80c713f15ebca75344675617f5709d289ac96659c959cc7f5',
    );
  });

  // @verifies AC-docker-key-complete
  it('every part counts, and no two ways to cut the same text meet', () => {
    const others: LayerRecipe[] = [
      { ...RECIPE, parent: 'sha256:ab' },
      { ...RECIPE, command: 'apk add build-base ' },
      { ...RECIPE, shell: ['sh', '-e', 'c'] },
      { ...RECIPE, shell: ['sh -ec'] },
      { ...RECIPE, user: '0' },
      { ...RECIPE, workdir: '/' },
      { ...RECIPE, env: { LANG: 'C.UTF-8' } },
      { ...RECIPE, env: { LANG: 'C.UTF-8T', Z: 'UTC' } },
      { ...RECIPE, env: { LANG: 'C.UTF-8', TZ: 'UTC', A: '' } },
      { ...RECIPE, inputs: ['package.json', 'file', '755', 'ff'] },
      { ...RECIPE, inputs: ['package.json', 'file', null, 'ff'] },
      { ...RECIPE, inputs: [] },
      { ...RECIPE, platform: 'linux/arm64/' },
      { ...RECIPE, mounts: ['/workspace:rw'] },
      { ...RECIPE, network: 'bridge' },
    ];
    expect(new Set([RECIPE, ...others].map(layerKey)).size).toBe(others.length + 1);
    expect(layerKey({ ...RECIPE, env: { TZ: 'UTC', LANG: 'C.UTF-8' } })).toBe(layerKey(RECIPE));
    for (const between of ['', '|', ',', '\n', '\0', ':', '=', ' ']) {
      const left = { ...RECIPE, user: `a${between}workdir${between}b`, workdir: 'c' };
      expect(layerKey(left)).not.toBe(layerKey({ ...RECIPE, user: 'a', workdir: `b${between}workdir${between}c` }));
    }
    fc.assert(
      fc.property(
        fc.array(fc.string(), { maxLength: 4 }),
        fc.array(fc.string(), { maxLength: 4 }),
        fc.array(fc.string(), { maxLength: 4 }),
        fc.array(fc.string(), { maxLength: 4 }),
        (a, b, c, d) => {
          const same = JSON.stringify([a, b]) === JSON.stringify([c, d]);
          expect(layerKey({ ...RECIPE, shell: a, inputs: b }) === layerKey({ ...RECIPE, shell: c, inputs: d })).toBe(
            same,
          );
        },
      ),
    );
  });
});

describe('names on the daemon', () => {
  // @verifies AC-docker-names
  it('a name is split at the last colon after the last slash', () => {
    expect(parseReference('registry:5000/team/image')).toBeNull();
    expect(parseReference('registry:5000/team/image:1')).toEqual({ repository: 'registry:5000/team/image', tag: '1' });
    expect(parseReference('image@sha256:00')).toBeNull();
  });

  // @verifies AC-docker-names
  it('only exactly our names are ours', () => {
    const ours = runTag('lease', '01abc', 3, 'aa.1.2.b');
    expect(`${ours.repository}:${ours.tag}`).toBe('coherence-lease/01abc:3.aa.1.2.b');
    expect(runTagOf('coherence-lease/01abc:3.aa.1.2.b')).toEqual({ kind: 'lease', run: '01abc', process: 'aa.1.2.b' });
    for (const other of [
      'coherence-eph-backup/x:1.a',
      'x/coherence-eph/a:1.a',
      'localhost:5000/coherence-eph/a:1.a',
      'coherence-eph/a/b:1.a',
      'coherence-eph/A:1.a',
      'coherence-eph/a:latest',
      'coherence-eph/a',
      'coherence-layer:1.a',
    ])
      expect([other, runTagOf(other)]).toEqual([other, null]);
    const key = 'a1'.repeat(32);
    expect(layerReference(key)).toMatch(/^[a-z][a-z-]*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/);
    expect(layerKeyOf(layerReference(key))).toBe(key);
    for (const other of [
      `x/coherence-layer:${key}`,
      `coherence-layer:${key}0`,
      'coherence-layer:latest',
      `coherence-layers:${key}`,
    ])
      expect(layerKeyOf(other)).toBeNull();
  });
});

describe('owners', () => {
  // @verifies AC-docker-sweep
  it('only a process of this machine that is certainly gone is dead', async () => {
    const host = await hostId();
    const owner = await openOwner('01RUN');
    expect(owner.run).toBe('01run');
    expect(await ownerState(owner.run, owner.process)).toBe('alive');
    closeOwner(owner);
    expect(await ownerState(owner.run, owner.process)).toBe('dead');
    const [, , , boot = ''] = owner.process.split('.');
    const parent = processStat(process.ppid);
    expect(await ownerState('x', `${host}.${process.ppid}.${parent?.startTicks ?? 0}.${boot}`)).toBe('alive');
    expect(await ownerState('x', `${host}.${process.ppid}.${(parent?.startTicks ?? 0) + 1}.${boot}`)).toBe('dead'); // the pid was given to another
    expect(await ownerState('x', `${host}.${process.ppid}.${parent?.startTicks ?? 0}.ffff`)).toBe('dead'); // before the last boot
    for (const other of ['', 'nonsense', `${'0'.repeat(16)}.1.1.${boot}`, `${host}.1.1`])
      expect(await ownerState('x', other)).toBe('foreign');
  });
});
