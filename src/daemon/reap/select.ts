/**
 * Whom a boot may kill. A function of the ledger and the process table: a process is ours only by boot, start time and a
 * nonce that it carries in its environment, never by its pid or its name.
 */
import type { ProcessRow } from '../../journal/index.js';
import { isDeadState, type TableEntry } from '../../util/process-table.js';

/** In the argument list of every warm worker, and in the label of its container. The spawn uses this very constant. */
export const NAME_MARKER = 'coh-warm-';

export const warmName = (instance: string, ulid: string): string =>
  `${NAME_MARKER}${instance.slice(-8).toLowerCase()}-${ulid}`;

export interface Orphan {
  readonly row: ProcessRow;
  /** All live processes that carry the nonce, the recorded one first where it lives. */
  readonly members: readonly TableEntry[];
}

export interface Selection {
  readonly kill: readonly Orphan[];
  /** Nothing of it is left. */
  readonly gone: readonly ProcessRow[];
  /** It cannot be said whether the recorded process is ours: reported and looked at again, never signalled. */
  readonly indeterminate: readonly { readonly row: ProcessRow; readonly pid: number; readonly why: string }[];
  /** Carries our marker, but no row of this state folder knows it. */
  readonly foreign: readonly TableEntry[];
}

/**
 * @param ledger rows that are not dead
 * @param isOwnerAlive whether the instance that started a row's process lives; its processes are left alone
 */
export function selectBootOrphans(
  ledger: readonly ProcessRow[],
  table: readonly TableEntry[],
  selfInstance: string,
  bootId: string,
  isOwnerAlive: (instance: string) => boolean,
): Selection {
  const live = table.filter((entry) => !isDeadState(entry.state));
  const byPid = new Map(live.map((entry) => [entry.pid, entry]));
  const byNonce = new Map<string, TableEntry[]>();
  for (const entry of live)
    for (const nonce of entry.nonces ?? []) byNonce.set(nonce, [...(byNonce.get(nonce) ?? []), entry]);
  const kill: Orphan[] = [];
  const gone: ProcessRow[] = [];
  const indeterminate: { row: ProcessRow; pid: number; why: string }[] = [];
  const known = new Set<number>();
  for (const row of ledger) {
    const carriers = row.boot_id === bootId ? (byNonce.get(row.nonce) ?? []) : [];
    for (const entry of carriers) known.add(entry.pid);
    // Of its own processes a daemon looks only at those that did not die when it ended them.
    if ((row.instance_id === selfInstance && row.state !== 'indeterminate') || isOwnerAlive(row.instance_id)) continue;
    if (row.boot_id !== bootId) {
      gone.push(row);
      continue;
    }
    const recorded = row.pid === null ? undefined : byPid.get(row.pid);
    const same = recorded !== undefined && recorded.startTicks === row.start_ticks ? recorded : undefined;
    if (same !== undefined) known.add(same.pid);
    if (same !== undefined && same.nonces?.includes(row.nonce) !== true) {
      indeterminate.push({
        row,
        pid: same.pid,
        why: same.nonces === null ? 'its environment cannot be read' : 'its environment does not hold the nonce',
      });
      continue;
    }
    if (carriers.length === 0) gone.push(row);
    else
      kill.push({
        row,
        members: same === undefined ? carriers : [same, ...carriers.filter((entry) => entry.pid !== same.pid)],
      });
  }
  const foreign = live.filter(
    (entry) => !known.has(entry.pid) && entry.argv.some((word) => word.includes(NAME_MARKER)),
  );
  return { kill, gone, indeterminate, foreign };
}
