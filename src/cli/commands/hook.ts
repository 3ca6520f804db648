/** `hook install|uninstall` */
import { installHook, uninstallHook } from '../../app/index.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

export async function install(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, installHook(project.root), (hook) => {
      if (context.json) return printJson(context, hook);
      if (hook.warning !== undefined) context.streams.err(`warning: ${hook.warning}\n`);
      context.streams.out(
        hook.changed
          ? `installed ${hook.path}${hook.kept ? '; the hook that was there is kept and called first' : ''}\n`
          : `already installed: ${hook.path}\n`,
      );
      return 0;
    }),
  );
}

export async function uninstall(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, uninstallHook(project.root), (hook) => {
      if (context.json) return printJson(context, hook);
      context.streams.out(
        hook.changed
          ? `removed ${hook.path}${hook.kept ? '; the hook that was there before is back' : ''}\n`
          : 'The gate is not installed.\n',
      );
      return 0;
    }),
  );
}
