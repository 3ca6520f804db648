/*
 * observer: runs a program and writes down what its whole tree of processes rested on (docs/internals/observer.md).
 *
 *     observer LOG PREFIX -- PROGRAM ARGUMENT...
 *
 * The child installs a seccomp filter with a listener and becomes PROGRAM; this process answers every notification with
 * "continue" after it has looked at the path, so that each path's state is the one before the call. It ends with the
 * child's exit code or signal. Paths below PREFIX are marks of the caller (a nonce) and no inputs.
 *
 * LOG is complete only with its last record `E`; all numbers are little endian, as on every platform that we build for.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS _IOW('!', 4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef RESOLVE_IN_ROOT
#define RESOLVE_IN_ROOT 0x10
#endif
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the observer knows x64 and arm64"
#endif
/* Numbers that older headers lack are the same on all platforms. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define ANY_NAMESPACE 0x7e020080u /* CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET, and NEWTIME (clone3, unshare) */

/* How a path was used; bits. The first six are the model's kinds. */
enum { USE_FILE = 1, USE_ABSENT = 2, USE_FOLDER = 4, USE_PROGRAM = 8, USE_LINK = 16, USE_STAT = 32 };

/* One translation unit, each part in a file of its own, in the order in which they need each other. */
#include "observer/log.h"
#include "observer/seen.h"
#include "observer/processes.h"
#include "observer/memory.h"
#include "observer/resolve.h"
#include "observer/programs.h"
#include "observer/sockets.h"
#include "observer/calls.h"
#include "observer/finish.h"

static long filter_call(unsigned operation, unsigned long flags, void *argument) {
  return syscall(SYS_seccomp, operation, flags, argument);
}

static int install(uint32_t *features) {
  static struct sock_filter program[512];
  struct sock_fprog filter = {(unsigned short)build_filter(program), program};
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  long fd = filter_call(SECCOMP_SET_MODE_FILTER, flags, &filter);
  if (fd < 0 && errno == EACCES) {
    /* Without the right to filter as we are: set-uid programs are told from the others when they start. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    fd = filter_call(SECCOMP_SET_MODE_FILTER, flags, &filter);
  }
  if (fd >= 0)
    *features |= 2;
  else if (errno == EINVAL)
    fd = filter_call(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
  return (int)fd;
}

static void become(char **command, const char *canary, int failure) {
  /* The canary: a process of the tree opens a path that nothing else knows. */
  pid_t child = fork();
  if (child == 0) {
    int fd = open(canary, O_RDONLY);
    (void)fd;
    _exit(0);
  }
  int status;
  if (child > 0)
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  execvp(command[0], command);
  int error = errno;
  ssize_t n = write(failure, &error, sizeof error);
  (void)n;
  _exit(127);
}

static volatile sig_atomic_t tick;
static void on_child(int number) {
  (void)number;
  tick = 1;
  /* A signal may come just before the next blocking call: it is repeated until the loop has looked. */
  struct itimerval again = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &again, NULL);
}
static void on_tick(int number) {
  (void)number;
  tick = 1;
}

static void stop_ticking(void) {
  struct itimerval never = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &never, NULL);
}

static int all_gone(int listener) {
  struct pollfd one = {listener, POLLIN, 0};
  return poll(&one, 1, 0) > 0 && (one.revents & (POLLHUP | POLLERR)) != 0;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* How long processes that are just ending are waited for after the program's own end. */
#define LINGER_MS 200

static size_t request_size, answer_size;
static struct seccomp_notif *request;
static struct seccomp_notif_resp *answer;

static int receive(int listener) {
  memset(request, 0, request_size);
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, request);
}
static void reply(int listener) {
  memset(answer, 0, answer_size);
  answer->id = request->id;
  answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
}

/* Serves until the program has ended and with it all of its tree, or its time to follow is over. 1: somebody lives on. */
static int serve(int listener, pid_t program, int *status) {
  int64_t limit = 0;
  for (;;) {
    if (tick) {
      tick = 0;
      int one;
      for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;)
        if (pid == program) {
          *status = one;
          limit = now_ms() + LINGER_MS;
        }
      if (limit == 0)
        stop_ticking();
      else if (all_gone(listener))
        return 0;
      else if (now_ms() > limit)
        return 1;
    }
    if (receive(listener) == 0) {
      notice(request);
      reply(listener);
    } else if (errno != EINTR && errno != ENOENT) {
      /* No process has the filter any more; the program's end is about to be told. */
      struct timespec moment = {0, 1000000};
      nanosleep(&moment, NULL);
      tick = 1;
    }
  }
}

static void serve_on(int listener) {
  stop_ticking();
  for (;;) {
    struct pollfd one = {listener, POLLIN, 0};
    if (poll(&one, 1, -1) < 0) {
      if (errno == EINTR) continue;
      _exit(0);
    }
    if (one.revents & (POLLHUP | POLLERR)) _exit(0);
    if (receive(listener) == 0)
      reply(listener);
    else if (errno != EINTR && errno != ENOENT)
      _exit(0);
  }
}

/* Files that the program has open from its start: their content was chosen by a path that nobody saw. */
static void note_inherited(void) {
  for (int fd = 0; fd < 64; fd++) {
    char name[64], path[PATH_MAX];
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) continue;
    int flags = fcntl(fd, F_GETFL);
    if (fd == log_fd || (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 || (flags & O_ACCMODE) == O_WRONLY) continue;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0 || path[0] != '/') continue;
    path[length] = 0;
    struct found found = resolve((uint32_t)getpid(), "", path, 1);
    if (!found.absent) count_use(found, (uint32_t)getpid(), USE_FILE);
  }
}

int main(int count, char **arguments) {
  if (count == 1) return 0; /* what a probe of the observer observes */
  if (count < 5 || strcmp(arguments[3], "--") != 0) {
    static const char USAGE[] = "usage: observer LOG PREFIX -- PROGRAM ARGUMENT...\n";
    ssize_t n = write(2, USAGE, sizeof USAGE - 1);
    (void)n;
    return 64;
  }
  char **command = arguments + 4;
  char canary[PATH_MAX];
  prefix = arguments[2];
  prefix_length = strlen(prefix);
  snprintf(canary, sizeof canary, "%scanary", prefix);
  struct seccomp_notif_sizes sizes;
  log_fd = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  int told[2], failure[2], refusal = 0;
  /* Nothing can be seen: the program runs as if it had been called, and the log stays without an end. */
  if (log_fd < 0 || filter_call(SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0 || pipe2(told, O_CLOEXEC) != 0 ||
      pipe2(failure, O_CLOEXEC) != 0)
    goto unobserved;
  request_size = sizes.seccomp_notif > sizeof *request ? sizes.seccomp_notif : sizeof *request;
  answer_size = sizes.seccomp_notif_resp > sizeof *answer ? sizes.seccomp_notif_resp : sizeof *answer;
  request = take(NULL, request_size);
  answer = take(NULL, answer_size);
  note_inherited();
  read_ports("/proc/net/tcp", 0);
  read_ports("/proc/net/tcp6", 0);
  read_ports("/proc/net/udp", 1);
  read_ports("/proc/net/udp6", 1);
  /* Orphans of the tree become ours: we may look at them whatever Yama says, and their ends release the filter. */
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

  /*
   * The listener must reach us without a call that is observed already. So a middle process shares our descriptors,
   * installs the filter, starts the program as our child (with descriptors of its own) and ends.
   */
  struct {
    int listener, error;
    pid_t program;
    uint32_t features;
  } message = {-1, 0, 0, 0};
  pid_t middle = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (middle == 0) {
    message.listener = install(&message.features);
    if (message.listener < 0)
      message.error = errno;
    else {
      message.program = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
      if (message.program == 0) become(command, canary, failure[1]);
      if (message.program < 0) message.error = errno;
    }
    ssize_t n = write(told[1], &message, sizeof message);
    (void)n;
    _exit(0);
  }
  if (middle < 0) goto unobserved;
  while (read(told[0], &message, sizeof message) < 0 && errno == EINTR) continue;
  int ended;
  while (waitpid(middle, &ended, 0) < 0 && errno == EINTR) continue;
  if (message.error != 0 || message.listener < 0 || message.program <= 0) {
    /* The child of the middle process, if there is one, cannot be running: it has not been served a single call. */
    refusal = message.error;
    if (message.listener >= 0) close(message.listener);
    goto unobserved;
  }
  int listener = message.listener;

  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP && number != SIGCONT) signal(number, SIG_IGN);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  sigaction(SIGALRM, &action, NULL);
  action.sa_handler = on_child;
  sigaction(SIGCHLD, &action, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  on_child(0);
  uint64_t wake = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;
  if (getenv("COHERENCE_OBSERVER_PLAIN") == NULL && ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, wake) == 0)
    message.features |= 1;
  /* The readers of the program's output must not wait for us. */
  int empty = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 1024; fd++)
    if (fd <= 2)
      dup2(empty, fd);
    else if (fd != listener && fd != log_fd && fd != failure[0])
      close(fd);

  int status = 0;
  int lives = serve(listener, message.program, &status);
  stop_ticking();
  int error = 0;
  fcntl(failure[0], F_SETFL, O_NONBLOCK);
  if (read(failure[0], &error, sizeof error) != (ssize_t)sizeof error) error = 0;
  if (lives) lose("a process outlived the run%s", "");
  write_log(error, WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0, message.features);
  if (lives && fork() == 0) serve_on(listener);
  close(listener);
  end_like(status);

unobserved:
  if (log_fd >= 0) dprintf(log_fd, "refused %d\n", refusal);
  execvp(command[0], command);
  return 127;
}
