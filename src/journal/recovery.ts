/**
 * What a dead instance left in the queue: its runs go back with what they had completed, are parked while a process of
 * theirs may live, or are given up after too many deaths.
 */
import { elapsedSince, momentNow, type Clock } from './clock.js';
import type { Database } from './database.js';
import type { Ending } from './queue.js';
import { readResume, quarantineResume, storeResurrections } from './results.js';
import { runRow } from './rows.js';
import { endRun } from './runs.js';
import type { RunRow } from './types.js';

export const CRASH_WINDOW_MS = 24 * 3_600_000;
export const CRASH_CAP = 2;

/** Runs that some instance other than `self` holds, or that are parked. */
export const heldRuns = (database: Database, self: string): readonly RunRow[] =>
  database
    .sql(
      "SELECT * FROM runs WHERE state IN ('claimed','preparing','running','finishing','stopping') AND owner IS NOT :self OR state='parked' ORDER BY seq",
    )
    .all({ self })
    .map(runRow);

export type Recovered =
  | {
      readonly kind: 'requeued';
      readonly run: RunRow;
      readonly completed: number;
      readonly remaining: number | null;
      readonly quarantined: string | null;
    }
  | { readonly kind: 'dead_letter'; readonly run: RunRow; readonly resurrections: number }
  | { readonly kind: 'parked'; readonly run: RunRow };

export const park = (database: Database, run: RunRow): Recovered => {
  database
    .sql(
      "UPDATE runs SET state='parked', reason='orphan_indeterminate', detail='a process of its last attempt may still be alive' WHERE run_id=:id",
    )
    .run({ id: run.run_id });
  return { kind: 'parked', run };
};

/**
 * Puts one run of a dead instance back. Call it only when its processes are verified dead. The fence stays until the next
 * claim raises it: until then no worker, dead or alive, holds the run's fence in an active state.
 */
export function requeue(database: Database, clock: Clock, run: RunRow): Recovered {
  return database.transaction((): Recovered => {
    const read = readResume(database, run.run_id);
    const corrupt = read !== null && 'corrupt' in read ? read.corrupt : null;
    if (corrupt !== null) quarantineResume(database, clock, run.run_id, corrupt);
    const resume = read !== null && !('corrupt' in read) ? read : null;
    // Only a run whose worker was at work can be what brought the daemon down.
    const started =
      run.state === 'running' || run.state === 'finishing' || run.state === 'stopping' || run.state === 'parked';
    const previous = corrupt === null ? resume : fromDamaged(database, run.run_id);
    const window = previous?.window_start ?? null;
    const elapsed = window === null ? null : elapsedSince(window, clock);
    // After a reboot the window's age cannot be measured: the count goes on in a new window.
    const expired = elapsed !== null && elapsed > CRASH_WINDOW_MS;
    const count = (expired ? 0 : (previous?.resurrections ?? 0)) + (started ? 1 : 0);
    if (started)
      storeResurrections(
        database,
        run.run_id,
        count,
        window === null || expired || elapsed === null ? momentNow(clock) : window,
      );
    if (count > CRASH_CAP) {
      const ending: Ending = {
        verdict: 'ERROR',
        reason: 'crash',
        detail: `crash_loop: the daemon died ${count} times while this run was at work`,
      };
      endRun(database, clock, run, ending, ending, 'dead_letter');
      return { kind: 'dead_letter', run, resurrections: count };
    }
    database
      .sql(
        "UPDATE runs SET state='queued', owner=NULL, reason=NULL, detail=NULL, not_before=NULL, not_before_boot=NULL, attempt=attempt-:unstarted WHERE run_id=:id",
      )
      .run({ id: run.run_id, unstarted: started || run.attempt === 0 ? 0 : 1 });
    const completed = resume?.completed.length ?? 0;
    return {
      kind: 'requeued',
      run,
      completed,
      remaining: run.payload.criteria === null ? null : run.payload.criteria.length - completed,
      quarantined: corrupt,
    };
  });
}

/** The counter columns, which stay readable when the list of completed criteria is not. */
function fromDamaged(
  database: Database,
  runId: string,
): { readonly resurrections: number; readonly window_start: { boot_id: string; mono: number } | null } {
  const row = database.sql('SELECT resurrections FROM resume_map WHERE run_id=:id').get({ id: runId });
  return { resurrections: Number(row?.['resurrections'] ?? 0), window_start: null };
}
