import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gitTogether } from '../../src/util/git.js';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'coh-git-')));
  execFileSync('git', ['init', '-q'], { cwd: root });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const NOT_STAGED = ['diff', '--cached', '--quiet'];

describe('several questions to git in one start', () => {
  it('are answered in their order, each with its own success, the silent one last', async () => {
    writeFileSync(join(root, 'a\nb 0\n'), '');
    const answers = await gitTogether(
      root,
      [
        ['ls-files', '-o', '-z'],
        ['rev-parse', 'HEAD^{commit}'],
        ['config', 'core.bare'],
      ],
      NOT_STAGED,
    );
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, true, true]);
    expect([answers[0]?.stdout, answers[2]?.stdout]).toEqual(['a\nb 0\n\0', 'false\n']);
    execFileSync('git', ['add', '-A'], { cwd: root });
    expect((await gitTogether(root, [['config', 'core.bare']], NOT_STAGED)).map(({ ok }) => ok)).toEqual([true, false]);
  });

  it('go to git word by word, whatever a shell would make of them', async () => {
    const odd = 'it\'s $(touch made) `touch made` "x" ; touch made';
    writeFileSync(join(root, odd.replaceAll('/', '')), '');
    const [answer] = await gitTogether(root, [['ls-files', '-o', '-z', '--', odd]], NOT_STAGED);
    expect(answer?.stdout).toBe(`${odd}\0`);
    expect(existsSync(join(root, 'made'))).toBe(false);
  });

  it('are not mixed with what the shell itself complains of', async () => {
    const programs = join(root, '..', `${root.split('/').at(-1) ?? ''}-programs`);
    mkdirSync(programs);
    try {
      const real = execFileSync('sh', ['-c', 'command -v sh'], { encoding: 'utf8' }).trim();
      writeFileSync(join(programs, 'sh'), `#!${real}\necho 'sh: warning: setlocale' >&2\nexec ${real} "$@"\n`, {
        mode: 0o755,
      });
      const answers = await gitTogether(
        root,
        [
          ['rev-parse', '--git-dir'],
          ['config', 'core.bare'],
        ],
        NOT_STAGED,
        { env: { ...process.env, PATH: `${programs}:${process.env['PATH'] ?? ''}` } },
      );
      expect(answers.map(({ stdout }) => stdout)).toEqual(['.git\n', 'false\n', '']);
    } finally {
      rmSync(programs, { recursive: true });
    }
  });

  it('are asked one by one where there is no shell', async () => {
    const programs = join(root, '..', `${root.split('/').at(-1) ?? ''}-programs`);
    mkdirSync(programs);
    try {
      symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), join(programs, 'git'));
      const answers = await gitTogether(root, [['config', 'core.bare']], NOT_STAGED, {
        env: { ...process.env, PATH: programs },
      });
      expect(answers.map(({ ok, stdout }) => [ok, stdout])).toEqual([
        [true, 'false\n'],
        [true, ''],
      ]);
    } finally {
      rmSync(programs, { recursive: true });
    }
  });
});
