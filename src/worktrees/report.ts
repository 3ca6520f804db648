export interface SweepReport {
  /** Folders taken away. */
  readonly sweptCount: number;
  readonly failedCount: number;
  /** Left because files of another user, or immutable ones, are in them. */
  readonly rootOwnedSkipped: number;
  /** With our prefix, but nothing says that they are ours. */
  readonly noManifestSkipped: number;
  /** Left because a live process is inside. */
  readonly liveSkipped: number;
  readonly rootsUnreadable: number;
  /** Locked entries of ours taken off git's list. */
  readonly lockedRemoved: number;
  /** Other stale entries that `git worktree prune` dropped. */
  readonly adminPruned: number;
  readonly pruneSucceeded: boolean;
  /** Left-overs of dead owners that this sweep found. */
  readonly backlogCount: number;
  readonly durationMs: number;
  /** Folders in the trash that are still to be deleted. */
  readonly trashPending: number;
}

/** The report with the names that JSON output and logs use. */
export const sweepReportJson = (report: SweepReport): Readonly<Record<string, number | boolean>> => ({
  swept_count: report.sweptCount,
  failed_count: report.failedCount,
  root_owned_skipped: report.rootOwnedSkipped,
  no_manifest_skipped: report.noManifestSkipped,
  live_skipped: report.liveSkipped,
  roots_unreadable: report.rootsUnreadable,
  locked_removed: report.lockedRemoved,
  admin_pruned: report.adminPruned,
  prune_succeeded: report.pruneSucceeded,
  backlog_count: report.backlogCount,
  duration_ms: report.durationMs,
  trash_pending: report.trashPending,
});
