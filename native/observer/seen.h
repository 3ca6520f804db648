/* The table of paths: what was there at first sight, and how each was used. */

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
