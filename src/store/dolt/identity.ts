/** Which server is ours: written before the server is used, checked before it is trusted or ended. */
import { readlinkSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { writeAtomically } from '../../util/files.js';
import { isAlive } from '../../util/process.js';

const SHAPE = v.object({
  boot_id: v.string(), pid: v.nullable(v.number()), start_ticks: v.number(), nonce: v.string(), version: v.string(), socket: v.string(), port: v.number(),
  data_device: v.number(), data_inode: v.number(), started_at: v.string(),
});

/** `pid` is null between the decision to start and the start: `nonce` then finds what was started. */
export type ServerIdentity = v.InferOutput<typeof SHAPE>;

export async function readIdentity(path: string): Promise<ServerIdentity | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const parsed = v.safeParse(SHAPE, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}

export const writeIdentity = async (path: string, identity: ServerIdentity): Promise<void> => writeAtomically(path, `${JSON.stringify(identity)}\n`, 0o600);

/** True while exactly the recorded process runs. */
export const serverLives = (identity: ServerIdentity): identity is ServerIdentity & { pid: number } =>
  identity.pid !== null && isAlive({ bootId: identity.boot_id, pid: identity.pid, startTicks: identity.start_ticks });

/** Why a live server must not be trusted with the data folder, or null: it was started on a folder that is gone or replaced. */
export function misplacement(identity: ServerIdentity & { pid: number }, data: string): string | null {
  try {
    const there = statSync(data, { throwIfNoEntry: false });
    if (there === undefined) return 'its data folder was deleted';
    if (there.ino !== identity.data_inode || there.dev !== identity.data_device) return 'its data folder was replaced by another one';
    const held = statSync(`/proc/${identity.pid}/cwd`);
    if (held.ino !== there.ino || held.dev !== there.dev) return 'it works on another folder';
    return readlinkSync(`/proc/${identity.pid}/cwd`).endsWith(' (deleted)') ? 'its data folder was deleted' : null;
  } catch {
    return 'its folder cannot be looked at';
  }
}
