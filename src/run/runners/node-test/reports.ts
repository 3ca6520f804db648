/**
 * Events of our node:test reporter → what each test came to. Starts and results come in the order of declaration, so the
 * nesting of each gives its full path; `dequeue` and `complete` come in the order of execution and feed the watchdog.
 */
import type { TestReport } from '../../join.js';
import { numberOf, textOf, type ReportEvent } from '../../reports/channel.js';

interface Result {
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number | null;
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

  constructor(private readonly fileOf: (path: string) => string) {}

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
        this.results.push({
          file: this.fileOf(textOf(fields['file']).replace(/^file:\/\//, '')),
          path,
          line,
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

  /** A skipped suite reports none of its tests: the skip that a path inherits, or null. */
  inheritedSkip(path: readonly string[]): string | null {
    const suite = this.results.find(
      (result) =>
        result.skip !== false &&
        result.skip !== FILTERED &&
        starts(path, result.path) &&
        result.path.length < path.length,
    );
    return suite === undefined
      ? null
      : typeof suite.skip === 'string' && suite.skip !== ''
        ? suite.skip
        : 'its suite is skipped';
  }

  reports(): TestReport[] {
    const broken = this.results.filter((result) => result.suite && result.failure === 'hookFailed');
    return this.results
      .filter((result) => !result.suite && result.skip !== FILTERED)
      .map((result) =>
        this.report(
          result,
          broken.find((suite) => starts(result.path, suite.path)),
        ),
      );
  }

  private report(result: Result, brokenSuite: Result | undefined): TestReport {
    const base = {
      file: result.file,
      path: result.path,
      line: result.line,
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

const starts = (path: readonly string[], prefix: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((part, index) => part === path[index]);
