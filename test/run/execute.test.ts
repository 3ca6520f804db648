import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Batch, Case, Outcome, Reason } from '../../src/model/index.js';
import type { BatchRunner } from '../../src/run/decorators/isolation.js';
import { withIsolation } from '../../src/run/decorators/isolation.js';
import { withRetry } from '../../src/run/decorators/retry.js';
import { hostPlace } from '../../src/places/index.js';
import { previewOf, type Place, type Workspace } from '../../src/run/index.js';
import { runners } from '../../src/runners/index.js';
import { notStarted } from '../../src/run/outcome.js';
import { gateOf, groupsOf, inCycle } from '../../src/run/schedule.js';
import { Watchdog } from '../../src/run/watchdog.js';
import { bench, makeCase, makeCommand, shown } from './rig.js';

const all = (cases: readonly Case[], outcomes: ReadonlyMap<string, Outcome>): string[] =>
  cases.map((entry) => shown(outcomes.get(entry.id)));

describe('execute', () => {
  // @verifies AC-run-jobs
  it('runs up to `jobs` programs side by side, and never more', async () => {
    await using project = await bench(null);
    const line = 'mkdir run.$$; ls -d run.* | wc -l >> seen; sleep 0.15; rmdir run.$$';
    const cases = Array.from({ length: 6 }, (_, index) => makeCommand(`${line} # ${index}`));
    const { outcomes, ended } = await project.run(cases, { jobs: 3 });
    expect([...new Set(all(cases, outcomes))]).toEqual(['PASS(executed)']);
    expect(ended).toBeUndefined();
    const counts = (await readFile(join(project.root, 'seen'), 'utf8')).trim().split('\n').map(Number);
    expect(counts).toHaveLength(6);
    expect(Math.max(...counts)).toBeLessThanOrEqual(3);
    expect(Math.max(...counts)).toBeGreaterThan(1);
  });

  // @verifies AC-run-needs-gate-on-state
  it('starts a case after what it needs, and passes a skip or a failure on', async () => {
    await using project = await bench(null);
    const first = makeCommand('echo 1 >> order');
    const second = makeCommand('echo 2 >> order', { after: [first.id] });
    const fails = makeCommand('exit 0', { expect: { exit: 1 } });
    const afterFailure = makeCommand('echo never >> order', { after: [fails.id] });
    const far = makeCommand('echo never >> order', { after: [afterFailure.id] });
    const skipped = makeCase('vitest', 'a.test.ts', ['x']);
    const afterSkip = makeCommand('echo never >> order', { after: [skipped.id] });
    const afterMissing = makeCommand('echo never >> order', { after: ['missing:gone'] });
    const afterReused = makeCommand('echo 3 >> order', { after: ['cached', second.id] });
    const cases = [afterReused, far, afterFailure, second, first, fails, skipped, afterSkip, afterMissing];
    const { outcomes } = await project.run(cases, { jobs: 4, reused: new Set(['cached']) });
    expect(all([first, second, afterReused], outcomes)).toEqual(['PASS(executed)', 'PASS(executed)', 'PASS(executed)']);
    expect(all([afterFailure, far, afterSkip, afterMissing], outcomes)).toEqual([
      'ERROR(canceled)',
      'ERROR(canceled)',
      'SKIP(unavailable:vitest)',
      'ERROR(setup)',
    ]);
    expect(await readFile(join(project.root, 'order'), 'utf8')).toBe('1\n2\n3\n');
  });

  // @verifies AC-run-needs-gate-on-state
  it('refuses a circle of needs, and runs the rest', async () => {
    await using project = await bench(null);
    const a = makeCommand('true', { id: 'a', after: ['b'] });
    const b = makeCommand('true', { id: 'b', after: ['a'] });
    const below = makeCommand('true', { id: 'below', after: ['a'] });
    const free = makeCommand('true', { id: 'free' });
    const { outcomes } = await project.run([a, b, below, free]);
    expect(all([a, b, below, free], outcomes)).toEqual([
      'ERROR(setup)',
      'ERROR(setup)',
      'ERROR(canceled)',
      'PASS(executed)',
    ]);
  });

  // @verifies AC-run-first-cause-counts
  it('cancels the rest after a failure under --fail-fast, and says that this was the cause', async () => {
    await using project = await bench(null);
    const failing = makeCommand('exit 3');
    const running = makeCommand('sleep 705');
    const waiting = makeCommand('echo started > waiting');
    const { outcomes, ended } = await project.run([running, failing, waiting], { jobs: 2, failFast: true });
    expect(all([failing, running, waiting], outcomes)).toEqual([
      'FAIL(exit-code)',
      'ERROR(canceled)',
      'ERROR(canceled)',
    ]);
    expect(outcomes.get(running.id)?.detail).toContain('--fail-fast');
    expect(ended).toBe('fail-fast');
  });

  // @verifies AC-run-first-cause-counts
  it('cancels everything on an interrupt, keeps what has ended, and leaves nothing running', async () => {
    await using project = await bench(null);
    const controller = new AbortController();
    const done = makeCommand('true');
    const running = makeCommand('echo up; sleep 706', { after: [done.id] });
    const { outcomes, ended } = await project.run(
      [done, running, makeCommand('true # later', { after: [running.id] })],
      {
        jobs: 2,
        signal: controller.signal,
        emit: (event) => {
          if (event.type === 'output' && event.line === 'up') controller.abort();
        },
      },
    );
    expect(all([done, running], outcomes)).toEqual(['PASS(executed)', 'ERROR(canceled)']);
    expect(outcomes.size).toBe(3);
    expect(ended).toBe('interrupted');
    const early = await project.run([done], { signal: AbortSignal.abort() });
    expect([shown(early.outcomes.get(done.id)), early.ended]).toEqual(['ERROR(canceled)', 'interrupted']);
  });

  // @verifies AC-run-first-cause-counts
  it("ends at the run's own limit: finished cases keep their verdicts, the rest is run-timeout", async () => {
    await using project = await bench(null);
    const quick = makeCommand('true');
    const slow = makeCommand('sleep 707');
    const later = makeCommand('true # later', { after: [slow.id] });
    const { outcomes, ended } = await project.run([quick, slow, later], { jobs: 2, runTimeoutMs: 2000 });
    expect(all([quick, slow, later], outcomes)).toEqual(['PASS(executed)', 'ERROR(run-timeout)', 'ERROR(run-timeout)']);
    expect(ended).toBe('run-timeout');
  });

  // @verifies AC-run-artifacts
  it('copies the artifacts that a link names, following no symlink', async () => {
    await using project = await bench(null);
    await mkdir(join(project.root, 'real'));
    await writeFile(join(project.root, 'real/x.txt'), 'x');
    const outside = await mkdtemp(join(tmpdir(), 'coherence-test-'));
    try {
      await writeFile(join(outside, 'secret.txt'), 's');
      await symlink(outside, join(project.root, 'leads-out'));
      const entry = makeCommand(
        'mkdir -p out/deep && echo r > out/deep/report.txt && ln -s ../real/x.txt out/link.txt',
        {
          artifacts: ['out/**', 'leads-out/**', '../*'],
        },
      );
      const { outcomes } = await project.run([entry]);
      const artifacts = outcomes.get(entry.id)?.artifacts ?? [];
      expect(artifacts.map((file) => file.slice(file.indexOf(entry.id)))).toEqual([`${entry.id}/out/deep/report.txt`]);
      expect(await readFile(artifacts[0] ?? '', 'utf8')).toBe('r\n');
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  // @verifies AC-run-private-daemon
  it('opens a private daemon for a case that requires one, around its run only', async () => {
    await using project = await bench(null);
    const events: string[] = [];
    const entry = makeCommand('test "$COHERENCE_STATE_DIR" = /state', { privateDaemon: true });
    const privateDaemon = async (): Promise<{
      env: Record<string, string>;
      [Symbol.asyncDispose](): Promise<void>;
    }> => {
      events.push('up');
      return { env: { COHERENCE_STATE_DIR: '/state' }, [Symbol.asyncDispose]: async () => void events.push('down') };
    };
    expect(await project.verdicts([entry], { privateDaemon })).toEqual({ [entry.id]: 'PASS(executed)' });
    expect(events).toEqual(['up', 'down']);
    expect(await project.verdicts([entry])).toEqual({ [entry.id]: 'SKIP(unavailable:orchestrator)' });
    const broken = { ...entry, id: 'broken' };
    expect(
      await project.verdicts([broken], { privateDaemon: async () => Promise.reject(new Error('no socket')) }),
    ).toEqual({
      broken: 'ERROR(setup)',
    });
  });

  // @verifies AC-run-inherited-workspace
  it('keeps a workspace for the cases that continue in it, and removes it after the last', async () => {
    await using project = await bench(null);
    const log: string[] = [];
    const host = hostPlace({ root: project.root, env: process.env, outputFolder: join(project.root, '../output') });
    let number = 0;
    const place: Place = {
      ...host,
      open: async (request) => {
        const opened = await host.open(request);
        if (!opened.ok) return opened;
        number += 1;
        const name = `w${number}`;
        const inner = opened.workspace;
        log.push(`open ${name}${request.inherit === undefined ? '' : ` in ${nameOf.get(request.inherit) ?? '?'}`}`);
        const workspace: Workspace = {
          ...inner,
          [Symbol.asyncDispose]: async () => {
            log.push(`close ${name}`);
            await inner[Symbol.asyncDispose]();
          },
        };
        nameOf.set(workspace, name);
        return { ok: true, workspace };
      },
      close: async () => void log.push('place closed'),
    };
    const nameOf = new Map<Workspace, string>();
    const first = makeCommand('true # first');
    const heirs = ['a', 'b'].map((name) =>
      makeCommand(`true # ${name}`, { after: [first.id], inheritWorkspace: true }),
    );
    await project.run([first, ...heirs], { jobs: 1, places: () => place });
    expect(log).toEqual([
      'open w1',
      'open w2 in w1',
      'close w2',
      'open w3 in w1',
      'close w3',
      'close w1',
      'place closed',
    ]);
  });

  // @verifies AC-run-preview
  it('shows before it runs what will run, and runs nothing for it', async () => {
    await using project = await bench(null);
    const previews = await previewOf(
      [
        makeCommand('touch ran'),
        makeCommand('cd x && go test ./... > out'),
        makeCase('pytest', 'tests/-a.py', ['test_x']),
        makeCase('go', 'pkg/a_test.go', ['TestX', 'sub']),
      ],
      { root: project.root, runners: runners() },
    );
    expect(previews.map((preview) => preview.commands[0]?.join(' '))).toEqual([
      'sh -c touch ran',
      'sh -c cd x && go test -json ./... > out',
      'python3 -m pytest -p coherence_pytest_report -o cache_dir=<reports>/python/cache --continue-on-collection-errors --maxfail=0 ./tests/-a.py',
      'go test -json -count=1 -timeout=0 -o <reports>/package.test -memprofile <reports>/package.mem -run ^TestX$/^sub$ ./pkg',
    ]);
    await expect(readFile(join(project.root, 'ran'))).rejects.toThrow('ENOENT');
  });
});

describe('schedule', () => {
  it('puts into one group only what may share a process', () => {
    const a = makeCase('pytest', 'a.py', ['x']);
    const groups = groupsOf([
      a,
      makeCase('pytest', 'b.py', ['y']),
      makeCase('pytest', 'a.py', ['z'], { env: { A: '1' } }),
      makeCase('vitest', 'a.ts', ['x']),
      makeCommand('true'),
      makeCommand('true'),
      makeCase('pytest', 'c.py', ['x'], { after: [a.id] }),
    ]);
    expect(groups.map((group) => group.length)).toEqual([2, 1, 1, 1, 1, 1]);
  });

  it('knows who waits for themselves', () => {
    const entry = (id: string, after: string[]): Case => makeCommand('true', { id, after });
    expect(
      [...inCycle([entry('a', ['b']), entry('b', ['c']), entry('c', ['b']), entry('d', []), entry('e', ['e'])])].sort(),
    ).toEqual(['b', 'c', 'e']);
  });

  it('gates on the state of what is needed, unknown being closed', () => {
    const gate = (outcome?: Outcome): string => {
      const found = gateOf(
        makeCommand('x', { after: ['p'] }),
        new Map(outcome === undefined ? [] : [['p', outcome]]),
        new Set(),
      );
      return found.open ? 'open' : found.reason;
    };
    const parent = makeCommand('p', { id: 'p' });
    expect([
      gate(),
      gate(notStarted(parent, 'executed', '')),
      gate(notStarted(parent, 'gap', '')),
      gate(notStarted(parent, 'crash', '')),
    ]).toEqual(['canceled', 'open', 'gap', 'canceled']);
  });
});

describe('retry', () => {
  const batch = (cases: readonly Case[]): Batch => ({
    id: 'b',
    runner: 'command',
    place: 'host',
    environment: null,
    directory: '',
    cases,
    configuration: {},
  });
  const run = async (
    entry: Case,
    results: readonly Outcome[],
    count = 3,
  ): Promise<{ outcome: Outcome | undefined; tries: number }> => {
    let tries = 0;
    const outcomes = await withRetry(
      batch([entry]),
      { count, signal: new AbortController().signal, emit: () => undefined, firstDelayMs: 1 },
      async () => {
        const result = results[Math.min(tries, results.length - 1)];
        tries += 1;
        return result === undefined ? [] : [result];
      },
    );
    return { outcome: outcomes[0], tries };
  };

  // @verifies AC-run-only-infrastructure-is-retried
  it('runs again only what met infrastructure trouble before its first output', async () => {
    const entry = makeCommand('x');
    const of = (reason: Reason, bytes = 0): Outcome => ({
      ...notStarted(entry, reason, reason),
      stdout: { file: '/x', bytes, truncated: false },
    });
    expect(await run(entry, [of('infra'), of('infra'), of('executed')])).toMatchObject({
      tries: 3,
      outcome: { reason: 'executed' },
    });
    expect(await run(entry, [of('infra')], 2)).toMatchObject({ tries: 3, outcome: { reason: 'infra' } });
    expect(await run(entry, [of('infra', 1), of('executed')])).toMatchObject({
      tries: 1,
      outcome: { reason: 'infra' },
    });
    for (const reason of ['assertion', 'timeout', 'crash', 'setup', 'exit-code', 'not-reported', 'build'] as const)
      expect(await run(entry, [of(reason), of('executed')])).toMatchObject({ tries: 1, outcome: { reason } });
  });
});

describe('crash isolation', () => {
  /** A runner whose batch ends in the middle; `alone` says what each case does by itself. */
  const fake = (options: {
    readonly reported: readonly string[];
    readonly suspect: 'certain' | 'possible' | 'no';
    readonly alone: Readonly<Record<string, Reason>>;
    readonly foreign?: boolean;
    readonly log: string[];
  }): BatchRunner => ({
    name: 'pytest',
    available: async () => ({ available: true }),
    batches: async () => [],
    preview: () => [],
    attempt: async (batch) => {
      options.log.push(batch.cases.map((entry) => entry.id).join('+'));
      const only = batch.cases[0];
      if (batch.cases.length === 1 && only !== undefined) {
        const reason = options.alone[only.id] ?? 'executed';
        const outcome = notStarted(only, reason, reason);
        return reason === 'crash'
          ? { outcomes: [], silent: [{ entry: only, outcome, suspect: 'certain' as const }], foreign: false }
          : { outcomes: [outcome], silent: [], foreign: false };
      }
      const known = batch.cases.filter((entry) => options.reported.includes(entry.id));
      const open = batch.cases.filter((entry) => !options.reported.includes(entry.id));
      return {
        outcomes: known.map((entry) => notStarted(entry, 'executed', 'in the batch')),
        silent: open.map((entry) => ({
          entry,
          outcome: notStarted(entry, 'crash', 'no report'),
          suspect: options.suspect,
        })),
        foreign: options.foreign ?? false,
      };
    },
  });
  const run = async (
    ids: string[],
    options: Omit<Parameters<typeof fake>[0], 'log'>,
  ): Promise<{ reasons: string[]; log: string[] }> => {
    const log: string[] = [];
    const cases = ids.map((id) => makeCommand(id, { id }));
    const runner = withIsolation(fake({ ...options, log }));
    const context = {
      root: '/',
      jobs: 1,
      signal: new AbortController().signal,
      emit: () => undefined,
      env: {},
      attempt: 1,
      cargoEnv: [],
    };
    const workspace: Workspace = {
      place: 'host',
      root: '/',
      hostRoot: '/',
      reports: { inside: '/', host: '/' },
      exec: async () => Promise.reject(new Error('unused')),
      find: async () => null,
      [Symbol.asyncDispose]: async () => undefined,
    };
    const outcomes = await runner.run(
      { id: 'b', runner: 'pytest', place: 'host', environment: null, directory: '', cases, configuration: {} },
      workspace,
      context,
    );
    const byCase = new Map(outcomes.map((outcome) => [outcome.case, outcome.reason]));
    return { reasons: ids.map((id) => byCase.get(id) ?? 'nothing'), log };
  };

  // @verifies AC-run-crash-isolation
  it('runs cases without a report again one by one, once, and leaves the others as they are', async () => {
    expect(await run(['a', 'b', 'c'], { reported: ['a'], suspect: 'possible', alone: { b: 'crash' } })).toEqual({
      reasons: ['executed', 'crash', 'executed'],
      log: ['a+b+c', 'b', 'c'],
    });
  });

  // @verifies AC-run-only-infrastructure-is-retried
  it('never runs a known crash again, and clears nobody when it does not show up again', async () => {
    expect(await run(['a', 'b'], { reported: ['a'], suspect: 'certain', alone: {} })).toEqual({
      reasons: ['executed', 'crash'],
      log: ['a+b'],
    });
    expect(await run(['a'], { reported: [], suspect: 'possible', alone: { a: 'crash' } })).toEqual({
      reasons: ['crash'],
      log: ['a'],
    });
    expect(await run(['a', 'b', 'c'], { reported: ['a'], suspect: 'possible', alone: {} })).toEqual({
      reasons: ['executed', 'crash', 'crash'],
      log: ['a+b+c', 'b', 'c'],
    });
    // A test that nobody asked for may have been it.
    expect(
      (await run(['a', 'b', 'c'], { reported: ['a'], suspect: 'possible', alone: {}, foreign: true })).reasons,
    ).toEqual(['executed', 'executed', 'executed']);
  });

  // @verifies AC-run-crash-isolation
  it('divides a batch of which nothing was reported, and comes to an end', async () => {
    expect(await run(['a', 'b'], { reported: [], suspect: 'no', alone: { b: 'build' } })).toEqual({
      reasons: ['executed', 'build'],
      log: ['a+b', 'a', 'b'],
    });
  });
});

describe('the watchdog', () => {
  it('tells a test over its own limit from a run that is silent', async () => {
    const tick = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));
    const own = new Watchdog(10_000);
    own.started('a', 1);
    own.started('b', 10_000);
    await tick();
    expect([own.expired(), [...own.overdue], own.stalled]).toEqual([true, ['a'], false]);
    const silent = new Watchdog(1, 5);
    await tick();
    expect([silent.expired(), silent.overdue.size, silent.stalled]).toEqual([true, 0, true]);
    const fine = new Watchdog(10_000);
    fine.started('a', 1);
    fine.ended('a');
    await tick();
    expect(fine.expired()).toBe(false);
  });
});
