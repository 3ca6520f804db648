/**
 * Runner `vitest`: the project's own installation and configuration, one process a batch, reports through our reporter
 * joined by file, line and full title.
 */
import { writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch, Case } from '../../model/index.js';
import type { Availability, Invocation, RunContext, Workspace } from '../../run/adapters.js';
import { conclude, endWords } from '../../run/conclude.js';
import { absent } from '../../run/absent.js';
import type { Attempt, BatchRunner } from '../../run/decorators/isolation.js';
import { batchEnv } from '../../run/environment.js';
import { groupBy } from '../../run/group.js';
import { settle } from '../../run/join.js';
import { ambiguous, matching, type Match } from '../../run/matching.js';
import { lastLines, type Finding } from '../../run/outcome.js';
import { Channel } from '../../run/reports/channel.js';
import { executeWatched, Watchdog } from '../../run/watchdog.js';
import { ancestors, argument, batchesBy, nodeProgram, relativeTo } from '../layout.js';
import { namePattern } from './filter.js';
import { REPORTER_FILES } from './files.js';
import { REPORTER_NAME } from './reporter.js';
import { START } from './inside.js';
import { plugAndPlay, pnpOptions } from './pnp.js';
import { vitestStarts, type VitestStart } from './start.js';
import { VitestReports, reportOf, type ReportedError, type VitestTest } from './reports.js';

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

/** A way to start vitest, with its installation (relative to the root; '' when there is none) and yarn's loader in its place. */
interface Start extends VitestStart {
  readonly start: string;
  readonly pnp: string | null;
}

const startsOf = (batch: Batch): readonly Start[] =>
  JSON.parse(batch.configuration['starts'] ?? '[]') as readonly Start[]; // written by batches, below

const PLAIN: Start = { script: '', folder: '', env: {}, flags: [], start: '', pnp: null };

interface Chosen {
  readonly cases: readonly Case[];
  /** Every test of the files, since their names cannot be chosen by. */
  readonly whole: boolean;
}

function options(start: VitestStart, { cases, whole }: Chosen, reporter: string): string[] {
  const pattern = whole ? null : namePattern(cases);
  const files = [...new Set(cases.map((entry) => entry.file))].map((file) => argument(relativeTo(start.folder, file)));
  return [
    'run',
    '--bail=0',
    '--coverage.enabled=false',
    '--reporter=default',
    `--reporter=${reporter}`,
    ...start.flags,
    ...(pattern === null ? [] : [`--testNamePattern=${pattern}`]),
    ...files,
  ];
}

export interface VitestOptions {
  /** `backends.node.bin`; default: the Node that runs us. */
  readonly node?: string;
}

interface Round {
  readonly attempt: Attempt;
  /** Cases of files that vitest, started like this, does not serve. */
  readonly unserved: readonly Case[];
  /** Cases of files of type tests: their names cannot be chosen by. */
  readonly types: readonly Case[];
}

const without = ({ outcomes, silent, foreign }: Attempt, cases: readonly Case[]): Attempt => {
  const left = new Set(cases.map((entry) => entry.id));
  return {
    outcomes: outcomes.filter((outcome) => !left.has(outcome.case)),
    silent: silent.filter((item) => !left.has(item.entry.id)),
    foreign,
  };
};

/** Each way to start vitest in turn, for the files that those before it do not serve. */
async function attempt(
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  settings: VitestOptions,
): Promise<Attempt> {
  const starts = startsOf(batch);
  let chosen: Chosen = { cases: batch.cases, whole: false };
  let done: Attempt = { outcomes: [], silent: [], foreign: false };
  let count = 0;
  for (let at = 0; at < Math.max(1, starts.length);) {
    const start = starts[at] ?? PLAIN;
    const label = `${batch.id}-${context.attempt}${count === 0 ? '' : `-${count}`}`;
    const round = await runOnce({ ...batch, cases: chosen.cases }, workspace, context, settings, start, chosen, label);
    count += 1;
    const isLast = at >= starts.length - 1;
    const types = chosen.whole ? [] : round.types;
    const again = isLast ? types : [...round.unserved, ...types];
    const part = without(round.attempt, again);
    done = {
      outcomes: [...done.outcomes, ...part.outcomes],
      silent: [...done.silent, ...part.silent],
      foreign: done.foreign || part.foreign,
    };
    if (types.length > 0) {
      const typed = await runOnce(
        { ...batch, cases: types },
        workspace,
        context,
        settings,
        start,
        { cases: types, whole: true },
        `${label}-types`,
      );
      done = {
        outcomes: [...done.outcomes, ...typed.attempt.outcomes],
        silent: [...done.silent, ...typed.attempt.silent],
        foreign: true,
      };
    }
    if (isLast || round.unserved.length === 0 || context.signal.aborted) break;
    chosen = { cases: round.unserved, whole: false };
    at += 1;
  }
  return done;
}

async function runOnce(
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
  settings: VitestOptions,
  start: Start,
  chosen: Chosen,
  label: string,
): Promise<Round> {
  const { cases } = batch;
  await using channel = await Channel.open(workspace.reports, { once: true });
  for (const [name, text] of REPORTER_FILES) writeFileSync(join(workspace.reports.host, name), text);
  const found = start.start;
  const inside = workspace.place !== 'host' || found === '';
  if (inside) writeFileSync(join(workspace.reports.host, 'vitest-start.mjs'), START);
  const program = inside ? `${workspace.reports.inside}/vitest-start.mjs` : argument(relativeTo(start.folder, found));
  const command = [
    await nodeProgram(workspace, settings.node),
    program,
    ...options(start, chosen, `${workspace.reports.inside}/${REPORTER_NAME}`),
  ];
  const invocation: Invocation = {
    command,
    directory: start.folder,
    timeoutMs: null,
    label,
    env: {
      ...start.env,
      ...pnpOptions(workspace.root, start.pnp, start.env['NODE_OPTIONS'] ?? workspace.inherited?.['NODE_OPTIONS']),
      ...batchEnv(batch, context),
      ...channel.env,
    },
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
  const isServed = (entry: Case): boolean =>
    reports.version === '' || reports.modules.has(entry.file) || blamed(entry.file) !== null || watched.expired;
  const concluded = conclude(
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
        finding: missing(
          entry,
          reports,
          texts,
          endWords(watched),
          blamed(entry.file),
          matches.get(entry)?.match,
          startsOf(batch),
        ),
        again: false,
      }),
      // Without a file begun vitest refused to start: its own text says why.
      ended: reports.ended || (reports.modules.size === 0 && code !== null && !watched.expired),
      exact: false,
      foreign: chosen.whole || namePattern(cases) === null,
    },
    watched,
    command,
    context,
  );
  return {
    attempt: concluded,
    unserved: cases.filter((entry) => !isServed(entry)),
    types: namePattern(cases) === null ? [] : cases.filter((entry) => reports.typed.has(entry.file)),
  };
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
  starts: readonly VitestStart[],
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
      detail: `vitest did not run ${entry.file}: its configuration does not include the file${followed(starts)}`,
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

/** Which package scripts were followed, in a detail. */
const followed = (starts: readonly VitestStart[]): string => {
  const scripts = starts.flatMap(({ script }) => (script === '' ? [] : [script]));
  return scripts.length === 0 ? '' : ` (started as ${scripts.join(', ')})`;
};

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
      return startsOf(batch).some(({ start, pnp }) => start !== '' || pnp !== null)
        ? { available: true }
        : {
            available: false,
            what: 'vitest',
            detail: `vitest is not installed for ${batch.directory === '' ? 'the project' : batch.directory} (no node_modules/vitest)`,
          };
    },
    batches: async (root, cases) =>
      batchesBy('vitest', cases, async (entry) => {
        const starts: Start[] = [];
        for (const start of await vitestStarts(root, entry.file)) {
          const installed = await installation(root, start.folder);
          const pnp = installed === null ? await plugAndPlay(root, start.folder) : null;
          starts.push({ ...start, start: installed ?? '', pnp });
        }
        const usable = starts.filter(({ start, pnp }) => start !== '' || pnp !== null);
        const list = usable.length === 0 ? starts : usable;
        return { directory: list[0]?.folder ?? '', configuration: { starts: JSON.stringify(list) } };
      }),
    preview: (batch) =>
      startsOf(batch)
        .slice(0, 1)
        .map((start) => [
          'node',
          batch.place === 'host' && start.pnp === null
            ? argument(relativeTo(start.folder, start.start || 'node_modules/vitest/vitest.mjs'))
            : '<reports>/vitest-start.mjs',
          ...options(start, { cases: batch.cases, whole: false }, `<reports>/${REPORTER_NAME}`),
        ]),
    attempt: async (batch, workspace, context) => attempt(batch, workspace, context, settings),
  };
}
