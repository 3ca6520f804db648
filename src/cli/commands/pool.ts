/** `pool list|evict|warm` */
import { evictPool, listPool, warmPool } from '../../app/index.js';
import { formatDuration } from '../../util/duration.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function list(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, listPool(project), (workers) => {
      if (context.json) return printJson(context, { workers });
      if (workers.length === 0 && !context.quiet) context.streams.err('no warm workers\n');
      for (const worker of workers)
        context.streams.out(
          `${worker.name} ${worker.key} pid ${worker.pid} ${worker.state}${worker.state === 'idle' ? ` for ${formatDuration(worker.idle_ms)}` : ''}\n`,
        );
      return 0;
    }),
  );
}

export async function evict(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, evictPool(project, input.args[0] ?? null), (evicted) => {
      if (context.json) return printJson(context, { evicted });
      for (const name of evicted) context.streams.out(`${name}\n`);
      return 0;
    }),
  );
}

export async function warm(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, warmPool(project), ({ worker, fresh }) => {
      if (context.json) return printJson(context, { worker, fresh });
      context.streams.out(`${worker.name} ${worker.key} pid ${worker.pid}${fresh ? '' : ' (was there)'}\n`);
      return 0;
    }),
  );
}
