/**
 * Events of `go test -json` → what each test came to.
 *
 * test2json reads the test's own standard output, so a test can print what looks like a result, framing included. What it
 * cannot do by leaving early is make the testing package write its memory profile: that happens at the end of a whole
 * run only. Passes of a process that left none are not believed.
 */
import type { TestReport } from '../../run/join.js';

/** One run of a test. A package and its external test package may each have a test of one name: then there are two. */
interface GoRun {
  readonly startedAt: Date | null;
  /** Terminal events: more than one is a contradiction. */
  readonly ends: ('pass' | 'fail' | 'skip')[];
  readonly output: string[];
  seconds: number;
  /** The how-manieth run of the test function around it this belongs to, from 0. */
  readonly round: number;
}

export interface GoTest {
  readonly runs: GoRun[];
  /** One began while another was open: which of them an event speaks of is not known. */
  mixed: boolean;
}

const isOpen = (run: GoRun): boolean => run.startedAt !== null && run.ends.length === 0;
const functionOf = (name: string): string => name.split('/', 1)[0] ?? name;

export class GoReports {
  readonly tests = new Map<string, GoTest>();
  /** Names by the test function that they are below, itself included. */
  readonly #byFunction = new Map<string, string[]>();
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
      const runs = this.tests.get(name)?.runs ?? [];
      (runs.findLast(isOpen) ?? runs.at(-1))?.output.push(output);
    }
    if (name === '') {
      if (action === 'pass' || action === 'fail' || action === 'skip') this.end = action;
      return null;
    }
    switch (action) {
      case 'run':
        this.#start(name, new Date(text(event['Time'])));
        return { kind: 'start', name };
      case 'cont':
        return { kind: 'start', name };
      case 'pause':
        return { kind: 'pause', name };
      case 'pass':
      case 'fail':
      case 'skip':
        this.#end(name, action, typeof event['Elapsed'] === 'number' ? event['Elapsed'] : 0);
        return { kind: 'end', name };
      default:
        return null;
    }
  }

  #test(name: string): GoTest {
    const known = this.tests.get(name);
    if (known !== undefined) return known;
    const test: GoTest = { runs: [], mixed: false };
    this.tests.set(name, test);
    const family = this.#byFunction.get(functionOf(name)) ?? [];
    family.push(name);
    this.#byFunction.set(functionOf(name), family);
    return test;
  }

  #start(name: string, startedAt: Date): void {
    const test = this.#test(name);
    test.mixed ||= test.runs.some(isOpen);
    const above = name.includes('/') ? (this.tests.get(functionOf(name))?.runs.length ?? 1) - 1 : test.runs.length;
    test.runs.push({ startedAt, ends: [], output: [], seconds: 0, round: Math.max(0, above) });
  }

  #end(name: string, how: 'pass' | 'fail' | 'skip', seconds: number): void {
    const { runs } = this.#test(name);
    let run = runs.find(isOpen) ?? runs.at(-1);
    if (run === undefined) {
      run = { startedAt: null, ends: [], output: [], seconds: 0, round: 0 };
      runs.push(run);
    }
    run.ends.push(how);
    run.seconds = seconds;
  }

  get anyFailed(): boolean {
    return [...this.tests.values()].some((test) => test.runs.some((run) => run.ends.includes('fail')));
  }

  /** True for a test that began and has not ended. */
  isRunning(name: string): boolean {
    return this.tests.get(name)?.runs.some(isOpen) === true;
  }

  /** Names of tests below (and with) a test function that `wanted` takes. */
  namesBelow(name: string, wanted: (name: string) => boolean): readonly string[] {
    return (this.#byFunction.get(functionOf(name)) ?? []).filter(wanted);
  }

  /** Reports of a test and of those below it; of one round of its function, or of all. */
  reports(name: string, file: string, round: number | null = null): TestReport[] {
    return this.namesBelow(name, (other) => other === name || other.startsWith(`${name}/`)).flatMap((other) =>
      (this.tests.get(other)?.runs ?? [])
        .filter((run) => round === null || run.round === round)
        .map((run) => report(other, run, file)),
    );
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

function report(name: string, test: GoRun, file: string): TestReport {
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
