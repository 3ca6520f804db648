/** A hostile clone: whatever a repository plants, commands that only read execute nothing of it and nothing escapes (contract, section 7). */
import { readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installHere, specFile, testProject, verdicts, type TestProject } from '../rig/project.js';

let project: TestProject;
const TRAP = 'SPRUNG';

/** Everything that some tool would run when it looks at a folder. */
const TRAPS = (bait: string): Readonly<Record<string, string>> => ({
  'package.json': JSON.stringify({
    name: 't',
    type: 'module',
    scripts: { preinstall: bait, prepare: bait, test: bait, pretest: bait },
  }),
  'vitest.config.ts': `import { writeFileSync } from 'node:fs'; writeFileSync(new URL('./${TRAP}', import.meta.url), 'config');\nexport default {};\n`,
  'vite.config.js': `require('fs').writeFileSync('${TRAP}', 'vite');\n`,
  'jest.config.js': `require('fs').writeFileSync('${TRAP}', 'jest');\n`,
  '.mocharc.cjs': `require('fs').writeFileSync('${TRAP}', 'mocha');\n`,
  'conftest.py': `open('${TRAP}', 'w').write('conftest')\n`,
  'setup.py': `open('${TRAP}', 'w').write('setup')\n`,
  'sitecustomize.py': `open('${TRAP}', 'w').write('site')\n`,
  'build.rs': `fn main() { std::fs::write("${TRAP}", "build").unwrap(); }\n`,
  'Cargo.toml': '[package]\nname = "t"\nversion = "0.1.0"\nbuild = "build.rs"\n',
  '.cargo/config.toml': `[build]\nrustc-wrapper = "./trap.sh"\n`,
  'rust-toolchain.toml': '[toolchain]\npath = "./tools"\n',
  'trap.sh': `#!/bin/sh\n${bait}\n`,
  git: `#!/bin/sh\n${bait}\n`,
  node: `#!/bin/sh\n${bait}\n`,
  dolt: `#!/bin/sh\n${bait}\n`,
  docker: `#!/bin/sh\n${bait}\n`,
  python3: `#!/bin/sh\n${bait}\n`,
  cargo: `#!/bin/sh\n${bait}\n`,
  '.gitattributes': '*.ts filter=trap diff=trap\nspecs/*.yaml merge=trap filter=trap\n',
  '.husky/pre-push': `#!/bin/sh\n${bait}\n`,
  'hooks/post-checkout': `#!/bin/sh\n${bait}\n`,
  'hooks/pre-commit': `#!/bin/sh\n${bait}\n`,
  '.coherence/config.yaml': 'backends:\n  cargo:\n    bin: ./trap.sh\nstore:\n  dolt_bin: ./dolt\n',
  '.npmrc': 'script-shell=./trap.sh\n',
  '.env': 'NODE_OPTIONS=--require ./trap.cjs\n',
  'trap.cjs': `require('fs').writeFileSync('${TRAP}', 'require');\n`,
  'test/a.test.ts':
    "import { expect, it } from 'vitest';\n// @verifies AC-h-one\nit('one', () => { expect(1).toBe(1); });\n",
  'specs/h.yaml': specFile('SPEC-h', { 'AC-h-one': '', 'AC-h-two': `verified_by:\n  - run: ${bait}` }),
});

beforeEach(async () => {
  project = await testProject();
  const bait = `echo sprung > ${join(project.root, TRAP)}`;
  await project.write(TRAPS(bait));
  for (const [key, value] of [
    ['filter.trap.clean', join(project.root, 'trap.sh')],
    ['filter.trap.smudge', join(project.root, 'trap.sh')],
    ['diff.trap.textconv', join(project.root, 'trap.sh')],
    ['core.fsmonitor', join(project.root, 'trap.sh')],
    ['core.hooksPath', join(project.root, 'hooks')],
    ['core.pager', join(project.root, 'trap.sh')],
    ['merge.trap.driver', join(project.root, 'trap.sh')],
  ] as const) {
    await project.git('config', key, value);
  }
});
afterEach(async () => project[Symbol.asyncDispose]());

const sprung = async (): Promise<string | null> => readFile(join(project.root, TRAP), 'utf8').catch(() => null);

describe('commands that only read', () => {
  // @verifies AC-cli-hostile-clone
  it.each([
    [['check']],
    [['links']],
    [['coverage']],
    [['coverage', '--format', 'html', '--out', '../c.html']],
    [['export', '--format', 'jsonl']],
    [['spec', 'list']],
    [['ac', 'list']],
    [['spec', 'show', 'SPEC-h']],
    [['suggest']],
    [['sync']],
    [['init']],
    [['doctor']],
    [['spec', 'add', '--slug', 'x', '--title', 'X']],
    [['verify', '--all', '--dry-run']],
    [['runs', 'list']],
    [['config', 'list']],
  ])('%j springs no trap', async (args) => {
    const answer = await project.coherence(args, { env: { PATH: `.:${project.env['PATH'] ?? ''}:${project.root}` } });
    expect([args[0], await sprung()]).toEqual([args[0], null]);
    expect(answer.code, answer.err).not.toBe(70);
  });

  // @verifies AC-cli-hostile-clone
  it('take no program from the committed configuration', async () => {
    const listed = (await project.coherence(['config', 'list', '--json'])).json<{
      settings: { key: string; value: unknown }[];
    }>().settings;
    expect(listed.find((setting) => setting.key === 'backends.cargo.bin')?.value).toBe('cargo');
    expect((await project.coherence(['check'])).err).toContain('backends.cargo.bin');
  });
});

describe('names from a repository', () => {
  // @verifies AC-cli-hostile-clone
  it('escape nowhere: paths, ids and slugs are refused with 65 or 64, and nothing is written outside', async () => {
    const before = await readdir(project.folder);
    for (const target of ['/etc/passwd', '../outside.test.ts > x', 'a/../../b.py::x']) {
      await project.write({
        'specs/h.yaml': specFile('SPEC-h', { 'AC-h-one': `verified_by:\n  - test: ${JSON.stringify(target)}` }),
      });
      expect([target, (await project.coherence(['check'])).code]).toEqual([target, 65]);
    }
    await project.write({ 'specs/h.yaml': specFile('SPEC-h', { 'AC-h-one': '' }) });
    for (const slug of ['../x', 'a/../b', '/abs', 'a//b', '', '\u001b[2J', '-rf'])
      expect([slug, (await project.coherence(['spec', 'add', `--slug=${slug}`, '--title', 'x'])).code]).toEqual([
        slug,
        64,
      ]);
    expect((await readdir(project.folder)).sort()).toEqual(before.sort());
  });

  // @verifies AC-cli-hostile-clone
  it('follow no symlink out of the project', async () => {
    await project.run([
      'sh',
      '-c',
      'echo "id: SPEC-out" > ../out.yaml; mkdir ../elsewhere; echo secret > ../elsewhere/secret.test.ts',
    ]);
    await symlink(join(project.folder, 'out.yaml'), join(project.root, 'specs/out.yaml'));
    expect((await project.coherence(['check'])).code).toBe(65);
    await project.run(['rm', 'specs/out.yaml']);
    await symlink(join(project.folder, 'elsewhere'), join(project.root, 'linked'));
    await project.write({
      'specs/h.yaml': specFile('SPEC-h', { 'AC-h-one': 'verified_by:\n  - test: linked/secret.test.ts > x' }),
    });
    expect((await project.coherence(['check'])).code).toBe(65);
    await project.run(['rm', '-rf', 'specs']);
    await symlink(join(project.folder, 'elsewhere'), join(project.root, 'specs'));
    await project.coherence(['spec', 'add', '--slug', 'x', '--title', 'x']);
    expect(await readdir(join(project.folder, 'elsewhere'))).toEqual(['secret.test.ts']);
  });

  // @verifies AC-cli-hostile-clone
  it('cannot repaint a terminal or break out of a report', async () => {
    const nasty = '\u001b]0;owned\u0007\u001b[31m</title><script>alert(1)</script>\u202Eabc';
    await project.run(['rm', 'specs/h.yaml', '.coherence/config.yaml']);
    await project.coherence(['spec', 'add', '--slug', 'n', `--title=${nasty}`]);
    await project.coherence(['ac', 'add', '--spec', 'SPEC-n', '--slug', 'a', `--title=${nasty}`]);
    await project.coherence(['ac', 'link', 'AC-n-a', '--run', `printf '\\033[2J%s' "$0"; exit 1`]);
    for (const args of [
      ['spec', 'show', 'SPEC-n'],
      ['ac', 'list'],
      ['verify', 'SPEC-n', '--verbose'],
      ['coverage'],
      ['links'],
      ['verify', 'SPEC-n', '--reporter', 'md'],
      ['verify', 'SPEC-n', '--reporter', 'tap'],
    ]) {
      const answer = await project.coherence(args);
      expect([args.join(' '), /[\u0000-\u0008\u000b-\u001f\u202e]/u.test(answer.out + answer.err)]).toEqual([
        args.join(' '),
        false,
      ]);
    }
    for (const args of [
      ['coverage', '--format', 'html'],
      ['coverage', '--format', 'badge'],
      ['verify', 'SPEC-n', '--reporter', 'junit'],
    ])
      expect((await project.coherence(args)).out).not.toContain('<script>alert');
  });
});

describe('tests that lie', () => {
  // @verifies AC-verdicts-early-exit
  it("get no PASS for printing their runner's own success lines and leaving", async () => {
    await project.run([
      'sh',
      '-c',
      'rm -rf specs vitest.config.ts vite.config.js jest.config.js conftest.py sitecustomize.py setup.py build.rs Cargo.toml .cargo rust-toolchain.toml .env .npmrc test .coherence/config.yaml git node python3 cargo docker dolt',
    ]);
    await project.write({
      'package.json': '{ "name": "t", "private": true, "type": "module" }\n',
      'v/lie.test.ts':
        "import { it } from 'vitest';\nit('lies', () => { process.stdout.write(' ✓ v/lie.test.ts (1 test)\\n Tests  1 passed (1)\\n{\"numPassedTests\":1,\"success\":true}\\n'); process.exit(0); });\n",
      'n/lie.test.mjs':
        "import { test } from 'node:test';\ntest('lies', () => { console.log('ok 1 - lies\\n1..1\\n# pass 1'); process.exit(0); });\n",
      'p/test_lie.py': "import os\n\n\ndef test_lies():\n    print('1 passed in 0.01s', flush=True)\n    os._exit(0)\n",
      'c/Cargo.toml': '[package]\nname = "c"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n',
      'c/src/lib.rs': '',
      'c/tests/lie.rs':
        '#[test]\nfn lies() {\n    println!("test lies ... ok\\n\\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");\n    std::process::exit(0);\n}\n',
      'g/go.mod': 'module g\n\ngo 1.21\n',
      'g/lie_test.go':
        'package g\n\nimport (\n\t"fmt"\n\t"syscall"\n\t"testing"\n)\n\nfunc TestLies(t *testing.T) {\n\tfmt.Println("--- PASS: TestLies (0.00s)\\nPASS\\nok  \\tg\\t0.001s")\n\tsyscall.Exit(0)\n}\n',
      'specs/l.yaml': specFile('SPEC-l', {
        'AC-l-vitest': 'verified_by:\n  - test: v/lie.test.ts > lies',
        'AC-l-node': 'verified_by:\n  - test: n/lie.test.mjs > lies',
        'AC-l-pytest': 'verified_by:\n  - test: p/test_lie.py::test_lies',
        'AC-l-cargo': 'verified_by:\n  - test: c/tests/lie.rs::lies',
        'AC-l-go': 'verified_by:\n  - test: g/lie_test.go::TestLies',
        'AC-l-run': 'verified_by:\n  - run: python3 -m pytest p/test_lie.py',
        'AC-l-name': 'verified_by:\n  - run: cargo test --manifest-path c/Cargo.toml no_such_test',
      }),
    });
    await installHere(project);
    const { record } = await project.verify();
    const found = verdicts(record);
    expect(Object.keys(found)).toHaveLength(7);
    expect(Object.entries(found).filter(([, verdict]) => verdict.startsWith('PASS'))).toEqual([]);
    expect(Object.entries(found).filter(([, verdict]) => verdict.startsWith('SKIP'))).toEqual([]);
    expect((await stat(join(project.root, 'package.json'))).isFile()).toBe(true);
  });
});
