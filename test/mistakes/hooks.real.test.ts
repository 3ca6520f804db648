/** Each hook framework with itself, on real pushes: a breaking commit stays, its mend goes through. And a git that refuses. */
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunOptions } from '../rig/project.js';
import { ROOT, specFile, testProject, type TestProject } from '../rig/project.js';
import { hookTools } from '../rig/hook-tools.js';

let project: TestProject;
let path = '';

beforeEach(async () => {
  project = await testProject({
    'specs/a.yaml': specFile('SPEC-a', { 'AC-a-one': 'verified_by:\n  - run: ./one.sh\n    inputs: [one.sh]' }),
    'one.sh': '#!/bin/sh\nexit 0\n',
    '.gitignore': 'node_modules\n',
  });
  const tools = join(project.folder, 'tools');
  await mkdir(tools);
  await writeFile(
    join(tools, 'coherence'),
    `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'bin/coherence.cjs')} "$@"\n`,
  );
  await chmod(join(tools, 'coherence'), 0o755);
  path = `${tools}${delimiter}${project.env['PATH'] ?? ''}`;
  await project.run(['git', 'init', '-q', '--bare', '-b', 'main', join(project.folder, 'remote.git')]);
  await project.git('remote', 'add', 'origin', join(project.folder, 'remote.git'));
  await project.commit('start');
  await project.git('push', '-q', '--no-verify', '-u', 'origin', 'main');
});
afterEach(async () => project[Symbol.asyncDispose]());

const run = async (command: readonly string[], options: RunOptions = {}) => {
  const answer = await project.run(command, { ...options, env: { PATH: path, ...options.env } });
  return { code: answer.end.code, text: answer.stdout + answer.stderr };
};
const push = async (options: RunOptions = {}) => run(['git', 'push', '-q', 'origin', 'HEAD:main'], options);
/** What `hook install` says to add, from the marker on. */
const advice = async (from: string, to = '\n'): Promise<string> => {
  const { code, text } = await run(['coherence', 'hook', 'install']);
  expect([code, text.includes(from)]).toEqual([64, true]);
  const rest = text.slice(text.indexOf(from) + from.length);
  return rest.slice(0, rest.indexOf(to));
};
const breakOne = async (script = 'one.sh'): Promise<void> => {
  await project.write({ [script]: '#!/bin/sh\nexit 3\n' });
  await project.commit('break');
};

/** A breaking push is refused and says why; a good one and one of nothing go through. */
async function judgesPushes(script?: string): Promise<void> {
  await project.commit('the framework');
  const good = await push();
  expect(good.code, good.text).toBe(0);
  expect((await push()).code).toBe(0);
  await breakOne(script);
  const blocked = await push();
  expect([blocked.code === 0, blocked.text.includes('AC-a-one')], blocked.text).toEqual([false, true]);
  await project.git('revert', '--no-edit', 'HEAD');
  const mended = await push();
  expect(mended.code, mended.text).toBe(0);
}

describe('hook frameworks', () => {
  // @verifies AC-gate-frameworks
  it('husky runs the gate by the line that is printed for it', async ({ skip }) => {
    const tools = await hookTools('npm');
    if ('missing' in tools) return skip(tools.missing);
    await project.write({ 'package.json': '{ "name": "p", "private": true }\n' });
    await symlink(join(tools.folder, 'node_modules'), join(project.root, 'node_modules'));
    expect((await run(['node', 'node_modules/husky/bin.js'])).code).toBe(0);
    await project.write({ '.husky/pre-push': `${await advice('Add to .husky/pre-push: ')}\n` });
    await judgesPushes();
  });

  // @verifies AC-gate-frameworks
  it('lefthook runs the gate by the line that is printed for it', async ({ skip }) => {
    const tools = await hookTools('npm');
    if ('missing' in tools) return skip(tools.missing);
    path = `${join(tools.folder, 'node_modules/.bin')}${delimiter}${path}`;
    await project.write({ 'lefthook.yml': 'pre-commit: {}\n' });
    await project.write({ 'lefthook.yml': `${await advice('Add to lefthook.yml: ')}\n` });
    const installed = await run(['lefthook', 'install']);
    expect(installed.code, installed.text).toBe(0);
    await judgesPushes();
  });

  // @verifies AC-gate-frameworks
  it('pre-commit runs the gate by the entry that is printed for it, for a known branch, a new one and a whole history', async ({
    skip,
  }) => {
    const tools = await hookTools('pip');
    if ('missing' in tools) return skip(tools.missing);
    path = `${join(tools.folder, 'pip/bin')}${delimiter}${path}`;
    await project.write({ '.pre-commit-config.yaml': 'repos: []\n' });
    const entry = await advice('Add to `repos` in .pre-commit-config.yaml: ', ' and run: ');
    await project.write({ '.pre-commit-config.yaml': `repos:\n  - ${entry}\n` });
    const installed = await run(['pre-commit', 'install', '--hook-type', 'pre-push']);
    expect(installed.code, installed.text).toBe(0);
    await judgesPushes();
    await breakOne();
    const fresh = await run(['git', 'push', '-q', 'origin', 'HEAD:side']);
    expect([fresh.code === 0, fresh.text.includes('AC-a-one')], fresh.text).toEqual([false, true]);
    await project.run(['git', 'init', '-q', '--bare', join(project.folder, 'empty.git')]);
    const whole = await run(['git', 'push', '-q', join(project.folder, 'empty.git'), 'HEAD:main']);
    expect([whole.code === 0, whole.text.includes('AC-a-one')], whole.text).toEqual([false, true]);
  });
});

describe('the installed hook', () => {
  // @verifies AC-gate-subfolders
  it('judges each project of a repository that installed it, and none that has not', async () => {
    for (const name of ['a', "it's b"]) {
      await mkdir(join(project.root, 'packages', name), { recursive: true });
      for (const part of ['.coherence', 'specs', 'one.sh'])
        await cp(join(project.root, part), join(project.root, 'packages', name, part), { recursive: true });
      expect((await run(['coherence', 'hook', 'install', '--cwd', `packages/${name}`])).code).toBe(0);
    }
    await judgesPushes('packages/a/one.sh');
    await breakOne();
    expect((await push()).code).toBe(0);
    await project.write({ "packages/it's b/one.sh": '#!/bin/sh\nexit 3\n' });
    await project.commit('break b');
    expect((await push()).code).not.toBe(0);
    expect((await run(['coherence', 'hook', 'uninstall', '--cwd', "packages/it's b"])).code).toBe(0);
    const left = await push();
    expect(left.code, left.text).toBe(0);
  });

  // @verifies AC-gate-subfolders
  it('warns where it is a file of one working tree alone, until it is committed', async () => {
    await project.git('config', 'core.hooksPath', '.githooks');
    expect((await run(['coherence', 'hook', 'install'])).text).toContain(
      'linked worktrees and other clones push unjudged',
    );
    await project.commit('the hook');
    expect((await run(['coherence', 'hook', 'install'])).text).not.toContain('warning');
    await project.git('worktree', 'add', '-q', '-b', 'linked', join(project.folder, 'linked'));
    await writeFile(join(project.folder, 'linked', 'one.sh'), '#!/bin/sh\nexit 3\n');
    const cwd = join(project.folder, 'linked');
    await run(['git', 'commit', '-qam', 'break'], { cwd });
    expect((await push({ cwd })).code).not.toBe(0);
  });

  // @verifies AC-gate-forced-push
  it('compares a forced push back to a failing commit with what the remote has', async () => {
    expect((await run(['coherence', 'hook', 'install'])).code).toBe(0);
    await breakOne();
    await project.git('revert', '--no-edit', 'HEAD');
    expect((await push()).code).toBe(0);
    const back = await run(['git', 'push', '-q', '--force', 'origin', 'HEAD~1:main']);
    expect([back.code === 0, back.text.includes('AC-a-one')], back.text).toEqual([false, true]);
  });
});

describe('a gate that nobody answers', () => {
  const judge = async (options: RunOptions = {}) => {
    const [tip, before] = [await project.git('rev-parse', 'HEAD'), await project.git('rev-parse', 'HEAD~1')];
    const input = `refs/heads/main ${tip} refs/heads/main ${before}\n`;
    return run(['coherence', 'gate', '--remote', 'origin'], { input, ...options });
  };

  // @verifies AC-gate-git-refuses
  it('blocks with the words of git: another owner, a broken configuration, a git that is missing or hangs', async () => {
    await breakOne();
    expect((await judge()).code).toBe(1);
    const owner = await judge({ env: { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' } });
    expect([owner.code, owner.text.includes('dubious ownership')], owner.text).toEqual([2, true]);
    const bare = join(project.folder, 'bare');
    await mkdir(bare);
    for (const name of ['sh', 'env']) await symlink(`/bin/${name}`, join(bare, name)).catch(() => undefined);
    const program = [process.execPath, join(ROOT, 'bin/coherence.cjs'), 'gate', '--remote', 'origin'];
    const input = `refs/heads/main ${await project.git('rev-parse', 'HEAD')} refs/heads/main ${await project.git('rev-parse', 'HEAD~1')}\n`;
    const missing = await run(program, { input, env: { PATH: bare } });
    expect([missing.code, missing.text.includes('no git on PATH')], missing.text).toEqual([2, true]);
    await writeFile(join(bare, 'git'), '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const hangs = await run(program, { input, env: { PATH: `${bare}:/bin:/usr/bin`, COHERENCE_GATE__BUDGET: '1s' } });
    expect([hangs.code, hangs.text.includes('did not answer within')], hangs.text).toEqual([2, true]);
    const config = await project.read('.git/config');
    await project.write({ '.git/config': `${config}[core\n` });
    const broken = await run(program, { input });
    await project.write({ '.git/config': config });
    expect([broken.code, broken.text.includes('bad config line')], broken.text).toEqual([2, true]);
  });

  // @verifies AC-gate-git-refuses
  it("passes the user's own git settings on, by -c and by GIT_CONFIG_COUNT", async () => {
    await breakOne();
    const trusted = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    expect((await judge({ env: { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1', ...trusted } })).code).toBe(1);
    const parameters = { GIT_CONFIG_PARAMETERS: "'safe.directory'='*'" };
    expect((await judge({ env: { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1', ...parameters } })).code).toBe(1);
  });

  // @verifies AC-gate-told-nothing
  it('is told of no push and says so, unless a hook of git called it and all is sent', async () => {
    expect((await run(['coherence', 'gate'], { input: '' })).code).toBe(2);
    expect((await run(['coherence', 'gate', '--remote', 'origin'], { input: '' })).code).toBe(0);
    await breakOne();
    const silent = await run(['coherence', 'gate', '--remote', 'origin'], { input: '' });
    expect([silent.code, silent.text.includes('told of no push')]).toEqual([2, true]);
  });

  // @verifies AC-gate-unknown-base
  it('cannot tell what a forced push over unseen commits makes worse, nor one out of budget', async () => {
    await breakOne();
    const tip = await project.git('rev-parse', 'HEAD');
    const unseen = await judge({ input: `refs/heads/main ${tip} refs/heads/main ${'1'.repeat(40)}\n` });
    expect([unseen.code, unseen.text.includes('git fetch origin')], unseen.text).toEqual([2, true]);
    const late = await judge({ env: { COHERENCE_GATE__BUDGET: '1ms' } });
    expect(late.code, late.text).toBe(2);
  });
});
