/**
 * Runner `command`: a link's line of shell, the only thing that a shell ever gets to see. Judged by its exit code, by the
 * report that the link expects, or, where it starts a known test runner, by that runner's own report.
 */
import { readFile } from 'node:fs/promises';
import type { Case, Outcome } from '../../../model/index.js';
import { hashFields } from '../../../util/hash.js';
import type { RunContext, Runner, Workspace } from '../../adapters.js';
import { batchEnv } from '../../environment.js';
import { lastLines, outcomeOf, timeoutDetail, type Finding } from '../../outcome.js';
import type { Executed } from '../../adapters.js';
import { judgeCounts, type Counts } from './counts.js';
import { readJunit, stampOf } from './junit.js';
import { knownRunners } from './known-runners.js';
import { reportingFor, reportingLine, silentRunner, type Reporting } from './reporting.js';
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
  const wanted = asksForReport(entry) ? await reportingFor(line, workspace, env) : null;
  const reporting: Reporting | null = wanted !== null && 'line' in wanted ? wanted : null;
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
      if (wanted !== null && 'silent' in wanted)
        return unproved(
          `${wanted.silent} is a test runner, whose exit code alone proves nothing: link the test itself, or give expect.report`,
        );
      if (reporting !== null) {
        const counts = await reporting.read(stdout);
        const name = knownRunners(line)[0]?.name ?? 'the runner';
        return counts === null ? unproved(`${name} reported no test`) : judgeCounts(entry, counts, code);
      }
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
      asksForReport(entry) && silentRunner(entry.selector) === null
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
