// Loaded into a daemon by LD_PRELOAD: shifts its wall clock and slows its disk down. The numbers in the file ROOMKIN_FAULTS take
// effect at once, in all processes that map it. Only files below ROOMKIN_FAULTS_DISK are slow.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// As in preload.ts.
struct faults {
  int64_t clock_offset_ms;
  int64_t sync_ms;
  int64_t write_ms;
};

static const struct faults none;
static const volatile struct faults *faults = &none;
static const char *disk;
static size_t disk_length;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("ROOMKIN_FAULTS");
  disk = getenv("ROOMKIN_FAULTS_DISK");
  disk_length = disk == NULL ? 0 : strlen(disk);
  const int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  void *map = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (map != MAP_FAILED) faults = map;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
// The symbol is looked up once: the second lookup of two threads finds the same.
#define NEXT(name)                                   \
  static __typeof__(&name) next;                     \
  if (next == NULL) next = REAL(name)

static void wait_ms(int64_t ms) {
  const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void wait_for(int file, int64_t ms) {
  if (ms <= 0 || disk_length == 0) return;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path);
  if (length > (ssize_t)disk_length && strncmp(path, disk, disk_length) == 0 && path[disk_length] == '/') wait_ms(ms);
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
  NEXT(gettimeofday);
  const int result = next(time, zone);
  const int64_t ms = faults->clock_offset_ms;
  if (result == 0 && ms != 0) {
    const int64_t us = time->tv_sec * INT64_C(1000000) + time->tv_usec + ms * 1000;
    time->tv_sec = us / 1000000;
    time->tv_usec = us % 1000000;
  }
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  NEXT(clock_gettime);
  const int result = next(clock, time);
  const int64_t ms = faults->clock_offset_ms;
  if (result == 0 && ms != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    const int64_t ns = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + ms * 1000000;
    time->tv_sec = ns / 1000000000;
    time->tv_nsec = ns % 1000000000;
  }
  return result;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}

int fsync(int file) {
  NEXT(fsync);
  wait_for(file, faults->sync_ms);
  return next(file);
}

int fdatasync(int file) {
  NEXT(fdatasync);
  wait_for(file, faults->sync_ms);
  return next(file);
}

ssize_t write(int file, const void *bytes, size_t length) {
  NEXT(write);
  wait_for(file, faults->write_ms);
  return next(file, bytes, length);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
  NEXT(pwrite);
  wait_for(file, faults->write_ms);
  return next(file, bytes, length, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
  NEXT(pwrite64);
  wait_for(file, faults->write_ms);
  return next(file, bytes, length, at);
}
