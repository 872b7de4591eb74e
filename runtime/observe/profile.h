// Where the time goes: one record for every operator that runs, kept only when asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hewn {

/// What an operator is about to do, counted from shapes.
struct Work {
  double flops =
      0;  ///< a multiply-add counts as two; Winograd counts as the direct sum it stands for
  double bytes = 0;  ///< read and written once each: activations, weights, results
};

/// One operator that ran, alone or with all that it called.
struct ProfileRecord {
  std::string op;      ///< "conv2d"
  std::string layer;   ///< "conv1a", or empty
  double seconds = 0;  ///< from its beginning to its end
  /// Those of the Context that ran it: seconds × threads, over the threads of the whole run, add up
  /// to no more than the run's time.
  int threads = 1;
  Work work;  ///< as the operator counts it
};

/// Collects the records of a Context and of those that work for it. Off until enabled; when off, a
/// ProfileScope costs one test. To be enabled, read and cleared while nothing runs.
class Profiler {
 public:
  /// Of a Context of so many threads that works for another one, whose profiler keeps its records.
  /// `parent` must outlive it.
  explicit Profiler(int threads = 1, Profiler* parent = nullptr)
      : threads_(threads), root_(parent == nullptr ? this : parent->root_) {}
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  /// Whether records are kept from now on.
  void enable(bool on) { root_->enabled_ = on; }
  bool enabled() const { return root_->enabled_; }  ///< whether they are kept
  /// In the order in which operators ended.
  const std::vector<ProfileRecord>& records() const { return root_->records_; }
  void clear() { root_->records_.clear(); }  ///< forgets the records

 private:
  friend class ProfileScope;

  void add(ProfileRecord record) {
    record.threads = threads_;
    const std::scoped_lock lock(root_->mutex_);
    root_->records_.push_back(std::move(record));
  }

  int threads_;
  Profiler* root_;
  bool busy_ = false;  // in a ProfileScope
  bool enabled_ = false;
  std::vector<ProfileRecord> records_;
  std::mutex mutex_;
};

/// Times the block it lives in, unless that is part of a block that is being timed. `op` and
/// `layer` must outlive it.
class ProfileScope {
 public:
  /// Begins; the record is added when the block ends.
  ProfileScope(Profiler& profiler, std::string_view op, std::string_view layer, const Work& work)
      : profiler_(profiler.enabled() && !profiler.busy_ ? &profiler : nullptr),
        op_(op),
        layer_(layer),
        work_(work) {
    if (profiler_ == nullptr) return;
    profiler_->busy_ = true;
    start_ = Clock::now();
  }
  ~ProfileScope() {
    if (profiler_ == nullptr) return;
    const std::chrono::duration<double> elapsed = Clock::now() - start_;
    profiler_->busy_ = false;
    profiler_->add({.op = std::string(op_),
                    .layer = std::string(layer_),
                    .seconds = elapsed.count(),
                    .work = work_});
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
