/**
 * Events of our pytest plugin → what each test came to. A test passed only when set-up, call and teardown were all
 * reported as passed, no sub-test failed, and its end was reported.
 */
import { type ReportState, type TestReport } from '../../join.js';
import { numberOf, textOf, textsOf, type ReportEvent } from '../../reports/channel.js';
import type { Case } from '../../../model/index.js';

interface Phase {
  readonly when: string;
  readonly outcome: string;
  readonly xfail: boolean;
  readonly reason: string;
  readonly sub: boolean;
  readonly detail: string;
  readonly text: string;
  readonly seconds: number;
}

export interface PytestTest {
  readonly id: string;
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number | null;
  /** False when the project's own options (`-m`, `-k` in its configuration) took it out. */
  readonly kept: boolean;
  startedAt: Date | null;
  ended: boolean;
  phases: Phase[];
}

export interface CollectError {
  readonly file: string;
  readonly text: string;
}

export class PytestReports {
  readonly tests = new Map<string, PytestTest>();
  readonly collectErrors: CollectError[] = [];
  /** The plugin was loaded. */
  session = false;
  finished = false;

  /** `fileOf`: a path as the program sees it → relative to the project's root. */
  constructor(private readonly fileOf: (path: string) => string) {}

  /** Takes one event; gives the test that it started or ended, for the watchdog. */
  take(event: ReportEvent): { readonly kind: 'start' | 'end'; readonly test: PytestTest } | null {
    const { fields } = event;
    const test = this.tests.get(textOf(fields['id']));
    switch (event.type) {
      case 'session':
        this.session = true;
        return null;
      case 'finish':
        this.finished = true;
        return null;
      case 'collect-error':
        this.collectErrors.push({ file: this.fileOf(textOf(fields['file'])), text: textOf(fields['text']) });
        return null;
      case 'collected':
        this.tests.set(textOf(fields['id']), {
          id: textOf(fields['id']),
          file: this.fileOf(textOf(fields['file'])),
          path: textsOf(fields['path']),
          line: numberOf(fields['line']),
          kept: fields['kept'] === true,
          startedAt: null,
          ended: false,
          phases: [],
        });
        return null;
      case 'start':
        if (test === undefined) return null;
        test.startedAt ??= new Date((numberOf(fields['at']) ?? 0) * 1000);
        return { kind: 'start', test };
      case 'phase': {
        // A rerun (pytest-rerunfailures) starts the test afresh: what went before no longer counts.
        if (fields['outcome'] === 'rerun' && test !== undefined) test.phases = [];
        else
          test?.phases.push({
            when: textOf(fields['when']),
            outcome: textOf(fields['outcome']),
            xfail: fields['xfail'] === true,
            reason: textOf(fields['reason']),
            sub: fields['sub'] === true,
            detail: textOf(fields['detail']),
            text: textOf(fields['text']),
            seconds: numberOf(fields['seconds']) ?? 0,
          });
        return null;
      }
      case 'end':
        if (test === undefined) return null;
        test.ended = true;
        return { kind: 'end', test };
      default:
        return null;
    }
  }
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

function stateOf(test: PytestTest): { readonly state: ReportState; readonly detail: string; readonly message: string } {
  const { phases } = test;
  const failure =
    phases.find((phase) => phase.outcome === 'failed' && phase.text !== 'contains 1 failed subtest') ??
    phases.find((phase) => phase.outcome === 'failed');
  if (failure !== undefined) {
    const detail = firstLine(failure.detail) || lastLine(failure.text) || 'failed';
    if (failure.when === 'setup') return { state: 'setup', detail: `set-up failed: ${detail}`, message: failure.text };
    return {
      state: 'failed',
      detail: failure.when === 'teardown' ? `teardown failed: ${detail}` : detail,
      message: failure.text,
    };
  }
  if (!test.ended) return { state: 'unfinished', detail: '', message: '' };
  const skipped = phases.find((phase) => phase.outcome === 'skipped');
  if (skipped !== undefined) {
    const why = firstLine(skipped.detail).replace(/^Skipped: /, '');
    return {
      state: 'skipped',
      detail: skipped.xfail ? `failed as expected (xfail)${skipped.reason === '' ? '' : `: ${skipped.reason}`}` : why,
      message: '',
    };
  }
  const passed = (when: string): boolean =>
    phases.some((phase) => phase.when === when && phase.outcome === 'passed' && !phase.sub);
  if (!passed('setup') || !passed('call') || !passed('teardown'))
    return { state: 'unfinished', detail: '', message: '' };
  return {
    state: 'passed',
    detail: phases.some((phase) => phase.xfail) ? 'passed although marked xfail' : '',
    message: '',
  };
}

export function reportOf(test: PytestTest): TestReport {
  return {
    file: test.file,
    path: test.path,
    line: test.line,
    ...stateOf(test),
    startedAt: test.startedAt,
    durationMs: test.phases.filter((phase) => !phase.sub).reduce((sum, phase) => sum + phase.seconds * 1000, 0),
  };
}

const bare = (path: readonly string[]): string[] =>
  path.map((name, index) => (index === path.length - 1 ? (name.split('[', 1)[0] ?? name) : name));
const starts = (path: readonly string[], prefix: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((name, index) => name === path[index]);

/** True when a collected test is, is a parameter of, or lies below what the case names. */
export const speaksFor = (entry: Case, test: PytestTest): boolean =>
  test.file === entry.file && (starts(test.path, entry.path) || starts(bare(test.path), entry.path));
