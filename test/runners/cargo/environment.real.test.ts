import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from '../../../src/util/process.js';
import { caseFor, copyOf, folder, noCargo, runCases, type Folder } from './rig.js';

describe.skipIf(noCargo !== null)('the environment of a test executable', () => {
  let project: Folder;
  let out: Folder;
  beforeAll(async () => {
    project = await copyOf('kinds');
    out = await folder();
  });
  afterAll(async () => {
    await project.remove();
    await out.remove();
  });

  const variables = async (file: string): Promise<Record<string, string>> => {
    const lines = (await readFile(file, 'utf8'))
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const);
    // What names this very run, and what a shell leaves behind.
    const own = new Set([
      'COHERENCE_RUN_ID',
      'COHERENCE_AC_ID',
      'COHERENCE_ATTEMPT',
      'COHERENCE_RUN_NONCE',
      'DUMP',
      '_',
      'SHLVL',
    ]);
    // Cargo's network library sets these for cargo itself once it has started (docs/cargo.md, limits).
    for (const name of ['SSL_CERT_FILE', 'SSL_CERT_DIR']) own.add(name);
    return Object.fromEntries(lines.filter(([name]) => !own.has(name)));
  };

  // @verifies AC-cargo-environment
  it('is the one that a real `cargo test` gives', async () => {
    // Only what the place lets through, so that both sides start alike.
    const env = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      LD_LIBRARY_PATH: '/opt/own/lib',
      FROM_CONFIG_FORCED: 'shell',
      FROM_CONFIG_PATH: 'shell',
    };
    const direct = join(out.path, 'direct');
    const real = join(out.path, 'real');
    const ran = await runCases(
      project.path,
      [caseFor('tests/whole.rs::dumps_its_environment', { env: { DUMP: direct } })],
      { env },
    );
    expect(ran.verdicts['tests/whole.rs::dumps_its_environment']).toBe('PASS(executed)');
    const done = await capture({
      command: ['cargo', 'test', '--locked', '--test', 'whole', 'dumps_its_environment'],
      cwd: project.path,
      env: { ...env, DUMP: real },
    });
    expect(done.stderr).toContain('Finished');
    const found = await variables(direct);
    expect(found).toEqual(await variables(real));
    expect(found).toMatchObject({
      CARGO_PKG_VERSION_PRE: 'rc.1',
      FROM_CONFIG: 'plain',
      FROM_CONFIG_FORCED: 'forced',
      FROM_CONFIG_PATH: 'shell',
      FROM_BUILD_SCRIPT: '1',
      CARGO_PKG_AUTHORS: 'Ada <ada@example.org>:Bo',
    });
    expect(Object.keys(found)).toEqual(
      expect.arrayContaining(['CARGO', 'OUT_DIR', 'CARGO_BIN_EXE_tool', 'LD_LIBRARY_PATH', '{cwd}']),
    );
  });

  // @verifies AC-cargo-environment
  it('starts the executable through the configured runner', async () => {
    await project.write({
      'wrap.sh': `#!/bin/sh\necho "$@" >> '${out.path}/wrapped'\nexec "$@"\n`,
      '.cargo/config.toml': `[target.'cfg(all(unix, not(windows)))']\nrunner = ["./wrap.sh"]\n`,
    });
    await chmod(join(project.path, 'wrap.sh'), 0o755);
    const ran = await runCases(project.path, [caseFor('tests/whole.rs::runs_in_the_package')]);
    expect(ran.verdicts).toEqual({ 'tests/whole.rs::runs_in_the_package': 'PASS(executed)' });
    expect(await readFile(join(out.path, 'wrapped'), 'utf8')).toMatch(
      /deps\/whole-[0-9a-f]+ --exact runs_in_the_package --logfile/u,
    );
    expect(ran.of('tests/whole.rs::runs_in_the_package').command[0]).toBe(join(project.path, 'wrap.sh'));
  });

  // @verifies AC-cargo-record-env
  it('is recorded as what the link declared, without cargo’s own variables', async () => {
    const ran = await runCases(project.path, [
      caseFor('src/lib.rs::passes', { env: { MY_OWN: '1', API_TOKEN: 'hush-hush' } }),
    ]);
    expect(ran.of('src/lib.rs::passes').env).toEqual({ MY_OWN: '1', API_TOKEN: '***' });
  });
});
