/** `config list|get|set|unset|path` */
import { reloadDaemon, settingOf, settingsOf, setSetting, settingFiles, unsetSetting } from '../../app/index.js';
import { visibleLine } from '../../util/text.js';
import { reportFailures } from '../failures.js';
import type { CommandContext, Input } from '../table/types.js';
import { printJson, settle, withProject } from './context.js';

const shown = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

export async function list(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) => {
    const settings = settingsOf(project);
    if (context.json) return printJson(context, { settings });
    for (const setting of settings)
      context.streams.out(
        `${setting.key} = ${visibleLine(shown(setting.value))}  (${visibleLine(setting.source)}${setting.hot ? ', hot' : ''})\n`,
      );
    return 0;
  });
}

export async function get(input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) =>
    settle(context, settingOf(project, input.args[0] ?? ''), (setting) => {
      if (context.json) return printJson(context, setting);
      context.streams.out(`${visibleLine(shown(setting.value))}\n`);
      return 0;
    }),
  );
}

/** Says what was written, and with `--reload` what the daemon made of it: one line each, or one JSON document. */
async function afterwards(
  input: Input,
  context: CommandContext,
  done: Readonly<Record<string, unknown>>,
  line: string,
): Promise<number> {
  if (!context.json) context.streams.out(`${line}\n`);
  if (!input.flag('reload')) return context.json ? printJson(context, done) : 0;
  return withProject(context, async (project) =>
    settle(context, reloadDaemon(project), (answer) => {
      if (context.json) return printJson(context, { ...done, reload: answer });
      context.streams.out(`${answer}\n`);
      return 0;
    }),
  );
}

export async function set(input: Input, context: CommandContext): Promise<number> {
  const [key = '', value = ''] = input.args;
  // The file may be unreadable: that is what `set` must say, without first failing to load the project.
  const changed = await setSetting({ cwd: context.cwd, env: context.env }, key, value);
  return changed.ok
    ? afterwards(
        input,
        context,
        { key: changed.value.key, value: changed.value.value },
        `set ${changed.value.key} = ${visibleLine(shown(changed.value.value))}`,
      )
    : reportFailures(changed.failures, context.streams);
}

export async function unset(input: Input, context: CommandContext): Promise<number> {
  const key = input.args[0] ?? '';
  const changed = await unsetSetting({ cwd: context.cwd, env: context.env }, key);
  return changed.ok
    ? afterwards(input, context, { key, value: null }, `unset ${key}`)
    : reportFailures(changed.failures, context.streams);
}

export async function path(_input: Input, context: CommandContext): Promise<number> {
  return withProject(context, async (project) => {
    const files = settingFiles(project);
    if (context.json) return printJson(context, { files });
    for (const file of files) context.streams.out(`${visibleLine(file.path)}${file.exists ? '' : '  (not there)'}\n`);
    return 0;
  });
}
