/** Where a user's things are outside any project, as the XDG base directory specification says. Finding out creates nothing. */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that names a folder: unset, empty and (as the XDG specification says) relative ones do not count. */
export const absolute = (value: string | undefined): string | null =>
  value !== undefined && isAbsolute(value) ? value : null;

/** A variable of our own that names a folder: relative ones are meant from the caller's folder. */
export const given = (value: string | undefined, cwd: string): string | null =>
  value === undefined || value === '' ? null : resolve(cwd, value);

export const homeOf = (env: Environment): string => absolute(env['HOME']) ?? homedir();

/** What can be made again at any time. */
export const cacheFolder = (env: Environment, cwd: string): string =>
  given(env['COHERENCE_CACHE_DIR'], cwd) ??
  join(absolute(env['XDG_CACHE_HOME']) ?? join(homeOf(env), '.cache'), 'coherence');
