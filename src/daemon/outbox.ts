/** Verdicts that the store has not confirmed: handed over when it runs, idempotent, one hand-over at a time. */
import { pushVerdicts } from '../app/index.js';
import { markPushed, pendingOutbox } from '../journal/index.js';
import { failpoint } from '../util/failpoint.js';
import { monotonicMs } from '../util/monotonic.js';
import type { Core } from './core.js';
import { tolerant } from './durable.js';

const BATCH = 500;
const RETRY_MS = 5000;

/** Never rejects. A store that is down is asked again after a pause. */
export function outboxPusher(core: Core): () => Promise<void> {
  let notBefore = 0;
  let running: Promise<void> | null = null;
  const push = async (): Promise<void> => {
    const rows = pendingOutbox(core.journal.database, BATCH);
    if (rows.length === 0) return;
    const outcome = await pushVerdicts(core.project, core.journal, rows).catch((error: unknown) => ({
      pushed: false as const,
      why: error instanceof Error ? error.message : String(error),
    }));
    if (!outcome.pushed) {
      notBefore = monotonicMs() + RETRY_MS;
      core.log.debug('outbox.pending', { rows: rows.length, why: outcome.why });
      return;
    }
    if (outcome.sequences.length === 0) return;
    failpoint('K12');
    tolerant(() => markPushed(core.journal.database, core.journal.clock, outcome.sequences));
  };
  return async () => {
    if (monotonicMs() < notBefore) return;
    running ??= push().finally(() => {
      running = null;
    });
    await running;
  };
}
