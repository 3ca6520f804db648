/**
 * From what a process that ran many tests reported, and how it ended, to an attempt at its batch: which cases have a
 * verdict, and which stayed without a report and why.
 */
import type { Case, Outcome } from '../model/index.js';
import type { RunContext } from './adapters.js';
import type { Attempt, Silent } from './decorators/isolation.js';
import { outcomeOf, timeoutDetail, type Finding, type Origin } from './outcome.js';
import type { Watched } from './watchdog.js';

export interface Gathered {
  /** What reports say about a case; null when none names it, or one names it and it never ended. */
  finding(entry: Case): Finding | null;
  /** True for a case whose own time limit passed. */
  overdue(entry: Case): boolean;
  /** True for a case that had started and not ended. */
  unfinished(entry: Case): boolean;
  /** What a case is that no report names although the run came to its end, and whether another try without the others may tell more. */
  missing(entry: Case): { readonly finding: Finding; readonly again: boolean };
  /** Why a case without a result is a crash, where the runner knows more than how the process ended. */
  crashDetail?(entry: Case): string | null;
  /** True when the run itself reported its end. */
  readonly ended: boolean;
  /** True when the reporter says exactly which test is running, before it runs. */
  readonly exact: boolean;
  readonly foreign: boolean;
}

/** How a process ended, in words. */
export function endWords(watched: Watched): string {
  const { end } = watched.executed;
  if (end.signal !== null) return `the process was killed by ${end.signal}`;
  return `the process ended with exit code ${end.code ?? 'unknown'}`;
}

export function conclude(
  cases: readonly Case[],
  gathered: Gathered,
  watched: Watched,
  command: readonly string[],
  context: RunContext,
): Attempt {
  const { executed, expired } = watched;
  const origin: Origin = { command, executed, attempt: context.attempt };
  const outcomes: Outcome[] = [];
  const silent: Silent[] = [];
  const open = cases.filter((entry) => {
    const finding = gathered.finding(entry);
    // A pass that came in before the place lost sight of the process, or found that its end cannot be trusted, is none.
    const settled = finding !== null && (executed.trouble === null || finding.reason !== 'executed');
    if (settled) outcomes.push(outcomeOf(entry, finding, origin));
    return !settled;
  });
  const canceled = executed.end.canceled && !expired;
  const started = open.filter((entry) => gathered.unfinished(entry));
  for (const entry of open) {
    const speak = (finding: Finding): Outcome => outcomeOf(entry, finding, origin);
    const timeout: Finding = { reason: 'timeout', detail: timeoutDetail(entry.timeoutMs), proof: 'report' };
    if (executed.trouble !== null)
      outcomes.push(speak({ reason: executed.trouble.reason, detail: executed.trouble.message }));
    else if (gathered.overdue(entry)) silent.push({ entry, outcome: speak(timeout), suspect: 'certain' });
    else if (canceled) outcomes.push(speak({ reason: 'canceled', detail: 'canceled before it ended' }));
    else if (gathered.ended && !gathered.unfinished(entry)) {
      const missing = gathered.missing(entry);
      if (missing.again) silent.push({ entry, outcome: speak(missing.finding), suspect: 'no' });
      else outcomes.push(speak(missing.finding));
    } else {
      const begun = started.includes(entry);
      const crash: Finding = {
        reason: 'crash',
        detail:
          gathered.crashDetail?.(entry) ??
          `no result: ${endWords(watched)} ${begun ? 'while this test ran' : 'before this test was reported'}`,
      };
      const stall: Finding = { ...timeout, detail: `${timeoutDetail(entry.timeoutMs)}: nothing was reported any more` };
      const suspect = gathered.exact
        ? begun
          ? started.length === 1
            ? 'certain'
            : 'possible'
          : 'no'
        : begun && started.length === 1 && open.length === 1
          ? 'certain'
          : 'possible';
      silent.push({ entry, outcome: speak(expired ? stall : crash), suspect });
    }
  }
  return { outcomes, silent, foreign: gathered.foreign };
}
