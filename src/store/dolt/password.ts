import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failure, success, type Result } from '../../model/index.js';
import { errorCode, exists, writeAtomically } from '../../util/files.js';
import { damaged } from './failures.js';
import type { ServerPaths } from './paths.js';

/** The root password of our server. Failure: `damaged-state`. */
export async function readPassword(paths: ServerPaths): Promise<Result<string>> {
  try {
    if (((await stat(paths.password)).mode & 0o077) !== 0)
      return failure(damaged(`${paths.password} can be read by others.`, `Run: chmod 600 ${paths.password}`));
    const text = (await readFile(paths.password, 'utf8')).trim();
    if (/^[0-9a-f]{48}$/.test(text)) return success(text);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  return failure(
    damaged(
      `The password of the store's server, ${paths.password}, is missing or unreadable.`,
      `Remove ${join(paths.data, '.doltcfg')}: a new password is then made; the data stays.`,
    ),
  );
}

/** The password, made first where no server ran yet. Called under the start lock. */
export async function ensurePassword(paths: ServerPaths): Promise<Result<string>> {
  const known = (await exists(paths.password)) || (await exists(join(paths.data, '.doltcfg', 'privileges.db')));
  if (!known) await writeAtomically(paths.password, `${randomBytes(24).toString('hex')}\n`, 0o600);
  return readPassword(paths);
}
