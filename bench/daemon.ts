/** The orchestrator: a changed vitest test through the warm daemon, overhead of queued runs, the idle daemon. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { figure, median, runOnce, type Figure } from './measure.js';

const ROOT = process.cwd();
const CLI = join(ROOT, 'bin', 'coherence.mjs');

interface Made {
  readonly root: string;
  readonly state: string;
  readonly env: Record<string, string>;
  cli(...args: string[]): string;
  end(): void;
}

function project(files: Readonly<Record<string, string>>): Made {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'coh-bench-')));
  const root = join(folder, 'p');
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
  const all = { '.coherence/project.toml': 'project_slug = "b"\nproject_hash = "b"\ndolt_db_name = "b"\n', '.gitignore': 'node_modules\n.coherence/runs/\n', 'package.json': '{ "name": "b", "private": true, "type": "module" }\n', ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const args of [['init', '-q'], ['add', '-A'], ['-c', 'user.name=b', '-c', 'user.email=b@example.org', 'commit', '-qm', 'b']]) spawnSync('git', args, { cwd: root });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const env = { COHERENCE_STATE_DIR: join(folder, 's'), COHERENCE_CACHE_DIR: join(folder, 'c'), XDG_RUNTIME_DIR: join(folder, 'run') };
  const cli = (...args: string[]): string => {
    const done = spawnSync(process.execPath, [CLI, ...args], { cwd: root, env: { ...process.env, ...env }, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`coherence ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  return {
    root, env, cli, state: env.COHERENCE_STATE_DIR,
    end: () => {
      spawnSync(process.execPath, [CLI, 'daemon', 'stop', '--now'], { cwd: root, env: { ...process.env, ...env } });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const spec = (name: string, criteria: string): string => `id: SPEC-${name}\ntitle: ${name}\nlevel: module\nstatus: active\ncriteria:\n${criteria}`;

/** Edit the test, verify it; the same edit, a cold vitest. Both sides in turn. */
function changedTest(): Figure {
  const made = project({
    'test/a.test.ts': "import { expect, it } from 'vitest';\n// @verifies AC-a-1\nit('adds', () => { expect(1 + 2).toBe(3); });\n",
    'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: adds\n'),
  });
  try {
    made.cli('daemon', 'start');
    made.cli('pool', 'warm');
    made.cli('verify', 'SPEC-a', '--quiet');
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      appendFileSync(join(made.root, 'test/a.test.ts'), `// ${round}\nexport const changed${round} = ${round};\n`);
      ours.push(runOnce({ command: [process.execPath, CLI, 'verify', 'SPEC-a', '--quiet'], cwd: made.root, env: made.env }));
      theirs.push(runOnce({ command: [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', 'test/a.test.ts'], cwd: made.root }));
    }
    return figure('changed vitest test through the warm daemon', median(ours), 'cold vitest run of it', median(theirs), 0.4);
  } finally {
    made.end();
  }
}

/**
 * Queued trivial runs, one after the other: what the daemon adds between a worker's last word and the start of the next one.
 * The worker's own life (Node, the modules, the verification) is not the queue's.
 */
function queuedRuns(): Figure {
  const count = 100;
  const made = project({
    'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: nothing\n    gap: there is nothing to do\n'),
    '.coherence/config.yaml': 'tick_interval_ms: 100\nspawn_jitter_min_ms: 0\nspawn_jitter_max_ms: 0\nmax_workers: 1\nspawns_per_tick: 64\n',
  });
  try {
    for (let index = 0; index < count; index += 1) made.cli('queue', 'add', 'SPEC-a');
    made.cli('daemon', 'start');
    while ((JSON.parse(made.cli('queue', 'list', '--json')) as { runs: unknown[] }).runs.length > 0) spawnSync('sleep', ['1']);
    const events = readFileSync(join(made.state, 'logs', 'daemon.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { event: string; ts: string })
      .filter((entry) => entry.event === 'criterion' || entry.event === 'worker.start');
    const gaps = events.flatMap((entry, index) => (entry.event === 'worker.start' && events[index - 1]?.event === 'criterion' ? [Date.parse(entry.ts) - Date.parse(events[index - 1]?.ts ?? '')] : []));
    return figure('queued run: from its verdict to the next start (ms)', median(gaps), '30 ms', 30, 1);
  } finally {
    made.end();
  }
}

function idle(): readonly Figure[] {
  const made = project({ 'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: nothing\n    gap: none\n') });
  try {
    made.cli('daemon', 'start');
    const { pid } = JSON.parse(readFileSync(join(made.state, 'daemon.json'), 'utf8')) as { pid: number };
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    spawnSync('sleep', ['3']);
    const before = ticks();
    spawnSync('sleep', ['20']);
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    return [figure('idle daemon, resident memory (MB)', kilobytes / 1024, '80 MB', 80, 1), figure('idle daemon, processor time in 20 s (ms)', (ticks() - before) * 10, '1 % of it', 200, 1)];
  } finally {
    made.end();
  }
}

export default async function main(): Promise<readonly Figure[]> {
  return [changedTest(), queuedRuns(), ...idle()];
}
