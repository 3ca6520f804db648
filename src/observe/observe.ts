/** Runs under the observer: a command is wrapped before its start, and what it rested on is read after its end. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type { Observed } from '../model/index.js';
import { orNull } from '../util/files.js';
import { capture, newNonce, type ProcessEnd } from '../util/process.js';
import { helper } from './helper.js';
import { readLog } from './log.js';
import { observationOf } from './observation.js';

export interface Conclusion {
  readonly observed: Observed;
  /** The end as the program's own would have been: a program that could not be started is told as such. */
  readonly end: ProcessEnd;
  /** One sentence when the run says nothing because it was observed, so that it must be repeated without; null otherwise. */
  readonly spoiled: string | null;
}

export interface ObservedCommand {
  readonly ok: true;
  readonly command: readonly string[];
  /** Absolute path of the log, complete once the command has ended. */
  readonly log: string;
  /** A path that begins like this is a mark and no input: `access(prefix + text)`. */
  readonly prefix: string;
  /** Call once, after the end; removes the log. */
  conclude(end: ProcessEnd): Conclusion;
}

const unobserved = (end: ProcessEnd, why: string, spoiled: string | null = null): Conclusion => ({
  observed: { ok: false, why },
  end,
  spoiled,
});

const errnoOf = (number: number): readonly [string, string] =>
  getSystemErrorMap().get(-number) ?? [`error ${number}`, 'unknown'];

function refusal(text: string): string | null {
  const number = /^refused (\d+)\n/u.exec(text)?.[1];
  if (number === undefined) return null;
  const [code] = errnoOf(Number(number));
  return code === 'EBUSY'
    ? 'Another observer is at work on this process already, and the kernel takes one alone.'
    : `The kernel refused to observe the run (${code}).`;
}

/** What a command's log says. `end` is the helper's own end. */
export function concludeLog(bytes: Buffer | null, end: ProcessEnd): Conclusion {
  if (end.spawnError !== null) return unobserved(end, 'The program could not be started.');
  const refused = refusal(bytes?.subarray(0, 64).toString('latin1') ?? '');
  if (refused !== null) return unobserved(end, refused);
  const log = bytes === null ? null : readLog(bytes);
  if (log === null) {
    // A run that we ended ourselves ends with its observer; nobody reuses its verdict.
    if (end.timedOut || end.canceled) return unobserved(end, 'The run was ended before its observer could tell.');
    const why = 'The observer was ended before the program that it observed.';
    return unobserved(end, why, why);
  }
  if (log.startError !== 0) {
    const [code, message] = errnoOf(log.startError);
    const told = { ...end, code: null, spawnError: { code, message } };
    return unobserved(told, 'The program could not be started.');
  }
  if (!log.canarySeen) return unobserved(end, 'The observer did not see the call that proves that it sees.');
  const observation = observationOf(log);
  return { observed: { ok: true, observation }, end, spoiled: log.spoiled ? (log.lost[0] ?? '') : null };
}

/**
 * The command that runs `command` under the observer, its log in `folder`, or why there is none here.
 * Exit code, signals, standard streams and the process group stay those of the program.
 */
export function observe(
  command: readonly string[],
  folder: string,
): ObservedCommand | { readonly ok: false; readonly why: string } {
  const program = helper();
  if (!program.ok) return program;
  const nonce = newNonce();
  const log = join(folder, `observed-${nonce}`);
  const prefix = `/.coherence-${nonce}/`;
  return {
    ok: true,
    command: [program.path, log, prefix, '--', ...command],
    log,
    prefix,
    conclude: (end) => {
      const conclusion = concludeLog(
        orNull(() => readFileSync(log)),
        end,
      );
      rmSync(log, { force: true });
      return conclusion;
    },
  };
}

export type Availability =
  | { readonly available: true; readonly syncWakeUp: boolean }
  | { readonly available: false; readonly why: string };

/** Whether runs can be observed here, by observing one: the canary decides. */
export async function observerStatus(env: Readonly<Record<string, string | undefined>>): Promise<Availability> {
  const program = helper();
  if (!program.ok) return { available: false, why: program.why };
  const folder = realpathSync.native(mkdtempSync(join(tmpdir(), 'coherence-')));
  try {
    const wrapped = observe([program.path], folder);
    if (!wrapped.ok) return { available: false, why: wrapped.why };
    const probe = await capture({ command: wrapped.command, cwd: '/', env, timeoutMs: 10_000 });
    const bytes = orNull(() => readFileSync(wrapped.log));
    const { observed } = concludeLog(bytes, probe.end);
    if (!observed.ok) return { available: false, why: observed.why };
    return { available: true, syncWakeUp: bytes !== null && readLog(bytes)?.syncWakeUp === true };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
