/**
 * Building outcomes. Whatever a runner found out about a case passes through here, so that no field is forgotten and
 * every text is bounded and free of the case's secrets.
 */
import { stripVTControlCharacters } from 'node:util';
import type { Case, Outcome, Proof, Reason } from '../model/index.js';
import { clip, visibleLine } from '../util/text.js';
import type { Executed } from './adapters.js';
import { maskText, secretValues } from './environment.js';

/** What a runner says about one case. */
export interface Finding {
  readonly reason: Reason;
  /** One line. */
  readonly detail: string;
  /** Several lines; '' when there is nothing more to say. */
  readonly message?: string;
  readonly proof?: Proof | null;
  /** How a pass came about only after a retry, one line. */
  readonly flaky?: string;
  /** The test's own times, where the report has them. */
  readonly startedAt?: Date;
  readonly durationMs?: number;
}

/** The run that a finding comes from; `executed` null when no program was started for the case. */
export interface Origin {
  readonly command: readonly string[];
  readonly executed: Executed | null;
  readonly attempt: number;
}

const DETAIL_LIMIT = 400;
const MESSAGE_LIMIT = 16_000;

export function outcomeOf(entry: Case, finding: Finding, origin: Origin): Outcome {
  const { executed } = origin;
  const secrets = secretValues(entry.env);
  const started = finding.startedAt ?? executed?.end.startedAt ?? new Date();
  const ended =
    executed === null
      ? started
      : finding.durationMs === undefined
        ? executed.end.endedAt
        : new Date(started.getTime() + finding.durationMs);
  return {
    case: entry.id,
    reason: finding.reason,
    detail: clip(visibleLine(maskText(stripVTControlCharacters(finding.detail), secrets)), DETAIL_LIMIT),
    message: clip(maskText(stripVTControlCharacters(finding.message ?? ''), secrets), MESSAGE_LIMIT),
    proof: finding.proof ?? null,
    ...(finding.flaky === undefined
      ? {}
      : { flaky: clip(visibleLine(maskText(finding.flaky, secrets)), DETAIL_LIMIT) }),
    command: origin.command,
    place: entry.place,
    exitCode: executed?.end.code ?? null,
    attempt: origin.attempt,
    startedAt: started.toISOString(),
    endedAt: ended.toISOString(),
    durationMs: finding.durationMs ?? executed?.end.durationMs ?? 0,
    env: executed?.env ?? {},
    stdout: executed?.stdout ?? null,
    stderr: executed?.stderr ?? null,
    imageId: executed?.imageId ?? null,
    layers: executed?.layers ?? [],
    artifacts: [],
  };
}

/** An outcome of a case for which nothing was started. */
export const notStarted = (entry: Case, reason: Reason, detail: string, attempt = 1): Outcome =>
  outcomeOf(entry, { reason, detail }, { command: [], executed: null, attempt });

/** The last few lines that a program wrote, for a message; bounded. */
export function lastLines(text: string, count = 20): string {
  const lines = stripVTControlCharacters(text).replace(/\s+$/u, '').split('\n');
  return clip(lines.slice(-count).join('\n'), 4000);
}

/** `FAIL(timeout)` after this many milliseconds, in words. */
export const timeoutDetail = (timeoutMs: number): string =>
  `time limit of ${timeoutMs >= 1000 ? `${timeoutMs / 1000} s` : `${timeoutMs} ms`} exceeded`;
