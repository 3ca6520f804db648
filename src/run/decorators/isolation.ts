/**
 * Crash isolation: when one process serves many cases and ends in the middle, the cases without a report run again,
 * one by one and once, to find the culprit; all others keep their own verdicts. A failure, a time-out and a crash that
 * is known to be one case's own are never run again.
 */
import type { Batch, Case, Outcome } from '../../model/index.js';
import type { RunContext, Runner, Workspace } from '../adapters.js';
import { groupBy } from '../group.js';
import { notStarted } from '../outcome.js';

/** A case that its runner did not report on. */
export interface Silent {
  readonly entry: Case;
  /** What it is if it is not run again. */
  readonly outcome: Outcome;
  /** `certain`: its own doing; `possible`: it may have been running at the time; `no`: it had not begun. */
  readonly suspect: 'certain' | 'possible' | 'no';
}

export interface Attempt {
  readonly outcomes: readonly Outcome[];
  readonly silent: readonly Silent[];
  /** True when tests that nobody asked for ran in the same process and may be the culprits. */
  readonly foreign: boolean;
}

/** A runner before isolation: one try at a batch. */
export interface BatchRunner extends Omit<Runner, 'run'> {
  attempt(batch: Batch, workspace: Workspace, context: RunContext): Promise<Attempt>;
}

const part = (batch: Batch, name: string, cases: readonly Case[]): Batch => ({
  ...batch,
  id: `${batch.id}.${name}`,
  cases,
});

/** Halves of a batch whose cases all stay without a report: by file, then one by one. Null when it cannot be split. */
function split(batch: Batch): Batch[] | null {
  const files = groupBy(batch.cases, (entry) => entry.file);
  if (files.size > 1) return [...files.values()].map((cases, index) => part(batch, `f${index + 1}`, cases));
  return batch.cases.length > 1 ? batch.cases.map((entry, index) => part(batch, `c${index + 1}`, [entry])) : null;
}

async function isolate(
  runner: BatchRunner,
  batch: Batch,
  workspace: Workspace,
  context: RunContext,
): Promise<readonly Outcome[]> {
  const attempt = await runner.attempt(batch, workspace, context);
  const known = [
    ...attempt.outcomes,
    ...attempt.silent.filter((item) => item.suspect === 'certain').map((item) => item.outcome),
  ];
  const again = attempt.silent.filter((item) => item.suspect !== 'certain');
  const standing = (items: readonly Silent[]): Outcome[] => items.map((item) => item.outcome);
  if (again.length === 0 || batch.cases.length === 1) return [...known, ...standing(again)];
  if (context.signal.aborted)
    return [
      ...known,
      ...again.map((item) => notStarted(item.entry, 'canceled', 'canceled before it was run again', context.attempt)),
    ];

  const next: RunContext = { ...context, attempt: context.attempt + 1 };
  for (const item of again)
    context.emit({
      type: 'retry',
      case: item.entry.id,
      why: 'no report: the run it was part of ended early',
      attempt: next.attempt,
    });
  const idle = again.filter((item) => item.suspect === 'no').map((item) => item.entry);
  const rest: Outcome[] = [];
  if (idle.length > 0) {
    const remaining = part(batch, 'r', idle);
    // What is left shrinks with each round; where nothing at all was reported, the batch itself is divided.
    const parts = idle.length < batch.cases.length ? [remaining] : (split(remaining) ?? []);
    for (const item of parts) rest.push(...(await isolate(runner, item, workspace, next)));
  }
  const possible = again.filter((item) => item.suspect === 'possible');
  const alone: { readonly item: Silent; readonly outcome: Outcome; readonly reported: boolean }[] = [];
  for (const [index, item] of possible.entries()) {
    const single = await runner.attempt(part(batch, `c${index + 1}`, [item.entry]), workspace, next);
    const reported = single.outcomes[0];
    alone.push({
      item,
      outcome: reported ?? single.silent[0]?.outcome ?? item.outcome,
      reported: reported !== undefined,
    });
  }
  // Somebody ended the process. If it shows up again, or may have been a test that nobody asked for, the others are cleared.
  const found =
    attempt.foreign ||
    known.length > attempt.outcomes.length ||
    alone.some((result) => !result.reported || result.outcome.reason === 'assertion');
  rest.push(
    ...alone.map((result) => (found || result.outcome.reason !== 'executed' ? result.outcome : result.item.outcome)),
  );
  return [...known, ...rest];
}

/** A runner whose batches survive a crash of one case. */
export function withIsolation(runner: BatchRunner): Runner {
  return {
    name: runner.name,
    available: async (workspace, batch) => runner.available(workspace, batch),
    batches: async (root, cases) => runner.batches(root, cases),
    preview: (batch) => runner.preview(batch),
    run: async (batch, workspace, context) => isolate(runner, batch, workspace, context),
  };
}
