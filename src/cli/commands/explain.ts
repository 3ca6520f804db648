import { explainReuse } from '../../app/index.js';
import { visibleLine } from '../../util/text.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withSpecs } from './context.js';

export async function explain(input: Input, context: CommandContext): Promise<number> {
  const verification = { env: context.env, signal: context.signal, emit: () => undefined };
  return withSpecs(context, async (project) =>
    settle(context, explainReuse(project, input.args, verification), (cases) => {
      if (context.json) return printJson(context, { schema: 'coherence.explain/1', cases });
      for (const { selector, criteria, reused, reasons } of cases) {
        const ids = criteria.map(visibleLine).join(', ');
        context.streams.out(`${reused ? 'reused' : 'runs  '} ${visibleLine(selector)}  [${ids}]\n`);
        for (const reason of reasons) context.streams.out(`         ${visibleLine(reason)}\n`);
      }
      const count = cases.filter((item) => item.reused).length;
      context.streams.out(`${count} of ${cases.length} would be reused; nothing was executed\n`);
      return 0;
    }),
  );
}
