import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editConfigText, editSetting, loadProject, settingKeys } from '../../src/config/index.js';
import { project } from './project.js';

const CONFIG = `# Our settings
max_workers: 5   # as many as cores
cargo:
  # warm boots
  speculative: false   # not yet
  parallel: true
docker: { layer_capacity: 3 }   # small disk

# the end
`;

function edited(text: string, key: string, value: unknown): string {
  const result = editConfigText(text, 'c.yaml', key, value);
  if (!result.ok) throw new Error(JSON.stringify(result.failures));
  return result.value ?? text;
}

describe('editing a setting', () => {
  // @verifies AC-config-set-keeps
  it('touches its value and no other byte', () => {
    expect(edited(CONFIG, 'max_workers', 10)).toBe(CONFIG.replace('max_workers: 5', 'max_workers: 10'));
    expect(edited(CONFIG, 'cargo.speculative', true)).toBe(CONFIG.replace('speculative: false', 'speculative: true'));
    expect(edited(CONFIG, 'docker.layer_capacity', 9)).toBe(CONFIG.replace('layer_capacity: 3', 'layer_capacity: 9'));
    expect(edited(CONFIG, 'cargo.warm_timeout_ms', 2000)).toBe(
      CONFIG.replace('  parallel: true\n', '  parallel: true\n  warm_timeout_ms: 2000\n'),
    );
    expect(edited(CONFIG, 'gate.policy', 'full')).toBe(
      CONFIG.replace('# small disk\n', '# small disk\ngate:\n  policy: full\n'),
    );
    expect(edited(CONFIG, 'cargo.parallel', null)).toBe(CONFIG.replace('  parallel: true\n', ''));
    expect(edited(CONFIG, 'docker.layer_capacity', null)).toBe(
      CONFIG.replace('docker: { layer_capacity: 3 }   # small disk\n', ''),
    );
    expect(edited(CONFIG, 'retry_count', null)).toBe(CONFIG);
  });

  it('keeps line ends, a byte order mark and a missing last line feed', () => {
    const crlf = CONFIG.replaceAll('\n', '\r\n');
    expect(edited(crlf, 'cargo.warm_timeout_ms', 2000)).toBe(
      crlf.replace('  parallel: true\r\n', '  parallel: true\r\n  warm_timeout_ms: 2000\r\n'),
    );
    expect(edited('\ufeffmax_workers: 5', 'retry_count', 1)).toBe('\ufeffmax_workers: 5\nretry_count: 1');
    expect(edited('', 'cargo.speculative', true)).toBe('cargo:\n  speculative: true\n');
    expect(edited('# only a comment\n', 'max_workers', 1)).toBe('# only a comment\nmax_workers: 1\n');
    expect(edited('cargo:\n  # speculative: true\n', 'cargo.parallel', false)).toBe(
      'cargo:\n  parallel: false\n  # speculative: true\n',
    );
    expect(edited('max_workers: 1 # a\n', 'max_workers', null)).toBe('');
  });

  it('reads back as set, for any order of sets and unsets', () => {
    const step = fc.constantFrom<[string, unknown]>(
      ['max_workers', 7],
      ['max_workers', null],
      ['cargo.speculative', true],
      ['cargo.speculative', null],
      ['cargo.parallel', false],
      ['cargo.parallel', null],
      ['worktrees.extra_roots', ['/a', '/b c']],
      ['worktrees.extra_roots', null],
      ['gate.budget', '30s'],
      ['store.dolt_bin', '/x y/#z'],
      ['store.dolt_bin', null],
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.boolean(), (steps, commented) => {
        let text = commented ? CONFIG : '';
        const wanted = new Map<string, unknown>();
        for (const [key, value] of steps) {
          text = edited(text, key, value);
          wanted.set(key, value);
          for (const [name, expected] of wanted) expect(edited(text, name, expected)).toBe(text);
        }
        expect(
          commented
            ? text.includes('# the end') && text.includes('# Our settings') && text.includes('# warm boots')
            : true,
        ).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

describe('config set', () => {
  const set = async (
    made: { root: string; env: Record<string, string> },
    key: string,
    value: string | null,
  ): ReturnType<typeof editSetting> => editSetting({ cwd: made.root, env: made.env, key, value });

  it("stores a number as a number, in config.yaml, and keeps the file's mode", async () => {
    const made = project({ '.coherence/config.yaml': CONFIG });
    chmodSync(join(made.root, '.coherence/config.yaml'), 0o640);
    expect(await set(made, 'max_workers', '10')).toMatchObject({
      ok: true,
      value: { key: 'max_workers', value: 10, file: '.coherence/config.yaml', changed: true },
    });
    const loaded = await loadProject({ cwd: made.root, env: made.env });
    expect(loaded.ok && loaded.value.settings.max_workers).toBe(10);
    expect(statSync(join(made.root, '.coherence/config.yaml')).mode & 0o777).toBe(0o640);
  });

  // @verifies AC-config-machine-keys
  it('writes machine keys to config.local.yaml', async () => {
    const made = project();
    for (const setting of settingKeys.filter((candidate) => candidate.machineOnly)) {
      const value = setting.type === 'list' ? '/a' : setting.key.endsWith('url') ? 'mysql://h:1' : '/bin/x';
      expect(await set(made, setting.key, value)).toMatchObject({
        ok: true,
        value: { file: '.coherence/config.local.yaml' },
      });
    }
    expect(existsSync(join(made.root, '.coherence/config.yaml'))).toBe(false);
  });

  // @verifies AC-config-set-refuses
  it('refuses bad values and unknown keys (usage) and leaves the file alone', async () => {
    const made = project({ '.coherence/config.yaml': CONFIG });
    const cases: [string, string, string][] = [
      ['max_workers', 'ten', 'whole number'],
      ['max_workers', '257', '0 to 256'],
      ['max_workers', '1.5', 'whole number'],
      ['max_worker', '1', 'max_worker'],
      ['log_level', 'loud', 'error, warn, info, debug'],
      ['cargo.speculative', 'yes', 'true or false'],
      ['gate.budget', 'soon', 'duration'],
      ['store.url', 'nowhere', 'URL'],
      ['store.dolt_bin', '--evil', 'starts with'],
      ['spawn_jitter_min_ms', '200', 'larger than'],
      ['docker.layer_capacity', '0', '1 to'],
      ['cargo', 'x', 'no setting'],
    ];
    for (const [key, value, says] of cases) {
      const result = await set(made, key, value);
      expect([key, result]).toMatchObject([key, { ok: false, failures: [{ kind: 'usage' }] }]);
      expect(JSON.stringify(result)).toContain(says);
    }
    expect(readFileSync(join(made.root, '.coherence/config.yaml'), 'utf8')).toBe(CONFIG);
  });

  // @verifies AC-config-set-broken
  it('refuses a file that cannot be read, and changes none of its bytes', async () => {
    for (const text of ['max_workers: [1\n', 'a: 1\na: 2\n', '- 1\n', 'cargo: 5\n', 'cargo: &x {}\nb: !y 1\n']) {
      const made = project({ '.coherence/config.yaml': text });
      const result = await set(made, 'cargo.speculative', 'true');
      expect([text, result]).toMatchObject([
        text,
        { ok: false, failures: [{ kind: 'invalid-config', file: '.coherence/config.yaml' }] },
      ]);
      expect(readFileSync(join(made.root, '.coherence/config.yaml'), 'utf8')).toBe(text);
    }
  });

  it('mends a value that is invalid', async () => {
    const made = project({ '.coherence/config.yaml': 'max_workers: ten # oops\n' });
    expect(await set(made, 'max_workers', '10')).toMatchObject({ ok: true });
    expect(readFileSync(join(made.root, '.coherence/config.yaml'), 'utf8')).toBe('max_workers: 10 # oops\n');
  });

  // @verifies AC-config-set-concurrent
  it('loses no value when several run at once, and removes left-over temporary files', async () => {
    const made = project({ '.coherence/config.yaml': CONFIG });
    writeFileSync(join(made.root, '.coherence/config.yaml.0123456789ab.tmp'), 'half');
    const results = await Promise.all([
      set(made, 'max_workers', '9'),
      set(made, 'retry_count', '1'),
      set(made, 'cargo.parallel', 'false'),
      set(made, 'gate.policy', 'strict'),
      set(made, 'pool.enabled', 'false'),
    ]);
    expect(results.every((result) => result.ok)).toBe(true);
    const loaded = await loadProject({ cwd: made.root, env: made.env });
    expect(loaded.ok && loaded.value.settings).toMatchObject({
      max_workers: 9,
      retry_count: 1,
      cargo: { parallel: false },
      gate: { policy: 'strict' },
      pool: { enabled: false },
    });
    expect(readdirSync(join(made.root, '.coherence')).sort()).toEqual(['config.yaml', 'project.toml']);
  });
});
