/** Outcomes of this runner: what was judged, and what the evidence keeps of how it ran. */
import type { Case, Outcome, Proof } from '../../model/index.js';
import type { Executed, RunContext } from '../../run/adapters.js';
import { outcomeOf as sharedOutcome } from '../../run/outcome.js';
import type { Judgement } from './judge.js';

export interface OutcomeOptions {
  readonly case: Case;
  readonly judged: Judgement;
  readonly context: RunContext;
  readonly command?: readonly string[];
  readonly executed?: Executed | null;
  readonly proof?: Proof | null;
  readonly exitCode?: number | null;
}

/**
 * What is recorded of the environment: what the link declared and the warm directory. Cargo's own variables are not
 * the author's words, and `cargo test` sets them for everybody.
 */
function recordedEnv(
  one: Case,
  context: RunContext,
  masked: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(one.env)) if (masked[name] !== undefined) found[name] = masked[name];
  for (const [name, value] of one.place === 'host' ? context.cargoEnv : []) found[name] = value;
  return found;
}

export function outcomeOf(options: OutcomeOptions): Outcome {
  const { case: one, judged, context } = options;
  const reported = judged.reason === 'executed' || judged.reason === 'assertion' || judged.reason === 'runner-skipped';
  const shared = sharedOutcome(
    one,
    { ...judged, proof: options.proof ?? (reported ? 'report' : null) },
    { command: options.command ?? [], executed: options.executed ?? null, attempt: context.attempt },
  );
  return { ...shared, exitCode: options.exitCode ?? shared.exitCode, env: recordedEnv(one, context, shared.env) };
}

/** Worst first: what decides for a case that covers several tests. */
const RANK = [
  'assertion',
  'exit-code',
  'timeout',
  'crash',
  'infra',
  'setup',
  'build',
  'canceled',
  'run-timeout',
  'not-reported',
  'not-found',
  'runner-skipped',
  'executed',
];

/** One outcome for a case whose tests ran one by one: the worst of them, saying how many there were. */
export function combined(name: (index: number) => string, outcomes: readonly Outcome[]): Outcome | null {
  const [first] = outcomes;
  if (first === undefined || outcomes.length === 1) return first ?? null;
  const worst = outcomes.reduce((left, right) =>
    RANK.indexOf(right.reason) < RANK.indexOf(left.reason) ? right : left,
  );
  const passed = outcomes.filter((outcome) => outcome.reason === 'executed').length;
  const starts = outcomes.map((outcome) => outcome.startedAt).sort();
  const ends = outcomes.map((outcome) => outcome.endedAt).sort();
  const detail =
    worst.reason === 'executed'
      ? `${passed} tests passed`
      : `${name(outcomes.indexOf(worst))}: ${worst.detail} (${passed} of ${outcomes.length} passed)`;
  return {
    ...worst,
    detail,
    startedAt: starts[0] ?? worst.startedAt,
    endedAt: ends.at(-1) ?? worst.endedAt,
    durationMs: outcomes.reduce((sum, outcome) => sum + outcome.durationMs, 0),
  };
}
