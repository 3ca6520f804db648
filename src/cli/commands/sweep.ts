/** `sweep [--dry-run]` */
import { sweepProject } from '../../app/index.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function sweep(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, sweepProject(project, input.flag('dry-run')), (report) => {
      if (context.json) return printJson(context, report);
      const shown = Object.entries(report)
        .filter(([key, value]) => value !== 0 && key !== 'duration_ms' && key !== 'prune_succeeded')
        .map(([key, value]) => `${key.replaceAll('_', ' ')} ${String(value)}`);
      context.streams.out(
        `${input.flag('dry-run') ? 'would sweep' : 'swept'}: ${shown.length === 0 ? 'nothing was left behind' : shown.join(', ')}\n`,
      );
      return 0;
    }),
  );
}
