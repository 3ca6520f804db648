import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FreshnessGate } from '../../../src/runners/cargo/gate.js';
import { readDepInfo, watchedPaths } from '../../../src/runners/cargo/inputs.js';
import { judgeExitCode, judgeTest, type TestEnd } from '../../../src/runners/cargo/judge.js';
import { assertReuse, warmTargetDir, workerCargoEnv } from '../../../src/runners/cargo/index.js';
import { describeError, readStream } from '../../../src/runners/cargo/stream.js';
import { reasonOfStderr, tailOf } from '../../../src/runners/cargo/warm/boot.js';

const ended = { code: 0, signal: null, timedOut: false, canceled: false, spawnError: null } as const;
const CLOSING = 'test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.00s\n';
const judge = (more: Partial<TestEnd>) =>
  judgeTest({
    name: 'm::t',
    end: ended,
    trouble: null,
    log: 'ok m::t\n',
    stdout: CLOSING,
    stdoutCut: false,
    stderr: '',
    timeoutMs: 1000,
    ...more,
  }).reason;

describe('the judge', () => {
  // @verifies AC-cargo-proof
  it('passes only when exit code, log file and closing line agree on exactly this test', () => {
    expect(judge({})).toBe('executed');
    expect(judge({ log: '' })).toBe('crash');
    expect(judge({ log: null })).toBe('crash');
    expect(judge({ log: 'ok m::t2\n' })).toBe('not-reported');
    expect(judge({ log: 'ok m::t\nok m::t\n' })).toBe('not-reported');
    expect(judge({ log: 'ok m::t\nfailed m::u\n' })).toBe('not-reported');
    expect(judge({ stdout: 'running 1 test\n' })).toBe('not-reported');
    expect(judge({ stdout: 'cut', stdoutCut: true })).toBe('executed');
    expect(judge({ end: { ...ended, code: 101 } })).toBe('crash');
    expect(judge({ end: { ...ended, code: null, signal: 'SIGABRT' } })).toBe('crash');
    expect(judge({ end: { ...ended, timedOut: true } })).toBe('timeout');
    expect(judge({ end: { ...ended, canceled: true } })).toBe('canceled');
    expect(judge({ end: { ...ended, code: 101 }, log: 'failed m::t\n' })).toBe('assertion');
    expect(
      judge({
        end: { ...ended, code: 101 },
        log: 'failed: panic did not contain expected string\n  panic message: "x" m::t\n',
      }),
    ).toBe('assertion');
    expect(judge({ log: 'ignored: later m::t\n' })).toBe('runner-skipped');
    expect(judge({ trouble: { reason: 'infra', message: 'gone' } })).toBe('infra');
    expect(judge({ log: null, stderr: "error: Unrecognized option: 'logfile'", end: { ...ended, code: 1 } })).toBe(
      'not-reported',
    );
  });

  // @verifies AC-cargo-no-harness
  it('without a harness the exit code decides', () => {
    const of = (end: Partial<TestEnd['end']>) =>
      judgeExitCode({ end: { ...ended, ...end }, trouble: null, timeoutMs: 1, stderr: '' }).reason;
    expect([of({}), of({ code: 4 }), of({ code: null, signal: 'SIGSEGV' }), of({ timedOut: true })]).toEqual([
      'executed',
      'exit-code',
      'crash',
      'timeout',
    ]);
  });
});

const artifact = (id: string, name: string, fresh: boolean, more: object = {}) =>
  JSON.stringify({
    reason: 'compiler-artifact',
    package_id: id,
    manifest_path: '/w/Cargo.toml',
    target: { kind: ['lib'], name, src_path: '/w/src/lib.rs' },
    profile: { test: false },
    filenames: [`/t/lib${name}.rlib`],
    executable: null,
    fresh,
    ...more,
  });

describe('the JSON stream', () => {
  // @verifies AC-cargo-gate
  it('a member must be compiled at its first appearance; afterwards fresh is right', () => {
    const gate = new FreshnessGate();
    const member = (fresh: boolean) => readStream(artifact('path+file:///w#fx@0.1.0', 'fx', fresh)).artifacts;
    expect(
      gate.stale(
        readStream(artifact('registry+https://x#depa@1.0.0', 'depa', true, { manifest_path: '/home/depa/Cargo.toml' }))
          .artifacts,
        '/w',
      ),
    ).toEqual([]);
    expect(gate.stale(member(true), '/w')).toHaveLength(1);
    expect(gate.stale(member(false), '/w')).toEqual([]);
    expect(gate.stale(member(true), '/w')).toEqual([]);
    expect(
      new FreshnessGate().stale(
        readStream(
          artifact('registry+https://x#depa@1.0.0', 'depa', true, { manifest_path: '/w/vendor/depa/Cargo.toml' }),
        ).artifacts,
        '/w',
      ),
    ).toHaveLength(1);
    expect(
      new FreshnessGate().stale(
        readStream(artifact('path+file:///w#fx@0.1.0', 'fx', true, { fresh: 'what' })).artifacts,
        '/w',
      ),
    ).toHaveLength(1);
  });

  // @verifies AC-cargo-warm-reuse
  it('proves reuse without a clock', async () => {
    const text = [
      artifact('registry+https://x#depa@1.0.0', 'depa', true),
      artifact('path+file:///w#fx@0.1.0', 'fx', false),
      artifact('path+file:///w#fx@0.1.0', 'fx', true),
      'noise',
    ].join('\n');
    expect(await assertReuse(text)).toEqual({ depsFresh: 1, depsTotal: 1, membersFresh: 0 });
  });

  // @verifies AC-cargo-build-failure
  it('an error is quoted with its place', () => {
    const line = JSON.stringify({
      reason: 'compiler-message',
      package_id: 'p',
      message: {
        level: 'error',
        message: 'mismatched types',
        rendered: 'error',
        spans: [{ is_primary: true, file_name: 'src/lib.rs', line_start: 3 }],
      },
    });
    expect(readStream(line).errors.map(describeError)).toEqual(['src/lib.rs:3: mismatched types']);
  });

  it('dep-info and build scripts name their files', () => {
    expect(readDepInfo('/t/x.d: src/a\\ b.rs /abs/c.txt\n\nsrc/lib.rs:\n# env-dep:X\n', '/w')).toEqual([
      join('/w', 'src/a b.rs'),
      '/abs/c.txt',
    ]);
    expect(
      watchedPaths('cargo:rerun-if-changed=data\ncargo::rerun-if-changed=/etc/x\ncargo:rustc-cfg=y\n', '/w'),
    ).toEqual(['/w/data', '/etc/x']);
  });
});

describe('warm directories', () => {
  const env = { COHERENCE_CACHE_DIR: '/cache' };
  // @verifies AC-cargo-warm-path
  it('equal for equal sessions, different for different ones, always one folder below the cache', () => {
    expect(warmTargetDir('a', env)).toBe('/cache/target-a');
    const odd = ['a', 'b', '../../x', 'x'.repeat(300), '..', '', '/etc', 'ä', '.hidden', 'a/b'];
    const paths = odd.map((session) => warmTargetDir(session, env));
    expect(new Set(paths).size).toBe(odd.length);
    for (const path of paths) expect(path).toMatch(/^\/cache\/target-[A-Za-z0-9][A-Za-z0-9._-]*$/u);
    expect(warmTargetDir('../../x', env)).toBe(warmTargetDir('../../x', env));
  });

  // @verifies AC-cargo-warm-path
  it('the cache’s place follows the contract', () => {
    expect(warmTargetDir('s', { XDG_CACHE_HOME: '/xdg', HOME: '/home/u' })).toBe('/xdg/coherence/target-s');
    expect(warmTargetDir('s', { HOME: '/home/u' })).toBe('/home/u/.cache/coherence/target-s');
  });

  // @verifies AC-cargo-warm-path
  it('a worker gets nothing or exactly one pair', () => {
    expect(workerCargoEnv('s', false, env)).toEqual([]);
    expect(workerCargoEnv('s', true, env)).toEqual([['CARGO_TARGET_DIR', '/cache/target-s']]);
  });

  it('cargo’s last words are cut on a character and name the machine’s trouble', () => {
    expect(tailOf('äöü', 3)).toBe('ü');
    expect(reasonOfStderr('error: No space left on device (os error 28)')).toBe('disk-full');
    expect(reasonOfStderr('Permission denied (os error 13)')).toBe('permission-denied');
    expect(reasonOfStderr('mismatched types')).toBeNull();
  });
});
