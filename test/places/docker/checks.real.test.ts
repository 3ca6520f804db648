/** Checks: one container each, main process, exact exit codes, a workspace of their own, output that loses nothing. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, readlink, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CAPTURE_LIMIT } from '../../../src/run/decorators/capture.js';
import {
  absent,
  batchOf,
  check,
  dockerRig,
  execIn,
  expectSame,
  importBusybox,
  never,
  openIn,
  shell,
  treeHash,
} from './rig.js';

const CREATE = /^POST \/containers\/create/;

describe.skipIf(absent !== null)('checks in containers', () => {
  const rig = dockerRig();

  // @verifies AC-docker-exit-codes
  it('exit codes are exact, and each record has command, image, times and output', async () => {
    const project = await rig.project();
    const before = await project.ledger();
    const place = project.place({ base: {} });
    for (const code of [0, 1, 77, 255]) {
      const ran = await check(place, `cat marker.txt; echo err >&2; exit ${code}`);
      expect({ code: ran.end.code, out: ran.out, err: ran.err, trouble: ran.trouble, layers: ran.layers }).toEqual({
        code,
        out: 'v1\n',
        err: 'err\n',
        trouble: null,
        layers: [],
      });
      expect(ran.imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(ran.end.endedAt.getTime()).toBeGreaterThanOrEqual(ran.end.startedAt.getTime());
    }
    await place.close();
    expectSame(await project.ledger(), before);
  });

  // @verifies AC-docker-exit-codes
  it('a process that kills itself did not pass', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const ran = await check(place, 'kill -9 $$; exit 0');
    expect(ran.end.code).toBe(137);
  });

  // @verifies AC-docker-host-tree
  it('the host tree keeps content, modes and times whatever a check does to its own', async () => {
    const project = await rig.project({ 'a/b.txt': 'b', 'run.sh': 'echo', '.dot': 'dot' });
    await chmod(join(project.root, 'run.sh'), 0o755);
    await symlink('a/b.txt', join(project.root, 'link'));
    await project.git('add', '-A');
    await project.git('commit', '-qm', 'x');
    const before = await treeHash(project.root);
    const place = project.place({ base: {} });
    const wreck = 'echo x > link; echo y >> a/b.txt; rm -rf ./* ./.[!.]*; touch new; chmod -R 000 .';
    expect((await check(place, `${wreck}; exit 0`)).end.code).toBe(0);
    expect((await check(place, `${wreck}; exit 1`)).end.code).toBe(1);
    expect((await check(place, shell(`${wreck}; sleep 60`, { timeoutMs: 500 }))).end.timedOut).toBe(true);
    const abort = new AbortController();
    const workspace = await openIn(place);
    const running = workspace.exec(shell(`${wreck}; echo wrecked; sleep 60`), abort.signal);
    while (!project.events.some((event) => event.type === 'output' && event.line === 'wrecked'))
      await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    expect((await running).end.canceled).toBe(true);
    await place.close();
    expect(await treeHash(project.root)).toBe(before);
    expect(await readdir(join(project.state, 'docker', 'runs'))).toEqual([]);
  });

  // @verifies AC-docker-fresh-workspace
  it('checks do not see each other, in the tree, in /tmp and in the system', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} }, { jobs: 3 });
    const line = 'for f in /workspace/me /tmp/me /me; do test ! -e $f || exit 9; echo x > $f; done; sleep 0.1';
    const all = await Promise.all(Array.from({ length: 6 }, async () => check(place, line)));
    expect(all.map((ran) => ran.end.code)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  // @verifies AC-docker-inherit
  it('an inherited workspace continues where the other ended, in a copy of its own', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const first = await openIn(place);
    await execIn(first, shell('echo built > out.txt; echo x > /system-state'));
    const [left, right] = [await openIn(place, 'base', never, first), await openIn(place, 'base', never, first)];
    expect((await execIn(left, shell('cat out.txt; test ! -e /system-state && echo left >> out.txt'))).out).toBe(
      'built\n',
    );
    expect((await execIn(right, shell('cat out.txt marker.txt'))).out).toBe('built\nv1\n');
    expect((await execIn(first, shell('cat out.txt'))).out).toBe('built\n');
    expect((await check(place, 'test ! -e out.txt')).end.code).toBe(0);
  });

  // @verifies AC-docker-source
  it('the source is what git would show, frozen once: dotfiles and links as they are, no .git, no ignored files', async () => {
    const project = await rig.project({
      '.gitignore': 'ignored\n',
      ignored: 'x',
      '.dot': 'd',
      'sub/file': 'f',
      tracked: 't',
    });
    await symlink('sub/file', join(project.root, 'relative'));
    await mkdir(join(project.root, 'empty'));
    await chmod(join(project.root, 'sub/file'), 0o755);
    const place = project.place({ base: {} });
    const first = await check(place, 'find . | sort; readlink relative; stat -c %a sub/file');
    expect(first.out.split('\n').filter((line) => line !== '')).toEqual([
      '.',
      './.dot',
      './.gitignore',
      './empty',
      './relative',
      './sub',
      './sub/file',
      './tracked',
      'sub/file',
      '755',
    ]);
    const hash = await place.sourceHash();
    expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
    // An edit in the middle of a run reaches no check of it.
    await project.write('tracked', 'edited');
    expect((await check(place, 'cat tracked')).out).toBe('t');
    await place.close();
    const next = project.place({ base: {} });
    expect((await check(next, 'cat tracked')).out).toBe('edited');
    expect(await next.sourceHash()).not.toBe(hash);
  });

  // @verifies AC-docker-source
  it('include and exclude choose from the source, and links lead to what set-up installed', async () => {
    const project = await rig.project({ 'src/a.txt': 'a', 'docs/b.txt': 'b', 'target/c.txt': 'c' });
    const place = project.place({
      part: { source: { include: ['src', 'target'], exclude: ['target/'] } },
      linked: {
        setup: [{ id: 'deps', run: 'mkdir /deps; echo dep > /deps/one' }],
        link: { node_modules: '/deps', 'src/deep/link': '/deps/one' },
      },
      bad: { link: { 'src/a.txt': '/deps' } },
    });
    expect((await check(place, 'find . -type f', 'part')).out).toBe('./src/a.txt\n');
    expect((await check(place, 'cat node_modules/one src/deep/link; readlink node_modules', 'linked')).out).toBe(
      'dep\ndep\n/deps\n',
    );
    expect(await place.open({ environment: 'bad', batch: batchOf('b'), signal: never })).toMatchObject({
      ok: false,
      reason: 'setup',
      message: expect.stringContaining('src/a.txt') as string,
    });
  });

  // @verifies AC-docker-environment
  it('declared variables arrive byte for byte, nothing else of the caller does', async () => {
    const project = await rig.project();
    const env = {
      DOCKER_HOST: rig.proxy().host,
      HOME: '/home/someone',
      AWS_SECRET: 'leak',
      CI: 'yes',
      PASSED: 'p a"s$s',
    };
    const place = project.place({ base: { env: { ODD: 'a b"c$d\'é' }, pass_env: ['PASSED'] } }, { env });
    const ran = await check(
      place,
      shell('env | grep -v -E "^(PATH|HOSTNAME|HOME|PWD|SHLVL)=" | sort; printf %s "$ODD" | od -An -tx1', {
        env: { LINK_OWN: 'x y' },
      }),
    );
    expect(ran.out).toBe(
      `LANG=C.UTF-8\nLINK_OWN=x y\nODD=a b"c$d'é\nPASSED=p a"s$s\nTZ=UTC\n 61 20 62 22 63 24 64 27 c3 a9\n`,
    );
    expect((await check(place, 'echo $HOME')).out).not.toContain('someone');
    expect(ran.env).toEqual({ LANG: 'C.UTF-8', TZ: 'UTC', ODD: 'a b"c$d\'é', PASSED: 'p a"s$s', LINK_OWN: 'x y' });
  });

  // @verifies AC-docker-secrets
  it('a secret reaches the check and nothing that is kept: not output, not reports, not the recorded environment', async () => {
    const project = await rig.project();
    const secret = 'hunter2&<"long"> value';
    const place = project.place(
      { base: { secrets: ['REGISTRY_TOKEN'] } },
      { env: { DOCKER_HOST: rig.proxy().host, REGISTRY_TOKEN: secret } },
    );
    const workspace = await openIn(place);
    const ran = await execIn(
      workspace,
      shell(
        'printf %s "$REGISTRY_TOKEN" | wc -c; printf %s "$REGISTRY_TOKEN" | head -c 9; sleep 0.2; printf %s "$REGISTRY_TOKEN" | tail -c +10; echo; echo "<m>$REGISTRY_TOKEN</m>" > /coherence/reports/r.xml',
      ),
    );
    expect(ran.out).toBe(`${Buffer.byteLength(secret)}\n***\n`);
    expect(await readFile(join(workspace.reports.host, 'r.xml'), 'utf8')).toBe('<m>***</m>\n');
    expect(ran.env['REGISTRY_TOKEN']).toBe('***');
    expect(project.events.some((event) => event.type === 'output' && event.line.includes('hunter2'))).toBe(false);
  });

  // @verifies AC-docker-reports
  it('reports come back as plain files only', async () => {
    const project = await rig.project();
    const place = project.place({ base: { user: '1234:4321' } });
    const workspace = await openIn(place);
    await execIn(
      workspace,
      shell(
        'cd /coherence/reports; echo ok > report.xml; mkdir d; ln -s /etc/passwd d/link; ln -s /etc out; mkfifo pipe',
      ),
    );
    expect((await readdir(workspace.reports.host, { recursive: true })).sort()).toEqual(['d', 'report.xml']);
    expect(await readFile(join(workspace.reports.host, 'report.xml'), 'utf8')).toBe('ok\n');
    expect(workspace.reports.inside.startsWith(workspace.root)).toBe(false);
  });

  // @verifies AC-docker-safe-defaults
  it('a check has no network, no capabilities, no new privileges, no socket, and limits', async () => {
    const project = await rig.project();
    const place = project.place({ base: { limits: { memory: '64m', pids: 20, cpus: 0.5 } } });
    const ran = await check(
      place,
      'ip -o link | wc -l; grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status | tr -d "\\t"; ls /var/run/docker.sock /run/docker.sock 2>/dev/null; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; true',
    );
    expect(ran.out).toBe('1\nCapEff:0000000000000000\nCapBnd:0000000000000000\nNoNewPrivs:1\n67108864\n');
    const fork = await check(place, 'for i in $(seq 40); do sleep 5 & done 2>&1; exit 0');
    expect(fork.out + fork.err).toMatch(/fork|Resource/i);
    const body = JSON.parse(rig.proxy().seen(CREATE).at(-1)?.body ?? '{}') as { HostConfig: Record<string, unknown> };
    expect(body.HostConfig).toMatchObject({
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      PidsLimit: 20,
      NanoCpus: 5e8,
      Memory: 64 * 1024 * 1024,
      MemorySwap: 64 * 1024 * 1024,
      Privileged: false,
    });
  });

  // @verifies AC-docker-output
  it('output is whole and in order on both streams, on character borders, with a mark where the cap cut it', async () => {
    const project = await rig.project();
    const place = project.place({ base: {} });
    const lines = await check(place, 'seq 200000 & seq 200001 400000 >&2; wait');
    const seen = (stream: string): string[] =>
      project.events.flatMap((event) => (event.type === 'output' && event.stream === stream ? [event.line] : []));
    const wanted = (from: number): string[] => Array.from({ length: 200_000 }, (_, index) => String(from + index));
    const digest = (list: readonly string[]): string => createHash('sha256').update(list.join('\n')).digest('hex');
    expect({ code: lines.end.code, trouble: lines.trouble }).toEqual({ code: 0, trouble: null });
    expect([seen('stdout').length, digest(seen('stdout'))]).toEqual([200_000, digest(wanted(1))]);
    expect([seen('stderr').length, digest(seen('stderr'))]).toEqual([200_000, digest(wanted(200_001))]);
    expect(lines.stdout.truncated).toBe(true);
    expect((await readFile(lines.stdout.file)).length).toBeLessThanOrEqual(CAPTURE_LIMIT);
    expect(lines.out).toMatch(/\[… \d+ bytes left out/);

    project.events.length = 0;
    const split = await check(
      place,
      `printf 'a\\303'; sleep 0.2; printf '\\251b\\n'; printf 'x\\0y\\n'; printf 'last without end'`,
    );
    expect(split.out).toBe('aéb\nx\0y\nlast without end');
    expect(seen('stdout')).toEqual(['aéb', 'x\0y', 'last without end']);
    const long = await check(place, "yes é | head -n 300000 | tr -d '\\n'; echo; exit 7");
    expect({ code: long.end.code, bytes: long.stdout.bytes, broken: long.out.includes('\uFFFD') }).toEqual({
      code: 7,
      bytes: 600_001,
      broken: false,
    });
  });

  // @verifies AC-docker-programs
  it('programs are found without running anything', async () => {
    await importBusybox(rig.folder(), rig.daemon().host, 'coherence-test/programs:1', [], async (tree) => {
      await mkdir(join(tree, 'opt'));
      await symlink('/bin/busybox', join(tree, 'opt', 'linked'));
    });
    const project = await rig.project({ 'tool.sh': '#!/bin/sh\n', 'plain.txt': 'x' });
    await chmod(join(project.root, 'tool.sh'), 0o755);
    const place = project.place({ base: { image: 'coherence-test/programs:1', env: { PATH: '/opt:/bin' } } });
    const workspace = await openIn(place);
    expect(
      await Promise.all(
        ['sh', 'linked', 'nothing', './tool.sh', './plain.txt', '/bin'].map(async (name) => workspace.find(name)),
      ),
    ).toEqual(['/bin/sh', '/opt/linked', null, '/workspace/tool.sh', null, null]);
    expect(rig.proxy().seen(/\/start$/)).toEqual([]);
  });

  // @verifies AC-docker-cow
  it('a path with odd characters is mounted, and links of the copy never lead back to the source', async () => {
    const project = await rig.project({ 'real.txt': 'source\n' });
    await symlink('real.txt', join(project.root, 'rel'));
    const odd = join(project.root, '..', 'a:b c,d=é');
    await rename(project.root, odd);
    const place = project.place({ base: {} }, { root: odd, stateFolder: join(odd, '..', 'st:a,te') });
    const workspace = await openIn(place);
    const ran = await execIn(workspace, shell('echo changed > rel; cat real.txt'));
    expect(ran.out).toBe('changed\n');
    expect(await readFile(join(odd, 'real.txt'), 'utf8')).toBe('source\n');
    expect(await readlink(join(workspace.hostRoot, 'rel'))).toBe('real.txt');
  });
});
