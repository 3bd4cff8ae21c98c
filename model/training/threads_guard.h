// How many threads one operator of LibTorch uses.
#ifndef YOLOQ_MODEL_TRAINING_THREADS_GUARD_H_
#define YOLOQ_MODEL_TRAINING_THREADS_GUARD_H_

namespace yoloq {

// Sets the number for as long as it lives, in this thread and in those that run
// their first operator meanwhile. Beneath LibTorch, OpenBLAS has threads of its
// own, one a core, whatever LibTorch is told: several callers wait for each
// other's, and results depend on the machine. Where it is the BLAS in use, it
// gets the same number.
class ThreadsGuard {
 public:
  // threads >= 1.
  explicit ThreadsGuard(int threads);
  ~ThreadsGuard();

  ThreadsGuard(const ThreadsGuard&) = delete;
  ThreadsGuard& operator=(const ThreadsGuard&) = delete;

 private:
  const int before_;
  const int blas_before_;  // 0: another BLAS
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_THREADS_GUARD_H_
