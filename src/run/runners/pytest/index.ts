/**
 * Runner `pytest`: the project's own Python and pytest, one process a batch, reports through our plugin.
 * Files are named on the command line; which tests of them run is decided in the plugin, on exact names, so that no
 * selector can act as an option or a pattern. Nothing is written into the tree.
 */
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, Case } from '../../../model/index.js';
import { exists } from '../../../util/files.js';
import type { Availability, Invocation, RunContext, Workspace } from '../../adapters.js';
import { conclude, endWords } from '../../conclude.js';
import type { Attempt, BatchRunner } from '../../decorators/isolation.js';
import { batchEnv } from '../../environment.js';
import { settle } from '../../join.js';
import { lastLines, notStarted, type Finding } from '../../outcome.js';
import { Channel } from '../../reports/channel.js';
import { executeWatched, Watchdog } from '../../watchdog.js';
import { ancestors, argument, batchesBy, probe, relativeTo } from '../layout.js';
import { PLUGIN, PLUGIN_NAME } from './plugin.js';
import { PytestReports, reportOf, speaksFor, type PytestTest } from './reports.js';

const OPTIONS = ['-p', PLUGIN_NAME, '-p', 'no:cacheprovider', '--continue-on-collection-errors', '--maxfail=0'];

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

/** The project's own interpreter, relative to its root: the nearest virtual environment; '' where it has none. */
async function environmentOf(root: string, directory: string): Promise<string> {
  for (const folder of ancestors(`${directory}/x`)) {
    for (const name of ['.venv', 'venv']) {
      const inside = [folder, name, 'bin', 'python'].filter((part) => part !== '').join('/');
      if (await exists(join(root, inside))) return inside;
    }
  }
  return '';
}

/** The interpreter of a batch: the project's own, else Python on PATH. */
async function pythonOf(workspace: Workspace, batch: Batch): Promise<string | null> {
  const own = batch.configuration['python'] ?? '';
  if (own !== '') return `${workspace.root}/${own}`;
  return (await workspace.find('python3')) ?? (await workspace.find('python'));
}

async function available(workspace: Workspace, batch: Batch): Promise<Availability> {
  const python = await pythonOf(workspace, batch);
  if (python === null) return { available: false, what: 'python', detail: 'neither python3 nor python is on PATH' };
  const found = await probe(
    workspace,
    `${batch.id}-probe`,
    [
      python,
      '-c',
      'import sys; from importlib.util import find_spec; sys.exit(3 if find_spec("pytest") is None else 0)',
    ],
    batch.directory,
  );
  // No exit code: the place is in trouble, which the run itself says; it is no word about pytest.
  return found.code === 0 || found.code === null
    ? { available: true }
    : { available: false, what: 'pytest', detail: `${python} has no pytest` };
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

async function attempt(batch: Batch, workspace: Workspace, context: RunContext): Promise<Attempt> {
  const paths = new Map<string, string>();
  const absent: Case[] = [];
  for (const file of new Set(batch.cases.map((entry) => entry.file))) {
    const seen = await seenPath(workspace, file);
    if (seen !== null) paths.set(file, seen);
  }
  const cases = batch.cases.filter((entry) => paths.has(entry.file) || absent.push(entry) === 0);
  const gone = absent.map((entry) => notStarted(entry, 'not-found', `${entry.file} does not exist`, context.attempt));
  const python = cases.length === 0 ? null : await pythonOf(workspace, batch);
  if (python === null)
    return {
      outcomes: [
        ...gone,
        ...cases.map((entry) => notStarted(entry, 'unavailable:python', 'no Python was found', context.attempt)),
      ],
      silent: [],
      foreign: false,
    };

  const files = new Map([...paths].map(([file, seen]) => [seen, file]));
  const select = Object.fromEntries(
    [...paths].map(([file, seen]) => [seen, cases.filter((entry) => entry.file === file).map((entry) => entry.path)]),
  );
  await using channel = await Channel.open(workspace.reports, { once: true, extra: select });
  await mkdir(join(workspace.reports.host, 'python'), { recursive: true });
  await writeFile(join(workspace.reports.host, 'python', `${PLUGIN_NAME}.py`), PLUGIN);

  const declared = batchEnv(batch, context);
  const own = `${workspace.reports.inside}/python`;
  const inherited = declared['PYTHONPATH'] ?? workspace.inherited?.['PYTHONPATH'];
  const command = [python, ...commandLine(batch, [...paths.keys()])];
  const invocation: Invocation = {
    command,
    directory: batch.directory,
    timeoutMs: null,
    label: `${batch.id}-${context.attempt}`,
    env: {
      ...declared,
      ...channel.env,
      PYTHONDONTWRITEBYTECODE: '1',
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

  const of = (entry: Case): PytestTest[] => [...reports.tests.values()].filter((test) => speaksFor(entry, test));
  const kept = (entry: Case): PytestTest[] => of(entry).filter((test) => test.kept);
  const errors = lastLines(await readFile(watched.executed.stderr.file, 'utf8').catch(() => ''));
  const output = lastLines(await readFile(watched.executed.stdout.file, 'utf8').catch(() => ''));
  const result = conclude(
    cases,
    {
      finding: (entry) => settle(kept(entry).map(reportOf)),
      overdue: (entry) => kept(entry).some((test) => watchdog.overdue.has(test.id)),
      unfinished: (entry) => kept(entry).some((test) => test.startedAt !== null && !test.ended),
      missing: (entry) =>
        missing(
          entry,
          reports,
          of(entry),
          { errors, output, how: endWords(watched) },
          new Set(cases.map((item) => item.file)).size > 1,
        ),
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

/** Why a case has no report although pytest came to its end. */
function missing(
  entry: Case,
  reports: PytestReports,
  tests: readonly PytestTest[],
  text: { readonly errors: string; readonly output: string; readonly how: string },
  several: boolean,
): { finding: Finding; again: boolean } {
  if (!reports.session) {
    const conftest = text.errors.includes('conftest');
    const message = text.errors || text.output;
    const finding: Finding = {
      reason: conftest ? 'build' : 'setup',
      detail: `pytest did not start: ${message.split('\n').find((line) => /error/i.test(line)) ?? text.how}`,
      message,
    };
    // A broken conftest.py concerns the tests below it only.
    return { finding, again: conftest && several };
  }
  const error = reports.collectErrors.find(
    (item) =>
      item.file === entry.file ||
      entry.file.startsWith(`${item.file}/`) ||
      entry.file.startsWith(`${item.file.replace(/\/?__init__\.py$/, '')}/`),
  );
  if (error !== undefined && tests.length === 0) {
    const why =
      error.text
        .split('\n')
        .findLast((line) => /^E\s/.test(line))
        ?.replace(/^E\s+/, '') ??
      error.text.split('\n').at(-1) ??
      '';
    return {
      finding: {
        reason: 'build',
        detail: `${entry.file} could not be collected: ${why}`,
        message: error.text,
        proof: 'report',
      },
      again: several,
    };
  }
  if (tests.length > 0 && tests.every((test) => !test.kept))
    return {
      finding: {
        reason: 'runner-skipped',
        detail: "taken out by the project's own pytest options (-m or -k)",
        proof: 'report',
      },
      again: false,
    };
  if (tests.length === 0)
    return {
      finding: {
        reason: 'not-found',
        detail: `pytest collected no ${entry.path.join('::') || 'test'} in ${entry.file}`,
      },
      again: false,
    };
  return {
    finding: {
      reason: 'not-reported',
      detail: `pytest collected it and never reported on it (${text.how})`,
      message: text.errors,
    },
    again: false,
  };
}

function commandLine(batch: Batch, files: readonly string[]): string[] {
  return ['-m', 'pytest', ...OPTIONS, ...files.map((file) => argument(relativeTo(batch.directory, file)))];
}

export const pytest: BatchRunner = {
  name: 'pytest',
  available,
  batches: async (root, cases) =>
    batchesBy('pytest', cases, async (entry) => {
      const directory = await directoryOf(root, entry.file);
      return { directory, configuration: { python: await environmentOf(root, directory) } };
    }),
  preview: (batch) => [
    [
      batch.configuration['python'] || 'python3',
      ...commandLine(batch, [...new Set(batch.cases.map((entry) => entry.file))]),
    ],
  ],
  attempt,
};
