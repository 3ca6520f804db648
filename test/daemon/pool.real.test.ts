import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { box, dead, kill9, lives, until, type Box } from './rig.js';

interface Worker {
  readonly name: string;
  readonly key: string;
  readonly pid: number;
  readonly start_ticks: number;
  readonly state: string;
}

const workers = async (test: Box): Promise<readonly Worker[]> =>
  (await test.coherence(['pool', 'list', '--json'])).json<{ workers: Worker[] }>().workers;
const identity = (worker: Worker) => ({ pid: worker.pid, startTicks: worker.start_ticks });
const MODULES = resolve(import.meta.dirname, '../../node_modules');

/** More projects that share the box's state folder. */
async function projects(test: Box, count: number): Promise<readonly string[]> {
  const roots: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const root = join(test.folder, `project-${index}`);
    await mkdir(join(root, '.coherence'), { recursive: true });
    await mkdir(join(root, 'specs'));
    await writeFile(
      join(root, '.coherence', 'project.toml'),
      `project_slug = "p${index}"\nproject_hash = "abc${index}"\ndolt_db_name = "p${index}"\n`,
    );
    await test.exec(['git', 'init', '-q'], {}, { cwd: root });
    roots.push(root);
  }
  return roots;
}
const warm = async (test: Box, root: string): Promise<Worker> => {
  const answer = await test.coherence(['pool', 'warm', '--json'], {}, { cwd: root });
  expect(answer.code, answer.err).toBe(0);
  return answer.json<{ worker: Worker }>().worker;
};

describe('the warm pool', () => {
  // OC-11
  // @verifies AC-orchestrator-boot-reap
  it('left idle by a killed daemon is reaped by the next one before it is ready, each end verified', async () => {
    await using test = await box({ config: { pool: { global_cap: 3, per_key_cap: 1 } } });
    const roots = await projects(test, 3);
    const daemon = await test.start();
    const made: Worker[] = [];
    for (const root of roots) made.push(await warm(test, root));
    await until(async () => made.every((worker) => lives(identity(worker))), 'three workers');
    await kill9(daemon);
    expect(made.map((worker) => lives(identity(worker)))).toEqual([true, true, true]);
    for (const worker of made) expect(await readFile(`/proc/${worker.pid}/cmdline`, 'utf8')).toContain(worker.name);
    // Also with the pool switched off.
    await test.start({ COHERENCE_POOL__ENABLED: 'false' });
    expect(made.map((worker) => lives(identity(worker)))).toEqual([false, false, false]);
    expect((await test.log('pool.boot_reap')).at(-1)).toMatchObject({ found: 3, killed: 3, gone: 0, indeterminate: 0 });
    const reaped = (await test.log('pool.reap')).filter((entry) => entry['reason'] === 'boot_orphan');
    expect(
      reaped.map((entry) => [entry['name'], entry['verified_dead'], entry['pid'], entry['start_ticks']]).sort(),
    ).toEqual(made.map((worker) => [worker.name, true, worker.pid, worker.start_ticks]).sort());
    const events = (await test.log()).map((entry) => entry.event);
    expect(events.lastIndexOf('pool.boot_reap')).toBeLessThan(events.lastIndexOf('daemon.ready'));
  });

  // OC-16
  // @verifies AC-orchestrator-pool-caps
  it('never holds more than its cap, gives up the least recently used, and all of them after their time', async () => {
    await using test = await box({
      config: { pool: { global_cap: 3, per_key_cap: 1, ttl_ms: 2000, reap_interval_ms: 300 } },
    });
    const roots = await projects(test, 5);
    await test.start();
    const made: Worker[] = [];
    for (const root of roots) {
      made.push(await warm(test, root));
      expect((await workers(test)).length).toBeLessThanOrEqual(3);
    }
    const evicted = (await test.log('pool.reap')).filter((entry) => entry['reason'] === 'lru_global');
    // On a slow machine one may reach its time before its turn comes.
    const overdue = new Set(
      (await test.log('pool.reap')).filter((entry) => entry['reason'] === 'ttl').map((entry) => entry['name']),
    );
    expect(evicted.map((entry) => entry['name'])).toEqual(
      made
        .map((worker) => worker.name)
        .filter((name) => !overdue.has(name))
        .slice(0, evicted.length),
    );
    await until(async () => (await test.log('pool.reap')).length === 5, 'the end of all', 15_000);
    expect((await test.log('pool.reap')).map((entry) => entry['verified_dead'])).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect((await test.log('pool.reap')).some((entry) => entry['reason'] === 'ttl')).toBe(true);
    expect(made.map((worker) => lives(identity(worker)))).toEqual([false, false, false, false, false]);
    expect(await workers(test)).toEqual([]);
  });

  it('of one key serves one root: another checkout of the project gets its own, and evict ends what is idle', async () => {
    await using test = await box();
    const [one = ''] = await projects(test, 1);
    await test.start();
    const first = await warm(test, one);
    expect(await warm(test, one)).toMatchObject({ name: first.name });
    const other = join(test.folder, 'other-checkout');
    await test.exec(['cp', '-r', one, other]);
    const second = await warm(test, other);
    expect(second.pid).not.toBe(first.pid);
    expect(await test.log('pool.key_conflict')).toMatchObject([{ key: first.key, root: other, other_root: one }]);
    expect((await test.coherence(['pool', 'evict'])).out.trim()).toBe(second.name);
    await dead(identity(second));
    expect(await workers(test)).toEqual([]);
  });
});

const TEST_FILE = `import { expect, it } from 'vitest';
import { add } from '../src/add.js';
import { readFileSync } from 'node:fs';
// @verifies AC-hot-1
it('adds', () => { console.log('pid ' + process.pid + ' env ' + process.env.NODE_ENV + ' ' + (process.env.EXTRA ?? 'none')); expect(add(1, 2)).toBe(3); });
`;
const hotFiles = (self: Pick<Box, 'probe'>) => ({
  'package.json': '{"name":"hot","type":"module"}\n',
  'src/add.ts': "import { one } from './one.js';\nexport const add = (a: number, b: number): number => a + b * one;\n",
  'src/one.ts': 'export const one = 1;\n',
  'test/a.test.ts': TEST_FILE,
  'specs/hot.yaml':
    'id: SPEC-hot\ntitle: hot\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-hot-1\n    title: adds\n',
  'specs/p.yaml': self.probe('p'),
});

describe('a warm vitest', () => {
  // @verifies AC-orchestrator-warm-fresh
  it('serves one run after the other in one process and never takes a stale module: not the test, not what it imports, not a new file', async () => {
    await using test = await box({ probes: hotFiles });
    await symlink(MODULES, join(test.repo, 'node_modules'));
    await test.start();
    await warm(test, test.repo);
    const verdicts: string[] = [];
    const outputs: string[] = [];
    const verify = async (env: Record<string, string> = {}): Promise<string> => {
      const answer = await test.coherence(['verify', 'SPEC-hot', '--json', '--no-cache'], env);
      const record = answer.json<{
        specs: { criteria: { verdict: string; reason: string; checks: { output: string | null }[] }[] }[];
      }>();
      const criterion = record.specs[0]?.criteria[0];
      outputs.push(
        criterion?.checks[0]?.output == null ? '' : await readFile(join(test.repo, criterion.checks[0].output), 'utf8'),
      );
      const verdict = `${criterion?.verdict ?? ''}(${criterion?.reason ?? ''})`;
      verdicts.push(verdict);
      return verdict;
    };
    const edit = async (path: string, content: string): Promise<void> => writeFile(join(test.repo, path), content);
    expect(await verify()).toBe('PASS(executed)');
    await edit('src/one.ts', 'export const one = 2;\n');
    expect(await verify()).toBe('FAIL(assertion)');
    await edit('src/one.ts', 'export const one = 1;\n');
    expect(await verify()).toBe('PASS(executed)');
    await edit('test/a.test.ts', TEST_FILE.replace('toBe(3)', 'toBe(4)'));
    expect(await verify()).toBe('FAIL(assertion)');
    await edit('test/a.test.ts', TEST_FILE);
    // A file that takes another's place in resolution, although no module changed.
    await edit('src/one.js', 'export const one = 5;\n');
    await edit('src/one.ts', 'export const one = 1;\n');
    const cold = await test.exec([process.execPath, 'node_modules/vitest/vitest.mjs', 'run', 'test/a.test.ts']);
    expect(await verify()).toBe(cold.code === 0 ? 'PASS(executed)' : 'FAIL(assertion)');
    await test.exec(['rm', join(test.repo, 'src/one.js')]);
    expect(await verify()).toBe('PASS(executed)');
    // Configuration and environment are part of it.
    expect(await verify({ EXTRA: 'given' })).toBe('PASS(executed)');
    expect(outputs.at(-1)).toContain('given');
    expect(await verify()).toBe('PASS(executed)');
    expect(outputs.at(-1)).toContain('env test none');
    await edit(
      'vitest.config.ts',
      "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ test: { include: ['nothing/**'] } });\n",
    );
    expect(await verify()).toMatch(/^ERROR\(not-found\)$/);
    const pids = new Set(outputs.map((output) => /pid (\d+)/.exec(output)?.[1]).filter((pid) => pid !== undefined));
    expect(pids.size, 'each run has a fresh test process').toBeGreaterThanOrEqual(7);
    const starts = await test.log('worker.start');
    expect(new Set(starts.map((entry) => entry['pid'])).size).toBe(1);
    expect(String(starts[0]?.['name'])).toContain('coh-warm-');
    expect((await workers(test)).map((worker) => worker.state)).toEqual(['idle']);
  });

  // @verifies AC-orchestrator-warm-fresh
  it("sees a file that an earlier check of the same run has made, which takes another one's place", async () => {
    const made =
      'id: SPEC-made\ntitle: made\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-made-1\n    title: made\n    verified_by:\n      - id: make\n        run: cp five.txt src/one.js\n      - test: test/a.test.ts > adds\n        needs: [make]\n';
    await using test = await box({
      probes: (self) => ({ ...hotFiles(self), 'five.txt': 'export const one = 5;\n', 'specs/made.yaml': made }),
    });
    await symlink(MODULES, join(test.repo, 'node_modules'));
    await test.start();
    await warm(test, test.repo);
    const reasons = async (spec: string): Promise<string[]> => {
      const record = (await test.coherence(['verify', spec, '--json', '--no-cache'])).json<{
        specs: { criteria: { checks: { reason: string }[] }[] }[];
      }>();
      return record.specs[0]?.criteria[0]?.checks.map((check) => check.reason) ?? [];
    };
    expect(await reasons('SPEC-hot')).toEqual(['executed']);
    expect(await reasons('SPEC-made')).toEqual(['exit-code', 'assertion']);
    expect(new Set((await test.log('worker.start')).map((entry) => entry['pid'])).size).toBe(1);
  });

  // OC-17
  // @verifies AC-orchestrator-warm-keys
  it('of project A is not used for project B', async () => {
    await using test = await box({ probes: hotFiles });
    await symlink(MODULES, join(test.repo, 'node_modules'));
    const other = join(test.folder, 'other');
    await test.exec(['cp', '-rP', test.repo, other]);
    await writeFile(
      join(other, '.coherence', 'project.toml'),
      'project_slug = "other"\nproject_hash = "fff"\ndolt_db_name = "other"\n',
    );
    await test.start();
    const a = await warm(test, test.repo);
    expect((await test.coherence(['queue', 'add', 'SPEC-hot'], {}, { cwd: other })).code).toBe(0);
    await test.enqueue(['SPEC-hot']);
    await test.ended((await test.list()).map((run) => run.run_id));
    const starts = await test.log('worker.start');
    expect(starts).toHaveLength(2);
    expect(new Set(starts.map((entry) => entry['pid'])).size).toBe(2);
    expect(starts.filter((entry) => entry['pid'] === a.pid)).toHaveLength(1);
    expect((await test.list()).map((run) => run.verdict)).toEqual(['PASS', 'PASS']);
  });

  // @verifies AC-orchestrator-warm-cancel
  it('whose test never ends is ended with its run, and the next run gets a new one', async () => {
    await using test = await box({
      probes: (self) => ({
        ...hotFiles(self),
        'test/loop.test.ts':
          "import { it } from 'vitest';\n// @verifies AC-loop-1\nit('loops', () => { for (;;) ; });\n",
        'specs/loop.yaml':
          'id: SPEC-loop\ntitle: loop\nlevel: module\nstatus: active\ncriteria:\n  - id: AC-loop-1\n    title: loops\n',
      }),
    });
    await symlink(MODULES, join(test.repo, 'node_modules'));
    await test.start();
    const first = await warm(test, test.repo);
    const [run = ''] = await test.enqueue(['SPEC-loop']);
    await until(async () => (await test.show(run)).state === 'running', 'the run');
    await until(() => test.processes().some(({ argv }) => argv.includes('workers/forks.js')), 'the test process');
    expect((await test.coherence(['queue', 'cancel', run])).code).toBe(0);
    expect(await test.show(run)).toMatchObject({ verdict: 'ERROR', reason: 'canceled' });
    expect(lives(identity(first))).toBe(false);
    expect(test.processes().filter(({ argv }) => argv.includes('vitest'))).toEqual([]);
    const [after = ''] = await test.enqueue(['SPEC-hot']);
    expect((await test.ended([after]))[0]).toMatchObject({ verdict: 'PASS' });
  });
});
