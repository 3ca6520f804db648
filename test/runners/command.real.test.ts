import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bench, judged, makeCommand, REPOSITORY, shown } from '../run/rig.js';

const has = (program: string, ...args: string[]): boolean =>
  spawnSync(program, args).status === 0 || process.env['CI'] === 'true';

describe('command', () => {
  // @verifies AC-runners-command-exit-code
  it('judges by the exit code, or the one that is expected', async () => {
    await using project = await bench(null);
    const { seen, wanted } = await judged(project, [
      [makeCommand('true'), 'PASS(executed)'],
      [makeCommand('exit 3'), 'FAIL(exit-code)'],
      [makeCommand('exit 3', { expect: { exit: 3 } }), 'PASS(executed)'],
      [makeCommand('true', { expect: { exit: 3 } }), 'FAIL(exit-code)'],
      [makeCommand('no-such-program-here'), 'FAIL(exit-code)'],
      [makeCommand('kill -9 $$'), 'ERROR(crash)'],
      [
        makeCommand('test "$COHERENCE_AC_ID/$COHERENCE_RUN_ID/$COHERENCE_ATTEMPT" = "AC-one,AC-two/test-run/1"', {
          criteria: ['AC-one', 'AC-two'],
        }),
        'PASS(executed)',
      ],
      // What plan makes of `run:` with `runner: pytest` is a command as well.
      [makeCommand('true', { runner: 'pytest' }), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-command-exit-code
  it('says in one line why, and which exit code', async () => {
    await using project = await bench(null);
    const failing = makeCommand('echo broken pipe >&2; exit 3');
    const { outcomes } = await project.run([failing]);
    expect(outcomes.get(failing.id)).toMatchObject({
      reason: 'exit-code',
      detail: 'exit code 3',
      message: 'broken pipe',
      exitCode: 3,
      proof: 'exit-code',
      command: ['sh', '-c', failing.selector],
      attempt: 1,
    });
  });

  // @verifies AC-run-time-out-ends-the-tree
  it('ends a command at its limit with all children, however they hide', async () => {
    await using project = await bench(null);
    const slow = makeCommand('setsid sh -c "trap \'\' TERM; sleep 604.25" & (sleep 604.5 &) ; sleep 604', {
      timeoutMs: 400,
    });
    const started = Date.now();
    const { outcomes } = await project.run([slow]);
    expect(shown(outcomes.get(slow.id))).toBe('FAIL(timeout)');
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout).not.toMatch(/sleep 604/);
  });

  // @verifies AC-runners-expected-report
  it('reads the TAP report that a link expects, strictly', async () => {
    await using project = await bench(null);
    const tap = (lines: string, more = {}): ReturnType<typeof makeCommand> =>
      makeCommand(`printf '${lines}'`, { expect: { report: 'tap', ...more } });
    const { seen, wanted } = await judged(project, [
      [tap('1..2\\nok 1 - a\\nok 2 - b\\n'), 'PASS(executed)'],
      [tap('1..2\\nok 1 - a\\nnot ok 2 - b\\n'), 'FAIL(assertion)'],
      [tap('1..2\\nok 1 - a\\n'), 'ERROR(not-reported)'],
      [tap('1..0\\n'), 'ERROR(not-reported)'],
      [tap('1..2\\nok 1 - a\\nok 2 - b # SKIP no\\n'), 'SKIP(runner-skipped)'],
      [tap('1..2\\nok 1 - a\\nok 2 - b # SKIP no\\n', { min_executed: 1 }), 'PASS(executed)'],
      [tap('1..1\\nok 1 - a\\n', { min_executed: 2 }), 'ERROR(not-reported)'],
      [tap('all is well\\n'), 'ERROR(not-reported)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-runners-expected-report
  it('reads a JUnit report only if this very run wrote it', async () => {
    await using project = await bench(null);
    const xml = '<testsuites><testsuite name="s"><testcase classname="a" name="b"/></testsuite></testsuites>';
    await writeFile(join(project.root, 'old.xml'), xml);
    await symlink('/etc', join(project.root, 'out'));
    const junit = (line: string, path: string): ReturnType<typeof makeCommand> =>
      makeCommand(line, { expect: { report: `junit:${path}` } });
    const { seen, wanted } = await judged(project, [
      [junit('true', 'old.xml'), 'ERROR(not-reported)'],
      [junit(`echo '${xml}' > new.xml`, 'new.xml'), 'PASS(executed)'],
      [
        junit(
          `echo '${xml.replace('/></testsuite>', '><failure message="no"/></testcase></testsuite>')}' > bad.xml`,
          'bad.xml',
        ),
        'FAIL(assertion)',
      ],
      [
        junit(`echo '${xml.replace('/></testsuite>', '><skipped/></testcase></testsuite>')}' > skip.xml`, 'skip.xml'),
        'SKIP(runner-skipped)',
      ],
      [junit('true', 'none.xml'), 'ERROR(not-reported)'],
      [junit('exit 4', 'none-either.xml'), 'FAIL(exit-code)'],
      [junit('true', 'out/passwd'), 'ERROR(not-reported)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-run-known-runner-needs-report
  it.skipIf(!has('python3', '-c', 'import pytest'))('judges pytest in a line by what pytest reports', async () => {
    await using project = await bench('pytest');
    const { seen, wanted } = await judged(project, [
      [makeCommand('pytest -q tests/test_same.py'), 'PASS(executed)'],
      [makeCommand('cd tests && python3 -m pytest -q test_same.py | tail -1'), 'PASS(executed)'],
      [makeCommand('pytest -q tests/test_outcomes.py -k passes'), 'PASS(executed)'],
      [makeCommand('pytest -q tests/test_outcomes.py -k nothing_at_all'), 'ERROR(not-reported)'],
      [makeCommand('pytest -q tests/test_outcomes.py -k nothing_at_all || true'), 'ERROR(not-reported)'],
      [makeCommand('pytest -q tests/other/test_same.py || true'), 'FAIL(assertion)'],
      [makeCommand('pytest -q tests/test_ends.py -k leaves_with_zero'), 'ERROR(crash)'],
      [makeCommand('pytest -q tests/test_broken.py; exit 0'), 'ERROR(build)'],
      [makeCommand("sh -c 'pytest -q tests/test_same.py'"), 'PASS(executed)'],
      [makeCommand('pytest --version'), 'ERROR(not-reported)'],
      [makeCommand('pytest -q tests/test_same.py', { expect: { report: 'none' } }), 'PASS(executed)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-run-known-runner-needs-report
  it('judges vitest and node --test in a line by what they report', async () => {
    await using project = await bench('vitest');
    await cp(join(REPOSITORY, 'fixtures/node-test/test'), join(project.root, 'node'), { recursive: true });
    const { seen, wanted } = await judged(project, [
      [makeCommand('npx --no-install vitest run test/same.test.ts'), 'PASS(executed)'],
      [makeCommand('node_modules/.bin/vitest run test/same.test.ts -t "no such title"'), 'ERROR(not-reported)'],
      [makeCommand('node_modules/.bin/vitest run test/outcomes.test.ts -t "signs.* passes$"'), 'PASS(executed)'],
      [makeCommand('node node_modules/vitest/vitest.mjs run test/nothing --passWithNoTests'), 'ERROR(not-reported)'],
      [makeCommand('node_modules/.bin/vitest run test/same-too.test.ts || true'), 'FAIL(assertion)'],
      [makeCommand('node --test node/same.test.js'), 'PASS(executed)'],
      [makeCommand('node --test node/same-too.test.js || true'), 'FAIL(assertion)'],
      [makeCommand('node --test --test-name-pattern=nothing node/same.test.js'), 'ERROR(not-reported)'],
      [makeCommand("sh -c 'node --test node/same.test.js'"), 'PASS(executed)'],
      [makeCommand("sh -c 'node --test --test-name-pattern=nothing node/same.test.js'"), 'ERROR(not-reported)'],
      [makeCommand('npx --no-install jest'), 'ERROR(not-reported)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-run-known-runner-needs-report
  it.skipIf(!has('go', 'version'))('judges go test in a line by its events', async () => {
    await using project = await bench('go');
    const { seen, wanted } = await judged(project, [
      [makeCommand("go test ./calc -run '^TestPasses$'"), 'PASS(executed)'],
      [makeCommand('go test ./calc -run TestNothingLikeIt'), 'ERROR(not-reported)'],
      [makeCommand('go test ./calc || true'), 'FAIL(assertion)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-run-known-runner-needs-report
  it.skipIf(!has('cargo', '--version'))('judges cargo test in a line by the log of its harness', async () => {
    await using project = await bench(null);
    await mkdir(join(project.root, 'src'));
    await writeFile(
      join(project.root, 'Cargo.toml'),
      '[package]\nname = "line"\nversion = "0.1.0"\nedition = "2021"\n',
    );
    await writeFile(
      join(project.root, 'src/lib.rs'),
      '#[test]\nfn good() {}\n#[test]\nfn bad() { assert_eq!(1, 2) }\n#[test]\nfn leaves() { println!("test result: ok. 1 passed"); std::process::exit(0) }\n',
    );
    const env = { CARGO_TARGET_DIR: join(project.root, 'target') };
    const { seen, wanted } = await judged(project, [
      [makeCommand('cargo test good', { env }), 'PASS(executed)'],
      [makeCommand('cargo test nothing_like_it', { env }), 'ERROR(not-reported)'],
      [makeCommand('cargo test bad || true', { env }), 'FAIL(assertion)'],
      [makeCommand('cargo test leaves', { env }), 'ERROR(not-reported)'],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-run-doc-tests-in-a-line
  it.skipIf(!has('cargo', '--version'))('judges doc tests in a line by what rustdoc says of each', async () => {
    await using project = await bench(null);
    const doc = (name: string, body: string, attribute = ''): string =>
      `/// \`\`\`${attribute}\n/// ${body}\n/// \`\`\`\npub fn ${name}() {}\n`;
    const files: Readonly<Record<string, string>> = {
      'Cargo.toml': '[workspace]\nmembers = ["new", "old"]\nresolver = "2"\n',
      '.cargo/config.toml': '[term]\nquiet = true\n',
      // Since edition 2024 rustdoc joins doc tests into one program, and has a harness for those, and one for the others.
      'new/Cargo.toml': '[package]\nname = "new"\nversion = "0.1.0"\nedition = "2024"\n',
      'new/src/lib.rs': doc('fine', 'assert_eq!(1 + 1, 2);') + doc('compiled', 'panic!();', 'no_run'),
      'old/Cargo.toml': '[package]\nname = "old"\nversion = "0.1.0"\nedition = "2021"\n',
      'old/src/lib.rs':
        doc('fine', 'assert_eq!(std::env::args().count(), 1);') +
        doc('wrong', 'assert_eq!(1, 2);') +
        doc('off', '', 'ignore'),
    };
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(project.root, path)), { recursive: true });
      await writeFile(join(project.root, path), text);
    }
    const env = { CARGO_TARGET_DIR: join(project.root, 'target') };
    const { seen, wanted } = await judged(project, [
      [makeCommand('cargo test --doc -p new fine', { env }), 'PASS(executed)'],
      [makeCommand('cargo test --doc -p old fine', { env }), 'PASS(executed)'],
      [makeCommand('cargo test --doc -p new compiled', { env }), 'SKIP(runner-skipped)'],
      [makeCommand('cargo test --doc -p old off', { env }), 'SKIP(runner-skipped)'],
      [makeCommand('cargo test --doc -p old || true', { env }), 'FAIL(assertion)'],
      [makeCommand('cargo test --doc -p old nothing_like_it', { env }), 'ERROR(not-reported)'],
      [makeCommand("sh -c 'cargo test --doc -p old fine'", { env }), 'PASS(executed)'],
      [
        makeCommand('printf "running 1 test\\ntest src/lib.rs - x (line 1) ... ok\\n"; cargo test --doc -p old none', {
          env,
        }),
        'ERROR(not-reported)',
      ],
    ]);
    expect(seen).toEqual(wanted);
  });

  // @verifies AC-run-secrets-stay-out
  it('keeps secrets from children, and from evidence when a link lets them through', async () => {
    await using project = await bench(null);
    const callerEnv = { ...process.env, DEPLOY_TOKEN: 'hunter2hunter2', PLAIN: 'seen' };
    const withheld = makeCommand('test -z "$DEPLOY_TOKEN" && test "$PLAIN" = seen');
    const declared = makeCommand(
      'printf %s "$DEPLOY_TOKEN" | head -c 7; printf %s "${DEPLOY_TOKEN#hunter2}"; echo "got $DEPLOY_TOKEN" >&2; exit 1',
      { env: { DEPLOY_TOKEN: 'hunter2hunter2' } },
    );
    const { outcomes } = await project.run([withheld, declared], { callerEnv });
    expect(shown(outcomes.get(withheld.id))).toBe('PASS(executed)');
    const outcome = outcomes.get(declared.id);
    expect(outcome).toMatchObject({ reason: 'exit-code', message: 'got ***', env: { DEPLOY_TOKEN: '***' } });
    expect(JSON.stringify(outcome)).not.toContain('hunter2hunter2');
    expect(await readFile(outcome?.stdout?.file ?? '', 'utf8')).toBe('***');
  });
});
