/** Cargo through the command line and through a real daemon: warm directories, the gate, and what happens when nothing can be warmed. */
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CheckRecord, RunRecord } from '../../src/model/index.js';
import { assertReuse } from '../../src/runners/cargo/index.js';
import { capture } from '../../src/util/process.js';
import { box, type Box } from '../daemon/rig.js';
import {
  ROOT,
  specFile,
  testProject,
  verdicts,
  type Answer,
  type RunOptions,
  type TestProject,
} from '../rig/project.js';
import { noCargo } from '../runners/cargo/rig.js';
import { BROKEN, GOOD, WRONG, projectFiles } from '../runners/cargo/warm-project.js';

const SPEC = specFile('SPEC-s1', {
  'AC-s1-unit': 'verified_by:\n  - test: src/lib.rs::answers',
  'AC-s1-flow': 'verified_by:\n  - test: tests/flow.rs::flows',
  'AC-s1-command': 'verified_by:\n  - run: test -f Cargo.toml',
});
const files = { ...projectFiles, 'specs/s1.yaml': SPEC };
const PASSED = { 'AC-s1-unit': 'PASS(executed)', 'AC-s1-flow': 'PASS(executed)', 'AC-s1-command': 'PASS(exit-code)' };

const verifySpec = async (
  project: TestProject,
  args: readonly string[],
  more: RunOptions = {},
): Promise<Answer & { readonly record: RunRecord }> => {
  const done = await project.run(
    [process.execPath, join(ROOT, 'bin', 'verify-spec.cjs'), ...args, '--json', '--no-cache'],
    more,
  );
  const answer: Answer = {
    code: done.end.code,
    out: done.stdout,
    err: done.stderr,
    json: <T>() => JSON.parse(done.stdout) as T,
  }; // the test says what it expects
  expect(answer.out, `exit ${answer.code}: ${answer.err}`).not.toBe('');
  return { ...answer, record: answer.json<RunRecord>() };
};
const checksOf = (record: RunRecord): CheckRecord[] =>
  record.specs.flatMap((spec) => spec.criteria.flatMap((criterion) => criterion.checks));
const cargoEnvs = (record: RunRecord) =>
  checksOf(record).flatMap((check) => (check.runner === 'cargo' ? [check.env] : []));
const warmDirectories = async (cache: string): Promise<string[]> =>
  (await readdir(cache).catch(() => [])).filter((name) => name.startsWith('target-'));

/** First appearances in the build that a run stored: target → fresh. */
async function storedBuild(
  root: string,
  run: string,
): Promise<{ readonly fresh: Readonly<Record<string, boolean>>; readonly text: string }> {
  const folder = join(root, '.coherence', 'runs', run);
  const name =
    (await readdir(folder, { recursive: true })).find((path) => /cargo-[^/]*build[^/]*\.stdout$/u.test(path)) ??
    'no stored build';
  const text = await readFile(join(folder, name), 'utf8');
  const fresh: Record<string, boolean> = {};
  for (const line of text.split('\n').filter((entry) => entry.includes('"compiler-artifact"'))) {
    const artifact = JSON.parse(line) as { target: { name: string }; fresh: boolean };
    fresh[artifact.target.name] ??= artifact.fresh;
  }
  return { fresh, text };
}
const REUSED = { depa: true, fx: false, side: false, flow: false };
const COLD = { depa: false, fx: false, side: false, flow: false };

describe.skipIf(noCargo !== null)('verify-spec with cargo', () => {
  const made = async (more: Readonly<Record<string, string>> = {}): Promise<TestProject> => {
    const project = await testProject({ ...files, ...more });
    await project.commit();
    return project;
  };
  const cacheOf = (project: TestProject): string => join(project.folder, 'home', '.cache', 'coherence');

  // @verifies AC-cargo-warm-opt-in, AC-cargo-record-env
  it('without the flag nothing is warmed, and records and cache say so', async () => {
    await using project = await made();
    const { record, code } = await verifySpec(project, ['SPEC-s1'], { env: { SOME_SETTING: 'of-the-caller-alone' } });
    expect(verdicts(record)).toEqual(PASSED);
    expect(code).toBe(0);
    expect(record.warm).toMatchObject({ status: 'Skipped', reason: 'disabled' });
    expect(cargoEnvs(record)).toEqual([{}, {}]);
    expect(await warmDirectories(cacheOf(project))).toEqual([]);
    expect((await storedBuild(project.root, record.run)).fresh).toEqual(COLD);
    expect(await project.git('status', '--porcelain')).toBe('');
    // What cargo was asked about its environment is nothing for the evidence.
    const kept = await project.run(['grep', '-rl', 'of-the-caller-alone', join(project.root, '.coherence', 'runs')]);
    expect(kept.stdout).toBe('');
  });

  // @verifies AC-cargo-warm-opt-in, AC-cargo-warm-reuse, AC-cargo-clean-tree
  it('with the flag, before or after the command, the directory of `warm path` is warmed and used', async () => {
    await using project = await made();
    const path = (await project.coherence(['warm', 'path'])).out.trim();
    const runs = [
      await verifySpec(project, ['SPEC-s1', '--speculative']),
      await verifySpec(project, ['--speculative', 'SPEC-s1']),
      await project
        .coherence(['--speculative', 'verify', 'SPEC-s1', '--json', '--no-cache'])
        .then((answer) => ({ ...answer, record: answer.json<RunRecord>() })),
    ];
    for (const { record, code, err } of runs) {
      expect(code, err).toBe(0);
      expect(verdicts(record)).toEqual(PASSED);
      expect(record.warm).toMatchObject({
        status: 'Warmed',
        reason: 'ok',
        populated: true,
        target_dir: path,
        stages: { check: 'ok', tests: 'ok' },
      });
      expect(Number((record.warm as Readonly<Record<string, unknown>>)['dep_artifacts'])).toBeGreaterThanOrEqual(1);
      expect(cargoEnvs(record)).toEqual([{ CARGO_TARGET_DIR: path }, { CARGO_TARGET_DIR: path }]);
      // Each run is in a worktree of its own: the dependency is reused there, the members never.
      expect((await storedBuild(project.root, record.run)).fresh).toEqual(REUSED);
    }
    // One line of the log a run, daemon or not.
    const states = join(project.folder, 'home', '.local', 'state', 'coherence');
    const log = join(states, (await readdir(states))[0] ?? '', 'logs', 'daemon.jsonl');
    const events = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(events.filter((event) => event['event'] === 'warm_boot.done').map((event) => event['run_id'])).toEqual(
      runs.map(({ record }) => record.run),
    );
    for (const field of [
      'session_id',
      'target_dir',
      'status',
      'reason',
      'populated',
      'dep_artifacts',
      'duration_ms',
      'timeout_ms',
      'exit_code',
      'stderr_tail',
    ])
      expect(events.at(-1)).toHaveProperty(field);
    expect(await warmDirectories(cacheOf(project))).toEqual(['target-fixture']);
    // The user's tree saw nothing of it.
    await expect(stat(join(project.root, 'target'))).rejects.toThrow('ENOENT');
    expect(await project.git('status', '--porcelain', '--ignored=matching')).toBe('!! .coherence/runs/');
    expect((await project.git('worktree', 'list')).split('\n')).toHaveLength(1);
  });

  // @verifies AC-cargo-absent, AC-cargo-warm-statuses
  it('without cargo its criteria are SKIP(unavailable:cargo), the others pass, and only a policy flag makes that an exit code', async () => {
    await using project = await made();
    await mkdir(join(project.folder, 'bin'));
    for (const program of ['git', 'node', 'sh', 'env'])
      await project.run(['sh', '-c', 'ln -s "$(command -v "$0")" "$1"', program, join(project.folder, 'bin', program)]);
    const env = { PATH: join(project.folder, 'bin') };
    const { record, code } = await verifySpec(project, ['SPEC-s1', '--speculative'], { env });
    expect(verdicts(record)).toEqual({
      'AC-s1-unit': 'SKIP(unavailable:cargo)',
      'AC-s1-flow': 'SKIP(unavailable:cargo)',
      'AC-s1-command': 'PASS(exit-code)',
    });
    expect(record.warm).toMatchObject({ status: 'Unavailable', reason: 'cargo-absent', populated: false });
    expect(code).toBe(0);
    expect((await verifySpec(project, ['SPEC-s1', '--speculative', '--strict'], { env })).code).toBe(1);
    expect((await project.coherence(['verify', 'SPEC-s1', '--require', 'cargo'], { env })).code).toBe(69);
  });

  // @verifies AC-cargo-warm-path
  it('`warm path` is equal for equal sessions, different for different ones, and below the cache', async () => {
    await using project = await testProject();
    const sessions = ['a', 'a', 'b', '../../x', 'x'.repeat(300), '..', '.', 'a/b', '-x', ''];
    const of = async (session: string, env: RunOptions['env'] = {}): Promise<string> => {
      const answer = await project.coherence(['warm', 'path', `--session=${session}`], { env });
      expect(answer.code, answer.err).toBe(0);
      return answer.out.trimEnd();
    };
    const paths = await Promise.all(sessions.map(async (session) => of(session)));
    expect(paths[0]).toBe(paths[1]);
    expect(new Set(paths).size).toBe(sessions.length - 1);
    for (const path of paths) {
      expect(path.startsWith(`${cacheOf(project)}/target-`)).toBe(true);
      expect(path.slice(cacheOf(project).length + 1)).toMatch(/^target-[A-Za-z0-9][A-Za-z0-9._-]*$/u);
    }
    // The order of the contract: COHERENCE_CACHE_DIR, then XDG_CACHE_HOME, then HOME.
    expect(await of('a', { COHERENCE_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c/target-a');
    expect(await of('a', { XDG_CACHE_HOME: '/x' })).toBe('/x/coherence/target-a');
    expect(await of('a', { XDG_CACHE_HOME: undefined })).toBe(join(project.folder, 'home/.cache/coherence/target-a'));
    expect((await project.coherence(['warm', 'path'])).out.trimEnd()).toBe(`${cacheOf(project)}/target-fixture`);
  });

  // @verifies AC-cargo-warm-statuses, AC-cargo-warm-cold, AC-cargo-clean-tree
  it('a folder without a crate: not-a-crate, and the rest of the spec runs', async () => {
    await using project = await testProject({
      'specs/n.yaml': specFile('SPEC-n', { 'AC-n-command': 'verified_by:\n  - run: test -f specs/n.yaml' }),
    });
    await project.commit();
    const { record, code } = await verifySpec(project, ['SPEC-n', '--speculative']);
    expect(record.warm).toMatchObject({ status: 'Unavailable', reason: 'not-a-crate', populated: false });
    expect([verdicts(record), code]).toEqual([{ 'AC-n-command': 'PASS(exit-code)' }, 0]);
    const warm = await project.coherence(['warm', 'run', '--json']);
    expect(warm.json()).toMatchObject({ status: 'Unavailable', reason: 'not-a-crate', populated: false });
    expect(await project.git('status', '--porcelain')).toBe('');
  });

  // @verifies AC-cargo-warm-statuses, AC-cargo-warm-cold, AC-cargo-clean-tree
  it('a crate that does not compile: check-failed, the same verdicts as without the flag, no new lock file', async () => {
    await using project = await made({ 'src/lib.rs': BROKEN });
    const plain = await verifySpec(project, ['SPEC-s1']);
    const speculative = await verifySpec(project, ['SPEC-s1', '--speculative']);
    expect(verdicts(plain.record)).toEqual({
      'AC-s1-unit': 'ERROR(build)',
      'AC-s1-flow': 'ERROR(build)',
      'AC-s1-command': 'PASS(exit-code)',
    });
    expect(verdicts(speculative.record)).toEqual(verdicts(plain.record));
    expect([plain.code, speculative.code]).toEqual([2, 2]);
    expect(speculative.record.warm).toMatchObject({
      status: 'Unavailable',
      reason: 'check-failed',
      exit_code: 101,
      stages: { check: 'failed', tests: 'skipped' },
    });
    expect(cargoEnvs(speculative.record)).toEqual([{}, {}]);
    expect(await project.git('status', '--porcelain')).toBe('');
    expect((await readdir(project.root)).includes('Cargo.lock')).toBe(false);
  });

  describe.skipIf(process.getuid?.() !== 0)('a cache on a file system of its own (needs root for mounts)', () => {
    // @verifies AC-cargo-warm-statuses, AC-cargo-warm-cold, AC-cargo-clean-tree
    it.each([
      { what: 'read-only', options: 'size=1m,ro', reason: 'permission-denied' },
      { what: 'full', options: 'size=64k', reason: 'disk-full' },
    ])('$what: $reason, the run goes on cold and passes, the tree is clean', async ({ options, reason }) => {
      await using project = await made();
      const cache = join(project.folder, 'cache');
      await mkdir(cache);
      const mounted = await capture({ command: ['mount', '-t', 'tmpfs', '-o', options, 'none', cache], cwd: '/' });
      expect(mounted.ok, mounted.stderr).toBe(true);
      try {
        const env = { COHERENCE_CACHE_DIR: cache };
        const warm = await project.coherence(['warm', 'run', '--json'], { env });
        expect(warm.json()).toMatchObject({ status: 'Unavailable', reason, target_dir: join(cache, 'target-fixture') });
        const { record, code, err } = await verifySpec(project, ['SPEC-s1', '--speculative'], { env });
        expect(record.warm).toMatchObject({ status: 'Unavailable', reason });
        expect(verdicts(record), JSON.stringify(checksOf(record), null, 1)).toEqual(PASSED);
        expect(code, err).toBe(0);
        expect(cargoEnvs(record)).toEqual([{}, {}]);
        expect(await project.git('status', '--porcelain')).toBe('');
        expect((await project.git('worktree', 'list')).split('\n')).toHaveLength(1);
      } finally {
        await capture({ command: ['umount', cache], cwd: '/' });
      }
    });
  });

  // @verifies AC-cargo-warm-timeout, AC-cargo-warm-cold
  it('a warm boot that takes too long is ended with its build scripts, and the run goes on cold', async () => {
    const mark = `e2e-warm-${process.pid}`;
    await using project = await made({
      // Only in the warm directory: the cold run must be able to finish.
      'build.rs': `fn main() { if std::env::var("CARGO_TARGET_DIR").is_ok() { std::process::Command::new("sh").args(["-c", "sleep 600; : ${mark}"]).status().unwrap(); } }`,
      '.coherence/config.yaml': 'cargo:\n  warm_timeout_ms: 3000\n',
    });
    const { record } = await verifySpec(project, ['SPEC-s1', '--speculative']);
    expect(record.warm).toMatchObject({ status: 'Unavailable', reason: 'timeout' });
    expect(verdicts(record)).toEqual(PASSED);
    expect((await capture({ command: ['pgrep', '-fc', mark], cwd: '/' })).stdout.trim()).toBe('0');
  });
});

describe.skipIf(noCargo !== null)('speculative runs of the daemon', () => {
  let test: Box;
  let commits: Record<'good' | 'broken' | 'wrong', string>;
  beforeAll(async () => {
    const crate = specFile('SPEC-s1', {
      'AC-s1-unit': 'verified_by:\n  - test: src/lib.rs::answers',
      'AC-s1-flow': 'verified_by:\n  - test: tests/flow.rs::flows',
    });
    test = await box({
      config: { max_workers: 2 },
      files: { ...projectFiles, 'specs/s1.yaml': crate, '.gitignore': '/target\n.coherence/runs/\n' },
    });
    for (const [name, below] of [
      ['CARGO_HOME', '.cargo'],
      ['RUSTUP_HOME', '.rustup'],
    ] as const)
      test.env[name] = process.env[name] ?? join(process.env['HOME'] ?? '', below);
    const commit = async (source: string): Promise<string> => {
      await test.write({ 'src/lib.rs': source });
      await test.git('commit', '-q', '--allow-empty', '-am', 'state');
      return test.git('rev-parse', 'HEAD');
    };
    commits = { broken: await commit(BROKEN), wrong: await commit(WRONG), good: await commit(GOOD) };
    await test.start();
  });
  afterAll(async () => test[Symbol.asyncDispose]());

  const queued = async (commit: string, ...more: readonly string[]): Promise<string> =>
    (await test.queue('SPEC-s1', '--commit', commit, ...more))[0] ?? '';
  const recordOf = async (run: string): Promise<RunRecord> =>
    JSON.parse(await readFile(join(test.repo, '.coherence', 'runs', run, 'run.json'), 'utf8')) as RunRecord; // as the product wrote it

  // @verifies AC-cargo-warm-reuse, AC-cargo-warm-events
  it('a second worktree of the session reuses the dependency and compiles the members; a control run without the flag reuses nothing', async () => {
    const path = (await test.coherence(['warm', 'path', '--session', 'proof'])).out.trim();
    for (const _round of [1, 2]) {
      const run = await queued(commits.good, '--speculative', '--session', 'proof');
      await test.ended([run], 120_000);
      const record = await recordOf(run);
      expect(verdicts(record), JSON.stringify(checksOf(record), null, 1)).toEqual({
        'AC-s1-unit': 'PASS(executed)',
        'AC-s1-flow': 'PASS(executed)',
      });
      expect(record.session).toBe('proof');
      expect(cargoEnvs(record)).toEqual([{ CARGO_TARGET_DIR: path }, { CARGO_TARGET_DIR: path }]);
      const build = await storedBuild(test.repo, run);
      // The test build itself: a warm boot that only checks would leave depa to be compiled again here.
      expect(build.fresh).toEqual(REUSED);
      expect(await assertReuse(build.text)).toEqual({ depsFresh: 1, depsTotal: 1, membersFresh: 0 });
      const lines = (await test.log('warm_boot.done')).filter((entry) => entry['run_id'] === run);
      expect(lines.length).toBeLessThanOrEqual(1);
    }
    const [line] = await test.log('warm_boot.done');
    expect(line).toMatchObject({
      session_id: 'proof',
      target_dir: path,
      status: 'Warmed',
      reason: 'ok',
      populated: true,
      exit_code: 0,
      timeout_ms: 60_000,
    });
    expect(Object.keys(line ?? {})).toEqual(expect.arrayContaining(['dep_artifacts', 'duration_ms', 'stderr_tail']));

    const control = await queued(commits.good, '--session', 'proof');
    await test.ended([control], 120_000);
    expect((await storedBuild(test.repo, control)).fresh).toEqual(COLD);
    expect((await recordOf(control)).warm).toMatchObject({ status: 'Skipped', reason: 'disabled' });
  });

  // @verifies AC-cargo-trap
  it('the trap: commits that pass, fail and do not compile on one warm directory with two workers at once', async () => {
    const EXPECTED = { good: 'PASS executed', wrong: 'FAIL assertion', broken: 'ERROR build' } as const;
    const orders = [
      ['good', 'broken'],
      ['broken', 'good'],
      ['wrong', 'good'],
    ] as const;
    for (const order of orders) {
      const runs: string[] = [];
      for (const kind of order) runs.push(await queued(commits[kind], '--speculative', '--session', 'trap'));
      const ended = await test.ended(runs, 180_000);
      expect([order, ended.map((run) => `${run.verdict} ${run.reason}`)]).toEqual([
        order,
        order.map((kind) => EXPECTED[kind]),
      ]);
    }
  });
});
