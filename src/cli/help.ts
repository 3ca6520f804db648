/** Help text, made from the table. cac formats the overview (names and summaries); a command's own page is ours, for its examples. */
import { cac } from 'cac';
import type { CommandSpec, OptionSpec } from './table/types.js';

const flagOf = (option: OptionSpec): string => {
  const value = option.placeholder ?? (option.kind === 'number' ? 'N' : 'VALUE');
  const long =
    option.kind === 'flag'
      ? `--${option.name}`
      : option.kind === 'optional-string'
        ? `--${option.name}[=${value}]`
        : `--${option.name} ${value}`;
  return `${option.short === undefined ? '    ' : `-${option.short}, `}${long}`;
};

const table = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.min(34, Math.max(0, ...rows.map(([left]) => left.length)) + 2);
  return rows
    .map(([left, right]) =>
      left.length + 2 > width ? `  ${left}\n  ${' '.repeat(width)}${right}` : `  ${left.padEnd(width)}${right}`,
    )
    .join('\n');
};

const argumentsOf = (command: CommandSpec): string =>
  command.args
    .map((argument) => {
      const name = argument.rest === true ? `${argument.name}…` : argument.name;
      return argument.required ? ` ${name}` : ` [${name}]`;
    })
    .join('');

/** A command's page: usage, what it does, arguments, options, examples. */
export function commandHelp(command: CommandSpec, globals: readonly OptionSpec[], program = 'coherence'): string {
  const sections = [`${command.summary}\n\nUsage: ${program} ${command.name}${argumentsOf(command)} [options]`];
  if (command.details !== undefined) sections.push(command.details);
  if (command.args.length > 0)
    sections.push(`Arguments:\n${table(command.args.map((argument) => [argument.name, argument.summary] as const))}`);
  const shown = command.options.filter((option) => option.hidden !== true);
  const describe = (option: OptionSpec): readonly [string, string] => [
    flagOf(option),
    option.choices === undefined ? option.summary : `${option.summary} (${option.choices.join(', ')})`,
  ];
  if (shown.length > 0) sections.push(`Options:\n${table(shown.map(describe))}`);
  sections.push(`Everywhere:\n${table(globals.map(describe))}`);
  if (command.examples.length > 0)
    sections.push(
      `Examples:\n${command.examples.map((example) => `  # ${example.what}\n  ${example.command}`).join('\n')}`,
    );
  return `${sections.join('\n\n')}\n`;
}

/** All commands on one page, in the table's order, or those of one group (`spec`, `store`). */
export function overview(commands: readonly CommandSpec[], version: string, group?: string): string {
  const cli = cac('coherence');
  const shown = commands.filter(
    (command) => command.hidden !== true && (group === undefined || command.name.startsWith(`${group} `)),
  );
  for (const command of shown) cli.command(command.name, command.summary);
  const rows = cli.commands.map((command) => [command.rawName, command.description] as const);
  const intro =
    group === undefined
      ? `coherence ${version}: acceptance criteria tied to tests that really ran\n\nUsage: coherence <command> [options]\n       verify-spec SPEC-id [options]`
      : `Usage: coherence ${group} <command> [options]`;
  const start =
    group === undefined
      ? '\n\nStart:\n  coherence init                     # manifest, specs/, ignore file\n  coherence check                    # specs and links, without running anything\n  coherence verify --all             # runs the linked tests and judges\n  coherence help verify              # one command in full'
      : '';
  return `${intro}\n\nCommands:\n${table(rows)}${start}\n`;
}
