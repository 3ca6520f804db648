/**
 * The one typed table from which parsing, help, documentation and completion are made.
 * Table files hold declarations only, so that `--help` loads nothing heavy; `load` imports the command's code.
 */
import type { Streams } from '../streams.js';

export type OptionKind = 'flag' | 'string' | 'number' | 'list' | 'optional-string';

export interface OptionSpec {
  /** Without dashes: `fail-fast`. */
  readonly name: string;
  readonly short?: string;
  readonly kind: OptionKind;
  /** Shown in help: `--jobs N`. */
  readonly placeholder?: string;
  readonly summary: string;
  /** Allowed values; anything else is a usage error that lists them. */
  readonly choices?: readonly string[];
  readonly hidden?: boolean;
}

export interface ArgumentSpec {
  readonly name: string;
  readonly required: boolean;
  /** Takes all that is left; only for the last one. */
  readonly rest?: boolean;
  readonly summary: string;
}

/** Parsed input: values verbatim as typed (a number option is checked and converted). Absent options are undefined. */
export interface Input {
  readonly args: readonly string[];
  flag(name: string): boolean;
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  list(name: string): readonly string[];
  has(name: string): boolean;
}

export interface CommandContext {
  /** Absolute; from --cwd or the process. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly streams: Streams;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

export interface CommandSpec {
  /** `verify`, `spec add`: words separated by one space. */
  readonly name: string;
  readonly summary: string;
  /** Paragraphs shown below the usage line. */
  readonly details?: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly { readonly command: string; readonly what: string }[];
  readonly hidden?: boolean;
  /** Resolves to the exit code. Prints only through `context.streams`. */
  load(): Promise<(input: Input, context: CommandContext) => Promise<number>>;
}
