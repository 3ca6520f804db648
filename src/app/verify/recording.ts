/** Verdicts into the store, through its outbox: a stopped store never delays or loses one. */
import type { Project } from '../../config/index.js';
import type { RunRecord } from '../../model/index.js';
import { recordRun } from '../store/store.js';

/** The note to show when the verdicts wait in the outbox; null when there is no store or nothing to say. */
export async function recordInStore(project: Project, record: RunRecord): Promise<string | null> {
  try {
    return (await recordRun(project, record)) === 'pending'
      ? 'store: pending (the verdicts are written to the store when it runs)'
      : null;
  } catch (error) {
    // The evidence on disk is complete; the store is a copy of its verdicts.
    return `store: pending (${error instanceof Error ? error.message : String(error)})`;
  }
}
