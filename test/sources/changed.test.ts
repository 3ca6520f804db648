import { unlinkSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  changedFiles,
  listAtCommit,
  mergeBase,
  readAtCommit,
  readBlobs,
  upstreamBase,
} from '../../src/sources/index.js';
import { Repository } from './repository.js';

const LINES = Array.from({ length: 20 }, (_, i) => `line ${i}`).join('\n');

// @verifies AC-scan-changed-files
describe('changedFiles', () => {
  it('tells modified, added, deleted and renamed files, untracked ones too', async () => {
    using repository = new Repository({
      'same.ts': 's',
      'modified.ts': 'm',
      'gone.ts': 'g',
      'moved.ts': 'exactly this',
      'edited.ts': LINES,
    });
    repository.commit();
    repository.write('modified.ts', 'M');
    repository.write('untracked.ts', 'u');
    repository.write('staged.ts', 'st');
    repository.git('add', 'staged.ts');
    unlinkSync(join(repository.root, 'gone.ts'));
    renameSync(join(repository.root, 'moved.ts'), join(repository.root, 'elsewhere.ts'));
    unlinkSync(join(repository.root, 'edited.ts'));
    repository.write('src/edited.ts', LINES.replace('line 3', 'line three'));
    const changed = await changedFiles(repository.root, 'HEAD');
    expect(changed).toEqual({
      ok: true,
      value: [
        { path: 'elsewhere.ts', status: 'renamed', from: 'moved.ts' },
        { path: 'gone.ts', status: 'deleted' },
        { path: 'modified.ts', status: 'modified' },
        { path: 'src/edited.ts', status: 'renamed', from: 'edited.ts' },
        { path: 'staged.ts', status: 'added' },
        { path: 'untracked.ts', status: 'added' },
      ],
    });
  });

  it('compares with any commit and takes an untouched file under a filter for unchanged', async () => {
    using repository = new Repository({ 'a.txt': 'text\n', 'b.ts': 'b', '.gitattributes': '*.txt filter=up\n' });
    repository.git('config', 'filter.up.clean', 'tr a-z A-Z');
    repository.commit();
    repository.settle();
    repository.write('b.ts', 'c');
    repository.commit('second');
    expect(await changedFiles(repository.root, 'HEAD')).toEqual({ ok: true, value: [] });
    expect(await changedFiles(repository.root, 'HEAD~1')).toEqual({
      ok: true,
      value: [{ path: 'b.ts', status: 'modified' }],
    });
  });

  it.each(['no-such-ref', '--output=/tmp/x', '', 'HEAD:a.ts'])('refuses %j, which names no commit', async (ref) => {
    using repository = new Repository({ 'a.ts': 'a' });
    repository.commit();
    const changed = await changedFiles(repository.root, ref);
    expect(changed.ok ? null : changed.failures[0]?.kind).toBe('usage');
  });
});

// @verifies AC-scan-commits-as-data
describe('commits', () => {
  it('are listed and read without a check-out, relative to the root', async () => {
    using repository = new Repository({ 'packages/a/specs/x.yaml': 'id: x\n', 'other.ts': 'o' });
    const commit = repository.commit();
    repository.write('packages/a/specs/x.yaml', 'changed');
    const root = join(repository.root, 'packages/a');
    const listed = await listAtCommit(root, commit);
    expect(listed.ok ? listed.value.map((file) => file.path) : listed).toEqual(['specs/x.yaml']);
    expect((await readAtCommit(root, commit, 'specs/x.yaml'))?.toString()).toBe('id: x\n');
    expect(await readAtCommit(root, commit, 'specs/none.yaml')).toBeNull();
    const blob = listed.ok ? (listed.value[0]?.blob ?? '') : '';
    expect((await readBlobs(root, [blob, '0'.repeat(40)])).get(blob)?.toString()).toBe('id: x\n');
  });

  it('have merge bases', async () => {
    using repository = new Repository({ 'a.ts': 'a' });
    const base = repository.commit();
    repository.git('checkout', '-q', '-b', 'feature');
    repository.write('b.ts', 'b');
    const tip = repository.commit();
    expect(await mergeBase(repository.root, 'main', 'feature')).toBe(base);
    expect(await mergeBase(repository.root, 'main', 'nowhere')).toBeNull();
    expect(await upstreamBase(repository.root)).toBeNull();
    repository.git('update-ref', 'refs/remotes/origin/main', base);
    expect(await upstreamBase(repository.root)).toBe(base);
    expect(tip).not.toBe(base);
  });
});
