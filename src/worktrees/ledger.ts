/** What this room needs of the journal; `app` hands it in. */
import type { ProcessIdentity } from '../util/process.js';

export type LedgerState = 'intended' | 'live' | 'releasing' | 'trashed' | 'gone' | 'kept' | 'foreign_owned';

export interface LedgerRow {
  readonly path: string;
  readonly run_id: string;
  readonly instance_id: string;
  readonly repo: string;
  readonly commit_sha: string;
  readonly nonce: string;
  readonly reason: string;
  readonly state: LedgerState;
}

export interface WorktreeLedger {
  intend(row: Omit<LedgerRow, 'state'>): void;
  set(path: string, state: LedgerState): void;
  /** Rows that may still be on disk. */
  open(): readonly LedgerRow[];
}

export interface Owner {
  readonly instanceId: string;
  readonly identity: ProcessIdentity;
}
