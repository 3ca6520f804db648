/**
 * Running programs in a workspace and reading what they printed, whole where it matters.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Executed, Invocation, Workspace } from '../../run/adapters.js';

export interface Finished {
  readonly executed: Executed;
  readonly stdout: string;
  readonly stderr: string;
  /** True when it started and exited with 0, and the place had no trouble. */
  readonly ok: boolean;
}

/**
 * A captured file's text; '' when there is none. Synchronous: the files are small and capped, and with hundreds of tests the four
 * hops of an asynchronous read cost more than the read.
 */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const isOk = (executed: Executed): boolean =>
  executed.trouble === null && executed.end.spawnError === null && executed.end.code === 0;

/** Runs a program; its output is what the place captured (each stream is capped there). */
export async function runProgram(workspace: Workspace, invocation: Invocation, signal: AbortSignal): Promise<Finished> {
  const executed = await workspace.exec(invocation, signal);
  return { executed, stdout: textOf(executed.stdout.file), stderr: textOf(executed.stderr.file), ok: isOk(executed) };
}

/** What stays of a long stream in the evidence. */
const STORED_BYTES = 512 * 1024;

/**
 * Runs a program whose whole standard output is needed, however long: places cap what they capture, and a build of some
 * hundred dependencies prints more. The output goes to a file in the reports folder, by a fixed line of shell that
 * gets everything as arguments. What the place captured is replaced by the stream's beginning, so evidence has it.
 */
export async function runWhole(workspace: Workspace, invocation: Invocation, signal: AbortSignal): Promise<Finished> {
  const name = `${invocation.label}.out`;
  const command = ['sh', '-c', 'exec "$@" > "$0"', `${workspace.reports.inside}/${name}`, ...invocation.command];
  const executed = await workspace.exec({ ...invocation, command }, signal);
  const stdout = textOf(join(workspace.reports.host, name));
  const stderr = textOf(executed.stderr.file);
  const kept = stdout.length <= STORED_BYTES ? stdout : stdout.slice(0, stdout.lastIndexOf('\n', STORED_BYTES) + 1);
  await writeFile(executed.stdout.file, kept).catch(() => undefined);
  return { executed, stdout, stderr, ok: isOk(executed) };
}

/** The last lines of a text that are worth showing: cargo's own progress lines are left out. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines
    .filter(
      (line) =>
        line.trim() !== '' &&
        !/^\s+(?:Compiling|Finished|Blocking|Downloading|Downloaded|Updating|Locking|Adding) /u.test(line),
    )
    .slice(-count)
    .join('\n');
}

/** The first line that names an error, for a detail of one line. */
export function firstError(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return (
    lines.find((line) => /^error(?:\[|:| )/u.test(line)) ??
    lines.find((line) => line !== '') ??
    'cargo failed without a message'
  );
}
