/** The Queue on the local journal. */
import type { Journal } from './journal.js';
import type { Queue } from './queue.js';
import { record } from './results.js';
import { cancelWaiting, claimOne, complete, enqueue, isCurrent, putBack } from './runs.js';
import type { RunRow } from './types.js';

export function localQueue({ database, clock }: Journal): Queue {
  return {
    enqueue: (runs) => enqueue(database, clock, runs),
    claim: (count, instance, blocked) => {
      const claimed: RunRow[] = [];
      while (claimed.length < count) {
        const run = claimOne(database, clock, instance, blocked);
        if (run === null) break;
        claimed.push(run);
      }
      return claimed;
    },
    heartbeat: (claimed) => isCurrent(database, claimed),
    record: (result) => record(database, result),
    complete: (claimed, ending) => complete(database, clock, claimed, ending),
    fail: (claimed, why) => putBack(database, clock, claimed, why),
    cancel: (runId, why) => cancelWaiting(database, clock, runId, why),
  };
}
