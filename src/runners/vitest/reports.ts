/**
 * Events of our vitest reporter → what each test came to. A file's own "passed" is not looked at: after a dead worker
 * vitest 4.1 says it of a file whose tests are still pending.
 */
import type { TestReport } from '../../run/join.js';
import { numberOf, textOf, textsOf, type ReportEvent } from '../../run/reports/channel.js';

export interface ReportedError {
  readonly message: string;
  readonly text: string;
  /** The test file that vitest blames, relative to the root. */
  readonly file: string | null;
  /** A comparison with a snapshot that nobody has stored. */
  readonly noSnapshot: boolean;
}

export interface VitestTest {
  readonly id: string;
  readonly file: string;
  readonly path: readonly string[];
  readonly line: number | null;
  readonly column: number | null;
  /** Declared to fail (`it.fails`). */
  readonly fails: boolean;
  /** As declared (or made so by a filter): run, only, skip, todo. */
  mode: string;
  /** collected, running, passed, failed, skipped, pending. */
  state: string;
  note: string;
  errors: readonly ReportedError[];
  /** Errors of the suites and the file around it: hooks, mostly. */
  around: readonly ReportedError[];
  start: number | null;
  duration: number;
  /** How often it failed before it passed. */
  retries: number;
  /** The name filter of the run leaves it out. */
  filtered: boolean;
}

export interface VitestModule {
  started: boolean;
  ended: boolean;
  errors: readonly ReportedError[];
}

export class VitestReports {
  readonly tests = new Map<string, VitestTest>();
  readonly modules = new Map<string, VitestModule>();
  /** Files whose tests the type checker judges. */
  readonly typed = new Set<string>();
  /** Suites that are to do or skipped as a whole. */
  readonly suites: { readonly file: string; readonly path: readonly string[]; readonly mode: string }[] = [];
  /** vitest's version; '' until it has started. */
  version = '';
  ended = false;
  /** Errors outside any test, when the run has ended. */
  unhandled: readonly ReportedError[] = [];

  constructor(private readonly fileOf: (path: string) => string) {}

  module(file: string): VitestModule {
    const known = this.modules.get(file) ?? { started: false, ended: false, errors: [] };
    this.modules.set(file, known);
    return known;
  }

  /** Takes one event. Gives the test whose state it changed. */
  take(event: ReportEvent): VitestTest | null {
    const { fields } = event;
    const file = this.fileOf(textOf(fields['module']));
    switch (event.type) {
      case 'session':
        this.version = textOf(fields['version']);
        return null;
      case 'queued':
        this.module(file);
        return null;
      case 'started':
        this.module(file).started = true;
        return null;
      case 'module': {
        const module = this.module(file);
        module.ended = true;
        module.errors = this.errors(fields['errors']);
        return null;
      }
      case 'suite':
        this.suites.push({ file, path: textsOf(fields['path']), mode: textOf(fields['mode']) });
        return null;
      case 'end':
        this.ended = true;
        this.unhandled = this.errors(fields['errors']).flatMap((error) => this.ofPool(error));
        return null;
      case 'test':
        return this.test(file, fields);
      default:
        return null;
    }
  }

  private test(file: string, fields: ReportEvent['fields']): VitestTest {
    const id = textOf(fields['id']);
    const known = this.tests.get(id) ?? {
      id,
      file,
      path: textsOf(fields['path']),
      line: numberOf(fields['line']),
      column: numberOf(fields['column']),
      fails: fields['fails'] === true,
      mode: '',
      state: 'collected',
      note: '',
      errors: [],
      around: [],
      start: null,
      duration: 0,
      retries: 0,
      filtered: false,
    };
    this.tests.set(id, known);
    if (fields['typed'] === true) this.typed.add(file);
    const state = textOf(fields['state']);
    // A result is final: a later "running" of the same test (they come in batches) says nothing new.
    if (fields['kind'] !== 'result' && ['passed', 'failed', 'skipped'].includes(known.state)) return known;
    known.state = state;
    known.mode = textOf(fields['mode']);
    known.note = textOf(fields['note']);
    known.errors = this.errors(fields['errors']);
    known.around = this.errors(fields['around']);
    known.start = numberOf(fields['start']);
    known.duration = numberOf(fields['duration']) ?? 0;
    known.filtered = fields['filtered'] === true;
    known.retries = numberOf(fields['retries']) ?? 0;
    return known;
  }

  /**
   * `[vitest-pool]: Failed to start forks worker for test files /a.test.ts, /b.test.ts.`: vitest names the files in the sentence only.
   * One error for each of them; where none of them can be read out of it, the error as it is, which then doubts all.
   */
  private ofPool(error: ReportedError): ReportedError[] {
    const named =
      error.file === null ? /^\[vitest-pool\]: .*? for test files? (.+?)\.?$/m.exec(error.message)?.[1] : undefined;
    const paths = named?.split(/,\s*|\s+(?=\/)/u).filter((path) => path !== '') ?? [];
    return paths.length === 0 ? [error] : paths.map((path) => ({ ...error, file: this.fileOf(path) }));
  }

  private errors(value: unknown): ReportedError[] {
    if (!Array.isArray(value)) return [];
    return value.map((item: unknown) => {
      const error = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>; // members are read as unknown
      const path = textOf(error['path']);
      return {
        message: textOf(error['message']),
        text: textOf(error['text']),
        file: path === '' ? null : this.fileOf(path),
        noSnapshot: error['noSnapshot'] === true,
      };
    });
  }
}

const flakiness = (retries: number): { readonly flaky?: string } =>
  retries === 0
    ? {}
    : {
        flaky: `passed at try ${retries + 1}: vitest ran it again after ${retries === 1 ? 'a failure' : `${retries} failures`}`,
      };

const TIMED_OUT = /^(?:Test|Hook) timed out in \d+ms/;

export function reportOf(test: VitestTest): TestReport {
  const base = {
    file: test.file,
    path: test.path,
    line: test.line,
    column: test.column,
    startedAt: test.start === null ? null : new Date(test.start),
    durationMs: test.duration,
    detail: '',
    message: '',
  };
  const first = test.errors[0];
  const around = test.around[0];
  const line = (text: string): string => text.split('\n', 1)[0] ?? '';
  switch (test.state) {
    case 'failed': {
      const message = first?.text ?? '';
      if (first !== undefined && test.errors.every((error) => error.noSnapshot))
        return {
          ...base,
          state: 'snapshot-written',
          detail:
            'there is no stored snapshot to compare with; a run writes none: make it with vitest, look at it and commit it',
          message,
        };
      return {
        ...base,
        state: 'failed',
        detail: line(first?.message ?? 'failed'),
        message,
        ...(TIMED_OUT.test(first?.message ?? '') ? { timedOut: true } : {}),
      };
    }
    case 'passed':
      // Its suite failed after it (afterAll): vitest fails the run and leaves the test as passed.
      if (around !== undefined)
        return {
          ...base,
          state: 'failed',
          detail: `passed, but its suite failed: ${line(around.message)}`,
          message: around.text,
        };
      if (test.fails) return { ...base, state: 'expected-failure', detail: 'failed, as it.fails declares' };
      return { ...base, state: 'passed', ...flakiness(test.retries) };
    case 'skipped':
      // A failed beforeAll leaves its tests as skipped: they were not.
      if (around !== undefined)
        return {
          ...base,
          state: 'setup',
          detail: `its suite failed before it ran: ${line(around.message)}`,
          message: around.text,
        };
      return {
        ...base,
        state: 'skipped',
        detail: test.note === '' ? (test.mode === 'todo' ? 'todo' : 'skipped') : test.note,
      };
    default:
      return { ...base, state: 'unfinished' };
  }
}
