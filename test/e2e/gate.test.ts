import { chmod, lstat, mkdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installHere, ROOT, specFile, testProject, type TestProject } from '../rig/project.js';

let project: TestProject;
const tool = (): string => join(project.folder, 'tools');

/** A project whose criteria are judged by scripts, a bare remote, and the gate installed with `coherence` on PATH. */
beforeEach(async () => {
  project = await testProject({
    'specs/a.yaml': specFile('SPEC-a', {
      'AC-a-one': 'verified_by:\n  - run: ./one.sh\n    inputs: [one.sh]',
      'AC-a-two': 'verified_by:\n  - run: ./two.sh\n    inputs: [two.sh]',
    }),
    'one.sh': '#!/bin/sh\nexit 0\n',
    'two.sh': '#!/bin/sh\nexit 0\n',
  });
  await mkdir(tool());
  await writeFile(
    join(tool(), 'coherence'),
    `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/coherence.cjs')} "$@"\n`,
  );
  await chmod(join(tool(), 'coherence'), 0o755);
  await project.run(['git', 'init', '-q', '--bare', '-b', 'main', join(project.folder, 'remote.git')]);
  await project.git('remote', 'add', 'origin', join(project.folder, 'remote.git'));
  await project.commit('start');
  await push('main');
  await project.coherence(['hook', 'install']);
});
afterEach(async () => project[Symbol.asyncDispose]());

const push = async (...args: string[]) => {
  const answer = await project.run(['git', 'push', '-q', 'origin', ...args], {
    env: { PATH: `${tool()}:${project.env['PATH'] ?? ''}` },
  });
  return { code: answer.end.code, text: answer.stdout + answer.stderr };
};
const remoteHas = async (ref: string): Promise<string> =>
  (
    await project.run(['git', '--git-dir', join(project.folder, 'remote.git'), 'rev-parse', '--verify', '-q', ref])
  ).stdout.trim();

describe('the pre-push gate', () => {
  // @verifies AC-gate-blocks-worse
  it('blocks a push that makes a criterion fail, names it, and lets --no-verify through', async () => {
    await project.write({ 'one.sh': '#!/bin/sh\necho broken wing\nexit 3\n' });
    const tip = await project.commit('break one');
    const blocked = await push('main');
    expect(blocked.code).not.toBe(0);
    expect(blocked.text).toContain('AC-a-one');
    expect(blocked.text).toContain('FAIL(exit-code)');
    expect(blocked.text).toContain('coherence verify AC-a-one');
    expect(blocked.text.split('\n').filter((line) => !line.startsWith('error: ')).length).toBeLessThanOrEqual(21);
    expect(await remoteHas('main')).not.toBe(tip);
    expect((await push('--no-verify', 'main')).code).toBe(0);
    expect(await remoteHas('main')).toBe(tip);
  });

  // @verifies AC-gate-delta
  it('does not block on what was as bad before', async () => {
    await project.write({ 'one.sh': '#!/bin/sh\nexit 3\n' });
    await project.commit('break one');
    await push('--no-verify', 'main');
    await project.write({ 'one.sh': '#!/bin/sh\necho still\nexit 3\n' });
    await project.commit('touch one');
    const pushed = await push('main');
    expect(pushed.text).toContain('AC-a-one');
    expect(pushed.code).toBe(0);
  });

  // @verifies AC-gate-pushed-commit
  it('judges the pushed commit: neither an uncommitted fix nor an uncommitted breakage counts', async () => {
    await project.write({ 'one.sh': '#!/bin/sh\nexit 3\n' });
    await project.commit('break one');
    await project.write({ 'one.sh': '#!/bin/sh\nexit 0\n' });
    expect((await push('main')).code).not.toBe(0);
    await project.commit('mend one');
    await project.write({ 'one.sh': '#!/bin/sh\nexit 3\n' });
    const pushed = await push('main');
    expect(pushed.text).not.toContain('blocked');
    expect(pushed.code).toBe(0);
    expect(await project.git('worktree', 'list')).not.toContain('verify-');
  });

  // @verifies AC-gate-pushed-commit
  it('judges a commit that is not checked out, each tip of several refs, and lets a deletion pass', async () => {
    await project.git('checkout', '-q', '-b', 'broken');
    await project.write({ 'two.sh': '#!/bin/sh\nexit 1\n' });
    await project.commit('break two');
    await project.git('checkout', '-q', 'main');
    const blocked = await push('broken');
    expect(blocked.code).not.toBe(0);
    expect(blocked.text).toContain('AC-a-two');
    expect((await push('main:copy', 'broken')).code).not.toBe(0);
    expect((await push('--no-verify', 'broken')).code).toBe(0);
    expect((await push('--delete', 'broken')).code).toBe(0);
    expect(await remoteHas('broken')).toBe('');
  });

  // @verifies AC-gate-delta
  it('blocks a lost link and a new gap, and passes a forced push of a good commit', async () => {
    await project.write({
      'specs/a.yaml': specFile('SPEC-a', {
        'AC-a-one': 'gap: too hard',
        'AC-a-two': 'verified_by:\n  - run: ./two.sh',
      }),
    });
    await project.commit('drop the link');
    const blocked = await push('main');
    expect(blocked.code).not.toBe(0);
    expect(blocked.text).toContain('it became a gap');
    await project.git('reset', '-q', '--hard', 'HEAD~1');
    await project.git('commit', '-q', '--amend', '--allow-empty', '-m', 'rewritten');
    expect((await push('--force', 'main')).code).toBe(0);
  });

  // @verifies AC-gate-own-rules
  it("is not loosened by the pushed commit's own settings", async () => {
    await project.write({
      'one.sh': '#!/bin/sh\nexit 3\n',
      '.coherence/config.yaml': 'gate:\n  policy: delta\n  on_error: allow\n',
    });
    await project.commit('loosen');
    await project.write({ '.coherence/config.yaml': 'gate:\n  policy: strict\n' });
    const blocked = await push('main');
    expect(blocked.code).not.toBe(0);
    expect(blocked.text).toContain('AC-a-one');
  });

  it('pushes from a linked worktree as well', async () => {
    const linked = join(project.folder, 'linked');
    await project.git('worktree', 'add', '-q', '-b', 'side', linked);
    await writeFile(join(linked, 'one.sh'), '#!/bin/sh\nexit 9\n');
    await project.run(['git', 'commit', '-qam', 'break'], { cwd: linked });
    const answer = await project.run(['git', 'push', '-q', 'origin', 'side'], {
      cwd: linked,
      env: { PATH: `${tool()}:${project.env['PATH'] ?? ''}` },
    });
    expect(answer.end.code).not.toBe(0);
    expect(answer.stderr).toContain('AC-a-one');
  });
});

describe('the gate on a vitest project without a lock file', () => {
  const CASE =
    "import { expect, it } from 'vitest';\n// @verifies AC-a-one\nit('counts', () => { expect(1 + 1).toBe(2); });\n";
  beforeEach(async () => {
    await installHere(project);
    await project.write({
      'package.json': '{ "name": "m", "private": true, "type": "module", "devDependencies": { "vitest": "*" } }\n',
      'test/one.test.ts': CASE,
      'specs/a.yaml': specFile('SPEC-a', { 'AC-a-one': '' }),
    });
    await project.commit('vitest');
    expect((await push('main')).code).toBe(0);
  });

  // @verifies AC-gate-pushed-commit
  it('runs the tests of the pushed commit with the packages of the checkout, however dirty that is', async () => {
    await project.write({ 'test/one.test.ts': CASE.replace('toBe(2)', 'toBe(3)') });
    await project.commit('break');
    // An uncommitted file makes the gate leave the checkout for a worktree.
    await project.write({ 'test/one.test.ts': CASE });
    const blocked = await push('main');
    expect(blocked.text).toContain('AC-a-one');
    expect(blocked.text).toContain('FAIL(assertion)');
    expect(blocked.code).not.toBe(0);
    await project.commit('mend');
    await project.write({ 'untracked.txt': 'x\n' });
    const pushed = await push('main');
    expect(pushed.text).toContain('nothing got worse');
    expect(pushed.text).not.toContain('could NOT be verified');
    expect(pushed.code).toBe(0);
  });

  // @verifies AC-gate-unverified-is-said
  it('is not silent about what could not run, and refuses a commit whose packages nobody can tell', async () => {
    await project.write({
      'package.json': '{ "name": "m", "private": true, "type": "module", "devDependencies": { "vitest": "^1" } }\n',
    });
    await project.commit('another vitest');
    await project.write({
      'package.json': '{ "name": "m", "private": true, "type": "module", "devDependencies": { "vitest": "*" } }\n',
    });
    const refused = await push('main');
    expect(refused.text).toContain('package.json differs from the checkout');
    expect(refused.text).toContain('could not be verified');
    expect(refused.code).not.toBe(0);
    await project.git('reset', '-q', '--hard', 'HEAD~1');
    await project.run(['rm', 'node_modules']);
    await project.write({ 'test/one.test.ts': `// touched\n${CASE.replace('counts', 'sums')}` });
    await project.commit('touched');
    const silent = await push('main');
    expect(silent.text).toContain('could NOT be verified here (unavailable:vitest): AC-a-one');
  });
});

describe('hook install and uninstall', () => {
  // @verifies AC-gate-hook-restores
  it('keeps and calls a hook that was there, and gives its bytes back', async () => {
    await project.coherence(['hook', 'uninstall']);
    const path = join(project.root, '.git/hooks/pre-push');
    const mine = '#!/bin/sh\n# mine\ncat > "$(dirname "$0")/seen"\nexit 0\n';
    await writeFile(path, mine);
    await chmod(path, 0o755);
    expect((await project.coherence(['hook', 'install'])).code).toBe(0);
    expect((await project.coherence(['hook', 'install'])).out).toContain('already installed');
    await project.write({ README: 'x\n' });
    await project.commit();
    expect((await push('main')).code).toBe(0);
    expect(await readFile(join(project.root, '.git/hooks/seen'), 'utf8')).toContain('refs/heads/main');
    await writeFile(
      path.replace('pre-push', 'pre-push.before-coherence'),
      '#!/bin/sh\necho no from mine >&2\nexit 7\n',
    );
    await project.write({ README: 'y\n' });
    await project.commit();
    expect((await push('main')).text).toContain('no from mine');
    await writeFile(path.replace('pre-push', 'pre-push.before-coherence'), mine);
    expect((await project.coherence(['hook', 'uninstall'])).code).toBe(0);
    expect(await readFile(path, 'utf8')).toBe(mine);
  });

  // @verifies AC-gate-hook-restores
  it('prints what to add where a framework owns the hooks, and refuses a shared hooks folder', async () => {
    await project.coherence(['hook', 'uninstall']);
    await project.write({ '.pre-commit-config.yaml': 'repos: []\n' });
    const owned = await project.coherence(['hook', 'install']);
    expect([owned.code, owned.err.includes('coherence gate')]).toEqual([64, true]);
    await project.run(['rm', '.pre-commit-config.yaml']);
    await project.git('config', 'core.hooksPath', join(project.folder, 'shared-hooks'));
    const shared = await project.coherence(['hook', 'install']);
    expect([shared.code, shared.err.includes('outside this repository')]).toEqual([64, true]);
    await project.git('config', 'core.hooksPath', 'hooks');
    expect((await project.coherence(['hook', 'install'])).code).toBe(0);
    expect(await readFile(join(project.root, 'hooks/pre-push'), 'utf8')).toContain('coherence gate');
  });

  // @verifies AC-gate-hook-restores
  it('keeps a hook that is a symlink or not executable, and gives back exactly that', async () => {
    await project.coherence(['hook', 'uninstall']);
    const path = join(project.root, '.git/hooks/pre-push');
    await writeFile(join(project.root, '.git/hooks/mine'), '#!/bin/sh\nexit 0\n');
    await symlink('mine', path);
    expect((await project.coherence(['hook', 'install'])).code).toBe(0);
    expect((await lstat(path)).isSymbolicLink()).toBe(false);
    expect((await project.coherence(['hook', 'uninstall'])).code).toBe(0);
    expect(await readlink(path)).toBe('mine');
    await rm(path);
    await writeFile(path, 'no shebang, not executable\n', { mode: 0o640 });
    await chmod(path, 0o640);
    expect((await project.coherence(['hook', 'install'])).code).toBe(0);
    await project.write({ README: 'z\n' });
    await project.commit();
    // git would not have run it, so neither does the gate.
    expect((await push('main')).code).toBe(0);
    expect((await project.coherence(['hook', 'uninstall'])).code).toBe(0);
    expect([await readFile(path, 'utf8'), (await stat(path)).mode & 0o777]).toEqual([
      'no shebang, not executable\n',
      0o640,
    ]);
    // Somebody else's hook is never removed.
    expect((await project.coherence(['hook', 'uninstall'])).out).toContain('not installed');
    expect(await readFile(path, 'utf8')).toContain('no shebang');
  });

  // @verifies AC-gate-hook-restores
  it.each([
    ['husky', '.husky/pre-commit', 'npm test\n', '.husky/pre-push'],
    ['lefthook', 'lefthook.yml', 'pre-commit: {}\n', 'lefthook.yml'],
  ])('does not fight %s: it prints the line to add and touches nothing', async (name, file, text, place) => {
    await project.coherence(['hook', 'uninstall']);
    await project.write({ [file]: text });
    if (name === 'husky') await project.git('config', 'core.hooksPath', '.husky/_');
    const answer = await project.coherence(['hook', 'install']);
    expect([
      answer.code,
      answer.err.includes(name),
      answer.err.includes(place),
      answer.err.includes('coherence gate'),
    ]).toEqual([64, true, true, true]);
    expect(await readFile(join(project.root, file), 'utf8')).toBe(text);
    expect((await project.run(['ls', '.git/hooks'])).stdout).not.toContain('pre-push\n');
  });

  // @verifies AC-gate-hook-restores
  it('the line that it prints for husky judges a push as the installed hook does', async () => {
    await project.coherence(['hook', 'uninstall']);
    await project.write({
      '.husky/pre-push': '#!/bin/sh\ncoherence gate --remote "$1"\n',
      'one.sh': '#!/bin/sh\nexit 3\n',
    });
    await project.git('config', 'core.hooksPath', '.husky');
    await project.commit('break one under husky');
    const blocked = await push('main');
    expect([blocked.code === 0, blocked.text.includes('AC-a-one')]).toEqual([false, true]);
  });
});
