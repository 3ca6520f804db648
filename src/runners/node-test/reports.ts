/**
 * Events of our node:test reporter → what each test came to. Starts and results come in the order of declaration, so the
 * nesting of each gives its full path; `dequeue` and `complete` come in the order of execution and feed the watchdog.
 */
import type { TestReport } from '../../run/join.js';
import { numberOf, textOf, type ReportEvent } from '../../run/reports/channel.js';

interface Result {
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number | null;
  readonly column: number | null;
  readonly passed: boolean;
  readonly skip: boolean | string;
  readonly todo: boolean | string;
  readonly suite: boolean;
  readonly duration: number;
  readonly failure: string;
  readonly message: string;
  readonly stack: string;
}

/** What node 20 says of tests that the name filter leaves out; later versions say nothing of them. */
const FILTERED = 'test name does not match pattern';

const flag = (value: unknown): boolean | string => (typeof value === 'string' ? value : value === true);

export class NodeTestReports {
  readonly results: Result[] = [];
  session = false;
  ended = false;
  /** Titles from the outermost one down to the one that is being reported. */
  private readonly stack: string[] = [];

  /** Errors that came when the test that they belong to had ended: Node fails no test for them. */
  strays = 0;
  /** What the last of them said. */
  stray = '';

  /** @param process the test file that runs, relative to the root */
  constructor(
    private readonly fileOf: (path: string) => string,
    private readonly process = '',
  ) {}

  /** Takes one event; gives the key of a test that began or ended to run. */
  take(event: ReportEvent): {
    readonly kind: 'start' | 'end';
    readonly key: string;
    readonly name: string;
    readonly line: number | null;
  } | null {
    const { fields } = event;
    const name = textOf(fields['name']);
    const nesting = numberOf(fields['nesting']) ?? 0;
    const line = numberOf(fields['line']);
    const key = `${nesting}:${line ?? 0}:${name}`;
    switch (event.type) {
      case 'session':
        this.session = true;
        return null;
      case 'end':
        this.ended = true;
        this.strays += numberOf(fields['strays']) ?? 0;
        this.stray ||= textOf(fields['stray']);
        return null;
      case 'dequeue':
        return { kind: 'start', key, name, line };
      case 'complete':
        return { kind: 'end', key, name, line };
      case 'start':
        this.stack.length = nesting;
        this.stack[nesting] = name;
        return null;
      case 'result': {
        const path = [...this.stack.slice(0, nesting), name];
        if (fields['failure'] === 'parentAlreadyFinished') {
          this.strays += 1;
          this.stray ||= `the subtest "${name}" began when its test had ended`;
        }
        this.results.push({
          file: this.fileOf(textOf(fields['file']).replace(/^file:\/\//, '')),
          path,
          line,
          column: numberOf(fields['column']),
          passed: fields['passed'] === true,
          skip: flag(fields['skip']),
          todo: flag(fields['todo']),
          suite: fields['suite'] === true,
          duration: numberOf(fields['duration']) ?? 0,
          failure: textOf(fields['failure']),
          message: textOf(fields['message']),
          stack: textOf(fields['stack']),
        });
        return null;
      }
      default:
        return null;
    }
  }

  /** True when some test of the process failed, asked for or not. */
  get anyFailed(): boolean {
    return this.results.some((result) => !result.passed && result.todo === false);
  }

  /** Whether the name filter left a test out. */
  filtered(path: readonly string[]): boolean {
    return this.results.some((result) => result.skip === FILTERED && starts(path, result.path));
  }

  /** A skipped suite reports none of its tests: the skip that a path inherits (a suite's own included), or null. */
  inheritedSkip(path: readonly string[]): string | null {
    const suite = this.results.find(
      (result) =>
        ((result.skip !== false && result.skip !== FILTERED) || (result.todo !== false && result.suite)) &&
        starts(path, result.path) &&
        (result.path.length < path.length || result.suite),
    );
    if (suite === undefined) return null;
    const why = [suite.skip, suite.todo].find((word) => typeof word === 'string' && word !== '');
    return typeof why === 'string' ? why : suite.skip === false ? 'its suite is to do' : 'its suite is skipped';
  }

  reports(): TestReport[] {
    const broken = this.results.filter((result) => result.suite && result.failure === 'hookFailed');
    return this.results.flatMap((result, index) =>
      result.suite || result.skip === FILTERED
        ? []
        : [
            this.report(
              result,
              broken.find((suite) => starts(result.path, suite.path)),
              this.results.slice(this.firstInside(index), index),
            ),
          ],
    );
  }

  /** The results of a test's subtests stand right before its own. */
  private firstInside(index: number): number {
    const depth = this.results[index]?.path.length ?? 0;
    let first = index;
    while (first > 0 && (this.results[first - 1]?.path.length ?? 0) > depth) first -= 1;
    return first;
  }

  private report(result: Result, brokenSuite: Result | undefined, inside: readonly Result[]): TestReport {
    const base = {
      file: result.file,
      path: result.path,
      line: result.line,
      column: result.column,
      process: this.process,
      startedAt: null,
      durationMs: result.duration,
      detail: '',
      message: '',
    };
    const first = (text: string): string => text.split('\n', 1)[0] ?? '';
    if (result.skip !== false)
      return {
        ...base,
        state: 'skipped',
        detail: result.skip === true || result.skip === '' ? 'skipped' : result.skip,
      };
    // A test marked as to do runs, and whatever it comes to does not count.
    if (result.todo !== false)
      return {
        ...base,
        state: 'skipped',
        detail: result.todo === true || result.todo === '' ? 'todo' : `todo: ${result.todo}`,
      };
    if (brokenSuite !== undefined && (result.passed || result.failure === 'cancelledByParent')) {
      const what = result.passed
        ? 'passed, but a hook of its suite failed'
        : 'a hook of its suite failed before it ran';
      return {
        ...base,
        state: result.passed ? 'failed' : 'setup',
        detail: `${what}: ${first(brokenSuite.message)}`,
        message: brokenSuite.stack,
      };
    }
    const left = inside.filter((subtest) => subtest.skip !== false || subtest.todo !== false);
    if (result.passed && left.length > 0) return { ...base, state: 'skipped', detail: leftOut(left, inside.length) };
    if (result.passed) return { ...base, state: 'passed' };
    return {
      ...base,
      state: 'failed',
      detail: first(result.message),
      message: result.stack,
      ...(result.failure === 'testTimeoutFailure' ? { timedOut: true } : {}),
    };
  }
}

function leftOut(left: readonly Result[], all: number): string {
  const [first] = left;
  const why = [first?.skip, first?.todo].find((word) => typeof word === 'string' && word !== '');
  return `${left.length} of ${all} subtests did not count: ${first?.path.at(-1) ?? ''}${typeof why === 'string' ? ` (${why})` : ''}`;
}

const starts = (path: readonly string[], prefix: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((part, index) => part === path[index]);
