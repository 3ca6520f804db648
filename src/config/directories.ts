/** Where things live outside the project. Finding out creates nothing; `ensure…` does. */
import { realpathSync, statSync } from 'node:fs';
import { lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { failure, success, type Result } from '../model/index.js';
import { errorCode, findUp, readRegularText } from '../util/files.js';
import { sha256 } from '../util/hash.js';
import { absolute, cacheFolder, given, homeOf, type Environment } from '../util/user-folders.js';

export { cacheFolder, homeOf, type Environment };

/** Absolute paths; none needs to exist. */
export interface Directories {
  /** What must survive `git clean`: verdict cache, Dolt data, journal, worktrees, logs. One for all worktrees of a clone. */
  readonly state: string;
  /** What can be made again. */
  readonly cache: string;
  /** For sockets; call `ensureSocketFolder` before use. */
  readonly sockets: string;
}

export const userConfigPath = (env: Environment): string =>
  join(absolute(env['XDG_CONFIG_HOME']) ?? join(homeOf(env), '.config'), 'coherence', 'config.yaml');

export async function resolveDirectories(options: {
  readonly root: string;
  readonly slug: string;
  readonly cwd: string;
  readonly env: Environment;
}): Promise<Directories> {
  const { env, cwd } = options;
  const common = await gitCommonDir(options.root);
  const name = `${options.slug}-${sha256(common ?? realpathSync.native(options.root)).slice(0, 12)}`;
  return {
    state:
      given(env['COHERENCE_STATE_DIR'], cwd) ??
      join(absolute(env['XDG_STATE_HOME']) ?? join(homeOf(env), '.local', 'state'), 'coherence', name),
    cache: cacheFolder(env, cwd),
    sockets: socketFolder(env),
  };
}

export function socketFolder(env: Environment): string {
  const runtime = absolute(env['XDG_RUNTIME_DIR']);
  if (runtime !== null) return join(runtime, 'coherence');
  return join(absolute(env['TMPDIR']) ?? tmpdir(), `coherence-${process.getuid?.() ?? 0}`);
}

/** Real path of the git directory that all worktrees of a clone share, or null outside git. Asks no program. */
export async function gitCommonDir(root: string): Promise<string | null> {
  const top = await findUp(root, '.git');
  if (top === null) return null;
  const entry = join(top, '.git');
  try {
    if (statSync(entry).isDirectory()) return realpathSync.native(entry);
    const pointer = /^gitdir: (.+?)\r?\n?$/.exec(readRegularText(entry) ?? '')?.[1];
    if (pointer === undefined) return null;
    const folder = resolve(top, pointer);
    const common = readRegularText(join(folder, 'commondir'));
    return realpathSync.native(common === null ? folder : resolve(folder, common.trim()));
  } catch {
    return null;
  }
}

/** Makes the state folder (0700). Failure `damaged-state` when it cannot be made, is no folder or is not ours. */
export const ensureStateFolder = async (path: string): Promise<Result<string>> =>
  ensureFolder(path, 'state folder', 'Set COHERENCE_STATE_DIR to a folder of yours.', false);

/** Makes the cache folder (0700). There is no fallback to a temporary folder. */
export const ensureCacheFolder = async (path: string): Promise<Result<string>> =>
  ensureFolder(path, 'cache folder', 'Set COHERENCE_CACHE_DIR to a folder of yours.', false);

/** Makes the socket folder, or checks the one that is there: a real folder, ours, closed to others; anything else is refused. */
export const ensureSocketFolder = async (path: string): Promise<Result<string>> =>
  ensureFolder(path, 'socket folder', 'Remove it, or set XDG_RUNTIME_DIR to a folder of yours.', true);

async function ensureFolder(path: string, what: string, hint: string, strict: boolean): Promise<Result<string>> {
  const refuse = (why: string): Result<string> =>
    failure({ kind: 'damaged-state', message: `The ${what} ${path} ${why}.`, hint, file: path });
  try {
    // The parent may be made with parents; the folder itself is made alone, so that a symlink put there meanwhile is not followed.
    await mkdir(dirname(path), { recursive: true, mode: strict ? 0o755 : 0o700 });
    await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (errorCode(error) !== 'EEXIST') throw error;
    });
    const found = strict ? await lstat(path) : await stat(path);
    if (!found.isDirectory()) return refuse(found.isSymbolicLink() ? 'is a symlink' : 'is not a folder');
    if (process.getuid !== undefined && found.uid !== process.getuid()) return refuse('belongs to another user');
    if (strict && (found.mode & 0o777) !== 0o700)
      return refuse(`has mode ${(found.mode & 0o777).toString(8)}, not 700`);
    return success(path);
  } catch (error) {
    return refuse(`cannot be made (${errorCode(error) || String(error)})`);
  }
}
