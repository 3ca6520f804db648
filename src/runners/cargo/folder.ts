/** Folders of the cache, which may be unwritable: whatever cannot be kept there is done without. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../../util/files.js';

/**
 * Makes a folder and its parents; rejects with the system's error. Not `mkdir({ recursive: true })`: where a file system refuses
 * with ENOENT (procfs does), that one tries again for ever.
 */
export async function makeFolder(path: string): Promise<void> {
  for (const last of [false, true]) {
    try {
      await mkdir(path);
      return;
    } catch (error) {
      if (errorCode(error) === 'EEXIST' && (await stat(path)).isDirectory()) return;
      if (errorCode(error) !== 'ENOENT' || last || dirname(path) === path) throw error;
      await makeFolder(dirname(path));
    }
  }
}
