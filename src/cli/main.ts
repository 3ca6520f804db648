/**
 * The command line's entry: parse → route → run → exit code. The only place that prints and exits.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ulid } from '../util/ulid.js';
import { visibleLine } from '../util/text.js';
import { reportFailures } from './failures.js';
import { GLOBAL_OPTIONS } from './globals.js';
import { parse } from './parse.js';
import type { Streams } from './streams.js';
import { COMMANDS } from './table/index.js';
import type { CommandContext } from './table/types.js';
import { VERSION } from './version.js';

const INTERRUPTED = 130;

/** Exit code where a result could not be written. */
const NOT_WRITTEN = 74;

/** The first error of standard output that is more than a reader who went away (`coherence … | head`). */
let outputError: Error | null = null;

function processStreams(): Streams {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') outputError ??= error;
  });
  // Whom should we tell?
  process.stderr.on('error', () => undefined);
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    interactive: process.stderr.isTTY === true,
    columns: process.stdout.columns ?? 80,
  };
}

const flush = async (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((done) => {
    if (stream.destroyed || stream.writableLength === 0) done();
    else stream.write('', () => done());
  });

/** First signal: abort and end in order. Second: leave at once; what is left is found by the next start. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort(name);
    });
  }
  return controller.signal;
}

async function defect(error: unknown, argv: readonly string[], streams: Streams): Promise<number> {
  const file = join(tmpdir(), `coherence-defect-${ulid()}.txt`);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  await writeFile(
    file,
    `coherence ${VERSION}, node ${process.version}\ncommand: ${visibleLine(argv.join(' '))}\n\n${text}\n`,
    { mode: 0o600 },
  ).catch(() => undefined);
  streams.err(
    `error: This is a defect of coherence: ${visibleLine(error instanceof Error ? error.message : String(error))}. A report is in ${file}; please send it.\n`,
  );
  return 70;
}

/** Node puts U+FFFD where an argument's bytes are no UTF-8; whether a typed U+FFFD is one is known only to the system. */
function isLossy(argv: readonly string[]): boolean {
  if (!argv.some((word) => word.includes('\ufffd'))) return false;
  try {
    return !isUtf8(readFileSync('/proc/self/cmdline'));
  } catch {
    return false;
  }
}

async function dispatch(
  argv: readonly string[],
  streams: Streams,
  signal: AbortSignal,
  program: string,
): Promise<number> {
  if (isLossy(argv))
    return reportFailures(
      [
        {
          kind: 'usage',
          message: `An argument is not valid UTF-8: "${visibleLine(argv.find((word) => word.includes('\ufffd')) ?? '')}".`,
          hint: 'Type it in a terminal that sends UTF-8.',
        },
      ],
      streams,
    );
  const parsed = parse(argv, COMMANDS, GLOBAL_OPTIONS);
  if (!parsed.ok) return reportFailures(parsed.failures, streams);
  const { command, words, input } = parsed.value;
  if (input.flag('version')) {
    streams.out(`${VERSION}\n`);
    return 0;
  }
  if (command === null || input.flag('help')) {
    const { commandHelp, overview } = await import('./help.js');
    const wanted = command ?? COMMANDS.find((candidate) => candidate.name === words.join(' ')) ?? null;
    if (wanted !== null) streams.out(commandHelp(wanted, GLOBAL_OPTIONS, program));
    else if (words.length === 0) streams.out(overview(COMMANDS, VERSION));
    else if (COMMANDS.some((candidate) => candidate.name.startsWith(`${words[0]} `)))
      streams.out(overview(COMMANDS, VERSION, words[0]));
    else
      return reportFailures(
        [
          {
            kind: 'usage',
            message: `Unknown command "${visibleLine(words.join(' '))}".`,
            hint: '`coherence help` lists the commands.',
          },
        ],
        streams,
      );
    return 0;
  }
  const cwd = resolve(input.text('cwd') ?? '.');
  if (
    !(await stat(cwd).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  ) {
    return reportFailures([{ kind: 'usage', message: `--cwd ${visibleLine(cwd)} is not a folder.` }], streams);
  }
  const color = !input.flag('no-color') && (process.env['NO_COLOR'] ?? '') === '' && process.stdout.isTTY === true;
  const context: CommandContext = {
    cwd,
    env: process.env,
    streams,
    signal,
    color,
    json: input.flag('json'),
    quiet: input.flag('quiet'),
    verbose: input.flag('verbose'),
  };
  const run = await command.load();
  const code = await run(input, context);
  return signal.aborted && code === 0 ? INTERRUPTED : code;
}

/** Runs the command line and ends the process. `prefix` are words that an executable of its own stands for (`verify-spec`). */
export async function main(argv: readonly string[], prefix: readonly string[] = []): Promise<void> {
  const streams = processStreams();
  const signal = abortOnSignals();
  let code: number;
  try {
    const wantsCommand = prefix.length > 0 && !argv.includes('--version');
    if (
      wantsCommand &&
      !argv.some((word) => !word.startsWith('-')) &&
      !argv.some((word) => word === '--help' || word === '-h')
    ) {
      code = reportFailures(
        [
          {
            kind: 'usage',
            message: 'verify-spec needs the id of a spec or criterion.',
            hint: 'For example: verify-spec SPEC-payment-api. `coherence verify --all` verifies everything.',
          },
        ],
        streams,
      );
    } else code = await dispatch([...(wantsCommand ? prefix : []), ...argv], streams, signal, 'coherence');
  } catch (error) {
    code = await defect(error, argv, streams);
  }
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  // A stream tells of its error one turn after the write.
  await new Promise(setImmediate);
  if (outputError !== null) {
    code = NOT_WRITTEN;
    streams.err(`error: The output could not be written: ${visibleLine(outputError.message)}.\n`);
    await flush(process.stderr);
  }
  process.exit(code);
}
