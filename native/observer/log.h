/* The log: buffered records; memory that is never given back. */

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
