/**
 * Runner `pytest`: the project's own Python and pytest, one process a batch, reports through our plugin.
 * Files are named on the command line; which tests of them run is decided in the plugin, on exact names, so that no
 * selector can act as an option or a pattern. Nothing is written into the tree.
 */
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, Case } from '../../model/index.js';
import { exists } from '../../util/files.js';
import type { Invocation, RunContext, Workspace } from '../../run/adapters.js';
import { conclude, endWords } from '../../run/conclude.js';
import type { Attempt, BatchRunner } from '../../run/decorators/isolation.js';
import { batchEnv } from '../../run/environment.js';
import { groupBy } from '../../run/group.js';
import { lastLines, notStarted } from '../../run/outcome.js';
import { Channel } from '../../run/reports/channel.js';
import { executeWatched, Watchdog } from '../../run/watchdog.js';
import { ancestors, argument, batchesBy, relativeTo } from '../layout.js';
import { available, environmentOf, pythonOf } from './interpreter.js';
import { Judge } from './judge.js';
import { PLUGIN_FILES, PLUGIN_NAME } from './plugin.js';
import { PytestReports, selectionOf, speaksFor } from './reports.js';

/** The folder that pytest is started in: the nearest with its configuration, else the nearest project folder, else the root. */
async function directoryOf(root: string, file: string): Promise<string> {
  const folders = ancestors(file);
  const text = async (folder: string, name: string): Promise<string> =>
    readFile(join(root, folder, name), 'utf8').catch(() => '');
  for (const folder of folders) {
    if ((await exists(join(root, folder, 'pytest.ini'))) || (await exists(join(root, folder, '.pytest.ini'))))
      return folder;
    if (/^\[tool\.pytest/m.test(await text(folder, 'pyproject.toml'))) return folder;
    if (/^\[pytest\]/m.test(await text(folder, 'tox.ini')) || /^\[tool:pytest\]/m.test(await text(folder, 'setup.cfg')))
      return folder;
  }
  for (const folder of folders) {
    for (const name of ['pyproject.toml', 'setup.py', 'setup.cfg'])
      if (await exists(join(root, folder, name))) return folder;
  }
  return '';
}

/** Real path of a file of the tree, as programs in the workspace see it. */
async function seenPath(workspace: Workspace, file: string): Promise<string | null> {
  const real = await realpath(join(workspace.hostRoot, file)).catch(() => null);
  if (real === null) return null;
  const root = await realpath(workspace.hostRoot);
  return real.startsWith(`${root}/`)
    ? `${workspace.place === 'host' ? root : workspace.root}${real.slice(root.length)}`
    : real;
}

/** Files whose definitions tell which test is the tagged one: the cases' own, and where what they inherit is written. */
const sourcesOf = (cases: readonly Case[]): Set<string> =>
  new Set(cases.flatMap((entry) => [entry.file, ...(entry.test?.reportedAt ? [entry.test.reportedAt.file] : [])]));

async function attempt(
  program: string | null,
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
): Promise<Attempt> {
  const paths = new Map<string, string>();
  const absent: Case[] = [];
  for (const file of sourcesOf(batch.cases)) {
    const seen = await seenPath(workspace, file);
    if (seen !== null) paths.set(file, seen);
  }
  const cases = batch.cases.filter((entry) => paths.has(entry.file) || absent.push(entry) === 0);
  const gone = absent.map((entry) => notStarted(entry, 'not-found', `${entry.file} does not exist`, context.attempt));
  if (cases.length === 0) return { outcomes: gone, silent: [], foreign: false };
  const python = await pythonOf(workspace, batch, program);
  if (!python.ok)
    return {
      outcomes: [
        ...gone,
        ...cases.map((entry) => notStarted(entry, 'unavailable:python', python.detail, context.attempt)),
      ],
      silent: [],
      foreign: false,
    };

  const files = new Map([...paths].map(([file, seen]) => [seen, file]));
  const byFile = groupBy(cases, (entry) => entry.file);
  const select = Object.fromEntries(
    [...byFile].map(([file, entries]) => [paths.get(file) ?? file, entries.map(selectionOf)]),
  );
  await using channel = await Channel.open(workspace.reports, {
    once: true,
    extra: { select, sources: [...paths.values()] },
  });
  await mkdir(join(workspace.reports.host, 'python'), { recursive: true });
  for (const [name, text] of PLUGIN_FILES) await writeFile(join(workspace.reports.host, 'python', name), text);

  const declared = batchEnv(batch, context);
  const own = `${workspace.reports.inside}/python`;
  const inherited = declared['PYTHONPATH'] ?? workspace.inherited?.['PYTHONPATH'];
  const command = [python.program, ...commandLine(batch, [...byFile.keys()], workspace.reports.inside)];
  const invocation: Invocation = {
    command,
    directory: batch.directory,
    timeoutMs: null,
    label: `${batch.id}-${context.attempt}`,
    env: {
      ...declared,
      ...channel.env,
      PYTHONDONTWRITEBYTECODE: '1',
      // Measured code is the team's business; its data of a few tests does not replace that of all of them.
      COVERAGE_FILE: `${workspace.reports.inside}/coverage`,
      PYTHONPATH: inherited === undefined || inherited === '' ? own : `${own}:${inherited}`,
    },
  };
  const reports = new PytestReports((path) => files.get(path) ?? relativeTo(workspace.root, path));
  const watchdog = new Watchdog(Math.max(...cases.map((entry) => entry.timeoutMs)));
  const watched = await executeWatched(workspace, invocation, context.signal, watchdog, async () => {
    for (const event of await channel.read()) {
      watchdog.progress();
      const change = reports.take(event);
      if (event.type === 'finish') watchdog.finished();
      if (change?.kind === 'start') {
        const limits = cases.filter((entry) => speaksFor(entry, change.test)).map((entry) => entry.timeoutMs);
        watchdog.started(change.test.id, limits.length === 0 ? null : Math.min(...limits));
      } else if (change?.kind === 'end') watchdog.ended(change.test.id);
    }
  });

  const errors = lastLines(await readFile(watched.executed.stderr.file, 'utf8').catch(() => ''));
  const output = lastLines(await readFile(watched.executed.stdout.file, 'utf8').catch(() => ''));
  const judge = new Judge(cases, reports, { errors, output, how: endWords(watched) });
  const result = conclude(
    cases,
    {
      finding: (entry) => judge.finding(entry),
      overdue: (entry) => judge.own(entry).some((test) => watchdog.overdue.has(test.id)),
      unfinished: (entry) => judge.own(entry).some((test) => test.startedAt !== null && !test.ended),
      missing: (entry) => judge.missing(entry),
      // Without the plugin's word pytest refused to start: its own text says why.
      ended: reports.finished || (!reports.session && watched.executed.end.code !== null && !watched.expired),
      exact: true,
      foreign: false,
    },
    watched,
    command,
    context,
  );
  return { ...result, outcomes: [...gone, ...result.outcomes] };
}

function commandLine(batch: Batch, files: readonly string[], reports: string): string[] {
  return [
    '-m',
    'pytest',
    '-p',
    PLUGIN_NAME,
    // Tests may use pytest's cache; it is not the tree's.
    '-o',
    `cache_dir=${reports}/python/cache`,
    '--continue-on-collection-errors',
    '--maxfail=0',
    ...files.map((file) => argument(relativeTo(batch.directory, file))),
  ];
}

/** @param program `backends.python.bin`; null: the project's own environment, else Python on PATH */
export const pytest = (program: string | null = null): BatchRunner => ({
  name: 'pytest',
  available: async (workspace, batch) => available(workspace, batch, program),
  batches: async (root, cases) =>
    batchesBy('pytest', cases, async (entry) => {
      const directory = await directoryOf(root, entry.file);
      // pytest takes a bracket or two colons in a path for the beginning of a test's name: such files are walked to, apart from others.
      const apart = /\[|::/u.test(relativeTo(directory, entry.file)) ? { apart: 'odd path' } : {};
      return { directory, configuration: { ...(await environmentOf(root, directory)), ...apart } };
    }),
  preview: (batch) => [
    [
      program ?? (batch.configuration['python'] || 'python3'),
      ...commandLine(batch, [...new Set(batch.cases.map((entry) => entry.file))], '<reports>'),
    ],
  ],
  attempt: async (batch, workspace, context) => attempt(program, batch, workspace, context),
});
