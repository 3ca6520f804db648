/**
 * git, asked as data: no configuration of the repository that runs programs is honoured (hooks, fsmonitor, pagers,
 * external diffs), and variables that would point git elsewhere are unset. The user's own settings are passed on: who pushes with
 * `git -c safe.directory=…` has said that git may answer here, and a git that does not hear it refuses.
 */
import { capture, newNonce, pathOutside, run, type Captured } from './process.js';

/**
 * What ties git to one repository, index or object store; git itself takes these away before it works in another one
 * (`git rev-parse --local-env-vars`). Not among them: GIT_CONFIG_PARAMETERS (`-c`) and GIT_CONFIG_COUNT, which belong to the user.
 */
const POINTERS = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_COMMON_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_NAMESPACE',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_REPLACE_REF_BASE',
  'GIT_PREFIX',
  'GIT_CONFIG',
  'GIT_EXTERNAL_DIFF',
  'GIT_PAGER',
  'GIT_QUARANTINE_PATH',
];

export function gitEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string | undefined> {
  const result: Record<string, string | undefined> = {
    ...env,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C.UTF-8',
  };
  for (const name of POINTERS) delete result[name];
  return result;
}

/** Settings that a repository could use to run a program of its own while it is only read. */
const SAFE = [
  '-c',
  'core.fsmonitor=false',
  '-c',
  'core.hooksPath=/dev/null',
  '-c',
  'core.pager=cat',
  '-c',
  'diff.external=',
  '-c',
  'core.untrackedCache=keep',
  '-c',
  'core.quotePath=false',
];

export interface GitOptions {
  readonly input?: string | Uint8Array;
  readonly signal?: AbortSignal;
  /** After this long git has not answered, which is a failure; default: 10 minutes. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A nonce that stands in a ledger already, so that a later boot finds a git that outlived us. */
  readonly nonce?: string;
  readonly onStart?: (pid: number) => void;
}

/** Longer than any question takes that somebody waits for; a git that hangs must not hang its caller for ever. */
const PATIENCE_MS = 10 * 60_000;

const command = (args: readonly string[]): readonly string[] => ['git', ...SAFE, ...args];
const environment = (cwd: string, env: GitOptions['env']): Record<string, string | undefined> => {
  const wanted = gitEnvironment(env);
  return { ...wanted, PATH: pathOutside(cwd, wanted['PATH']) };
};

/** One configured value as git itself reads it (the settings that keep git safe elsewhere would answer for themselves); null when unset. */
export async function gitConfigValue(cwd: string, key: string): Promise<string | null> {
  const answer = await capture({
    command: ['git', 'config', '--path', '--get', key],
    cwd,
    env: environment(cwd, undefined),
  });
  return answer.ok ? answer.stdout.trim() : null;
}

/** Runs `git <args>` in `cwd`. Never rejects; look at `ok`. */
export const git = async (cwd: string, args: readonly string[], options: GitOptions = {}): Promise<Captured> =>
  capture({
    command: command(args),
    cwd,
    timeoutMs: PATIENCE_MS,
    ...options,
    env: environment(cwd, options.env),
    maxBytes: 512 * 1024 * 1024,
  });

/** Why git gave no answer, in its own words where it had any; on one line. */
export function gitWords({ end, stderr }: Pick<Captured, 'end' | 'stderr'>): string {
  if (end.spawnError !== null)
    return end.spawnError.code === 'ENOENT'
      ? 'there is no git on PATH'
      : `git did not start: ${end.spawnError.message}`;
  if (end.timedOut) return `git did not answer within ${Math.round(end.durationMs / 1000)} s`;
  const lines = stderr.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  const fatal = lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines.at(-1);
  return fatal ?? `git ended with ${end.code ?? end.signal ?? 'no exit code'} and said nothing`;
}

/** What git said to one of several questions. */
export interface GitAnswer {
  readonly ok: boolean;
  readonly stdout: string;
}

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Several questions for the price of one start: a process of 250 MB (a warm worker) takes 10 ms to start a program, since its
 * page tables are copied, and a shell in between starts the rest in one. Never rejects; answers stand in the order of the questions.
 * The first is answered on standard output and the others, at the same time, on standard error.
 * @param silent a further question, answered by git's exit code alone and asked beside the others; its answer is the last
 */
export async function gitTogether(
  cwd: string,
  questions: readonly (readonly string[])[],
  silent: readonly string[],
  options: Omit<GitOptions, 'input'> = {},
): Promise<readonly GitAnswer[]> {
  const mark = newNonce();
  const said = `printf '\\n%s %d\\n' ${mark} $?`;
  // What git complains of is nobody's here: the exit code says that it did.
  const line = (args: readonly string[]): string => `${command(args).map(quoted).join(' ')} 2>/dev/null`;
  const [first = [], ...others] = questions;
  const script = [
    `${line(silent)} >/dev/null &`,
    'silent=$!',
    `{ ${said}; ${others.map((args) => `${line(args)}; ${said}; `).join('')}:; } >&2 &`,
    'others=$!',
    `${line(first)}; ${said}`,
    `wait $silent; ${said}`,
    'wait $others',
  ];
  const answer = await capture({
    command: ['sh', '-c', script.join('\n')],
    cwd,
    ...options,
    env: environment(cwd, options.env),
    maxBytes: 512 * 1024 * 1024,
  });
  const end = new RegExp(`\\n${mark} (\\d+)\\n`, 'u');
  // On each stream text and exit code in turn, and one empty text at the end.
  const [text, code, , silentCode, ...rest] = answer.stdout.split(end);
  // What stands before the first mark is the shell's own, a warning about the locale for one.
  const [, , ...beside] = answer.stderr.split(end);
  // Anything else (no shell, killed): each for itself.
  if (rest.length !== 1 || beside.length !== others.length * 2 + 1)
    return Promise.all([...questions, silent].map(async (args) => git(cwd, args, options)));
  return [
    { ok: code === '0', stdout: text ?? '' },
    ...others.map((_, index) => ({ ok: beside[index * 2 + 1] === '0', stdout: beside[index * 2] ?? '' })),
    { ok: silentCode === '0', stdout: '' },
  ];
}

/** Trimmed standard output, or null when git failed. */
export async function gitLine(cwd: string, args: readonly string[]): Promise<string | null> {
  const answer = await git(cwd, args);
  return answer.ok ? answer.stdout.trim() : null;
}

export interface GitBytes {
  readonly ok: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Like `git`, for output that is not text: file contents, `--batch` answers. */
export async function gitBytes(cwd: string, args: readonly string[], options: GitOptions = {}): Promise<GitBytes> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const end = await run({
    command: command(args),
    cwd,
    ...options,
    env: environment(cwd, options.env),
    onStdout: (chunk) => stdout.push(chunk),
    onStderr: (chunk) => stderr.push(chunk),
  });
  return {
    ok: end.code === 0 && end.spawnError === null,
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr).toString('utf8'),
  };
}
