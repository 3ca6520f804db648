/** What tells clones apart that share one server: a random name in each state folder. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../../util/files.js';

/** Table of a clone's bases in its own server. */
export const SYNC_TABLE = 'sync_state';
const FORM = /^[0-9a-f]{16}$/;

/** 16 hex digits, made when first needed. Two processes at once agree: a link never replaces a file. */
export async function cloneId(state: string): Promise<string> {
  const path = join(state, 'clone-id');
  const known = async (): Promise<string | null> => {
    const text = (await readFile(path, 'utf8').catch(() => '')).trim();
    return FORM.test(text) ? text : null;
  };
  const there = await known();
  if (there !== null) return there;
  const fresh = randomBytes(8).toString('hex');
  const temporary = `${path}.${fresh}`;
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writeFile(temporary, `${fresh}\n`, { mode: 0o600 });
  try {
    await link(temporary, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return (await known()) ?? fresh;
}
