/* The end: states compared with those of first sight, the log written, the program's end repeated. */

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
