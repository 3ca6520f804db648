/**
 * A project of its own for a test: temporary folder with HOME, state, cache and sockets inside, a git repository, and the built
 * command line. Everything it starts and leaves is gone after `dispose`.
 */
import { chmodSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { RunRecord } from '../../src/model/index.js';
import { capture, type Captured } from '../../src/util/process.js';

export { specFile } from './spec-file.js';

export const ROOT = resolve(import.meta.dirname, '../..');
const COHERENCE = process.env['COHERENCE_BIN'] ?? join(ROOT, 'bin', 'coherence.cjs');

export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON. */
  json<T = unknown>(): T;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
  readonly onStart?: (pid: number) => void;
}

export interface TestProject extends AsyncDisposable {
  /** Root of the repository. */
  readonly root: string;
  /** The temporary folder around it. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  read(path: string): Promise<string>;
  /** Runs `coherence`. */
  coherence(args: readonly string[], options?: RunOptions): Promise<Answer>;
  /** `verify --json` with these arguments. */
  verify(args?: readonly string[], options?: RunOptions): Promise<Answer & { readonly record: RunRecord }>;
  git(...args: readonly string[]): Promise<string>;
  commit(message?: string): Promise<string>;
  run(command: readonly string[], options?: RunOptions): Promise<Captured>;
}

const answerOf = (captured: Captured): Answer => ({
  code: captured.end.code,
  out: captured.stdout,
  err: captured.stderr,
  json: <T>() => JSON.parse(captured.stdout) as T, // the test says what it expects
});

/** Environment of a machine where nobody has used coherence: nothing of the caller's but PATH and the toolchains' homes. */
export function freshEnv(folder: string): Record<string, string | undefined> {
  const home = process.env['HOME'] ?? '';
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    TMPDIR: tmpdir(),
    // The build is the same for all of them: compiled once and not once a home.
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'compiled'),
    HOME: join(folder, 'home'),
    XDG_CONFIG_HOME: join(folder, 'home', '.config'),
    XDG_STATE_HOME: join(folder, 'home', '.local', 'state'),
    XDG_CACHE_HOME: join(folder, 'home', '.cache'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    CARGO_HOME: process.env['CARGO_HOME'] ?? join(home, '.cargo'),
    RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(home, '.rustup'),
    PYENV_ROOT: process.env['PYENV_ROOT'] ?? join(home, '.pyenv'),
    GOPATH: process.env['GOPATH'] ?? join(home, 'go'),
    GOCACHE: process.env['GOCACHE'] ?? join(home, '.cache', 'go-build'),
    GIT_CONFIG_GLOBAL: join(folder, 'home', '.gitconfig'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@example.org',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@example.org',
  };
}

/** @param files written before the first commit; `init: false` leaves out `coherence init` */
export async function testProject(
  files: Readonly<Record<string, string>> = {},
  options: { readonly init?: boolean; readonly git?: boolean } = {},
): Promise<TestProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'coh-e2e-')));
  const root = join(folder, 'project');
  const env = freshEnv(folder);
  await Promise.all([
    mkdir(root, { recursive: true }),
    mkdir(join(folder, 'home'), { recursive: true }),
    mkdir(join(folder, 'run'), { mode: 0o700 }),
  ]);
  const run: TestProject['run'] = async (command, more = {}) =>
    capture({
      command,
      cwd: more.cwd ?? root,
      env: { ...env, ...more.env },
      ...(more.input === undefined ? {} : { input: more.input }),
      ...(more.signal === undefined ? {} : { signal: more.signal }),
      ...(more.onStart === undefined ? {} : { onStart: more.onStart }),
    });
  const git: TestProject['git'] = async (...args) => {
    const answer = await run(['git', ...args]);
    if (!answer.ok) throw new Error(`git ${args.join(' ')}: ${answer.stderr}`);
    return answer.stdout.trim();
  };
  const project: TestProject = {
    root,
    folder,
    env,
    run,
    git,
    write: async (more) => {
      for (const [path, content] of Object.entries(more)) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), content);
        if (content.startsWith('#!')) chmodSync(join(root, path), 0o755);
      }
    },
    read: async (path) => readFile(join(root, path), 'utf8'),
    coherence: async (args, more) => answerOf(await run([process.execPath, COHERENCE, ...args], more)),
    verify: async (args = [], more) => {
      const answer = answerOf(await run([process.execPath, COHERENCE, 'verify', '--json', ...args], more));
      expect(answer.out, `exit ${answer.code}: ${answer.err}`).not.toBe('');
      return { ...answer, record: answer.json<RunRecord>() };
    },
    commit: async (message = 'change') => {
      await git('add', '-A');
      await git('commit', '-q', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD');
    },
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
  if (options.git !== false) await git('init', '-q', '-b', 'main');
  await project.write(files);
  if (options.init !== false) {
    const made = await project.coherence(['init', '--slug', 'fixture', '--quiet']);
    expect(made.code, made.err).toBe(0);
  }
  return project;
}

/** `AC-x` → `PASS(executed)` for every criterion of a record. */
export const verdicts = (record: RunRecord): Record<string, string> =>
  Object.fromEntries(
    record.specs.flatMap((spec) =>
      spec.criteria.map((criterion) => [criterion.id, `${criterion.verdict}(${criterion.reason})`]),
    ),
  );

/** Gives a project this repository's installed npm packages, as a user's own installation of vitest. */
export const installHere = async (project: TestProject): Promise<void> => {
  await project.run(['ln', '-s', join(ROOT, 'node_modules'), join(project.root, 'node_modules')]);
  await project.write({ '.gitignore': 'node_modules\n' });
};
