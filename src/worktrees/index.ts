/** Worktrees of coherence's own: made with an owner on record, taken away without a trace, swept after a crash. */
export {
  worktrees,
  type Worktree,
  type WorktreeRequest,
  type WorktreeResult,
  type Worktrees,
  type WorktreeTrouble,
} from './create.js';
export type { LedgerRow, LedgerState, Owner, WorktreeLedger } from './ledger.js';
export type { Manifest } from './manifest.js';
export { WORKTREE_PREFIX, worktreesBase } from './names.js';
export { sweepReportJson, type SweepReport } from './report.js';
export { sweep, type SweepOptions, type Swept } from './sweep.js';
export { emptyTrash } from './trash.js';
