// Stopping and progress: what the calling thread asks its caller while all workers compute.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>

#include "driver.hpp"

namespace vicinal {

// The stop flag that all workers read, and the clock by which the calling thread polls. An
// exception thrown by a callback is kept and thrown again at the door.
class Poll {
 public:
  Poll(const Watch& watch, double total) : watch_(watch), total_(total) {}

  bool stopped() const noexcept { return stop_.load(std::memory_order_relaxed); }
  void advance(std::int64_t pairs) noexcept { done_.fetch_add(pairs, std::memory_order_relaxed); }

  // Called by every worker after each group; only the calling thread looks further, and that every
  // 20 ms.
  void look() noexcept {
    if (std::this_thread::get_id() != caller_ || (!watch_.interrupted && !watch_.progress)) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(20);
    try {
      if (watch_.progress)
        watch_.progress(
            std::min(1.0, static_cast<double>(done_.load(std::memory_order_relaxed)) / total_));
      if (watch_.interrupted && watch_.interrupted()) stop();
    } catch (...) {
      fail();
    }
  }
  // In a catch block of any worker: the exception ends the call and is thrown again at the door.
  void fail() noexcept {
    const std::lock_guard<std::mutex> guard(lock_);
    if (!error_) error_ = std::current_exception();
    stop();
  }
  void stop() noexcept { stop_.store(true, std::memory_order_relaxed); }
  void finish() {
    if (error_) std::rethrow_exception(error_);
    if (!stopped() && watch_.progress) watch_.progress(1.0);
  }

 private:
  const Watch& watch_;
  double total_;
  std::thread::id caller_ = std::this_thread::get_id();
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> done_{0};
  std::mutex lock_;
  std::exception_ptr error_;
};

}  // namespace vicinal
