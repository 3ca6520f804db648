/** `runs list|show`: recorded evidence. */
import { loadRun, recordedRuns } from '../../app/index.js';
import { REPORTERS, summaryLine } from '../../report/index.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function list(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) => {
    const runs = await recordedRuns(project.root);
    if (context.json)
      return printJson(context, {
        runs: runs.map((run) => ({
          run: run.run,
          started_at: run.started_at,
          commit: run.source.commit,
          dirty: run.source.dirty,
          summary: run.summary,
          ...(run.ended === undefined ? {} : { ended: run.ended }),
        })),
      });
    for (const run of runs)
      context.streams.out(
        `${run.run}  ${run.started_at}  ${run.source.commit?.slice(0, 12) ?? 'no commit   '}${run.source.dirty ? '+' : ' '}  ${summaryLine(run.summary)}\n`,
      );
    if (runs.length === 0) context.streams.err('No run is recorded yet: `coherence verify --all` makes one.\n');
    return 0;
  });
}

export async function show(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, loadRun(project, input.args[0] ?? ''), (record) => {
      const reporter = REPORTERS.find((candidate) => candidate.name === (context.json ? 'json' : 'text'));
      context.streams.out(
        reporter?.render(record, { color: context.color, columns: context.streams.columns, verbose: true }) ?? '',
      );
      return 0;
    }),
  );
}
