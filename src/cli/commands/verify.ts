/** `verify` and `verify-spec`: parse → app → report. */
import { resolve } from 'node:path';
import {
  explainReuse,
  objectionsTo,
  planPreview,
  prepare,
  verify as verifyWithDaemonOrHere,
  type Project,
  type VerifyRequest,
} from '../../app/index.js';
import { failure, RISKS, STATUSES, success, type Failure, type Result } from '../../model/index.js';
import { lineProgress, REPORTERS, type Reporter } from '../../report/index.js';
import { parseDuration } from '../../util/duration.js';
import { writeAtomically } from '../../util/files.js';
import { counted, visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { noteSync, printJson, withProject } from './context.js';
import { oneOf } from './spec.js';

interface Output {
  readonly reporter: Reporter;
  /** Absolute; null is standard output. */
  readonly file: string | null;
}

function outputs(input: Input, context: CommandContext): Result<readonly Output[]> {
  const wanted = input.list('reporter');
  const names = wanted.length > 0 ? wanted : [context.json ? 'json' : 'text'];
  const found: Output[] = [];
  for (const entry of names) {
    const colon = entry.indexOf(':');
    const name = colon === -1 ? entry : entry.slice(0, colon);
    const file = colon === -1 ? null : entry.slice(colon + 1);
    const reporter = REPORTERS.find((candidate) => candidate.name === name);
    if (reporter === undefined)
      return failure({
        kind: 'usage',
        message: `There is no reporter "${visibleLine(name)}".`,
        hint: `Allowed: ${REPORTERS.map((item) => item.name).join(', ')}, each with :FILE if you like.`,
      });
    if (file === '')
      return failure({ kind: 'usage', message: `--reporter ${name}: needs a file name after the colon.` });
    found.push({ reporter, file: file === null ? null : resolve(context.cwd, file) });
  }
  // Reports to files do not take the place of what is printed; with --json that is the record, and it stands alone.
  const printed = found.filter((item) => item.file === null);
  if (context.json && !printed.some((item) => item.reporter.name === 'json'))
    printed.splice(
      0,
      printed.length,
      ...REPORTERS.filter((item) => item.name === 'json').map((reporter) => ({ reporter, file: null })),
    );
  else if (printed.length === 0)
    printed.push(...REPORTERS.filter((item) => item.name === 'text').map((reporter) => ({ reporter, file: null })));
  return success([...printed, ...found.filter((item) => item.file !== null)]);
}

function duration(input: Input, name: string): Result<number | undefined> {
  const text = input.text(name);
  if (text === undefined) return success(undefined);
  const value = parseDuration(text);
  return value === null
    ? failure({
        kind: 'usage',
        message: `--${name} cannot be "${visibleLine(text)}".`,
        hint: 'Write 500ms, 30s, 5m or 1h.',
      })
    : success(value);
}

/** The request that the command line describes. */
export function requestOf(input: Input): Result<VerifyRequest> {
  const timeout = duration(input, 'timeout');
  if (!timeout.ok) return timeout;
  const runTimeout = duration(input, 'run-timeout');
  if (!runTimeout.ok) return runTimeout;
  const jobs = input.number('jobs');
  if (jobs !== undefined && (jobs < 1 || jobs > 1024))
    return failure({ kind: 'usage', message: '--jobs needs a number from 1 to 1024.' });
  if (input.flag('all') && input.args.length > 0)
    return failure({ kind: 'usage', message: '--all and ids contradict each other.', hint: 'Give one of them.' });
  if (input.flag('all') && input.has('changed'))
    return failure({ kind: 'usage', message: '--all and --changed contradict each other.', hint: 'Give one of them.' });
  const status = oneOf(STATUSES, input.text('status'));
  const risk = oneOf(RISKS, input.text('risk'));
  const place = oneOf(['host', 'docker'] as const, input.text('place'));
  const session = input.text('session');
  return success({
    ids: input.args,
    failFast: input.flag('fail-fast'),
    cache: !input.flag('no-cache'),
    speculative: input.flag('speculative'),
    keepWorktree: input.flag('keep-worktree'),
    require: input.list('require'),
    ...(status === undefined ? {} : { status }),
    ...(risk === undefined ? {} : { risk }),
    ...(place === undefined ? {} : { place }),
    ...(session === undefined ? {} : { session }),
    ...(input.has('changed') ? { changed: input.text('changed') ?? true } : {}),
    ...(jobs === undefined ? {} : { jobs }),
    ...(timeout.value === undefined ? {} : { timeoutMs: timeout.value }),
    ...(runTimeout.value === undefined ? {} : { runTimeoutMs: runTimeout.value }),
  });
}

async function dryRun(project: Project, request: VerifyRequest, context: CommandContext): Promise<number> {
  const prepared = await prepare(
    project,
    request,
    { env: context.env, signal: context.signal, emit: () => undefined },
    null,
  );
  if (!prepared.ok) return reportFailures(prepared.failures, context.streams);
  const preview = await planPreview(project, prepared.value, request, context.env);
  await prepared.value.wiring.close();
  if (context.json) return printJson(context, { schema: 'coherence.plan/1', ...preview });
  for (const batch of preview.batches) {
    context.streams.out(
      `${batch.runner} on ${batch.place}${batch.environment === null ? '' : ` (${batch.environment})`}${batch.directory === '' ? '' : ` in ${visibleLine(batch.directory)}`}: ${counted(batch.cases.length, batch.runner === 'command' ? 'command' : 'test')}\n`,
    );
    for (const command of batch.commands) context.streams.out(`  $ ${visibleLine(command.map(shellWord).join(' '))}\n`);
    for (const entry of batch.cases)
      context.streams.out(`  - ${visibleLine(entry.selector)}  [${entry.criteria.map(visibleLine).join(', ')}]\n`);
  }
  for (const entry of preview.cached)
    context.streams.out(`cached ${visibleLine(entry.selector)} from run ${entry.run}\n`);
  for (const entry of preview.skipped)
    context.streams.out(
      `${entry.verdict}(${visibleLine(entry.reason)}) ${visibleLine(entry.criterion)}${entry.detail === '' ? '' : `: ${visibleLine(entry.detail)}`}\n`,
    );
  context.streams.out(
    `${counted(
      preview.batches.reduce((sum, batch) => sum + batch.cases.length, 0),
      'test',
    )} would run, ${preview.cached.length} cached, ${preview.skipped.length} not runnable; nothing was executed\n`,
  );
  return 0;
}

const shellWord = (word: string): string =>
  /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Why each test will be reused or run; what cannot be explained is told by the run itself. */
async function sayReuse(project: Project, request: VerifyRequest, context: CommandContext): Promise<void> {
  const explained = await explainReuse(project, request.ids, {
    env: context.env,
    signal: context.signal,
    emit: () => undefined,
  });
  if (!explained.ok) return;
  for (const { selector, reused, reasons } of explained.value)
    context.streams.err(
      `${reused ? 'reused' : 'runs'} ${visibleLine(selector)}: ${reasons.map(visibleLine).join('; ')}\n`,
    );
}

export async function verify(input: Input, context: CommandContext): Promise<number> {
  const request = requestOf(input);
  if (!request.ok) return reportFailures(request.failures, context.streams);
  const wanted = outputs(input, context);
  if (!wanted.ok) return reportFailures(wanted.failures, context.streams);
  return withProject(context, async (project) => {
    await noteSync(project, context);
    if (input.flag('dry-run')) return dryRun(project, request.value, context);
    if (context.verbose && request.value.cache) await sayReuse(project, request.value, context);
    const progress = lineProgress(
      context.streams.interactive && !context.quiet ? context.streams.err : null,
      context.streams.columns,
      context.quiet ? () => undefined : context.streams.err,
      context.verbose,
    );
    const verified = await verifyWithDaemonOrHere(project, request.value, {
      env: context.env,
      signal: context.signal,
      emit: progress.listen,
    });
    progress.end();
    if (!verified.ok) return context.signal.aborted ? 130 : reportFailures(verified.failures, context.streams);
    const { record, exitCode, chosen } = verified.value;
    if (chosen.size > 0 && !context.json && !context.quiet)
      for (const [id, why] of chosen) context.streams.err(`${visibleLine(id)}: ${visibleLine(why)}\n`);
    const failures: Failure[] = [];
    for (const { reporter, file } of wanted.value) {
      const text = reporter.render(record, {
        color: context.color && file === null,
        columns: context.streams.columns,
        verbose: context.verbose,
      });
      if (file === null) context.streams.out(text);
      else
        await writeAtomically(file, text).catch((error: unknown) =>
          failures.push({
            kind: 'try-again',
            file,
            message: `The ${reporter.name} report could not be written: ${error instanceof Error ? error.message : String(error)}.`,
          }),
        );
    }
    const strict = input.flag('strict');
    // Nothing is affected by a change: that is a result.
    const isIdle =
      record.specs.length === 0 &&
      input.has('changed') &&
      !record.diagnostics.some((item) => item.code === 'focused-test');
    const code = isIdle ? exitCode(false) : exitCode(strict);
    if (code === 1 && record.summary.fail === 0)
      for (const why of objectionsTo(record, strict)) context.streams.err(`error: ${why}\n`);
    return failures.length > 0 && code === 0
      ? reportFailures(failures, context.streams)
      : (reportFailures(failures, context.streams), code);
  });
}
