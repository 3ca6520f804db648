/** `sync [--ours|--theirs]` */
import { syncProject, type Side } from '../../app/index.js';
import { exitCodeOf } from '../../model/index.js';
import { failureLine, reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';
import { conflictText, syncJson, syncText } from './sync-text.js';

/** The side that a command prefers; null for the contradiction of both. */
export const sideOf = (input: Input): Side | undefined | null =>
  input.flag('ours') && input.flag('theirs')
    ? null
    : input.flag('ours')
      ? 'ours'
      : input.flag('theirs')
        ? 'theirs'
        : undefined;
export const bothSides = (context: CommandContext): number =>
  reportFailures(
    [
      {
        kind: 'usage',
        message: '--ours and --theirs exclude each other.',
        hint: '--ours keeps the files, --theirs the store.',
      },
    ],
    context.streams,
  );

export async function sync(input: Input, context: CommandContext): Promise<number> {
  const prefer = sideOf(input);
  if (prefer === null) return bothSides(context);
  return withProject(context, async (project) =>
    settle(
      context,
      syncProject(project, { env: context.env, ...(prefer === undefined ? {} : { prefer }) }),
      (outcome) => {
        if (context.json) printJson(context, syncJson(outcome));
        else if (!context.quiet) context.streams.out(syncText(outcome));
        if (!context.json && outcome.conflicts.length > 0)
          context.streams.err(
            `${conflictText(outcome.conflicts)}Nothing of these specs was changed. Decide with \`coherence sync --ours\` (files) or \`--theirs\` (store), or edit the file.\n`,
          );
        for (const item of outcome.invalid) context.streams.err(`${failureLine(item)}\n`);
        return outcome.invalid.length > 0 ? exitCodeOf(outcome.invalid) : outcome.conflicts.length > 0 ? 1 : 0;
      },
    ),
  );
}
