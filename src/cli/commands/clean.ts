/** `clean`: residue of dead runs, and caches that can be made again. */
import { cleanProject } from '../../app/index.js';
import { visibleLine } from '../../util/text.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function clean(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, cleanProject(project, input.flag('dry-run'), context.env), (removed) => {
      if (context.json) return printJson(context, { dry_run: input.flag('dry-run'), removed });
      for (const item of removed)
        context.streams.out(`${input.flag('dry-run') ? 'would remove' : 'removed'} ${visibleLine(item)}\n`);
      if (removed.length === 0) context.streams.out('Nothing to remove.\n');
      return 0;
    }),
  );
}
