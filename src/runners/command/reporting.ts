/**
 * Asking known test runners, started by a line of shell, for their reports: words put into their own command where it
 * stands in the line, or variables that they read where it stands behind a script, a quote or a launcher.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../../run/adapters.js';
import { Channel } from '../../run/reports/channel.js';
import { REPORTER as NODE_REPORTER, REPORTER_NAME as NODE_REPORTER_NAME } from '../node-test/reporter.js';
import { PLUGIN_FILES, PLUGIN_NAME } from '../pytest/plugin.js';
import { REPORTER_FILES as VITEST_FILES } from '../vitest/files.js';
import { REPORTER_NAME as VITEST_REPORTER_NAME } from '../vitest/reporter.js';
import { knownRunners, withInsertions, type KnownRunner } from './known-runners.js';
import type { Started } from './package-scripts.js';
import { readReports, type CountsByKind } from './report-counts.js';
import type { ReportKind } from './runner-names.js';
import { quotedWord } from './shell-words.js';

/** A libtest executable gets a log file of its own: cargo starts it through this line of shell. */
const CARGO_RUNNER = `#!/bin/sh
folder="$1"; shift
if [ -n "$COHERENCE_DOC_TESTS" ]; then unset COHERENCE_DOC_TESTS; exec "$@"; fi
exec "$@" --logfile "$folder/$$.log"
`;
/**
 * Doc tests run inside rustdoc, and libtest's log file says of none whether it was only compiled; of several harnesses the last
 * one replaces what the others wrote. So rustdoc's own output goes to a file first. Cargo starts doc tests through the runner, too.
 */
const RUSTDOC = `#!/bin/sh
for word; do
  if [ "$word" = --test ]; then
    COHERENCE_DOC_TESTS=1; export COHERENCE_DOC_TESTS
    report="\${0%/*}/libtest/$$.doc"
    rustdoc "$@" > "$report"
    code=$?
    cat "$report"
    exit $code
  fi
done
exec rustdoc "$@"
`;

/** Loaded by every Node process of the line: where that is vitest's own command, it gets one more reporter. */
const VITEST_PRELOAD = (reporter: string): string => `
try {
  const script = require('node:fs').realpathSync(process.argv[1] || '').replaceAll('\\\\', '/');
  const verb = process.argv[2] || '';
  if (script.endsWith('/vitest/vitest.mjs') && !['bench', 'list', 'init'].includes(verb))
    process.argv.splice(2, 0, '--reporter=default', ${JSON.stringify(`--reporter=${reporter}`)});
} catch {}
`;
const VITEST_PRELOAD_NAME = 'vitest-preload.cjs';

const TRIPLES: Readonly<Record<string, string>> = { x64: 'X86_64', arm64: 'AARCH64' };

export interface Reporting extends AsyncDisposable {
  readonly line: string;
  readonly env: Readonly<Record<string, string>>;
  /** Names of the runners that the line is known to start; each of them must report. */
  readonly expected: ReadonlyMap<ReportKind, string>;
  /** What the runners reported. `stdout`: what the line printed, whole. */
  read(stdout: string): Promise<CountsByKind>;
}

/** Words that ask node's test runner, in its command or in NODE_OPTIONS. */
const nodeTestWords = (folder: string, quote: (text: string) => string): string =>
  `--test-reporter=${quote(`${folder}/${NODE_REPORTER_NAME}`)} --test-reporter-destination=stderr --test-reporter=spec --test-reporter-destination=stdout`;

/** Words for one runner's own command; `folder` is where its files are. Null for those that read variables, or have no report. */
function wordsFor(report: KnownRunner['report'], folder: string): string | null {
  switch (report) {
    case 'vitest':
      return `--reporter=default --reporter=${quotedWord(`${folder}/${VITEST_REPORTER_NAME}`)}`;
    case 'node-test':
      return nodeTestWords(folder, quotedWord);
    case 'cargo':
      return [
        `target."cfg(all())".runner=["sh","${folder}/cargo-runner.sh","${folder}/libtest"]`,
        `build.rustdoc="${folder}/cargo-rustdoc.sh"`,
        // Dots instead of names would say nothing.
        'term.quiet=false',
      ]
        .map((setting) => `--config ${quotedWord(setting)}`)
        .join(' ');
    case 'go':
      return '-json';
    case 'pytest':
    case null:
      return null;
  }
}

/** A line as it will run, its runners asked for their reports. */
export const reportingLine = (line: string, folder: string): string =>
  withInsertions(
    line,
    knownRunners(line).flatMap((found) => {
      const words = wordsFor(found.report, folder);
      return words === null || found.insertAt === null ? [] : [{ at: found.insertAt, words }];
    }),
  );

async function writeReporters(kinds: ReadonlySet<ReportKind>, { host, inside }: Workspace['reports']): Promise<void> {
  if (kinds.has('vitest')) {
    for (const [name, text] of VITEST_FILES) await writeFile(join(host, name), text);
    await writeFile(join(host, VITEST_PRELOAD_NAME), VITEST_PRELOAD(`${inside}/${VITEST_REPORTER_NAME}`));
  }
  if (kinds.has('node-test')) await writeFile(join(host, NODE_REPORTER_NAME), NODE_REPORTER);
  if (kinds.has('pytest')) {
    await mkdir(join(host, 'python'), { recursive: true });
    for (const [name, text] of PLUGIN_FILES) await writeFile(join(host, 'python', name), text);
  }
  if (kinds.has('cargo')) {
    await mkdir(join(host, 'libtest'), { recursive: true });
    await writeFile(join(host, 'cargo-runner.sh'), CARGO_RUNNER, { mode: 0o755 });
    await writeFile(join(host, 'cargo-rustdoc.sh'), RUSTDOC, { mode: 0o755 });
  }
}

/** Variables that ask runners of these kinds whose own command nobody can add words to. */
function askingVariables(
  kinds: ReadonlySet<ReportKind>,
  folder: string,
  given: (name: string) => string,
): Record<string, string> {
  const env: Record<string, string> = {};
  const extended = (name: string, more: string): void => {
    env[name] = `${env[name] ?? given(name)} ${more}`.trim();
  };
  if (kinds.has('pytest')) {
    const path = given('PYTHONPATH');
    env['PYTHONPATH'] = `${folder}/python${path === '' ? '' : `:${path}`}`;
    env['PYTHONDONTWRITEBYTECODE'] = '1';
    extended('PYTEST_ADDOPTS', `-p ${PLUGIN_NAME}`);
  }
  if (kinds.has('vitest')) extended('NODE_OPTIONS', `--require=${JSON.stringify(`${folder}/${VITEST_PRELOAD_NAME}`)}`);
  if (kinds.has('node-test')) extended('NODE_OPTIONS', nodeTestWords(folder, JSON.stringify));
  if (kinds.has('cargo')) {
    env['CARGO_BUILD_RUSTDOC'] = `${folder}/cargo-rustdoc.sh`;
    env['CARGO_TERM_QUIET'] = 'false';
    for (const system of ['UNKNOWN_LINUX_GNU', 'UNKNOWN_LINUX_MUSL', 'APPLE_DARWIN'])
      env[`CARGO_TARGET_${TRIPLES[process.arch] ?? 'X86_64'}_${system}_RUNNER`] =
        `sh ${folder}/cargo-runner.sh ${folder}/libtest`;
  }
  if (kinds.has('go')) extended('GOFLAGS', '-json');
  return env;
}

/** The first of a line's runners that cannot be asked for a report, or null. */
export const silentRunner = (started: Pick<Started, 'runners'>): string | null =>
  started.runners.find((runner) => runner.report === null)?.name ?? null;

/** A line changed so that the runners that it starts report. Null when it is not known to start one. */
export async function reportingFor(
  line: string,
  started: Started,
  workspace: Workspace,
  env: Readonly<Record<string, string>>,
): Promise<Reporting | null> {
  const asked = started.runners.flatMap(({ name, report, insertAt }) =>
    report === null ? [] : [{ name, report, insertAt }],
  );
  if (asked.length === 0) return null;
  const kinds = new Set(asked.map((runner) => runner.report));
  await writeReporters(kinds, workspace.reports);
  // Several processes may report in turn, so the key stays where it is.
  const channel = await Channel.open(workspace.reports, { once: false });
  const hidden = new Set(asked.filter((runner) => runner.insertAt === null).map((runner) => runner.report));
  const variables = askingVariables(
    hidden,
    workspace.reports.inside,
    (name) => env[name] ?? workspace.inherited?.[name] ?? '',
  );
  return {
    line: reportingLine(line, workspace.reports.inside),
    env: { ...channel.env, ...variables },
    expected: new Map(asked.map(({ report, name }) => [report, name])),
    read: async (stdout) => readReports(channel, workspace, stdout, kinds),
    [Symbol.asyncDispose]: async () => channel[Symbol.asyncDispose](),
  };
}
