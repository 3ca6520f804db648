import { mkdir, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/model/index.js';
import { assertReuse, cleanWarm, speculativeCargo, warmBoot, warmTargetDir } from '../../../src/runners/cargo/index.js';
import { capture } from '../../../src/util/process.js';
import { takeLock } from '../../../src/util/lock.js';
import { caseFor, committed, folder, git, noCargo, runCases, sumOfRunning, type Folder, type Ran } from './rig.js';
import { BROKEN, GOOD, WRONG, projectFiles, warmProject, type WarmProject } from './warm-project.js';

const PASSED = { 'src/lib.rs::answers': 'PASS(executed)', 'tests/flow.rs::flows': 'PASS(executed)' };
const cases = () => [caseFor('src/lib.rs::answers'), caseFor('tests/flow.rs::flows')];
const stale = (events: readonly RunEvent[]) => events.filter((event) => event.type === 'cargo.stale_member');

/** `package fresh|built` of what a run's build printed, first appearances only. */
async function streamOf(file: string): Promise<Readonly<Record<string, boolean>>> {
  const found: Record<string, boolean> = {};
  for (const line of (await readFile(file, 'utf8'))
    .split('\n')
    .filter((text) => text.includes('"compiler-artifact"'))) {
    const artifact = JSON.parse(line) as { target: { name: string }; fresh: boolean };
    found[artifact.target.name] ??= artifact.fresh;
  }
  return found;
}

describe.skipIf(noCargo !== null)('warm boot', () => {
  describe('the end-to-end proof', () => {
    let project: WarmProject;
    let outputs: Folder;
    beforeAll(async () => {
      project = await warmProject();
      outputs = await folder();
    });
    afterAll(async () => {
      await project.remove();
      await outputs.remove();
    });

    const speculative = async (
      commit: string,
      session = 's',
    ): Promise<{
      ran: Ran;
      stream: Readonly<Record<string, boolean>>;
      proof: Awaited<ReturnType<typeof assertReuse>>;
      events: readonly RunEvent[];
    }> => {
      const worktree = await project.worktree(commit);
      const events: RunEvent[] = [];
      const { report, cargoEnv } = await speculativeCargo({
        sessionId: session,
        worktree,
        enabled: true,
        env: project.env,
        emit: (event) => events.push(event),
      });
      expect(report).toMatchObject({
        status: 'Warmed',
        reason: 'ok',
        targetDir: warmTargetDir(session, project.env),
        stages: { check: 'ok', tests: 'ok' },
      });
      expect(report.populated).toBe(true);
      expect(report.depArtifacts).toBeGreaterThan(0);
      const kept = join(outputs.path, `${Math.random()}`.slice(2));
      const ran = await runCases(worktree, cases(), {
        cargoEnv,
        cacheFolder: project.cacheFolder,
        env: project.env,
        keepOutput: kept,
      });
      const build = join(
        kept,
        (await readdir(kept))
          .filter((name) => name.includes('build') && name.endsWith('.stdout'))
          .sort()
          .at(-1) ?? '',
      );
      return { ran, stream: await streamOf(build), proof: await assertReuse(build), events };
    };

    // @verifies AC-cargo-warm-reuse, AC-cargo-warm-events
    it('reuses the dependency and compiles the members, in the first worktree and in the second', async () => {
      const commit = await git(project.repo.path, 'rev-parse', 'HEAD');
      for (const round of [1, 2]) {
        const { ran, stream, proof, events } = await speculative(commit);
        expect([round, ran.verdicts]).toEqual([round, PASSED]);
        expect(stream).toEqual({ depa: true, fx: false, side: false, flow: false });
        expect(proof).toMatchObject({ depsFresh: 1, depsTotal: 1, membersFresh: 0 });
        expect(stale(ran.events)).toEqual([]);
        expect(ran.of('src/lib.rs::answers').env).toEqual({ CARGO_TARGET_DIR: warmTargetDir('s', project.env) });
        // Once a session: the second worktree finds the report of the first.
        expect(events.filter((event) => event.type === 'warm_boot.done')).toHaveLength(round === 1 ? 1 : 0);
        const fields = events.flatMap((event) =>
          event.type === 'warm_boot.done' ? [Object.keys(event.fields).sort().join(' ')] : [],
        );
        expect(fields).toEqual(
          round === 1
            ? [
                'dep_artifacts duration_ms exit_code populated reason session_id status stderr_tail target_dir timeout_ms',
              ]
            : [],
        );
      }
    });

    // @verifies AC-cargo-warm-reuse
    it('a control run without the warm directory compiles the dependency', async () => {
      const worktree = await project.worktree('HEAD');
      const kept = join(outputs.path, 'control');
      const ran = await runCases(worktree, cases(), {
        cacheFolder: project.cacheFolder,
        env: project.env,
        keepOutput: kept,
      });
      expect(ran.verdicts).toEqual(PASSED);
      const build = (await readdir(kept)).find((name) => name.includes('build') && name.endsWith('.stdout')) ?? '';
      expect(await streamOf(join(kept, build))).toEqual({ depa: false, fx: false, side: false, flow: false });
      expect(ran.of('src/lib.rs::answers').env).toEqual({});
    });

    // @verifies AC-cargo-vendored
    it('a vendored dependency that changed under its version is compiled again', async () => {
      const before = await git(project.repo.path, 'rev-parse', 'HEAD');
      const changed = await project.commit(GOOD, { 'vendor/depa/src/lib.rs': 'pub fn base() -> i32 {\n    40\n}\n' });
      expect((await speculative(before)).ran.verdicts).toEqual(PASSED);
      const other = await speculative(changed);
      expect(other.ran.verdicts['src/lib.rs::answers']).toBe('FAIL(assertion)');
      expect(other.stream).toMatchObject({ depa: false });
      expect((await speculative(before)).ran.verdicts).toEqual(PASSED);
    });
  });

  describe('the trap: one warm directory, a good commit and bad ones', () => {
    let project: WarmProject;
    let commits: Record<'good' | 'broken' | 'wrong' | 'side', string>;
    beforeAll(async () => {
      project = await warmProject();
      const good = await git(project.repo.path, 'rev-parse', 'HEAD');
      const broken = await project.commit(BROKEN);
      const wrong = await project.commit(WRONG);
      const side = await project.commit(GOOD, { 'side/src/lib.rs': 'pub fn ground() -> i32 {\n    "1"\n}\n' });
      commits = { good, broken, wrong, side };
    });
    afterAll(async () => project.remove());

    const EXPECTED = {
      good: 'PASS(executed)',
      broken: 'ERROR(build)',
      wrong: 'FAIL(assertion)',
      side: 'ERROR(build)',
    } as const;
    type Kind = keyof typeof EXPECTED;
    /** All worktrees exist before anything is built: their mtimes are older than every artifact, which is the trap. */
    const trees = async (kinds: readonly Kind[]) => {
      const made = [];
      for (const kind of kinds) made.push({ kind, path: await project.worktree(commits[kind]) });
      return made;
    };
    const verify = async (path: string, session: string): Promise<Ran> => {
      const { cargoEnv } = await speculativeCargo({
        sessionId: session,
        worktree: path,
        enabled: true,
        env: project.env,
      });
      // Whatever the boot came to, the shared directory is used: the gate alone has to hold.
      const shared =
        cargoEnv.length > 0 ? cargoEnv : ([['CARGO_TARGET_DIR', warmTargetDir(session, project.env)]] as const);
      return runCases(path, [caseFor('src/lib.rs::answers')], {
        cargoEnv: shared,
        cacheFolder: project.cacheFolder,
        env: project.env,
      });
    };

    // @verifies AC-cargo-trap
    it.each<{ order: readonly Kind[] }>([
      { order: ['good', 'broken', 'good', 'wrong', 'side', 'good'] },
      { order: ['broken', 'good', 'broken'] },
      { order: ['wrong', 'side', 'good', 'wrong'] },
    ])('$order one after the other', async ({ order }) => {
      const session = `trap-${order.join('-')}`;
      const seen: string[] = [];
      for (const { path } of await trees(order))
        seen.push((await verify(path, session)).verdicts['src/lib.rs::answers'] ?? '');
      expect(seen).toEqual(order.map((kind) => EXPECTED[kind]));
    });

    // @verifies AC-cargo-trap
    it('two workers at the same time, in every pairing', async () => {
      for (const pair of [
        ['good', 'broken'],
        ['broken', 'good'],
        ['good', 'wrong'],
        ['wrong', 'good'],
        ['side', 'good'],
      ] as const) {
        const made = await trees(pair);
        const ran = await Promise.all(made.map(async ({ path }) => verify(path, 'pairs')));
        expect([pair, ran.map((one) => one.verdicts['src/lib.rs::answers'])]).toEqual([
          pair,
          pair.map((kind) => EXPECTED[kind]),
        ]);
      }
    });

    // @verifies AC-cargo-gate
    it('a member that cargo calls fresh after the purge is discarded and built once more in a cold directory', async () => {
      const session = 'gate';
      const [first, second] = await trees(['good', 'wrong']);
      if (first === undefined || second === undefined) throw new Error('no worktrees');
      await verify(first.path, session);
      // A cargo whose `clean` does nothing: the purge is lost, and mtimes alone are left.
      const bin = await folder();
      try {
        await bin.write({ cargo: '#!/bin/sh\n[ "$1" = clean ] && exit 0\nPATH="${PATH#*:}" exec cargo "$@"\n' });
        await capture({ command: ['chmod', '+x', join(bin.path, 'cargo')], cwd: '/' });
        const env = { ...project.env, PATH: `${bin.path}:${process.env['PATH'] ?? ''}` };
        // Nor may touching help: this tree is no worktree of git's any more, so it is left as it is.
        await rm(join(second.path, '.git'));
        const old = new Date(Date.now() - 86_400_000);
        await utimes(join(second.path, 'src/lib.rs'), old, old);
        const ran = await runCases(second.path, [caseFor('src/lib.rs::answers')], {
          cargoEnv: [['CARGO_TARGET_DIR', warmTargetDir(session, project.env)]],
          cacheFolder: project.cacheFolder,
          env,
        });
        expect(ran.verdicts).toEqual({ 'src/lib.rs::answers': 'FAIL(assertion)' });
        expect(stale(ran.events).length).toBeGreaterThan(0);
        expect((await readdir(join(project.cacheFolder, 'cargo'))).filter((name) => name.startsWith('cold-'))).toEqual(
          [],
        );
      } finally {
        await bin.remove();
      }
    });
  });

  describe('when it cannot warm', () => {
    let repo: Folder;
    let cache: Folder;
    const env = () => ({ ...process.env, COHERENCE_CACHE_DIR: cache.path });
    beforeEach(async () => {
      repo = await folder();
      cache = await folder();
      await repo.write(projectFiles);
    });
    afterEach(async () => {
      await repo.remove();
      await cache.remove();
    });
    const clean = async () => {
      await committed(repo.path);
      return async () => git(repo.path, 'status', '--porcelain', '--ignored');
    };

    // @verifies AC-cargo-warm-statuses
    it('disabled: Skipped, no directory, no event', async () => {
      const events: RunEvent[] = [];
      expect(await warmBoot('s', repo.path, false, { env: env(), emit: (event) => events.push(event) })).toMatchObject({
        status: 'Skipped',
        reason: 'disabled',
        targetDir: null,
        populated: false,
      });
      expect(events).toEqual([]);
      expect(await readdir(cache.path)).toEqual([]);
    });

    // @verifies AC-cargo-warm-statuses
    it('no cargo on PATH: cargo-absent', async () => {
      expect(await warmBoot('s', repo.path, true, { env: { ...env(), PATH: '/nowhere' } })).toMatchObject({
        status: 'Unavailable',
        reason: 'cargo-absent',
        populated: false,
      });
    });

    // @verifies AC-cargo-warm-statuses
    it('a cargo that does not answer: spawn-failed', async () => {
      await cache.write({ 'bin/cargo': '#!/bin/sh\nexit 3\n' });
      await capture({ command: ['chmod', '+x', join(cache.path, 'bin/cargo')], cwd: '/' });
      expect(await warmBoot('s', repo.path, true, { env: { ...env(), PATH: join(cache.path, 'bin') } })).toMatchObject({
        status: 'Unavailable',
        reason: 'spawn-failed',
        exitCode: 3,
      });
    });

    // @verifies AC-cargo-warm-statuses, AC-cargo-clean-tree
    it('a folder without a crate: not-a-crate; a broken crate: check-failed; the tree stays as it was', async () => {
      const status = await clean();
      const empty = await folder();
      try {
        expect(await warmBoot('empty', empty.path, true, { env: env() })).toMatchObject({
          status: 'Unavailable',
          reason: 'not-a-crate',
          populated: false,
        });
      } finally {
        await empty.remove();
      }
      await repo.write({ 'src/lib.rs': BROKEN });
      const report = await warmBoot('broken', repo.path, true, { env: env() });
      expect(report).toMatchObject({
        status: 'Unavailable',
        reason: 'check-failed',
        exitCode: 101,
        stages: { check: 'failed', tests: 'skipped' },
      });
      expect(report.stderrTail).toContain('E0277');
      await repo.write({ 'src/lib.rs': GOOD });
      expect(await status()).toBe('');
    });

    // @verifies AC-cargo-warm-statuses
    it('a failed second stage is reported and not fatal', async () => {
      await repo.write({ 'tests/flow.rs': '#[test]\nfn flows() {\n    let text: u8 = "";\n}\n' });
      expect(await warmBoot('s', repo.path, true, { env: env() })).toMatchObject({
        status: 'Warmed',
        reason: 'ok',
        stages: { check: 'ok', tests: 'failed' },
        populated: true,
      });
    });

    // @verifies AC-cargo-warm-statuses
    it('a cache that cannot be written: permission-denied or mkdir-failed', async () => {
      await writeFile(join(cache.path, 'file'), '');
      expect(
        await warmBoot('s', repo.path, true, { env: { ...env(), COHERENCE_CACHE_DIR: join(cache.path, 'file') } }),
      ).toMatchObject({
        status: 'Unavailable',
        reason: 'mkdir-failed',
        populated: false,
      });
      // /proc takes no folders from anybody, root included.
      expect(
        await warmBoot('s', repo.path, true, { env: { ...env(), COHERENCE_CACHE_DIR: '/proc/sys' } }),
      ).toMatchObject({
        status: 'Unavailable',
        populated: false,
      });
    });

    // @verifies AC-cargo-warm-statuses
    it.skipIf(process.getuid?.() !== 0)('a full disk and a read-only one (needs root for mounts)', async (context) => {
      const mounted = join(cache.path, 'small');
      await mkdir(mounted);
      if (!(await capture({ command: ['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', mounted], cwd: '/' })).ok)
        return context.skip('this container may not mount');
      try {
        const small = { ...env(), COHERENCE_CACHE_DIR: mounted };
        expect(await warmBoot('full', repo.path, true, { env: small })).toMatchObject({
          status: 'Unavailable',
          reason: 'disk-full',
        });
        await capture({ command: ['mount', '-o', 'remount,ro', mounted], cwd: '/' });
        expect(await warmBoot('read-only', repo.path, true, { env: small })).toMatchObject({
          status: 'Unavailable',
          reason: 'permission-denied',
          populated: false,
        });
      } finally {
        await capture({ command: ['umount', mounted], cwd: '/' });
      }
    });

    // @verifies AC-cargo-warm-timeout
    it('a time-out ends cargo, rustc and build scripts, and a later cargo does not block', async () => {
      const mark = `warm-${process.pid}-${repo.path.slice(-6)}`;
      await repo.write({
        'build.rs': `fn main() { std::fs::write("${cache.path}/started", "").unwrap(); std::process::Command::new("sh").args(["-c", "sleep 600; : ${mark}"]).status().unwrap(); }`,
      });
      const report = await warmBoot('slow', repo.path, true, { env: env(), timeoutMs: 4000 });
      expect(report).toMatchObject({ status: 'Unavailable', reason: 'timeout', stages: { check: 'failed' } });
      expect(
        await stat(join(cache.path, 'started')).then(
          () => true,
          () => false,
        ),
      ).toBe(true);
      expect(await sumOfRunning(mark)).toBe(0);
      await rm(join(repo.path, 'build.rs'));
      const later = await capture({
        command: ['cargo', 'check', '-q'],
        cwd: repo.path,
        env: { ...env(), CARGO_TARGET_DIR: warmTargetDir('slow', env()) },
        timeoutMs: 60_000,
      });
      expect(later.end.timedOut).toBe(false);
      expect(later.ok).toBe(true);
    });

    // @verifies AC-cargo-warm-timeout
    it('a cancel ends it as well', async () => {
      await repo.write({
        'build.rs': `fn main() { std::fs::write("${cache.path}/started", "").unwrap(); std::thread::sleep(std::time::Duration::from_secs(600)); }`,
      });
      const controller = new AbortController();
      const pending = warmBoot('cancel', repo.path, true, { env: env(), signal: controller.signal });
      while (
        !(await stat(join(cache.path, 'started')).then(
          () => true,
          () => false,
        ))
      )
        await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort();
      expect(await pending).toMatchObject({ status: 'Unavailable', reason: 'cancelled' });
    });

    // @verifies AC-cargo-warm-single-flight
    it('calls at the same time share one boot', async () => {
      const events: RunEvent[] = [];
      const boot = () => warmBoot('together', repo.path, true, { env: env(), emit: (event) => events.push(event) });
      const [left, right] = await Promise.all([boot(), boot()]);
      expect(left).toBe(right);
      expect(left.status).toBe('Warmed');
      expect(await boot()).toBe(left);
      expect(events.map((event) => event.type)).toEqual(['warm_boot.start', 'warm_boot.done']);
    });
  });

  describe('clean-up', () => {
    let cache: Folder;
    beforeEach(async () => {
      cache = await folder();
    });
    afterEach(async () => cache.remove());
    const make = async (name: string, hoursAgo: number, bytes: number) => {
      await cache.write({ [`${name}/debug/deps/lib.rlib`]: 'x'.repeat(bytes), [`${name}/.coherence.lock`]: '' });
      const when = new Date(Date.now() - hoursAgo * 3_600_000);
      await utimes(join(cache.path, name, '.coherence.lock'), when, when);
    };

    // @verifies AC-cargo-warm-cleanup
    it('removes the old, then the least recently used, and never one that a run uses', async () => {
      await make('target-old', 100, 10);
      await make('target-live', 100, 10);
      await make('target-a', 3, 400_000);
      await make('target-b', 2, 400_000);
      await make('target-c', 1, 400_000);
      await make('target-held', 4, 10);
      await make('cargo/cold-left', 0, 10);
      await make('other', 1000, 10);
      const held = await takeLock(join(cache.path, 'target-held/.coherence.lock'));
      if (!held.taken) throw new Error('the lock of a new directory is busy');
      const { lock } = held;
      const when = new Date(Date.now() - 99 * 3_600_000);
      await utimes(join(cache.path, 'target-held/.coherence.lock'), when, when);
      const dry = await cleanWarm(cache.path, { maxBytes: 900_000, ttlHours: 72, live: ['live'], dryRun: true });
      const report = await cleanWarm(cache.path, { maxBytes: 900_000, ttlHours: 72, live: ['live'] });
      expect(report.removed.map(({ directory, why }) => [directory.slice(cache.path.length + 1), why])).toEqual([
        ['cargo/cold-left', 'left-over'],
        ['target-old', 'ttl'],
        ['target-a', 'size'],
      ]);
      expect(dry.removed.length).toBeGreaterThanOrEqual(3);
      expect((await readdir(cache.path)).sort()).toEqual([
        'cargo',
        'other',
        'target-b',
        'target-c',
        'target-held',
        'target-live',
      ]);
      expect(report.kept.map((directory) => directory.slice(cache.path.length + 1)).sort()).toEqual([
        'target-held',
        'target-live',
      ]);
      await lock.release();
    });
  });
});
