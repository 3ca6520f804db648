/* Folders that are listed, and sockets: who answers there? */

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
    if (is_hidden()) lose("an address could not be read from a process that hides its memory%s", "");
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
    if (is_hidden()) lose("a message could not be read from a process that hides its memory%s", "");
    return;
  }
  if (message.msg_name != NULL && message.msg_namelen > 0)
    note_address(tid, (uint64_t)(uintptr_t)message.msg_name, message.msg_namelen, 0);
}
