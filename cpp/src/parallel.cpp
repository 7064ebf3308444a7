#include "parallel.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "floating_point.hpp"

#ifdef VICINAL_WITH_OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define VICINAL_CAN_FORK 1
#endif

namespace vicinal {
namespace {

struct Region {
  const Task* task;
  void operator()(int worker) const {
    const DefaultFloatingPoint modes;
    task->work(task->context, worker);
  }
};

#ifdef VICINAL_WITH_OPENMP
void run_region(int threads, const Region& region) {
#pragma omp parallel num_threads(threads)
  region(omp_get_thread_num());
}
#else
void run_region(int threads, const Region& region) {
  std::vector<std::thread> team;
  for (int worker = 1; worker < threads; ++worker) {
    try {
      team.emplace_back(region, worker);
    } catch (...) {  // no more threads to be had: fewer workers do the same work
      break;
    }
  }
  region(0);
  for (std::thread& thread : team) thread.join();
}
#endif

#if defined(VICINAL_WITH_OPENMP) && defined(VICINAL_CAN_FORK)
std::atomic<bool> forked{false};
[[maybe_unused]] const int fork_handler =
    pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });

// libgomp keeps its pool in thread-local storage, so a fresh thread of the child starts a fresh
// pool.
void run_in_fresh_thread(int threads, const Region& region) {
  std::atomic<bool> done{false};
  std::thread leader([&] {
    run_region(threads, region);
    done.store(true, std::memory_order_release);
  });
  while (!done.load(std::memory_order_acquire)) {
    region.task->wait(region.task->context);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  leader.join();
}
#endif

}  // namespace

int max_threads() noexcept {
#ifdef VICINAL_WITH_OPENMP
  return omp_get_max_threads();
#else
  const unsigned cores = std::thread::hardware_concurrency();
  return cores == 0 ? 1 : static_cast<int>(cores);
#endif
}

bool with_openmp() noexcept {
#ifdef VICINAL_WITH_OPENMP
  return true;
#else
  return false;
#endif
}

void run_parallel(int threads, const Task& task) {
  const Region region{&task};
#if defined(VICINAL_WITH_OPENMP) && defined(VICINAL_CAN_FORK)
  if (threads > 1 && forked.load(std::memory_order_relaxed))
    return run_in_fresh_thread(threads, region);
#endif
  if (threads <= 1) return region(0);
  run_region(threads, region);
}

}  // namespace vicinal
