/**
 * What cannot be seen is said: each row does one thing that hides something from the observer, with a program of Python's
 * standard library or a small C program, and wants the sentence about it.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { compiled, runObserved, scratch, needObserver } from './rig.js';

beforeEach(needObserver);

let folder = '';
beforeAll(() => {
  folder = scratch();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const python = (code: string): readonly string[] => ['python3', '-I', '-S', '-c', code];
const LIBC = 'import ctypes, os, socket, subprocess, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n';

/** Programs that need no other user and no compiler. */
const ROWS: readonly { readonly name: string; readonly code: string; readonly says: string }[] = [
  { name: 'a namespace of its own', code: 'libc.unshare(0x00020000)', says: 'namespace of its own' },
  { name: 'a new root', code: "libc.chroot(b'/')", says: 'changed its root' },
  { name: 'a mount', code: "libc.mount(b'x', b'/nowhere', b'tmpfs', 0, None)", says: 'mounted a file system' },
  { name: 'an unmount', code: "libc.umount2(b'/nowhere', 0)", says: 'unmounted a file system' },
  { name: 'a tracer', code: 'libc.ptrace(16, 1, 0, 0)', says: 'traced another' },
  { name: 'memory that it hides', code: 'libc.prctl(4, 0)', says: 'hid its memory' },
  {
    name: 'another machine',
    code: "s = socket.socket(); s.settimeout(0.01)\ntry: s.connect(('192.0.2.1', 9))\nexcept OSError: pass",
    says: '192.0.2.1:9, which is another machine',
  },
  {
    name: 'another machine without a connection',
    code: "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ntry: s.sendto(b'x', ('192.0.2.1', 9))\nexcept OSError: pass",
    says: '192.0.2.1:9, which is another machine',
  },
  {
    name: 'another machine by a message',
    code: "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ntry: s.sendmsg([b'x'], [], 0, ('192.0.2.1', 9))\nexcept OSError: pass",
    says: '192.0.2.1:9, which is another machine',
  },
  {
    name: 'an abstract socket of somebody',
    code: "s = socket.socket(socket.AF_UNIX)\ntry: s.connect('\\0nobody')\nexcept OSError: pass",
    says: 'abstract socket nobody',
  },
  { name: 'shared memory by a key', code: 'libc.shmget(4711, 4096, 0o1600)', says: 'share with others' },
  {
    name: 'a device',
    code: "try: open('/dev/kmsg').close()\nexcept OSError: pass",
    says: 'device',
  },
];

describe('what is lost is said', () => {
  // @verifies AC-observe-lost
  it.each(ROWS)('$name', async ({ code, says }) => {
    const run = await runObserved(python(`${LIBC}${code}`), { cwd: folder });
    expect(run.seen().lost.join('\n')).toContain(says);
  });
});

describe('with programs of our own', () => {
  // @verifies AC-observe-lost
  it('an address that is none, and a child that is killed in a call, are not lost', async () => {
    const wild = await runObserved(python(`${LIBC}libc.open(ctypes.c_void_p(8), 0)`));
    expect([wild.end.code, wild.seen().lost]).toEqual([0, []]);
    const killed = await runObserved([
      'sh',
      '-c',
      'for i in 1 2 3 4 5 6 7 8; do (while :; do test -e $i; done) & p=$!; kill -9 $p; wait $p; done 2>/dev/null',
    ]);
    expect(killed.seen().lost).toEqual([]);
  });

  // @verifies AC-observe-lost
  it('a filter that a child installs', async ({ skip }) => {
    const program = await compiled(
      folder,
      'filter',
      `#include <linux/filter.h>\n#include <linux/seccomp.h>\n#include <sys/prctl.h>\n#include <fcntl.h>
int main(void) { struct sock_filter allow = BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW); struct sock_fprog p = {1, &allow};
prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); return prctl(PR_SET_SECCOMP, 2, &p) != 0; }`,
    );
    if (program === null) return skip('no C compiler');
    const run = await runObserved([program]);
    expect(run.end.code).toBe(0);
    expect(run.seen().lost).toEqual(['a process installed a filter of its own']);
  });

  // @verifies AC-observe-lost
  it('a program of the 32-bit architecture', async ({ skip }) => {
    if (process.arch !== 'x64') return skip('there are 32-bit calls on x64');
    // One 32-bit call by hand: no 32-bit library is needed.
    const program = await compiled(
      folder,
      'narrow',
      `int main(void) { long r; __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); return r <= 0; }`,
    );
    if (program === null) return skip('no C compiler');
    const run = await runObserved([program]);
    expect(run.seen().lost).toEqual(['a program of another architecture ran, whose calls are not understood']);
  });

  // @verifies AC-observe-io-uring
  it('io_uring is refused, so that nothing reads unseen', async ({ skip }) => {
    const program = await compiled(
      folder,
      'uring',
      `#include <errno.h>\n#include <unistd.h>\n#include <sys/syscall.h>
int main(void) { char p[256] = {0}; long r = syscall(SYS_io_uring_setup, 8, p); return r == -1 && errno == ENOSYS ? 0 : 1; }`,
    );
    if (program === null) return skip('no C compiler');
    const run = await runObserved([program]);
    expect([run.end.code, run.seen().lost]).toEqual([0, []]);
    const file = join(folder, 'read-by-uring.txt');
    writeFileSync(file, 'x');
    const node = await runObserved(
      [process.execPath, '-e', `require('node:fs').readFile(${JSON.stringify(file)}, () => 0)`],
      { env: { UV_USE_IO_URING: '1' } },
    );
    expect(node.at(file)?.kind).toBe('file');
  });

  // @verifies AC-observe-inputs
  it('threads, vfork, posix_spawn, fexecve, execveat, memfd, openat2', async ({ skip }) => {
    const program = await compiled(
      folder,
      'many',
      `#define _GNU_SOURCE
#include <fcntl.h>\n#include <pthread.h>\n#include <spawn.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>
#include <sys/mman.h>\n#include <sys/syscall.h>\n#include <sys/wait.h>\n#include <unistd.h>\n#include <linux/openat2.h>
extern char **environ;
static void *opens(void *number) { char name[32]; snprintf(name, sizeof name, "thread-%ld", (long)number); close(open(name, O_RDONLY)); return 0; }
int main(int count, char **arguments) {
  if (count > 1) { close(open(arguments[1], O_RDONLY)); return 0; }
  pthread_t threads[100];
  for (long i = 0; i < 100; i++) pthread_create(&threads[i], 0, opens, (void *)i);
  for (long i = 0; i < 100; i++) pthread_join(threads[i], 0);
  pid_t pid; int status;
  char *spawned[] = {arguments[0], "from-spawn", 0};
  posix_spawn(&pid, arguments[0], 0, 0, spawned, environ); waitpid(pid, &status, 0);
  char *forked[] = {arguments[0], "from-vfork", 0};
  if ((pid = vfork()) == 0) { execv(arguments[0], forked); _exit(9); } waitpid(pid, &status, 0);
  char *byfd[] = {arguments[0], "from-fexecve", 0};
  if ((pid = fork()) == 0) { fexecve(open(arguments[0], O_RDONLY | O_CLOEXEC), byfd, environ); _exit(9); } waitpid(pid, &status, 0);
  char *at[] = {arguments[0], "from-execveat", 0};
  if ((pid = fork()) == 0) { syscall(SYS_execveat, AT_FDCWD, arguments[0], at, environ, 0); _exit(9); } waitpid(pid, &status, 0);
  char *memory[] = {"memory", "from-memfd", 0};
  if ((pid = fork()) == 0) {
    int from = open(arguments[0], O_RDONLY), to = memfd_create("m", MFD_CLOEXEC); char b[65536]; long n;
    while ((n = read(from, b, sizeof b)) > 0) write(to, b, n);
    syscall(SYS_execveat, to, "", memory, environ, AT_EMPTY_PATH); _exit(9); } waitpid(pid, &status, 0);
  struct open_how how = {O_RDONLY, 0, 0};
  close(syscall(SYS_openat2, AT_FDCWD, "from-openat2", &how, sizeof how));
  return 0; }`,
      ['-pthread'],
    );
    if (program === null) return skip('no C compiler');
    const place = join(folder, 'many-files');
    mkdirSync(place);
    const wanted = [
      ...Array.from({ length: 100 }, (_item, i) => `thread-${i}`),
      ...['spawn', 'vfork', 'fexecve', 'execveat', 'memfd', 'openat2'].map((name) => `from-${name}`),
    ];
    for (const name of wanted) writeFileSync(join(place, name), '');
    const run = await runObserved([program], { cwd: place });
    const files = run
      .seen()
      .inputs.filter((input) => input.kind === 'file' && input.path.startsWith(`${place}/`))
      .map((input) => input.path.slice(place.length + 1));
    expect(new Set(files)).toEqual(new Set(wanted));
    expect(
      run
        .seen()
        .programs.map((words) => words[1] ?? '')
        .filter((word) => word !== ''),
    ).toEqual(['from-spawn', 'from-vfork', 'from-fexecve', 'from-execveat', 'from-memfd']);
    expect(run.seen().lost).toEqual([]);
  });
});

describe('servers', () => {
  // @verifies AC-observe-lost
  it('a port and a socket that somebody else serves are lost, those of the tree are not', async () => {
    const other = createServer((socket) => socket.end('x'));
    const path = join(folder, 'foreign.sock');
    const local = createServer((socket) => socket.end('x')).listen(path);
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    try {
      const foreign = await runObserved(
        python(`import socket\nsocket.create_connection(('127.0.0.1', ${port})).recv(1)`),
      );
      expect(foreign.seen().lost).toEqual([
        `a process connected to 127.0.0.1:${port}, which is served outside the run`,
      ]);
      const named = await runObserved(
        python(`import socket\ns = socket.socket(socket.AF_UNIX); s.connect(${JSON.stringify(path)}); s.recv(1)`),
      );
      expect(named.seen().lost).toEqual([`a process connected to the socket ${path}, which is served outside the run`]);
    } finally {
      other.close();
      local.close();
    }
    const own = await runObserved(
      python(
        "import socket\na = socket.socket(); a.bind(('127.0.0.1', 0)); a.listen(); socket.create_connection(a.getsockname())\n" +
          "b = socket.socket(socket.AF_UNIX); b.bind('own.sock'); b.listen(); socket.socket(socket.AF_UNIX).connect('own.sock')\n" +
          "c = socket.socket(socket.AF_UNIX); c.bind('\\0coh-own'); c.listen(); socket.socket(socket.AF_UNIX).connect('\\0coh-own')",
      ),
      { cwd: folder },
    );
    expect([own.end.code, own.seen().lost]).toEqual([0, []]);
  });

  // @verifies AC-observe-lost
  it('a process that outlives the run', async () => {
    const run = await runObserved(['sh', '-c', 'sleep 60 & exit 0']);
    expect(run.end.code).toBe(0);
    expect(run.seen().lost).toEqual(['a process outlived the run']);
  });
});
