import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { ensureSocketFolder, ensureStateFolder, loadProject, resolveDirectories } from '../../src/config/index.js';
import { sha256 } from '../../src/util/hash.js';
import { capture } from '../../src/util/process.js';
import { MANIFEST_TEXT, project, temporaryFolder, write } from './project.js';

describe('the manifest', () => {
  // @verifies AC-config-manifest-foreign
  it('of another tool loads: its other keys are ignored with one note', async () => {
    const made = project({
      '.coherence/project.toml': `${MANIFEST_TEXT}schema_version = 2\nroot = "/home/somebody/x"\n[git]\ntop = "/home/somebody"\n`,
    });
    const loaded = await loadProject({ cwd: made.root, env: made.env });
    expect(loaded).toMatchObject({
      ok: true,
      value: { manifest: { slug: 'demo', hash: 'abcd', databaseName: 'demo_abcd' } },
    });
    expect(loaded.ok && loaded.value.notes).toEqual([
      '.coherence/project.toml: ignored git, root, schema_version; the manifest holds identity only.',
    ]);
  });

  it.each(['.coherence/project.toml', '.coherence/config.yaml', '.coherence/config.local.yaml'])(
    'and the settings are refused where they are a pipe, which would be waited for: %s',
    async (file) => {
      const made = project();
      rmSync(join(made.root, file), { force: true });
      await capture({ command: ['mkfifo', join(made.root, file)], cwd: made.root, env: process.env });
      const loaded = await loadProject({ cwd: made.root, env: made.env });
      expect(loaded).toMatchObject({ ok: false, failures: [{ file, message: `${file} is no regular file.` }] });
    },
  );

  it('and the settings are read from whatever the user names: nothing at all, or a pipe', async () => {
    const made = project();
    expect(await loadProject({ cwd: made.root, env: { ...made.env, COHERENCE_CONFIG: '/dev/null' } })).toMatchObject({
      ok: true,
      value: { notes: [] },
    });
    const pipe = join(made.root, 'pipe');
    await capture({ command: ['mkfifo', pipe], cwd: made.root, env: process.env });
    const [loaded] = await Promise.all([
      loadProject({ cwd: made.root, env: { ...made.env, COHERENCE_CONFIG: pipe } }),
      capture({ command: ['sh', '-c', 'echo "max_workers: 3" > "$0"', pipe], cwd: made.root, env: process.env }),
    ]);
    expect(loaded).toMatchObject({ ok: true, value: { settings: { max_workers: 3 } } });
  });

  // @verifies AC-config-symlinks
  it.each(['.coherence/project.toml', '.coherence/config.yaml', '.coherence/config.local.yaml'])(
    'and the settings are not read through a symlink that leads out: %s',
    async (file) => {
      const made = project();
      const outside = temporaryFolder();
      write(outside, { x: file.endsWith('.toml') ? MANIFEST_TEXT : 'max_workers: 1\n' });
      if (existsSync(join(made.root, file))) (await import('node:fs')).rmSync(join(made.root, file));
      symlinkSync(join(outside, 'x'), join(made.root, file));
      expect(await loadProject({ cwd: made.root, env: made.env })).toMatchObject({
        ok: false,
        failures: [{ kind: 'unsafe-path', file }],
      });
    },
  );
});

describe('folders outside the project', () => {
  const at = async (
    env: Record<string, string>,
    root: string,
  ): Promise<{ state: string; cache: string; sockets: string }> =>
    resolveDirectories({ root, slug: 'shop', cwd: root, env });

  // @verifies AC-config-directories
  it('follow COHERENCE_ and XDG variables, else the home folder; relative XDG paths do not count', async () => {
    const root = temporaryFolder();
    const name = `shop-${sha256(root).slice(0, 12)}`;
    expect(await at({ HOME: '/h', TMPDIR: '/t' }, root)).toEqual({
      state: `/h/.local/state/coherence/${name}`,
      cache: '/h/.cache/coherence',
      sockets: `/t/coherence-${process.getuid?.() ?? 0}`,
    });
    expect(await at({ HOME: '/h', XDG_STATE_HOME: '/s', XDG_CACHE_HOME: '/c', XDG_RUNTIME_DIR: '/r' }, root)).toEqual({
      state: `/s/coherence/${name}`,
      cache: '/c/coherence',
      sockets: '/r/coherence',
    });
    expect(
      await at({ HOME: '/h', XDG_STATE_HOME: 's', XDG_CACHE_HOME: '', XDG_RUNTIME_DIR: 'r', TMPDIR: '/t' }, root),
    ).toEqual(await at({ HOME: '/h', TMPDIR: '/t' }, root));
    expect(
      await at(
        { HOME: '/h', XDG_STATE_HOME: '/s', COHERENCE_STATE_DIR: 'mine', COHERENCE_CACHE_DIR: '/cc', TMPDIR: '/t' },
        root,
      ),
    ).toMatchObject({ state: join(root, 'mine'), cache: '/cc' });
  });

  // @verifies AC-config-state-of-clone
  it('are one for all worktrees of a clone, and resolving makes nothing', async () => {
    const home = temporaryFolder();
    const main = join(home, 'main');
    mkdirSync(main);
    const env = { HOME: home, PATH: process.env['PATH'] ?? '', GIT_CONFIG_GLOBAL: '/dev/null' };
    for (const command of [
      ['git', 'init', '-q'],
      ['git', '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'x'],
      ['git', 'worktree', 'add', '-q', '../tree'],
    ])
      expect(await capture({ command, cwd: main, env })).toMatchObject({ ok: true });
    const expected = join(
      home,
      '.local/state/coherence',
      `shop-${sha256(realpathSync(join(main, '.git'))).slice(0, 12)}`,
    );
    expect((await at(env, main)).state).toBe(expected);
    expect((await at(env, join(home, 'tree'))).state).toBe(expected);
    expect(readdirSync(home).sort()).toEqual(['main', 'tree']);
  });

  // @verifies AC-config-sockets
  it('for sockets are real, ours and closed, or refused', async () => {
    const home = temporaryFolder();
    const made = await ensureSocketFolder(join(home, 'new'));
    expect([made.ok, lstatSync(join(home, 'new')).mode & 0o777]).toEqual([true, 0o700]);
    expect((await ensureSocketFolder(join(home, 'new'))).ok).toBe(true);
    symlinkSync(join(home, 'new'), join(home, 'link'));
    writeFileSync(join(home, 'file'), '');
    mkdirSync(join(home, 'open'), { mode: 0o755 });
    chmodSync(join(home, 'open'), 0o755);
    for (const [name, why] of [
      ['link', 'symlink'],
      ['file', 'not a folder'],
      ['open', 'mode 755'],
    ] as const) {
      const refused = await ensureSocketFolder(join(home, name));
      expect([name, refused]).toMatchObject([
        name,
        { ok: false, failures: [{ kind: 'damaged-state', message: expect.stringContaining(why) }] },
      ]);
    }
    expect(await ensureStateFolder(join(home, 'file', 'below'))).toMatchObject({
      ok: false,
      failures: [{ kind: 'damaged-state' }],
    });
    expect(lstatSync(join(home, 'open')).mode & 0o777).toBe(0o755);
  });
});

describe('config set, killed between writing and renaming', () => {
  // @verifies AC-config-set-killed
  it('leaves the old file whole, and the next one removes what it left', async () => {
    const made = project({ '.coherence/config.yaml': 'max_workers: 5\n' });
    const script = join(temporaryFolder(), 'set.mjs');
    await build({
      stdin: {
        contents:
          "import { editSetting } from './src/config/index.ts'; const r = await editSetting({ cwd: process.argv[2], env: process.env, key: 'max_workers', value: process.argv[3] }); process.stdout.write(JSON.stringify(r));",
        resolveDir: process.cwd(),
        loader: 'ts',
      },
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outfile: script,
      logLevel: 'error',
    });
    symlinkSync(join(process.cwd(), 'node_modules'), join(script, '..', 'node_modules'));
    const run = async (value: string, env: Record<string, string>): ReturnType<typeof capture> =>
      capture({ command: [process.execPath, script, made.root, value], cwd: made.root, env: { ...made.env, ...env } });
    const killed = await run('9', { COHERENCE_TEST: '1', COHERENCE_FAILPOINTS: 'K15=kill' });
    expect(killed.end.signal).toBe('SIGKILL');
    expect(readFileSync(join(made.root, '.coherence/config.yaml'), 'utf8')).toBe('max_workers: 5\n');
    expect(readdirSync(join(made.root, '.coherence')).filter((name) => name.endsWith('.tmp'))).toHaveLength(1);
    const after = await run('10', { COHERENCE_FAILPOINTS: 'K15=kill' });
    expect(JSON.parse(after.stdout)).toMatchObject({ ok: true, value: { value: 10, changed: true } });
    expect(readFileSync(join(made.root, '.coherence/config.yaml'), 'utf8')).toBe('max_workers: 10\n');
    expect(readdirSync(join(made.root, '.coherence')).sort()).toEqual(['config.yaml', 'project.toml']);
  });
});
