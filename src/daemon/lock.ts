/** One daemon a state folder: the kernel lock is the truth, `daemon.json` only says who it is. */
import { unlink } from 'node:fs/promises';
import { identityPath, livingDaemon, lockPath, readDaemonIdentity, type DaemonIdentity } from '../app/index.js';
import { failure, success, type Result } from '../model/index.js';
import { takeLock, type Lock } from '../util/lock.js';
import { writeAtomically } from '../util/files.js';
import { pause } from '../util/monotonic.js';

const TRIES = 3;
const PAUSE_MS = 200;

/** Exit 1 with the other daemon's pid when it is taken; a short-lived holder (`queue add`) is waited for. */
export async function takeStateLock(stateFolder: string): Promise<Result<Lock>> {
  const path = lockPath(stateFolder);
  for (let attempt = 0; ; attempt += 1) {
    const taken = await takeLock(path).catch((error: unknown) => ({
      taken: false as const,
      why: error instanceof Error ? error.message : String(error),
    }));
    if (taken.taken) return success(taken.lock);
    if (taken.why === 'unsupported')
      return failure({
        kind: 'unavailable',
        message: 'The program "flock" is missing (package util-linux), so the daemon cannot be kept alone.',
      });
    if (taken.why !== 'busy')
      return failure({
        kind: 'damaged-state',
        message: `The lock ${path} cannot be taken (${taken.why}).`,
        file: path,
      });
    if (attempt >= TRIES) break;
    await pause(PAUSE_MS);
  }
  const other = (await livingDaemon(stateFolder)) ?? null;
  const named = other?.pid ?? (await readDaemonIdentity(stateFolder))?.pid ?? 'unknown';
  return failure({
    kind: 'does-not-hold',
    message: `daemon already running (pid ${named})`,
    hint: '`coherence daemon status` shows it, `coherence daemon stop` ends it.',
  });
}

export const writeIdentity = async (stateFolder: string, identity: DaemonIdentity): Promise<void> =>
  writeAtomically(identityPath(stateFolder), `${JSON.stringify(identity)}\n`, 0o600);

/** Takes the file away where it still speaks of this instance. */
export async function removeIdentity(stateFolder: string, instance: string): Promise<void> {
  const found = await readDaemonIdentity(stateFolder);
  if (found?.instance_id === instance) await unlink(identityPath(stateFolder)).catch(() => undefined);
}
