/**
 * Runner `go`: one `go test -json` a package, with an exact `-run`; the named test must have its own pass event, and the
 * process must have come to its end (see reports.ts). Test binary and profile go to the reports folder, not the tree.
 */
import { join, posix } from 'node:path';
import type { Batch, Case, Outcome } from '../../model/index.js';
import { exists } from '../../util/files.js';
import type { Availability, Invocation, RunContext, Workspace } from '../../run/adapters.js';
import { conclude, endWords, type Gathered } from '../../run/conclude.js';
import { CAPTURE_LIMIT } from '../../run/decorators/capture.js';
import type { Attempt, BatchRunner, Silent } from '../../run/decorators/isolation.js';
import { batchEnv, maskText, secretValues } from '../../run/environment.js';
import { lastLines, notStarted, type Finding } from '../../run/outcome.js';
import { replaceCapture, StdoutFile } from '../../run/reports/stdout-file.js';
import { executeWatched, Watchdog } from '../../run/watchdog.js';
import { ancestors, batchesBy, relativeTo } from '../layout.js';
import { askGo, asker, brokenGo, buildOf, stateOfFile, type FileState } from './build.js';
import { findingOf } from './finding.js';
import { GoReports } from './reports.js';
import { Audience, groupsByPattern, runPattern, wantedOf, type Wanted } from './select.js';

/** Compiling the package and what it needs, with nothing reported yet. */
const BUILD_MS = 600_000;

async function moduleOf(root: string, file: string): Promise<string> {
  for (const folder of ancestors(file)) if (await exists(join(root, folder, 'go.mod'))) return folder;
  return '';
}

const commandLine = (program: string, batch: Batch, wanted: readonly Wanted[], reports: string): string[] => {
  // A whole file: Go runs packages, so all tests of the package run.
  const pattern = wanted.some((one) => one.name === '') ? '.' : runPattern(wanted);
  return [
    program,
    'test',
    '-json',
    '-count=1',
    '-timeout=0',
    '-o',
    `${reports}/package.test`,
    '-memprofile',
    `${reports}/package.mem`,
    '-run',
    pattern,
    batch.configuration['package'] ?? '.',
  ];
};

/** All of one `go test`. */
interface Launch {
  readonly program: string;
  readonly batch: Batch;
  readonly workspace: Workspace;
  readonly context: RunContext;
  readonly env: Readonly<Record<string, string>>;
  readonly label: string;
  readonly states: ReadonlyMap<string, FileState>;
}

async function runPackage(launch: Launch): Promise<Attempt> {
  const { program, batch, workspace, context, env, label, states } = launch;
  const { cases } = batch;
  const folder = { inside: workspace.reports.inside, host: workspace.reports.host };
  await using stdout = new StdoutFile(folder, `${label}.json`);
  const profile = `${label}.mem`;
  const both = (entry: Case): boolean => {
    const state = states.get(entry.id);
    return state?.kind === 'compiled' && state.both;
  };
  const wanted = new Map(cases.map((entry) => [entry, wantedOf(entry, both(entry))]));
  const command = commandLine(program, batch, [...wanted.values()], folder.inside).map((word) =>
    word === `${folder.inside}/package.mem` ? `${folder.inside}/${profile}` : word,
  );
  const invocation: Invocation = {
    command: stdout.command(command),
    directory: batch.directory,
    timeoutMs: null,
    label,
    env,
  };
  const reports = new GoReports();
  const audience = new Audience([...wanted.values()]);
  const watchdog = new Watchdog(Math.max(...cases.map((entry) => entry.timeoutMs)), BUILD_MS);
  const watched = await executeWatched(workspace, invocation, context.signal, watchdog, async () => {
    for (const line of await stdout.lines()) {
      watchdog.progress();
      const change = reports.take(line);
      if (change?.kind === 'start') {
        const limits = audience.of(change.name).map((entry) => entry.timeoutMs);
        watchdog.started(change.name, limits.length === 0 ? null : Math.min(...limits));
      } else if (change?.kind === 'pause') watchdog.paused(change.name);
      else if (change?.kind === 'end') watchdog.ended(change.name);
    }
  });
  const secrets = secretValues(cases[0]?.env ?? {});
  const shown = await replaceCapture(
    watched.executed.stdout.file,
    maskText([...reports.build.map((line) => `${line}\n`), ...reports.output].join(''), secrets),
    CAPTURE_LIMIT,
  );
  const executed = { ...watched.executed, stdout: { ...watched.executed.stdout, ...shown } };
  const silent = reports.tests.size === 0 && reports.end === null && !reports.buildFailed;
  const broken =
    silent && !context.signal.aborted && executed.trouble === null && executed.end.code !== 0
      ? await brokenGo(workspace, program, batch.directory, env, label, context.signal)
      : null;
  const definitions = await definitionsOf(launch, reports);

  const whole = await exists(join(folder.host, profile));
  // The package failed and no test did: its main function, or an exit of its own.
  const stray = whole && reports.end !== 'pass' && !reports.anyFailed;
  const findings = new Map(
    [...wanted].map(([entry, one]): readonly [string, Finding | null] => {
      const state = states.get(entry.id);
      const compiled = state?.kind === 'compiled' ? state : { external: false, both: false };
      return [entry.id, findingOf(one, reports, { ...compiled, definitions })];
    }),
  );
  const settled = (entry: Case): Finding | null => findings.get(entry.id) ?? null;
  const doubt = (entry: Case): boolean => (!whole || stray) && settled(entry)?.reason === 'executed';
  const running = new Set(
    [...reports.tests.keys()].filter((name) => reports.isRunning(name)).flatMap((name) => audience.of(name)),
  );
  const overdue = new Set([...watchdog.overdue].flatMap((name) => audience.of(name)));
  const begun = (entry: Case): boolean => running.has(entry);
  // A panic or a test still running explains the early end; otherwise somebody left, and any pass may be made up.
  const explained = reports.anyFailed || cases.some(begun);
  const errors = lastLines([...reports.build].join('\n'), 40);
  const gathered: Gathered = {
    finding: (entry) => (doubt(entry) ? null : settled(entry)),
    overdue: (entry) => overdue.has(entry),
    unfinished: (entry) => begun(entry) || (doubt(entry) && !explained),
    crashDetail: (entry) =>
      stray
        ? 'passed, but its package failed with no failing test'
        : doubt(entry)
          ? `not believed: ${endWords(watched)} before the testing package had finished`
          : null,
    missing: (entry) => ({ finding: broken ?? missing(entry, reports, errors, endWords(watched)), again: false }),
    ended:
      reports.buildFailed ||
      (whole && reports.end !== null) ||
      (reports.tests.size === 0 && watched.executed.end.code !== null && !watched.expired),
    exact: true,
    foreign: false,
  };
  return conclude(cases, gathered, { executed, expired: watched.expired }, command, context);
}

/**
 * How many test functions the test binary itself lists under names that were reported more than once: what a test
 * prints can look like a second report. Null for all other names.
 */
async function definitionsOf(launch: Launch, reports: GoReports): Promise<(name: string) => number | null> {
  const twice = [...reports.tests].flatMap(([name, test]) =>
    test.runs.length > 1 && !name.includes('/') ? [name] : [],
  );
  if (twice.length === 0) return () => null;
  const { program, batch, workspace, env, label } = launch;
  const pattern = runPattern(twice.map((name) => ({ name, isFamily: false })));
  const listing = [program, 'test', '-list', pattern, batch.configuration['package'] ?? '.'];
  const answer = await askGo(workspace, listing, batch.directory, env, `${label}-names`, launch.context.signal);
  const lines = answer.stdout.split('\n');
  return (name) => (twice.includes(name) ? lines.filter((line) => line === name).length : null);
}

async function attempt(program: string, batch: Batch, workspace: Workspace, context: RunContext): Promise<Attempt> {
  const shared = batchEnv(batch, context);
  const asked = await buildOf(batch, workspace, program, batch.cases[0]?.env ?? {}, context);
  if (!asked.ok)
    return {
      outcomes: batch.cases.map((entry) =>
        context.signal.aborted
          ? notStarted(entry, 'canceled', 'canceled before it was run', context.attempt)
          : notStarted(entry, asked.finding.reason, asked.finding.detail, context.attempt),
      ),
      silent: [],
      foreign: false,
    };
  const { build } = asked;
  const ask = asker(workspace, program, batch, shared, context);
  const states = new Map<string, FileState>();
  const byFile = new Map<string, Promise<FileState>>();
  for (const entry of batch.cases) {
    const state = byFile.get(entry.file) ?? stateOfFile(entry, build, batch, ask);
    byFile.set(entry.file, state);
    states.set(entry.id, await state);
  }
  const outcomes: Outcome[] = [];
  const silent: Silent[] = [];
  const runnable: Case[] = [];
  for (const entry of batch.cases) {
    const state = states.get(entry.id);
    if (state?.kind === 'not') outcomes.push(notStarted(entry, state.finding.reason, state.finding.detail, 1));
    else runnable.push(entry);
  }
  const env = build.flags === null ? shared : { ...shared, GOFLAGS: build.flags };
  const groups = groupsByPattern(runnable);
  for (const [i, cases] of groups.entries()) {
    const label = `${batch.id}-${context.attempt}${groups.length === 1 ? '' : `-${i + 1}`}`;
    const done = await runPackage({ program, batch: { ...batch, cases }, workspace, context, env, label, states });
    outcomes.push(...done.outcomes);
    silent.push(...done.silent);
  }
  return { outcomes, silent, foreign: false };
}

function missing(entry: Case, reports: GoReports, errors: string, how: string): Finding {
  if (reports.buildFailed) {
    const first =
      errors.split('\n').find((line) => /\.go:\d+:\d+:/.test(line)) ??
      errors.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ??
      how;
    return { reason: 'build', detail: `the package does not build: ${first.trim()}`, message: errors };
  }
  if (reports.end === null)
    return {
      reason: 'setup',
      detail: `go test did not run the package: ${errors.split('\n')[0] ?? how}`,
      message: errors,
    };
  return { reason: 'not-found', detail: `go test ran no ${wantedOf(entry).name} in ${posix.dirname(entry.file)}` };
}

/** @param program `backends.go.bin` */
export const go = (program = 'go'): BatchRunner => ({
  name: 'go',
  available: async (workspace): Promise<Availability> =>
    (await workspace.find(program)) === null
      ? { available: false, what: 'go', detail: `the program "${program}" is not on PATH` }
      : { available: true },
  batches: async (root, cases) =>
    batchesBy('go', cases, async (entry) => {
      const directory = await moduleOf(root, entry.file);
      const folder = relativeTo(directory, posix.dirname(entry.file));
      return { directory, configuration: { package: folder === '' ? '.' : `./${folder}` } };
    }),
  preview: (batch) => [
    commandLine(
      program,
      batch,
      batch.cases.map((entry) => wantedOf(entry)),
      '<reports>',
    ),
  ],
  attempt: async (batch, workspace, context) => attempt(program, batch, workspace, context),
});
