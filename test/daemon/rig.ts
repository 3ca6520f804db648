/**
 * A machine of its own for a daemon: temporary folder with state, cache, sockets and HOME, a git repository with probe
 * specs, and the built command line. Nothing here ends children behind the daemon's back; `dispose` ends what is left.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { addToQueue, openProject, type QueueRequest } from '../../src/app/index.js';
import { getRun, openJournal, resultsOf, type Journal } from '../../src/journal/index.js';
import { processStat } from '../../src/util/process.js';

const ROOT = resolve(import.meta.dirname, '../..');
/** The built program; another build can be named for work on the daemon beside other work. */
export const BIN = process.env['COHERENCE_TEST_BIN'] ?? join(ROOT, 'bin', 'coherence.cjs');

export interface Answer {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
  json<T = Record<string, unknown>>(): T;
}

export type LogEntry = Readonly<Record<string, unknown>> & { readonly event: string; readonly ts: string };

export interface Mark {
  readonly what: 'start' | 'end' | 'overlap';
  readonly run: string;
  readonly ac: string;
  readonly attempt: string;
}

export interface Box extends AsyncDisposable {
  readonly folder: string;
  readonly repo: string;
  readonly state: string;
  readonly env: Record<string, string | undefined>;
  /** Runs a program in the repository, with the box's environment and more. */
  exec(
    command: readonly string[],
    more?: Readonly<Record<string, string | undefined>>,
    options?: { readonly cwd?: string; readonly onStart?: (pid: number) => void },
  ): Promise<Answer>;
  coherence(
    args: readonly string[],
    more?: Readonly<Record<string, string | undefined>>,
    options?: { readonly cwd?: string; readonly onStart?: (pid: number) => void },
  ): Promise<Answer>;
  git(...args: readonly string[]): Promise<string>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** A spec whose criteria are commands that leave marks, sleep and exit. */
  probe(
    name: string,
    options?: {
      readonly count?: number;
      readonly sleep?: number;
      readonly exit?: number;
      readonly script?: string;
      readonly extra?: string;
    },
  ): string;
  config(values: Readonly<Record<string, unknown>>): Promise<void>;
  /** `daemon start`; throws when it does not exit with 0. */
  start(
    more?: Readonly<Record<string, string | undefined>>,
  ): Promise<{ readonly pid: number; readonly startTicks: number }>;
  /** `queue add`, as a command. */
  queue(...args: readonly string[]): Promise<readonly string[]>;
  /** The same use case in this process, for many runs. */
  enqueue(ids: readonly string[], request?: Partial<QueueRequest>): Promise<readonly string[]>;
  journal(): Promise<Journal>;
  show(run: string): Promise<ShownRun>;
  list(): Promise<readonly ShownRun[]>;
  status(): Promise<Record<string, never>>;
  log(event?: string): Promise<readonly LogEntry[]>;
  /** Waits for a line of the log. */
  logged(event: string, matches?: (entry: LogEntry) => boolean, limitMs?: number): Promise<LogEntry>;
  ended(runs: readonly string[], limitMs?: number): Promise<readonly ShownRun[]>;
  marks(): Promise<readonly Mark[]>;
  daemonPid(): Promise<number>;
  /** Live processes whose environment names this box. */
  processes(): readonly { readonly pid: number; readonly argv: string }[];
  worktrees(): Promise<readonly string[]>;
}

export interface ShownRun {
  readonly run_id: string;
  readonly spec_id: string;
  readonly state: string;
  readonly verdict: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly attempt: number;
  readonly fence: number;
  readonly commit: string | null;
  readonly criteria: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly reason: string;
    readonly attempt: number;
  }[];
}

const scriptOf = (marks: string): string => `#!/bin/sh
# usage: probe.sh SECONDS EXIT
M="${marks}"
for p in $(grep -s "^start $COHERENCE_RUN_ID $COHERENCE_AC_ID " "$M" | cut -d' ' -f5); do
  if [ -r /proc/$p/environ ] && tr '\\0' '\\n' < /proc/$p/environ 2>/dev/null | grep -qx "COHERENCE_AC_ID=$COHERENCE_AC_ID" && tr '\\0' '\\n' < /proc/$p/environ 2>/dev/null | grep -qx "COHERENCE_RUN_ID=$COHERENCE_RUN_ID"; then
    echo "overlap $COHERENCE_RUN_ID $COHERENCE_AC_ID $COHERENCE_ATTEMPT $p" >> "$M"
  fi
done
echo "start $COHERENCE_RUN_ID $COHERENCE_AC_ID $COHERENCE_ATTEMPT $$" >> "$M"
sleep "$1"
echo "end $COHERENCE_RUN_ID $COHERENCE_AC_ID $COHERENCE_ATTEMPT $$" >> "$M"
exit "$2"
`;

export async function until<T>(
  ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  what: string,
  limitMs = 30_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

async function execute(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  onStart?: (pid: number) => void,
): Promise<Answer> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  if (child.pid !== undefined) onStart?.(child.pid);
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code, signal] = await new Promise<[number | null, string | null]>((done, refuse) => {
    child.once('error', refuse);
    child.once('exit', (exit, by) => setImmediate(() => done([exit, by])));
  });
  return { code, signal, out, err, json: () => JSON.parse(out) };
}

export interface BoxOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly probes?: (box: Pick<Box, 'probe'>) => Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  /** A folder for the state instead of one in the box. */
  readonly state?: string;
  readonly slug?: string;
}

const yaml = (values: Readonly<Record<string, unknown>>): string =>
  `${Object.entries(values)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    .join('\n')}\n`;

export async function box(options: BoxOptions = {}): Promise<Box> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'coh-daemon-')));
  const repo = join(folder, 'repo');
  const state = options.state ?? join(folder, 'state');
  const marksFile = join(folder, 'marks.log');
  for (const name of ['repo', 'home', 'cache']) await mkdir(join(folder, name));
  await mkdir(join(folder, 'run'), { mode: 0o700 });
  const env: Record<string, string | undefined> = {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: join(folder, 'home'),
    TMPDIR: tmpdir(),
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compiled'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    COHERENCE_STATE_DIR: state,
    COHERENCE_CACHE_DIR: join(folder, 'cache'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@x',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@x',
    COHERENCE_TEST: '1',
    BOX: folder,
  };
  let opened: Journal | null = null;
  const self: Box = {
    folder,
    repo,
    state,
    env,
    exec: async (command, more = {}, run = {}) => execute(command, run.cwd ?? repo, { ...env, ...more }, run.onStart),
    coherence: async (args, more = {}, run = {}) =>
      execute([process.execPath, BIN, ...args], run.cwd ?? repo, { ...env, ...more }, run.onStart),
    git: async (...args) => {
      const answer = await execute(['git', ...args], repo, env);
      if (answer.code !== 0) throw new Error(`git ${args.join(' ')}: ${answer.err}`);
      return answer.out.trim();
    },
    write: async (files) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(repo, path)), { recursive: true });
        await writeFile(join(repo, path), content);
        if (content.startsWith('#!')) await chmod(join(repo, path), 0o755);
      }
    },
    probe: (name, { count = 1, sleep = 0, exit = 0, script = './probe.sh', extra = '' } = {}) =>
      `id: SPEC-${name}\ntitle: ${name}\nlevel: module\nstatus: active\ncriteria:\n${Array.from({ length: count }, (_, index) => `  - id: AC-${name}-${index + 1}\n    title: criterion ${index + 1}\n    verified_by:\n      - run: ${script} ${sleep} ${exit}\n${extra}`).join('')}`,
    config: async (values) => writeFile(join(repo, '.coherence', 'config.yaml'), yaml(values)),
    start: async (more = {}) => {
      const answer = await self.coherence(['daemon', 'start', '--json'], more);
      if (answer.code !== 0)
        throw new Error(
          `daemon start exits ${answer.code}: ${answer.err}\n${(await self.log())
            .slice(-5)
            .map((entry) => JSON.stringify(entry))
            .join('\n')}`,
        );
      const { pid } = answer.json<{ pid: number }>();
      return { pid, startTicks: processStat(pid)?.startTicks ?? 0 };
    },
    queue: async (...args) => {
      const answer = await self.coherence(['queue', 'add', ...args]);
      if (answer.code !== 0) throw new Error(`queue add exits ${answer.code}: ${answer.err}`);
      return answer.out.trim().split('\n');
    },
    enqueue: async (ids, request = {}) => {
      const project = await openProject({ cwd: repo, env });
      if (!project.ok) throw new Error(project.failures[0]?.message);
      const queued = await addToQueue(project.value, {
        ids,
        commit: null,
        priority: 0,
        after: null,
        session: null,
        place: null,
        request: null,
        ...request,
      });
      if (!queued.ok) throw new Error(queued.failures[0]?.message);
      return queued.value.map((entry) => entry.run.run_id);
    },
    journal: async () => {
      if (opened === null) {
        await mkdir(state, { recursive: true, mode: 0o700 });
        const journal = await openJournal(state);
        if (!journal.ok) throw new Error(journal.failures[0]?.message);
        opened = journal.value;
      }
      return opened;
    },
    // Read beside the daemon, as `queue show` does.
    show: async (id) => {
      const { database } = await self.journal();
      const run = getRun(database, id);
      if (run === null) throw new Error(`there is no run ${id}`);
      const criteria = resultsOf(database, id).map((result) => ({
        id: result.ac_id,
        verdict: result.verdict,
        reason: JSON.parse(result.payload).reason,
        attempt: result.attempt,
      }));
      return { ...run, commit: run.commit_sha, criteria };
    },
    list: async () => {
      const { database } = await self.journal();
      return Promise.all(
        database
          .sql('SELECT run_id FROM runs ORDER BY seq')
          .all()
          .map(async (row) => self.show(String(row['run_id']))),
      );
    },
    status: async () => (await self.coherence(['daemon', 'status', '--json'])).json<Record<string, never>>(),
    log: async (event) => {
      const text = await readFile(join(state, 'logs', 'daemon.jsonl'), 'utf8').catch(() => '');
      const entries = text.split('\n').flatMap((line) => {
        try {
          return line === '' ? [] : [JSON.parse(line) as LogEntry];
        } catch {
          return [];
        }
      });
      return event === undefined ? entries : entries.filter((entry) => entry.event === event);
    },
    logged: async (event, matches = () => true, limitMs) =>
      until(async () => (await self.log(event)).find(matches), `the event ${event}`, limitMs),
    ended: async (runs, limitMs) => {
      await until(
        async () => {
          const { database } = await self.journal();
          return runs.every((run) => ['done', 'dead_letter'].includes(getRun(database, run)?.state ?? ''));
        },
        `the end of ${runs.length} runs`,
        limitMs ?? 60_000,
      );
      return Promise.all(runs.map(async (run) => self.show(run)));
    },
    marks: async () => {
      const text = await readFile(marksFile, 'utf8').catch(() => '');
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [what, run, ac, attempt] = line.split(' ');
          return { what: what as Mark['what'], run: run ?? '', ac: ac ?? '', attempt: attempt ?? '' };
        });
    },
    daemonPid: async () => Number(JSON.parse(await readFile(join(state, 'daemon.json'), 'utf8')).pid),
    processes: () =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
        .flatMap((name) => {
          try {
            const found = processStat(Number(name));
            if (
              found === null ||
              found.state === 'Z' ||
              !readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`BOX=${folder}`)
            )
              return [];
            return [
              { pid: Number(name), argv: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() },
            ];
          } catch {
            return [];
          }
        }),
    worktrees: async () =>
      (await self.git('worktree', 'list', '--porcelain'))
        .split('\n')
        .filter((line) => line.startsWith('worktree '))
        .map((line) => line.slice(9)),
    [Symbol.asyncDispose]: async () => {
      opened?.close();
      for (let pass = 0; pass < 20 && self.processes().length > 0; pass += 1) {
        for (const { pid } of self.processes()) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It has ended.
          }
        }
        await new Promise((done) => setTimeout(done, 25));
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
  const slug = options.slug ?? 'probe';
  await self.git('init', '-q', '-b', 'main');
  await self.write({
    '.coherence/project.toml': `project_slug = "${slug}"\nproject_hash = "abcdef123456"\ndolt_db_name = "${slug}"\n`,
    '.gitignore': '.coherence/runs/\n.coherence/config.local.yaml\nnode_modules\n',
    'probe.sh': scriptOf(marksFile),
    ...options.files,
    ...options.probes?.(self),
  });
  await self.config({ tick_interval_ms: 200, ...options.config });
  await self.git('add', '-A');
  await self.git('commit', '-qm', 'first');
  return self;
}

/** Whether exactly that process lives. */
export const lives = (identity: { readonly pid: number; readonly startTicks: number }): boolean => {
  const found = processStat(identity.pid);
  return found !== null && found.startTicks === identity.startTicks && found.state !== 'Z';
};

export const dead = async (identity: { readonly pid: number; readonly startTicks: number }): Promise<void> => {
  await until(() => !lives(identity), `the end of process ${identity.pid}`);
};

/** SIGKILL, and wait until it is gone. */
export async function kill9(identity: { readonly pid: number; readonly startTicks: number }): Promise<void> {
  if (lives(identity)) process.kill(identity.pid, 'SIGKILL');
  await dead(identity);
}

export const isRoot = process.getuid?.() === 0;

export const entriesIn = async (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => []);
