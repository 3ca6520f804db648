/**
 * What /proc tells about other processes: identity that survives pid reuse, who carries a nonce, whether a group lives.
 * Where /proc is missing or odd the answers are empty, and callers fall back on process groups alone.
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';

/** Name of the variable that marks our children; a list separated by `,`, since a nested coherence appends its own. */
export const NONCE_VARIABLE = 'COHERENCE_RUN_NONCE';

/** Identity of a process that survives pid reuse: boot, pid and start time in clock ticks (field 22 of /proc/pid/stat). */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
}

export interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly startTicks: number;
}

/** This boot's id; '' where the system has none. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** State letter, parent, group and start ticks of a pid; null when there is no such process. */
export function processStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command name may hold spaces and parentheses: fields are counted from the last ')'.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return {
      state: fields[0] ?? '?',
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startTicks: Number(fields[19]),
    };
  } catch {
    return null;
  }
}

const ended = (found: ProcessStat | null): boolean => found === null || found.state === 'Z' || found.state === 'X';

export function identityOf(pid: number): ProcessIdentity | null {
  const found = processStat(pid);
  return found === null ? null : { bootId: bootId(), pid, startTicks: found.startTicks };
}

/** True while exactly that process (not a later one with its pid) runs; a zombie counts as ended. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  const found = processStat(identity.pid);
  return found !== null && found.startTicks === identity.startTicks && !ended(found);
}

function allPids(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}

/** A range of pids up to this size is probed one by one; a larger one costs less as a listing of /proc. */
const PROBE_LIMIT = 256;

/**
 * Pids that can have been given out after `pid` was: the kernel counts upwards and tells its last one in /proc/loadavg.
 * After a short command this is a handful, so that its end costs no scan of the whole machine.
 * Null when that cannot be told: no loadavg, or the counter has wrapped round.
 */
function pidsSince(pid: number): number[] | null {
  let last: number;
  try {
    last = Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
  } catch {
    return null;
  }
  if (!Number.isInteger(last) || last < pid) return null;
  if (last - pid <= PROBE_LIMIT) return Array.from({ length: last - pid }, (_, index) => pid + 1 + index);
  return allPids().filter((other) => other > pid);
}

/**
 * Pids of live processes of ours (readable environment) whose nonce list holds `nonce`.
 * `since`: only those whose pid was given out after that one, for the quick look when a command has ended.
 */
export function processesWithNonce(nonce: string, since?: number): number[] {
  const candidates = (since === undefined ? null : pidsSince(since)) ?? allPids();
  return candidates.filter((pid) => pid !== process.pid && carriesNonce(pid, nonce));
}

/** True when that live process was started with `nonce` in its list; false also where its environment cannot be read. */
export function carriesNonce(pid: number, nonce: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`);
    if (environment.indexOf(nonce) === -1) return false;
    const entry = environment
      .toString('latin1')
      .split('\0')
      .find((item) => item.startsWith(`${NONCE_VARIABLE}=`));
    return (
      entry
        ?.slice(NONCE_VARIABLE.length + 1)
        .split(',')
        .includes(nonce) === true && !ended(processStat(pid))
    );
  } catch {
    // Gone in the meantime, or somebody else's: not ours to judge.
    return false;
  }
}

/**
 * True when that very process holds a kernel lock (`flock`) of the file at `path`, as the kernel lists it at the
 * process's open files. Asking takes no lock, so nobody who wants it is kept from it. False where it cannot be told.
 */
export function holdsLock(pid: number, path: string): boolean {
  try {
    const wanted = statSync(path);
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      const file = statSync(`/proc/${pid}/fd/${descriptor}`, { throwIfNoEntry: false });
      return (
        file?.ino === wanted.ino &&
        file.dev === wanted.dev &&
        readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'latin1').includes('\nlock:')
      );
    });
  } catch {
    return false;
  }
}

/** True while any non-zombie member of the process group exists; also where that cannot be told. */
export function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    // EPERM: members exist that we may not signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const pids = allPids();
  return (
    pids.length === 0 ||
    pids.some((pid) => {
      const found = processStat(pid);
      return found !== null && found.group === group && !ended(found);
    })
  );
}
