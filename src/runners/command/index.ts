/**
 * Runner `command`: a link's line of shell, the only thing that a shell ever gets to see. Judged by its exit code, by the
 * report that the link expects, or, where it starts a known test runner, by that runner's own report.
 */
import { readFile } from 'node:fs/promises';
import type { Case, Outcome } from '../../model/index.js';
import { hashFields } from '../../util/hash.js';
import type { RunContext, Runner, Workspace } from '../../run/adapters.js';
import { batchEnv } from '../../run/environment.js';
import { lastLines, outcomeOf, timeoutDetail, type Finding } from '../../run/outcome.js';
import type { Executed } from '../../run/adapters.js';
import { judgeCounts, sumCounts, type Counts } from './counts.js';
import { readJunit, stampOf } from './junit.js';
import { knownRunners } from './known-runners.js';
import { startedBy, type Started } from './package-scripts.js';
import { reportingFor, reportingLine, silentRunner, type Reporting } from './reporting.js';
import { runnerOf } from './runner-names.js';
import { readTap } from './tap.js';

const SIGNALS: Readonly<Record<number, string>> = {
  129: 'SIGHUP',
  130: 'SIGINT',
  132: 'SIGILL',
  134: 'SIGABRT',
  135: 'SIGBUS',
  136: 'SIGFPE',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
};

/** What an exit code other than the expected one tells a person. */
function exitWords(code: number, expected: number): string {
  const hint =
    code === 127
      ? ' (the shell found no such command)'
      : code === 126
        ? ' (the command may not be executed)'
        : SIGNALS[code] === undefined
          ? ''
          : ` (ended by ${SIGNALS[code]})`;
  return `exit code ${code}${hint}${expected === 0 ? '' : `, expected ${expected}`}`;
}

/** What the end of the process alone decides; null when the command ran to an exit code. */
function ending(entry: Case, executed: Executed): Finding | null {
  const { end, trouble } = executed;
  if (trouble !== null) return { reason: trouble.reason, detail: trouble.message };
  if (end.timedOut) return { reason: 'timeout', detail: timeoutDetail(entry.timeoutMs), proof: 'exit-code' };
  if (end.canceled) return { reason: 'canceled', detail: 'canceled before it ended' };
  if (end.code === null)
    return { reason: 'crash', detail: `killed by ${end.signal ?? 'an unknown signal'}`, proof: 'exit-code' };
  return null;
}

function byExitCode(entry: Case, code: number, message: string): Finding {
  const expected = entry.expect.exit ?? 0;
  if (code === expected && entry.expect.min_executed !== undefined)
    return {
      reason: 'not-reported',
      detail: 'expect.min_executed counts tests, and nothing here reports any: give expect.report as well',
      message,
    };
  return code === expected
    ? { reason: 'executed', detail: expected === 0 ? '' : `exit code ${code}, as expected`, proof: 'exit-code' }
    : { reason: 'exit-code', detail: exitWords(code, expected), message, proof: 'exit-code' };
}

const isProblem = (value: Counts | { readonly problem: string }): value is { readonly problem: string } =>
  'problem' in value;

/** A report that could not be read: the exit code may still say that the command failed, never that it passed. */
function unread(entry: Case, code: number, problem: string, message: string): Finding {
  const expected = entry.expect.exit ?? 0;
  return code === expected
    ? { reason: 'not-reported', detail: problem, message, proof: null }
    : { reason: 'exit-code', detail: `${exitWords(code, expected)}; ${problem}`, message, proof: 'exit-code' };
}

const proofless = (name: string): string =>
  `${name} is a test runner, whose exit code alone proves nothing: link the test itself, or give expect.report`;

/** A test runner among the programs that a line was seen to start, behind whatever launcher. */
function observedRunner(executed: Executed): string | null {
  if (executed.observed?.ok !== true) return null;
  for (const words of executed.observed.observation.programs) {
    const found = runnerOf(words);
    if (found !== null) return found.name;
  }
  return null;
}

/** The verdict of what the line's runners reported; each of them must have reported tests. */
async function judgeReports(
  entry: Case,
  reporting: Reporting,
  stdout: string,
  code: number,
  unproved: (why: string) => Finding,
): Promise<Finding> {
  const counts = await reporting.read(stdout);
  const silent = [...reporting.expected].find(([kind]) => !counts.has(kind))?.[1];
  const all = sumCounts([...counts.values()]);
  // What did report may tell of a failure, which is worse than that another one said nothing.
  const judged = judgeCounts(entry, all, code);
  return silent === undefined || judged.reason === 'assertion' ? judged : unproved(`${silent} reported no test`);
}

/** A report that the link expects is the author's own choice of evidence; `none` is not one for a known runner. */
const asksForReport = (entry: Case): boolean => entry.expect.report === undefined || entry.expect.report === 'none';

async function runOne(
  entry: Case,
  label: string,
  workspace: Workspace,
  context: RunContext,
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const line = entry.selector;
  const report = entry.expect.report ?? null;
  const junit = report?.startsWith('junit:') === true ? report.slice('junit:'.length) : null;
  const before = junit === null ? null : await stampOf(workspace.hostRoot, junit);
  const started: Started = asksForReport(entry)
    ? await startedBy(line, workspace.hostRoot)
    : { runners: [], missing: [] };
  const silent = silentRunner(started);
  const reporting: Reporting | null =
    silent === null && started.missing.length === 0 ? await reportingFor(line, started, workspace, env) : null;
  try {
    const command = ['sh', '-c', reporting?.line ?? line];
    const executed = await workspace.exec(
      { command, directory: '', env: { ...env, ...reporting?.env }, timeoutMs: entry.timeoutMs, label },
      context.signal,
    );
    const stdout = await readFile(executed.stdout.file, 'utf8').catch(() => '');
    const errors = lastLines(await readFile(executed.stderr.file, 'utf8').catch(() => ''));
    const message = errors === '' ? lastLines(stdout) : errors;
    const judge = async (): Promise<Finding> => {
      const early = ending(entry, executed);
      if (early !== null) return early;
      const code = executed.end.code ?? -1;
      const unproved = (why: string): Finding => ({
        reason: 'not-reported',
        detail: `${why} (exit code ${code})`,
        message,
      });
      const absent = started.missing[0];
      if (absent !== undefined) return unproved(absent);
      if (silent !== null) return unproved(proofless(silent));
      if (reporting !== null) return judgeReports(entry, reporting, stdout, code, unproved);
      const seen = asksForReport(entry) ? observedRunner(executed) : null;
      if (seen !== null) return unproved(proofless(seen));
      if (report === null || report === 'none') return byExitCode(entry, code, message);
      if (report === 'tap' && executed.stdout.truncated)
        return unread(entry, code, 'the output is too long to be read as a TAP report', message);
      const counts =
        junit !== null
          ? await readJunit(workspace.hostRoot, junit, before)
          : report === 'tap'
            ? readTap(stdout)
            : { problem: `expect.report "${report}" is none of tap, junit:PATH, none` };
      return isProblem(counts) ? unread(entry, code, counts.problem, message) : judgeCounts(entry, counts, code);
    };
    return outcomeOf(entry, await judge(), { command, executed, attempt: context.attempt });
  } finally {
    await reporting?.[Symbol.asyncDispose]();
  }
}

export const command: Runner = {
  name: 'command',
  available: async () => ({ available: true }),
  // One command a batch: each has its own process, environment and output.
  batches: async (_root, cases) =>
    cases.map((entry) => ({
      id: `command-${hashFields([entry.id]).slice(0, 10)}`,
      runner: 'command',
      place: entry.place,
      environment: entry.environment,
      directory: '',
      cases: [entry],
      configuration: {},
    })),
  preview: (batch) =>
    batch.cases.map((entry) => [
      'sh',
      '-c',
      asksForReport(entry) && silentRunner({ runners: knownRunners(entry.selector) }) === null
        ? reportingLine(entry.selector, '<reports>')
        : entry.selector,
    ]),
  run: async (batch, workspace, context) => {
    const outcomes: Outcome[] = [];
    for (const [index, entry] of batch.cases.entries())
      outcomes.push(
        await runOne(
          entry,
          `${batch.id}-${context.attempt}${index === 0 ? '' : `-${index}`}`,
          workspace,
          context,
          batchEnv({ ...batch, cases: [entry] }, context),
        ),
      );
    return outcomes;
  },
};
