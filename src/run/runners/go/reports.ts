/**
 * Events of `go test -json` → what each test came to.
 *
 * test2json reads the test's own standard output, so a test can print what looks like a result, framing included. What it
 * cannot do by leaving early is make the testing package write its memory profile: that happens at the end of a whole
 * run only. Passes of a process that left none are not believed.
 */
import type { TestReport } from '../../join.js';

interface GoTest {
  startedAt: Date | null;
  /** Terminal events: more than one is a contradiction. */
  ends: ('pass' | 'fail' | 'skip')[];
  seconds: number;
  output: string[];
}

export class GoReports {
  readonly tests = new Map<string, GoTest>();
  /** What a person reads: output lines of tests and of the build. */
  readonly output: string[] = [];
  readonly build: string[] = [];
  buildFailed = false;
  /** Terminal event of the package. */
  end: 'pass' | 'fail' | 'skip' | null = null;

  /** Takes one line; gives the test that began, waits or ended. */
  take(line: string): { readonly kind: 'start' | 'pause' | 'end'; readonly name: string } | null {
    const event = parse(line);
    if (event === null) {
      if (line !== '') this.build.push(line);
      return null;
    }
    const name = text(event['Test']);
    const output = text(event['Output']);
    const action = text(event['Action']);
    if (action === 'build-output') this.build.push(output.trimEnd());
    if (action === 'build-fail' || text(event['FailedBuild']) !== '') this.buildFailed = true;
    if (action === 'output') {
      this.output.push(output);
      // The go command's own words, before any test has run.
      if (name === '' && this.tests.size === 0 && /\[(?:build|setup) failed\]/.test(output)) this.buildFailed = true;
      this.tests.get(name)?.output.push(output);
    }
    if (name === '') {
      if (action === 'pass' || action === 'fail' || action === 'skip') this.end = action;
      return null;
    }
    const test = this.tests.get(name) ?? { startedAt: null, ends: [], seconds: 0, output: [] };
    this.tests.set(name, test);
    switch (action) {
      case 'run':
        test.startedAt ??= new Date(text(event['Time']));
        return { kind: 'start', name };
      case 'cont':
        return { kind: 'start', name };
      case 'pause':
        return { kind: 'pause', name };
      case 'pass':
      case 'fail':
      case 'skip':
        test.ends.push(action);
        test.seconds = typeof event['Elapsed'] === 'number' ? event['Elapsed'] : 0;
        return { kind: 'end', name };
      default:
        return null;
    }
  }

  get anyFailed(): boolean {
    return [...this.tests.values()].some((test) => test.ends.includes('fail'));
  }

  /** Reports of a test and of those below it. */
  reports(name: string, file: string): TestReport[] {
    return [...this.tests]
      .filter(([other]) => other === name || other.startsWith(`${name}/`))
      .map(([other, test]) => report(other, test, file));
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function parse(line: string): Readonly<Record<string, unknown>> | null {
  if (!line.startsWith('{')) return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null; // members are read as unknown
  } catch {
    return null;
  }
}

function report(name: string, test: GoTest, file: string): TestReport {
  const said = test.output
    .filter((line) => !/^\s*(?:=== (?:RUN|PAUSE|CONT|NAME)|--- (?:PASS|FAIL|SKIP))/.test(line))
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '');
  const base = {
    file,
    path: name.split('/'),
    line: null,
    startedAt: test.startedAt !== null && Number.isNaN(test.startedAt.getTime()) ? null : test.startedAt,
    durationMs: test.seconds * 1000,
  };
  const first = said.find((line) => /^\s*(?:\S+\.go:\d+:|panic:)/.test(line)) ?? said[0] ?? '';
  const detail = first.trim();
  if (test.ends.includes('fail'))
    return { ...base, state: 'failed', detail: detail === '' ? 'failed' : detail, message: said.join('\n') };
  if (test.startedAt === null || test.ends.length !== 1)
    return { ...base, state: 'unfinished', detail: '', message: '' };
  if (test.ends[0] === 'skip')
    return { ...base, state: 'skipped', detail: detail.replace(/^\S+\.go:\d+:\s*/, ''), message: '' };
  return { ...base, state: 'passed', detail: '', message: '' };
}
