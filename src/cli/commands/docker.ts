/** `docker gc [--all]` */
import { collectLayers } from '../../app/index.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function gc(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, collectLayers(project, input.flag('all'), context.env), (removed) => {
      if (context.json) return printJson(context, removed);
      context.streams.out(
        `${Object.entries(removed)
          .map(([what, count]) => `${String(count)} ${what}`)
          .join(', ')} removed\n`,
      );
      return 0;
    }),
  );
}
