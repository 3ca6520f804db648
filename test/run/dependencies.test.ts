/** What a worktree of another commit gets of the checkout's installed dependencies. */
import { lstat, mkdir, mkdtemp, readdir, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { workspacesOf } from '../../src/app/verify/workspaces.js';
import { prepareDependencies } from '../../src/worktrees/dependencies/index.js';

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'coh-dependencies-')));
  await mkdir(join(folder, 'checkout'));
  await mkdir(join(folder, 'worktree'));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
};
const prepare = async (paths: readonly string[], command: readonly string[] | null = null) =>
  prepareDependencies({
    checkout: join(folder, 'checkout'),
    worktree: join(folder, 'worktree'),
    paths,
    prepare: command,
    cacheFolder: join(folder, 'cache'),
    env: { PATH: process.env['PATH'] },
    signal: new AbortController().signal,
  });
const MANIFEST = '{ "name": "m", "devDependencies": { "left": "1" } }\n';
const exists = async (path: string): Promise<boolean> =>
  lstat(join(folder, path)).then(
    () => true,
    () => false,
  );

describe('a project without a lock file', () => {
  // @verifies AC-gate-pushed-commit
  it('takes over what the checkout has installed, entry by entry and without the caches of tools', async () => {
    await write({
      'checkout/package.json': MANIFEST,
      'worktree/package.json': MANIFEST,
      'checkout/node_modules/left/index.js': '',
      'checkout/node_modules/.vite/x': '',
    });
    expect(await prepare(['package.json'])).toEqual({ ok: true, notes: [] });
    expect(await readdir(join(folder, 'worktree/node_modules'))).toEqual(['left']);
    expect(await readlink(join(folder, 'worktree/node_modules/left'))).toBe(join(folder, 'checkout/node_modules/left'));
  });

  // @verifies AC-gate-pushed-commit
  it('is an error when the manifest differs: nothing could say what to install', async () => {
    await write({
      'checkout/package.json': MANIFEST.replace('"1"', '"2"'),
      'worktree/package.json': MANIFEST,
      'checkout/node_modules/left/index.js': '',
    });
    const answer = await prepare(['package.json']);
    expect(answer.ok ? '' : answer.message).toContain('package.json differs from the checkout');
    expect(answer.ok ? '' : answer.message).toContain('worktrees.prepare');
    expect(await exists('worktree/node_modules')).toBe(false);
  });

  // @verifies AC-gate-pushed-commit
  it('is an error when something installed leads back into the checkout', async () => {
    await write({
      'checkout/package.json': MANIFEST,
      'worktree/package.json': MANIFEST,
      'checkout/packages/left/index.js': '',
      'checkout/node_modules/right/index.js': '',
    });
    await symlink(join(folder, 'checkout/packages/left'), join(folder, 'checkout/node_modules/left'));
    const answer = await prepare(['package.json']);
    expect(answer.ok ? '' : answer.message).toContain('leads back into the checkout');
  });

  it('needs nothing where nothing is declared or nothing is installed', async () => {
    await write({
      'checkout/package.json': '{ "name": "m", "version": "1.0.0" }',
      'worktree/package.json': '{ "name": "m", "version": "1.0.1" }',
      'checkout/node_modules/.cache/x': '',
    });
    expect(await prepare(['package.json'])).toEqual({ ok: true, notes: [] });
    await write({
      'checkout/tool/package.json': MANIFEST.replace('"1"', '"2"'),
      'worktree/tool/package.json': MANIFEST,
    });
    expect(await prepare(['package.json', 'tool/package.json'])).toEqual({ ok: true, notes: [] });
  });

  // @verifies AC-gate-pushed-commit
  it('takes over a Python environment, unless it is of an editable install', async () => {
    await write({
      'checkout/requirements.txt': 'pytest\n',
      'worktree/requirements.txt': 'pytest\n',
      'checkout/.venv/lib/python3.11/site-packages/pytest/__init__.py': '',
    });
    expect((await prepare(['requirements.txt'])).ok).toBe(true);
    expect(await readlink(join(folder, 'worktree/.venv'))).toBe(join(folder, 'checkout/.venv'));
    await rm(join(folder, 'worktree/.venv'));
    await write({ 'checkout/.venv/lib/python3.11/site-packages/__editable__.m.pth': join(folder, 'checkout') });
    const answer = await prepare(['requirements.txt']);
    expect(answer.ok ? '' : answer.message).toContain('leads back into the checkout');
  });
});

it('what the user says replaces everything: his command runs in the worktree', async () => {
  await write({ 'checkout/package.json': MANIFEST, 'worktree/package.json': MANIFEST });
  expect((await prepare(['package.json'], ['sh', '-c', 'mkdir node_modules; echo made > node_modules/.made'])).ok).toBe(
    true,
  );
  expect(await exists('worktree/node_modules/.made')).toBe(true);
  const failed = await prepare(['package.json'], ['sh', '-c', 'echo no such mirror; exit 4']);
  expect(failed.ok ? '' : failed.message).toMatch(/failed with 4\n.*no such mirror/u);
});

describe('a workspace', () => {
  const PACKAGES = {
    'package.json': '{ "name": "w", "private": true, "workspaces": ["packages/*", "!packages/old"] }\n',
    'package-lock.json': JSON.stringify({
      name: 'w',
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: 'w', workspaces: ['packages/*', '!packages/old'] },
        'node_modules/a': { resolved: 'packages/a', link: true },
        'packages/a': { name: 'a', version: '1.0.0' },
      },
    }),
    'packages/a/package.json': '{ "name": "a", "version": "1.0.0" }\n',
    'packages/old/package.json': '{ "name": "old", "version": "1.0.0" }\n',
    'website/package.json': '{ "name": "site", "dependencies": { "nowhere": "1" } }\n',
    'website/package-lock.json': 'no lock file\n',
  };
  const paths = Object.keys(PACKAGES);
  const into = (place: string): Record<string, string> =>
    Object.fromEntries(Object.entries(PACKAGES).map(([path, text]) => [`${place}/${path}`, text]));

  // @verifies AC-gate-workspaces
  it('has the members that its root names, in npm and in pnpm', async () => {
    await write({ ...into('worktree'), 'pnpm/pnpm-workspace.yaml': "packages:\n  - 'packages/**'\n" });
    expect([...(await workspacesOf(join(folder, 'worktree'), paths))]).toEqual([['packages/a', '']]);
    const deep = ['pnpm-workspace.yaml', 'packages/x/y/package.json', 'other/package.json'];
    expect([...(await workspacesOf(join(folder, 'pnpm'), deep))]).toEqual([['packages/x/y', '']]);
  });

  // @verifies AC-gate-workspaces
  it('is installed from its root, its packages are those of the worktree, and a lock file that nothing needs is left alone', async () => {
    await write({ ...into('checkout'), ...into('worktree'), 'checkout/packages/a/node_modules/b/index.js': '' });
    const request = {
      checkout: join(folder, 'checkout'),
      worktree: join(folder, 'worktree'),
      paths,
      prepare: null,
      cacheFolder: join(folder, 'cache'),
      env: process.env,
      signal: new AbortController().signal,
      workspaces: await workspacesOf(join(folder, 'worktree'), paths),
    };
    const needed = (directory: string): boolean => directory === '' || directory === 'packages/a';
    expect(await prepareDependencies({ ...request, needed })).toMatchObject({ ok: true });
    expect(await realpath(join(folder, 'worktree/node_modules/a'))).toBe(join(folder, 'worktree/packages/a'));
    expect(await exists('worktree/website/node_modules')).toBe(false);
    expect(await prepareDependencies(request)).toMatchObject({ ok: false, directory: 'website' });
  });
});
