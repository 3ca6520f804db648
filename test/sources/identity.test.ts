import { chmodSync, cpSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sourceIdentity } from '../../src/sources/index.js';
import { Repository } from './repository.js';

// @verifies AC-scan-identity
describe('sourceIdentity', () => {
  it('is the same before and after a commit, with a fresh or a stale index, and in a copy without git', async () => {
    using repository = new Repository({ 'a.ts': 'a', 'src/b.ts': 'b' });
    const untracked = await sourceIdentity(repository.root);
    expect(untracked).toMatchObject({ commit: null, dirty: true });
    const commit = repository.commit();
    const committed = await sourceIdentity(repository.root);
    expect(committed).toEqual({ commit, dirty: false, tree: untracked.tree });
    repository.settle();
    expect(await sourceIdentity(repository.root)).toEqual(committed);
    using copy = new Repository({}, { git: false });
    for (const name of ['a.ts', 'src']) cpSync(join(repository.root, name), join(copy.root, name), { recursive: true });
    expect(await sourceIdentity(copy.root)).toEqual({ commit: null, dirty: true, tree: untracked.tree });
  });

  it.each<[string, (repository: Repository) => void]>([
    ['content', (repository) => repository.write('a.ts', 'b')],
    [
      'content of a staged file',
      (repository) => {
        repository.write('a.ts', 'b');
        repository.git('add', 'a.ts');
      },
    ],
    ['a new file', (repository) => repository.write('new.ts', '')],
    ['a removed file', (repository) => unlinkSync(join(repository.root, 'a.ts'))],
    ['a mode', (repository) => chmodSync(join(repository.root, 'a.ts'), 0o755)],
    [
      'a file that became a symlink',
      (repository) => {
        unlinkSync(join(repository.root, 'a.ts'));
        symlinkSync('src/b.ts', join(repository.root, 'a.ts'));
      },
    ],
    ['a vendored file', (repository) => repository.write('vendor/v.ts', 'changed')],
    [
      'a file that git was told to overlook',
      (repository) => {
        repository.git('update-index', '--assume-unchanged', 'a.ts');
        repository.write('a.ts', 'b');
      },
    ],
  ])('changes with %s', async (_, change) => {
    using repository = new Repository({ 'a.ts': 'a', 'src/b.ts': 'b', 'vendor/v.ts': 'v' });
    repository.commit();
    repository.settle();
    const before = await sourceIdentity(repository.root);
    change(repository);
    const after = await sourceIdentity(repository.root);
    expect(after.tree).not.toBe(before.tree);
    expect([before.dirty, after.dirty]).toEqual([false, true]);
    expect(after.commit).toBe(before.commit);
  });

  it.each<[string, (repository: Repository) => void]>([
    ['evidence', (repository) => repository.write('.coherence/runs/1/run.json', '{}')],
    ['ignored files', (repository) => repository.write('ignored.log', 'x')],
  ])('does not change with %s', async (_, change) => {
    using repository = new Repository({ 'a.ts': 'a', '.gitignore': '*.log\n' });
    repository.commit();
    const before = await sourceIdentity(repository.root);
    change(repository);
    expect(await sourceIdentity(repository.root)).toEqual(before);
  });

  it('sees a change inside a submodule', async () => {
    using inner = new Repository({ 'inner.ts': 'i' });
    inner.commit();
    using repository = new Repository({ 'a.ts': 'a' });
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
    repository.commit();
    const before = await sourceIdentity(repository.root);
    repository.write('sub/inner.ts', 'changed');
    expect((await sourceIdentity(repository.root)).tree).not.toBe(before.tree);
  });
});
