/** The orchestrator: a changed vitest test through the warm daemon, queued runs, stale worktrees, reload, the idle daemon. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { enqueue, intendWorktree, listRuns, openJournal } from '../src/journal/index.js';
import { ulid } from '../src/util/ulid.js';
import { figure, median, runOnce, type Figure } from './measure.js';

const ROOT = process.cwd();
/** Another build can be named for work beside other work. */
const CLI = process.env['COHERENCE_TEST_BIN'] ?? join(ROOT, 'bin', 'coherence.cjs');

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
  const all = {
    '.coherence/project.toml': 'project_slug = "b"\nproject_hash = "b"\ndolt_db_name = "b"\n',
    '.gitignore': 'node_modules\n.coherence/runs/\n',
    'package.json': '{ "name": "b", "private": true, "type": "module" }\n',
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['-c', 'user.name=b', '-c', 'user.email=b@example.org', 'commit', '-qm', 'b'],
  ])
    spawnSync('git', args, { cwd: root });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const env = {
    COHERENCE_STATE_DIR: join(folder, 's'),
    COHERENCE_CACHE_DIR: join(folder, 'c'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
  };
  const cli = (...args: string[]): string => {
    const done = spawnSync(process.execPath, [CLI, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`coherence ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  return {
    root,
    env,
    cli,
    state: env.COHERENCE_STATE_DIR,
    end: () => {
      spawnSync(process.execPath, [CLI, 'daemon', 'stop', '--now'], { cwd: root, env: { ...process.env, ...env } });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const spec = (name: string, criteria: string): string =>
  `id: SPEC-${name}\ntitle: ${name}\nlevel: module\nstatus: active\ncriteria:\n${criteria}`;

/** Edit the test, verify it; the same edit, a cold vitest. Both sides in turn. */
function changedTest(): Figure {
  const made = project({
    'test/a.test.ts':
      "import { expect, it } from 'vitest';\n// @verifies AC-a-1\nit('adds', () => { expect(1 + 2).toBe(3); });\n",
    'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: adds\n'),
  });
  try {
    made.cli('daemon', 'start');
    made.cli('pool', 'warm');
    made.cli('verify', 'SPEC-a', '--quiet');
    const ours: number[] = [];
    const theirs: number[] = [];
    // One of the first rounds meets code that nobody has compiled yet; the median of many tells what a day is like.
    for (let round = 0; round < 15; round += 1) {
      appendFileSync(join(made.root, 'test/a.test.ts'), `// ${round}\nexport const changed${round} = ${round};\n`);
      ours.push(
        runOnce({ command: [process.execPath, CLI, 'verify', 'SPEC-a', '--quiet'], cwd: made.root, env: made.env }),
      );
      theirs.push(
        runOnce({
          command: [process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', 'test/a.test.ts'],
          cwd: made.root,
        }),
      );
    }
    return figure(
      'changed vitest test through the warm daemon',
      median(ours),
      'cold vitest run of it',
      median(theirs),
      0.4,
    );
  } finally {
    made.end();
  }
}

interface Entry {
  readonly event: string;
  readonly ts: string;
}

const entriesOf = (state: string): readonly Entry[] =>
  readFileSync(join(state, 'logs', 'daemon.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry); // written by the daemon

const RUNS = Number(process.env['COHERENCE_BENCH_RUNS'] ?? 1000);
const WORKERS = 2;

/** Puts copies of one queued run into the journal: a thousand commands would measure the command line. */
async function enqueueCopies(made: Made, count: number): Promise<void> {
  made.cli('queue', 'add', 'SPEC-a');
  const opened = await openJournal(made.state);
  if (!opened.ok) throw new Error(opened.failures[0]?.message);
  using journal = opened.value;
  const [first] = listRuns(journal.database);
  if (first === undefined) throw new Error('nothing was queued');
  const { session_id, spec_id, commit_sha, backend, priority, depends_on, repo, dedupe_key, payload } = first;
  enqueue(
    journal.database,
    journal.clock,
    Array.from({ length: count - 1 }, () => ({
      run_id: ulid(),
      session_id,
      spec_id,
      commit_sha,
      backend,
      priority,
      depends_on,
      repo,
      dedupe_key,
      payload,
    })),
  );
}

/** `count` calls of a program, `width` side by side; milliseconds a call and slot. */
async function perSlot(command: readonly string[], made: Made, count: number, width: number): Promise<number> {
  const started = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) {
        next += 1;
        const child = spawn(command[0] ?? '', command.slice(1), {
          cwd: made.root,
          env: { ...process.env, ...made.env },
          stdio: 'ignore',
        });
        await new Promise((done) => child.once('exit', done));
      }
    }),
  );
  return ((performance.now() - started) * width) / count;
}

/**
 * A thousand queued runs of one trivial command. Two figures: what the daemon itself adds between the end of one worker and
 * the start of the next, and what a run costs beyond the same verification (spawn, git, evidence) by a bare process.
 */
async function queuedRuns(): Promise<readonly Figure[]> {
  const made = project({
    'specs/a.yaml': spec('a', "  - id: AC-a-1\n    title: nothing\n    verified_by:\n      - run: 'true'\n"),
    '.coherence/config.yaml': `tick_interval_ms: 100\nspawn_jitter_min_ms: 0\nspawn_jitter_max_ms: 0\nmax_workers: ${WORKERS}\nspawns_per_tick: 64\n`,
  });
  try {
    const bare = [process.execPath, CLI, 'verify', 'SPEC-a', '--no-cache', '--quiet'];
    await perSlot(bare, made, 10, WORKERS);
    const before = await perSlot(bare, made, Math.min(100, RUNS), WORKERS);
    await enqueueCopies(made, RUNS);
    made.cli('daemon', 'start');
    while ((JSON.parse(made.cli('queue', 'list', '--json')) as { runs: unknown[] }).runs.length > 0)
      spawnSync('sleep', ['2']);
    const events = entriesOf(made.state);
    const starts = events.filter((entry) => entry.event === 'worker.start').map((entry) => Date.parse(entry.ts));
    const ends = events.filter((entry) => entry.event === 'worker.exit').map((entry) => Date.parse(entry.ts));
    if (starts.length !== RUNS || ends.length !== RUNS)
      throw new Error(`${starts.length} starts and ${ends.length} ends of ${RUNS} runs`);
    made.cli('daemon', 'stop');
    const after = await perSlot(bare, made, Math.min(100, RUNS), WORKERS);
    const floor = (before + after) / 2;
    const each = (((ends.at(-1) ?? 0) - (starts[0] ?? 0)) * WORKERS) / RUNS;
    // The n-th end frees the slot that the start number n + WORKERS takes.
    const gaps = ends.slice(0, RUNS - WORKERS).map((end, index) => (starts[index + WORKERS] ?? 0) - end);
    return [
      figure(`${RUNS} queued runs: a worker's end to the next start (ms)`, median(gaps), '30 ms', 30, 1),
      figure(
        `${RUNS} queued runs: a run (${Math.round(each)} ms) less a bare verification (${Math.round(floor)} ms)`,
        each - floor,
        '30 ms',
        30,
        1,
      ),
    ];
  } finally {
    made.end();
  }
}

/** What a daemon that was killed in the middle of 300 runs leaves: row, worktree, locked entry. */
async function staleWorktrees(): Promise<Figure> {
  const made = project({ 'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: nothing\n    gap: none\n') });
  try {
    mkdirSync(join(made.state, 'worktrees'), { recursive: true, mode: 0o700 });
    const opened = await openJournal(made.state);
    if (!opened.ok) throw new Error(opened.failures[0]?.message);
    using journal = opened.value;
    const commit = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: made.root, encoding: 'utf8' }).stdout.trim();
    for (let index = 0; index < 300; index += 1) {
      const path = join(made.state, 'worktrees', `verify-R${index}-1`);
      const reason = `coherence:v1 instance=dead run=R${index} nonce=n${index}`;
      intendWorktree(journal.database, {
        path,
        run_id: `R${index}`,
        instance_id: 'dead',
        repo: made.root,
        commit_sha: commit,
        nonce: `n${index}`,
        reason,
      });
      spawnSync('git', ['worktree', 'add', '-q', '--detach', '--lock', '--reason', reason, path, commit], {
        cwd: made.root,
      });
    }
    const started = performance.now();
    made.cli('daemon', 'start');
    const taken = performance.now() - started;
    const left = spawnSync('git', ['worktree', 'list', '--porcelain'], {
      cwd: made.root,
      encoding: 'utf8',
    }).stdout.match(/^worktree /gm)?.length;
    if (left !== 1) throw new Error(`${left ?? 0} worktrees are left`);
    return figure('`daemon start` over 300 stale worktrees', taken, '5 s', 5000, 1);
  } finally {
    made.end();
  }
}

/** From the request to the answer that says what changed, over the control socket. */
async function answered(socket: string): Promise<number> {
  const connection = connect(socket);
  await once(connection, 'connect');
  const started = performance.now();
  connection.write('{"id":1,"method":"reload","params":{}}\n');
  const [line] = (await once(connection, 'data')) as [Buffer];
  const taken = performance.now() - started;
  connection.destroy();
  const { value } = JSON.parse(line.toString()) as { value: { applied: Record<string, unknown> } };
  if (!('max_workers' in value.applied)) throw new Error('the reload did not say what changed');
  return taken;
}

/** The daemon's answer to a reload, and `daemon reload` as a user types it, the start of its own process included. */
async function reload(): Promise<readonly Figure[]> {
  const made = project({ 'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: nothing\n    gap: none\n') });
  try {
    made.cli('daemon', 'start');
    const { socket } = JSON.parse(readFileSync(join(made.state, 'daemon.json'), 'utf8')) as { socket: string };
    const change = (value: number): void =>
      writeFileSync(join(made.root, '.coherence/config.yaml'), `max_workers: ${value}\n`);
    const answers: number[] = [];
    const commands: number[] = [];
    for (let round = 0; round < 11; round += 1) {
      change(round + 100);
      answers.push(await answered(socket));
      change(round + 10);
      commands.push(runOnce({ command: [process.execPath, CLI, 'daemon', 'reload'], cwd: made.root, env: made.env }));
    }
    return [
      figure("a reload, the daemon's answer", median(answers), '250 ms', 250, 1),
      figure('a reload, the whole command', median(commands), '250 ms', 250, 1),
    ];
  } finally {
    made.end();
  }
}

function idle(): readonly Figure[] {
  const made = project({ 'specs/a.yaml': spec('a', '  - id: AC-a-1\n    title: nothing\n    gap: none\n') });
  try {
    made.cli('daemon', 'start');
    const { pid } = JSON.parse(readFileSync(join(made.state, 'daemon.json'), 'utf8')) as { pid: number };
    // Nanoseconds on a processor, of all its threads.
    const spent = (): number =>
      readdirSync(`/proc/${pid}/task`).reduce(
        (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]),
        0,
      );
    // V8 tidies up once, some seconds after the boot.
    spawnSync('sleep', ['15']);
    const before = spent();
    spawnSync('sleep', ['20']);
    const milliseconds = (spent() - before) / 1e6;
    const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    return [
      figure('idle daemon, resident memory (MB)', kilobytes / 1024, '80 MB', 80, 1),
      figure('idle daemon, processor time in 20 s (ms)', milliseconds, '10 ms (0.05 %, which top shows as 0.0)', 10, 1),
    ];
  } finally {
    made.end();
  }
}

const PARTS: Readonly<Record<string, () => Figure | readonly Figure[] | Promise<Figure | readonly Figure[]>>> = {
  'changed-test': changedTest,
  queue: queuedRuns,
  stale: staleWorktrees,
  reload,
  idle,
};

/** `COHERENCE_BENCH_PARTS=reload,idle` takes some of them. */
export default async function main(): Promise<readonly Figure[]> {
  const wanted = process.env['COHERENCE_BENCH_PARTS']?.split(',') ?? Object.keys(PARTS);
  const figures: Figure[] = [];
  for (const [name, part] of Object.entries(PARTS)) if (wanted.includes(name)) figures.push(...[await part()].flat());
  return figures;
}
