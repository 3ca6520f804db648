import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../../src/runners/cargo/folder.js';
import { guardLockFile } from '../../../src/runners/cargo/lock-file.js';
import { folder, type Folder } from './rig.js';

const never = new AbortController().signal;

describe('the lock file of a workspace that has none', () => {
  let tree: Folder;
  let cache: Folder;
  beforeEach(async () => {
    tree = await folder();
    cache = await folder();
  });
  afterEach(async () => {
    await tree.remove();
    await cache.remove();
  });

  // @verifies AC-cargo-clean-tree, AC-cargo-warm-cold
  it('goes with the run, also where the cache cannot be written; one of the user’s own stays', async () => {
    await cache.write({ file: '' });
    for (const state of [null, join(cache.path, 'file', 'cargo'), '/proc/sys/cargo']) {
      const guard = await guardLockFile(tree.path, state, never);
      expect(guard.locked).toBe(false);
      await writeFile(join(tree.path, 'Cargo.lock'), 'made by cargo');
      await guard.restore();
      expect(await readdir(tree.path)).toEqual([]);
    }
    await writeFile(join(tree.path, 'Cargo.lock'), 'the user’s');
    for (const state of [null, join(cache.path, 'file', 'cargo'), join(cache.path, 'state')]) {
      const guard = await guardLockFile(tree.path, state, never);
      expect(guard.locked).toBe(true);
      await guard.restore();
      expect(await readFile(join(tree.path, 'Cargo.lock'), 'utf8')).toBe('the user’s');
    }
  });

  // @verifies AC-cargo-clean-tree
  it('is put back for the next run, which resolves the same versions', async () => {
    const state = join(cache.path, 'cargo');
    const first = await guardLockFile(tree.path, state, never);
    await writeFile(join(tree.path, 'Cargo.lock'), 'resolved');
    await first.restore();
    const second = await guardLockFile(tree.path, state, never);
    expect([second.locked, await readFile(join(tree.path, 'Cargo.lock'), 'utf8')]).toEqual([false, 'resolved']);
    await second.restore();
    await second.restore();
    expect(await readdir(tree.path)).toEqual([]);
  });

  it('a folder that a file system refuses is an error, not an endless attempt', async () => {
    await expect(makeFolder('/proc/sys/a/b/c')).rejects.toThrow(/ENOENT|EACCES|EPERM|EROFS/);
    await expect(makeFolder(join(cache.path, 'x'))).resolves.toBeUndefined();
    await expect(makeFolder(join(cache.path, 'x', 'y', 'z'))).resolves.toBeUndefined();
    await writeFile(join(cache.path, 'file'), '');
    await expect(makeFolder(join(cache.path, 'file'))).rejects.toThrow('EEXIST');
  });
});
