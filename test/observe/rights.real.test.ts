/** Other users, fewer rights, other profiles, and helpers that end early. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { observe, observerStatus } from '../../src/observe/index.js';
import { readLog } from '../../src/observe/log.js';
import { capture, findProgram, isAlive, identityOf, type ProcessIdentity } from '../../src/util/process.js';
import { compiled, isRoot, ORDINARY, runObserved, scratch, needObserver } from './rig.js';

beforeEach(needObserver);

let folder = '';
beforeAll(() => {
  folder = scratch();
  chmodSync(folder, 0o777);
  writeFileSync(join(folder, 'f'), 'content');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ALL_SEEN = { kind: 'file', written: false, changedDuringRun: false };
const NO_ROOT = 'needs root to become another user';

describe('rights', () => {
  // @verifies AC-observe-rights
  it('an ordinary user', async ({ skip }) => {
    if (!isRoot) return skip(NO_ROOT);
    const run = await runObserved(['cat', 'f'], { cwd: folder, before: ORDINARY });
    expect([run.out, run.at(join(folder, 'f')), run.seen().lost]).toMatchObject(['content', ALL_SEEN, []]);
  });

  // @verifies AC-observe-rights
  it('an ordinary user who can get no new privileges', async ({ skip }) => {
    if (!isRoot) return skip(NO_ROOT);
    const run = await runObserved(['cat', 'f'], { cwd: folder, before: [...ORDINARY, '--no-new-privs'] });
    expect([run.out, run.at(join(folder, 'f')), run.seen().lost]).toMatchObject(['content', ALL_SEEN, []]);
  });

  // @verifies AC-observe-rights
  it('root without capabilities', async ({ skip }) => {
    if (!isRoot) return skip(NO_ROOT);
    const before = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'];
    const run = await runObserved(['cat', 'f'], { cwd: folder, before });
    expect([run.out, run.at(join(folder, 'f')), run.seen().lost]).toMatchObject(['content', ALL_SEEN, []]);
  });

  // @verifies AC-observe-rights
  it('a container profile that forbids process_vm_readv and unshare', async ({ skip }) => {
    const program = await compiled(
      folder,
      'profile',
      `#include <errno.h>\n#include <linux/filter.h>\n#include <linux/seccomp.h>\n#include <stddef.h>\n#include <sys/prctl.h>\n#include <sys/syscall.h>\n#include <unistd.h>
int main(int count, char **arguments) { struct sock_filter rules[] = {
 BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 3, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unshare, 2, 0),
 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_getfd, 1, 0), BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW),
 BPF_STMT(BPF_RET, SECCOMP_RET_ERRNO | EPERM) };
struct sock_fprog p = {sizeof rules / sizeof *rules, rules};
prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); if (prctl(PR_SET_SECCOMP, 2, &p) != 0) return 99; execvp(arguments[1], arguments + 1); return 98; }`,
    );
    if (program === null) return skip('there is no C compiler');
    const run = await runObserved(['cat', 'f'], { cwd: folder, before: [program] });
    expect([run.out, run.at(join(folder, 'f')), run.seen().lost]).toMatchObject(['content', ALL_SEEN, []]);
  });

  // @verifies AC-observe-lost
  it('a program that may be started and not read hides its memory', async ({ skip }) => {
    if (!isRoot) return skip(NO_ROOT);
    const program = join(folder, 'hidden');
    copyFileSync(realpathSync((await findProgram('cat')) ?? ''), program);
    chmodSync(program, 0o111);
    const run = await runObserved([program, 'f'], { cwd: folder, before: ORDINARY });
    expect(run.out).toBe('content');
    expect(run.seen().lost).toContain('a path could not be read from a process that hides its memory');
  });

  // @verifies AC-observe-spoiled
  it('a set-uid program is lost, and its run is to be repeated', async ({ skip }) => {
    if (!isRoot) return skip(NO_ROOT);
    const program = join(folder, 'raised');
    copyFileSync(realpathSync((await findProgram('id')) ?? ''), program);
    chownSync(program, 0, 0);
    chmodSync(program, 0o4755);
    const run = await runObserved([program], { cwd: folder, before: ORDINARY });
    expect(run.seen().lost).toEqual([
      `${program} takes other rights when it is started, and loses them under an observer`,
    ]);
    expect(run.spoiled).toBe(run.seen().lost[0]);
  });
});

describe('ends', () => {
  // @verifies AC-observe-spoiled
  it('a helper that is killed: no observation, and the run is to be repeated', async () => {
    const run = await runObserved(['sh', '-c', 'kill -9 $PPID; cat /etc/passwd; sleep 60']);
    expect(run.observed).toEqual({ ok: false, why: 'The observer was ended before the program that it observed.' });
    expect(run.spoiled).toBe('The observer was ended before the program that it observed.');
  });

  // @verifies AC-observe-canary
  it('an observer inside an observer: the inner one says that it cannot, and its program runs', async () => {
    const inner = observe(['cat', join(folder, 'f')], folder);
    if (!inner.ok) throw new Error(inner.why);
    const outer = await runObserved(inner.command);
    const { observed } = inner.conclude(outer.end);
    expect(outer.out).toBe('content');
    expect(observed).toEqual({
      ok: false,
      why: 'Another observer is at work on this process already, and the kernel takes one alone.',
    });
    expect(outer.at(join(folder, 'f'))).toMatchObject(ALL_SEEN);
    expect(outer.seen().lost).toEqual(['a process installed a filter of its own']);
  });

  // @verifies AC-observe-canary
  it('a log without its canary is no observation', async () => {
    const wrapped = observe(['true'], folder);
    if (!wrapped.ok) throw new Error(wrapped.why);
    const ran = await capture({ command: wrapped.command, cwd: folder });
    const bytes = readFileSync(wrapped.log);
    // The end record is the log's last: its first word tells whether the canary was seen.
    bytes.writeUInt32LE(0, bytes.length - 28);
    writeFileSync(wrapped.log, bytes);
    expect(wrapped.conclude(ran.end).observed).toEqual({
      ok: false,
      why: 'The observer did not see the call that proves that it sees.',
    });
    expect(await observerStatus(process.env)).toMatchObject({ available: true });
  });

  // @verifies AC-observe-transparent
  it('a time limit ends the program with TERM first, and the helper with it', async () => {
    let helper: ProcessIdentity | null = null;
    const polite = await runObserved(['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.02; done'], {
      timeoutMs: 1000,
      graceMs: 20_000,
      onStart: (pid) => {
        helper = identityOf(pid);
      },
    });
    expect([polite.end.timedOut, polite.end.code, polite.end.signal]).toEqual([true, 5, null]);
    expect(helper !== null && isAlive(helper)).toBe(false);
    const stubborn = await runObserved(['sh', '-c', 'trap "" TERM; while :; do sleep 0.02; done'], {
      timeoutMs: 1000,
      graceMs: 200,
    });
    expect([stubborn.end.timedOut, stubborn.end.signal, stubborn.spoiled]).toEqual([true, 'SIGKILL', null]);
  });
});

describe('paths and marks', () => {
  // @verifies AC-observe-inputs
  it('paths of 4,000 bytes, paths too long for the kernel, and names that are no UTF-8', async () => {
    const long = `${'deep/'.repeat(798)}end`;
    mkdirSync(join(folder, 'bytes'));
    const code = [
      'import os, sys',
      "os.close(os.open(b'bytes/\\xff\\xc3\\xa9', os.O_CREAT | os.O_WRONLY))",
      'for path in (sys.argv[1], sys.argv[1] * 2):',
      '    try: os.stat(path)',
      '    except OSError: pass',
    ].join('\n');
    const made = await runObserved(['python3', '-I', '-S', '-c', code, long], { cwd: folder });
    expect(made.at(join(folder, long))?.kind).toBe('absent');
    expect(made.seen().lost).toEqual([]);
    const read = await runObserved(['python3', '-I', '-S', '-c', "open(b'bytes/\\xff\\xc3\\xa9')"], { cwd: folder });
    expect(read.at(`${folder}/bytes/\udcff\u00e9`)?.kind).toBe('file');
  });

  // @verifies AC-observe-marks
  it('marks begin the next epoch of their process and are no inputs', async () => {
    const wrapped = observe(
      ['sh', '-c', 'test -e {mark}one; test -e first; test -e {mark}two; test -e second'],
      folder,
    );
    if (!wrapped.ok) throw new Error(wrapped.why);
    const command = wrapped.command.map((part) => part.replaceAll('{mark}', wrapped.prefix));
    await capture({ command, cwd: folder });
    const log = readLog(readFileSync(wrapped.log));
    expect(log?.marks.map(({ text, epoch }) => [text, epoch])).toEqual([
      ['one', 1],
      ['two', 2],
    ]);
    const epochs = log?.uses
      .map((use) => [log.paths.get(use.path)?.path.slice(folder.length + 1), use.epoch] as const)
      .filter(([name]) => name === 'first' || name === 'second');
    expect(epochs).toEqual([
      ['first', 1],
      ['second', 2],
    ]);
    expect([...(log?.paths.values() ?? [])].some((logged) => logged.path.startsWith('/.coherence-'))).toBe(false);
  });
});
