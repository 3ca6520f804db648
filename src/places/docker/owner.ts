/**
 * Whose something is. Everything that a run leaves on the daemon or on disk carries the run's id and its process: host, pid,
 * start time and boot. So what a killed run left can be told from a live run's, another host's and the user's.
 */
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { sha256 } from '../../util/hash.js';
import { bootId, processStat } from '../../util/process.js';

export interface Owner {
  /** Run id, lower case. */
  readonly run: string;
  /** Encoded process: `<host>.<pid>.<start ticks>.<boot>`, all in `[0-9a-z]`. */
  readonly process: string;
  /** Who may evict layers: user id at host. */
  readonly user: string;
}

export type OwnerState = 'alive' | 'dead' | 'foreign';

let host: Promise<string> | null = null;

/**
 * This machine as far as pids are comparable: machine id, host name and pid name space. Two containers, or a container and its
 * host, that share a daemon do not see each other's processes and must not take each other for dead.
 */
export const hostId = (): Promise<string> =>
  (host ??= (async () => {
    const machine = await readFile('/etc/machine-id', 'utf8').catch(() => '');
    const space = await readlink('/proc/self/ns/pid').catch(() => '');
    return sha256(`${machine.trim()}\n${hostname()}\n${space}`).slice(0, 16);
  })());

const shortBoot = (): string => bootId().replaceAll('-', '').slice(0, 12) || '0';

/** Runs of this very process that have not been closed: a long-lived process must not keep residue alive by merely living. */
const open = new Set<string>();

export async function openOwner(run: string): Promise<Owner> {
  const id = run
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, '')
    .slice(0, 64);
  open.add(id);
  const machine = await hostId();
  const ticks = processStat(process.pid)?.startTicks ?? 0;
  return {
    run: id,
    process: `${machine}.${process.pid}.${ticks}.${shortBoot()}`,
    user: `${process.getuid?.() ?? 0}.${machine}`,
  };
}

export const closeOwner = (owner: Owner): void => void open.delete(owner.run);

/** The user part alone, for commands that belong to no run. */
export const currentUser = async (): Promise<string> => `${process.getuid?.() ?? 0}.${await hostId()}`;

/** What can be said about the owner of something. Whatever cannot be parsed or judged from here is `foreign`: hands off. */
export async function ownerState(run: string, encoded: string): Promise<OwnerState> {
  const match = /^([0-9a-f]{16})\.([0-9]+)\.([0-9]+)\.([0-9a-f]+)$/.exec(encoded);
  if (match === null || match[1] !== (await hostId())) return 'foreign';
  if (match[4] !== shortBoot()) return 'dead';
  const pid = Number(match[2]);
  if (pid === process.pid) return open.has(run) ? 'alive' : 'dead';
  const found = processStat(pid);
  const alive = found !== null && found.startTicks === Number(match[3]) && found.state !== 'Z' && found.state !== 'X';
  return alive ? 'alive' : 'dead';
}
