/** `export` */
import { resolve } from 'node:path';
import { exportCatalog } from '../../app/index.js';
import { EXPORT_FORMAT_NAMES } from '../../model/index.js';
import { counted, visibleLine } from '../../util/text.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withSpecs } from './context.js';
import { conflictText } from './sync-text.js';

export async function exportCommand(input: Input, context: CommandContext): Promise<number> {
  const format = EXPORT_FORMAT_NAMES.find((name) => name === input.text('format')) ?? 'yaml';
  const out = input.text('out');
  return withSpecs(
    context,
    async (project) =>
      settle(
        context,
        exportCatalog(
          project,
          { format, out: out === undefined ? null : resolve(context.cwd, out), check: input.flag('check') },
          context.env,
        ),
        (done) => {
          if (done.text !== null && !context.json) context.streams.out(done.text);
          else if (context.json)
            printJson(context, {
              specs: done.specs,
              written: done.written,
              differing: done.differing,
              conflicts: done.conflicts.length,
            });
          else if (done.differing.length > 0)
            context.streams.out(`differs: ${done.differing.map(visibleLine).join(', ')}\n`);
          else if (!context.quiet)
            context.streams.err(
              `${counted(done.specs, 'spec')}, ${input.flag('check') ? 'no difference' : `${counted(done.written.length, 'file')} written`}\n`,
            );
          if (done.conflicts.length > 0) context.streams.err(conflictText(done.conflicts));
          return done.differing.length + done.conflicts.length > 0 ? 1 : 0;
        },
      ),
    // Without --check the format yaml writes specs/ itself.
    input.flag('check') || format !== 'yaml',
  );
}
