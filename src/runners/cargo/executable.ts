/** Starting one test of a built executable, as cargo would have started it, in a process of its own. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Case, Outcome } from '../../model/index.js';
import type { RunContext, Workspace } from '../../run/adapters.js';
import type { CargoConfiguration } from './configuration.js';
import { runnerFor } from './configuration.js';
import { testEnvironment } from './environment.js';
import { judgeEnding, judgeExitCode, judgeTest, howItEnded, type Judgement } from './judge.js';
import { readListing, readPlaces, type ListedTest } from './listing.js';
import { packageFolder, type Package } from './metadata.js';
import { outcomeOf } from './outcomes.js';
import type { TreePaths } from './paths.js';
import { runProgram, runWhole, lastLines, textOf } from './program.js';
import type { Artifact, BuildStream } from './stream.js';
import type { Toolchain } from './toolchain.js';
import { CRITERIA_VARIABLE, criteriaValue } from '../../run/environment.js';

/** A test executable with all that is needed to start it. */
export interface Executable {
  readonly path: string;
  readonly entry: Package;
  readonly artifact: Artifact;
  readonly stream: BuildStream;
}

export interface StartOptions {
  readonly workspace: Workspace;
  readonly context: RunContext;
  readonly paths: TreePaths;
  readonly toolchain: Toolchain;
  readonly configuration: CargoConfiguration;
  readonly label: (stem: string) => string;
  /** What cargo itself was given; tests inherit it. */
  readonly env: Readonly<Record<string, string>>;
}

function invocation(
  executable: Executable,
  options: StartOptions,
  args: readonly string[],
  own: Readonly<Record<string, string>>,
  timeoutMs: number,
  label: string,
) {
  const { toolchain, configuration, paths } = options;
  const runner = runnerFor(configuration, toolchain.host, toolchain.cfg, toolchain.base);
  return {
    command: [...runner, executable.path, ...args],
    directory: paths.relative(packageFolder(executable.entry)) ?? '',
    env: testEnvironment({
      entry: executable.entry,
      artifact: executable.artifact,
      stream: executable.stream,
      toolchain,
      configured: configuration.env,
      own,
    }),
    timeoutMs,
    label,
  };
}

/** Longest that an executable may take to list its tests. */
const LIST_TIMEOUT_MS = 60_000;

/** The tests of an executable, or why they cannot be had. */
export async function listTests(
  executable: Executable,
  options: StartOptions,
): Promise<
  { readonly ok: true; readonly tests: readonly ListedTest[] } | { readonly ok: false; readonly judged: Judgement }
> {
  const placed = await runWhole(
    options.workspace,
    invocation(
      executable,
      options,
      ['--list', '--format', 'json', '-Z', 'unstable-options'],
      { ...options.env, RUSTC_BOOTSTRAP: '1' },
      LIST_TIMEOUT_MS,
      options.label('list'),
    ),
    options.context.signal,
  );
  const tests = placed.ok ? readPlaces(placed.stdout) : null;
  if (tests !== null) return { ok: true, tests };
  // An older libtest, or a harness of its own: names alone.
  const done = await runWhole(
    options.workspace,
    invocation(
      executable,
      options,
      ['--list', '--format', 'terse'],
      { ...options.env },
      LIST_TIMEOUT_MS,
      options.label('list'),
    ),
    options.context.signal,
  );
  if (done.ok) return { ok: true, tests: readListing(done.stdout).map((name) => ({ name, place: null })) };
  const ending = judgeEnding({ end: done.executed.end, trouble: done.executed.trouble, timeoutMs: LIST_TIMEOUT_MS });
  // A time-out here is not the linked test's: nothing was asked of it yet.
  if (ending !== null && ending.reason !== 'timeout') return { ok: false, judged: ending };
  return {
    ok: false,
    judged: {
      reason: 'crash',
      detail: `the test executable did not list its tests (${howItEnded(done.executed.end)})`,
      message: lastLines(done.stderr, 20),
    },
  };
}

const ownVariables = (one: Case, options: StartOptions): Record<string, string> => ({
  ...options.env,
  [CRITERIA_VARIABLE]: criteriaValue(one.criteria),
  COHERENCE_ATTEMPT: String(options.context.attempt),
  ...options.context.env,
  ...one.env,
});

/**
 * `RUST_TEST_THREADS` as a test would see it. cargo runs one executable after the other, so it bounds all tests of a workspace.
 * Infinity where it is not set, or is no number that libtest takes.
 */
export function testThreads(one: Case, options: StartOptions): number {
  const name = 'RUST_TEST_THREADS';
  const own = ownVariables(one, options)[name];
  const set = options.configuration.env.find((variable) => variable.name === name);
  const outside = options.toolchain.base.get(name);
  const value = own ?? (set?.force === true ? set.value : (outside ?? set?.value));
  return value !== undefined && /^\+?[1-9]\d*$/u.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
}

/** Runs exactly one test and judges it by the harness's log file. */
export async function runTest(
  one: Case,
  name: string,
  executable: Executable,
  options: StartOptions,
): Promise<Outcome> {
  const { workspace, context } = options;
  // Nobody but this process knows the name before it starts; afterwards it stands in its arguments (see judge.ts).
  const log = `log-${randomBytes(12).toString('hex')}`;
  const args = [
    '--exact',
    name,
    ...(one.ignored ? ['--include-ignored'] : []),
    '--logfile',
    `${workspace.reports.inside}/${log}`,
  ];
  const started = invocation(
    executable,
    options,
    args,
    ownVariables(one, options),
    one.timeoutMs,
    options.label(one.id),
  );
  const done = await runProgram(workspace, started, context.signal);
  const file = join(workspace.reports.host, log);
  const report = textOf(file);
  rmSync(file, { force: true });
  const judged = judgeTest({
    name,
    end: done.executed.end,
    trouble: done.executed.trouble,
    log: report,
    stdout: done.stdout,
    stdoutCut: done.executed.stdout.truncated,
    stderr: done.stderr,
    timeoutMs: one.timeoutMs,
  });
  return outcomeOf({ case: one, judged, context, command: started.command, executed: done.executed });
}

/** Runs a whole target that has no harness; its exit code is all there is. */
export async function runTarget(one: Case, executable: Executable, options: StartOptions): Promise<Outcome> {
  const { workspace, context } = options;
  const started = invocation(executable, options, [], ownVariables(one, options), one.timeoutMs, options.label(one.id));
  const done = await runProgram(workspace, started, context.signal);
  const judged = judgeExitCode({
    end: done.executed.end,
    trouble: done.executed.trouble,
    timeoutMs: one.timeoutMs,
    stderr: done.stderr,
  });
  return outcomeOf({
    case: one,
    judged,
    context,
    command: started.command,
    executed: done.executed,
    proof: judged.reason === 'executed' || judged.reason === 'exit-code' ? 'exit-code' : null,
  });
}
