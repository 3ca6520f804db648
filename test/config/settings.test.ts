import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentVariable, loadProject, settingKeys, type Project, type Settings } from '../../src/config/index.js';
import { project, write } from './project.js';

async function loaded(
  files: Record<string, string> = {},
  env: Record<string, string> = {},
  flags: Record<string, string> = {},
): Promise<Project> {
  const made = project(files);
  const result = await loadProject({ cwd: made.root, env: { ...made.env, ...env }, flags });
  if (!result.ok) throw new Error(JSON.stringify(result.failures));
  return result.value;
}

function value(settings: Settings, key: string): unknown {
  let inner: unknown = settings;
  for (const name of key.split('.')) inner = (inner as Record<string, unknown>)[name];
  return inner;
}

describe('settings', () => {
  it("have a default for each key, of the key's own type", async () => {
    const { settings, origins } = await loaded();
    expect(settings).toMatchObject({
      max_workers: 5,
      spawns_per_tick: 4,
      retry_count: 3,
      cargo: { speculative: false, warm_timeout_ms: 60_000 },
      docker: { layer_capacity: 64, environments: {} },
      gate: { policy: 'delta', budget: 300_000, on_error: 'block' },
    });
    const wrong = settingKeys.filter((setting) => {
      const found = value(settings, setting.key);
      const isNumber = setting.type === 'integer' || setting.type === 'number' || setting.type === 'duration';
      const rightType =
        setting.default === null ? found === null : typeof found === (isNumber ? 'number' : typeof setting.default);
      const inRange =
        setting.range === undefined ||
        typeof found !== 'number' ||
        (found >= setting.range[0] && found <= setting.range[1]);
      return origins.get(setting.key)?.layer !== 'default' || !rightType || !inRange;
    });
    expect(wrong).toEqual([]);
  });

  // @verifies AC-config-order
  it('come from defaults, user, project, local, environment and flags, the later the stronger', async () => {
    const files: Record<string, string> = {};
    const order: [string, () => [Record<string, string>, Record<string, string>]][] = [];
    let env: Record<string, string> = {};
    let flags: Record<string, string> = {};
    order.push(['default', () => [env, flags]]);
    order.push([
      'user',
      () => {
        files['home/.config/coherence/config.yaml'] = 'max_workers: 11\n';
        return [env, flags];
      },
    ]);
    order.push([
      'project',
      () => {
        files['.coherence/config.yaml'] = 'max_workers: 12\n';
        return [env, flags];
      },
    ]);
    order.push([
      'local',
      () => {
        files['.coherence/config.local.yaml'] = 'max_workers: 13\n';
        return [env, flags];
      },
    ]);
    order.push(['environment', () => [(env = { COHERENCE_MAX_WORKERS: '14' }), flags]]);
    order.push(['flag', () => [env, (flags = { max_workers: '15' })]]);
    let expected = 5;
    for (const [layer, add] of order) {
      const [withEnv, withFlags] = add();
      const { settings, origins } = await loaded(files, withEnv, withFlags);
      expect(origins.get('max_workers')?.layer).toBe(layer);
      expect(settings.max_workers).toBe(expected);
      expected = expected === 5 ? 11 : expected + 1;
    }
  });

  // @verifies AC-config-replacement
  it("come from the file that COHERENCE_CONFIG names instead of the project's two", async () => {
    const made = project({
      '.coherence/config.yaml': 'max_workers: 7\n',
      '.coherence/config.local.yaml': 'retry_count: 1\n',
      'other.yaml': 'spawns_per_tick: 2\n',
    });
    const result = await loadProject({
      cwd: made.root,
      env: { ...made.env, COHERENCE_CONFIG: join(made.root, 'other.yaml') },
    });
    expect(
      result.ok && [
        result.value.settings.max_workers,
        result.value.settings.retry_count,
        result.value.settings.spawns_per_tick,
      ],
    ).toEqual([5, 3, 2]);
  });

  // @verifies AC-config-machine-keys
  it('about one machine are ignored with a warning in the committed file, and count elsewhere', async () => {
    const text =
      'store:\n  dolt_bin: /evil\n  url: mysql://h\n  dolt_url: http://h/x\nbackends:\n  cargo: { bin: ./evil }\nworktrees:\n  extra_roots: [/]\n';
    const committed = await loaded({ '.coherence/config.yaml': text });
    expect(committed.settings.store.dolt_bin).toBeNull();
    expect(committed.settings.store.url).toBeNull();
    expect(committed.settings.backends.cargo.bin).toBe('cargo');
    expect(committed.settings.worktrees.extra_roots).toEqual([]);
    expect(committed.notes).toHaveLength(5);
    expect(committed.notes[0]).toContain('.coherence/config.yaml:2:13: warning: store.dolt_bin is ignored');
    const local = await loaded({ '.coherence/config.local.yaml': text });
    expect([
      local.settings.store.dolt_bin,
      local.settings.backends.cargo.bin,
      local.settings.worktrees.extra_roots,
    ]).toEqual(['/evil', './evil', ['/']]);
    expect(local.notes).toEqual([]);
  });

  it('can each be given by the environment under one name', async () => {
    const names = settingKeys.map((setting) => environmentVariable(setting.key));
    expect(new Set(names).size).toBe(names.length);
    const { settings } = await loaded(
      {},
      {
        COHERENCE_CARGO__SPECULATIVE: 'true',
        COHERENCE_VERIFY__TIMEOUT: '30s',
        COHERENCE_WORKTREES__EXTRA_ROOTS: '/a,/b',
        COHERENCE_WORKTREES__PREPARE: 'npm ci --no-audit',
        COHERENCE_GATE__POLICY: '',
      },
    );
    expect(settings.cargo.speculative).toBe(true);
    expect(settings.verify.timeout).toBe(30_000);
    expect(settings.worktrees).toEqual({ extra_roots: ['/a', '/b'], prepare: ['npm', 'ci', '--no-audit'] });
    expect(settings.gate.policy).toBe('delta');
  });

  it('are frozen in depth', async () => {
    const { settings } = await loaded({
      '.coherence/config.yaml': 'docker: { environments: { base: { image: a/b:1 } } }\n',
    });
    expect(Object.isFrozen(settings.docker.environments['base'])).toBe(true);
    expect(() => Object.assign(settings.cargo, { parallel: false })).toThrow(TypeError);
  });

  it('keep Docker environments of a weaker file whose names differ', async () => {
    const { settings } = await loaded({
      '.coherence/config.yaml': 'docker:\n  environments:\n    base: { image: a/b:1 }\n    other: { image: c }\n',
      '.coherence/config.local.yaml': 'docker: { environments: { other: { image: d } } }\n',
    });
    expect(settings.docker.environments).toEqual({ base: { image: 'a/b:1' }, other: { image: 'd' } });
  });

  it('may be empty files, comments only, or groups with nothing in them', async () => {
    const { settings } = await loaded({
      '.coherence/config.yaml': '# nothing yet\ncargo:\n  # speculative: true\n',
      '.coherence/config.local.yaml': '',
    });
    expect(settings.max_workers).toBe(5);
  });

  it('read the documented Docker environment', async () => {
    const { settings } = await loaded({ '.coherence/config.yaml': DOCUMENTED });
    expect(settings.docker.environments['base']).toMatchObject({
      pull: 'never',
      user: '0:0',
      shell: ['sh', '-ec'],
      limits: { cpus: 1, memory: '512m', pids: 256, network: 'none' },
    });
  });

  it('say when a variable looks like a setting but is none', async () => {
    const { notes } = await loaded({}, { COHERENCE_MAX_WORKER: '3', COHERENCE_STATE_DIR: '/x' });
    expect(notes).toEqual(['The variable COHERENCE_MAX_WORKER names no setting. Did you mean COHERENCE_MAX_WORKERS?']);
  });
});

describe('a project', () => {
  // @verifies AC-config-no-project
  it('without a manifest is a usage failure that names coherence init', async () => {
    const made = project();
    const { rmSync } = await import('node:fs');
    rmSync(join(made.root, '.coherence'), { recursive: true });
    const result = await loadProject({ cwd: made.root, env: made.env });
    expect(result).toMatchObject({
      ok: false,
      failures: [{ kind: 'usage', hint: 'Run "coherence init" in the project.' }],
    });
  });

  it('is found from a folder below it, but not from another repository inside it', async () => {
    const made = project({ 'a/b/c.txt': '' });
    const below = await loadProject({ cwd: join(made.root, 'a/b'), env: made.env });
    expect(below.ok && below.value.root).toBe(made.root);
    write(made.root, { 'a/.git/HEAD': 'ref: refs/heads/main\n' });
    expect((await loadProject({ cwd: join(made.root, 'a/b'), env: made.env })).ok).toBe(false);
  });
});

const DOCUMENTED = `docker:
  environments:
    base:
      image: coherence-test/base:1      # resolved to an image id at plan time; the id is in every key
      pull: never                       # never | missing | always
      user: "0:0"
      workdir: /workspace
      shell: [sh, -ec]
      env: { LANG: C.UTF-8 }            # in the key; never baked into an image
      pass_env: [CI]                    # by name, value in the key
      secrets: [REGISTRY_TOKEN]         # by name; not in the key, not in an image, masked in output
      setup:                            # each entry is one snapshot layer: system state only
        - { id: tools, run: apk add build-base, network: bridge, timeout: 5m }
        - { id: deps, run: cp /inputs/package*.json /opt/app/ && cd /opt/app && npm ci, inputs: [package.json, package-lock.json] }
      source: { include: ["."], exclude: [target/, node_modules/] }
      link: { node_modules: /opt/app/node_modules }     # symlinks made in each workspace, so that set-up's installs are found
      limits: { cpus: 1, memory: 512m, pids: 256, network: none }
`;
