/* Programs that are started: their arguments, interpreters and loaders, and rights that they would take. */

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
      if (is_hidden()) lose("the arguments of a program could not be read%s", "");
      return;
    }
    if (address == 0) break;
    ssize_t length = read_text(tid, address, text + used, PATH_MAX - 1);
    if (length == -1) {
      if (is_hidden()) lose("the arguments of a program could not be read%s", "");
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
