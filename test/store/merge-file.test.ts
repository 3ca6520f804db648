import { mkdtemp, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { installMergeDriver, mergeFiles, mergeTexts } from '../../src/app/merge-file.js';
import { capture } from '../../src/util/process.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});
const temporary = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'coherence-merge-'));
  folders.push(folder);
  return folder;
};
const text = (title: string, criteria: readonly string[], comment = ''): string =>
  `${comment}id: SPEC-a\ntitle: ${title}\nlevel: module\nstatus: active\n${criteria.length === 0 ? '' : `criteria:\n${criteria.map((id) => `  - id: ${id}\n    title: ${id}\n`).join('')}`}`;

describe('the merge driver', () => {
  // @verifies AC-store-driver-merges
  it('keeps both additions at one place, where lines would conflict, and the comments of our side', () => {
    const merge = mergeTexts(
      text('t', ['AC-1']),
      text('t', ['AC-1', 'AC-x'], '# ours\n'),
      text('new', ['AC-1', 'AC-y']),
    );
    expect(merge).toMatchObject({ conflicts: [], byField: true });
    expect(merge.text).toBe(text('new', ['AC-1', 'AC-x', 'AC-y'], '# ours\n'));
  });

  // @verifies AC-store-driver-conflict
  it('puts markers around exactly the fields in question, and exits 1', async () => {
    const folder = await temporary();
    const [o, a, b] = ['o', 'a', 'b'].map((name) => join(folder, name)) as [string, string, string];
    await writeFile(o, text('t', ['AC-1']));
    await writeFile(a, text('ours', ['AC-1', 'AC-x']));
    await writeFile(b, text('theirs', ['AC-1', 'AC-y']));
    const { code, merge } = await mergeFiles(o, a, b);
    expect(code).toBe(1);
    expect(merge.conflicts).toEqual([{ spec: 'SPEC-a', field: 'title', base: 't', ours: 'ours', theirs: 'theirs' }]);
    expect(await readFile(a, 'utf8')).toBe(
      text('t', ['AC-1', 'AC-x', 'AC-y']).replace(
        'title: t\n',
        '<<<<<<< ours\ntitle: ours\n=======\ntitle: theirs\n>>>>>>> theirs\n',
      ),
    );
  });

  it('shows both sides of a removal against a change', () => {
    const merge = mergeTexts(
      text('t', ['AC-1', 'AC-2']),
      text('t', ['AC-2']),
      text('t', ['AC-1', 'AC-2']).replace('title: AC-1', 'title: changed'),
    );
    expect(merge.conflicts).toMatchObject([{ criterion: 'AC-1', field: 'removed' }]);
    expect(merge.text).toContain('=======\n  - id: AC-1\n    title: changed\n>>>>>>> theirs\n');
  });

  it('sets lines side by side when a side is no spec', () => {
    const merge = mergeTexts(text('t', []), 'id: [\n', text('u', []));
    expect(merge.byField).toBe(false);
    expect(merge.text).toContain('id: [');
    expect(merge.text).toContain('title: u');
  });

  // @verifies AC-store-driver-git
  it('is called by git, as installed, and a second installation changes nothing', async () => {
    const root = await temporary();
    const env = {
      ...process.env,
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_AUTHOR_NAME: 'A',
      GIT_AUTHOR_EMAIL: 'a@b',
      GIT_COMMITTER_NAME: 'A',
      GIT_COMMITTER_EMAIL: 'a@b',
    };
    const git = async (...args: string[]): Promise<string> => {
      const answer = await capture({ command: ['git', ...args], cwd: root, env });
      return `${answer.end.code ?? ''} ${answer.stdout}`;
    };
    await git('init', '-qb', 'main');
    // What git would call is noted, so that the test needs no built program.
    const script = join(root, 'driver.sh');
    await writeFile(script, '#!/bin/sh\nshift\nprintf merged > "$2"\n', { mode: 0o755 });
    expect(await installMergeDriver(root, [script])).toBe(true);
    expect(await installMergeDriver(root, [script])).toBe(false);
    expect(await readFile(join(root, '.gitattributes'), 'utf8')).toBe('specs/**/*.yaml merge=coherence\n');
    await mkdir(join(root, 'specs'));
    const commit = async (content: string): Promise<void> => {
      await writeFile(join(root, 'specs/a.yaml'), content);
      await git('add', '.');
      await git('commit', '-qm', content);
    };
    await commit('base\n');
    await git('checkout', '-qb', 'other');
    await commit('other\n');
    await git('checkout', '-q', 'main');
    await commit('main\n');
    expect(await git('merge', '-q', 'other')).toMatch(/^0/);
    expect(await readFile(join(root, 'specs/a.yaml'), 'utf8')).toBe('merged');
    expect(await installMergeDriver(await temporary(), [script])).toBe(false);
  });
});
