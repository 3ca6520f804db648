/**
 * The only place that starts programs. Every child leads a process group of its own and is ended with its whole tree:
 * TERM to the group, a grace period, KILL to the group, then KILL to whatever still carries the child's nonce in its
 * environment (a child that called setsid left the group but kept its environment). The promise settles after that.
 *
 * Limit: a grandchild started with an emptied environment *and* its own session escapes; see docs/processes.md.
 */
import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join, sep } from 'node:path';
import { NONCE_VARIABLE, groupLives, processesWithNonce } from './proc.js';

export {
  NONCE_VARIABLE,
  bootId,
  carriesNonce,
  holdsLock,
  identityOf,
  isAlive,
  processStat,
  processesWithNonce,
  type ProcessIdentity,
} from './proc.js';

export interface ProcessOptions {
  /** Program and arguments; never a shell line. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child. Default: this process's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Fed to standard input, which is closed after it; default: no input. */
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Between TERM and KILL; default 2 000 ms. */
  readonly graceMs?: number;
  readonly onStdout?: (chunk: Buffer) => void;
  readonly onStderr?: (chunk: Buffer) => void;
  /** A nonce chosen (and written to a ledger) before the start, never shared by two commands; default: a fresh one. */
  readonly nonce?: string;
  /** Called once with the pid, before any output. */
  readonly onStart?: (pid: number) => void;
}

export interface ProcessEnd {
  readonly pid: number | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when the program could not be started: ENOENT, EACCES, EAGAIN… */
  readonly spawnError: { readonly code: string; readonly message: string } | null;
  readonly timedOut: boolean;
  readonly canceled: boolean;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly durationMs: number;
}

export const newNonce = (): string => randomBytes(12).toString('hex');

const signalGroup = (group: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-group, signal);
  } catch {
    // ESRCH: the group has ended in the meantime.
  }
};
const signalOne = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it has ended in the meantime.
  }
};

/** Waits until `done` holds, polling; false when `limitMs` passed first. */
async function until(done: () => boolean, limitMs: number): Promise<boolean> {
  const end = process.hrtime.bigint() + BigInt(Math.round(limitMs * 1e6));
  for (let wait = 2; ; wait = Math.min(wait * 2, 50)) {
    if (done()) return true;
    if (process.hrtime.bigint() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/**
 * Ends the tree of a child that we started: TERM to the group, KILL to the group, KILL to whoever carries the nonce
 * (at most three passes). Resolves to true once nothing of it is left. Group signals are safe while we have not
 * reaped the leader, or while a verified member lives: Linux does not reuse a pid that is in use as a group id.
 */
export async function endTree(group: number, nonce: string, graceMs: number): Promise<boolean> {
  const gone = (): boolean => !groupLives(group) && processesWithNonce(nonce).length === 0;
  if (graceMs > 0 && groupLives(group)) {
    signalGroup(group, 'SIGTERM');
    await until(() => !groupLives(group), graceMs);
  }
  for (let pass = 0; pass < 3; pass += 1) {
    if (groupLives(group)) signalGroup(group, 'SIGKILL');
    for (const pid of processesWithNonce(nonce)) signalOne(pid, 'SIGKILL');
    if (await until(gone, 500)) return true;
  }
  return gone();
}

/** The nonce that this process was started with: the innermost of its list; null without one. */
export const ownNonce = (): string | null => process.env[NONCE_VARIABLE]?.split(',').at(-1) || null;

/** The environment of a child with its nonce appended to the list that it may have inherited. */
export function withNonce(env: Readonly<Record<string, string | undefined>>, nonce: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) result[name] = value;
  const inherited = process.env[NONCE_VARIABLE];
  result[NONCE_VARIABLE] = inherited === undefined || inherited === '' ? nonce : `${inherited},${nonce}`;
  return result;
}

/** Trees that run right now, by group: ended at once should this process exit before they do. */
const running = new Map<number, string>();

function endAllNow(): void {
  for (const [group, nonce] of running) {
    signalGroup(group, 'SIGKILL');
    for (const pid of processesWithNonce(nonce, group)) signalOne(pid, 'SIGKILL');
  }
}

let guarded = false;
function remember(group: number, nonce: string): void {
  if (!guarded) process.on('exit', endAllNow);
  guarded = true;
  running.set(group, nonce);
}

/** Largest delay that a timer takes; a longer one would fire at once. */
const LONGEST_TIMER = 2_147_483_647;

/** A reader outside the tree may still hold a pipe: once the tree is gone, output is awaited this many quiet rounds. */
const QUIET_ROUNDS = 3;
const QUIET_ROUND_MS = 100;

function spawnFailure(error: unknown, options: ProcessOptions): { readonly code: string; readonly message: string } {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
  // The kernel says ENOENT for a missing working folder too.
  if (code === 'ENOENT' && !existsSync(options.cwd))
    return { code, message: `the folder ${options.cwd} does not exist` };
  const program = options.command[0] ?? '';
  const known: Readonly<Record<string, string>> = {
    ENOENT: `${program} was not found`,
    EACCES: `${program} may not be executed`,
    ENOEXEC: `${program} is not a program`,
    EAGAIN: 'the system refuses more processes',
    ENOMEM: 'out of memory',
    EMFILE: 'too many open files',
    ENFILE: 'too many open files',
    E2BIG: 'the command line or environment is too long',
  };
  return { code, message: known[code] ?? (error instanceof Error ? error.message : String(error)) };
}

/**
 * Runs a program to its end and resolves after its whole tree is gone; never rejects.
 * The end of a command is the exit of its main process: survivors (background children) are ended, not awaited,
 * since a check owns what it started. Time-out and cancellation count only until that exit.
 */
export async function run(options: ProcessOptions): Promise<ProcessEnd> {
  const startedAt = new Date();
  const started = process.hrtime.bigint();
  const nonce = options.nonce ?? newNonce();
  const end = (rest: Partial<ProcessEnd>): ProcessEnd => ({
    pid: null,
    code: null,
    signal: null,
    spawnError: null,
    timedOut: false,
    canceled: false,
    startedAt,
    endedAt: new Date(),
    durationMs: Number(process.hrtime.bigint() - started) / 1e6,
    ...rest,
  });
  if (options.signal?.aborted === true) return end({ canceled: true });
  const [program, ...args] = options.command;
  if (program === undefined || program === '') return end({ spawnError: { code: 'EINVAL', message: 'empty command' } });

  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd: options.cwd,
      env: withNonce(options.env ?? process.env, nonce),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    return end({ spawnError: spawnFailure(error, options) });
  }
  const pid = child.pid;
  if (pid === undefined)
    return end({
      spawnError: await new Promise((resolve) => child.once('error', (error) => resolve(spawnFailure(error, options)))),
    });

  remember(pid, nonce);
  let timedOut = false;
  let canceled = false;
  let ending: Promise<unknown> | null = null;
  const stop = (): void => {
    ending ??= endTree(pid, nonce, options.graceMs ?? 2000);
  };
  const timer =
    options.timeoutMs === undefined
      ? null
      : setTimeout(
          () => {
            timedOut = true;
            stop();
          },
          Math.min(options.timeoutMs, LONGEST_TIMER),
        );
  const onAbort = (): void => {
    canceled = true;
    stop();
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });

  let quiet = 0;
  const reader =
    (take: ((chunk: Buffer) => void) | undefined) =>
    (chunk: Buffer): void => {
      quiet = 0;
      take?.(chunk);
    };
  child.on('error', () => undefined);
  child.stdout?.on('data', reader(options.onStdout));
  child.stderr?.on('data', reader(options.onStderr));
  child.stdin?.on('error', () => undefined);
  if (options.input !== undefined) child.stdin?.end(options.input);
  options.onStart?.(pid);

  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const exit = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  if (timer !== null) clearTimeout(timer);
  options.signal?.removeEventListener('abort', onAbort);
  // A command of an hour may have seen the pid counter wrap round: then the whole table is read.
  const since = Number(process.hrtime.bigint() - started) < 60e9 ? pid : undefined;
  if (ending === null && (groupLives(pid) || processesWithNonce(nonce, since).length > 0))
    ending = endTree(pid, nonce, 0);
  await ending;
  running.delete(pid);
  const drained = setInterval(() => {
    // Timers run before waiting input is read: what counts is silence over several rounds.
    quiet += 1;
    if (quiet <= QUIET_ROUNDS) return;
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, QUIET_ROUND_MS);
  await closed;
  clearInterval(drained);
  return end({ pid, ...exit, timedOut, canceled: canceled && !timedOut });
}

export interface Captured {
  readonly end: ProcessEnd;
  readonly stdout: string;
  readonly stderr: string;
  /** True when it started and exited with 0. */
  readonly ok: boolean;
}

/** Runs a short program and keeps its output (each stream up to `maxBytes`, default 64 MiB; the rest is dropped). Never rejects. */
export async function capture(options: ProcessOptions & { readonly maxBytes?: number }): Promise<Captured> {
  const limit = options.maxBytes ?? 64 * 1024 * 1024;
  const streams = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const sizes = { stdout: 0, stderr: 0 };
  const take =
    (name: 'stdout' | 'stderr') =>
    (chunk: Buffer): void => {
      if (sizes[name] < limit) streams[name].push(chunk.subarray(0, limit - sizes[name]));
      sizes[name] += chunk.length;
    };
  const end = await run({ ...options, onStdout: take('stdout'), onStderr: take('stderr') });
  return {
    end,
    ok: end.code === 0 && end.spawnError === null,
    stdout: Buffer.concat(streams.stdout).toString('utf8'),
    stderr: Buffer.concat(streams.stderr).toString('utf8'),
  };
}

/** Starts a program that outlives us: own session, no pipes; output goes to the given descriptors. Returns its pid or null. */
export function startDetached(
  command: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  output: number | 'ignore' = 'ignore',
): number | null {
  const [program, ...args] = command;
  if (program === undefined) return null;
  const child = spawn(program, args, { cwd, env: { ...env }, detached: true, stdio: ['ignore', output, output] });
  child.on('error', () => undefined);
  child.unref();
  return child.pid ?? null;
}

/** A long-lived child with open pipes and, on request, an IPC channel; for servers and warm workers. The caller owns its end (`endTree`). */
export function startChild(
  command: readonly string[],
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly nonce: string;
    readonly ipc?: boolean;
    readonly output?: number | 'pipe' | 'ignore';
  },
): ChildProcess {
  const [program, ...args] = command;
  const output = options.output ?? 'pipe';
  return spawn(program ?? '', args, {
    cwd: options.cwd,
    env: withNonce(options.env, options.nonce),
    detached: true,
    stdio: options.ipc === true ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
  });
}

/**
 * A Node.js child with an IPC channel for structured values, in our own process group: for a test runner's own workers,
 * which end with the one that started them. The caller owns its end.
 */
export function startFork(
  module: string,
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly execArgv: readonly string[];
  },
): ChildProcess {
  return fork(module, [], {
    cwd: options.cwd,
    env: { ...options.env },
    execArgv: [...options.execArgv],
    stdio: 'pipe',
    serialization: 'advanced',
  });
}

/** Takes the kernel lock of an open file description with `flock`; the lock lives as long as the descriptor. See util/lock.ts. */
export function flockDescriptor(
  descriptor: number,
  mode: 'exclusive' | 'shared',
  waitSeconds: number,
): 'taken' | 'busy' | 'unsupported' {
  const args = [mode === 'shared' ? '-s' : '-x', ...(waitSeconds > 0 ? ['-w', String(waitSeconds)] : ['-n']), '3'];
  const result = spawnSync('flock', args, { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (result.error !== undefined) return 'unsupported';
  return result.status === 0 ? 'taken' : 'busy';
}

/** Where PATH has a program, or null. An absolute path is checked as it is. Never looks into the current folder. */
export async function findProgram(
  name: string,
  path: string | undefined = process.env['PATH'],
): Promise<string | null> {
  const candidates = isAbsolute(name)
    ? [name]
    : (path ?? '')
        .split(delimiter)
        .filter((folder) => isAbsolute(folder))
        .map((folder) => join(folder, name));
  for (const candidate of candidates) {
    if (isExecutable(candidate)) return candidate;
  }
  return null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * PATH without what a repository could put there: relative entries, and folders below `folder`.
 * A program named `git` or `python3` in a clone is never run by looking at the clone.
 */
export function pathOutside(folder: string, path: string | undefined): string {
  const below = folder.endsWith(sep) ? folder : folder + sep;
  return (path ?? '')
    .split(delimiter)
    .filter((entry) => isAbsolute(entry) && entry !== folder && !entry.startsWith(below))
    .join(delimiter);
}
