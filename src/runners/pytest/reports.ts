/**
 * Events of our pytest plugin → what each test came to. A test passed only when set-up, call and teardown were all
 * reported as passed, no sub-test failed, and its end was reported.
 */
import { definitionsOf, type Collected, type Definition, type Place } from './definitions.js';
import { type ReportState, type TestReport } from '../../run/join.js';
import { numberOf, textOf, textsOf, type ReportEvent } from '../../run/reports/channel.js';
import type { Case } from '../../model/index.js';

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

export interface PytestTest extends Collected {
  readonly id: string;
  readonly file: string;
  readonly path: readonly string[];
  /** False when the project's own options (`-m`, `-k` in its configuration) took it out. */
  readonly kept: boolean;
  startedAt: Date | null;
  ended: boolean;
  phases: Phase[];
  entered: readonly Place[] | null;
  /** The first line of each try that failed before the one that counts. */
  failedTries: string[];
  /** What pytest said of a value that the test returned instead of asserting on it. */
  returned: string;
}

/** A file (or folder) that pytest could not collect, skipped as a whole, or was configured to leave out. */
export interface Uncollected {
  readonly kind: 'failed' | 'skipped' | 'left-out';
  readonly file: string;
  readonly text: string;
}

/** `[file, first line, direct]` as the plugin writes it. */
function placeOf(value: unknown, fileOf: (path: string) => string): Place | null {
  if (!Array.isArray(value)) return null;
  const [file, first, direct] = value as unknown[];
  return typeof file === 'string' && typeof first === 'number'
    ? { file: fileOf(file), first, direct: direct === true }
    : null;
}

export class PytestReports {
  readonly tests = new Map<string, PytestTest>();
  readonly uncollected: Uncollected[] = [];
  readonly definitions: Definition[] = [];
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
      case 'definitions':
        this.definitions.push(...definitionsOf(this.fileOf(textOf(fields['file'])), fields['list']));
        return null;
      case 'collect-failed':
      case 'collect-skipped':
      case 'left-out':
        this.uncollected.push({
          kind: event.type === 'left-out' ? 'left-out' : event.type === 'collect-failed' ? 'failed' : 'skipped',
          file: this.fileOf(textOf(fields['file'])),
          text: textOf(fields['text']),
        });
        return null;
      case 'collected':
        this.tests.set(textOf(fields['id']), {
          id: textOf(fields['id']),
          file: this.fileOf(textOf(fields['file'])),
          path: textsOf(fields['path']),
          places: this.places(fields['places']).filter((place) => place !== null),
          owners: this.places(fields['owners']),
          kept: fields['kept'] === true,
          startedAt: null,
          ended: false,
          phases: [],
          entered: null,
          failedTries: [],
          returned: '',
        });
        return null;
      case 'entered':
        if (test !== undefined)
          test.entered =
            fields['unknown'] === true ? null : this.places(fields['places']).filter((place) => place !== null);
        return null;
      case 'try':
        if (fields['failed'] === true) test?.failedTries.push(firstLine(textOf(fields['detail'])) || 'failed');
        return null;
      case 'returned':
        if (test !== undefined) test.returned = textOf(fields['text']);
        return null;
      case 'start':
        if (test === undefined) return null;
        test.startedAt ??= new Date((numberOf(fields['at']) ?? 0) * 1000);
        return { kind: 'start', test };
      case 'phase': {
        // A rerun (pytest-rerunfailures, pytest-retry) starts the test afresh: what went before no longer counts.
        if (!OUTCOMES.has(textOf(fields['outcome'])) && test !== undefined) {
          test.phases = [];
          if (test.failedTries.length === 0) test.failedTries.push(firstLine(textOf(fields['detail'])) || 'failed');
        } else
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

  private places(value: unknown): (Place | null)[] {
    return Array.isArray(value) ? value.map((item) => placeOf(item, this.fileOf)) : [];
  }
}

/** Anything else is a plugin's word for a try that does not count. */
const OUTCOMES = new Set(['passed', 'failed', 'skipped']);

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
    return skipped.xfail
      ? {
          state: 'expected-failure',
          detail: `failed as expected (xfail)${skipped.reason === '' ? '' : `: ${firstLine(skipped.reason)}`}`,
          message: '',
        }
      : { state: 'skipped', detail: skipReason(skipped.detail), message: '' };
  }
  const passed = (when: string): boolean =>
    phases.some((phase) => phase.when === when && phase.outcome === 'passed' && !phase.sub);
  if (!passed('setup') || !passed('call') || !passed('teardown'))
    return { state: 'unfinished', detail: '', message: '' };
  // An error since pytest 8.4; before, a comparison that does not hold passes.
  if (/returned (?:True|False|<class 'bool'>)/u.test(test.returned))
    return {
      state: 'failed',
      detail: 'the test returns a truth value instead of asserting it, and pytest does not look at it',
      message: test.returned,
    };
  return { state: 'passed', detail: firstLine(test.returned), message: '' };
}

/** What makes a pass not a steady one. */
function flakyOf({ phases, failedTries }: PytestTest): string | null {
  const [first] = failedTries;
  if (first !== undefined)
    return `passed after ${failedTries.length === 1 ? 'a try' : `${failedTries.length} tries`} that failed: ${first}`;
  return phases.some((phase) => phase.xfail) ? 'passed although marked xfail, which lets it fail as well' : null;
}

/** pytest's own words for a skip, without what it puts before them. */
export const skipReason = (text: string): string => firstLine(text).replace(/^Skipped: /u, '');

export function reportOf(test: PytestTest): TestReport {
  const state = stateOf(test);
  const flaky = state.state === 'passed' ? flakyOf(test) : null;
  return {
    file: test.file,
    path: test.path,
    line: test.places[0]?.first ?? null,
    ...state,
    ...(flaky === null ? {} : { flaky }),
    startedAt: test.startedAt,
    durationMs: test.phases.filter((phase) => !phase.sub).reduce((sum, phase) => sum + phase.seconds * 1000, 0),
  };
}

const bare = (path: readonly string[]): string[] =>
  path.map((name, index) => (index === path.length - 1 ? (name.split('[', 1)[0] ?? name) : name));
const starts = (path: readonly string[], prefix: readonly string[]): boolean =>
  prefix.length <= path.length && prefix.every((name, index) => name === path[index]);

/** What is asked of pytest for a case: a test made at run time is known by its definition alone. */
export const selectionOf = (entry: Case): readonly string[] =>
  entry.test?.dynamic === true ? entry.path.slice(0, -1) : entry.path;

/** True when a collected test is, is a parameter of, or lies below what the case names. */
export const speaksFor = (entry: Case, test: PytestTest): boolean => {
  const path = selectionOf(entry);
  return test.file === entry.file && (starts(test.path, path) || starts(bare(test.path), path));
};
