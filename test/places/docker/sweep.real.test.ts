/** What a killed run leaves and who may clean it up; a run that is interrupted; a run of a user who is not root. */
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import type { DeclaredEnvironment } from '../../../src/model/index.js';
import { dockerGc, sweepDeadRuns } from '../../../src/places/docker/index.js';
import { hostId } from '../../../src/places/docker/owner.js';
import { bootId, endTree, newNonce, startChild } from '../../../src/util/process.js';
import { ulid } from '../../../src/util/ulid.js';
import { BASE, absent, check, dockerRig, expectSame, type Project } from './rig.js';
import type { DriverRequest } from './driver.js';

interface Driven {
  readonly pid: number;
  readonly ended: Promise<number | null>;
  /** All that it printed, parsed. */
  readonly said: Record<string, unknown>[];
  errors(): string;
  line(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

describe.skipIf(absent !== null)('what killed runs leave', () => {
  const rig = dockerRig();
  let program = '';
  beforeAll(async () => {
    if (absent !== null) return;
    program = join(rig.folder(), 'driver.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, 'driver.ts')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: program,
      packages: 'external',
      logLevel: 'error',
    });
  });

  const drive = (
    project: Project,
    line: string,
    environment: Partial<DeclaredEnvironment> = {},
    user: number | null = null,
    more: Partial<DriverRequest> = {},
  ): Driven => {
    const request: DriverRequest = {
      options: {
        root: project.root,
        environments: { base: { image: BASE, pull: 'never', ...environment } },
        layerCapacity: 64,
        stateFolder: project.state,
        cacheFolder: project.cache,
        outputFolder: project.output,
        runId: ulid(),
        jobs: 1,
        env: { DOCKER_HOST: rig.proxy().host },
      },
      line,
      ...more,
    };
    const command = [
      ...(user === null ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups']),
      process.execPath,
      program,
      JSON.stringify(request),
    ];
    const nonce = newNonce();
    const child: ChildProcess = startChild(command, {
      cwd: rig.folder(),
      nonce,
      env: { PATH: process.env['PATH'], NODE_PATH: join(process.cwd(), 'node_modules') },
    });
    const said: Record<string, unknown>[] = [];
    let rest = '';
    let errors = '';
    let heard = (): void => undefined;
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) said.push(JSON.parse(text) as Record<string, unknown>);
      heard();
    });
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
    let exited = false;
    const ended = new Promise<number | null>((resolve) =>
      child.once('close', (code) => {
        exited = true;
        heard();
        void endTree(child.pid ?? 0, nonce, 0).then(() => resolve(code));
      }),
    );
    return {
      pid: child.pid ?? 0,
      ended,
      said,
      errors: () => errors,
      line: async (text) => {
        while (!said.some((item) => item['line'] === text)) {
          if (exited) throw new Error(`the driver ended: ${errors}${JSON.stringify(said)}`);
          await new Promise<void>((resolve) => (heard = resolve));
        }
      },
      kill: (signal) => child.kill(signal),
    };
  };
  const names = async (filter: string): Promise<string[]> =>
    (await rig.docker('images', '--format', '{{.Repository}}:{{.Tag}}', filter))
      .split('\n')
      .filter((line) => line !== '');
  const runTags = async (): Promise<string[]> =>
    [...(await names('coherence-eph/*')), ...(await names('coherence-lease/*'))].sort();

  // @verifies AC-docker-sweep, AC-docker-gc-guarded
  it('the next start removes what a killed run left, and nothing of a live run, another host or the user', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const environment = { setup: [{ id: 's', run: 'echo layer > /layer' }] };
    const live = drive(
      project,
      'echo up; read _ < /dev/null; while test ! -e /workspace/stop; do sleep 0.1; done; cat /layer; exit 4',
      environment,
    );
    await live.line('up');
    const dead = drive(project, 'echo up; sleep 600', environment);
    await dead.line('up');
    const running = (await rig.docker('ps', '-q', '--no-trunc')).split('\n');
    expect(running).toHaveLength(2);
    dead.kill('SIGKILL');
    await dead.ended;
    // A commit that was under way, seen from outside: an ephemeral name of the dead process.
    const [lease = ''] = (await runTags()).filter((tag) => tag.includes(`.${dead.pid}.`));
    await rig.docker('tag', BASE, lease.replace('coherence-lease', 'coherence-eph'));
    // Of others: the user's container from one of our layers, another host's lease, an unknown form, a name that looks alike.
    const [layer = ''] = await names('coherence-layer');
    await rig.docker('run', '-d', '--name', 'of-the-user', '--network', 'none', '--entrypoint', 'sleep', layer, '600');
    await rig.docker('tag', BASE, `coherence-lease/abc:1.${'0'.repeat(16)}.1.1.0`);
    await rig.docker('tag', BASE, 'coherence-eph/someone:else');
    await rig.docker(
      'run',
      '-d',
      '--name',
      'of-another-host',
      '--network',
      'none',
      '--label',
      'coherence.kind=check',
      '--label',
      'coherence.run=x',
      '--label',
      `coherence.process=${'0'.repeat(16)}.1.1.0`,
      BASE,
      'sleep',
      '600',
    );
    await mkdir(join(project.state, 'docker', 'runs', 'unknown'));

    const third = project.place({ base: environment });
    expect((await check(third, 'cat /layer')).out).toBe('layer\n');
    await third.close();
    const containers = (await rig.docker('ps', '--format', '{{.Names}}')).split('\n');
    expect(containers).toHaveLength(3);
    expect(containers).toContain('of-the-user');
    expect(containers).toContain('of-another-host');
    const tags = await runTags();
    expect(tags.filter((tag) => tag.includes(`.${dead.pid}.`))).toEqual([]);
    expect(tags.filter((tag) => tag.includes(`.${live.pid}.`))).toHaveLength(1);
    expect(tags).toContain('coherence-eph/someone:else');
    expect(tags).toContain(`coherence-lease/abc:1.${'0'.repeat(16)}.1.1.0`);
    expect((await readdir(join(project.state, 'docker', 'runs'))).length).toBe(2);

    // The live run goes on undisturbed, also by a gc.
    expect(
      await dockerGc({
        env: { DOCKER_HOST: rig.proxy().host },
        all: true,
        layerCapacity: 1,
        stateFolder: project.state,
        cacheFolder: project.cache,
      }),
    ).toMatchObject({ ok: true, removed: { layers: 0 } });
    const [id = ''] = (await rig.docker('ps', '-q', '--filter', 'name=coherence-')).split('\n');
    await rig.docker('exec', id, 'touch', '/workspace/stop');
    expect(await live.ended).toBe(0);
    expect(live.said.at(-1)).toMatchObject({ type: 'ran', end: { code: 4 }, trouble: null });
    await rig.docker('rm', '-f', 'of-the-user', 'of-another-host');
    await rig.docker('rmi', `coherence-lease/abc:1.${'0'.repeat(16)}.1.1.0`, 'coherence-eph/someone:else');
    const { rm } = await import('node:fs/promises');
    await rm(join(project.state, 'docker', 'runs', 'unknown'), { recursive: true });
    expectSame(await project.ledger(), before);
  });

  // @verifies AC-docker-sweep
  it('a run killed during set-up leaves a container that the next start removes, and no layer', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const held = rig.proxy().rule(/^POST \/commit/, { do: 'hold' }, 1);
    const dead = drive(project, 'true', { setup: [{ id: 's', run: 'echo never > /never' }] });
    await held.met;
    dead.kill('SIGKILL');
    await dead.ended;
    held.release(); // the daemon commits although nobody waits any more
    while ((await runTags()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await sweepDeadRuns({ env: { DOCKER_HOST: rig.proxy().host }, stateFolder: project.state })).toEqual({
      containers: 1,
      tags: 1,
      folders: 1,
    });
    expect(await project.ledger()).toEqual(before);
  });

  // @verifies AC-docker-cancel
  it('an interrupted run ends with 130, and at that moment nothing of it is left', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const run = drive(project, 'trap "" INT TERM; echo up; sleep 600');
    await run.line('up');
    run.kill('SIGINT');
    const code = await run.ended;
    const after = await project.ledger();
    expect(code).toBe(130);
    expectSame(after, before);
    expect(run.said.at(-1)).toMatchObject({ type: 'ran', end: { canceled: true, code: null } });
  });

  // @verifies AC-docker-ownership
  it("a user who is not root gets back what the container's root made", async () => {
    const project = await rig.project({ 'a.txt': 'a\n' });
    const user = 54321;
    for (const path of [project.state, project.cache, project.output, project.root, join(project.root, 'a.txt')])
      await chown(path, user, user);
    await chmod(rig.proxy().socket, 0o666);
    const before = await project.ledger();
    const run = drive(
      project,
      'id -u; echo b >> a.txt && mkdir -p deep/er && echo x > deep/er/x && chmod 000 deep/er/x && chmod 700 deep/er deep && echo report > /coherence/reports/r && chmod 600 /coherence/reports/r && cat /layer',
      { setup: [{ id: 's', run: 'echo layer > /layer; true' }] },
      user,
      { report: 'r' },
    );
    expect({ code: await run.ended, errors: run.errors() }).toEqual({ code: 0, errors: '' });
    expect(run.said.at(-1)).toMatchObject({ type: 'ran', end: { code: 0 }, trouble: null, report: 'report\n' });
    expect(run.said.filter((item) => item['type'] === 'note')).toEqual([]);
    expectSame(await project.ledger(), before);
    expect(rig.proxy().seen(/^POST \/containers\/[^/]+\/start/)).toHaveLength(3); // set-up, check, handing back: the check itself once
  });

  // @verifies AC-docker-sweep
  it('residue of this very process counts as dead once its run was closed', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const stat = await import('../../../src/util/process.js');
    const mark = `${await hostId()}.${process.pid}.${stat.processStat(process.pid)?.startTicks ?? 0}.${bootId().replaceAll('-', '').slice(0, 12)}`;
    await rig.docker(
      'run',
      '-d',
      '--network',
      'none',
      '--label',
      'coherence.kind=check',
      '--label',
      'coherence.run=closedlongago',
      '--label',
      `coherence.process=${mark}`,
      BASE,
      'sleep',
      '600',
    );
    const folder = join(project.state, 'docker', 'runs', 'closedlongago');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'owner.json'), JSON.stringify({ run: 'closedlongago', process: mark }));
    expect(await sweepDeadRuns({ env: { DOCKER_HOST: rig.proxy().host }, stateFolder: project.state })).toEqual({
      containers: 1,
      tags: 0,
      folders: 1,
    });
    expect(await project.ledger()).toEqual(before);
  });
});
