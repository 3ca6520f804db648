/** What daemon and worker say to each other over the IPC channel. Everything about a run carries its fence. */
import type { Basis } from '../journal/index.js';
import type { CriterionRecord, Failure, RunEvent, Verdict } from '../model/index.js';
import type { Job, KeptCriterion } from '../app/index.js';

export type ToWorker =
  | { readonly type: 'run'; readonly job: Job; readonly env: Readonly<Record<string, string>> | null }
  /** Answer to `planned`: what an earlier attempt has settled; null when this worker's fence is stale. */
  | { readonly type: 'kept'; readonly fence: number; readonly kept: readonly KeptCriterion[] | null }
  | { readonly type: 'cancel' };

export interface JobEnd {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly detail: string;
}

export type FromWorker =
  /** Modules are loaded; a warm worker can take a run. */
  | { readonly type: 'ready' }
  | { readonly type: 'planned'; readonly fence: number; readonly basis: Basis; readonly criteria: readonly string[] }
  /** A test's process is about to start: from now on nothing is retried. */
  | { readonly type: 'executing'; readonly fence: number }
  /** `basis`: see `JobHooks.criterion`. */
  | {
      readonly type: 'criterion';
      readonly fence: number;
      readonly record: CriterionRecord;
      readonly basis: string | null;
    }
  | { readonly type: 'event'; readonly fence: number; readonly event: RunEvent }
  | { readonly type: 'done'; readonly fence: number; readonly end: JobEnd }
  | { readonly type: 'failed'; readonly fence: number; readonly failures: readonly Failure[] };
