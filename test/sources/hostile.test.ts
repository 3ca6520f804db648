import { appendFileSync, chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  blobId,
  changedFiles,
  listAtCommit,
  listFiles,
  mergeBase,
  readAtCommit,
  sourceIdentity,
  upstreamBase,
} from '../../src/sources/index.js';
import { Repository } from './repository.js';

/** A repository whose every known way of running a program while it is read leads to a trap. */
class Trapped extends Repository {
  readonly mark: string;

  constructor() {
    super({
      'a.txt': 'text\n',
      'b.ts': 'b',
      '.gitattributes': '*.txt filter=trap diff=trap\n*.ts diff=trap merge=trap\n',
    });
    this.commit();
    this.mark = join(this.root, '.git', 'sprung');
    const trap = join(this.root, '.git', 'trap.sh');
    writeFileSync(trap, `#!/bin/sh\ntouch '${this.mark}'\ncat\n`);
    chmodSync(trap, 0o755);
    const run = (section: string, ...keys: string[]): string =>
      `[${section}]\n${keys.map((key) => `\t${key} = ${trap}\n`).join('')}`;
    appendFileSync(
      join(this.root, '.git/config'),
      [
        run('filter "trap"', 'clean', 'smudge', 'process'),
        '\trequired = true\n',
        run('core', 'fsmonitor', 'pager', 'editor', 'sshCommand', 'alternateRefsCommand'),
        run('diff', 'external'),
        run('diff "trap"', 'command', 'textconv'),
        run('merge "trap"', 'driver'),
        run('gpg', 'program'),
        run('credential', 'helper'),
        run('uploadpack', 'packObjectsHook'),
        run('interactive', 'diffFilter'),
        run('sequence', 'editor'),
        // A partial clone of a trap: asking for a missing object would fetch.
        `[remote "origin"]\n\turl = ext::${trap}\n\tuploadpack = ${trap}\n\tpromisor = true\n[extensions]\n\tpartialClone = origin\n[core]\n\trepositoryformatversion = 1\n[protocol "ext"]\n\tallow = always\n`,
      ].join(''),
    );
    for (const hook of [
      'post-checkout',
      'post-index-change',
      'pre-commit',
      'fsmonitor-watchman',
      'query-watchman',
      'reference-transaction',
      'post-merge',
    ]) {
      writeFileSync(join(this.root, '.git/hooks', hook), `#!/bin/sh\ntouch '${this.mark}'\n`);
      chmodSync(join(this.root, '.git/hooks', hook), 0o755);
    }
  }

  get sprung(): boolean {
    return existsSync(this.mark);
  }
}

// @verifies AC-scan-reading-never-executes
describe('a hostile clone', () => {
  const made: Trapped[] = [];
  afterAll(() => made.forEach((repository) => repository[Symbol.dispose]()));
  const trapped = (): Trapped => {
    const repository = new Trapped();
    made.push(repository);
    // Changed with its length kept: what makes `git status` ask the clean filter.
    repository.write('a.txt', 'TEXT\n');
    return repository;
  };

  it('springs the trap under plain git, so the trap works', () => {
    const repository = trapped();
    try {
      repository.git('status');
    } catch {
      // the trap answers nonsense
    }
    expect(repository.sprung).toBe(true);
  });

  it.each<[string, (root: string) => Promise<unknown>]>([
    ['listing', async (root) => listFiles(root)],
    ['identity', async (root) => sourceIdentity(root)],
    ['changes', async (root) => changedFiles(root, 'HEAD')],
    ['a commit’s list', async (root) => listAtCommit(root, 'HEAD')],
    ['a commit’s file', async (root) => readAtCommit(root, 'HEAD', 'a.txt')],
    ['an object that is missing', async (root) => readAtCommit(root, 'HEAD', 'b.ts')],
    ['merge bases', async (root) => [await mergeBase(root, 'HEAD', 'main'), await upstreamBase(root)]],
  ])('%s runs nothing of it', async (_, read) => {
    const repository = trapped();
    const missing = blobId(Buffer.from('b'));
    rmSync(join(repository.root, '.git/objects', missing.slice(0, 2), missing.slice(2)));
    await read(repository.root);
    expect(repository.sprung).toBe(false);
  });

  it('with a work tree elsewhere lists nothing from there', async () => {
    using elsewhere = new Repository({ 'secret.ts': 's' }, { git: false });
    using repository = new Repository({ 'a.ts': 'a' });
    repository.commit();
    repository.git('config', 'core.worktree', elsewhere.root);
    expect((await listFiles(repository.root)).map((file) => file.path)).not.toContain('secret.ts');
  });
});
