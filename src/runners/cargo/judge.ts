/**
 * What a test executable's end comes to. A pass needs three things that agree: exit code 0, a log file of the harness
 * that holds exactly `ok NAME`, and the harness's closing line on standard output. A process that ends itself inside a
 * test leaves the log empty, whatever it printed.
 *
 * Limit: test and harness share one process. Code that reads its own arguments, writes the log file and prints the
 * closing line forges all of it; no in-process harness can tell. See docs/cargo.md.
 */
import type { Reason } from '../../model/index.js';
import type { ProcessEnd } from '../../util/process.js';
import { clip } from '../../util/text.js';

export interface Judgement {
  readonly reason: Reason;
  /** One line. */
  readonly detail: string;
  readonly message: string;
}

export interface TestEnd {
  readonly name: string;
  readonly end: Pick<ProcessEnd, 'code' | 'signal' | 'timedOut' | 'canceled' | 'spawnError'>;
  readonly trouble: { readonly reason: 'infra' | 'setup' | 'crash'; readonly message: string } | null;
  /** Content of the log file; null when it was not made. */
  readonly log: string | null;
  readonly stdout: string;
  /** True when the capture of standard output was cut, so that its last line cannot be asked for. */
  readonly stdoutCut: boolean;
  readonly stderr: string;
  readonly timeoutMs: number;
}

const CLOSING = /test result: ok\. 1 passed; 0 failed; 0 ignored; 0 measured; \d+ filtered out/u;

/** How a process ended, in words. */
export const howItEnded = (end: Pick<ProcessEnd, 'code' | 'signal'>): string =>
  end.signal === null ? `exit code ${end.code ?? 'unknown'}` : `signal ${end.signal}`;

/** What the harness printed for a failed test: its captured output with the panic. */
function failureText(name: string, stdout: string): string {
  const start = stdout.indexOf(`---- ${name} stdout ----`);
  if (start === -1) return '';
  const end = stdout.indexOf('\nfailures:\n', start);
  return stdout
    .slice(start, end === -1 ? undefined : end)
    .split('\n')
    .slice(1)
    .join('\n')
    .trim();
}

const firstTelling = (text: string): string => {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(?:stack backtrace|note: run with|\d+:)/u.test(line));
  const panic = lines.findIndex((line) => /panicked at/u.test(line));
  if (panic === -1) return lines[0] ?? '';
  const place = /panicked at ([^\n]*?):?$/u.exec(lines[panic] ?? '')?.[1] ?? '';
  return `${lines[panic + 1] ?? 'panic'}${place === '' ? '' : ` (${place})`}`;
};

/** Endings that say nothing about the test itself; null for a process that came to its own end. */
export function judgeEnding(test: Pick<TestEnd, 'end' | 'trouble' | 'timeoutMs'>): Judgement | null {
  if (test.trouble !== null) return { reason: test.trouble.reason, detail: test.trouble.message, message: '' };
  if (test.end.timedOut) return { reason: 'timeout', detail: `no result within ${test.timeoutMs} ms`, message: '' };
  if (test.end.canceled) return { reason: 'canceled', detail: 'the run was canceled', message: '' };
  if (test.end.spawnError !== null)
    return { reason: 'infra', detail: `could not be started: ${test.end.spawnError.message}`, message: '' };
  return null;
}

export function judgeTest(test: TestEnd): Judgement {
  const ending = judgeEnding(test);
  if (ending !== null) return ending;
  const { name, end, stderr } = test;
  const log = (test.log ?? '').trimEnd();
  const tail = (): string => clip(stderr.replace(/^warning: `--logfile` is deprecated\n?/u, '').trim(), 4000);
  if (log === '') {
    if (/Unrecognized option|error: unexpected argument/u.test(stderr))
      return {
        reason: 'not-reported',
        detail: 'the test executable does not know libtest’s options (its own harness?)',
        message: tail(),
      };
    return {
      reason: 'crash',
      detail: `the process ended (${howItEnded(end)}) before the harness reported the test`,
      message: tail(),
    };
  }
  if (log === `ok ${name}`) {
    if (end.code !== 0)
      return {
        reason: 'crash',
        detail: `the test was reported as passed, then the process ended with ${howItEnded(end)}`,
        message: tail(),
      };
    if (!test.stdoutCut && !CLOSING.test(test.stdout))
      return { reason: 'not-reported', detail: 'the harness did not come to its closing line', message: tail() };
    return { reason: 'executed', detail: '', message: '' };
  }
  if (log.startsWith('failed') && log.endsWith(` ${name}`)) {
    const text = failureText(name, test.stdout);
    const said = log
      .slice('failed'.length, -name.length - 1)
      .replace(/^:\s*/u, '')
      .trim();
    return {
      reason: 'assertion',
      detail: clip(said.split('\n')[0] || firstTelling(text) || 'the test failed', 300),
      message: clip([said, text].filter((part) => part !== '').join('\n'), 20_000),
    };
  }
  if (log.startsWith('ignored') && log.endsWith(` ${name}`)) {
    const why = log
      .slice('ignored'.length, -name.length - 1)
      .replace(/^:\s*/u, '')
      .trim();
    return {
      reason: 'runner-skipped',
      detail: why === '' ? 'the test is marked as ignored' : `ignored: ${why}`,
      message: '',
    };
  }
  return {
    reason: 'not-reported',
    detail: 'the report holds something else than this one test',
    message: clip(log, 2000),
  };
}

/** A target without a harness: only its exit code speaks. */
export function judgeExitCode(test: Pick<TestEnd, 'end' | 'trouble' | 'timeoutMs' | 'stderr'>): Judgement {
  const ending = judgeEnding(test);
  if (ending !== null) return ending;
  if (test.end.code === 0) return { reason: 'executed', detail: '', message: '' };
  if (test.end.signal !== null)
    return { reason: 'crash', detail: `ended by ${howItEnded(test.end)}`, message: clip(test.stderr.trim(), 4000) };
  return { reason: 'exit-code', detail: howItEnded(test.end), message: clip(test.stderr.trim(), 4000) };
}
