/** Runs under the real observer, in a folder of their own. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Observation, ObservedInput, Observed } from '../../src/model/index.js';
import { observe } from '../../src/observe/index.js';
import { capture, type ProcessEnd } from '../../src/util/process.js';

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
  readonly onStart?: (pid: number) => void;
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
    const { before = [], cwd = folder, env, ...rest } = options;
    const captured = await capture({
      command: [...before, ...wrapped.command.map((part) => part.replaceAll('{mark}', wrapped.prefix))],
      cwd,
      env: { ...process.env, ...env },
      ...rest,
    });
    const { observed, end, spoiled } = wrapped.conclude(captured.end);
    const seen = (): Observation => {
      if (!observed.ok) throw new Error(`${observed.why} ${captured.stderr}`);
      return observed.observation;
    };
    return {
      observed,
      end,
      spoiled,
      out: captured.stdout,
      err: captured.stderr,
      seen,
      at: (path) => seen().inputs.find((input) => input.path === path),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
