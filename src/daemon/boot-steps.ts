/** Steps of the boot that are also repeated later. */
import type { SweepJson } from '../app/index.js';
import { addSweepReport, type Journal } from '../journal/index.js';
import type { Settings } from '../app/index.js';
import { tolerant } from './durable.js';
import type { Log } from '../journal/index.js';

interface Sweeper {
  readonly journal: Journal;
  readonly log: Log;
  readonly instance: string;
  settings(): Settings;
}

/** One line a sweep, with every field of its report, and a warning when much was left behind. */
export function logSweep(core: Sweeper, report: SweepJson): void {
  core.log.info('worktree.sweep', report);
  const backlog = Number(report['backlog_count']);
  if (backlog > core.settings().sweep.backlog_warn)
    core.log.warn('worktree.backlog', { backlog_count: backlog, warn_above: core.settings().sweep.backlog_warn });
  tolerant(() => addSweepReport(core.journal.database, core.journal.clock, core.instance, report));
}
