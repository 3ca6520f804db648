/**
 * What /proc says about all processes, read once: the table that reaping and sweeping decide on, so that those decisions
 * are functions of data. A process of another user has no readable environment or links; that is said, not guessed.
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { NONCE_VARIABLE, processStat } from './process.js';

export interface TableEntry {
  readonly pid: number;
  /** State letter; Z and X are dead. */
  readonly state: string;
  readonly group: number;
  readonly startTicks: number;
  readonly argv: readonly string[];
  /** Nonces in its environment; null when the environment cannot be read (another user's, or partly overwritten). */
  readonly nonces: readonly string[] | null;
}

export const isDeadState = (state: string): boolean => state === 'Z' || state === 'X' || state === 'x';

function noncesOf(pid: number): readonly string[] | null {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1');
    const line = environment.split('\0').find((entry) => entry.startsWith(`${NONCE_VARIABLE}=`));
    return line === undefined
      ? []
      : line
          .slice(NONCE_VARIABLE.length + 1)
          .split(',')
          .filter((nonce) => nonce !== '');
  } catch {
    return null;
  }
}

/** All processes that this process can see, itself left out. Empty where there is no /proc. */
export function readProcessTable(): readonly TableEntry[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  const table: TableEntry[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    if (pid === process.pid) continue;
    const stat = processStat(pid);
    if (stat === null) continue;
    let argv: readonly string[] = [];
    try {
      argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        .split('\0')
        .filter((word) => word !== '');
    } catch {
      // It ended in the meantime, or the kernel keeps it from us.
    }
    table.push({
      pid,
      state: stat.state,
      group: stat.group,
      startTicks: stat.startTicks,
      argv,
      nonces: isDeadState(stat.state) ? [] : noncesOf(pid),
    });
  }
  return table;
}

export interface Occupant {
  readonly pid: number;
  readonly path: string;
}

/** Every path that a live process has as its current folder, root or open file. Unreadable processes are left out. */
export function readOccupants(): readonly Occupant[] {
  const occupants: Occupant[] = [];
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const add = (link: string): void => {
      try {
        const path = readlinkSync(link);
        if (path.startsWith('/') && path !== '/') occupants.push({ pid, path });
      } catch {
        // Gone, or not ours to look at.
      }
    };
    add(`/proc/${name}/cwd`);
    add(`/proc/${name}/root`);
    try {
      for (const descriptor of readdirSync(join('/proc', name, 'fd'))) add(`/proc/${name}/fd/${descriptor}`);
    } catch {
      // As above.
    }
  }
  return occupants;
}

/** Pids that are inside `folder`. */
export const occupantsOf = (folder: string, occupants: readonly Occupant[]): readonly number[] => [
  ...new Set(
    occupants.filter((entry) => entry.path === folder || entry.path.startsWith(`${folder}/`)).map((entry) => entry.pid),
  ),
];
