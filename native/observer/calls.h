/* The calls: one table, from which the filter is built and each notification is looked at. */

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
        if (is_hidden()) lose("a path could not be read from a process that hides its memory%s", "");
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
      if (read_memory(tid, data->args[0], &wanted, 8) != 8 ? is_hidden() : (wanted & ANY_NAMESPACE) != 0)
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
