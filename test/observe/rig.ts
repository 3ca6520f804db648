/** Runs under the real observer, in a folder of their own. */
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation, ObservedInput, Observed } from '../../src/model/index.js';
import { observe } from '../../src/observe/index.js';
import { capture, run, type ProcessEnd } from '../../src/util/process.js';

export interface ObservedRun {
  readonly observed: Observed;
  readonly end: ProcessEnd;
  readonly spoiled: string | null;
  readonly out: string;
  readonly err: string;
  /** The observation; throws with the reason where there is none. */
  seen(): Observation;
  /** The input at a path, or undefined. */
  at(path: string): ObservedInput | undefined;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly graceMs?: number;
  readonly onStart?: (pid: number) => void;
  readonly onStdout?: (chunk: Buffer) => void;
  /** Programs before the observer: another user, other rights. */
  readonly before?: readonly string[];
}

export const scratch = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'coh-observe-')));

/** Runs a command observed. `prefix` replaces `{mark}` in its arguments, so that a program can leave marks. */
export async function runObserved(command: readonly string[], options: RunOptions = {}): Promise<ObservedRun> {
  const folder = scratch();
  try {
    const wrapped = observe(command, folder);
    if (!wrapped.ok) throw new Error(wrapped.why);
    // Another user writes the log there.
    chmodSync(folder, 0o777);
    const { before = [], cwd = folder, env, onStdout, ...rest } = options;
    const streams = { out: '', err: '' };
    const ended = await run({
      command: [...before, ...wrapped.command.map((part) => part.replaceAll('{mark}', wrapped.prefix))],
      cwd,
      env: { ...process.env, ...env },
      ...rest,
      onStdout: (chunk) => {
        streams.out += chunk.toString('latin1');
        onStdout?.(chunk);
      },
      onStderr: (chunk) => {
        streams.err += chunk.toString('latin1');
      },
    });
    const { observed, end, spoiled } = wrapped.conclude(ended);
    const seen = (): Observation => {
      if (!observed.ok) throw new Error(`${observed.why} ${streams.err}`);
      return observed.observation;
    };
    return {
      observed,
      end,
      spoiled,
      ...streams,
      seen,
      at: (path) => seen().inputs.find((input) => input.path === path),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles a C program into a folder: its path, or null without a compiler (which CI must have). */
export async function compiled(
  folder: string,
  name: string,
  source: string,
  flags: readonly string[] = [],
): Promise<string | null> {
  writeFileSync(join(folder, `${name}.c`), source);
  const command = ['cc', '-O1', '-w', ...flags, '-o', join(folder, name), join(folder, `${name}.c`)];
  const made = await capture({ command, cwd: folder });
  if (made.end.spawnError !== null && process.env['CI'] !== 'true') return null;
  if (!made.ok) throw new Error(made.stderr);
  return join(folder, name);
}

/** Puts the programs of a command under another, ordinary user. */
export const ORDINARY = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups'] as const;
export const isRoot = process.getuid?.() === 0;

/** For `beforeEach`: where this build has no observer, its tests are skipped with the reason; CI must have it. */
export function needObserver({ skip }: { readonly skip: (why: string) => void }): void {
  const there = observe(['true'], '/');
  if (!there.ok && process.env['CI'] !== 'true') skip(there.why);
}
