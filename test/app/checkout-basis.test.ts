import { mkdtemp, realpath, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkoutBasis } from '../../src/app/verify/checkout-basis.js';
import { readSource } from '../../src/sources/index.js';
import { capture } from '../../src/util/process.js';

describe('what a run on the checkout rests on', () => {
  // @verifies AC-orchestrator-resume-source
  it('changes with the commit, tracked files and untracked sources, and not with what tests leave behind', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'coh-basis-')));
    try {
      const env = {
        ...process.env,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_AUTHOR_NAME: 'T',
        GIT_AUTHOR_EMAIL: 't@x',
        GIT_COMMITTER_NAME: 'T',
        GIT_COMMITTER_EMAIL: 't@x',
      };
      const git = async (...args: string[]): Promise<boolean> =>
        (await capture({ command: ['git', ...args], cwd: root, env })).ok;
      await writeFile(join(root, 'a file.txt'), 'one');
      const basis = async (): Promise<string> => checkoutBasis(await readSource(root));
      const outside = await basis();
      await git('init', '-q');
      await git('add', '-A');
      await git('commit', '-qm', 'x');
      const clean = await basis();
      expect(clean).not.toBe(outside);
      await writeFile(join(root, 'marks.log'), 'left by a test');
      await mkdir(join(root, '.coherence/runs/x'), { recursive: true });
      await writeFile(join(root, '.coherence/runs/x/run.json'), '{}');
      expect(await basis()).toBe(clean);
      const seen = [clean];
      const change = async (what: () => Promise<unknown>): Promise<void> => {
        await what();
        const next = await basis();
        expect(seen).not.toContain(next);
        seen.push(next);
      };
      await change(async () => writeFile(join(root, 'a file.txt'), 'two'));
      await change(async () =>
        git('add', '-A', 'a file.txt').then(async () => writeFile(join(root, 'a file.txt'), 'three')),
      );
      await change(async () => writeFile(join(root, 'new.ts'), 'x'));
      await change(async () => rm(join(root, 'a file.txt')));
      await change(async () => git('commit', '-qm', 'y', '--allow-empty'));
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
