/** Docker through the command line: `verify` in containers of a private daemon, watched through the recording proxy. */
import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CheckRecord, RunRecord } from '../../src/model/index.js';
import { installHere, specFile, testProject, verdicts, type RunOptions, type TestProject } from '../rig/project.js';
import { BASE, absent, dockerRig, importBusybox, leftovers, treeHash } from '../places/docker/rig.js';
import { BROKEN, GOOD, WRONG } from '../runners/cargo/warm-project.js';
import { importRunners } from '../places/docker/runners-image.js';

const RUNNERS = 'coherence-test/runners:1';
const CREATE = /^POST \/containers\/create/;
const config = (environments: string): string =>
  `docker:\n  environments:\n${environments
    .split('\n')
    .map((line) => (line === '' ? '' : `    ${line}`))
    .join('\n')}\n`;
const BASIC = config(`base:\n  image: ${BASE}\n  pull: never`);

const inDocker = (line: string, more = ''): string =>
  `verified_by:\n  - run: ${JSON.stringify(line)}\n    in: docker\n    environment: base${more === '' ? '' : `\n    ${more.replaceAll('\n', '\n    ')}`}`;
const checksOf = (record: RunRecord): CheckRecord[] =>
  record.specs.flatMap((spec) => spec.criteria.flatMap((criterion) => criterion.checks));
/** What was said about each check, for the message of a failed expectation. */
const said = (record: RunRecord): string =>
  checksOf(record)
    .map((check) => `${check.link}: ${check.verdict}(${check.reason}) ${check.detail ?? ''} ${check.message ?? ''}`)
    .join('\n');
const checkOf = (record: RunRecord, criterion: string): CheckRecord => {
  const found = record.specs.flatMap((spec) => spec.criteria).find((item) => item.id === criterion)?.checks[0];
  if (found === undefined) throw new Error(`no check of ${criterion}`);
  return found;
};

describe.skipIf(absent !== null)('verify in docker', () => {
  const rig = dockerRig();
  beforeAll(async () => {
    if (absent === null) await importRunners(rig.folder(), rig.daemon().host, RUNNERS);
  });

  const verify = async (project: TestProject, args: readonly string[] = [], more: RunOptions = {}) =>
    project.verify(['--no-cache', ...args], { ...more, env: { DOCKER_HOST: rig.proxy().host, ...more.env } });
  const made = async (files: Readonly<Record<string, string>>): Promise<TestProject> => {
    const project = await testProject({ '.coherence/config.yaml': BASIC, ...files });
    await project.commit();
    return project;
  };
  const onDaemon = async (): Promise<string[]> => Object.values(await leftovers(rig.docker)).flat();
  afterEach(async () => expect(await onDaemon()).toEqual([]));
  const wholeTree = async (project: TestProject): Promise<string> =>
    (
      await Promise.all(['specs', 'src', 'marker.txt', 'link'].map(async (name) => treeHash(join(project.root, name))))
    ).join(' ');

  // @verifies AC-docker-exit-codes, AC-docker-no-leaks, AC-docker-host-tree
  it('verdicts are exact, records are whole, the tree is untouched and nothing is left', async () => {
    await using project = await made({
      'marker.txt': 'v1\n',
      'specs/v.yaml': specFile('SPEC-v', {
        'AC-v-zero': inDocker('cat marker.txt; rm -rf ./* .coherence; echo x > new; chmod -R 000 .; exit 0'),
        'AC-v-one': inDocker('echo no >&2; exit 1'),
        'AC-v-odd': inDocker('exit 77'),
        'AC-v-expected': inDocker('exit 3', 'expect: { exit: 3 }'),
        'AC-v-slow': inDocker('trap "" TERM; sleep 30', 'timeout: 1s'),
        'AC-v-artifact': inDocker(
          'mkdir -p reports; echo made > reports/r.txt; ln -s /etc/passwd reports/leak',
          'artifacts: [reports/**]',
        ),
      }),
    });
    const before = await treeHash(join(project.root, 'specs'));
    const { record, code } = await verify(project);
    expect(verdicts(record), said(record)).toEqual({
      'AC-v-zero': 'PASS(exit-code)',
      'AC-v-one': 'FAIL(exit-code)',
      'AC-v-odd': 'FAIL(exit-code)',
      'AC-v-expected': 'PASS(exit-code)',
      'AC-v-slow': 'FAIL(timeout)',
      'AC-v-artifact': 'PASS(exit-code)',
    });
    expect(code).toBe(1);
    for (const check of checksOf(record)) {
      expect(check).toMatchObject({ place: 'docker', runner: 'command', proof: 'exit-code', layers: [] });
      expect(check.image_id).toMatch(/^sha256:/);
      expect(check.source_hash).toMatch(/^sha256:/);
      expect(Date.parse(check.ended_at ?? '')).toBeGreaterThanOrEqual(Date.parse(check.started_at ?? ''));
    }
    expect(await project.read(checkOf(record, 'AC-v-zero').output ?? '')).toBe('v1\n');
    expect(checkOf(record, 'AC-v-artifact').artifacts?.map((file) => file.path.split('/').at(-1))).toEqual(['r.txt']);
    expect(await treeHash(join(project.root, 'specs'))).toBe(before);
    expect(await project.git('status', '--porcelain')).toBe('');
    expect(await onDaemon()).toEqual([]);
  });

  // @verifies AC-docker-fresh-source, AC-docker-set-up-once, AC-docker-failing-set-up
  it('layers are hit with fresh source; a failing set-up is ERROR(setup) and others still run', async () => {
    await using project = await made({
      'marker.txt': 'v1\n',
      '.coherence/config.yaml': config(
        `base:\n  image: ${BASE}\n  pull: never\n  setup:\n    - { id: one, run: echo 1 > /one }\n    - { id: two, run: cat /one > /two }\nbad:\n  image: ${BASE}\n  pull: never\n  setup: [{ id: broken, run: echo out of luck; exit 3 }]`,
      ),
      'specs/l.yaml': specFile('SPEC-l', {
        'AC-l-marker': inDocker('cat marker.txt /two'),
        'AC-l-again': inDocker('cat /two'),
        'AC-l-bad': inDocker('true').replace('environment: base', 'environment: bad'),
      }),
    });
    const first = await verify(project);
    expect(verdicts(first.record), said(first.record)).toEqual({
      'AC-l-marker': 'PASS(exit-code)',
      'AC-l-again': 'PASS(exit-code)',
      'AC-l-bad': 'ERROR(setup)',
    });
    expect(first.code).toBe(2);
    const bad = checkOf(first.record, 'AC-l-bad');
    expect(`${bad.detail ?? ''}${bad.message ?? ''}`).toMatch(/exited with 3[^]*out of luck/);
    await project.write({ 'marker.txt': 'v2\n' });
    rig.proxy().clear();
    const second = await verify(project);
    const marker = checkOf(second.record, 'AC-l-marker');
    expect(marker.layers.map(({ id, hit }) => [id, hit])).toEqual([
      ['one', true],
      ['two', true],
    ]);
    expect(await project.read(marker.output ?? '')).toBe('v2\n1\n');
    expect(rig.proxy().seen(/^POST \/commit/)).toEqual([]);
    expect(rig.proxy().seen(/^POST \/containers\/[^/]+\/exec/)).toHaveLength(1); // the broken one, again
    expect(await onDaemon()).toEqual([]);
  });

  // @verifies AC-docker-parity
  it('the same tests on host and in docker give the same records but for the place', async () => {
    const links = (place: string): string =>
      specFile(
        'SPEC-p',
        Object.fromEntries(
          [
            ['AC-p-node', 'test: test/math.test.mjs > adds'],
            ['AC-p-node-fails', 'test: test/math.test.mjs > fails'],
            ['AC-p-node-skips', 'test: test/math.test.mjs > skips'],
            ['AC-p-py', 'test: test_math.py::test_adds'],
            ['AC-p-py-fails', 'test: test_math.py::test_fails'],
            ['AC-p-missing', 'test: test/math.test.mjs > not there'],
            ['AC-p-vitest', 'test: test/sum.test.ts > sums > adds'],
            ['AC-p-vitest-fails', 'test: test/sum.test.ts > sums > fails'],
            ['AC-p-cargo', 'test: crate/src/lib.rs::tests::adds'],
            ['AC-p-cargo-fails', 'test: crate/src/lib.rs::tests::fails'],
            ['AC-p-cargo-skips', 'test: crate/src/lib.rs::tests::skips'],
            ['AC-p-cargo-exits', 'test: crate/src/lib.rs::tests::exits'],
            ['AC-p-cargo-missing', 'test: crate/src/lib.rs::tests::nowhere'],
            ['AC-p-cargo-broken', 'test: broken/src/lib.rs::adds'],
            ['AC-p-command', `run: "printf %s \\"$ODD\\""\n    env: { ODD: 'a b"c$d' }`],
            ['AC-p-command-fails', 'run: echo no >&2; exit 4'],
            ['AC-p-known', 'run: node --test test/math.test.mjs'],
          ].map(([id = '', link = '']) => [id, `verified_by:\n  - ${link}${place}`]),
        ),
      );
    await using project = await made({
      'package.json': '{ "name": "p", "private": true, "type": "module" }\n',
      'test/math.test.mjs':
        "import test from 'node:test';\nimport assert from 'node:assert/strict';\ntest('adds', () => assert.equal(1 + 1, 2));\ntest('fails', () => assert.equal(1, 2));\ntest('unlinked', () => assert.ok(true));\ntest.skip('skips', () => assert.ok(true));\n",
      'test/sum.test.ts':
        "import { describe, expect, it } from 'vitest';\ndescribe('sums', () => {\n  it('adds', () => { expect(1 + 1).toBe(2); });\n  it('fails', () => { expect(1 + 1).toBe(3); });\n});\n",
      'vitest.config.ts': "export default { test: { include: ['test/*.test.ts'] } };\n",
      'test_math.py': 'def test_adds():\n    assert 1 + 1 == 2\n\ndef test_fails():\n    assert 1 == 2\n',
      'crate/Cargo.toml': '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n',
      'crate/.gitignore': '/target\n',
      'crate/src/lib.rs':
        '#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() { assert_eq!(1 + 1, 2); }\n    #[test]\n    fn fails() { assert_eq!(1 + 1, 3); }\n    #[test]\n    #[ignore]\n    fn skips() {}\n    #[test]\n    fn exits() { std::process::exit(0); }\n}\n',
      'broken/Cargo.toml': '[package]\nname = "broken"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n',
      'broken/.gitignore': '/target\n',
      'broken/src/lib.rs': '#[test]\nfn adds() { let two: u8 = "2"; }\n',
      'specs/p.yaml': links(''),
      '.coherence/config.yaml': config(
        `base:\n  image: ${RUNNERS}\n  pull: never\n  link: { node_modules: /opt/app/node_modules }`,
      ),
    });
    await installHere(project);
    const host = await verify(project);
    await project.run(['rm', 'node_modules']);
    await project.write({ 'specs/p.yaml': links('\n    in: docker\n    environment: base') });
    await project.commit();
    const docker = await verify(project);
    expect(verdicts(docker.record), said(docker.record)).toEqual(verdicts(host.record));
    expect(verdicts(docker.record), said(docker.record)).toMatchObject({
      'AC-p-node': 'PASS(executed)',
      'AC-p-node-fails': 'FAIL(assertion)',
      'AC-p-node-skips': 'SKIP(runner-skipped)',
      'AC-p-py': 'PASS(executed)',
      'AC-p-py-fails': 'FAIL(assertion)',
      'AC-p-command': 'PASS(exit-code)',
      'AC-p-command-fails': 'FAIL(exit-code)',
      'AC-p-missing': 'ERROR(not-found)',
      'AC-p-vitest': 'PASS(executed)',
      'AC-p-vitest-fails': 'FAIL(assertion)',
      'AC-p-known': 'FAIL(assertion)',
      'AC-p-cargo': 'PASS(executed)',
      'AC-p-cargo-fails': 'FAIL(assertion)',
      'AC-p-cargo-skips': 'SKIP(runner-skipped)',
      'AC-p-cargo-exits': 'ERROR(crash)',
      'AC-p-cargo-missing': 'ERROR(not-found)',
      'AC-p-cargo-broken': 'ERROR(build)',
    });
    expect(docker.code).toBe(host.code);
    const shape = (record: RunRecord) =>
      checksOf(record).map((check) => ({
        keys: Object.keys(check).sort(),
        link: check.link,
        verdict: check.verdict,
        reason: check.reason,
        proof: check.proof,
        exit: check.exit_code,
        runner: check.runner,
      }));
    expect(shape(docker.record)).toEqual(shape(host.record));
    expect(
      checksOf(docker.record)
        .filter((check) => check.command.length > 0)
        .every((check) => check.place === 'docker' && check.image_id !== null),
    ).toBe(true);
    expect(await project.read(checkOf(docker.record, 'AC-p-command').output ?? '')).toBe('a b"c$d');
    expect(await project.git('status', '--porcelain')).toBe('');
  });

  // @verifies AC-cargo-docker-gate, AC-docker-fresh-source
  it('a layer that holds a target directory lends its dependencies, and no member: those are compiled from the source of today', async () => {
    const manifest =
      '[package]\nname = "fx"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\ndepa = "1"\n\n[workspace]\n';
    const lock =
      'version = 4\n\n[[package]]\nname = "depa"\nversion = "1.0.0"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n\n[[package]]\nname = "fx"\nversion = "0.1.0"\ndependencies = [\n "depa",\n]\n';
    const vendored = '[source.crates-io]\nreplace-with = "vendored"\n\n[source.vendored]\ndirectory = "/opt/vendor"\n';
    const crate = (folder: string, source: string) => ({
      [`${folder}Cargo.toml`]: manifest,
      [`${folder}Cargo.lock`]: lock,
      [`${folder}.cargo/config.toml`]: vendored,
      [`${folder}src/lib.rs`]: source,
    });
    const setup =
      'cp -r /inputs/seed/vendor /opt/vendor && cp -r /inputs/seed /tmp/seed && cd /tmp/seed && cargo test --no-run';
    // A cargo that purges nothing: the gate alone has to notice.
    const wrapper =
      'mkdir -p /opt/fake && printf \'#!/bin/sh\\n[ "$1" = clean ] && exit 0\\nexec /opt/rust/bin/cargo "$@"\\n\' > /opt/fake/cargo && chmod 755 /opt/fake/cargo';
    const environment = (name: string, more: string, extra = ''): string =>
      `${name}:\n  image: ${RUNNERS}\n  pull: never\n  env: { CARGO_TARGET_DIR: /opt/target, TMPDIR: /tmp${more} }\n  setup:\n    - { id: target, run: ${JSON.stringify(setup)}, inputs: [seed] }\n${extra}`;
    const link = (name: string): string =>
      `verified_by:\n  - test: src/lib.rs::answers\n    in: docker\n    environment: ${name}`;
    await using project = await made({
      ...crate('seed/', GOOD),
      ...crate('', WRONG),
      'seed/vendor/depa/Cargo.toml': '[package]\nname = "depa"\nversion = "1.0.0"\nedition = "2021"\n',
      'seed/vendor/depa/src/lib.rs': 'pub fn base() -> i32 {\n    41\n}\n',
      'seed/vendor/depa/.cargo-checksum.json': '{"files":{},"package":null}',
      '.coherence/config.yaml': config(
        environment('layered', '') +
          environment(
            'lost',
            ', PATH: "/opt/fake:/opt/rust/bin:/usr/bin:/bin"',
            `    - { id: wrapper, run: ${JSON.stringify(wrapper)} }\n`,
          ),
      ),
      'specs/g.yaml': specFile('SPEC-g', { 'AC-g-layered': link('layered'), 'AC-g-lost': link('lost') }),
    });
    // Older than all that the layer holds: to cargo nothing has changed since.
    const old = async (): Promise<unknown> =>
      project.run(['sh', '-c', 'find . -path ./.git -prune -o -exec touch -h -d 2020-01-01 {} +']);
    const build = async (record: RunRecord): Promise<Readonly<Record<string, boolean>>[]> => {
      const folder = join(project.root, '.coherence', 'runs', record.run);
      const names = (await readdir(folder)).filter((name) => /^cargo-.*build.*\.stdout$/.test(name)).sort();
      return Promise.all(
        names.map(async (name) => {
          const found: Record<string, boolean> = {};
          for (const line of (await readFile(join(folder, name), 'utf8'))
            .split('\n')
            .filter((text) => text.includes('"compiler-artifact"'))) {
            const artifact = JSON.parse(line) as { target: { name: string }; fresh: boolean };
            found[artifact.target.name] ??= artifact.fresh;
          }
          return found;
        }),
      );
    };
    const rounds = [
      { source: WRONG, verdict: 'FAIL(assertion)', hit: false },
      { source: WRONG, verdict: 'FAIL(assertion)', hit: true },
      { source: GOOD, verdict: 'PASS(executed)', hit: true },
      { source: BROKEN, verdict: 'ERROR(build)', hit: true },
    ];
    for (const { source, verdict, hit } of rounds) {
      await project.write({ 'src/lib.rs': source });
      await old();
      const { record, err } = await verify(project);
      expect(verdicts(record), said(record)).toEqual({ 'AC-g-layered': verdict, 'AC-g-lost': verdict });
      if (verdict === 'ERROR(build)') continue;
      expect(checkOf(record, 'AC-g-layered').layers.map((layer) => layer.hit)).toEqual([hit]);
      const builds = await build(record);
      // One build with the layer's dependency reused; the other environment's first one was discarded, its second is cold.
      expect(builds).toContainEqual({ depa: true, fx: false });
      expect(builds).toContainEqual({ depa: true, fx: true });
      expect(builds).toContainEqual({ depa: false, fx: false });
      expect(builds).toHaveLength(3);
      expect(err).toContain('stale cargo artifact');
    }
  });

  // @verifies AC-docker-inherit
  it('a link with needs and workspace: inherit continues where the other ended; a failed need is never run', async () => {
    await using project = await made({
      'specs/n.yaml': specFile('SPEC-n', {
        'AC-n-build': inDocker('echo built > out.txt', 'id: build'),
        'AC-n-use': inDocker('cat out.txt', 'needs: [build]\nworkspace: inherit'),
        'AC-n-fresh': inDocker('test ! -e out.txt', 'needs: [build]'),
        'AC-n-broken': inDocker('exit 1', 'id: broken'),
        'AC-n-after': inDocker('exit 0', 'id: after\nneeds: [broken]'),
        'AC-n-last': inDocker('exit 0', 'needs: [after]'),
      }),
    });
    const { record } = await verify(project);
    expect(verdicts(record), said(record)).toMatchObject({
      'AC-n-build': 'PASS(exit-code)',
      'AC-n-use': 'PASS(exit-code)',
      'AC-n-fresh': 'PASS(exit-code)',
      'AC-n-broken': 'FAIL(exit-code)',
    });
    for (const id of ['AC-n-after', 'AC-n-last']) expect(verdicts(record)[id]).toMatch(/^ERROR/);
    expect(
      rig
        .proxy()
        .seen(CREATE)
        .filter((exchange) => exchange.body.includes('"coherence.kind":"check"')),
    ).toHaveLength(4);
  });

  // @verifies AC-docker-cancel
  it('Ctrl-C ends with 130, a whole record, no PASS that did not happen, and no container', async () => {
    await using project = await made({
      'specs/c.yaml': specFile('SPEC-c', {
        'AC-c-first': inDocker('trap "" INT TERM; sleep 60'),
        'AC-c-second': inDocker('sleep 60'),
      }),
    });
    const started = rig.proxy().rule(/^POST \/containers\/[^/]+\/start/, { do: 'tap' }, 1);
    let pid = 0;
    const running = verify(project, ['--jobs', '1'], { onStart: (child) => (pid = child) });
    await started.met;
    process.kill(pid, 'SIGINT');
    const { record, code } = await running;
    expect(code).toBe(130);
    expect(verdicts(record), said(record)).toEqual({
      'AC-c-first': 'ERROR(canceled)',
      'AC-c-second': 'ERROR(canceled)',
    });
    expect(await onDaemon()).toEqual([]);
    expect((await readdir(join(project.root, '.coherence', 'runs'))).map((name) => name.length)).toEqual([26]);
  });

  // @verifies AC-docker-no-daemon
  it('without a daemon host tests run, docker ones are SKIP(unavailable:docker), and --require docker is 69 before anything runs', async () => {
    await using project = await made({
      'specs/d.yaml': specFile('SPEC-d', {
        'AC-d-host': 'verified_by:\n  - run: echo ran >> ran.txt',
        'AC-d-docker': inDocker('true'),
      }),
      '.gitignore': 'ran.txt\n.coherence/runs/\n',
    });
    const env = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
    const required = await project.coherence(['verify', '--no-cache', '--require', 'docker'], { env });
    expect(required.code, required.err).toBe(69);
    await expect(project.read('ran.txt')).rejects.toThrow('ENOENT');
    const { record, code } = await verify(project, [], { env });
    expect(verdicts(record), said(record)).toEqual({
      'AC-d-host': 'PASS(exit-code)',
      'AC-d-docker': 'SKIP(unavailable:docker)',
    });
    expect(code).toBe(0);
    expect((await verify(project, ['--strict'], { env })).code).toBe(1);
    expect((await verify(project, ['--require', 'docker'])).code).toBe(0);
  });

  // @verifies AC-docker-two-runs, AC-docker-gc-guarded
  it('two runs at once and a gc in between all do their work; gc --all afterwards leaves no layer', async () => {
    const files = {
      '.coherence/config.yaml': config(
        `base:\n  image: ${BASE}\n  pull: never\n  setup: [{ id: shared, run: "sleep 0.3; echo e2e-shared > /s" }]`,
      ),
      'specs/t.yaml': specFile('SPEC-t', { 'AC-t-one': inDocker('sleep 0.5; cat /s'), 'AC-t-two': inDocker('cat /s') }),
    };
    await using project = await made(files);
    const held = rig.proxy().rule(/^POST \/commit/, { do: 'tap' }, 1);
    const both = Promise.all([verify(project), verify(project)]);
    await held.met;
    const gc = await project.coherence(['docker', 'gc', '--all', '--json'], { env: { DOCKER_HOST: rig.proxy().host } });
    expect(gc.code).toBe(0);
    for (const { record, code } of await both) {
      expect(code).toBe(0);
      expect(verdicts(record), said(record)).toEqual({ 'AC-t-one': 'PASS(exit-code)', 'AC-t-two': 'PASS(exit-code)' });
    }
    expect(await onDaemon()).toEqual([]);
    await project.coherence(['docker', 'gc', '--all'], { env: { DOCKER_HOST: rig.proxy().host } });
    expect((await rig.docker('images', '-q', 'coherence-layer')).split('\n').filter((id) => id !== '')).toEqual([]);
  });

  // @verifies AC-docker-secrets
  it('a secret is in no image, record or output', async () => {
    await using project = await made({
      '.coherence/config.yaml': config(
        `base:\n  image: ${BASE}\n  pull: never\n  secrets: [REGISTRY_TOKEN]\n  setup: [{ id: use, run: test -n "$REGISTRY_TOKEN" }]`,
      ),
      'specs/s.yaml': specFile('SPEC-s', {
        'AC-s-use': inDocker('echo "token is $REGISTRY_TOKEN"; echo "$REGISTRY_TOKEN" >&2'),
      }),
    });
    const secret = 'tok-51f7f9aa-unmistakable';
    const { record, out, err } = await verify(project, [], { env: { REGISTRY_TOKEN: secret } });
    expect(verdicts(record), said(record)).toEqual({ 'AC-s-use': 'PASS(exit-code)' });
    expect(await project.read(checkOf(record, 'AC-s-use').output ?? '')).toBe('token is ***\n');
    expect(out + err).not.toContain(secret);
    await cp(join(project.root, '.coherence', 'runs'), join(project.folder, 'runs'), { recursive: true });
    for (const name of await readdir(join(project.folder, 'runs'), { recursive: true, withFileTypes: true }))
      if (name.isFile()) expect(await readFile(join(name.parentPath, name.name), 'utf8')).not.toContain(secret);
    const images = await rig.docker('images', '-q', 'coherence-layer');
    const ids = images.split('\n').filter((id) => id !== '');
    expect(await rig.docker('inspect', ...ids)).not.toContain(secret);
    for (const id of ids) expect(await rig.docker('history', '--no-trunc', id)).not.toContain(secret);
    expect(ids.length).toBeGreaterThan(0);
  });

  // @verifies AC-docker-host-tree, AC-docker-no-leaks, AC-docker-time-limit, AC-docker-infra-not-fail
  it('whatever becomes of checks that wreck their tree, the user’s own keeps content, modes and times, and the books balance at exit', async () => {
    const wreck = 'echo x > link; rm -rf ./* ./.[!.]*; touch new; chmod -R 000 .';
    await using project = await made({
      'marker.txt': 'v1\n',
      'src/run.sh': '#!/bin/sh\n',
      '.coherence/config.yaml': config(
        `base:\n  image: ${BASE}\n  pull: never\nodd:\n  image: ${BASE}\n  pull: never\n  workdir: /bin/busybox\nbad:\n  image: ${BASE}\n  pull: never\n  setup: [{ id: broken, run: exit 3 }]`,
      ),
      'specs/w.yaml': specFile('SPEC-w', {
        'AC-w-pass': inDocker(`${wreck}; exit 0`),
        'AC-w-fail': inDocker(`${wreck}; exit 1`),
        'AC-w-slow': inDocker(`trap "" TERM; ${wreck}; sleep 30`, 'timeout: 2s'),
        'AC-w-odd': inDocker('true').replace('environment: base', 'environment: odd'),
        'AC-w-bad': inDocker('true').replace('environment: base', 'environment: bad'),
        'AC-w-after': inDocker('cat marker.txt'),
      }),
    });
    await project.run(['ln', '-s', 'marker.txt', join(project.root, 'link')]);
    await project.commit();
    const before = await wholeTree(project);
    const { record, code } = await verify(project, ['--jobs', '1']);
    expect(verdicts(record), said(record)).toMatchObject({
      'AC-w-pass': 'PASS(exit-code)',
      'AC-w-fail': 'FAIL(exit-code)',
      'AC-w-slow': 'FAIL(timeout)',
      'AC-w-bad': 'ERROR(setup)',
      'AC-w-after': 'PASS(exit-code)',
    });
    expect(verdicts(record)['AC-w-odd']).toMatch(/^ERROR\((?:setup|infra)\)$/);
    expect(code).toBe(1);
    expect(await onDaemon()).toEqual([]);
    expect(await wholeTree(project)).toBe(before);
    expect(await project.git('status', '--porcelain')).toBe('');
  });

  // @verifies AC-docker-unknown-is-not-success, AC-docker-infra-not-fail
  it('no runner’s report makes a pass of a check whose container’s end is not known', async () => {
    const test = (path: string): string => `verified_by:\n  - test: ${path}\n    in: docker\n    environment: base`;
    await using project = await made({
      'package.json': '{ "name": "p", "private": true, "type": "module" }\n',
      'test/math.test.mjs': "import test from 'node:test';\ntest('adds', () => {});\n",
      'test/sum.test.ts': "import { expect, it } from 'vitest';\nit('adds', () => { expect(1 + 1).toBe(2); });\n",
      'vitest.config.ts': "export default { test: { include: ['test/*.test.ts'] } };\n",
      'test_math.py': 'def test_adds():\n    assert 1 + 1 == 2\n',
      'crate/Cargo.toml': '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n',
      'crate/.gitignore': '/target\n',
      'crate/src/lib.rs': '#[test]\nfn adds() { assert_eq!(1 + 1, 2); }\n',
      '.coherence/config.yaml': config(
        `base:\n  image: ${RUNNERS}\n  pull: never\n  link: { node_modules: /opt/app/node_modules }`,
      ),
      'specs/u.yaml': specFile('SPEC-u', {
        'AC-u-command': inDocker('echo done; exit 0'),
        'AC-u-node': test('test/math.test.mjs > adds'),
        'AC-u-vitest': test('test/sum.test.ts > adds'),
        'AC-u-py': test('test_math.py::test_adds'),
        'AC-u-cargo': test('crate/src/lib.rs::adds'),
      }),
    });
    const sound = await verify(project);
    expect(new Set(Object.values(verdicts(sound.record))), said(sound.record)).toEqual(
      new Set(['PASS(exit-code)', 'PASS(executed)']),
    );
    for (const [pattern, action] of [
      [/^POST \/containers\/[^/]+\/wait/, { do: 'replace', body: '{"StatusCode":null}' }],
      [/^POST \/containers\/[^/]+\/attach/, { do: 'cut', afterBytes: 0 }],
    ] as const) {
      const rule = rig.proxy().rule(pattern, action, Infinity);
      const { record, code } = await verify(project);
      rule.remove();
      for (const [id, verdict] of Object.entries(verdicts(record)))
        expect([id, verdict], said(record)).toEqual([id, expect.stringMatching(/^ERROR\((?:infra|crash|build)\)$/)]);
      expect(code).toBe(2);
    }
  });

  // @verifies AC-docker-cancel, AC-docker-no-leaks
  it.each([
    { what: 'create', pattern: /^POST \/containers\/create/ },
    { what: 'start', pattern: /^POST \/containers\/[^/]+\/start/ },
  ])('Ctrl-C while $what is held: 130, no PASS, nothing left once it is released', async ({ pattern }) => {
    await using project = await made({
      'specs/h.yaml': specFile('SPEC-h', { 'AC-h-one': inDocker('exit 0'), 'AC-h-two': inDocker('exit 0') }),
    });
    // The first containers of a boot prove that the daemon sees our files: that was asked for already here.
    expect((await verify(project)).code).toBe(0);
    const held = rig.proxy().rule(pattern, { do: 'hold' }, 1);
    let pid = 0;
    const running = verify(project, ['--jobs', '1'], { onStart: (child) => (pid = child) });
    await held.met;
    process.kill(pid, 'SIGINT');
    held.release();
    const { record, code } = await running;
    expect(code).toBe(130);
    expect(verdicts(record), said(record)).toEqual({ 'AC-h-one': 'ERROR(canceled)', 'AC-h-two': 'ERROR(canceled)' });
  });

  // @verifies AC-docker-clean-config, AC-docker-environment, AC-docker-parity
  it('a base image with an entrypoint and a user of its own changes nothing: the command runs, as the declared user, with declared variables only', async () => {
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/odd:1', [
      'ENTRYPOINT ["/bin/false"]',
      'USER 1000',
      'CMD ["no"]',
    ]);
    const links = (place: string): string =>
      specFile('SPEC-e', {
        'AC-e-env': `verified_by:\n  - run: "printf '%s|%s|%s' \\"$ODD\\" \\"$AWS_SECRET\\" \\"$UNDECLARED\\""\n    env: { ODD: 'a b"c$d' }${place}`,
        'AC-e-user': `verified_by:\n  - run: test "$(id -u)" = 0${place}`,
      });
    await using project = await made({
      'specs/e.yaml': links('\n    in: docker\n    environment: base'),
      '.coherence/config.yaml': config('base:\n  image: coherence-test/odd:1\n  pull: never'),
    });
    const env = { AWS_SECRET: 'never-shown', UNDECLARED: 'neither' };
    const docker = await verify(project, [], { env });
    expect(verdicts(docker.record), said(docker.record)).toEqual({
      'AC-e-env': 'PASS(exit-code)',
      'AC-e-user': 'PASS(exit-code)',
    });
    expect(await project.read(checkOf(docker.record, 'AC-e-env').output ?? '')).toBe('a b"c$d||');
  });
});
