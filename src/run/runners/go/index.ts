/**
 * Runner `go`: one `go test -json` a package, with an exact `-run`; the named test must have its own pass event, and the
 * process must have come to its end (see reports.ts). Test binary and profile go to the reports folder, not the tree.
 */
import { join, posix } from 'node:path';
import type { Batch, Case } from '../../../model/index.js';
import { exists } from '../../../util/files.js';
import type { Availability, Invocation, RunContext, Workspace } from '../../adapters.js';
import { conclude, endWords, type Gathered } from '../../conclude.js';
import { CAPTURE_LIMIT } from '../../decorators/capture.js';
import type { Attempt, BatchRunner } from '../../decorators/isolation.js';
import { batchEnv, maskText, secretValues } from '../../environment.js';
import { settle } from '../../join.js';
import { lastLines, type Finding } from '../../outcome.js';
import { replaceCapture, StdoutFile } from '../../reports/stdout-file.js';
import { executeWatched, Watchdog } from '../../watchdog.js';
import { ancestors, batchesBy, relativeTo } from '../layout.js';
import { GoReports } from './reports.js';
import { escapedRegExp } from '../../../util/text.js';

/** Compiling the package and what it needs, with nothing reported yet. */
const BUILD_MS = 600_000;

/** A subtest's name as the testing package writes it: white space becomes `_`, what cannot be printed is escaped. */
export const rewritten = (name: string): string =>
  [...name]
    .map((character) => {
      if (/\s/u.test(character)) return '_';
      const code = character.codePointAt(0) ?? 0;
      return code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : character;
    })
    .join('');

/** The name that events carry. A dynamic subtest is reported below the test that holds it. */
const nameOf = (entry: Case): string =>
  (entry.test?.dynamic === true ? entry.path.slice(0, -1) : entry.path).map(rewritten).join('/');

/** `-run`: one alternative a test, each level of it anchored. */
export const runPattern = (names: readonly string[]): string =>
  [...new Set(names)]
    .map((name) =>
      name
        .split('/')
        .map((part) => `^${escapedRegExp(part)}$`)
        .join('/'),
    )
    .join('|');

async function moduleOf(root: string, file: string): Promise<string> {
  for (const folder of ancestors(file)) if (await exists(join(root, folder, 'go.mod'))) return folder;
  return '';
}

function commandLine(batch: Batch, reports: string): string[] {
  const names = batch.cases.map(nameOf);
  // A whole file: Go runs packages, so all tests of the package run.
  const pattern = names.includes('') ? '.' : runPattern(names);
  return [
    'go',
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
}

async function attempt(batch: Batch, workspace: Workspace, context: RunContext): Promise<Attempt> {
  const { cases } = batch;
  const label = `${batch.id}-${context.attempt}`;
  const folder = { inside: workspace.reports.inside, host: workspace.reports.host };
  await using stdout = new StdoutFile(folder, `${label}.json`);
  const profile = `${label}.mem`;
  const command = commandLine(batch, folder.inside).map((word) =>
    word === `${folder.inside}/package.mem` ? `${folder.inside}/${profile}` : word,
  );
  const invocation: Invocation = {
    command: stdout.command(command),
    directory: batch.directory,
    timeoutMs: null,
    label,
    env: batchEnv(batch, context),
  };
  const reports = new GoReports();
  const watchdog = new Watchdog(Math.max(...cases.map((entry) => entry.timeoutMs)), BUILD_MS);
  const speaks = (entry: Case, name: string): boolean => nameOf(entry) === name;
  const watched = await executeWatched(workspace, invocation, context.signal, watchdog, async () => {
    for (const line of await stdout.lines()) {
      watchdog.progress();
      const change = reports.take(line);
      if (change?.kind === 'start') {
        const limits = cases.filter((entry) => speaks(entry, change.name)).map((entry) => entry.timeoutMs);
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

  const whole = await exists(join(folder.host, profile));
  // The package failed and no test did: its main function, or an exit of its own.
  const stray = whole && reports.end !== 'pass' && !reports.anyFailed;
  const doubt = (entry: Case): boolean => (!whole || stray) && settled(entry)?.reason === 'executed';
  const settled = (entry: Case): Finding | null =>
    settle(
      nameOf(entry) === ''
        ? [...reports.tests.keys()].flatMap((name) => (name.includes('/') ? [] : reports.reports(name, entry.file)))
        : reports.reports(nameOf(entry), entry.file),
    );
  const begun = (entry: Case): boolean =>
    reports.tests.get(nameOf(entry))?.startedAt != null && reports.tests.get(nameOf(entry))?.ends.length === 0;
  // A panic or a test still running explains the early end; otherwise somebody left, and any pass may be made up.
  const explained = reports.anyFailed || cases.some(begun);
  const errors = lastLines([...reports.build].join('\n'), 40);
  const gathered: Gathered = {
    finding: (entry) => (doubt(entry) ? null : settled(entry)),
    overdue: (entry) => watchdog.overdue.has(nameOf(entry)),
    unfinished: (entry) => begun(entry) || (doubt(entry) && !explained),
    crashDetail: (entry) =>
      stray
        ? 'passed, but its package failed with no failing test'
        : doubt(entry)
          ? `not believed: ${endWords(watched)} before the testing package had finished`
          : null,
    missing: (entry) => ({ finding: missing(entry, reports, errors, endWords(watched)), again: false }),
    ended:
      reports.buildFailed ||
      (whole && reports.end !== null) ||
      (reports.tests.size === 0 && watched.executed.end.code !== null && !watched.expired),
    exact: true,
    foreign: false,
  };
  return conclude(cases, gathered, { executed, expired: watched.expired }, command, context);
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
  return { reason: 'not-found', detail: `go test ran no ${nameOf(entry)} in ${posix.dirname(entry.file)}` };
}

export const go: BatchRunner = {
  name: 'go',
  available: async (workspace): Promise<Availability> =>
    (await workspace.find('go')) === null
      ? { available: false, what: 'go', detail: 'go is not on PATH' }
      : { available: true },
  batches: async (root, cases) =>
    batchesBy('go', cases, async (entry) => {
      const directory = await moduleOf(root, entry.file);
      const folder = relativeTo(directory, posix.dirname(entry.file));
      return { directory, configuration: { package: folder === '' ? '.' : `./${folder}` } };
    }),
  preview: (batch) => [commandLine(batch, '<reports>')],
  attempt,
};
