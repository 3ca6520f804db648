/**
 * Where a session's warm target directory is. Pure functions of their arguments.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** `COHERENCE_CACHE_DIR`, else `$XDG_CACHE_HOME/coherence`, else `~/.cache/coherence` (contract, section 2). */
export function cacheRoot(env: Environment): string {
  const own = env['COHERENCE_CACHE_DIR'];
  if (own !== undefined && own !== '') return own;
  const shared = env['XDG_CACHE_HOME'];
  if (shared !== undefined && shared !== '') return join(shared, 'coherence');
  return join(env['HOME'] ?? '/', '.cache', 'coherence');
}

const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A session id as a part of a folder's name: itself where it is harmless, else a hash, so no id can lead out of the cache. */
export const safeSession = (sessionId: string): string =>
  PLAIN.test(sessionId) ? sessionId : `h-${createHash('sha256').update(sessionId).digest('hex').slice(0, 16)}`;

/** `<cache>/target-<safe session>`. */
export const warmTargetDir = (sessionId: string, env: Environment = process.env): string =>
  join(cacheRoot(env), `target-${safeSession(sessionId)}`);

/** What a worker's cargo gets: nothing, or exactly the one pair CARGO_TARGET_DIR. */
export const workerCargoEnv = (
  sessionId: string,
  speculative: boolean,
  env: Environment = process.env,
): [string, string][] => (speculative ? [['CARGO_TARGET_DIR', warmTargetDir(sessionId, env)]] : []);
