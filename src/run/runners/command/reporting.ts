/**
 * Asking a known test runner, started by a line of shell, for its report: words put into its own command, or variables
 * that it reads. What comes back is counted; what it prints is not.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../../adapters.js';
import { Channel, type ReportEvent } from '../../reports/channel.js';
import { relativeTo } from '../layout.js';
import { GoReports } from '../go/reports.js';
import { REPORTER as NODE_REPORTER, REPORTER_NAME as NODE_REPORTER_NAME } from '../node-test/reporter.js';
import { NodeTestReports } from '../node-test/reports.js';
import { PLUGIN, PLUGIN_NAME } from '../pytest/plugin.js';
import { PytestReports, reportOf as pytestReport } from '../pytest/reports.js';
import { REPORTER as VITEST_REPORTER, REPORTER_NAME as VITEST_REPORTER_NAME } from '../vitest/reporter.js';
import { reportOf as vitestReport, VitestReports } from '../vitest/reports.js';
import type { TestReport } from '../../join.js';
import { addCounts, NO_COUNTS, sumCounts, type Counts } from './counts.js';
import { knownRunners, withInsertions, type KnownRunner } from './known-runners.js';

/** A libtest executable gets a log file of its own: cargo starts it through this line of shell. */
const CARGO_RUNNER = `#!/bin/sh
folder="$1"; shift
exec "$@" --logfile "$folder/$$.log"
`;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export interface Reporting extends AsyncDisposable {
  readonly line: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the runners reported; null when none of them reported anything. `stdout`: what the line printed, whole. */
  read(stdout: string): Promise<Counts | null>;
}

/** Words for one runner's own command; `folder` is where its files are. Null for those that read variables, or have no report. */
function wordsFor(report: KnownRunner['report'], folder: string): string | null {
  switch (report) {
    case 'vitest':
      return `--reporter=default --reporter=${quoted(`${folder}/${VITEST_REPORTER_NAME}`)}`;
    case 'node-test':
      return `--test-reporter=${quoted(`${folder}/${NODE_REPORTER_NAME}`)} --test-reporter-destination=stderr --test-reporter=spec --test-reporter-destination=stdout`;
    case 'cargo':
      return `--config ${quoted(`target."cfg(all())".runner=["sh","${folder}/cargo-runner.sh","${folder}/libtest"]`)}`;
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

async function writeReporters(found: readonly KnownRunner[], host: string): Promise<void> {
  const needs = (report: KnownRunner['report']): boolean => found.some((runner) => runner.report === report);
  if (needs('vitest')) await writeFile(join(host, VITEST_REPORTER_NAME), VITEST_REPORTER);
  if (needs('node-test')) await writeFile(join(host, NODE_REPORTER_NAME), NODE_REPORTER);
  if (needs('pytest')) {
    await mkdir(join(host, 'python'), { recursive: true });
    await writeFile(join(host, 'python', `${PLUGIN_NAME}.py`), PLUGIN);
  }
  if (needs('cargo')) {
    await mkdir(join(host, 'libtest'), { recursive: true });
    await writeFile(join(host, 'cargo-runner.sh'), CARGO_RUNNER, { mode: 0o755 });
  }
}

/** The first of a line's runners that cannot be asked for a report, or null. */
export const silentRunner = (line: string): string | null =>
  knownRunners(line).find(
    (runner) => runner.report === null || (runner.report !== 'pytest' && runner.insertAt === null),
  )?.name ?? null;

/** A line changed so that the runners in it report, or the runner that cannot be made to. Null when no known runner is in it. */
export async function reportingFor(
  line: string,
  workspace: Workspace,
  env: Readonly<Record<string, string>>,
): Promise<Reporting | { readonly silent: string } | null> {
  const found = knownRunners(line);
  if (found.length === 0) return null;
  const silent = silentRunner(line);
  if (silent !== null) return { silent };
  await writeReporters(found, workspace.reports.host);
  // Several processes may report in turn, so the key stays where it is.
  const channel = await Channel.open(workspace.reports, { once: false });
  const extra: Record<string, string> = { ...channel.env };
  if (found.some((runner) => runner.report === 'pytest')) {
    const given = (name: string): string => env[name] ?? workspace.inherited?.[name] ?? '';
    const path = given('PYTHONPATH');
    extra['PYTHONPATH'] = `${workspace.reports.inside}/python${path === '' ? '' : `:${path}`}`;
    extra['PYTEST_ADDOPTS'] = `${given('PYTEST_ADDOPTS')} -p ${PLUGIN_NAME}`.trim();
    extra['PYTHONDONTWRITEBYTECODE'] = '1';
  }
  return {
    line: reportingLine(line, workspace.reports.inside),
    env: extra,
    read: async (stdout) => readReports(channel, workspace, stdout, found),
    [Symbol.asyncDispose]: async () => channel[Symbol.asyncDispose](),
  };
}

const countsOf = (reports: readonly TestReport[]): Counts =>
  sumCounts(
    reports.map((report): Counts => {
      const name = report.path.join(' > ');
      switch (report.state) {
        case 'passed':
          return { ...NO_COUNTS, passed: 1, ...(report.flaky === undefined ? {} : { flaky: report.flaky }) };
        case 'skipped':
        case 'expected-failure':
          return { ...NO_COUNTS, skipped: 1 };
        case 'unfinished':
          return { ...NO_COUNTS, trouble: { reason: 'crash', detail: `${name} began and never ended` } };
        case 'snapshot-written':
          return { ...NO_COUNTS, trouble: { reason: 'snapshot-written', detail: `${name}: ${report.detail}` } };
        case 'failed':
        case 'setup':
          return { ...NO_COUNTS, failures: [name], message: `${name}: ${report.message || report.detail}` };
      }
    }),
  );

async function readReports(
  channel: Channel,
  workspace: Workspace,
  stdout: string,
  found: readonly KnownRunner[],
): Promise<Counts | null> {
  const fileOf = (path: string): string => relativeTo(workspace.root, path);
  const all: Counts[] = [];
  const bySession = new Map<string, ReportEvent[]>();
  for (const event of await channel.read())
    bySession.set(event.session, [...(bySession.get(event.session) ?? []), event]);
  for (const events of bySession.values()) {
    const types = new Set(events.map((event) => event.type));
    const unfinished = (what: string): Counts => ({
      ...NO_COUNTS,
      trouble: { reason: 'crash', detail: `${what} ended in the middle of its run` },
    });
    const broken = (file: string, text: string): Counts => ({
      ...NO_COUNTS,
      message: text,
      trouble: { reason: 'build', detail: `${file} could not be loaded` },
    });
    if (types.has('collected') || types.has('phase') || types.has('collect-error')) {
      const reports = new PytestReports(fileOf);
      for (const event of events) reports.take(event);
      all.push(countsOf([...reports.tests.values()].filter((test) => test.kept).map(pytestReport)));
      for (const error of reports.collectErrors) all.push(broken(error.file, error.text));
      if (!reports.finished) all.push(unfinished('pytest'));
    } else if (types.has('test') || types.has('module')) {
      const reports = new VitestReports(fileOf);
      for (const event of events) reports.take(event);
      all.push(countsOf([...reports.tests.values()].filter((test) => !test.filtered).map(vitestReport)));
      for (const [file, module] of reports.modules)
        for (const error of module.errors) all.push(broken(file, error.text));
      for (const error of reports.unhandled)
        all.push({ ...NO_COUNTS, failures: [`unhandled error: ${error.message}`], message: error.text });
      if (!reports.ended) all.push(unfinished('vitest'));
    } else if (types.has('result')) {
      const reports = new NodeTestReports(fileOf);
      for (const event of events) reports.take(event);
      // Under `node --test` each file is reported as a test of its own, at the outermost level: a file is not a test.
      all.push(
        countsOf(
          reports
            .reports()
            .filter(
              (report) =>
                !(report.path.length === 1 && /\.[cm]?[jt]sx?$/.test(report.path[0] ?? '')) ||
                report.state !== 'passed',
            ),
        ),
      );
      if (!reports.ended) all.push(unfinished('node:test'));
    }
  }
  if (found.some((runner) => runner.report === 'cargo'))
    all.push(...(await libtestCounts(join(workspace.reports.host, 'libtest'))));
  if (found.some((runner) => runner.report === 'go')) all.push(...goCounts(stdout));
  return all.length === 0 ? null : sumCounts(all);
}

/** Log files of libtest: `ok NAME`, `failed NAME`, `ignored NAME`. */
async function libtestCounts(folder: string): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    for (const line of (await readFile(join(folder, name), 'utf8')).split('\n')) {
      if (line.startsWith('ok ')) counts.push({ ...NO_COUNTS, passed: 1 });
      else if (line.startsWith('ignored')) counts.push({ ...NO_COUNTS, skipped: 1 });
      else if (line.startsWith('failed ')) counts.push({ ...NO_COUNTS, failures: [line.slice('failed '.length)] });
    }
  }
  return counts;
}

/** Events of `go test -json`, package by package; a package that failed without a failing test is a failure of its own. */
function goCounts(stdout: string): Counts[] {
  const packages = new Map<string, GoReports>();
  for (const line of stdout.split('\n')) {
    const name = /^\{.*"Package":"([^"]+)"/.exec(line)?.[1];
    if (name === undefined) continue;
    const reports = packages.get(name) ?? new GoReports();
    packages.set(name, reports);
    reports.take(line);
  }
  return [...packages].map(([name, reports]) => {
    const counts = countsOf(
      [...reports.tests.keys()]
        .filter((test) => !test.includes('/'))
        .flatMap((test) => reports.reports(test, '').filter((report) => report.path.length === 1)),
    );
    return reports.end === 'fail' && counts.failures.length === 0
      ? addCounts(counts, { ...NO_COUNTS, failures: [name], message: reports.build.join('\n') })
      : counts;
  });
}
