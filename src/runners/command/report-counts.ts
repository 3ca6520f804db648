/**
 * What the runners that a line started reported → counts, by the kind of report. What they print is not counted.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../../run/adapters.js';
import type { TestReport } from '../../run/join.js';
import type { Channel, ReportEvent } from '../../run/reports/channel.js';
import { readDocStatus } from '../cargo/doctests.js';
import { GoReports } from '../go/reports.js';
import { relativeTo } from '../layout.js';
import { NodeTestReports } from '../node-test/reports.js';
import { PytestReports, reportOf as pytestReport } from '../pytest/reports.js';
import { reportOf as vitestReport, VitestReports } from '../vitest/reports.js';
import { addCounts, NO_COUNTS, sumCounts, type Counts } from './counts.js';
import type { ReportKind } from './runner-names.js';

/** Counts of each kind of runner that reported anything. */
export type CountsByKind = ReadonlyMap<ReportKind, Counts>;

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

const unfinished = (what: string): Counts => ({
  ...NO_COUNTS,
  trouble: { reason: 'crash', detail: `${what} ended in the middle of its run` },
});
const broken = (file: string, text: string): Counts => ({
  ...NO_COUNTS,
  message: text,
  trouble: { reason: 'build', detail: `${file} could not be loaded` },
});

type FileOf = (path: string) => string;

function pytestCounts(events: readonly ReportEvent[], fileOf: FileOf): Counts {
  const reports = new PytestReports(fileOf);
  for (const event of events) reports.take(event);
  return sumCounts([
    countsOf([...reports.tests.values()].filter((test) => test.kept).map(pytestReport)),
    ...reports.uncollected.flatMap(({ kind, file, text }) => (kind === 'failed' ? [broken(file, text)] : [])),
    ...(reports.finished ? [] : [unfinished('pytest')]),
  ]);
}

function vitestCounts(events: readonly ReportEvent[], fileOf: FileOf): Counts {
  const reports = new VitestReports(fileOf);
  for (const event of events) reports.take(event);
  return sumCounts([
    countsOf([...reports.tests.values()].filter((test) => !test.filtered).map(vitestReport)),
    ...[...reports.modules].flatMap(([file, module]) => module.errors.map((error) => broken(file, error.text))),
    ...reports.unhandled.map((error) => ({
      ...NO_COUNTS,
      failures: [`unhandled error: ${error.message}`],
      message: error.text,
    })),
    ...(reports.ended ? [] : [unfinished('vitest')]),
  ]);
}

/** Under `node --test` each file is reported as a test of its own, at the outermost level: a file is not a test. */
const isPassedFile = (report: TestReport): boolean =>
  report.path.length === 1 && /\.[cm]?[jt]sx?$/.test(report.path[0] ?? '') && report.state === 'passed';

function nodeCounts(events: readonly ReportEvent[], fileOf: FileOf): Counts {
  const reports = new NodeTestReports(fileOf);
  for (const event of events) reports.take(event);
  return sumCounts([
    countsOf(reports.reports().filter((report) => !isPassedFile(report))),
    ...(reports.ended ? [] : [unfinished('node:test')]),
  ]);
}

/** Which runner a session's events are of; null for one that began and said nothing. */
function kindOf(events: readonly ReportEvent[]): 'pytest' | 'vitest' | 'node-test' | null {
  const types = new Set(events.map((event) => event.type));
  if (types.has('collected') || types.has('phase') || types.has('collect-failed')) return 'pytest';
  if (types.has('test') || types.has('module')) return 'vitest';
  return types.has('result') ? 'node-test' : null;
}

/** Everything that was reported. `stdout`: what the line printed, whole; go's events stand there. */
export async function readReports(
  channel: Channel,
  workspace: Workspace,
  stdout: string,
  kinds: ReadonlySet<ReportKind>,
): Promise<CountsByKind> {
  const fileOf: FileOf = (path) => relativeTo(workspace.root, path);
  const all = new Map<ReportKind, Counts[]>();
  const add = (kind: ReportKind, counts: readonly Counts[]): void => {
    if (counts.length > 0) all.set(kind, [...(all.get(kind) ?? []), ...counts]);
  };
  const bySession = new Map<string, ReportEvent[]>();
  for (const event of await channel.read()) {
    const session = bySession.get(event.session);
    if (session === undefined) bySession.set(event.session, [event]);
    else session.push(event);
  }
  for (const events of bySession.values()) {
    const kind = kindOf(events);
    if (kind === 'pytest') add(kind, [pytestCounts(events, fileOf)]);
    else if (kind === 'vitest') add(kind, [vitestCounts(events, fileOf)]);
    else if (kind === 'node-test') add(kind, [nodeCounts(events, fileOf)]);
  }
  if (kinds.has('cargo')) add('cargo', await libtestCounts(join(workspace.reports.host, 'libtest')));
  if (kinds.has('go')) add('go', goCounts(stdout));
  return new Map([...all].map(([kind, counts]) => [kind, sumCounts(counts)]));
}

const docCounts = (text: string): Counts[] =>
  readDocStatus(text).statuses.map(({ name, status }) => {
    if (status === 'FAILED') return { ...NO_COUNTS, failures: [name] };
    return status === 'ok' && !name.endsWith(' - compile') ? { ...NO_COUNTS, passed: 1 } : { ...NO_COUNTS, skipped: 1 };
  });

/** Log files of libtest: `ok NAME`, `failed NAME`, `ignored NAME`; and what rustdoc said of doc tests. */
async function libtestCounts(folder: string): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const text = await readFile(join(folder, name), 'utf8');
    if (name.endsWith('.doc')) counts.push(...docCounts(text));
    else
      for (const line of text.split('\n')) {
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
