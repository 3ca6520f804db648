/** Honest mistakes with Rust tests: the definition that carries the tag is the one that must have been compiled and run. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noCargo } from '../runners/cargo/rig.js';
import { specFile, testProject, type TestProject } from '../rig/project.js';
import { judge, mistakesProject, wrongRows, type Mistake } from './rig.js';

const OUT = 'SKIP(configured-out)';
const PASS = 'PASS(executed)';
const row = (id: string, tried: string, wanted: Mistake['wanted']): Mistake => ({ id, tried, wanted, files: {} });
const good = (id: string, name: string): string =>
  `// @verifies AC-${id}\n#[test]\nfn ${name}() { assert_eq!(1 + 1, 2); }\n`;
const bad = (id: string, name: string, condition: string, body = 'panic!("must not count")'): string =>
  `// @verifies AC-${id}\n${condition === '' ? '' : `${condition}\n`}#[test]\nfn ${name}() { ${body} }\n`;
const twin = (name: string, condition: string): string =>
  `${condition === '' ? '' : `${condition}\n`}#[test]\nfn ${name}() { assert_eq!(1 + 1, 2); }\n`;

const LIB = `
#[cfg(test)]
mod twins {
${bad('c04', 'speed', '#[cfg(feature = "fast")]')}
${twin('speed', '#[cfg(not(feature = "fast"))]')}
${twin('path', '#[cfg(not(windows))]')}
${bad('case-07', 'path', '#[cfg(windows)]')}
${bad('c04-any', 'any', '#[cfg(any(windows, feature = "fast"))]')}
${twin('any', '#[cfg(all(not(windows), not(feature = "fast")))]')}
// @verifies AC-c04-attr
#[cfg_attr(windows, test)]
fn attr() { panic!("must not count") }
${bad('c04-script', 'script', '#[cfg(not(has_thing))]')}
// @verifies AC-c04-script-on
#[cfg(has_thing)]
#[test]
fn script() { assert_eq!(1 + 1, 2); }
// @verifies AC-c04-holds
#[cfg(all(unix, not(feature = "fast")))]
#[test]
fn holds() { assert_eq!(1 + 1, 2); }
${bad('c04-release', 'build', '#[cfg(not(debug_assertions))]')}
${twin('build', '#[cfg(debug_assertions)]')}
macro_rules! made { ($name:ident) => { #[test] fn $name() { assert_eq!(1 + 1, 2); } } }
${bad('c04-macro', 'of_a_macro', '#[cfg(windows)]')}
#[cfg(not(windows))]
made!(of_a_macro);
}

#[cfg(all(test, windows))]
mod system {
${bad('c04-module', 'root', '')}
}
#[cfg(all(test, unix))]
mod system {
${twin('root', '')}
}

#[cfg(test)]
mod outer {
    #[cfg(windows)]
    mod inner { mod deep {
${bad('c04-deep', 'leaf', '')}
    } }
    #[cfg(not(windows))]
    mod inner { mod deep {
${twin('leaf', '')}
    } }
}

#[cfg(all(test, windows))]
#[path = "imp_windows.rs"]
mod imp;
#[cfg(all(test, unix))]
#[path = "imp_unix.rs"]
mod imp;
#[cfg(windows)]
mod only_windows;

#[cfg(test)]
mod r#async {
${good('c-raw', 'r#try')}
}
#[cfg(test)]
mod r#match;

#[cfg(test)]
mod kinds {
// @verifies AC-c-ignored
#[test]
#[ignore = "later"]
fn later() { assert_eq!(1 + 1, 2); }
// @verifies AC-c-panics
#[test]
#[should_panic(expected = "as it should")]
fn panics() { panic!("as it should") }
}

/// @verifies AC-c14
/// \`\`\`no_run
/// panic!("compiled, not run");
/// \`\`\`
pub fn no_run() {}

/// @verifies AC-c14-ignore
/// \`\`\`ignore
/// panic!("not even compiled");
/// \`\`\`
pub fn ignored() {}

/// @verifies AC-c14-run
/// \`\`\`
/// assert_eq!(1 + 1, 2);
/// \`\`\`
pub fn run() {}

/// @verifies AC-c14-out
/// \`\`\`
/// assert_eq!(1 + 1, 2);
/// \`\`\`
#[cfg(windows)]
pub fn out() {}
`;

const FILES: Readonly<Record<string, string>> = {
  'Cargo.toml': `[workspace]
members = ["silent"]
[package]
name = "mistakes"
version = "0.1.0"
edition = "2021"
[features]
fast = []
[[test]]
name = "wanting"
required-features = ["fast"]
`,
  '.cargo/config.toml': '[term]\nquiet = true\n',
  'build.rs':
    'fn main() { println!("cargo::rustc-check-cfg=cfg(has_thing)"); println!("cargo::rustc-cfg=has_thing"); }\n',
  'src/lib.rs': LIB,
  'src/imp_windows.rs': bad('c04-path', 'imp', ''),
  'src/imp_unix.rs': twin('imp', ''),
  'src/only_windows.rs': bad('c04-file', 'only', ''),
  'src/match.rs': good('c-raw-file', 'r#loop'),
  'tests/system.rs':
    bad('x51', 'home', '#[cfg(target_os = "macos")]') + twin('home', '#[cfg(not(target_os = "macos"))]'),
  'tests/all_windows.rs': `#![cfg(windows)]\n${bad('x51-file', 'all', '')}`,
  'tests/wanting.rs': bad('c-wanting', 'wants', ''),
  'silent/Cargo.toml': '[package]\nname = "silent"\nversion = "0.1.0"\nedition = "2021"\n[lib]\ntest = false\n',
  'silent/src/lib.rs': bad('c20', 'silent', ''),
};

const ROWS: readonly Mistake[] = [
  { ...row('c04', 'cfg(feature) and cfg(not(feature)) of one name', OUT), files: FILES },
  row('case-07', 'cfg(windows) below its twin', OUT),
  row('c04-any', 'cfg(any(…)) that does not hold', OUT),
  row('c04-attr', 'cfg_attr(windows, test)', OUT),
  row('c04-script', 'a cfg that the build script sets', OUT),
  row('c04-script-on', 'its twin, which runs', PASS),
  row('c04-holds', 'a condition that holds', PASS),
  row('c04-release', 'only without debug assertions', OUT),
  row('c04-macro', 'a macro makes the twin', OUT),
  row('c04-module', 'twin modules', OUT),
  row('c04-deep', 'the condition is on a module two levels up', OUT),
  row('c04-path', 'twin files by #[path]', OUT),
  row('c04-file', 'a file of a module under a condition', OUT),
  row('c-raw', 'raw names', PASS),
  row('c-raw-file', 'a raw name as a file', PASS),
  row('c-ignored', '#[ignore]', 'SKIP(runner-skipped)'),
  row('c-panics', '#[should_panic]', PASS),
  row('c14', 'a doc test that is compiled and not run', 'SKIP(runner-skipped)'),
  row('c14-ignore', 'a doc test that is ignored', 'SKIP(runner-skipped)'),
  row('c14-run', 'a doc test under [term] quiet', PASS),
  row('c14-out', 'a doc test of an item that is not built', OUT),
  row('x51', 'an integration test for another system, with a twin', OUT),
  row('x51-file', 'a file for another system', OUT),
  {
    ...row('x51-link', 'a link in the spec to the name that twins have', PASS),
    link: '{ test: "tests/system.rs::home" }',
  },
  row('c-wanting', 'required-features', OUT),
  row('c20', 'a library with test = false', OUT),
];

describe.skipIf(noCargo !== null)('mistakes with Rust tests', () => {
  let project: TestProject;
  beforeAll(async () => {
    project = await mistakesProject(ROWS, { '.gitignore': 'target\n' });
  }, 60_000);
  afterAll(async () => project[Symbol.asyncDispose]());

  // @verifies AC-cargo-definition, AC-cargo-configured-out, AC-cargo-doc-tests-run
  it('are never a pass of another definition', async () => {
    expect(wrongRows(ROWS, await judge(project))).toEqual([]);
  }, 180_000);

  // @verifies AC-cargo-toolchain
  it('a toolchain that is not there is SKIP with one line', async () => {
    const verdict = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const { record } = await project.verify(['--no-cache', 'AC-c04-holds'], { env });
      const [criterion] = record.specs.flatMap((spec) => spec.criteria);
      expect(criterion?.detail).not.toContain('\n');
      return `${criterion?.verdict}(${criterion?.reason})`;
    };
    // What rustup says and does without a toolchain.
    await project.write({
      '.bin/cargo': '#!/bin/sh\necho "error: rustup could not choose a version of cargo to run" >&2\nexit 1\n',
    });
    expect(await verdict({ PATH: `${join(project.root, '.bin')}:${project.env['PATH'] ?? ''}` })).toBe(
      'SKIP(unavailable:cargo)',
    );
  }, 60_000);
});

describe.skipIf(noCargo !== null)('a member of a workspace whose root lies above the project', () => {
  // @verifies AC-cargo-workspace-above
  it('is judged like any other', async () => {
    await using project = await testProject(
      {
        'Cargo.toml': '[workspace]\nmembers = ["app"]\nresolver = "2"\n',
        'app/Cargo.toml': '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n',
        'app/src/lib.rs': `#[cfg(test)]\nmod tests {\n${good('x27', 'fine')}${bad('x27-bad', 'fails', '')}}\n`,
        'app/.coherence/project.toml': 'project_slug = "app"\nproject_hash = "abc123"\ndolt_db_name = "app"\n',
        'app/specs/s.yaml': specFile('SPEC-s', { 'AC-x27': '', 'AC-x27-bad': '' }),
      },
      { init: false },
    );
    const cwd = join(project.root, 'app');
    await project.commit();
    const { record } = await project.verify(['--all', '--no-cache'], { cwd });
    expect(
      record.specs
        .flatMap((spec) => spec.criteria)
        .map((one) => `${one.id} ${one.verdict}`)
        .filter((one) => one.includes('x27')),
    ).toEqual(['AC-x27 PASS', 'AC-x27-bad FAIL']);
  }, 120_000);
});
