/**
 * Finds a Dolt that we can use: `store.dolt_bin`, then PATH, then our cache. Looking never installs anything.
 */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../model/index.js';
import { writeAtomically } from '../../util/files.js';
import { capture, findProgram } from '../../util/process.js';
import type { StorePlace } from '../place.js';
import { DOLT_MINIMUM, DOLT_VERSION, noDolt } from './failures.js';

export interface DoltBinary {
  readonly path: string;
  readonly version: string;
  readonly from: 'store.dolt_bin' | 'PATH' | 'cache';
}

export const cachedBinary = (cache: string, version = DOLT_VERSION): string => join(cache, 'dolt', version, 'dolt');

/** True when dotted `version` is at least `minimum`. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [have, want] = [version, minimum].map((text) => text.split('.').map(Number));
  for (let at = 0; at < Math.max(have?.length ?? 0, want?.length ?? 0); at += 1) {
    const difference = (have?.[at] ?? 0) - (want?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Asks a program for its version; null when it is no Dolt. The answer is remembered by size and time of the file, since
 * asking takes longer than everything else that a command does with the store.
 */
export async function versionOf(path: string, cache: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  const memory = join(cache, 'dolt', 'versions.json');
  const key = `${path}:${found.size}:${found.mtimeMs}`;
  const known = await readFile(memory, 'utf8').then(
    (text) => JSON.parse(text) as Record<string, unknown>,
    () => ({}) as Record<string, unknown>,
  );
  if (typeof known[key] === 'string') return known[key];
  // An own, empty home: no metrics, no look at the user's settings, no question about newer releases.
  const home = join(cache, 'dolt', 'home');
  await writeDoltHome(home);
  const answer = await capture({
    command: [path, 'version'],
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, DOLT_ROOT_PATH: home },
    timeoutMs: 20_000,
  });
  const version = /^dolt version (\d+\.\d+\.\d+)/m.exec(answer.stdout)?.[1];
  if (!answer.ok || version === undefined) return null;
  await writeAtomically(memory, `${JSON.stringify({ ...known, [key]: version })}\n`).catch(() => undefined);
  return version;
}

/** Dolt's global settings in a folder of ours: it reports nothing and asks nobody for newer versions. */
export async function writeDoltHome(home: string): Promise<void> {
  const path = join(home, '.dolt', 'config_global.json');
  const wanted = `${JSON.stringify({ 'metrics.disabled': 'true', 'versioncheck.disabled': 'true', 'user.name': 'coherence', 'user.email': 'coherence@localhost' })}\n`;
  if ((await readFile(path, 'utf8').catch(() => null)) !== wanted) await writeAtomically(path, wanted, 0o600);
}

/** The program to use. Failure `unavailable`, which says what was looked at and how to get one. */
export async function findDolt(place: Pick<StorePlace, 'doltBin' | 'cache' | 'env'>): Promise<Result<DoltBinary>> {
  const seen: string[] = [];
  const judge = async (path: string, from: DoltBinary['from']): Promise<DoltBinary | null> => {
    const version = await versionOf(path, place.cache);
    if (version !== null && isAtLeast(version, DOLT_MINIMUM)) return { path, version, from };
    seen.push(`${path} is ${version === null ? 'no working dolt' : `dolt ${version}, older than ${DOLT_MINIMUM}`}`);
    return null;
  };
  if (place.doltBin !== null) {
    // What the user named is used or reported, never passed over.
    const named = await findProgram(place.doltBin, place.env['PATH']);
    if (named === null) return failure(noDolt(`store.dolt_bin names ${place.doltBin}, which is no program`));
    const found = await judge(named, 'store.dolt_bin');
    return found === null ? failure(noDolt(seen.join('; '))) : success(found);
  }
  const cached = cachedBinary(place.cache);
  const onPath = await findProgram('dolt', place.env['PATH']);
  if (onPath !== null) {
    const found = await judge(onPath, 'PATH');
    if (found !== null) return success(found);
  }
  // Our own installation carries its version in its path: it was checked when it was put there.
  if (
    await stat(cached).then(
      (file) => file.isFile() && (file.mode & 0o100) !== 0,
      () => false,
    )
  )
    return success({ path: cached, version: DOLT_VERSION, from: 'cache' });
  return failure(noDolt(seen.join('; ')));
}
