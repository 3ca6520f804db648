import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProgram } from '../../src/util/process.js';
import { command, type Driven } from './program.js';
import { doltHere, newProject, temporary, type TestProject } from './rig.js';

const real = describe.skipIf(!doltHere);

const SPEC = `id: SPEC-shop
title: Shop
level: module
status: active
criteria:
  - id: AC-shop-good
    title: It works
    verified_by:
      - run: test -f specs/shop.yaml
  - id: AC-shop-bad
    title: It fails
    verified_by:
      - run: exit 3
  - id: AC-shop-gap
    title: Nobody looks
    gap: not yet
`;

/** PATH with what a project needs, and no dolt. */
async function pathWithoutDolt(): Promise<string> {
  const folder = join(await temporary('path'), 'bin');
  await mkdir(folder);
  for (const name of ['node', 'git', 'sh', 'bash', 'env', 'test', 'flock', 'sync', 'ps', 'setpriv', 'unshare']) {
    const found = name === 'node' ? process.execPath : await findProgram(name);
    if (found !== null) await symlink(found, join(folder, name)).catch(() => undefined);
  }
  return folder;
}

async function committed(): Promise<TestProject> {
  const at = await newProject();
  await at.write('specs/shop.yaml', SPEC);
  await at.git('add', '.');
  await at.git('commit', '-qm', 'one');
  return at;
}

interface Verified {
  readonly specs: readonly {
    readonly criteria: readonly { readonly id: string; readonly verdict: string; readonly reason: string }[];
  }[];
}
const verdicts = (answer: Driven): unknown =>
  (JSON.parse(answer.stdout) as Verified).specs.flatMap((spec) =>
    spec.criteria.map(({ id, verdict, reason }) => [id, verdict, reason]),
  );
interface Covered {
  readonly total: Readonly<Record<'specified' | 'traced' | 'executed' | 'passed', number>>;
}
const numbers = (answer: Driven): unknown => {
  const { specified, traced, executed, passed } = (JSON.parse(answer.stdout) as Covered).total;
  return [specified, traced, executed, passed];
};

real('from the command line', () => {
  // @verifies AC-store-sync-pending
  it('every command that only reads says when files and store differ', async () => {
    const at = await committed();
    expect(await command(at, ['store', 'start'])).toMatchObject({ code: 0 });
    expect(await command(at, ['sync'])).toMatchObject({ code: 0 });
    const reading = [
      ['check'],
      ['links'],
      ['spec', 'list'],
      ['spec', 'show', 'SPEC-shop'],
      ['ac', 'list'],
      ['ac', 'show', 'AC-shop-good'],
      ['suggest'],
      ['coverage'],
      ['export', '--check'],
      ['export', '--format', 'jsonl'],
    ];
    const notes = async (...commands: readonly (readonly string[])[]): Promise<readonly boolean[]> => {
      const said: boolean[] = [];
      for (const args of commands) said.push((await command(at, args)).stderr.includes('sync pending'));
      return said;
    };
    expect(await notes(['spec', 'list'], ['export', '--check'])).toEqual([false, false]);
    await at.write('specs/shop.yaml', SPEC.replace('It works', 'It works well'));
    expect(await notes(...reading)).toEqual(reading.map(() => true));
    expect(await notes(['spec', 'list', '--at', 'HEAD'], ['spec', 'list', '--quiet'])).toEqual([false, false]);
  });

  // @verifies AC-store-no-dolt
  it('files give the same verdicts with a store, without one, and with one whose Dolt is gone; history says how to get it', async () => {
    const at = await committed();
    const noDolt = { PATH: await pathWithoutDolt(), COHERENCE_CACHE_DIR: await temporary('cache') };
    expect(await command(at, ['store', 'start'])).toMatchObject({ code: 0 });
    expect(await command(at, ['store', 'stop'])).toMatchObject({ code: 0 });
    const answers: unknown[] = [];
    for (const env of [{}, noDolt, { ...noDolt, COHERENCE_STATE_DIR: await temporary('state') }]) {
      const [checked, verified, covered, exported] = [
        await command(at, ['check'], env),
        await command(at, ['verify', 'SPEC-shop', '--json', '--no-cache'], env),
        await command(at, ['coverage', '--json'], env),
        await command(at, ['export', '--format', 'jsonl'], env),
      ];
      answers.push({
        codes: [checked.code, verified.code, covered.code, exported.code],
        check: checked.stdout,
        verdicts: verdicts(verified),
        numbers: numbers(covered),
        export: exported.stdout,
      });
      // Also a read may have started the server again.
      if (Object.keys(env).length === 0) expect(await command(at, ['store', 'stop'])).toMatchObject({ code: 0 });
      if (Object.keys(env).length === 0) continue;
      const head = '0'.repeat(32);
      const history = [
        ['store', 'log'],
        ['store', 'blame', 'SPEC-shop'],
        ['store', 'diff', 'HEAD~1..HEAD'],
        ['store', 'trend'],
        ['spec', 'show', 'SPEC-shop', '--at', head],
        ['coverage', '--at', head],
      ];
      // All of them where a store was made; without one it is the same answer.
      for (const args of env === noDolt ? history : history.slice(-2)) {
        const refused = await command(at, args, env);
        expect([args, refused.code, refused.stdout]).toEqual([args, 69, '']);
        expect(refused.stderr).toMatch(/coherence doctor --fix|coherence store start/);
      }
    }
    expect(answers[0]).toMatchObject({
      codes: [0, 1, 0, 0],
      verdicts: [
        ['AC-shop-good', 'PASS', 'exit-code'],
        ['AC-shop-bad', 'FAIL', 'exit-code'],
        ['AC-shop-gap', 'SKIP', 'gap'],
      ],
      numbers: [3, 2, 2, 1],
    });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  // @verifies AC-store-outbox
  it('verdicts of verify reach the store, also those made while its server was dead, and coverage --at has them', async () => {
    const at = await committed();
    expect(await command(at, ['store', 'start'])).toMatchObject({ code: 0 });
    const status = async (): Promise<{
      readonly pid: number;
      readonly pending_runs: number;
      readonly refused_runs: number;
    }> => JSON.parse((await command(at, ['store', 'status', '--json'])).stdout) as never;
    for (let run = 0; run < 2; run += 1) {
      process.kill((await status()).pid, 'SIGKILL');
      expect(await command(at, ['verify', '--all', '--no-cache'])).toMatchObject({ code: 1 });
      expect((await status()).pending_runs).toBe(run + 1);
      if (run === 0) expect(await command(at, ['store', 'log'])).toMatchObject({ code: 0 });
      if (run === 0) expect((await status()).pending_runs).toBe(0);
      if (run === 0) await command(at, ['verify', '--all', '--no-cache']);
    }
    const trend = await command(at, ['store', 'trend', '--json']);
    const points = (
      JSON.parse(trend.stdout) as {
        readonly trend: readonly { readonly pass: number; readonly fail: number; readonly skip: number }[];
      }
    ).trend;
    expect(points.map(({ pass, fail, skip }) => [pass, fail, skip])).toEqual([1, 2, 3].map(() => [1, 1, 1]));
    expect(await status()).toMatchObject({ pending_runs: 0, refused_runs: 0 });
    const log = JSON.parse((await command(at, ['store', 'log', '--json'])).stdout) as {
      readonly log: readonly { readonly commit: string }[];
    };
    const [newest, oldest] = [log.log[0]?.commit ?? '', log.log.at(-1)?.commit ?? ''];
    expect(numbers(await command(at, ['coverage', '--json', '--at', newest]))).toEqual([3, 2, 2, 1]);
    expect(await command(at, ['coverage', '--json', '--at', oldest])).toMatchObject({ code: 0 });
    expect(await command(at, ['spec', 'show', 'SPEC-shop', '--at', newest])).toMatchObject({ code: 0 });
  });
});
