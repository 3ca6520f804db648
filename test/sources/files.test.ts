import { createHash } from 'node:crypto';
import { renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blobId, listFiles } from '../../src/sources/index.js';
import { Repository } from './repository.js';

const paths = async (root: string, extraIgnores?: readonly string[]): Promise<string[]> =>
  (await listFiles(root, extraIgnores === undefined ? {} : { extraIgnores })).map((file) => file.path);

// @verifies AC-scan-sources-listed
describe('listFiles', () => {
  it('lists tracked and untracked files, without what is ignored, vendored, evidence or another project', async () => {
    using repository = new Repository({
      '.gitignore': 'ignored/\n*.log\n',
      'src/a.ts': 'a',
      'ignored/b.ts': 'b',
      'x.log': 'x',
      'node_modules/m/index.js': 'm',
      'vendor/v.go': 'v',
      'lib/third_party/t.c': 't',
      '.coherence/project.toml': 'p',
      '.coherence/runs/1/run.json': '{}',
      'fixtures/demo/.coherence/project.toml': 'p',
      'fixtures/demo/a.test.ts': 'a',
      'names/with space\n and ü.txt': 'n',
    });
    repository.git('add', '-f', 'vendor/v.go', 'src/a.ts', '.coherence/runs/1/run.json');
    expect(await paths(repository.root)).toEqual([
      '.coherence/project.toml',
      '.gitignore',
      'names/with space\n and ü.txt',
      'src/a.ts',
    ]);
  });

  it('lists the same outside git', async () => {
    using folder = new Repository(
      {
        '.gitignore': 'ignored/\n',
        'src/a.ts': 'a',
        'src/.gitignore': 'b.ts\n',
        'src/b.ts': 'b',
        'ignored/b.ts': 'b',
        'node_modules/m/index.js': 'm',
        'vendor/v.go': 'v',
      },
      { git: false },
    );
    expect(await paths(folder.root)).toEqual(['.gitignore', 'src/.gitignore', 'src/a.ts']);
  });

  it('lists symlinks and follows none', async () => {
    using outside = new Repository({ 'secret/a.test.ts': 's' }, { git: false });
    for (const git of [true, false]) {
      using repository = new Repository({ 'a.ts': 'a' }, { git });
      symlinkSync(join(outside.root, 'secret'), join(repository.root, 'folder'));
      symlinkSync('a.ts', join(repository.root, 'link.ts'));
      const files = await listFiles(repository.root);
      expect(files.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
        '100644 a.ts',
        '120000 folder',
        '120000 link.ts',
      ]);
    }
  });

  it('does not list a tracked file behind a folder that became a symlink', async () => {
    using outside = new Repository({ 'a.ts': 'other' }, { git: false });
    using repository = new Repository({ 'src/a.ts': 'a' });
    repository.commit();
    repository.git('rm', '-q', '-r', '--cached', 'src');
    using moved = new Repository({}, { git: false });
    repository.git('reset', '-q');
    renameSync(join(repository.root, 'src'), join(moved.root, 'src'));
    symlinkSync(outside.root, join(repository.root, 'src'));
    expect((await listFiles(repository.root)).map((file) => `${file.mode} ${file.path}`)).toEqual(['120000 src']);
  });

  it('leaves out submodules and repositories inside', async () => {
    using inner = new Repository({ 'inner.ts': 'i' });
    inner.commit();
    using repository = new Repository({ 'a.ts': 'a' });
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
    repository.git('clone', '-q', inner.root, 'clone');
    expect(await paths(repository.root)).toEqual(['.gitmodules', 'a.ts']);
  });

  it('takes further globs', async () => {
    using repository = new Repository({
      'a.ts': '',
      'x/a.gen.ts': '',
      'x/y/b.ts': '',
      'x/z/b.js': '',
      'docs/c.md': '',
      'docs/deep/c.md': '',
    });
    expect(await paths(repository.root, ['*.gen.ts'])).not.toContain('x/a.gen.ts');
    expect(await paths(repository.root, ['x/**/*.{ts,js}'])).toEqual(['a.ts', 'docs/c.md', 'docs/deep/c.md']);
    expect(await paths(repository.root, ['docs/', '/a.ts'])).toEqual(['x/a.gen.ts', 'x/y/b.ts', 'x/z/b.js']);
  });

  it('lists the files of a project in a subfolder of a repository', async () => {
    using repository = new Repository({ 'packages/a/src/x.ts': 'x', 'other.ts': 'o' });
    repository.commit();
    expect(await paths(join(repository.root, 'packages/a'))).toEqual(['src/x.ts']);
  });
});

// @verifies AC-scan-blob-ids
describe('blob ids', () => {
  it('are git’s for untouched files, and unknown as soon as a file may have changed', async () => {
    using repository = new Repository({ 'a.ts': 'aaa', 'b.ts': 'bbb' });
    repository.commit();
    repository.settle();
    const before = await listFiles(repository.root);
    expect(before.map((file) => file.blob)).toEqual([blobId(Buffer.from('aaa')), blobId(Buffer.from('bbb'))]);
    repository.write('a.ts', 'AAA'); // the same length
    const after = await listFiles(repository.root);
    expect(after.map((file) => file.blob)).toEqual([null, blobId(Buffer.from('bbb'))]);
  });

  it('are not believed for files as young as the index', async () => {
    using repository = new Repository({ 'a.ts': 'aaa' });
    repository.commit();
    repository.settle(); // to a whole second, so that both times can be made equal
    const written = new Date('2020-01-01T00:00:00');
    expect((await listFiles(repository.root))[0]?.blob).not.toBeNull();
    utimesSync(join(repository.root, '.git/index'), written, written);
    expect((await listFiles(repository.root))[0]?.blob).toBeNull();
  });

  it.each([
    ['a filter', '*.txt filter=up\n'],
    ['an encoding', '*.txt working-tree-encoding=UTF-16\n'],
    ['line ends', '* text=auto\n'],
    ['a macro', '[attr]m filter=up\n*.txt m\n'],
  ])('are those of the bytes on disk although %s makes the blob another', async (_, attributes) => {
    using repository = new Repository({ 'a.txt': 'one\ntwo\n', '.gitattributes': attributes });
    repository.git('config', 'filter.up.clean', 'tr a-z A-Z');
    if (attributes.includes('text=auto')) repository.write('a.txt', 'one\r\ntwo\r\n');
    else if (attributes.includes('UTF-16')) {
      writeFileSync(join(repository.root, 'a.txt'), Buffer.from('\ufeffone\ntwo\n', 'utf16le'));
    }
    repository.commit();
    repository.settle();
    const file = (await listFiles(repository.root)).find(({ path }) => path === 'a.txt');
    expect(file?.blob).toBeNull();
  });

  it('stay believed under line-end rules that change nothing', async () => {
    using repository = new Repository({ 'a.txt': 'one\ntwo\n', '.gitattributes': '* text=auto eol=lf\n' });
    repository.commit();
    repository.settle();
    const file = (await listFiles(repository.root)).find(({ path }) => path === 'a.txt');
    expect(file?.blob).toBe(createHash('sha1').update('blob 8\0one\ntwo\n').digest('hex'));
  });
});
