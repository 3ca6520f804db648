/**
 * Cargo writes `Cargo.lock` beside a workspace that has none, and no stable option puts it elsewhere. A run must leave the
 * user's tree as it was, so the file lives there only while cargo works: what cargo resolved is kept outside
 * the tree, put back for the next run (same versions, no second resolution), and removed from the tree at the end.
 *
 * A marker with the file's hash outlives a killed run: the next one recognises the left file as ours by its content.
 */
import { copyFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, writeAtomically } from '../../util/files.js';
import { gitLine } from '../../util/git.js';
import { sha256 } from '../../util/hash.js';
import { takeLock, type Lock } from '../../util/lock.js';
import { makeFolder } from './folder.js';

export interface LockFileGuard {
  /** True when the workspace has its own lock file: cargo is then called with `--locked`. */
  readonly locked: boolean;
  /** Puts the tree back. Safe to call more than once. */
  restore(): Promise<void>;
}

const OWN: LockFileGuard = { locked: true, restore: async () => undefined };

const hashOf = async (path: string): Promise<string | null> =>
  readFile(path).then(
    (bytes) => sha256(bytes),
    () => null,
  );

/** Waits for a lock of ours, in slices so that a cancel is heard. Null when canceled or impossible. */
export async function waitForLock(
  path: string,
  signal: AbortSignal | undefined,
  limitMs: number,
): Promise<Lock | null> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await takeLock(path, Math.max(0, Math.min(200, end - Date.now()))).catch(() => null);
    if (answer === null) return null;
    if (answer.taken) return answer.lock;
    if (answer.why === 'unsupported' || signal?.aborted === true || Date.now() >= end) return null;
  }
}

/**
 * `folder`: the cargo workspace's root on the host. `stateFolder`: where to keep the resolved file; null, or one that cannot be
 * made: nowhere.
 * Without a lock file of its own, runs on the same workspace take turns.
 */
export async function guardLockFile(
  folder: string,
  stateFolder: string | null,
  signal: AbortSignal,
): Promise<LockFileGuard> {
  const file = join(folder, 'Cargo.lock');
  const usable =
    stateFolder !== null &&
    (await makeFolder(join(stateFolder, 'locks')).then(
      () => true,
      () => false,
    ));
  if (stateFolder === null || !usable) {
    if (await exists(file)) return OWN;
    return { locked: false, restore: async () => rm(file, { force: true }) };
  }
  const base = join(stateFolder, 'locks', sha256(folder).slice(0, 24));
  const kept = `${base}.toml`;
  const marker = `${base}.made`;
  if ((await exists(file)) && !(await exists(marker))) return OWN;
  const lock = await waitForLock(`${base}.lock`, signal, 24 * 3600 * 1000);
  const release = async (): Promise<void> => lock?.release();
  if (await exists(file)) {
    const left = await readFile(marker, 'utf8').catch(() => '');
    const ours =
      left !== '' && left === (await hashOf(file)) && (await gitLine(folder, ['ls-files', '--', 'Cargo.lock'])) === '';
    if (!ours) {
      await rm(marker, { force: true });
      await release();
      return OWN;
    }
    await rm(file, { force: true });
  }
  if (await exists(kept)) {
    // A full disk: the file is removed all the same, only a killed run would leave it unrecognised.
    await writeAtomically(marker, (await hashOf(kept)) ?? '').catch(() => undefined);
    await copyFile(kept, file).catch(() => undefined);
  } else await writeAtomically(marker, '').catch(() => undefined);
  let restored = false;
  return {
    locked: false,
    restore: async () => {
      if (restored) return;
      restored = true;
      const hash = await hashOf(file);
      if (hash !== null) {
        await writeAtomically(marker, hash).catch(() => undefined);
        // Half a copy must not be the next run's resolution.
        await copyFile(file, kept).catch(async () => rm(kept, { force: true }));
        await rm(file, { force: true });
      }
      await rm(marker, { force: true });
      await release();
    },
  };
}
