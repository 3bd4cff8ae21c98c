// A QEMU TCG plugin that lets the emulated program read how many instructions
// it has executed.
//
//   qemu-aarch64 -plugin PLUGIN.so,count=COUNT PROGRAM
//
// COUNT is a file of at least 8 bytes, which the program maps as shared memory
// (counter.h). At a system call kMarker, which no kernel has, the plugin writes
// there the number of instructions that all threads have executed so far, the
// call included. Debian packages no qemu-plugin.h: the prototypes are those of
// its version 1, which QEMU 4.2 and later offer.
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_info_t;

extern void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t id,
    void (*callback)(qemu_plugin_id_t, struct qemu_plugin_tb *));
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *block,
                                                 void (*callback)(unsigned,
                                                                  void *),
                                                 int flags, void *data);
extern void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t id,
    void (*callback)(qemu_plugin_id_t, unsigned, int64_t, uint64_t, uint64_t,
                     uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                     uint64_t));

int qemu_plugin_version = 1;

enum { kMarker = 0x796f6c, kMostThreads = 256 };

// One counter a thread, a cache line each.
static struct {
  uint64_t count;
  char padding[56];
} counters[kMostThreads];

static volatile uint64_t *result;

static void BlockExecuted(unsigned thread, void *instructions) {
  counters[thread % kMostThreads].count += (uintptr_t)instructions;
}

static void BlockTranslated(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_cb(block, BlockExecuted, 0,
                                       (void *)qemu_plugin_tb_n_insns(block));
}

static void SystemCall(qemu_plugin_id_t id, unsigned thread, int64_t number,
                       uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                       uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)thread, (void)a1, (void)a2, (void)a3, (void)a4, (void)a5;
  (void)a6, (void)a7, (void)a8;
  if (number != kMarker) return;
  uint64_t sum = 0;
  for (int i = 0; i < kMostThreads; ++i) sum += counters[i].count;
  *result = sum;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
                        int argc, char **argv) {
  (void)info;
  const char *path = NULL;
  for (int i = 0; i < argc; ++i) {
    if (strncmp(argv[i], "count=", 6) == 0) path = argv[i] + 6;
  }
  const int file = path == NULL ? -1 : open(path, O_RDWR);
  void *memory = file < 0 ? MAP_FAILED
                          : mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE,
                                 MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) {
    fprintf(stderr, "instruction counter: cannot map count=%s\n",
            path == NULL ? "(missing)" : path);
    return 1;
  }
  result = memory;
  qemu_plugin_register_vcpu_tb_trans_cb(id, BlockTranslated);
  qemu_plugin_register_vcpu_syscall_cb(id, SystemCall);
  return 0;
}
