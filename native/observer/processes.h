/* Which thread belongs to which process, and which process used what. */

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
