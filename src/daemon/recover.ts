/** Runs of dead instances: back into the queue once their processes are verified dead, parked until then. */
import { heldRuns, park, processesOfRun, requeue, type Journal } from '../journal/index.js';
import type { Log } from '../journal/index.js';

export interface RecoveryReport {
  readonly requeued: number;
  readonly parked: number;
  readonly dead_letters: number;
}

/** Idempotent: it may be repeated at any tick, and a crash in the middle of it changes nothing. */
export function recover(
  journal: Journal,
  log: Log,
  instance: string,
  isOwnerAlive: (instance: string) => boolean,
): RecoveryReport {
  let requeued = 0;
  let parked = 0;
  let deadLetters = 0;
  for (const run of heldRuns(journal.database, instance)) {
    if (run.owner !== null && run.owner !== instance && isOwnerAlive(run.owner)) continue;
    // Every process of the run must be known to be dead: two workers on one run is what must never happen.
    const alive = processesOfRun(journal.database, run.run_id);
    if (alive.length > 0) {
      if (run.state !== 'parked') {
        park(journal.database, run);
        log.warn('run.parked', {
          run_id: run.run_id,
          reason: 'orphan_indeterminate',
          processes: alive.map((row) => ({ name: row.name, pid: row.pid })),
        });
      }
      parked += 1;
      continue;
    }
    const outcome = requeue(journal.database, journal.clock, run);
    if (outcome.kind === 'dead_letter') {
      deadLetters += 1;
      log.error('run.dead_letter', {
        run_id: run.run_id,
        spec_id: run.spec_id,
        reason: 'crash_loop',
        resurrections: outcome.resurrections,
      });
    } else if (outcome.kind === 'requeued') {
      requeued += 1;
      if (outcome.quarantined !== null)
        log.error('resume.quarantined', { run_id: run.run_id, why: outcome.quarantined });
      log.info('resume.requeued', {
        run_id: run.run_id,
        attempt: run.attempt,
        fence: run.fence,
        completed: outcome.completed,
        remaining: outcome.remaining,
      });
    }
  }
  return { requeued, parked, dead_letters: deadLetters };
}
