/** `init` */
import { initProject, installHook, installMergeDriver } from '../../app/index.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson } from './context.js';

export async function init(input: Input, context: CommandContext): Promise<number> {
  const done = await initProject(context.cwd, input.text('slug'));
  if (!done.ok) return reportFailures(done.failures, context.streams);
  const { root, made, kept, runners } = done.value;
  const driver = await installMergeDriver(root);
  const hook = input.flag('hook') ? await installHook(root) : null;
  if (hook !== null && !hook.ok) return reportFailures(hook.failures, context.streams);
  if (context.json)
    return printJson(context, {
      root,
      made: [...made, ...(driver.changed ? ['.gitattributes'] : [])],
      kept,
      runners,
      hook: hook?.value.path ?? null,
    });
  for (const path of [...made, ...(driver.changed ? ['.gitattributes'] : [])]) context.streams.out(`made ${path}\n`);
  if (driver.changed) for (const line of driver.settings) context.streams.out(`set ${line}\n`);
  for (const path of kept) context.streams.out(`kept ${path}\n`);
  context.streams.out(`runners in use: ${runners.length === 0 ? 'none found' : runners.join(', ')}\n`);
  if (hook !== null) context.streams.out(`pre-push gate: ${hook.value.path}\n`);
  if (context.quiet) return 0;
  context.streams.err(
    [
      'Next:',
      '  coherence spec add --slug payments --title "Payments"',
      '  coherence ac add --spec SPEC-payments --slug refund --title "A refund is booked once"',
      '  then write `@verifies AC-payments-refund` in a comment above a test, and run: verify-spec SPEC-payments',
      ...(hook === null ? ['  `coherence hook install` sets up the pre-push gate.'] : []),
      '',
    ].join('\n'),
  );
  return 0;
}
