/* Reading texts and folders of a process that waits in a call. */

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
  int error = errno;
  close(fd);
  errno = n == 0 ? ESRCH : error;
  return n == 0 ? -1 : n;
}

/* After a failed read: whether the process hides its memory. Otherwise it has ended, or the kernel will say EFAULT as well. */
static int is_hidden(void) { return errno == EPERM || errno == EACCES; }

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
