/** Which server is ours: written before the server is used, checked before it is trusted or ended. */
import { readlinkSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { writeAtomically } from '../../util/files.js';
import { isAlive } from '../../util/process.js';

/** `pid` is null between the decision to start and the start: `nonce` then finds what was started. */
export interface ServerIdentity {
  readonly boot_id: string;
  readonly pid: number | null;
  readonly start_ticks: number;
  readonly nonce: string;
  /** True once the server was seen to answer with our mark; whoever started it may be killed before that. */
  readonly ready: boolean;
  readonly version: string;
  readonly socket: string;
  readonly port: number;
  readonly data_device: number;
  readonly data_inode: number;
  readonly started_at: string;
}

const TEXTS = ['boot_id', 'nonce', 'version', 'socket', 'started_at'] as const;
const NUMBERS = ['start_ticks', 'port', 'data_device', 'data_inode'] as const;

function isIdentity(value: unknown): value is ServerIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Readonly<Record<string, unknown>>;
  return (
    TEXTS.every((key) => typeof record[key] === 'string') &&
    NUMBERS.every((key) => typeof record[key] === 'number') &&
    typeof record['ready'] === 'boolean' &&
    (record['pid'] === null || typeof record['pid'] === 'number')
  );
}

export async function readIdentity(path: string): Promise<ServerIdentity | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return isIdentity(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

export const writeIdentity = async (path: string, identity: ServerIdentity): Promise<void> =>
  writeAtomically(path, `${JSON.stringify(identity)}\n`, 0o600);

/** True while exactly the recorded process runs. */
export const serverLives = (identity: ServerIdentity): identity is ServerIdentity & { pid: number } =>
  identity.pid !== null && isAlive({ bootId: identity.boot_id, pid: identity.pid, startTicks: identity.start_ticks });

/** Why a live server must not be trusted with the data folder, or null: it was started on a folder that is gone or replaced. */
export function misplacement(identity: ServerIdentity & { pid: number }, data: string): string | null {
  try {
    const there = statSync(data, { throwIfNoEntry: false });
    if (there === undefined) return 'its data folder was deleted';
    if (there.ino !== identity.data_inode || there.dev !== identity.data_device)
      return 'its data folder was replaced by another one';
    const held = statSync(`/proc/${identity.pid}/cwd`);
    if (held.ino !== there.ino || held.dev !== there.dev) return 'it works on another folder';
    return readlinkSync(`/proc/${identity.pid}/cwd`).endsWith(' (deleted)') ? 'its data folder was deleted' : null;
  } catch {
    return 'its folder cannot be looked at';
  }
}
