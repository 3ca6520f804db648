/* From the text of a call to an entry of the table, links followed name by name as the kernel does. */

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
    if (is_hidden()) lose("a path could not be read from a process that hides its memory%s", "");
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
