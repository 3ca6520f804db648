/** `warm run|path` */
import { warmPath, warmSession } from '../../app/index.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function path(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) => {
    const folder = warmPath(project, input.text('session') ?? input.args[0], context.env);
    if (context.json) return printJson(context, { path: folder });
    context.streams.out(`${folder}\n`);
    return 0;
  });
}

export async function run(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(
      context,
      warmSession(project, input.text('session') ?? input.args[0], {
        env: context.env,
        signal: context.signal,
        emit: () => undefined,
      }),
      (report) => {
        if (context.json) return printJson(context, report);
        context.streams.out(
          `${String(report['status'])} (${String(report['reason'])}) ${String(report['target_dir'])}\n`,
        );
        const tail = report['stderr_tail'];
        if (report['status'] !== 'Warmed' && typeof tail === 'string' && tail !== '') context.streams.err(`${tail}\n`);
        return report['status'] === 'Warmed' ? 0 : 2;
      },
    ),
  );
}
