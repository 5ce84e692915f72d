// Preloaded into a process: the n-th input or output on files whose path contains a word fails.
// A shared page (FAULTY_IO_CONTROL) holds four 64-bit numbers: n (0: never), how many operations
// there were, the errno to give, and how many failed. FAULTY_IO_PATH is the word.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

struct control {
  int64_t at, count, error, failed;
};

static struct control *control;
static const char *word;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTY_IO_CONTROL");
  word = getenv("FAULTY_IO_PATH");
  int fd = path == NULL || word == NULL ? -1 : open(path, O_RDWR);
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page != MAP_FAILED) control = page;
}

static int fails(int fd) {
  if (control == NULL) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (strstr(path, word) == NULL) return 0;
  if (__atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST) != control->at) return 0;
  control->failed++;
  errno = (int)control->error;
  return 1;
}

#define FAULTY(type, name, parameters, arguments)                  \
  type name parameters {                                           \
    static type(*real) parameters;                                 \
    if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
    return fails(fd) ? (type)-1 : real arguments;                  \
  }

FAULTY(ssize_t, read, (int fd, void *buffer, size_t size), (fd, buffer, size))
FAULTY(ssize_t, write, (int fd, const void *buffer, size_t size), (fd, buffer, size))
FAULTY(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count))
FAULTY(ssize_t, pread, (int fd, void *buffer, size_t size, off_t at), (fd, buffer, size, at))
FAULTY(ssize_t, pwrite, (int fd, const void *buffer, size_t size, off_t at), (fd, buffer, size, at))
FAULTY(ssize_t, pread64, (int fd, void *buffer, size_t size, off64_t at), (fd, buffer, size, at))
FAULTY(ssize_t, pwrite64, (int fd, const void *buffer, size_t size, off64_t at), (fd, buffer, size, at))
FAULTY(int, fsync, (int fd), (fd))
FAULTY(int, fdatasync, (int fd), (fd))
FAULTY(int, ftruncate, (int fd, off_t size), (fd, size))
FAULTY(int, ftruncate64, (int fd, off64_t size), (fd, size))
