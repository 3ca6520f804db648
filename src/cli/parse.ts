/**
 * argv → command and input, by the option table alone. Values are taken verbatim (`--title=-x`, `--title -x`, `1.10`, empty);
 * unknown options, surplus arguments, values out of a list are usage failures (64). An option's kind is the same in every
 * command (a test holds the table to that), so options may stand before or after the command's words.
 */
import { failure, success, type Failure, type Result } from '../model/index.js';
import { nearest, visibleLine } from '../util/text.js';
import type { CommandSpec, Input, OptionSpec } from './table/types.js';

export interface Parsed {
  readonly command: CommandSpec | null;
  /** Words that were given, for messages and `help WORD`. */
  readonly words: readonly string[];
  readonly input: Input;
}

type Values = Map<string, (string | true)[]>;

const usage = (message: string, hint?: string): { readonly ok: false; readonly failures: readonly Failure[] } =>
  failure({ kind: 'usage', message, ...(hint === undefined ? {} : { hint }) });

const quoted = (text: string): string => `"${visibleLine(text)}"`;

interface Raw {
  readonly words: string[];
  readonly values: Values;
}

function readTokens(
  argv: readonly string[],
  options: ReadonlyMap<string, OptionSpec>,
  shorts: ReadonlyMap<string, OptionSpec>,
): Result<Raw> {
  const words: string[] = [];
  const values: Values = new Map();
  const put = (option: OptionSpec, value: string | true): void =>
    void values.set(option.name, [...(values.get(option.name) ?? []), value]);
  for (let i = 0; i < argv.length; i += 1) {
    const token = argv[i] ?? '';
    if (token === '--') {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!token.startsWith('-') || token === '-') {
      words.push(token);
      continue;
    }
    const equals = token.indexOf('=');
    const name = equals === -1 ? token : token.slice(0, equals);
    const option = name.startsWith('--') ? options.get(name.slice(2)) : shorts.get(name.slice(1));
    if (option === undefined) {
      const near = nearest(name.replace(/^-+/, ''), options.keys());
      return usage(
        `Unknown option ${quoted(name)}.`,
        near === null ? 'See --help for the options.' : `Did you mean --${near}?`,
      );
    }
    const attached = equals === -1 ? null : token.slice(equals + 1);
    if (option.kind === 'flag') {
      if (attached !== null) return usage(`--${option.name} takes no value.`);
      put(option, true);
    } else if (attached !== null) put(option, attached);
    else if (option.kind === 'optional-string') put(option, true);
    else {
      const next = argv[i + 1];
      if (next === undefined)
        return usage(
          `--${option.name} needs a value${option.placeholder === undefined ? '' : ` (${option.placeholder})`}.`,
        );
      put(option, next);
      i += 1;
    }
  }
  return success({ words, values });
}

/** The command with the most words that `words` begins with. */
function route(words: readonly string[], commands: readonly CommandSpec[]): CommandSpec | null {
  const matching = commands.filter((command) => command.name.split(' ').every((part, i) => part === words[i]));
  return matching.toSorted((left, right) => right.name.length - left.name.length)[0] ?? null;
}

function checkValues(command: CommandSpec, values: Values, globals: readonly OptionSpec[]): Result<true> {
  for (const [name, given] of values) {
    const option = [...command.options, ...globals].find((candidate) => candidate.name === name);
    if (option === undefined) {
      return usage(
        `\`coherence ${command.name}\` has no option --${name}.`,
        `\`coherence ${command.name} --help\` lists its options.`,
      );
    }
    for (const value of given) {
      if (option.choices !== undefined && value !== true && !option.choices.includes(value)) {
        return usage(`--${name} cannot be ${quoted(value)}.`, `Allowed: ${option.choices.join(', ')}.`);
      }
      if (option.kind === 'number' && value !== true && !/^-?\d+$/.test(value))
        return usage(`--${name} needs a whole number, not ${quoted(value)}.`);
    }
  }
  return success(true);
}

function checkArguments(command: CommandSpec, args: readonly string[]): Result<true> {
  const rest = command.args.at(-1)?.rest === true;
  const needed = command.args.filter((argument) => argument.required);
  if (args.length < needed.length) {
    const lacking = needed[args.length];
    return usage(
      `\`coherence ${command.name}\` needs ${lacking?.name ?? 'an argument'}: ${lacking?.summary ?? ''}`,
      `\`coherence ${command.name} --help\` has examples.`,
    );
  }
  if (!rest && args.length > command.args.length) {
    return usage(
      `Unexpected argument ${quoted(args[command.args.length] ?? '')} after \`coherence ${command.name}\`.`,
      `\`coherence ${command.name} --help\` shows what it takes.`,
    );
  }
  return success(true);
}

export function inputOf(args: readonly string[], values: Values): Input {
  const last = (name: string): string | undefined => {
    const value = values.get(name)?.at(-1);
    return value === undefined || value === true ? undefined : value;
  };
  return {
    args,
    flag: (name) => values.get(name) !== undefined,
    text: last,
    number: (name) => {
      const value = last(name);
      return value === undefined ? undefined : Number(value);
    },
    list: (name) => (values.get(name) ?? []).filter((value): value is string => value !== true),
    has: (name) => values.has(name),
  };
}

/** Reads argv (without node and script). `command` is null when no word was given, or when only help or the version is wanted. */
export function parse(
  argv: readonly string[],
  commands: readonly CommandSpec[],
  globals: readonly OptionSpec[],
): Result<Parsed> {
  const options = new Map<string, OptionSpec>();
  const shorts = new Map<string, OptionSpec>();
  for (const option of [...globals, ...commands.flatMap((command) => command.options)]) {
    options.set(option.name, option);
    if (option.short !== undefined) shorts.set(option.short, option);
  }
  const raw = readTokens(argv, options, shorts);
  if (!raw.ok) return raw;
  const { words, values } = raw.value;
  const wantsHelp = values.has('help') || words[0] === 'help';
  if (words.length === 0 || words[0] === 'help' || values.has('version')) {
    return success({ command: null, words: words.slice(words[0] === 'help' ? 1 : 0), input: inputOf([], values) });
  }
  const command = route(words, commands);
  if (command === null) {
    const group = commands.some((candidate) => candidate.name.split(' ')[0] === words[0]);
    if (wantsHelp && group) return success({ command: null, words, input: inputOf([], values) });
    const known = [
      ...new Set(
        commands
          .filter((candidate) => candidate.hidden !== true)
          .map((candidate) => (group ? candidate.name : (candidate.name.split(' ')[0] ?? ''))),
      ),
    ];
    const wanted = group ? words.slice(0, 2).join(' ') : (words[0] ?? '');
    const near = nearest(wanted, known);
    const hint = group
      ? `Its commands: ${known.filter((name) => name.startsWith(`${words[0]} `)).join(', ')}.`
      : near === null
        ? '`coherence help` lists the commands.'
        : `Did you mean \`coherence ${near}\`?`;
    return usage(
      group && words.length === 1
        ? `\`coherence ${words[0]}\` needs a second word.`
        : `Unknown command ${quoted(wanted)}.`,
      hint,
    );
  }
  const args = words.slice(command.name.split(' ').length);
  if (wantsHelp) return success({ command, words, input: inputOf(args, values) });
  const valuesChecked = checkValues(command, values, globals);
  if (!valuesChecked.ok) return valuesChecked;
  const argsChecked = checkArguments(command, args);
  if (!argsChecked.ok) return argsChecked;
  return success({ command, words, input: inputOf(args, values) });
}
