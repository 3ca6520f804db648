/**
 * The only place that starts programs. Every child leads a process group of its own and is ended with its whole tree:
 * TERM to the group, a grace period, KILL to the group, then KILL to whatever still carries the child's nonce in its
 * environment (a child that called setsid left the group but kept its environment). The promise settles after that.
 *
 * Limit: a grandchild started with an emptied environment *and* its own session escapes; see docs/processes.md.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

/** Name of the variable that marks our children; a list separated by `,`, since a nested coherence appends its own. */
export const NONCE_VARIABLE = 'COHERENCE_RUN_NONCE';

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
  /** A nonce chosen (and written to a ledger) before the start; default: a fresh one. */
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

/** Identity of a process that survives pid reuse: boot, pid and start time in clock ticks (field 22 of /proc/pid/stat). */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
}

export const newNonce = (): string => randomBytes(12).toString('hex');

/** This boot's id; '' where the system has none. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** State letter and start ticks of a pid; null when there is no such process. */
export function processStat(pid: number): { readonly state: string; readonly parent: number; readonly group: number; readonly startTicks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and parentheses: fields are counted from the last ')'.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '?', parent: Number(fields[1]), group: Number(fields[2]), startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

export function identityOf(pid: number): ProcessIdentity | null {
  const found = processStat(pid);
  return found === null ? null : { bootId: bootId(), pid, startTicks: found.startTicks };
}

/** True while exactly that process (not a later one with its pid) runs; a zombie counts as ended. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const found = processStat(identity.pid);
  return found !== null && found.startTicks === identity.startTicks && found.state !== 'Z' && found.state !== 'X';
}

/** Pids of live processes of ours (readable environment) whose nonce list holds `nonce`. */
export function processesWithNonce(nonce: string): number[] {
  const needle = Buffer.from(nonce);
  const found: number[] = [];
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return found;
  }
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const environment = readFileSync(`/proc/${pid}/environ`);
      if (environment.indexOf(needle) === -1) continue;
      const line = environment.toString('latin1').split('\0').find((entry) => entry.startsWith(`${NONCE_VARIABLE}=`));
      if (line?.slice(NONCE_VARIABLE.length + 1).split(',').includes(nonce) !== true) continue;
      const state = processStat(pid)?.state;
      if (state !== undefined && state !== 'Z' && state !== 'X') found.push(pid);
    } catch {
      continue;
    }
  }
  return found;
}

/** True while any non-zombie member of the process group exists. */
function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  try {
    return readdirSync('/proc').some((name) => {
      if (!/^\d+$/.test(name)) return false;
      const found = processStat(Number(name));
      return found !== null && found.group === group && found.state !== 'Z' && found.state !== 'X';
    });
  } catch {
    return true;
  }
}

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

/** The environment of a child with its nonce appended to the list that it may have inherited. */
export function withNonce(env: Readonly<Record<string, string | undefined>>, nonce: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) result[name] = value;
  const inherited = process.env[NONCE_VARIABLE];
  result[NONCE_VARIABLE] = inherited === undefined || inherited === '' ? nonce : `${inherited},${nonce}`;
  return result;
}

/**
 * Runs a program to its end and resolves after its whole tree is gone; never rejects.
 * Survivors of a normal exit (background children) are ended as well: a check owns what it started.
 */
export async function run(options: ProcessOptions): Promise<ProcessEnd> {
  const startedAt = new Date();
  const started = process.hrtime.bigint();
  const nonce = options.nonce ?? newNonce();
  const end = (rest: Partial<ProcessEnd>): ProcessEnd => ({
    pid: null, code: null, signal: null, spawnError: null, timedOut: false, canceled: false, startedAt, endedAt: new Date(),
    durationMs: Number(process.hrtime.bigint() - started) / 1e6, ...rest,
  });
  if (options.signal?.aborted === true) return end({ canceled: true });
  const [program, ...args] = options.command;
  if (program === undefined) return end({ spawnError: { code: 'EINVAL', message: 'empty command' } });

  let child: ChildProcess;
  try {
    child = spawn(program, args, {
      cwd: options.cwd,
      env: withNonce(options.env ?? process.env, nonce),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    return end({ spawnError: { code: 'EINVAL', message: error instanceof Error ? error.message : String(error) } });
  }
  let timedOut = false;
  let canceled = false;
  let ending: Promise<boolean> | null = null;
  const stop = (): void => {
    if (child.pid !== undefined) ending ??= endTree(child.pid, nonce, options.graceMs ?? 2000);
  };
  const timer = options.timeoutMs === undefined ? null : setTimeout(() => {
    timedOut = true;
    stop();
  }, options.timeoutMs);
  const onAbort = (): void => {
    canceled = true;
    stop();
  };
  options.signal?.addEventListener('abort', onAbort, { once: true });

  const result = await new Promise<Partial<ProcessEnd>>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ spawnError: { code: error.code ?? 'UNKNOWN', message: error.message } });
    });
    child.once('spawn', () => {
      if (child.pid !== undefined) options.onStart?.(child.pid);
    });
    child.stdout?.on('data', (chunk: Buffer) => options.onStdout?.(chunk));
    child.stderr?.on('data', (chunk: Buffer) => options.onStderr?.(chunk));
    child.stdin?.on('error', () => undefined);
    if (options.input !== undefined) child.stdin?.end(options.input);
    let exited: { code: number | null; signal: NodeJS.Signals | null } | null = null;
    // The end of a command is the exit of its main process: a background child that holds stdout open is ended, not awaited.
    child.once('exit', (code, signal) => {
      exited = { code, signal };
      stop0();
    });
    child.once('close', (code, signal) => resolve({ pid: child.pid ?? null, code, signal }));
    const stop0 = (): void => {
      const pid = child.pid;
      if (pid === undefined || exited === null) return;
      ending ??= groupLives(pid) || processesWithNonce(nonce).length > 0 ? endTree(pid, nonce, 0) : Promise.resolve(true);
      void ending.then(() => {
        // A reader outside our tree may still hold the pipe (passed over a socket): do not wait for it for ever.
        setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, 500).unref();
      });
    };
  });
  if (timer !== null) clearTimeout(timer);
  options.signal?.removeEventListener('abort', onAbort);
  await ending;
  return end({ ...result, timedOut, canceled: canceled && !timedOut });
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
  const take = (name: 'stdout' | 'stderr') => (chunk: Buffer): void => {
    if (sizes[name] < limit) streams[name].push(chunk.subarray(0, limit - sizes[name]));
    sizes[name] += chunk.length;
  };
  const end = await run({ ...options, onStdout: take('stdout'), onStderr: take('stderr') });
  return {
    end, ok: end.code === 0 && end.spawnError === null,
    stdout: Buffer.concat(streams.stdout).toString('utf8'), stderr: Buffer.concat(streams.stderr).toString('utf8'),
  };
}

/** Starts a program that outlives us: own session, no pipes; output goes to the given descriptors. Returns its pid or null. */
export function startDetached(command: readonly string[], cwd: string, env: Readonly<Record<string, string | undefined>>, output: number | 'ignore' = 'ignore'): number | null {
  const [program, ...args] = command;
  if (program === undefined) return null;
  const child = spawn(program, args, { cwd, env: { ...env }, detached: true, stdio: ['ignore', output, output] });
  child.on('error', () => undefined);
  child.unref();
  return child.pid ?? null;
}

/** A long-lived child with open pipes and, on request, an IPC channel; for servers and warm workers. The caller owns its end (`endTree`). */
export function startChild(command: readonly string[], options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>>; readonly nonce: string; readonly ipc?: boolean; readonly output?: number | 'pipe' | 'ignore' }): ChildProcess {
  const [program, ...args] = command;
  const output = options.output ?? 'pipe';
  return spawn(program ?? '', args, {
    cwd: options.cwd, env: withNonce(options.env, options.nonce), detached: true,
    stdio: options.ipc === true ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
  });
}

/** Takes the kernel lock of an open file description with `flock`; the lock lives as long as the descriptor. See util/lock.ts. */
export function flockDescriptor(descriptor: number, mode: 'exclusive' | 'shared', waitSeconds: number): 'taken' | 'busy' | 'unsupported' {
  const args = [mode === 'shared' ? '-s' : '-x', ...(waitSeconds > 0 ? ['-w', String(waitSeconds)] : ['-n']), '3'];
  const result = spawnSync('flock', args, { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (result.error !== undefined) return 'unsupported';
  return result.status === 0 ? 'taken' : 'busy';
}

/** Where PATH has a program, or null. An absolute path is checked as it is. Never looks into the current folder. */
export async function findProgram(name: string, path: string | undefined = process.env['PATH']): Promise<string | null> {
  const candidates = isAbsolute(name) ? [name] : (path ?? '').split(delimiter).filter((folder) => isAbsolute(folder)).map((folder) => join(folder, name));
  for (const candidate of candidates) {
    if (await access(candidate, constants.X_OK).then(() => true, () => false)) return candidate;
  }
  return null;
}
