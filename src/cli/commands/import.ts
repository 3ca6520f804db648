/** `import FILE` */
import { resolve } from 'node:path';
import { importCatalog } from '../../app/index.js';
import { IMPORT_FORMAT_NAMES } from '../../model/index.js';
import { counted, visibleLine } from '../../util/text.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

const MOST_SHOWN = 20;

export async function importCommand(input: Input, context: CommandContext): Promise<number> {
  const name = input.args[0] ?? '';
  const from = IMPORT_FORMAT_NAMES.find((format) => format === input.text('from'));
  return withProject(context, async (project) =>
    settle(
      context,
      importCatalog(
        project,
        {
          path: resolve(context.cwd, name),
          name,
          dryRun: input.flag('dry-run'),
          prune: input.flag('prune'),
          ...(from === undefined ? {} : { from }),
        },
        context.env,
      ),
      (done) => {
        const { plan } = done;
        if (context.json)
          return printJson(context, {
            dry_run: done.dryRun,
            specs: done.specs,
            criteria: done.criteria,
            created: plan.created.length,
            changed: plan.changed.length,
            removed: plan.removed.length,
            unchanged: plan.unchanged.length,
            ids: { created: plan.created, changed: plan.changed, removed: plan.removed },
            store: done.store,
          });
        for (const note of done.notes) context.streams.err(`note: ${visibleLine(note)}\n`);
        context.streams.out(
          `${done.dryRun ? 'would import' : 'imported'} ${counted(done.specs, 'spec')}, ${counted(done.criteria, 'AC')}: ${plan.created.length} created, ${plan.changed.length} changed, ${plan.removed.length} removed\n`,
        );
        if (done.dryRun || context.verbose) {
          for (const [word, changes] of [
            ['create', plan.created],
            ['change', plan.changed],
            ['remove', plan.removed],
          ] as const) {
            for (const change of changes.slice(0, MOST_SHOWN))
              context.streams.out(`  ${word} ${visibleLine(change.id)}\n`);
            if (changes.length > MOST_SHOWN)
              context.streams.out(`  … and ${changes.length - MOST_SHOWN} more to ${word}\n`);
          }
        }
        return 0;
      },
    ),
  );
}
