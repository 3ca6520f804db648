/** `suggest [ID]`: candidate tests for criteria that nothing verifies. */
import { suggestions, unknownId } from '../../app/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withSpecs } from './context.js';

export async function suggest(input: Input, context: CommandContext): Promise<number> {
  const id = input.args[0];
  return withSpecs(context, async (project) =>
    settle(context, suggestions(project, id), ({ found, catalog }) => {
      if (found === null) return reportFailures([unknownId(id ?? '', catalog)], context.streams);
      if (context.json) return printJson(context, { suggestions: found });
      for (const entry of found) {
        context.streams.out(`${visibleLine(entry.criterion)}  ${visibleLine(entry.title)}\n`);
        for (const candidate of entry.candidates)
          context.streams.out(
            `  ${candidate.score.toFixed(2)}  ${visibleLine(candidate.selector)}  ${visibleLine(`${candidate.file}:${candidate.line}`)}  (${visibleLine(candidate.reason)})\n`,
          );
        if (entry.candidates.length === 0) context.streams.out('  no candidate\n');
      }
      if (found.length === 0) context.streams.err('Nothing to suggest: every criterion is linked.\n');
      return 0;
    }),
  );
}
