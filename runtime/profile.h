// Where the time goes: one record for every operator that runs, kept only when asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hewn {

/// What an operator is about to do, counted from shapes.
struct Work {
  double flops =
      0;  ///< a multiply-add counts as two; Winograd counts as the direct sum it stands for
  double bytes = 0;  ///< read and written once each: activations, weights, results
};

/// One operator that ran.
struct ProfileRecord {
  std::string op;     ///< "conv2d"
  std::string layer;  ///< "conv1a", or empty
  double seconds = 0;
  Work work;
};

/// Collects records. Off until enabled; when off, a ProfileScope costs one test. One thread at a
/// time.
class Profiler {
 public:
  void enable(bool on) { enabled_ = on; }
  bool enabled() const { return enabled_; }
  const std::vector<ProfileRecord>& records() const { return records_; }
  void clear() { records_.clear(); }
  void add(ProfileRecord record) { records_.push_back(std::move(record)); }

 private:
  bool enabled_ = false;
  std::vector<ProfileRecord> records_;
};

/// Times the block it lives in. `op` and `layer` must outlive it.
class ProfileScope {
 public:
  ProfileScope(Profiler& profiler, std::string_view op, std::string_view layer, const Work& work)
      : profiler_(profiler.enabled() ? &profiler : nullptr), op_(op), layer_(layer), work_(work) {
    if (profiler_ != nullptr) start_ = Clock::now();
  }
  ~ProfileScope() {
    if (profiler_ == nullptr) return;
    const std::chrono::duration<double> elapsed = Clock::now() - start_;
    profiler_->add({std::string(op_), std::string(layer_), elapsed.count(), work_});
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  Profiler* profiler_;
  std::string_view op_;
  std::string_view layer_;
  Work work_;
  Clock::time_point start_;
};

}  // namespace hewn
