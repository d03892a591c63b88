// Starts a program so that the kernel kills it when its parent dies, and on request without network.
//
//   child-guard PARENT_PID [--sandbox] -- PROGRAM [ARGUMENT...]
//
// It sets everything before it becomes PROGRAM (same process id), so there is no moment and no thread without it. With
// --sandbox PROGRAM is a path, gets no new privileges, and its system calls for sockets, other programs and other processes fail
// with EPERM. Where the kernel cannot do that, PROGRAM runs all the same. ROOMKIN_SANDBOX in its environment is "on" or the reason.
//
// prctl(2) sets the filter, not seccomp(2): the unit's SystemCallFilter=@system-service refuses the latter on systemd 252.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "only x86-64 and aarch64 are supported"
#endif

// Headers of older kernels lack these. The numbers are the same on all architectures.
#ifndef __NR_pidfd_getfd
#define __NR_pidfd_getfd 438
#endif
#ifndef __NR_io_uring_setup
#define __NR_io_uring_setup 425
#define __NR_io_uring_enter 426
#define __NR_io_uring_register 427
#endif

#ifndef FILTER_MODE  // a test builds a guard whose filter the kernel refuses
#define FILTER_MODE SECCOMP_MODE_FILTER
#endif

enum { EXIT_USAGE = 125, EXIT_NOT_STARTED = 127 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, count)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define REFUSE ANSWER(SECCOMP_RET_ERRNO | EPERM)
#define NEVER(name) SKIP_UNLESS(__NR_##name, 1), REFUSE
// Both machines are little-endian: the low half of an argument comes first.
#define LOAD_LOW(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n))
#define LOAD_HIGH(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n) + 4)
// Allowed only if argument n has this value.
#define ONLY_WITH(name, n, value)                                                                     \
  SKIP_UNLESS(__NR_##name, 6), LOAD_LOW(n), SKIP_UNLESS(value, 3), LOAD_HIGH(n),                      \
      SKIP_UNLESS((uint64_t)(value) >> 32, 1), ANSWER(SECCOMP_RET_ALLOW), REFUSE

// Why the sandbox cannot be entered; NULL when it was. Only execve(2) of exactly the pointer `program` stays possible.
static const char *enter_sandbox(const char *program) {
  struct sock_filter filter[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#ifdef __x86_64__
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),  // the calls of the x32 ABI
    REFUSE,
#endif
    NEVER(socket),
    NEVER(socketpair),
    NEVER(connect),
    NEVER(bind),
    NEVER(listen),
    NEVER(accept),
    NEVER(accept4),
    ONLY_WITH(sendto, 4, 0),  // no address: send(2) on a socket that is connected
    NEVER(io_uring_setup),    // a ring makes all of these calls past the filter
    NEVER(io_uring_enter),
    NEVER(io_uring_register),
    ONLY_WITH(execve, 0, (uintptr_t)program),
    NEVER(execveat),
    NEVER(ptrace),
    NEVER(process_vm_readv),
    NEVER(process_vm_writev),
    NEVER(pidfd_getfd),
    NEVER(unshare),
    NEVER(setns),
    ANSWER(SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog fprog = {sizeof filter / sizeof filter[0], filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return strerror(errno);
  if (prctl(PR_SET_SECCOMP, FILTER_MODE, &fprog, 0, 0) != 0) return strerror(errno);
  return NULL;
}

// A copy of `text` at a random address below 2^38, the smallest address space of aarch64. The filter lets execve(2) pass for
// this address only. The program that it starts has another memory and does not know the address.
static const char *hidden_copy(const char *text) {
  const size_t size = strlen(text) + 1;
  const size_t room = 1 << 16;  // a multiple of every page size
  for (int attempt = 0; attempt < 16; attempt++) {
    uint64_t random;
    if (size > room || getrandom(&random, sizeof random, 0) != sizeof random) return NULL;
    const uintptr_t page = (random % ((UINT64_C(1) << 38) / room - 64) + 32) * room;
    char *area = mmap((void *)page, 2 * room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED || (uintptr_t)area != page) continue;
    return memcpy(area + (random >> 48), text, size);
  }
  return NULL;
}

static int fail(const char *program) {
  fprintf(stderr, "child-guard: %s: %s\n", program, strerror(errno));
  return EXIT_NOT_STARTED;
}

int main(int argc, char **argv) {
  const int sandbox = argc > 2 && strcmp(argv[2], "--sandbox") == 0;
  char **program = argv + 3 + sandbox;
  if (argc < 4 + sandbox || strcmp(program[-1], "--") != 0) {
    fprintf(stderr, "usage: child-guard PARENT_PID [--sandbox] -- PROGRAM [ARGUMENT...]\n");
    return EXIT_USAGE;
  }
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail("the parent-death signal");
  // The parent may have died before the kernel knew of the signal.
  if (getppid() != (pid_t)atol(argv[1])) {
    fprintf(stderr, "child-guard: the parent is gone\n");
    return EXIT_NOT_STARTED;
  }
  if (!sandbox) {
    execvp(program[0], program);
    return fail(program[0]);
  }
  const char *path = hidden_copy(program[0]);
  if (path == NULL) path = program[0];
  // The environment is complete before the filter is set: what comes after it needs only execve(2).
  if (setenv("ROOMKIN_SANDBOX", "on", 1) != 0) return fail("the environment");
  const char *reason = enter_sandbox(path);
  if (reason != NULL) setenv("ROOMKIN_SANDBOX", reason, 1);
  execve(path, program, environ);
  return fail(program[0]);
}
