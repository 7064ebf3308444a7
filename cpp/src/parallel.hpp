// One parallel region, three back ends: OpenMP, std::thread, and a fresh pthread after a fork.
#pragma once

namespace vicinal {

// What OpenMP would give the calling thread now (OMP_NUM_THREADS, threadpoolctl and joblib are
// obeyed); else the cores.
int max_threads() noexcept;

bool with_openmp() noexcept;

// Runs work(context, worker) on up to `threads` workers. `work` must not throw. Every worker has
// default floating-point modes. The calling thread takes part, except in a process forked after
// OpenMP started (libgomp would hang there): then a fresh thread leads the team and the caller runs
// wait(context) every few milliseconds.
struct Task {
  void (*work)(void* context, int worker);
  void (*wait)(void* context);
  void* context;
};
void run_parallel(int threads, const Task& task);

template <class Work, class Wait>
void parallel(int threads, Work&& work, Wait&& wait) {
  struct Both {
    Work* work;
    Wait* wait;
  } both{&work, &wait};
  run_parallel(threads, {[](void* c, int worker) { (*static_cast<Both*>(c)->work)(worker); },
                         [](void* c) { (*static_cast<Both*>(c)->wait)(); }, &both});
}

}  // namespace vicinal
