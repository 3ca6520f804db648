/**
 * Runner `vitest`: the project's own installation and configuration, one process a batch, reports through our reporter
 * joined by file, line and full title.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, Case } from '../../../model/index.js';
import { exists, orNull } from '../../../util/files.js';
import type { Availability, Invocation, RunContext, Workspace } from '../../adapters.js';
import { conclude, endWords } from '../../conclude.js';
import { absent } from '../../absent.js';
import type { Attempt, BatchRunner } from '../../decorators/isolation.js';
import { batchEnv } from '../../environment.js';
import { groupBy } from '../../group.js';
import { settle } from '../../join.js';
import { ambiguous, matching, type Match } from '../../matching.js';
import { lastLines, type Finding } from '../../outcome.js';
import { Channel } from '../../reports/channel.js';
import { executeWatched, Watchdog } from '../../watchdog.js';
import { ancestors, argument, batchesBy, nodeProgram, relativeTo } from '../layout.js';
import { namePattern } from './filter.js';
import { REPORTER, REPORTER_NAME } from './reporter.js';
import { SETUP, SETUP_NAME } from './setup.js';
import { VitestReports, reportOf, type ReportedError, type VitestTest } from './reports.js';

const CONFIGURATION = /^(?:vite(?:st)?\.config|vitest\.(?:workspace|projects))\.(?:[cm]?[jt]s|json)$/u;

/** The folder that vitest is started in: the nearest with its configuration, else the nearest package, else the root. */
async function directoryOf(root: string, file: string): Promise<string> {
  for (const folder of ancestors(file))
    if ((orNull(() => readdirSync(join(root, folder))) ?? []).some((name) => CONFIGURATION.test(name))) return folder;
  for (const folder of ancestors(file)) if (await exists(join(root, folder, 'package.json'))) return folder;
  return '';
}

/** The project's vitest (its start file, relative to the root): nearest installation from the batch's folder upwards. */
async function installation(root: string, directory: string): Promise<string | null> {
  for (const folder of ancestors(`${directory}/x`)) {
    const home = [folder, 'node_modules/vitest'].filter((part) => part !== '').join('/');
    const text = await readFile(join(root, home, 'package.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    const bin = /"bin"\s*:\s*(?:\{[^}]*"vitest"\s*:\s*)?"([^"]+)"/.exec(text)?.[1] ?? 'vitest.mjs';
    return `${home}/${bin.replace(/^\.\//, '')}`;
  }
  return null;
}

/** In a container the installation may be seen only from inside (a link to where set-up put it): resolved there. */
const START = String.raw`
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
const manifest = createRequire(join(process.cwd(), 'x.js')).resolve('vitest/package.json');
const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
const start = join(dirname(manifest), typeof bin === 'string' ? bin : bin.vitest);
process.argv[1] = start;
await import(pathToFileURL(start).href);
`;

function options(batch: Batch, cases: readonly Case[], reporter: string): string[] {
  const pattern = namePattern(cases);
  const files = [...new Set(cases.map((entry) => entry.file))].map((file) =>
    argument(relativeTo(batch.directory, file)),
  );
  return [
    'run',
    '--bail=0',
    '--coverage.enabled=false',
    '--reporter=default',
    `--reporter=${reporter}`,
    ...(pattern === null ? [] : [`--testNamePattern=${pattern}`]),
    ...files,
  ];
}

export interface VitestOptions {
  /** `backends.node.bin`; default: the Node that runs us. */
  readonly node?: string;
}

async function attempt(
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  settings: VitestOptions,
): Promise<Attempt> {
  const { cases } = batch;
  await using channel = await Channel.open(workspace.reports, { once: true });
  writeFileSync(join(workspace.reports.host, REPORTER_NAME), REPORTER);
  writeFileSync(join(workspace.reports.host, SETUP_NAME), SETUP);
  const found = batch.configuration['start'] ?? '';
  const inside = workspace.place !== 'host' || found === '';
  if (inside) writeFileSync(join(workspace.reports.host, 'vitest-start.mjs'), START);
  const start = inside ? `${workspace.reports.inside}/vitest-start.mjs` : argument(relativeTo(batch.directory, found));
  const command = [
    await nodeProgram(workspace, settings.node),
    start,
    ...options(batch, cases, `${workspace.reports.inside}/${REPORTER_NAME}`),
  ];
  const invocation: Invocation = {
    command,
    directory: batch.directory,
    timeoutMs: null,
    label: `${batch.id}-${context.attempt}`,
    env: { ...batchEnv(batch, context), ...channel.env },
  };

  const reports = new VitestReports((path) => relativeTo(workspace.root, path));
  const watchdog = new Watchdog(Math.max(...cases.map((entry) => entry.timeoutMs)));
  const limitOf = (test: VitestTest): number | null => {
    const limits = cases
      .filter(
        (entry) =>
          entry.file === test.file &&
          (entry.path.length === 0 || entry.path.at(-1) === test.path.at(-1) || entry.line === test.line),
      )
      .map((entry) => entry.timeoutMs);
    return limits.length === 0 ? null : Math.min(...limits);
  };
  const watched = await executeWatched(workspace, invocation, context.signal, watchdog, async () => {
    for (const event of await channel.read()) {
      watchdog.progress();
      const test = reports.take(event);
      if (event.type === 'end') watchdog.finished();
      if (event.type === 'queued') watchdog.loading(String(event.fields['module']));
      if (event.type === 'started' || event.type === 'module') watchdog.loaded(String(event.fields['module']));
      if (event.type === 'started') watchdog.started(`module:${String(event.fields['module'])}`, null);
      if (test?.state === 'running') watchdog.started(test.id, limitOf(test));
      else if (test !== null && event.fields['kind'] === 'result') watchdog.ended(test.id);
    }
  });

  const byFile = groupBy([...reports.tests.values()], (test) => test.file);
  const matchOf = (entry: Case): { readonly match: Match; readonly tests: readonly VitestTest[] } => {
    const byReport = new Map((byFile.get(entry.file) ?? []).map((test) => [reportOf(test), test]));
    const match = matching(entry, [...byReport.keys()]);
    const tests = match.kind === 'some' ? match.reports.flatMap((report) => byReport.get(report) ?? []) : [];
    return { match, tests };
  };
  const matches = new Map(cases.map((entry) => [entry, matchOf(entry)]));
  const testsOf = (entry: Case): readonly VitestTest[] => matches.get(entry)?.tests ?? [];
  const blamed = blame(reports);
  const moduleOpen = (file: string): boolean => reports.modules.has(file) && reports.modules.get(file)?.ended !== true;
  const finding = (entry: Case): Finding | null => {
    const tests = testsOf(entry);
    const match = matches.get(entry)?.match;
    if (match?.kind === 'ambiguous') return ambiguous(match.lines);
    const filtered = tests.find((test) => test.filtered);
    if (filtered !== undefined)
      return {
        reason: 'not-reported',
        detail: `its title turned out as "${filtered.path.join(' > ')}", which the filter did not expect`,
      };
    return settle(tests.map(reportOf));
  };
  const texts = {
    output: lastLines(await readFile(watched.executed.stdout.file, 'utf8').catch(() => '')),
    errors: lastLines(await readFile(watched.executed.stderr.file, 'utf8').catch(() => ''), 40),
  };
  const code = watched.executed.end.code;
  return conclude(
    cases,
    {
      finding: (entry) => {
        const result = finding(entry);
        return result?.reason === 'executed' && blamed(entry.file) !== null ? null : result;
      },
      overdue: (entry) => testsOf(entry).some((test) => watchdog.overdue.has(test.id)),
      unfinished: (entry) =>
        moduleOpen(entry.file) || (blamed(entry.file) !== null && finding(entry)?.reason === 'executed'),
      crashDetail: (entry) => {
        const error = blamed(entry.file);
        return error === null
          ? null
          : `passed, but an error outside any test was left unhandled: ${error.message.split('\n', 1)[0] ?? ''}`;
      },
      missing: (entry) => ({
        finding: missing(entry, reports, texts, endWords(watched), blamed(entry.file), matches.get(entry)?.match),
        again: false,
      }),
      // Without a file begun vitest refused to start: its own text says why.
      ended: reports.ended || (reports.modules.size === 0 && code !== null && !watched.expired),
      exact: false,
      foreign: namePattern(cases) === null,
    },
    watched,
    command,
    context,
  );
}

/** Which file an unhandled error casts doubt on. One that names no file, with no dead worker to explain it, doubts them all. */
function blame(reports: VitestReports): (file: string) => ReportedError | null {
  const dead = [...reports.modules.values()].some((module) => !module.ended);
  const free = reports.unhandled.find((error) => error.file === null && !(dead && /worker|pool/i.test(error.message)));
  return (file) => reports.unhandled.find((error) => error.file === file) ?? free ?? null;
}

function missing(
  entry: Case,
  reports: VitestReports,
  text: { readonly output: string; readonly errors: string },
  how: string,
  blamed: ReportedError | null,
  match: Match | undefined,
): Finding {
  if (
    reports.modules.size === 0 &&
    (reports.version === '' || /Startup Error|Unhandled Error|failed to load config/i.test(text.errors))
  ) {
    // The banner of vitest's own error page says nothing; the first line that names an error does.
    const banner = /^[\u23af\s]*(?:Startup|Unhandled) Errors?|^Vitest caught \d+ unhandled/;
    const why = text.errors.split('\n').find((line) => /error/i.test(line) && !banner.test(line)) ?? how;
    return { reason: 'setup', detail: `vitest did not start: ${why.trim()}`, message: text.errors || text.output };
  }
  const module = reports.modules.get(entry.file);
  if (module === undefined && blamed?.file === entry.file)
    return {
      reason: 'setup',
      detail: `vitest could not start ${entry.file}: ${cause(blamed)}`,
      message: blamed.text,
      proof: 'report',
    };
  if (module === undefined)
    return {
      reason: 'not-found',
      detail: `vitest did not run ${entry.file}: its configuration does not include the file`,
      message: text.output,
    };
  const error = module.errors[0];
  if (error !== undefined)
    return {
      reason: 'build',
      detail: `${entry.file}: ${error.message.split('\n').find((line) => line.trim() !== '') ?? 'could not be loaded'}`,
      message: error.text,
      proof: 'report',
    };
  const suite = reports.suites.find(({ file, path }) => file === entry.file && isSame(path, entry.path));
  if (entry.test?.kind === 'suite' && suite !== undefined)
    return { reason: 'runner-skipped', detail: suite.mode === 'todo' ? 'todo' : 'skipped', proof: 'report' };
  return absent(entry, match, {
    reason: 'not-found',
    detail: `vitest found no test "${entry.path.join(' > ')}" in ${entry.file}`,
  });
}

const isSame = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((title, i) => title === right[i]);

/** The first line that says why: the cause where vitest gives one. */
const cause = (error: ReportedError): string =>
  (/^Caused by: (.+)$/m.exec(error.text)?.[1] ?? error.message).split('\n', 1)[0] ?? '';

export function vitest(settings: VitestOptions = {}): BatchRunner {
  return {
    name: 'vitest',
    available: async (workspace, batch): Promise<Availability> => {
      if (workspace.place !== 'host')
        return (await workspace.find('node')) === null
          ? { available: false, what: 'node', detail: 'the image has no node' }
          : { available: true };
      return (batch.configuration['start'] ?? '') === ''
        ? {
            available: false,
            what: 'vitest',
            detail: `vitest is not installed for ${batch.directory === '' ? 'the project' : batch.directory} (no node_modules/vitest)`,
          }
        : { available: true };
    },
    batches: async (root, cases) =>
      batchesBy('vitest', cases, async (entry) => {
        const directory = await directoryOf(root, entry.file);
        return { directory, configuration: { start: (await installation(root, directory)) ?? '' } };
      }),
    preview: (batch) => [
      [
        'node',
        batch.place === 'host'
          ? argument(relativeTo(batch.directory, batch.configuration['start'] || 'node_modules/vitest/vitest.mjs'))
          : '<reports>/vitest-start.mjs',
        ...options(batch, batch.cases, `<reports>/${REPORTER_NAME}`),
      ],
    ],
    attempt: async (batch, workspace, context) => attempt(batch, workspace, context, settings),
  };
}
