/** Containers of runs whose daemon was killed: with a real, private dockerd. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDockerd, whyNot, type PrivateDaemon } from '../../scripts/dockerd.mjs';
import { capture } from '../../src/util/process.js';
import { BASE, importBusybox } from '../rig/docker-image.js';
import { box, kill9, lives, until, type Box } from './rig.js';

const absent = process.env['CI'] === 'true' ? null : whyNot();

describe.skipIf(absent !== null)('a daemon with runs in containers', () => {
  let daemon: PrivateDaemon | null = null;
  let folder = '';
  const host = (): string => {
    if (daemon === null) throw new Error('dockerd was not started');
    return daemon.host;
  };
  const docker = async (...args: string[]): Promise<readonly string[]> => {
    const done = await capture({ command: ['docker', '-H', host(), ...args], cwd: folder });
    if (!done.ok) throw new Error(`docker ${args.join(' ')}: ${done.stderr}`);
    return done.stdout.split('\n').filter((line) => line !== '');
  };
  const ours = async (): Promise<readonly string[]> => docker('ps', '-aq', '--filter', 'label=coherence.run');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coh-orch-docker-'));
    await chmod(folder, 0o711);
    daemon = await startDockerd(join(folder, 'd'));
    await importBusybox(folder, daemon.host, BASE, []);
  });
  afterAll(async () => {
    await daemon?.stop();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  const project = async (): Promise<Box> => {
    const test = await box({
      config: {
        tick_interval_ms: 100,
        pool: { term_grace_ms: 300 },
        docker: { environments: { base: { image: BASE, pull: 'never' } } },
      },
      files: {
        'specs/boxed.yaml':
          'id: SPEC-boxed\ntitle: boxed\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-boxed-1\n    title: quick\n    verified_by:\n      - run: "true"\n        in: docker\n        environment: base\n  - id: AC-boxed-2\n    title: slow\n    verified_by:\n      - run: echo at work && sleep 5\n        in: docker\n        environment: base\n',
      },
    });
    // The private dockerd sees this machine's files; the workspace must be open to it.
    await chmod(test.folder, 0o711);
    return test;
  };

  // @verifies AC-orchestrator-containers
  it('K9 in a container: killed in the middle of a run, the next boot removes its container and no other, and the run resumes', async () => {
    await using test = await project();
    const env = { DOCKER_HOST: host() };
    const [stranger = ''] = await docker('run', '-d', '--label', 'mine=1', BASE, 'sleep', '600');
    const killed = await test.start(env);
    const [run = ''] = await test.queue('SPEC-boxed');
    await until(
      async () =>
        (await test.show(run)).criteria.length === 1 &&
        (await docker('ps', '-q', '--filter', 'label=coherence.run')).length === 1,
      'the second check in its container',
      60_000,
    );
    await kill9(killed);
    // Nobody is left to clean up: the worker dies at the same moment.
    for (const { pid } of test.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended with the daemon.
      }
    }
    await until(() => test.processes().length === 0, 'the end of the worker');
    const left = await ours();
    expect(left).toHaveLength(1);
    const next = await test.start({ ...env, COHERENCE_MAX_WORKERS: '0' });
    expect(await ours()).toEqual([]);
    expect((await test.log('pool.containers')).at(-1)).toMatchObject({ containers: 1 });
    const events = (await test.log()).map((entry) => entry.event);
    expect(events.lastIndexOf('pool.boot_reap')).toBeLessThan(events.lastIndexOf('pool.containers'));
    expect(events.lastIndexOf('pool.containers')).toBeLessThan(events.lastIndexOf('daemon.ready'));
    expect(lives(next)).toBe(true);
    await test.coherence(['daemon', 'stop']);
    await test.start(env);
    expect((await test.ended([run], 60_000))[0]).toMatchObject({
      verdict: 'PASS',
      attempt: 2,
      criteria: [
        { id: 'AC-boxed-1', attempt: 1 },
        { id: 'AC-boxed-2', attempt: 2 },
      ],
    });
    expect(await ours()).toEqual([]);
    expect(await docker('ps', '-q', '--no-trunc', '--filter', 'label=mine=1')).toEqual([stranger]);
    await docker('rm', '-f', stranger);
  });

  // @verifies AC-orchestrator-containers
  it('F15: a Docker daemon that restarts under a test that has spoken makes it an ERROR, never a PASS; the orchestrator lives and the next run passes', async () => {
    await using test = await project();
    const env = { DOCKER_HOST: host() };
    const identity = await test.start(env);
    const [first = ''] = await test.queue('SPEC-boxed');
    await until(
      async () =>
        (await test.show(first)).criteria.length === 1 &&
        (await docker('ps', '-q', '--filter', 'label=coherence.run')).length === 1,
      'the second check in its container',
      60_000,
    );
    await daemon?.restart();
    expect((await test.ended([first], 60_000))[0]).toMatchObject({
      verdict: 'ERROR',
      criteria: [{ verdict: 'PASS' }, { verdict: 'ERROR' }],
    });
    expect(lives(identity)).toBe(true);
    const [second = ''] = await test.queue('SPEC-boxed');
    expect((await test.ended([second], 60_000))[0]).toMatchObject({ verdict: 'PASS' });
    await until(async () => (await ours()).length === 0, 'no container of ours');
    expect(JSON.parse(await readFile(join(test.repo, '.coherence/runs', second, 'run.json'), 'utf8'))).toMatchObject({
      summary: { pass: 2 },
    });
  });

  // @verifies AC-orchestrator-containers
  it('cancel ends the container of the run that works', async () => {
    await using test = await project();
    await test.start({ DOCKER_HOST: host() });
    const [run = ''] = await test.queue('SPEC-boxed');
    await until(
      async () =>
        (await test.show(run)).criteria.length === 1 &&
        (await docker('ps', '-q', '--filter', 'label=coherence.run')).length === 1,
      'the second check in its container',
      60_000,
    );
    expect((await test.coherence(['queue', 'cancel', run])).code).toBe(0);
    await until(async () => (await ours()).length === 0, 'no container of ours');
    expect(await test.show(run)).toMatchObject({
      state: 'done',
      verdict: 'ERROR',
      reason: 'canceled',
      criteria: [{ verdict: 'PASS' }, { verdict: 'ERROR', reason: 'canceled' }],
    });
  });
});
