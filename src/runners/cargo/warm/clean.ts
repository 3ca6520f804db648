/** Removing warm target directories that are old or too many, the least recently used first. */
import { lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { takeLock } from '../../../util/lock.js';
import { directoryLock } from '../target-session.js';
import { safeSession } from './target-directory.js';

export interface CleanOptions {
  /** `cargo.warm_max_bytes`: what all warm directories together may take. */
  readonly maxBytes: number;
  /** `cargo.warm_ttl_hours`: unused for longer is removed. */
  readonly ttlHours: number;
  /** Sessions with a live or queued run: their directories stay. */
  readonly live: readonly string[];
  readonly now?: Date;
  /** Only say what would go. */
  readonly dryRun?: boolean;
}

export interface CleanedDirectory {
  readonly directory: string;
  readonly bytes: number;
  readonly why: 'ttl' | 'size' | 'left-over';
}

export interface CleanReport {
  readonly removed: readonly CleanedDirectory[];
  /** Directories that stay because a run uses them or lives. */
  readonly kept: readonly string[];
  /** What the remaining ones take. */
  readonly bytes: number;
}

async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  const seen = new Set<number>();
  const visit = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      const below = join(path, entry.name);
      const found = await lstat(below).catch(() => null);
      if (found === null) continue;
      if (entry.isDirectory()) await visit(below);
      // Cargo links artifacts hard into place: one file under several names.
      else if (found.nlink === 1 || !seen.has(found.ino)) {
        seen.add(found.ino);
        total += found.blocks * 512;
      }
    }
  };
  await visit(folder);
  return total;
}

/** Renamed first, so that nobody finds a half-removed directory under its name; only while nobody holds its lock. */
async function remove(directory: string): Promise<boolean> {
  const lock = await takeLock(directoryLock(directory)).catch(() => null);
  if (lock === null || !lock.taken) return false;
  try {
    const doomed = `${directory}.removing-${process.pid}`;
    await rename(directory, doomed);
    await rm(doomed, { recursive: true, force: true, maxRetries: 3 });
    return true;
  } catch {
    return false;
  } finally {
    await lock.lock.release();
  }
}

export async function cleanWarm(cacheFolder: string, options: CleanOptions): Promise<CleanReport> {
  const now = (options.now ?? new Date()).getTime();
  const live = new Set(options.live.map((session) => `target-${safeSession(session)}`));
  const removed: CleanedDirectory[] = [];
  const kept: string[] = [];
  const drop = async (directory: string, bytes: number, why: CleanedDirectory['why']): Promise<boolean> => {
    if (options.dryRun !== true && !(await remove(directory))) return false;
    removed.push({ directory, bytes, why });
    return true;
  };
  for (const name of await readdir(join(cacheFolder, 'cargo')).catch(() => [])) {
    // Cold directories end with their run; one whose lock is free was left by a killed one.
    const directory = join(cacheFolder, 'cargo', name);
    if (name.startsWith('cold-')) await drop(directory, await sizeOf(directory), 'left-over');
  }
  const candidates: { directory: string; usedMs: number; bytes: number; live: boolean }[] = [];
  const names = [
    ...(await readdir(cacheFolder).catch(() => [])).map((name) => ({ name, directory: join(cacheFolder, name) })),
    ...(await readdir(join(cacheFolder, 'cargo')).catch(() => []))
      .filter((name) => name.startsWith('private-'))
      .map((name) => ({ name, directory: join(cacheFolder, 'cargo', name) })),
  ];
  for (const { name, directory } of names) {
    if (/^target-.+\.removing-\d+$/u.test(name)) {
      if (options.dryRun !== true) await rm(directory, { recursive: true, force: true });
      continue;
    }
    if (!name.startsWith('target-') && !name.startsWith('private-')) continue;
    const found = await lstat(directory).catch(() => null);
    if (found === null || !found.isDirectory()) continue;
    const used = await stat(directoryLock(directory)).then(
      (lock) => lock.mtimeMs,
      () => found.mtimeMs,
    );
    candidates.push({ directory, usedMs: used, bytes: await sizeOf(directory), live: live.has(name) });
  }
  candidates.sort((left, right) => left.usedMs - right.usedMs);
  let bytes = candidates.reduce((sum, candidate) => sum + candidate.bytes, 0);
  for (const candidate of candidates) {
    const why =
      now - candidate.usedMs > options.ttlHours * 3_600_000 ? 'ttl' : bytes > options.maxBytes ? 'size' : null;
    if (why === null) continue;
    if (!candidate.live && (await drop(candidate.directory, candidate.bytes, why))) bytes -= candidate.bytes;
    else kept.push(candidate.directory);
  }
  return { removed, kept, bytes };
}
