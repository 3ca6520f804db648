/** `queue add|list|show|cancel|retry` */
import { addToQueue, cancelQueued, listQueue, retryQueued, showQueued, type ShownRun } from '../../app/index.js';
import type { PlaceName } from '../../model/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withFolders, withProject } from './context.js';

type Run = ShownRun['run'];

/** A run as JSON output shows it. */
const runJson = (run: Run): Readonly<Record<string, unknown>> => ({
  run_id: run.run_id,
  spec_id: run.spec_id,
  state: run.state,
  verdict: run.verdict,
  reason: run.reason,
  detail: run.detail,
  attempt: run.attempt,
  fence: run.fence,
  priority: run.priority,
  session: run.session_id,
  commit: run.commit_sha,
  backend: run.backend,
  after: run.depends_on,
  criteria_wanted: run.payload.criteria,
  place: run.payload.place,
  project: run.repo,
  enqueued_at: run.enqueued_at,
  started_at: run.started_at,
  ended_at: run.ended_at,
});

const line = (run: Run): string =>
  visibleLine(
    `${run.run_id} ${run.state === 'done' || run.state === 'dead_letter' ? `${run.verdict ?? ''}${run.verdict === 'PASS' ? '' : `(${run.reason ?? ''})`}` : run.state} ${run.spec_id}${run.commit_sha === null ? '' : ` @${run.commit_sha.slice(0, 12)}`}${run.attempt > 1 ? `, attempt ${run.attempt}` : ''}`,
  );

export async function add(input: Input, context: CommandContext): Promise<number> {
  const priority = input.text('priority') ?? '0';
  if (!/^[+-]?\d{1,9}$/.test(priority))
    return reportFailures(
      [{ kind: 'usage', message: `--priority takes a whole number, not "${visibleLine(priority)}".` }],
      context.streams,
    );
  const empty = ['commit', 'after', 'session', 'request'].find((name) => input.text(name) === '');
  if (empty !== undefined)
    return reportFailures([{ kind: 'usage', message: `--${empty} needs a value.` }], context.streams);
  const place = input.text('place');
  return withProject(context, async (project) =>
    settle(
      context,
      addToQueue(project, {
        ids: input.args,
        commit: input.text('commit') ?? null,
        priority: Number(priority),
        after: input.text('after') ?? null,
        session: input.text('session') ?? null,
        place: place === undefined ? null : (place as PlaceName), // the table allows no other value
        request: input.text('request') ?? null,
        keepWorktree: input.flag('keep-worktree'),
        options: input.flag('speculative') ? { speculative: true } : {},
      }),
      (queued) => {
        const first = queued[0];
        if (context.json)
          return printJson(context, {
            run_id: first?.run.run_id ?? null,
            runs: queued.map((entry) => ({ ...runJson(entry.run), repeated: entry.repeated })),
          });
        for (const { run } of queued) context.streams.out(`${run.run_id}\n`);
        return 0;
      },
    ),
  );
}

export async function list(input: Input, context: CommandContext): Promise<number> {
  return withFolders(context, async (project) =>
    settle(context, listQueue(project, { all: input.flag('all'), limit: input.number('limit') ?? 1000 }), (runs) => {
      if (context.json) return printJson(context, { runs: runs.map(runJson) });
      if (runs.length === 0 && !context.quiet) context.streams.err('nothing is queued\n');
      for (const run of runs) context.streams.out(`${line(run)}\n`);
      return 0;
    }),
  );
}

export async function show(input: Input, context: CommandContext): Promise<number> {
  return withFolders(context, async (project) =>
    settle(context, showQueued(project, input.args[0] ?? ''), ({ run, criteria }) => {
      if (context.json) return printJson(context, { ...runJson(run), criteria });
      const lines = [
        line(run),
        ...(run.detail === null || run.detail === '' ? [] : [`  ${visibleLine(run.detail)}`]),
        ...criteria.map(
          (item) =>
            `  ${visibleLine(`${item.verdict}${item.verdict === 'PASS' ? '' : `(${item.reason})`} ${item.id}${item.detail === null ? '' : `: ${item.detail}`}`)}`,
        ),
      ];
      context.streams.out(`${lines.join('\n')}\n`);
      return 0;
    }),
  );
}

async function change(
  context: CommandContext,
  work: (project: Parameters<typeof showQueued>[0]) => ReturnType<typeof retryQueued>,
): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, work(project), (run) => {
      if (context.json) return printJson(context, runJson(run));
      context.streams.out(`${line(run)}\n`);
      return 0;
    }),
  );
}

export const cancel = async (input: Input, context: CommandContext): Promise<number> =>
  change(context, async (project) => cancelQueued(project, input.args[0] ?? ''));
export const retry = async (input: Input, context: CommandContext): Promise<number> =>
  change(context, async (project) => retryQueued(project, input.args[0] ?? ''));
