/** Boot reap: ends what dead instances left running. Every boot does it, before anything is swept or queued again. */
import { liveProcesses, openWorktrees, setProcessState, type Journal, type ProcessRow } from '../../journal/index.js';
import { failpoint } from '../../util/failpoint.js';
import { readProcessTable, type TableEntry } from '../../util/process-table.js';
import type { Log } from '../../journal/index.js';
import type { Audit } from './audit.js';
import { killTree } from './kill.js';
import { selectBootOrphans } from './select.js';

export interface ReapOptions {
  readonly journal: Journal;
  readonly log: Log;
  readonly audit: Audit;
  readonly instance: string;
  readonly graceMs: number;
  readonly isOwnerAlive: (instance: string) => boolean;
}

export interface ReapReport {
  readonly found: number;
  readonly killed: number;
  readonly gone: number;
  readonly indeterminate: number;
  readonly foreign: number;
  readonly duration_ms: number;
}

/**
 * A git that outlived the daemon in the middle of `worktree add` would go on writing below the folder that the sweep is about
 * to take away. It carries the nonce of its worktree, which stands in the other ledger.
 */
function gitLeftBehind(
  { journal, isOwnerAlive, instance }: ReapOptions,
  table: readonly TableEntry[],
): readonly ProcessRow[] {
  const carried = new Set(table.flatMap((entry) => entry.nonces ?? []));
  return openWorktrees(journal.database)
    .filter((row) => carried.has(row.nonce) && row.instance_id !== instance && !isOwnerAlive(row.instance_id))
    .map((row): ProcessRow => ({
      nonce: row.nonce,
      kind: 'git',
      name: `git-${row.run_id}`,
      key: null,
      instance_id: row.instance_id,
      boot_id: journal.clock.bootId,
      pid: null,
      start_ticks: null,
      pgid: null,
      isolation: 'group',
      container_id: null,
      run_id: row.run_id,
      state: 'busy',
      created: '',
      last_used: null,
    }));
}

/** @param quiet leave out the summary line; for the looks between boots */
export async function reap(options: ReapOptions, quiet = false): Promise<ReapReport> {
  const { journal, audit } = options;
  const started = performance.now();
  const table = readProcessTable();
  const selection = selectBootOrphans(
    [...liveProcesses(journal.database), ...gitLeftBehind(options, table)],
    table,
    options.instance,
    journal.clock.bootId,
    options.isOwnerAlive,
  );
  for (const row of selection.gone) setProcessState(journal.database, row.nonce, 'dead');
  for (const { row, pid, why } of selection.indeterminate) {
    if (row.state !== 'indeterminate')
      audit('pool.reap_refused', { name: row.name, pid, key: row.key, run_id: row.run_id, why });
    setProcessState(journal.database, row.nonce, 'indeterminate');
  }
  const outcomes = await Promise.all(
    selection.kill.map(async ({ row, members }) => {
      const leader = members[0];
      setProcessState(journal.database, row.nonce, 'stopping');
      const killed = await killTree({ nonce: row.nonce, group: row.pgid, known: [] }, { graceMs: options.graceMs });
      failpoint('K16');
      const fields = {
        name: row.name,
        pid: row.pid ?? leader?.pid ?? null,
        start_ticks: row.start_ticks ?? leader?.startTicks ?? null,
        key: row.key,
        run_id: row.run_id,
        reason: 'boot_orphan',
        signal: killed.signal,
        verified_dead: killed.dead,
      };
      if (killed.dead) {
        audit('pool.reap', fields);
        setProcessState(journal.database, row.nonce, 'dead');
      } else {
        audit('pool.reap_refused', { ...fields, left: killed.left, why: 'it did not die' });
        setProcessState(journal.database, row.nonce, 'indeterminate');
      }
      return killed.dead;
    }),
  );
  const report: ReapReport = {
    found: selection.kill.length + selection.indeterminate.length,
    killed: outcomes.filter(Boolean).length,
    gone: selection.gone.length,
    indeterminate: selection.indeterminate.length + outcomes.filter((dead) => !dead).length,
    foreign: selection.foreign.length,
    duration_ms: Math.round(performance.now() - started),
  };
  if (!quiet)
    options.log.info('pool.boot_reap', { ...report, foreign_pids: selection.foreign.map((entry) => entry.pid) });
  return report;
}
