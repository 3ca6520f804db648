/** Rows of the failure matrix that no other file of this folder has: back ends that are missing or down, forks that fail, damaged rows. */
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDolt } from '../../src/store/index.js';
import { findProgram, identityOf } from '../../src/util/process.js';
import { projectFiles } from '../runners/cargo/warm-project.js';
import { BIN, box, dead, entriesIn, isRoot, lives, until, type Box } from './rig.js';

const CI = process.env['CI'] === 'true';
const cargo = await findProgram('cargo');
const dolt = await findDolt({
  doltBin: null,
  cache: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'coherence'),
  env: process.env,
});
const QUICK = { tick_interval_ms: 100, spawn_jitter_min_ms: 0, spawn_jitter_max_ms: 0, pool: { term_grace_ms: 300 } };

const CRATE =
  'id: SPEC-crate\ntitle: crate\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-crate-1\n    title: answers\n    verified_by:\n      - test: src/lib.rs::answers\n        runner: cargo\n  - id: AC-crate-2\n    title: says\n    verified_by:\n      - run: ./probe.sh 0 0\n';
const crate = {
  config: QUICK,
  files: {
    ...projectFiles,
    '.gitignore': '/target\n.coherence/runs/\n.coherence/config.local.yaml\n',
    'specs/crate.yaml': CRATE,
  },
};
const two = {
  config: QUICK,
  probes: (self: Pick<Box, 'probe'>) => ({ 'specs/two.yaml': self.probe('two', { count: 2, sleep: 0.1 }) }),
};

describe('a back end', () => {
  // @verifies AC-orchestrator-backend-missing
  it('F14: cargo or Docker that is missing costs only its own criteria: SKIP(unavailable), the others run', async () => {
    await using test = await box({
      ...crate,
      files: {
        ...crate.files,
        'specs/boxed.yaml':
          'id: SPEC-boxed\ntitle: boxed\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-boxed-1\n    title: in a container\n    verified_by:\n      - run: ./probe.sh 0 0\n        in: docker\n        environment: base\n  - id: AC-boxed-2\n    title: outside\n    verified_by:\n      - run: ./probe.sh 0 0\n',
      },
    });
    await test.config({ ...QUICK, docker: { environments: { base: { image: 'debian:12' } } } });
    const bin = join(test.folder, 'bin');
    await test.exec(['mkdir', bin]);
    for (const name of ['sh', 'sleep', 'grep', 'cut', 'tr', 'flock', 'git', 'setpriv', 'unshare'])
      await test.exec(['sh', '-c', `ln -s "$(command -v ${name})" ${bin}/${name}`]);
    await test.start({ PATH: bin, DOCKER_HOST: `unix://${test.folder}/nothing.sock` });
    const runs = await test.queue('SPEC-crate', 'SPEC-boxed');
    expect(await test.ended(runs)).toMatchObject([
      {
        verdict: 'SKIP',
        criteria: [
          { id: 'AC-crate-1', verdict: 'SKIP', reason: 'unavailable:cargo' },
          { id: 'AC-crate-2', verdict: 'PASS' },
        ],
      },
      {
        verdict: 'SKIP',
        criteria: [
          { id: 'AC-boxed-1', verdict: 'SKIP', reason: 'unavailable:docker' },
          { id: 'AC-boxed-2', verdict: 'PASS' },
        ],
      },
    ]);
  });

  // @verifies AC-orchestrator-store-down
  it.skipIf(!dolt.ok && !CI)(
    'F16: a store that is down delays no verdict; they wait in the outbox, the status says so, and are taken in once when it runs (K11)',
    async () => {
      await using test = await box(two);
      const env = { COHERENCE_STORE__DOLT_BIN: dolt.ok ? dolt.value.path : '' };
      const ok = async (...args: string[]) => {
        const answer = await test.coherence(args, env);
        expect(answer.code, `${args.join(' ')}: ${answer.err}`).toBe(0);
        return answer;
      };
      await ok('store', 'start');
      await ok('store', 'stop');
      await test.start(env);
      const [run = ''] = await test.queue('SPEC-two');
      expect((await test.ended([run]))[0]).toMatchObject({ verdict: 'PASS' });
      await test.logged('worker.exit');
      expect(await test.status()).toMatchObject({ outbox_pending: 2 });
      expect((await test.coherence(['daemon', 'status'])).out).toContain('store: pending (2 verdicts wait)');
      // Nothing of the store was started for it.
      expect((await ok('store', 'status', '--json')).json()).toMatchObject({ running: false, pending_runs: 1 });
      await ok('store', 'start');
      await until(async () => Number((await test.status())['outbox_pending']) === 0, 'the empty outbox');
      expect(await runsInStore(test, env)).toEqual([{ id: run, pass: 2 }]);
      await ok('store', 'stop');
    },
  );

  // @verifies AC-orchestrator-store-down
  it.skipIf(!dolt.ok && !CI)(
    'K12: a daemon killed between the hand-over to the store and the note of it hands over again, and the store has the run once',
    async () => {
      await using test = await box(two);
      const env = { COHERENCE_STORE__DOLT_BIN: dolt.ok ? dolt.value.path : '' };
      expect((await test.coherence(['store', 'start'], env)).code).toBe(0);
      const daemon = await test.start({ ...env, COHERENCE_FAILPOINTS: 'K12=kill' });
      const [run = ''] = await test.queue('SPEC-two');
      await dead(daemon);
      const { database } = await test.journal();
      const pending = () =>
        Number(database.sql('SELECT count(*) AS n FROM outbox WHERE pushed_at IS NULL').get()?.['n']);
      expect(await test.show(run)).toMatchObject({ state: 'done', verdict: 'PASS' });
      expect(pending()).toBe(2);
      await test.start(env);
      await until(() => pending() === 0, 'the second hand-over');
      expect(await runsInStore(test, env)).toEqual([{ id: run, pass: 2 }]);
      expect((await test.coherence(['store', 'stop'], env)).code).toBe(0);
    },
  );

  // @verifies AC-orchestrator-warm-boot-killed
  it.skipIf(cargo === null && !CI)(
    'K17: a daemon killed in the middle of a warm boot leaves no cargo, and the run ends on the same warm directory',
    async () => {
      await using test = await box(crate);
      const env = {
        CARGO_HOME: process.env['CARGO_HOME'] ?? join(homedir(), '.cargo'),
        RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
      };
      const daemon = await test.start({ ...env, COHERENCE_FAILPOINTS: 'K17=kill' });
      const [run = ''] = await test.queue('SPEC-crate', '--speculative');
      await dead(daemon);
      await test.start(env);
      expect((await test.ended([run], 120_000))[0]).toMatchObject({
        verdict: 'PASS',
        criteria: [{ verdict: 'PASS' }, { verdict: 'PASS' }],
      });
      expect((await test.log('warm_boot.done')).at(-1)).toMatchObject({ run_id: run, status: 'Warmed' });
      expect((await test.coherence(['daemon', 'stop'])).code).toBe(0);
      expect(test.processes()).toEqual([]);
      expect(await test.worktrees()).toEqual([test.repo]);
    },
  );
});

async function runsInStore(test: Box, env: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await test.coherence(['store', 'trend', '--json'], env);
  expect(answer.code, answer.err).toBe(0);
  return answer.json<{ trend: { run: string; pass: number }[] }>().trend.map(({ run, pass }) => ({ id: run, pass }));
}

describe('a journal', () => {
  // @verifies AC-orchestrator-quarantine
  it('F18: with a corrupt resume row still boots; the row is kept aside, said, and the run starts from its first criterion', async () => {
    await using test = await box(two);
    const daemon = await test.start({ COHERENCE_FAILPOINTS: 'K9=kill' });
    const [run = ''] = await test.enqueue(['SPEC-two']);
    await dead(daemon);
    const { database } = await test.journal();
    database.sql('UPDATE resume_map SET completed=\'[{"ac":\' WHERE run_id=:run').run({ run });
    await test.start();
    expect(await test.log('resume.quarantined')).toMatchObject([{ run_id: run, why: expect.any(String) }]);
    expect((await test.ended([run]))[0]).toMatchObject({
      verdict: 'PASS',
      attempt: 2,
      criteria: [{ attempt: 2 }, { attempt: 2 }],
    });
    expect(database.sql('SELECT source, key FROM quarantine').all()).toEqual([{ source: 'resume_map', key: run }]);
    expect((await test.marks()).filter((mark) => mark.what === 'start' && mark.ac === 'AC-two-1')).toHaveLength(2);
  });
});

describe('the machine', () => {
  // @verifies AC-orchestrator-fork-fails
  it.skipIf(!isRoot && !CI)(
    'F23: that cannot fork stops the batch, the daemon lives, and the runs end when it can again',
    async () => {
      await using test = await box({ ...two, config: { ...QUICK, retry_count: 10, max_workers: 4 } });
      // A user of its own: the limit counts all processes of a user.
      const uid = '61234';
      expect((await test.exec(['chown', '-R', `${uid}:${uid}`, test.folder])).code).toBe(0);
      const user = ['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups'];
      const as = (args: readonly string[]) => test.exec([...user, process.execPath, BIN, ...args]);
      const started = await as(['daemon', 'start']);
      expect(started.code, started.err).toBe(0);
      const pid = await test.daemonPid();
      const identity = identityOf(pid);
      const hard =
        /^Max processes\s+\S+\s+(\S+)/m.exec(await readFile(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? 'unlimited';
      const limit = async (count: string): Promise<void> => {
        const set = await test.exec([...user, 'prlimit', '--pid', String(pid), `--nproc=${count}:${hard}`]);
        expect(set.code, set.err).toBe(0);
      };
      await limit('1');
      const runs = [
        (await as(['queue', 'add', 'SPEC-two'])).out.trim(),
        (await as(['queue', 'add', 'SPEC-two'])).out.trim(),
      ];
      const failed = await test.logged('worker.start_failed');
      expect(failed).toMatchObject({ reason: 'spawn', error: expect.stringContaining('EAGAIN') });
      expect(await test.log('worker.start')).toEqual([]);
      expect(identity !== null && lives(identity)).toBe(true);
      await limit(hard);
      expect((await test.ended(runs)).map((run) => run.verdict)).toEqual(['PASS', 'PASS']);
      await as(['daemon', 'stop', '--now']);
    },
  );

  // @verifies AC-orchestrator-signals
  it('F24: a hangup while the daemon drains is ignored', async () => {
    await using test = await box({
      config: QUICK,
      probes: (self) => ({
        'specs/gate.yaml': self.probe('gate', { script: './wait.sh' }),
        'wait.sh': '#!/bin/sh\necho at >> "$BOX/waiting"\nwhile [ ! -e "$BOX/open" ]; do sleep 0.05; done\n',
      }),
    });
    const daemon = await test.start();
    const [run = ''] = await test.enqueue(['SPEC-gate']);
    await until(async () => (await entriesIn(test.folder)).includes('waiting'), 'the test');
    process.kill(daemon.pid, 'SIGTERM');
    await test.logged('daemon.stop');
    await test.config({ ...QUICK, max_workers: 9 });
    process.kill(daemon.pid, 'SIGHUP');
    expect((await test.coherence(['daemon', 'reload'])).code).toBe(75);
    expect((await test.coherence(['queue', 'add', 'SPEC-gate'])).code).toBe(75);
    await writeFile(join(test.folder, 'open'), '');
    await dead(daemon);
    expect(await test.log('reload.applied')).toEqual([]);
    expect(await test.show(run)).toMatchObject({ state: 'done', verdict: 'PASS', attempt: 1 });
  });

  // @verifies AC-orchestrator-warm-gc
  it('F2: warm cargo directories over their age go at boot, those of queued sessions and young ones stay', async () => {
    await using test = await box({ ...two, config: { ...QUICK, max_workers: 0 } });
    const made = async (session: string, ageHours: number): Promise<string> => {
      const folder = join(test.folder, 'cache', `target-${session}`);
      await mkdir(folder);
      const when = new Date(Date.now() - ageHours * 3_600_000);
      for (const path of [join(folder, '.coherence.lock'), join(folder, 'artifact')]) {
        await writeFile(path, 'x');
        await utimes(path, when, when);
      }
      await utimes(folder, when, when);
      return folder;
    };
    const old = await made('old', 100);
    await made('young', 1);
    await made('queued', 100);
    await test.enqueue(['SPEC-two'], { session: 'queued' });
    await test.start();
    expect(await test.logged('warm.gc')).toMatchObject({ removed: [old] });
    expect(
      (await entriesIn(join(test.folder, 'cache'))).filter((name) => name.startsWith('target-')).toSorted(),
    ).toEqual(['target-queued', 'target-young']);
  });

  // @verifies AC-orchestrator-config-edit
  it('F5: `config set` on a file that cannot be read leaves its bytes and exits 65; a bad value or key is 64', async () => {
    await using test = await box(two);
    const path = join(test.repo, '.coherence/config.yaml');
    await writeFile(path, '# mine\nmax_workers: [1,\nspawns_per_tick: 3 # keep\n');
    const before = await readFile(path);
    const refused = await test.coherence(['config', 'set', 'spawns_per_tick', '7']);
    expect(refused).toMatchObject({ code: 65, err: expect.stringContaining('config.yaml:') });
    expect((await readFile(path)).equals(before)).toBe(true);
    await rm(path);
    await writeFile(path, '# mine\nspawns_per_tick: 3 # keep\nmax_workers: 4\n');
    for (const [key, value] of [
      ['spawns_per_tick', 'banana'],
      ['spawns_per_tick', '-1'],
      ['spawn_per_tick', '3'],
    ] as const)
      expect((await test.coherence(['config', 'set', key, value])).code, key + value).toBe(64);
    expect(await test.coherence(['config', 'set', 'spawns_per_tick', '7'])).toMatchObject({
      code: 0,
      out: 'set spawns_per_tick = 7\n',
    });
    expect(await readFile(path, 'utf8')).toBe('# mine\nspawns_per_tick: 7 # keep\nmax_workers: 4\n');
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        test.coherence(['config', 'set', 'max_workers', String(index + 1)]),
      ),
    );
    expect(answers.map((answer) => answer.code)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(await readFile(path, 'utf8')).toMatch(
      /^# mine\nspawns_per_tick: 7 # keep\nmax_workers: (?:[1-9]|1[0-9]|20)\n$/,
    );
  });
});
