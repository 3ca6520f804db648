import { appendFile, chmod, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caseFor, committed, copyOf, docCase, folder, git, noCargo, runCases, type Folder } from './rig.js';

/** A PATH whose `cargo` writes one line for each call before it runs the real one. */
async function counting(
  place: Folder,
): Promise<{ readonly env: Record<string, string | undefined>; calls(): Promise<readonly string[]> }> {
  const log = join(place.path, 'calls.log');
  await place.write({
    'bin/cargo': `#!/bin/sh\necho "$*" >> '${log}'\nPATH="\${PATH#*:}" exec cargo "$@"\n`,
    'calls.log': '',
  });
  await chmod(join(place.path, 'bin/cargo'), 0o755);
  return {
    env: { ...process.env, PATH: `${place.path}/bin:${process.env['PATH'] ?? ''}` },
    calls: async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
  };
}

describe.skipIf(noCargo !== null)('cargo workspaces', () => {
  let project: Folder;
  let side: Folder;
  beforeEach(async () => {
    project = await copyOf('workspace');
    side = await folder();
  });
  afterEach(async () => {
    await project.remove();
    await side.remove();
  });
  const cases = () => [
    caseFor('alpha/src/lib.rs::unit'),
    caseFor('alpha/tests/flow.rs::through_both'),
    caseFor('beta/src/lib.rs::unit'),
    caseFor('beta/src/lib.rs::loud_unit', { features: ['loud'] }),
    caseFor('apart/src/lib.rs::on_its_own'),
    docCase('alpha/src/lib.rs', ['doctest', 'twice (line 1)'], 1),
  ];

  // @verifies AC-cargo-workspace, AC-cargo-one-build
  it('builds members together, an excluded member apart, and no more often for more links', async () => {
    const { env, calls } = await counting(side);
    const ran = await runCases(project.path, cases(), { env });
    expect(new Set(Object.values(ran.verdicts))).toEqual(new Set(['PASS(executed)']));
    const builds = (await calls()).filter((line) => line.includes('--no-run'));
    expect(builds).toEqual([
      'test --no-run --message-format=json --locked --package alpha --package beta',
      'test --no-run --message-format=json --locked --package beta --features=beta/loud',
      'test --no-run --message-format=json --locked --package apart',
    ]);
    const few = (await calls()).length;
    await writeFile(join(side.path, 'calls.log'), '');
    const names = Array.from({ length: 40 }, (_, i) => `case_${i}`);
    await appendFile(
      join(project.path, 'beta/src/lib.rs'),
      names.map((name) => `#[test] fn ${name}() { assert_eq!(one(), 1); }\n`).join(''),
    );
    const many = await runCases(
      project.path,
      [...cases(), ...names.map((name) => caseFor(`beta/src/lib.rs::${name}`))],
      { env },
    );
    expect(new Set(Object.values(many.verdicts))).toEqual(new Set(['PASS(executed)']));
    expect((await calls()).length).toBe(few);
  });

  // @verifies AC-cargo-build-failure
  it('a package that does not compile is ERROR(build) with the first error’s place, and the others go on', async () => {
    await appendFile(join(project.path, 'alpha/src/lib.rs'), '\nfn broken() -> u8 { "text" }\n');
    const ran = await runCases(project.path, cases());
    expect(ran.verdicts).toEqual({
      'alpha/src/lib.rs::unit': 'ERROR(build)',
      'alpha/tests/flow.rs::through_both': 'ERROR(build)',
      'alpha/src/lib.rs::doctest::twice (line 1)': 'ERROR(build)',
      'beta/src/lib.rs::unit': 'PASS(executed)',
      'beta/src/lib.rs::loud_unit': 'PASS(executed)',
      'apart/src/lib.rs::on_its_own': 'PASS(executed)',
    });
    expect(ran.of('alpha/src/lib.rs::unit').detail).toMatch(/^alpha\/src\/lib\.rs:\d+: mismatched types/u);
    expect(ran.of('alpha/src/lib.rs::unit').message).toContain('expected `u8`');
  });

  // @verifies AC-cargo-build-failure
  it('what depends on a package that does not compile fails with it', async () => {
    await appendFile(join(project.path, 'beta/src/lib.rs'), '\nfn broken( {\n');
    const ran = await runCases(project.path, [
      caseFor('alpha/src/lib.rs::unit'),
      caseFor('beta/src/lib.rs::unit'),
      caseFor('apart/src/lib.rs::on_its_own'),
    ]);
    expect(ran.verdicts).toEqual({
      'alpha/src/lib.rs::unit': 'ERROR(build)',
      'beta/src/lib.rs::unit': 'ERROR(build)',
      'apart/src/lib.rs::on_its_own': 'PASS(executed)',
    });
    expect(ran.of('alpha/src/lib.rs::unit').detail).toContain('beta/src/lib.rs:');
  });

  // @verifies AC-cargo-build-failure
  it('a manifest that cargo cannot read is ERROR(build)', async () => {
    await writeFile(join(project.path, 'apart/Cargo.toml'), '[package\nname = "apart"\n');
    const ran = await runCases(project.path, [
      caseFor('apart/src/lib.rs::on_its_own'),
      caseFor('beta/src/lib.rs::unit'),
    ]);
    expect(ran.of('apart/src/lib.rs::on_its_own').reason).toBe('build');
  });

  // @verifies AC-cargo-clean-tree
  it('leaves no lock file behind where there was none, and asks for no second resolution', async () => {
    await rm(join(project.path, 'Cargo.lock'));
    await committed(project.path);
    const cacheFolder = join(side.path, 'cache');
    for (const round of [1, 2]) {
      const ran = await runCases(project.path, [caseFor('beta/src/lib.rs::unit')], { cacheFolder });
      expect([round, ran.verdicts]).toEqual([round, { 'beta/src/lib.rs::unit': 'PASS(executed)' }]);
      expect(await git(project.path, 'status', '--porcelain')).toBe('');
      expect((await readdir(project.path)).includes('Cargo.lock')).toBe(false);
    }
    expect((await readdir(join(cacheFolder, 'cargo/locks'))).some((name) => name.endsWith('.toml'))).toBe(true);
  });

  // @verifies AC-cargo-clean-tree
  it('never rewrites a lock file that is there', async () => {
    await appendFile(join(project.path, 'alpha/Cargo.toml'), '\n[dev-dependencies]\napart = { path = "../apart" }\n');
    const before = await readFile(join(project.path, 'Cargo.lock'), 'utf8');
    const ran = await runCases(project.path, [caseFor('alpha/src/lib.rs::unit')]);
    expect(ran.of('alpha/src/lib.rs::unit').reason).toBe('build');
    expect(ran.of('alpha/src/lib.rs::unit').detail).toContain('--locked');
    expect(await readFile(join(project.path, 'Cargo.lock'), 'utf8')).toBe(before);
  });

  // @verifies AC-cargo-one-at-a-time
  it('runs tests of a package that uses serial_test one at a time, and any when cargo.parallel is off or RUST_TEST_THREADS is 1', async () => {
    // A stand-in for the crate: only its name matters to who starts the processes.
    const exclusive = `use std::fs::{create_dir, remove_dir}; use std::{thread::sleep, time::Duration};
fn alone() { let lock = std::env::var("LOCK").unwrap(); create_dir(&lock).expect("not alone"); sleep(Duration::from_millis(150)); remove_dir(&lock).unwrap(); }
${[1, 2, 3, 4].map((i) => `#[test] fn one_${i}() { alone(); }`).join('\n')}\n`;
    await project.write({
      'apart/tests/serial.rs': exclusive,
      'apart/serial/Cargo.toml': '[package]\nname = "serial_test"\nversion = "1.0.0"\nedition = "2021"\n',
      'apart/serial/src/lib.rs': '',
    });
    await rm(join(project.path, 'apart/Cargo.lock'));
    const some = [1, 2, 3, 4].map((i) =>
      caseFor(`apart/tests/serial.rs::one_${i}`, { env: { LOCK: join(side.path, 'lock') } }),
    );
    const passes = { PASS: 4 };
    const count = (verdicts: Readonly<Record<string, string>>) =>
      Object.values(verdicts).reduce<Record<string, number>>(
        (all, verdict) => ({ ...all, [verdict.split('(')[0] ?? '']: (all[verdict.split('(')[0] ?? ''] ?? 0) + 1 }),
        {},
      );
    const together = await runCases(project.path, some, { jobs: 4 });
    expect(count(together.verdicts)['FAIL']).toBeGreaterThan(0);
    await rm(join(side.path, 'lock'), { recursive: true, force: true });
    expect(count((await runCases(project.path, some, { jobs: 4, parallel: false })).verdicts)).toEqual(passes);
    const threads = some.map((one) => ({ ...one, env: { ...one.env, RUST_TEST_THREADS: '1' } }));
    expect(count((await runCases(project.path, threads, { jobs: 4 })).verdicts)).toEqual(passes);
    await project.write({ 'apart/.cargo/config.toml': '[env]\nRUST_TEST_THREADS = "1"\n' });
    expect(count((await runCases(project.path, some, { jobs: 4 })).verdicts)).toEqual(passes);
    await rm(join(project.path, 'apart/.cargo/config.toml'));
    await appendFile(
      join(project.path, 'apart/Cargo.toml'),
      '\n[dev-dependencies]\nserial_test = { path = "serial" }\n',
    );
    expect(count((await runCases(project.path, some, { jobs: 4 })).verdicts)).toEqual(passes);
  });

  // @verifies AC-cargo-ambiguous
  it('a file compiled into two targets is ambiguous, not guessed', async () => {
    await project.write({
      'apart/tests/one.rs': 'mod common;',
      'apart/tests/two.rs': 'mod common;',
      'apart/tests/common/mod.rs': '#[test] fn shared() { assert!(true); }',
    });
    const ran = await runCases(project.path, [caseFor('apart/tests/common/mod.rs::shared')]);
    expect(ran.verdicts).toEqual({ 'apart/tests/common/mod.rs::shared': 'ERROR(ambiguous-selector)' });
  });

  // @verifies AC-cargo-module-paths
  it('a file that is not compiled does not borrow the test of another file at its module path', async () => {
    await project.write({
      'apart/src/lib.rs':
        '#[cfg(windows)] mod there; #[cfg(not(windows))] #[path = "real.rs"] mod there;\n#[path = "b.rs"] mod a;',
      'apart/src/there.rs': '#[test] fn same() { assert!(false); }',
      'apart/src/real.rs': '#[test] fn same() { assert!(true); }',
      'apart/src/a.rs': '#[test] fn x() { assert!(false); }',
      'apart/src/b.rs': '#[test] fn x() { assert!(true); }',
    });
    const ran = await runCases(project.path, [
      caseFor('apart/src/there.rs::same'),
      caseFor('apart/src/real.rs::same'),
      caseFor('apart/src/a.rs::x'),
      caseFor('apart/src/b.rs::x'),
    ]);
    expect(ran.verdicts).toEqual({
      'apart/src/there.rs::same': 'SKIP(configured-out)',
      'apart/src/real.rs::same': 'PASS(executed)',
      'apart/src/a.rs::x': 'ERROR(not-found)',
      'apart/src/b.rs::x': 'PASS(executed)',
    });
  });

  // @verifies AC-cargo-stale-sources
  it('a source that changed under an old mtime is built again, and not judged by the old program', async () => {
    const cacheFolder = join(side.path, 'cache');
    const file = join(project.path, 'apart/src/lib.rs');
    const one = [caseFor('apart/src/lib.rs::on_its_own')];
    const long = new Date(Date.now() - 86_400_000);
    await utimes(file, long, long);
    expect((await runCases(project.path, one, { cacheFolder })).verdicts).toEqual({
      'apart/src/lib.rs::on_its_own': 'PASS(executed)',
    });
    const target = join(project.path, 'apart/target/debug/.fingerprint');
    const before = await stat(target).then((found) => found.mtimeMs);
    const untouched = await runCases(project.path, one, { cacheFolder });
    expect(untouched.events.filter((event) => event.type === 'cargo.stale_member')).toEqual([]);
    expect(await stat(target).then((found) => found.mtimeMs)).toBe(before);
    await writeFile(file, '#[test]\nfn on_its_own() {\n    assert_eq!(1 + 1, 3);\n}\n');
    await utimes(file, long, long);
    const changed = await runCases(project.path, one, { cacheFolder });
    expect(changed.verdicts).toEqual({ 'apart/src/lib.rs::on_its_own': 'FAIL(assertion)' });
    expect(changed.events.some((event) => event.type === 'cargo.stale_member')).toBe(true);
    // Without any record of earlier builds the kernel's change time gives it away as well.
    expect((await runCases(project.path, one)).verdicts).toEqual({ 'apart/src/lib.rs::on_its_own': 'FAIL(assertion)' });
  });

  // @verifies AC-cargo-stale-sources
  it('a target directory shared by two checkouts lends neither the other’s program', async () => {
    const other = await copyOf('workspace');
    try {
      const env = { ...process.env, CARGO_TARGET_DIR: join(side.path, 'shared') };
      const one = [caseFor('beta/src/lib.rs::unit')];
      await writeFile(
        join(other.path, 'beta/src/lib.rs'),
        'pub fn one() -> i32 {\n    2\n}\n\n#[test]\nfn unit() {\n    assert_eq!(one(), 1);\n}\n',
      );
      expect(
        (await runCases(project.path, one, { env, cacheFolder: join(side.path, 'cache') })).verdicts[
          'beta/src/lib.rs::unit'
        ],
      ).toBe('PASS(executed)');
      const ran = await runCases(other.path, one, { env, cacheFolder: join(side.path, 'cache') });
      expect(ran.verdicts['beta/src/lib.rs::unit']).toBe('FAIL(assertion)');
      expect(ran.events.some((event) => event.type === 'cargo.stale_member')).toBe(true);
    } finally {
      await other.remove();
    }
  });

  // @verifies AC-cargo-stale-sources
  it('a target directory that came with the repository is not believed', async () => {
    await runCases(project.path, [caseFor('beta/src/lib.rs::unit')]);
    await rm(join(project.path, '.gitignore'));
    await committed(project.path);
    const ran = await runCases(project.path, [caseFor('beta/src/lib.rs::unit')]);
    expect(ran.events.some((event) => event.type === 'cargo.stale_member')).toBe(true);
    expect(ran.verdicts['beta/src/lib.rs::unit']).toBe('PASS(executed)');
  });

  // @verifies AC-cargo-absent
  it('without cargo the runner is unavailable, with what is missing', async () => {
    const { cargoRunner } = await import('../../../src/runners/cargo/index.js');
    const { hostPlace } = await import('../../../src/places/index.js');
    const runner = cargoRunner();
    const [batch] = await runner.batches(project.path, [caseFor('beta/src/lib.rs::unit')]);
    const opened =
      batch === undefined
        ? null
        : await hostPlace({ root: project.path, env: { PATH: '/nowhere' }, outputFolder: side.path }).open({
            environment: null,
            batch,
            signal: new AbortController().signal,
          });
    if (opened?.ok !== true || batch === undefined) throw new Error('no workspace');
    await using workspace = opened.workspace;
    expect(await runner.available(workspace, batch)).toMatchObject({ available: false, what: 'cargo' });
  });

  // @verifies AC-cargo-cancel
  it('a canceled run ends cargo and its build scripts, and says so for every case', async () => {
    await project.write({
      'apart/build.rs': `fn main() { std::fs::write("${side.path}/started", "").unwrap(); std::thread::sleep(std::time::Duration::from_secs(600)); }`,
    });
    const controller = new AbortController();
    const watch = async (): Promise<void> => {
      while (
        !(await stat(join(side.path, 'started')).then(
          () => true,
          () => false,
        ))
      )
        await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort();
    };
    const [ran] = await Promise.all([
      runCases(project.path, [caseFor('apart/src/lib.rs::on_its_own')], { signal: controller.signal }),
      watch(),
    ]);
    expect(ran.verdicts).toEqual({ 'apart/src/lib.rs::on_its_own': 'ERROR(canceled)' });
  });
});
