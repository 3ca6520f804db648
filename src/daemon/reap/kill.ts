/**
 * The one way in which processes of ours end: ask, TERM the group, KILL the group, KILL whoever carries the nonce, and
 * look. A signal goes to a group only while a verified member of it lives, since Linux does not hand out a pid that is in
 * use as a group id; it goes to a pid only right after its start time was compared.
 */
import { isDeadState, readProcessTable, type TableEntry } from '../../util/process-table.js';
import { processesWithNonce, processStat } from '../../util/process.js';
import { monotonicMs, pause } from '../../util/monotonic.js';

export interface Target {
  readonly nonce: string;
  /** The group that its leader made; null when it was never known. */
  readonly group: number | null;
  /** A process that is ours without a look at its environment: a child of this process, or one verified before. */
  readonly known: readonly { readonly pid: number; readonly startTicks: number }[];
  /** Asks it to end by itself. */
  readonly cancel?: () => void;
}

export interface Killed {
  readonly dead: boolean;
  /** The strongest thing that was needed. */
  readonly signal: 'none' | 'cancel' | 'SIGTERM' | 'SIGKILL';
  /** Pids that are left. */
  readonly left: readonly number[];
}

export interface KillOptions {
  /** Between TERM and KILL, milliseconds. */
  readonly graceMs: number;
  /** For an answer to `cancel`, milliseconds. */
  readonly cancelMs?: number;
}

const CANCEL_MS = 2000;
const PASSES = 3;
const PASS_MS = 700;

const sameProcess = (pid: number, startTicks: number): boolean => {
  const found = processStat(pid);
  return found !== null && found.startTicks === startTicks && !isDeadState(found.state);
};

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it has ended. EPERM: it is not ours to end, and the last look says so.
  }
};

/** The cheap question first: most trees have ended by themselves, and reading the whole table costs more than a short run. */
function hasEnded(target: Target): boolean {
  if (target.known.some((entry) => sameProcess(entry.pid, entry.startTicks))) return false;
  if (target.group !== null) {
    try {
      process.kill(-target.group, 0);
      return false;
    } catch (error) {
      // EPERM: somebody is there. ESRCH: nobody.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) return false;
    }
  }
  return processesWithNonce(target.nonce).length === 0;
}

/** Live members: those with the nonce, those known by start time, and those in the group of one of these. */
function membersOf(target: Target, seen: Map<number, number>): readonly TableEntry[] {
  const table = readProcessTable().filter((entry) => !isDeadState(entry.state));
  const verified = table.filter(
    (entry) => entry.nonces?.includes(target.nonce) === true || seen.get(entry.pid) === entry.startTicks,
  );
  const group = target.group;
  const inGroup =
    group !== null && verified.some((entry) => entry.group === group)
      ? table.filter((entry) => entry.group === group)
      : [];
  const all = [...new Map([...verified, ...inGroup].map((entry) => [entry.pid, entry])).values()];
  for (const entry of all) seen.set(entry.pid, entry.startTicks);
  return all;
}

/** Ends the whole tree. Never rejects; `dead` only after a look at the process table found nothing of it. */
export async function killTree(target: Target, options: KillOptions): Promise<Killed> {
  if (hasEnded(target)) return { dead: true, signal: 'none', left: [] };
  const seen = new Map(target.known.map((entry) => [entry.pid, entry.startTicks]));
  let members = membersOf(target, seen);
  const waitFor = async (limitMs: number): Promise<boolean> => {
    const end = monotonicMs() + limitMs;
    for (let step = 2; ; step = Math.min(step * 2, 60)) {
      // Known members are cheap to ask; the whole table is read again only when they are gone.
      if (![...seen].some(([pid, ticks]) => sameProcess(pid, ticks))) {
        members = membersOf(target, seen);
        if (members.length === 0) return true;
      }
      if (monotonicMs() >= end) return false;
      await pause(step);
    }
  };
  if (members.length === 0) return { dead: true, signal: 'none', left: [] };
  if (target.cancel !== undefined) {
    target.cancel();
    if (await waitFor(options.cancelMs ?? CANCEL_MS)) return { dead: true, signal: 'cancel', left: [] };
    members = membersOf(target, seen);
  }
  const group = target.group;
  const signalAll = (signal: NodeJS.Signals): void => {
    if (group !== null && members.some((entry) => entry.group === group)) send(-group, signal);
    // Those that left the group (setsid), or whose group was never known.
    for (const entry of members)
      if ((group === null || entry.group !== group) && sameProcess(entry.pid, entry.startTicks))
        send(entry.pid, signal);
  };
  if (options.graceMs > 0) {
    signalAll('SIGTERM');
    if (await waitFor(options.graceMs)) return { dead: true, signal: 'SIGTERM', left: [] };
  }
  for (let pass = 0; pass < PASSES; pass += 1) {
    members = membersOf(target, seen);
    signalAll('SIGKILL');
    if (await waitFor(PASS_MS)) return { dead: true, signal: 'SIGKILL', left: [] };
  }
  members = membersOf(target, seen);
  return { dead: members.length === 0, signal: 'SIGKILL', left: members.map((entry) => entry.pid) };
}
