import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cloneTree, removeTree } from '../../../src/places/docker/copy.js';
import { resolveInputs } from '../../../src/places/docker/inputs.js';
import { byLastUse, forgetLayers, touchLayers } from '../../../src/places/docker/recency.js';
import { cleanReports, makeReports } from '../../../src/places/docker/reports.js';
import { freeze, freezeFor, manifestHash, type Frozen } from '../../../src/places/docker/source.js';
import { git } from '../../../src/util/git.js';

const never = new AbortController().signal;
let base = '';
let root = '';

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'coherence-source-'));
  root = join(base, 'root');
  await mkdir(root);
});
afterEach(async () => removeTree(base));

const put = async (path: string, text: string): Promise<void> => {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), text);
};
const frozen = async (name = 'frozen'): Promise<Frozen> => {
  const done = await freeze(root, join(base, name), never);
  if (!done.ok) throw new Error(done.message);
  return done.frozen;
};

describe('the frozen source', () => {
  // @verifies AC-docker-source
  it('holds tracked and untracked files, dotfiles, links and empty folders; not .git, ignored, deleted files or evidence', async () => {
    await git(root, ['init', '-q']);
    for (const path of [
      '.gitignore',
      'a.txt',
      '.dot/x',
      'ignored/y',
      'gone.txt',
      '.coherence/runs/1/run.json',
      '.coherence/config.yaml',
      'nested/-odd name\n.txt',
    ])
      await put(path, path === '.gitignore' ? 'ignored\n' : path);
    await symlink('../a.txt', join(root, '.dot', 'link'));
    await symlink('nowhere', join(root, 'dangling'));
    await mkdir(join(root, 'empty'));
    await git(root, ['add', 'gone.txt', 'a.txt']);
    await rm(join(root, 'gone.txt'));
    const found = await frozen();
    expect(found.paths).toEqual([
      '.coherence/config.yaml',
      '.dot/link',
      '.dot/x',
      '.gitignore',
      'a.txt',
      'dangling',
      'nested/-odd name\n.txt',
    ]);
    expect(found.folders).toEqual(['empty']);
    expect(await readlink(join(found.folder, '.dot', 'link'))).toBe('../a.txt');
    expect((await readdir(found.folder)).sort()).toEqual([
      '.coherence',
      '.dot',
      '.gitignore',
      'a.txt',
      'dangling',
      'empty',
      'nested',
    ]);
  });

  // @verifies AC-docker-source
  it('works without git', async () => {
    await put('a/b.txt', 'x');
    await mkdir(join(root, 'empty'));
    const found = await frozen();
    expect(found.paths).toEqual(['a/b.txt']);
    expect(await readdir(found.folder)).toEqual(['a', 'empty']);
  });

  // @verifies AC-docker-source
  it('its hash is that of path, mode and content, and of nothing else', async () => {
    await put('a', '1');
    await put('b', '2');
    const first = await manifestHash(await frozen('1'));
    await utimes(join(root, 'a'), 1, 1);
    expect(await manifestHash(await frozen('2'))).toBe(first);
    await chmod(join(root, 'a'), 0o755);
    const second = await manifestHash(await frozen('3'));
    await put('a', '12');
    const third = await manifestHash(await frozen('4'));
    await rm(join(root, 'b'));
    await symlink('2', join(root, 'b'));
    expect(new Set([first, second, third, await manifestHash(await frozen('5'))]).size).toBe(4);
  });

  // @verifies AC-docker-source-once
  it('a copy that fails says from where to where, and leaves nothing', async () => {
    await put('a', '1');
    const done = await freeze(root, join(base, 'f'), AbortSignal.abort());
    expect(done).toMatchObject({ ok: false, message: expect.stringContaining(root) as string });
    await expect(lstat(join(base, 'f'))).rejects.toThrow('ENOENT');
  });
});

describe('copies', () => {
  // @verifies AC-docker-cow
  it('keep content, modes, times, hard links and the text of links, and lead nowhere back', async () => {
    await put('a/file', 'content');
    await chmod(join(root, 'a/file'), 0o751);
    await utimes(join(root, 'a/file'), 1_000_000_000.5, 1_000_000_000.5);
    await link(join(root, 'a/file'), join(root, 'hard'));
    await symlink('a/file', join(root, 'soft'));
    const target = join(base, 'copy');
    expect(await cloneTree(root, target, never)).toEqual({ ok: true });
    const [before, after] = [await stat(join(root, 'a/file')), await stat(join(target, 'a/file'))];
    expect([after.mode, after.mtimeMs]).toEqual([before.mode, before.mtimeMs]);
    expect((await stat(join(target, 'hard'))).ino).toBe(after.ino);
    expect(after.ino).not.toBe(before.ino);
    expect(await readlink(join(target, 'soft'))).toBe('a/file');
    await writeFile(join(target, 'soft'), 'changed');
    expect(await readFile(join(root, 'a/file'), 'utf8')).toBe('content');
  });

  // @verifies AC-docker-cow
  it('never mix into what is there, and a failure keeps no half copy', async () => {
    await put('a', '1');
    await mkdir(join(base, 'there'));
    expect(await cloneTree(root, join(base, 'there'), never)).toMatchObject({
      ok: false,
      message: expect.stringContaining('there') as string,
    });
    const failed = await cloneTree(join(base, 'missing'), join(base, 'new'), never);
    expect(failed).toMatchObject({
      ok: false,
      message: expect.stringMatching(/missing.*new.*No such file/s) as string,
    });
    await expect(lstat(join(base, 'new'))).rejects.toThrow('ENOENT');
  });

  // @verifies AC-docker-source
  it('an environment may take a part of the source', async () => {
    for (const path of ['src/a', 'target/b', 'docs/c']) await put(path, path);
    const whole = await frozen();
    const part = await freezeFor(
      whole,
      { include: ['src', 'target'], exclude: ['target/'] },
      { kind: 'as-is' },
      join(base, 'part'),
      never,
    );
    expect(part).toMatchObject({ ok: true, frozen: { paths: ['src/a'] } });
    expect(
      await freezeFor(whole, { include: ['.'], exclude: [] }, { kind: 'as-is' }, join(base, 'same'), never),
    ).toEqual({
      ok: true,
      frozen: whole,
    });
    const open = await freezeFor(whole, { include: ['.'], exclude: [] }, { kind: 'open' }, join(base, 'open'), never);
    expect(open.ok && (await stat(join(base, 'open', 'src', 'a'))).mode & 0o666).toBe(0o666);
    expect((await stat(join(whole.folder, 'src', 'a'))).mode & 0o002).toBe(0);
  });
});

describe('inputs of a set-up', () => {
  // @verifies AC-docker-inputs-exist
  it('each pattern must name something', async () => {
    await put('a.json', '1');
    await put('sub/b.json', '2');
    const whole = await frozen();
    const found = await resolveInputs(whole, ['*.json', 'sub']);
    expect(found).toMatchObject({ ok: true, inputs: { paths: ['a.json', 'sub/b.json'] } });
    expect(await resolveInputs(whole, ['nope'])).toMatchObject({
      ok: false,
      message: expect.stringContaining('"nope"') as string,
    });
    expect(await resolveInputs(whole, ['a.json', 'nope2'])).toMatchObject({
      ok: false,
      message: expect.stringContaining('"nope2"') as string,
    });
  });
});

describe('reports', () => {
  // @verifies AC-docker-reports
  it('keep plain files only', async () => {
    const folder = join(base, 'reports');
    await makeReports(folder);
    await writeFile(join(folder, 'a.xml'), 'has s3cret inside');
    await symlink('/etc/passwd', join(folder, 'link'));
    await cleanReports(folder, ['s3cret']);
    expect(await readdir(folder)).toEqual(['a.xml']);
    expect(await readFile(join(folder, 'a.xml'), 'utf8')).toBe('has *** inside');
  });
});

describe('the order of use', () => {
  // @verifies AC-docker-eviction
  it('is a counter: many uses in one moment keep their order, and a lost file resets it', async () => {
    await touchLayers(base, ['b', 'a', 'c']);
    expect(await byLastUse(base, ['a', 'b', 'c', 'new'])).toEqual(['new', 'b', 'a', 'c']);
    await touchLayers(base, ['b']);
    expect(await byLastUse(base, ['a', 'b', 'c'])).toEqual(['a', 'c', 'b']);
    await Promise.all(Array.from({ length: 8 }, async (_, index) => touchLayers(base, [`p${index}`])));
    expect(
      new Set(
        await byLastUse(
          base,
          Array.from({ length: 8 }, (_, index) => `p${index}`),
        ),
      ).size,
    ).toBe(8);
    await forgetLayers(base, new Set(['b']));
    expect(await byLastUse(base, ['a', 'b'])).toEqual(['a', 'b']);
    await writeFile(join(base, 'docker', 'layers.json'), '{broken');
    expect(await byLastUse(base, ['b', 'a'])).toEqual(['a', 'b']);
    await touchLayers(base, ['a']);
    expect(await byLastUse(base, ['b', 'a'])).toEqual(['b', 'a']);
  });
});
