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

/* ---------------------------------------------------------------- memory and the log */

static int log_fd = -1;
static unsigned char log_buffer[1 << 16];
static size_t log_used;
static int log_failed;

static void log_flush(void) {
  size_t done = 0;
  while (done < log_used) {
    ssize_t n = write(log_fd, log_buffer + done, log_used - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      log_failed = 1;
      break;
    }
    done += (size_t)n;
  }
  log_used = 0;
}

static void log_bytes(const void *data, size_t size) {
  const unsigned char *from = data;
  while (size > 0) {
    size_t room = sizeof log_buffer - log_used, part = size < room ? size : room;
    memcpy(log_buffer + log_used, from, part);
    log_used += part;
    from += part;
    size -= part;
    if (log_used == sizeof log_buffer) log_flush();
  }
}

static void log_head(char type, size_t size) {
  unsigned char head[5] = {(unsigned char)type};
  uint32_t length = (uint32_t)size;
  memcpy(head + 1, &length, 4);
  log_bytes(head, 5);
}

static void *take(void *old, size_t size) {
  void *memory = realloc(old, size);
  /* Without memory nothing can be seen any more: the run's calls fail loudly and there is no complete log. */
  if (memory == NULL) _exit(111);
  return memory;
}

/* Blocks that are never given back: path texts, link targets, names of folders. */
static char *arena;
static size_t arena_left;
static char *keep(const char *text, size_t size) {
  if (size > arena_left) {
    arena_left = size > (1 << 18) ? size : (1 << 18);
    arena = take(NULL, arena_left);
  }
  char *copy = arena;
  memcpy(copy, text, size);
  arena += size;
  arena_left -= size;
  return copy;
}

/* ---------------------------------------------------------------- what was seen */

struct state {
  uint32_t mode; /* 0: not there */
  uint32_t padding;
  uint64_t size, inode, device;
  int64_t mtime, ctime; /* ns */
};

struct entry {
  uint64_t hash;
  const char *path;
  uint32_t length;
  uint32_t uses;      /* bits of USE_* that count as inputs */
  uint32_t checked;   /* generation in which this was seen to be no link */
  uint8_t touched;    /* the tree asked to make, write, rename or remove it */
  uint8_t own;        /* and it was seen to differ from its first sight after that: it is the run's own work */
  uint8_t racy;       /* changed within one tick of the file system's clock before its first sight */
  uint8_t seen;       /* `state` holds */
  struct state state; /* at first sight */
  const char *target; /* of a link */
  uint32_t target_length;
  const char *names; /* of a listed folder, each with its 0 */
  uint32_t names_length;
};

static struct entry *entries;
static uint32_t entry_count, entry_room;
static uint32_t *slots;
static uint32_t slot_mask;
/* Goes up with every call that can turn a folder into a link or a link into another one. */
static uint32_t generation = 1;
static int generation_due;

#define HASH_START 1469598103934665603ull
static uint64_t hash_more(uint64_t hash, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 1099511628211ull;
  return hash;
}
static uint64_t spread(uint64_t hash) { return hash ^ (hash >> 29); }

static uint32_t entry_of(const char *path, size_t length, uint64_t hash) {
  if (entry_count * 2 >= slot_mask) {
    uint32_t size = slot_mask == 0 ? 1 << 14 : (slot_mask + 1) * 2;
    free(slots);
    slots = take(NULL, size * sizeof *slots);
    memset(slots, 0xff, size * sizeof *slots);
    slot_mask = size - 1;
    for (uint32_t i = 0; i < entry_count; i++) {
      uint32_t at = (uint32_t)spread(entries[i].hash) & slot_mask;
      while (slots[at] != UINT32_MAX) at = (at + 1) & slot_mask;
      slots[at] = i;
    }
  }
  uint32_t at = (uint32_t)spread(hash) & slot_mask;
  for (; slots[at] != UINT32_MAX; at = (at + 1) & slot_mask) {
    struct entry *known = &entries[slots[at]];
    if (known->hash == hash && known->length == length && memcmp(known->path, path, length) == 0) return slots[at];
  }
  if (entry_count == entry_room) {
    entry_room = entry_room == 0 ? 4096 : entry_room * 2;
    entries = take(entries, entry_room * sizeof *entries);
  }
  struct entry *fresh = &entries[entry_count];
  memset(fresh, 0, sizeof *fresh);
  fresh->hash = hash;
  fresh->path = keep(path, length + 1);
  ((char *)fresh->path)[length] = 0;
  fresh->length = (uint32_t)length;
  slots[at] = entry_count;
  return entry_count++;
}

#define LOST_LIMIT 64
static char *losses[LOST_LIMIT];
static int loss_count;
static void lose(const char *format, const char *what) {
  char text[PATH_MAX + 256];
  snprintf(text, sizeof text, format, what);
  for (int i = 0; i < loss_count; i++)
    if (strcmp(losses[i], text) == 0) return;
  if (loss_count < LOST_LIMIT) losses[loss_count++] = keep(text, strlen(text) + 1);
}

static int64_t nanoseconds(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

static struct state state_of(const char *path) {
  struct stat found;
  struct state state;
  memset(&state, 0, sizeof state);
  if (lstat(path, &found) != 0) return state;
  state.mode = found.st_mode;
  state.size = (uint64_t)found.st_size;
  state.inode = found.st_ino;
  state.device = found.st_dev;
  state.mtime = nanoseconds(found.st_mtim);
  state.ctime = nanoseconds(found.st_ctim);
  return state;
}

static int same_state(const struct state *left, const struct state *right) {
  if (left->mode != right->mode) return 0;
  /* A folder's times and size change with every name that is made in it: what is in it is told by other entries. */
  if (S_ISDIR(left->mode)) return left->inode == right->inode;
  return left->size == right->size && left->inode == right->inode && left->device == right->device &&
         left->mtime == right->mtime && left->ctime == right->ctime;
}

/* Two ticks of the slowest clock that stamps files (100 Hz): within it, a second change may leave the same time. */
#define TICK 20000000ll

static void look(struct entry *entry) {
  if (entry->seen) return;
  entry->seen = 1;
  entry->state = state_of(entry->path);
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (S_ISREG(entry->state.mode) && nanoseconds(now) - entry->state.ctime < TICK) entry->racy = 1;
  if (S_ISLNK(entry->state.mode)) {
    char target[PATH_MAX];
    ssize_t length = readlink(entry->path, target, sizeof target);
    if (length > 0) {
      entry->target = keep(target, (size_t)length);
      entry->target_length = (uint32_t)length;
    }
  }
}

/* ---------------------------------------------------------------- processes and programs */

struct process {
  uint32_t pid, parent, epoch;
};
static struct process *processes;
static uint32_t process_count, process_room;
static struct thread {
  uint32_t tid, process;
} *threads;
static uint32_t thread_count, thread_room, thread_highest;

static void ids_of(uint32_t tid, uint32_t *tgid, uint32_t *parent) {
  char name[64], text[2048];
  snprintf(name, sizeof name, "/proc/%u/status", tid);
  *tgid = tid;
  *parent = 0;
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return;
  text[size] = 0;
  char *at = strstr(text, "\nTgid:");
  if (at != NULL) *tgid = (uint32_t)strtoul(at + 6, NULL, 10);
  at = strstr(text, "\nPPid:");
  if (at != NULL) *parent = (uint32_t)strtoul(at + 6, NULL, 10);
}

/* Index of the process of a thread. A thread id lower than one seen before may come from a counter that went round. */
static uint32_t process_of(uint32_t tid) {
  static uint32_t last_tid, last_process;
  if (tid == last_tid && process_count > 0) return last_process;
  for (uint32_t i = thread_count; i-- > 0;)
    if (threads[i].tid == tid) {
      last_tid = tid;
      return last_process = threads[i].process;
    }
  if (tid + 1024 < thread_highest) {
    thread_count = 0;
    thread_highest = 0;
  }
  if (tid > thread_highest) thread_highest = tid;
  uint32_t tgid, parent;
  ids_of(tid, &tgid, &parent);
  uint32_t process = UINT32_MAX;
  for (uint32_t i = process_count; i-- > 0 && process == UINT32_MAX;)
    if (processes[i].pid == tgid) process = i;
  if (process == UINT32_MAX) {
    if (process_count == process_room) {
      process_room = process_room == 0 ? 64 : process_room * 2;
      processes = take(processes, process_room * sizeof *processes);
    }
    processes[process_count] = (struct process){tgid, parent, 0};
    process = process_count++;
  }
  if (thread_count == thread_room) {
    thread_room = thread_room == 0 ? 256 : thread_room * 2;
    threads = take(threads, thread_room * sizeof *threads);
  }
  /* Threads of programs with thousands of them: the oldest half is forgotten, and asked for again when needed. */
  if (thread_count > 4096) {
    memmove(threads, threads + 2048, (thread_count - 2048) * sizeof *threads);
    thread_count -= 2048;
  }
  threads[thread_count++] = (struct thread){tid, process};
  last_tid = tid;
  return last_process = process;
}

/* Which process used which path in which of its epochs (a mark begins the next one). */
struct use {
  uint32_t process, entry, epoch, bits;
};
static struct use *uses;
static uint32_t use_count, use_room;
static uint32_t *use_slots;
static uint32_t use_mask;
static void note_use(uint32_t process, uint32_t entry, uint32_t bits) {
  if (use_count * 2 >= use_mask) {
    uint32_t size = use_mask == 0 ? 1 << 14 : (use_mask + 1) * 2;
    free(use_slots);
    use_slots = take(NULL, size * sizeof *use_slots);
    memset(use_slots, 0xff, size * sizeof *use_slots);
    use_mask = size - 1;
    for (uint32_t i = 0; i < use_count; i++) {
      uint64_t hash = (uses[i].process * 0x9e3779b97f4a7c15ull) ^ (uses[i].entry * 0xc2b2ae3d27d4eb4full) ^ uses[i].epoch;
      uint32_t at = (uint32_t)(hash >> 20) & use_mask;
      while (use_slots[at] != UINT32_MAX) at = (at + 1) & use_mask;
      use_slots[at] = i;
    }
  }
  uint32_t epoch = processes[process].epoch;
  uint64_t hash = (process * 0x9e3779b97f4a7c15ull) ^ (entry * 0xc2b2ae3d27d4eb4full) ^ epoch;
  uint32_t at = (uint32_t)(hash >> 20) & use_mask;
  for (; use_slots[at] != UINT32_MAX; at = (at + 1) & use_mask) {
    struct use *known = &uses[use_slots[at]];
    if (known->process == process && known->entry == entry && known->epoch == epoch) {
      known->bits |= bits;
      return;
    }
  }
  if (use_count == use_room) {
    use_room = use_room == 0 ? 4096 : use_room * 2;
    uses = take(uses, use_room * sizeof *uses);
  }
  uses[use_count] = (struct use){process, entry, epoch, bits};
  use_slots[at] = use_count++;
}

/* ---------------------------------------------------------------- reading the other process */

static ssize_t read_memory(uint32_t tid, uint64_t address, void *into, size_t size) {
  struct iovec local = {into, size}, remote = {(void *)(uintptr_t)address, size};
  static int refused;
  if (!refused) {
    ssize_t n = process_vm_readv((pid_t)tid, &local, 1, &remote, 1, 0);
    if (n >= 0) return n;
    /* Container profiles forbid the call; the file below is allowed wherever this process may look at the other. */
    if (errno == ENOSYS) refused = 1;
  }
  char name[64];
  snprintf(name, sizeof name, "/proc/%u/mem", tid);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = pread(fd, into, size, (off_t)address);
  close(fd);
  return n;
}

/* A text with its final 0 in `into`; its length, -1: unreadable, -2: longer than the kernel takes. */
static ssize_t read_text(uint32_t tid, uint64_t address, char *into, size_t room) {
  size_t have = 0;
  while (have < room) {
    size_t part = have == 0 ? 256 : 4096;
    size_t to_page_end = 4096 - ((address + have) & 4095);
    if (part > to_page_end) part = to_page_end;
    if (part > room - have) part = room - have;
    ssize_t n = read_memory(tid, address + have, into + have, part);
    if (n <= 0) return -1;
    char *end = memchr(into + have, 0, (size_t)n);
    if (end != NULL) return end - into;
    have += (size_t)n;
  }
  return -2;
}

/* The folder that a relative path starts from; 0: a folder that is gone, or no folder at all, so that nothing is below it. */
static size_t base_of(uint32_t tid, int fd, char *into) {
  char name[64];
  if (fd == AT_FDCWD)
    snprintf(name, sizeof name, "/proc/%u/cwd", tid);
  else
    snprintf(name, sizeof name, "/proc/%u/fd/%d", tid, fd);
  ssize_t length = readlink(name, into, PATH_MAX - 1);
  if (length < 0) {
    /* EBADF in the call itself; but a process that hides itself from us is lost. */
    if (errno == EACCES || errno == EPERM) return SIZE_MAX;
    return 0;
  }
  into[length] = 0;
  if (into[0] != '/') return 0; /* socket:[…], pipe:[…] */
  static const char GONE[] = " (deleted)";
  if ((size_t)length > sizeof GONE - 1 && strcmp(into + length - (sizeof GONE - 1), GONE) == 0) {
    struct stat real, text;
    if (stat(name, &real) != 0 || lstat(into, &text) != 0 || real.st_ino != text.st_ino || real.st_dev != text.st_dev)
      return 0;
  }
  return (size_t)length;
}

/* ---------------------------------------------------------------- from a call's text to an entry */

static const char *prefix; /* of the caller's marks */
static size_t prefix_length;
static int canary_seen;
static int spoiled; /* the program did not run as it would have without us */

static unsigned char *marks;
static size_t marks_used, marks_room;
static unsigned char *starts; /* programs that were started */
static size_t starts_used, starts_room;
static void append(unsigned char **to, size_t *used, size_t *room, const void *data, size_t size) {
  while (*used + size > *room) {
    *room = *room == 0 ? 1 << 14 : *room * 2;
    *to = take(*to, *room);
  }
  memcpy(*to + *used, data, size);
  *used += size;
}

/* Whether the tree's own work is what stands there now. */
static int owned(struct entry *entry) {
  if (entry->own) return 1;
  if (!entry->touched) return 0;
  struct state now = state_of(entry->path);
  if (same_state(&now, &entry->state)) return 0;
  entry->own = 1;
  return 1;
}

struct found {
  uint32_t entry; /* UINT32_MAX: nothing that could be an input */
  int absent;
  int below_own; /* in a folder that the tree made */
};

static int is_proc(const char *path) { return strncmp(path, "/proc", 5) == 0 && (path[5] == 0 || path[5] == '/'); }
static int is_pseudo(const char *path) {
  return is_proc(path) || (strncmp(path, "/sys", 4) == 0 && (path[4] == 0 || path[4] == '/'));
}

/*
 * Links inside /proc lead to what a descriptor or a process names, whatever their text says; the text is good enough for
 * files that have a name. 1: `done` now is that file. 0: an ordinary name of /proc. -1: it leads to something without a name.
 */
static int follow_magic(char *done, size_t *length, uint32_t tid) {
  char *name = strrchr(done, '/') + 1;
  if (strcmp(done, "/proc/self") == 0) {
    *length = (size_t)sprintf(done, "/proc/%u", processes[process_of(tid)].pid);
    return 0;
  }
  if (strcmp(done, "/proc/thread-self") == 0) {
    *length = (size_t)sprintf(done, "/proc/%u/task/%u", processes[process_of(tid)].pid, tid);
    return 0;
  }
  int magic = strcmp(name, "cwd") == 0 || strcmp(name, "root") == 0 || strcmp(name, "exe") == 0;
  if (!magic && name - done > 4 && strncmp(name - 4, "/fd/", 4) == 0) magic = 1;
  if (!magic && name - done > 11 && strncmp(name - 11, "/map_files/", 11) == 0) magic = 1;
  if (!magic) return 0;
  char target[PATH_MAX];
  ssize_t size = readlink(done, target, sizeof target - 1);
  if (size <= 0 || target[0] != '/') return -1;
  target[size] = 0;
  struct stat real, text;
  if (stat(done, &real) != 0 || lstat(target, &text) != 0 || real.st_ino != text.st_ino) return -1;
  *length = (size_t)size;
  if (size == 1) *length = 0; /* the root stands as '' */
  memcpy(done, target, *length + 1);
  done[*length] = 0;
  return 1;
}

static void note_link(uint32_t index, uint32_t process, int below_own) {
  struct entry *entry = &entries[index];
  if (below_own || owned(entry)) return;
  entry->uses |= USE_LINK;
  note_use(process, index, USE_LINK);
}

/* Follows a path name by name, as the kernel will in a moment. `start` is resolved already ('' for the root). */
static struct found resolve(uint32_t tid, const char *start, const char *text, int follow) {
  static char done[PATH_MAX * 2 + 64], todo[PATH_MAX * 3], next[PATH_MAX * 3];
  struct found found = {UINT32_MAX, 0, 0};
  uint32_t process = process_of(tid);
  size_t length = 0;
  uint64_t hash = HASH_START;
  int links = 0;
  uint32_t at_entry = UINT32_MAX;
  if (text[0] == '/')
    snprintf(todo, sizeof todo, "%s", text);
  else
    snprintf(todo, sizeof todo, "%s/%s", start, text);
  done[0] = 0;
  char *rest = todo;
  for (;;) {
    while (*rest == '/') rest++;
    if (*rest == 0) break;
    size_t part = strcspn(rest, "/");
    char *after = rest + part;
    int directory = *after == '/';
    while (*after == '/') after++;
    int last = *after == 0;
    if (part == 1 && rest[0] == '.') {
      rest = after;
      continue;
    }
    if (part == 2 && rest[0] == '.' && rest[1] == '.') {
      while (length > 0 && done[--length] != '/') continue;
      done[length] = 0;
      hash = hash_more(HASH_START, done, length);
      at_entry = UINT32_MAX;
      rest = after;
      continue;
    }
    if (part > NAME_MAX || length + part + 2 > PATH_MAX) return found; /* ENAMETOOLONG */
    size_t before = length;
    uint64_t before_hash = hash;
    done[length++] = '/';
    memcpy(done + length, rest, part);
    length += part;
    done[length] = 0;
    hash = hash_more(before_hash, done + before, length - before);
    if (is_proc(done)) {
      at_entry = UINT32_MAX;
      if (length > 6 && (!last || follow || directory)) {
        int magic = follow_magic(done, &length, tid);
        if (magic < 0) return found;
        hash = hash_more(HASH_START, done, length);
      }
      rest = after;
      continue;
    }
    at_entry = entry_of(done, length, hash);
    struct entry *entry = &entries[at_entry];
    int first = !entry->seen;
    look(entry);
    if (last && !follow && !directory) {
      found.entry = at_entry;
      struct state now = first || (!entry->touched && entry->checked == generation) ? entry->state : state_of(done);
      found.absent = now.mode == 0;
      if (!entry->touched) entry->checked = generation;
      return found;
    }
    /* A touched name may have become a link or vanished since. */
    uint32_t mode = entry->state.mode;
    int link_is_new = 0;
    if (!first && (entry->touched || entry->checked != generation)) {
      struct state now = state_of(done);
      mode = now.mode;
      link_is_new = S_ISLNK(mode);
    }
    if (!entry->touched && !S_ISLNK(mode)) entry->checked = generation;
    if (S_ISLNK(mode)) {
      if (++links > 40) return found; /* ELOOP */
      char target[PATH_MAX];
      ssize_t size;
      if (link_is_new || entry->target == NULL)
        size = readlink(done, target, sizeof target - 1);
      else
        memcpy(target, entry->target, (size_t)(size = entry->target_length));
      if (size <= 0) return found;
      target[size] = 0;
      note_link(at_entry, process, found.below_own);
      int wrote = snprintf(next, sizeof next, "%s%s%s", target, last && !directory ? "" : "/", after);
      if (wrote < 0 || (size_t)wrote >= sizeof next) return found;
      memcpy(todo, next, (size_t)wrote + 1);
      rest = todo;
      length = target[0] == '/' ? 0 : before;
      done[length] = 0;
      hash = target[0] == '/' ? HASH_START : before_hash;
      at_entry = UINT32_MAX;
      if (target[0] == '/') found.below_own = 0;
      continue;
    }
    if (is_pseudo(done) && mode == 0) return found;
    if (mode == 0 || (!last && !S_ISDIR(mode))) {
      if (mode != 0 && !found.below_own && !owned(entry)) {
        /* A file where a folder was wanted. */
        entry->uses |= USE_STAT;
        note_use(process, at_entry, USE_STAT);
      }
      if (!last && strstr(after, "..") == NULL && length + strlen(after) + 2 <= PATH_MAX) {
        size_t from = length;
        for (char *name = after; *name != 0;) {
          size_t size = strcspn(name, "/");
          if (size != 1 || name[0] != '.') {
            done[length++] = '/';
            memcpy(done + length, name, size);
            length += size;
          }
          name += size;
          while (*name == '/') name++;
        }
        done[length] = 0;
        at_entry = entry_of(done, length, hash_more(hash, done + from, length - from));
        look(&entries[at_entry]);
      }
      found.entry = at_entry;
      found.absent = 1;
      return found;
    }
    if (!last && entry->touched && owned(entry)) found.below_own = 1;
    rest = after;
  }
  if (length == 0) return found; /* the root itself is always there */
  if (is_pseudo(done)) return found;
  if (at_entry == UINT32_MAX) {
    at_entry = entry_of(done, length, hash);
    look(&entries[at_entry]);
  }
  found.entry = at_entry;
  return found;
}

static void count_use(struct found found, uint32_t tid, uint32_t bits) {
  if (found.entry == UINT32_MAX || bits == 0) return;
  struct entry *entry = &entries[found.entry];
  if (found.below_own) {
    entry->own = 1;
    return;
  }
  if (owned(entry)) return;
  entry->uses |= bits;
  note_use(process_of(tid), found.entry, bits);
}

static void touch(struct found found) {
  if (found.entry == UINT32_MAX) return;
  entries[found.entry].touched = 1;
  if (found.below_own) entries[found.entry].own = 1;
}

/* The path argument of a call, resolved. 0: there is none (an empty or unreadable text, a mark). */
static int path_of(uint32_t tid, int dirfd, uint64_t address, int follow, struct found *found) {
  char text[PATH_MAX + 1], base[PATH_MAX];
  *found = (struct found){UINT32_MAX, 0, 0};
  if (address == 0) return 0;
  ssize_t length = read_text(tid, address, text, PATH_MAX);
  if (length == -1) {
    lose("a path could not be read from a process that hides its memory%s", "");
    return 0;
  }
  if (length <= 0) return 0;
  if (prefix_length > 0 && strncmp(text, prefix, prefix_length) == 0) {
    if (strcmp(text + prefix_length, "canary") == 0)
      canary_seen = 1;
    else {
      uint32_t process = process_of(tid);
      uint32_t head[3] = {process, ++processes[process].epoch, (uint32_t)((size_t)length - prefix_length)};
      append(&marks, &marks_used, &marks_room, head, sizeof head);
      append(&marks, &marks_used, &marks_room, text + prefix_length, head[2]);
    }
    return 0;
  }
  base[0] = 0;
  if (text[0] != '/') {
    size_t size = base_of(tid, dirfd, base);
    if (size == SIZE_MAX) {
      lose("the folder of a process that hides itself could not be read%s", "");
      return 0;
    }
    if (size == 0) return 0;
    if (size == 1) base[0] = 0;
  }
  *found = resolve(tid, base, text, follow);
  return 1;
}

static void note_opened(struct found found, uint32_t tid, int flags) {
  if (found.entry == UINT32_MAX) return;
  struct entry *entry = &entries[found.entry];
  int access = flags & O_ACCMODE, writes = access != O_RDONLY || (flags & O_TRUNC) != 0;
  if (flags & O_PATH) {
    count_use(found, tid, found.absent ? USE_ABSENT : USE_STAT);
    return;
  }
  if (found.absent) {
    int makes = (flags & O_CREAT) != 0;
    /* Made anew whatever was there: what was there is no input. */
    if (!(makes && (flags & O_TRUNC) != 0 && (flags & O_EXCL) == 0)) count_use(found, tid, USE_ABSENT);
    if (makes) touch(found);
    return;
  }
  uint32_t mode = entry->seen && !entry->touched ? entry->state.mode : state_of(entry->path).mode;
  if (S_ISDIR(mode)) {
    count_use(found, tid, USE_STAT);
    return;
  }
  if (S_ISCHR(mode) || S_ISBLK(mode)) {
    struct stat device;
    if (stat(entry->path, &device) != 0) return;
    unsigned kind = major(device.st_rdev), part = minor(device.st_rdev);
    /* null, zero, full, random, urandom; tty, ptmx; pts */
    int harmless = S_ISCHR(mode) && ((kind == 1 && (part == 3 || part == 5 || (part >= 7 && part <= 9))) ||
                                     (kind == 5 && part != 1) || (kind >= 136 && kind <= 143));
    if (!harmless) lose("the device %s was opened", entry->path);
    return;
  }
  if (S_ISFIFO(mode)) {
    if (!found.below_own && !owned(entry)) lose("the named pipe %s was opened, which the run did not make", entry->path);
    return;
  }
  if (!S_ISREG(mode)) return;
  if (!((flags & O_TRUNC) != 0 && (flags & O_EXCL) == 0 && writes)) count_use(found, tid, USE_FILE);
  if (writes) touch(found);
}

/* ---------------------------------------------------------------- programs */

/* What the kernel itself opens to start a program: the interpreter of a script, the loader of a dynamic program. */
static void note_interpreter(uint32_t tid, const char *path, int depth) {
  unsigned char head[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  ssize_t size = read(fd, head, sizeof head - 1);
  char loader[PATH_MAX] = "";
  if (size > 2 && head[0] == '#' && head[1] == '!') {
    head[size] = 0;
    char *at = (char *)head + 2;
    at += strspn(at, " \t");
    at[strcspn(at, " \t\n")] = 0;
    snprintf(loader, sizeof loader, "%s", at);
  } else if (size >= (ssize_t)sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 && head[EI_CLASS] == ELFCLASS64) {
    Elf64_Ehdr elf;
    memcpy(&elf, head, sizeof elf);
    for (unsigned i = 0; i < elf.e_phnum && i < 64; i++) {
      Elf64_Phdr part;
      if (pread(fd, &part, sizeof part, (off_t)(elf.e_phoff + i * elf.e_phentsize)) != (ssize_t)sizeof part) break;
      if (part.p_type != PT_INTERP || part.p_filesz == 0 || part.p_filesz >= sizeof loader) continue;
      if (pread(fd, loader, part.p_filesz, (off_t)part.p_offset) != (ssize_t)part.p_filesz) loader[0] = 0;
      break;
    }
  }
  close(fd);
  if (loader[0] == 0) return;
  char base[PATH_MAX] = "";
  if (loader[0] != '/' && base_of(tid, AT_FDCWD, base) == 0) return;
  struct found found = resolve(tid, base, loader, 1);
  count_use(found, tid, found.absent ? USE_ABSENT : USE_PROGRAM);
  if (found.entry != UINT32_MAX && !found.absent && depth < 4)
    note_interpreter(tid, entries[found.entry].path, depth + 1);
}

static uint32_t effective_id(uint32_t tid, const char *field) {
  char name[64], text[2048];
  snprintf(name, sizeof name, "/proc/%u/status", tid);
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return UINT32_MAX;
  ssize_t size = read(fd, text, sizeof text - 1);
  close(fd);
  if (size <= 0) return UINT32_MAX;
  text[size] = 0;
  char *at = strstr(text, field);
  uint32_t real, effective;
  return at != NULL && sscanf(at + strlen(field), "%u %u", &real, &effective) == 2 ? effective : UINT32_MAX;
}

#define ARGUMENT_BYTES 65536
static void note_arguments(uint32_t tid, uint64_t list) {
  static char text[ARGUMENT_BYTES];
  size_t used = 0;
  uint32_t whole = 1;
  for (uint64_t i = 0; list != 0; i++) {
    uint64_t address;
    if (i == 4096 || used + PATH_MAX > sizeof text) {
      whole = 0;
      break;
    }
    if (read_memory(tid, list + i * 8, &address, 8) != 8) {
      lose("the arguments of a program could not be read%s", "");
      return;
    }
    if (address == 0) break;
    ssize_t length = read_text(tid, address, text + used, PATH_MAX - 1);
    if (length == -1) {
      lose("the arguments of a program could not be read%s", "");
      return;
    }
    if (length == -2) {
      length = PATH_MAX - 1;
      whole = 0;
    }
    used += (size_t)length;
    text[used++] = 0;
  }
  uint32_t head[3] = {process_of(tid), whole, (uint32_t)used};
  append(&starts, &starts_used, &starts_room, head, sizeof head);
  append(&starts, &starts_used, &starts_room, text, used);
}

static void note_program(uint32_t tid, struct found found, uint64_t arguments) {
  if (found.entry == UINT32_MAX) {
    /* A program without a name, from memory: its content came from somewhere that was seen. */
    note_arguments(tid, arguments);
    return;
  }
  if (found.absent) {
    count_use(found, tid, USE_ABSENT);
    return;
  }
  struct entry *entry = &entries[found.entry];
  count_use(found, tid, USE_PROGRAM);
  struct stat file;
  if (stat(entry->path, &file) != 0 || !S_ISREG(file.st_mode) || (file.st_mode & 0111) == 0) return;
  int raises = (file.st_mode & S_ISUID) != 0 && file.st_uid != effective_id(tid, "\nUid:");
  if ((file.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && file.st_gid != effective_id(tid, "\nGid:")) raises = 1;
  if (!raises && effective_id(tid, "\nUid:") != 0 && getxattr(entry->path, "security.capability", NULL, 0) > 0) raises = 1;
  if (raises) {
    spoiled = 1;
    lose("%s takes other rights when it is started, and loses them under an observer", entry->path);
  }
  note_arguments(tid, arguments);
  /* resolve() below may move the table. */
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s", entry->path);
  note_interpreter(tid, path, 0);
}

/* ---------------------------------------------------------------- folders and sockets */

static void note_listed(uint32_t tid, int fd) {
  char path[PATH_MAX];
  size_t length = base_of(tid, fd, path);
  if (length == SIZE_MAX) {
    lose("the folder of a process that hides itself could not be read%s", "");
    return;
  }
  if (length == 0) return;
  struct found found = resolve(tid, "", path, 1);
  if (length == 1) {
    uint64_t hash = hash_more(HASH_START, "/", 1);
    found.entry = entry_of("/", 1, hash);
    look(&entries[found.entry]);
  }
  if (found.entry == UINT32_MAX || found.absent) return;
  struct entry *entry = &entries[found.entry];
  if (entry->names == NULL) {
    unsigned char *names = NULL;
    size_t used = 0, room = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
      lose("the names in %s could not be read", path);
      return;
    }
    for (struct dirent *item; (item = readdir(folder)) != NULL;)
      if (strcmp(item->d_name, ".") != 0 && strcmp(item->d_name, "..") != 0)
        append(&names, &used, &room, item->d_name, strlen(item->d_name) + 1);
    closedir(folder);
    entry->names = keep(names == NULL ? "" : (char *)names, used);
    entry->names_length = (uint32_t)used;
    free(names);
  }
  count_use(found, tid, USE_FOLDER);
}

/* Ports that somebody served before the program began: what answers there is not of the tree. */
static unsigned *foreign_ports;
static uint32_t foreign_count, foreign_room;
static void read_ports(const char *file, int datagram) {
  FILE *list = fopen(file, "re");
  if (list == NULL) return;
  char line[512];
  while (fgets(line, sizeof line, list) != NULL) {
    unsigned port, state;
    if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &port, &state) != 2) continue;
    if (!datagram && state != 10) continue;
    if (foreign_count == foreign_room) {
      foreign_room = foreign_room == 0 ? 64 : foreign_room * 2;
      foreign_ports = take(foreign_ports, foreign_room * sizeof *foreign_ports);
    }
    foreign_ports[foreign_count++] = port;
  }
  fclose(list);
}

static char **own_sockets; /* abstract names that the tree serves, with their length in the first two bytes */
static uint32_t own_socket_count, own_socket_room;

static void note_address(uint32_t tid, uint64_t address, uint64_t size, int binds) {
  union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
    char bytes[sizeof(struct sockaddr_un) + 1];
  } to;
  memset(&to, 0, sizeof to);
  if (size > sizeof(struct sockaddr_un)) size = sizeof(struct sockaddr_un);
  if (address == 0 || size < sizeof to.any.sa_family) return;
  ssize_t read = read_memory(tid, address, &to, size);
  if (read < (ssize_t)sizeof to.any.sa_family) {
    lose("an address could not be read from a process that hides its memory%s", "");
    return;
  }
  char shown[64];
  if (to.any.sa_family == AF_UNIX) {
    const char *name = to.local.sun_path;
    size_t length = (size_t)read - offsetof(struct sockaddr_un, sun_path);
    if ((size_t)read <= offsetof(struct sockaddr_un, sun_path)) return; /* unnamed */
    if (name[0] == 0) {
      for (uint32_t i = 0; i < own_socket_count; i++) {
        uint16_t known;
        memcpy(&known, own_sockets[i], 2);
        if (known == length && memcmp(own_sockets[i] + 2, name, length) == 0) return;
      }
      if (!binds) {
        lose("a process connected to the abstract socket %s, which is served outside the run", name + 1);
        return;
      }
      if (own_socket_count == own_socket_room) {
        own_socket_room = own_socket_room == 0 ? 16 : own_socket_room * 2;
        own_sockets = take(own_sockets, own_socket_room * sizeof *own_sockets);
      }
      uint16_t known = (uint16_t)length;
      char *copy = take(NULL, length + 2);
      memcpy(copy, &known, 2);
      memcpy(copy + 2, name, length);
      own_sockets[own_socket_count++] = copy;
      return;
    }
    char path[sizeof to.local.sun_path + 1] = "", base[PATH_MAX] = "";
    memcpy(path, name, length < sizeof path - 1 ? length : sizeof path - 1);
    if (path[0] != '/' && base_of(tid, AT_FDCWD, base) == 0) return;
    struct found found = resolve(tid, base, path, 1);
    if (binds) {
      count_use(found, tid, found.absent ? USE_ABSENT : USE_STAT);
      touch(found);
    } else if (found.absent)
      count_use(found, tid, USE_ABSENT);
    else if (found.entry == UINT32_MAX || (!found.below_own && !owned(&entries[found.entry])))
      lose("a process connected to the socket %s, which is served outside the run", path);
    return;
  }
  if (binds) return;
  int loopback = 0;
  unsigned port = 0;
  if (to.any.sa_family == AF_INET) {
    uint32_t host = ntohl(to.four.sin_addr.s_addr);
    port = ntohs(to.four.sin_port);
    loopback = host >> 24 == 127 || host == 0;
    snprintf(shown, sizeof shown, "%u.%u.%u.%u:%u", host >> 24, host >> 16 & 255, host >> 8 & 255, host & 255, port);
  } else if (to.any.sa_family == AF_INET6) {
    const unsigned char *host = to.six.sin6_addr.s6_addr;
    port = ntohs(to.six.sin6_port);
    static const unsigned char MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    loopback = IN6_IS_ADDR_LOOPBACK(&to.six.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&to.six.sin6_addr) ||
               (memcmp(host, MAPPED, 12) == 0 && host[12] == 127);
    snprintf(shown, sizeof shown, "an IPv6 address, port %u", port);
  } else if (to.any.sa_family == AF_NETLINK || to.any.sa_family == AF_UNSPEC || to.any.sa_family == AF_ALG)
    return; /* facts of this machine; the end of a connection; the kernel's ciphers */
  else {
    snprintf(shown, sizeof shown, "%u", to.any.sa_family);
    lose("a process connected to a socket of family %s", shown);
    return;
  }
  if (!loopback) {
    lose("a process connected to %s, which is another machine", shown);
    return;
  }
  for (uint32_t i = 0; i < foreign_count; i++)
    if (foreign_ports[i] == port) {
      lose("a process connected to %s, which is served outside the run", shown);
      return;
    }
}

static void note_message(uint32_t tid, uint64_t address) {
  struct msghdr message;
  if (read_memory(tid, address, &message, sizeof message) != (ssize_t)sizeof message) {
    lose("a message could not be read from a process that hides its memory%s", "");
    return;
  }
  if (message.msg_name != NULL && message.msg_namelen > 0)
    note_address(tid, (uint64_t)(uintptr_t)message.msg_name, message.msg_namelen, 0);
}

/* ---------------------------------------------------------------- the calls: one table for the filter and for the answers */

enum kind {
  OPEN, OPEN_HOW, CREATE, /* flags argument; struct open_how; none */
  LOOK, LOOK_LINK, CHANGE, CHANGE_LINK, TRUNCATE, REMOVE, MAKE, MAKE_LINK, /* one path */
  RENAME, HARD_LINK, /* two paths: the second pair of arguments follows the first */
  EXECUTE, LIST, CONNECT, BIND, SEND_TO, SEND_MESSAGE, SEND_MESSAGES,
  CLONE, CLONE3, UNSHARE, PROCESS_CONTROL, SHARED_MEMORY, SHARED_QUEUE, LOST, REFUSED
};

/* Arguments by position; -1: there is none (a path from the working folder, no flags). */
struct call {
  int number;
  enum kind kind;
  int folder, path, flags;
  const char *lost;
};

static const struct call CALLS[] = {
#ifdef SYS_open
    {SYS_open, OPEN, -1, 0, 1, NULL},
    {SYS_creat, CREATE, -1, 0, -1, NULL},
    {SYS_stat, LOOK, -1, 0, -1, NULL},
    {SYS_lstat, LOOK_LINK, -1, 0, -1, NULL},
    {SYS_access, LOOK, -1, 0, -1, NULL},
    {SYS_readlink, LOOK_LINK, -1, 0, -1, NULL},
    {SYS_rename, RENAME, -1, 0, -1, NULL},
    {SYS_link, HARD_LINK, -1, 0, -1, NULL},
    {SYS_symlink, MAKE_LINK, -1, 1, -1, NULL},
    {SYS_mkdir, MAKE, -1, 0, -1, NULL},
    {SYS_mknod, MAKE, -1, 0, -1, NULL},
    {SYS_rmdir, REMOVE, -1, 0, -1, NULL},
    {SYS_unlink, REMOVE, -1, 0, -1, NULL},
    {SYS_chmod, CHANGE, -1, 0, -1, NULL},
    {SYS_chown, CHANGE, -1, 0, -1, NULL},
    {SYS_lchown, CHANGE_LINK, -1, 0, -1, NULL},
    {SYS_utime, CHANGE, -1, 0, -1, NULL},
    {SYS_utimes, CHANGE, -1, 0, -1, NULL},
    {SYS_futimesat, CHANGE, 0, 1, -1, NULL},
    {SYS_getdents, LIST, 0, -1, -1, NULL},
#endif
#ifdef SYS_renameat
    {SYS_renameat, RENAME, 0, 1, -1, NULL},
#endif
#ifdef SYS_newfstatat
    {SYS_newfstatat, LOOK, 0, 1, 3, NULL},
#endif
    {SYS_openat, OPEN, 0, 1, 2, NULL},
    {SYS_openat2, OPEN_HOW, 0, 1, 2, NULL},
    {SYS_statx, LOOK, 0, 1, 2, NULL},
    {SYS_faccessat, LOOK, 0, 1, -1, NULL},
    {SYS_faccessat2, LOOK, 0, 1, 3, NULL},
    {SYS_readlinkat, LOOK_LINK, 0, 1, -1, NULL},
    {SYS_statfs, LOOK, -1, 0, -1, NULL},
    {SYS_chdir, LOOK, -1, 0, -1, NULL},
    {SYS_inotify_add_watch, LOOK, -1, 1, -1, NULL},
    {SYS_name_to_handle_at, LOOK, 0, 1, -1, NULL},
    {SYS_getxattr, LOOK, -1, 0, -1, NULL},
    {SYS_lgetxattr, LOOK_LINK, -1, 0, -1, NULL},
    {SYS_listxattr, LOOK, -1, 0, -1, NULL},
    {SYS_llistxattr, LOOK_LINK, -1, 0, -1, NULL},
    {SYS_setxattr, CHANGE, -1, 0, -1, NULL},
    {SYS_lsetxattr, CHANGE_LINK, -1, 0, -1, NULL},
    {SYS_removexattr, CHANGE, -1, 0, -1, NULL},
    {SYS_lremovexattr, CHANGE_LINK, -1, 0, -1, NULL},
    {SYS_fchmodat, CHANGE, 0, 1, -1, NULL},
    {SYS_fchmodat2, CHANGE, 0, 1, 3, NULL},
    {SYS_fchownat, CHANGE, 0, 1, 4, NULL},
    {SYS_utimensat, CHANGE, 0, 1, 3, NULL},
    {SYS_truncate, TRUNCATE, -1, 0, -1, NULL},
    {SYS_renameat2, RENAME, 0, 1, -1, NULL},
    {SYS_linkat, HARD_LINK, 0, 1, 4, NULL},
    {SYS_symlinkat, MAKE_LINK, 1, 2, -1, NULL},
    {SYS_mkdirat, MAKE, 0, 1, -1, NULL},
    {SYS_mknodat, MAKE, 0, 1, -1, NULL},
    {SYS_unlinkat, REMOVE, 0, 1, -1, NULL},
    {SYS_execve, EXECUTE, -1, 0, -1, NULL},
    {SYS_execveat, EXECUTE, 0, 1, 4, NULL},
    {SYS_getdents64, LIST, 0, -1, -1, NULL},
    {SYS_connect, CONNECT, -1, -1, -1, NULL},
    {SYS_bind, BIND, -1, -1, -1, NULL},
    {SYS_sendto, SEND_TO, -1, -1, -1, NULL},
    {SYS_sendmsg, SEND_MESSAGE, -1, -1, -1, NULL},
    {SYS_sendmmsg, SEND_MESSAGES, -1, -1, -1, NULL},
    {SYS_clone, CLONE, -1, -1, -1, NULL},
    {SYS_clone3, CLONE3, -1, -1, -1, NULL},
    {SYS_unshare, UNSHARE, -1, -1, -1, NULL},
    {SYS_prctl, PROCESS_CONTROL, -1, -1, -1, NULL},
    {SYS_shmget, SHARED_MEMORY, -1, -1, 2, NULL},
    {SYS_semget, SHARED_MEMORY, -1, -1, 2, NULL},
    {SYS_msgget, SHARED_MEMORY, -1, -1, 1, NULL},
    {SYS_mq_open, SHARED_QUEUE, -1, -1, 1, NULL},
    {SYS_setns, LOST, -1, -1, -1, "a process entered another namespace"},
    {SYS_chroot, LOST, -1, -1, -1, "a process changed its root folder"},
    {SYS_pivot_root, LOST, -1, -1, -1, "a process changed its root folder"},
    {SYS_mount, LOST, -1, -1, -1, "a process mounted a file system"},
    {SYS_umount2, LOST, -1, -1, -1, "a process unmounted a file system"},
    {SYS_seccomp, LOST, -1, -1, -1, "a process installed a filter of its own"},
    {SYS_ptrace, LOST, -1, -1, -1, "a process traced another"},
    {SYS_open_by_handle_at, LOST, -1, -1, -1, "a process opened a file without a path"},
#ifdef SYS_open_tree
    {SYS_open_tree, LOST, -1, -1, -1, "a process mounted a file system"},
    {SYS_move_mount, LOST, -1, -1, -1, "a process mounted a file system"},
    {SYS_fsopen, LOST, -1, -1, -1, "a process mounted a file system"},
    {SYS_fspick, LOST, -1, -1, -1, "a process mounted a file system"},
#endif
    /* Its calls would never be seen; programs that meet ENOSYS use the ordinary ones. */
    {SYS_io_uring_setup, REFUSED, -1, -1, -1, NULL},
};
#define CALL_COUNT (sizeof CALLS / sizeof *CALLS)

#define DATA(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define LOW(position) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (position)))
#define HIGH(position) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (position) + 4))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)
#define IF_EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_BITS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, value, yes, no)

static unsigned build_filter(struct sock_filter *into) {
  unsigned n = 0;
#define PUT(...)                                               \
  do {                                                         \
    const struct sock_filter part[] = {__VA_ARGS__};           \
    memcpy(into + n, part, sizeof part);                       \
    n += (unsigned)(sizeof part / sizeof *part);               \
  } while (0)
  PUT(DATA(arch), IF_EQUAL(NATIVE_ARCH, 1, 0), ANSWER(SECCOMP_RET_USER_NOTIF), DATA(nr));
#if defined(__x86_64__)
  PUT(IF_BITS(0x40000000u, 0, 1), ANSWER(SECCOMP_RET_USER_NOTIF)); /* x32 */
#endif
  for (size_t i = 0; i < CALL_COUNT; i++) {
    uint32_t number = (uint32_t)CALLS[i].number;
    if (CALLS[i].kind == REFUSED)
      PUT(IF_EQUAL(number, 0, 1), ANSWER(SECCOMP_RET_ERRNO | ENOSYS));
    else if (CALLS[i].kind == PROCESS_CONTROL)
      PUT(IF_EQUAL(number, 0, 5), LOW(0), IF_EQUAL(PR_SET_SECCOMP, 1, 0), IF_EQUAL(PR_SET_DUMPABLE, 0, 1),
          ANSWER(SECCOMP_RET_USER_NOTIF), ANSWER(SECCOMP_RET_ALLOW));
    else if (CALLS[i].kind == CLONE || CALLS[i].kind == UNSHARE)
      PUT(IF_EQUAL(number, 0, 4), LOW(0), IF_BITS(ANY_NAMESPACE & ~0xffu, 0, 1), ANSWER(SECCOMP_RET_USER_NOTIF),
          ANSWER(SECCOMP_RET_ALLOW));
    else if (CALLS[i].kind == SEND_TO)
      PUT(IF_EQUAL(number, 0, 6), LOW(4), IF_EQUAL(0, 0, 2), HIGH(4), IF_EQUAL(0, 1, 0), ANSWER(SECCOMP_RET_USER_NOTIF),
          ANSWER(SECCOMP_RET_ALLOW));
    else
      PUT(IF_EQUAL(number, 0, 1), ANSWER(SECCOMP_RET_USER_NOTIF));
  }
  PUT(ANSWER(SECCOMP_RET_ALLOW));
  return n;
}

static int folder_of(const struct seccomp_data *data, int position) {
  return position < 0 ? AT_FDCWD : (int)data->args[position];
}

static void look_at(uint32_t tid, const struct seccomp_data *data, const struct call *call) {
  struct found found;
  int fd = folder_of(data, call->folder);
  uint64_t address = call->path < 0 ? 0 : data->args[call->path];
  int flags = call->flags < 0 ? 0 : (int)data->args[call->flags];
  switch (call->kind) {
    case OPEN_HOW: {
      uint64_t how[3] = {0, 0, 0};
      if (read_memory(tid, data->args[2], how, sizeof how) != (ssize_t)sizeof how) {
        lose("a path could not be read from a process that hides its memory%s", "");
        return;
      }
      if (how[2] & RESOLVE_IN_ROOT) {
        lose("a process opened a path below a root of its own%s", "");
        return;
      }
      flags = (int)how[0];
    }
    /* fall through */
    case OPEN:
    case CREATE:
      if (call->kind == CREATE) flags = O_CREAT | O_WRONLY | O_TRUNC;
      if (path_of(tid, fd, address, (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL), &found))
        note_opened(found, tid, flags);
      return;
    case LOOK:
    case LOOK_LINK:
    case CHANGE:
    case CHANGE_LINK: {
      int follow = (call->kind == LOOK || call->kind == CHANGE) && (flags & AT_SYMLINK_NOFOLLOW) == 0;
      if (!path_of(tid, fd, address, follow, &found) || found.entry == UINT32_MAX) return;
      int link = !found.absent && entries[found.entry].target != NULL;
      count_use(found, tid, found.absent ? USE_ABSENT : link ? USE_LINK : USE_STAT);
      if (call->kind == CHANGE || call->kind == CHANGE_LINK) touch(found);
      return;
    }
    case TRUNCATE:
      if (!path_of(tid, fd, address, 1, &found)) return;
      count_use(found, tid, found.absent ? USE_ABSENT : USE_FILE);
      touch(found);
      return;
    case REMOVE:
    case MAKE:
    case MAKE_LINK:
      if (path_of(tid, fd, address, 0, &found)) {
        count_use(found, tid, found.absent ? USE_ABSENT : USE_STAT);
        touch(found);
      }
      if (call->kind != MAKE) generation_due = 1;
      return;
    case RENAME:
    case HARD_LINK: {
      int second = call->folder < 0 ? call->path + 1 : call->path + 2;
      int onto = call->folder < 0 ? AT_FDCWD : (int)data->args[call->path + 1];
      int hard = call->kind == HARD_LINK;
      if (path_of(tid, fd, address, hard && (flags & AT_SYMLINK_FOLLOW) != 0, &found)) {
        count_use(found, tid, found.absent ? USE_ABSENT : USE_STAT);
        if (!hard) touch(found);
      }
      if (path_of(tid, onto, data->args[second], 0, &found)) {
        /* A rename takes the place of whatever is there; a link does not. */
        if (hard) count_use(found, tid, found.absent ? USE_ABSENT : USE_STAT);
        touch(found);
      }
      generation_due = 1;
      return;
    }
    case EXECUTE: {
      uint64_t arguments = data->args[call->path + 1];
      char first = 0;
      if ((flags & AT_EMPTY_PATH) != 0 && read_memory(tid, address, &first, 1) == 1 && first == 0) {
        char path[PATH_MAX];
        size_t length = base_of(tid, fd, path);
        found = (struct found){UINT32_MAX, 0, 0};
        if (length > 1 && length != SIZE_MAX) found = resolve(tid, "", path, 1);
        note_program(tid, found, arguments);
      } else if (path_of(tid, fd, address, (flags & AT_SYMLINK_NOFOLLOW) == 0, &found))
        note_program(tid, found, arguments);
      return;
    }
    case LIST:
      note_listed(tid, (int)data->args[0]);
      return;
    case CONNECT:
    case BIND:
      note_address(tid, data->args[1], data->args[2], call->kind == BIND);
      return;
    case SEND_TO:
      note_address(tid, data->args[4], data->args[5], 0);
      return;
    case SEND_MESSAGE:
      note_message(tid, data->args[1]);
      return;
    case SEND_MESSAGES:
      for (unsigned i = 0; i < data->args[2] && i < 1024; i++)
        note_message(tid, data->args[1] + i * sizeof(struct mmsghdr));
      return;
    case CLONE:
    case UNSHARE:
      lose("a process made a namespace of its own%s", "");
      return;
    case CLONE3: {
      uint64_t wanted = 0;
      if (read_memory(tid, data->args[0], &wanted, 8) != 8 || (wanted & ANY_NAMESPACE) != 0)
        lose("a process made a namespace of its own%s", "");
      return;
    }
    case PROCESS_CONTROL:
      if ((int)data->args[0] == PR_SET_SECCOMP)
        lose("a process installed a filter of its own%s", "");
      else if (data->args[1] != 1)
        lose("a process hid its memory%s", "");
      return;
    case SHARED_MEMORY:
      if ((int)data->args[0] != IPC_PRIVATE && (flags & (IPC_CREAT | IPC_EXCL)) != (IPC_CREAT | IPC_EXCL))
        lose("a process used memory or a queue that it may share with others%s", "");
      return;
    case SHARED_QUEUE:
      if ((flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
        lose("a process used memory or a queue that it may share with others%s", "");
      return;
    case LOST:
      lose("%s", call->lost);
      return;
    case REFUSED:
      return;
  }
}

static const struct call *call_of(int number) {
  static const struct call *table[512];
  static int filled;
  if (!filled) {
    for (size_t i = 0; i < CALL_COUNT; i++) table[CALLS[i].number] = &CALLS[i];
    filled = 1;
  }
  return number >= 0 && number < 512 ? table[number] : NULL;
}

static uint64_t events;
static void notice(const struct seccomp_notif *request) {
  events++;
  if (generation_due) {
    /* The call that made it due may not have happened yet when this one looks: the next one looks again. */
    generation++;
    generation_due = 0;
  }
  if (request->pid == 0) {
    lose("a process could not be told from others%s", "");
    return;
  }
  if (request->data.arch != NATIVE_ARCH || (request->data.nr & 0x40000000) != 0) {
    lose("a program of another architecture ran, whose calls are not understood%s", "");
    return;
  }
  const struct call *call = call_of(request->data.nr);
  if (call != NULL) look_at(request->pid, &request->data, call);
  if (generation_due) generation++;
}

/* ---------------------------------------------------------------- the end */

static int touched_above(const struct entry *entry) {
  if (entry->touched || entry->own) return 1;
  uint64_t hash = HASH_START;
  for (uint32_t i = 0; i < entry->length; i++) {
    if (i > 0 && entry->path[i] == '/') {
      uint32_t at = (uint32_t)spread(hash) & slot_mask;
      for (; slots[at] != UINT32_MAX; at = (at + 1) & slot_mask) {
        struct entry *above = &entries[slots[at]];
        if (above->length == i && memcmp(above->path, entry->path, i) == 0) {
          if (above->touched || above->own) return 1;
          break;
        }
      }
    }
    hash = hash_more(hash, entry->path + i, 1);
  }
  return 0;
}

enum { WRITTEN = 1, CHANGED = 2, GONE = 4 };

static void log_entry(uint32_t index) {
  struct entry *entry = &entries[index];
  struct state now = state_of(entry->path);
  int differs = !same_state(&now, &entry->state), ours = touched_above(entry);
  uint32_t marks_of = (ours && differs ? WRITTEN : 0) | (!ours && (differs || entry->racy) ? CHANGED : 0) | (now.mode == 0 ? GONE : 0);
  uint32_t head[3] = {index, entry->uses, marks_of};
  uint32_t sizes[3] = {entry->length, entry->target_length, entry->names_length};
  log_head('P', sizeof head + sizeof entry->state + sizeof sizes + entry->length + entry->target_length + entry->names_length);
  log_bytes(head, sizeof head);
  log_bytes(&entry->state, sizeof entry->state);
  log_bytes(sizes, sizeof sizes);
  log_bytes(entry->path, entry->length);
  log_bytes(entry->target, entry->target_length);
  log_bytes(entry->names, entry->names_length);
}

static void log_records(char type, const unsigned char *from, size_t used) {
  for (size_t at = 0; at < used;) {
    uint32_t head[3];
    memcpy(head, from + at, sizeof head);
    log_head(type, sizeof head + head[2]);
    log_bytes(from + at, sizeof head + head[2]);
    at += sizeof head + head[2];
  }
}

static void write_log(int exec_error, int code, int signal_number, uint32_t features) {
  uint32_t version[2] = {1, features};
  log_bytes("COHOBS1\n", 8);
  log_head('H', sizeof version);
  log_bytes(version, sizeof version);
  for (uint32_t i = 0; i < process_count; i++) {
    uint32_t who[3] = {i, processes[i].pid, processes[i].parent};
    log_head('T', sizeof who);
    log_bytes(who, sizeof who);
  }
  for (uint32_t i = 0; i < entry_count; i++)
    if (entries[i].uses != 0 || entries[i].touched) log_entry(i);
  for (uint32_t i = 0; i < use_count; i++) {
    log_head('U', sizeof uses[i]);
    log_bytes(&uses[i], sizeof uses[i]);
  }
  log_records('X', starts, starts_used);
  log_records('M', marks, marks_used);
  for (int i = 0; i < loss_count; i++) {
    log_head('S', strlen(losses[i]));
    log_bytes(losses[i], strlen(losses[i]));
  }
  uint32_t end[7] = {(uint32_t)canary_seen, (uint32_t)exec_error, (uint32_t)spoiled, (uint32_t)events,
                     (uint32_t)(events >> 32), (uint32_t)code, (uint32_t)signal_number};
  log_head('E', sizeof end);
  log_bytes(end, sizeof end);
  log_flush();
  close(log_fd);
}

static void end_like(int status) {
  if (WIFSIGNALED(status)) {
    int number = WTERMSIG(status);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    kill(getpid(), number);
    _exit(128 + number);
  }
  _exit(WEXITSTATUS(status));
}

/* ---------------------------------------------------------------- the start */

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
