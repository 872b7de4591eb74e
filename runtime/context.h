// What a computation runs with: threads, instruction set, scratch memory, and who watches.
#pragma once

#include "hewn/runtime/arena.h"
#include "hewn/runtime/isa/bf16.h"
#include "hewn/runtime/isa/isa.h"
#include "hewn/runtime/observe/profile.h"
#include "hewn/runtime/observe/trace.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hewn {

namespace detail {
class Workers;
}

/// How a Context is made.
struct ContextOptions {
  int threads = 0;  ///< 1 or more; 0 means every processor that this process may use
  std::optional<Isa> isa = std::nullopt;  ///< default_isa() when empty
  bool precise = false;  ///< pins the algorithm with the smallest error where there is a choice
  /// What multiplies layers that are packed in bfloat16; best_bf16() when empty.
  std::optional<Bf16Isa> bf16 = std::nullopt;
  std::int64_t l2_bytes = 0;  ///< L2 that a thread may count on; 0 means l2_bytes_per_thread()
};

/// Everything an operator needs besides its arguments. One Context serves one thread at a time;
/// several threads work side by side with one Context each. Neither the number of threads nor the
/// instruction set (sse42 apart) nor the size of L2 changes the bits of a result; `precise` does,
/// and so does `bf16` where layers are packed in bfloat16.
class Context {
 public:
  /// Throws Error when threads is negative or above 1024, or the instruction set is not usable
  /// here.
  explicit Context(const ContextOptions& options = {});
  ~Context();
  /// Moves; what is left may be destroyed or assigned to, and nothing else.
  Context(Context&&) noexcept;
  /// Moves, likewise.
  Context& operator=(Context&&) noexcept;

  int threads() const { return threads_; }   ///< how many, ≥ 1
  Isa isa() const { return isa_; }           ///< whose kernels run
  bool precise() const { return precise_; }  ///< as in ContextOptions
  /// Empty when this machine cannot. The first call in a process asks the system: bf16_table().
  std::optional<Bf16Isa> bf16() const { return bf16_ ? bf16_ : best_bf16(); }
  std::int64_t l2_bytes() const { return l2_bytes_; }  ///< of L2 for each thread

  Arena& arena() { return *arena_; }           ///< where intermediates are
  Profiler& profiler() { return *profiler_; }  ///< off until enabled

  Tracer& tracer() { return *tracer_; }  ///< off without a sink

  /// Shows the trace a layer's output.
  void trace(std::string_view layer, ConstView output) const { tracer_->show(layer, output); }

  /// A Context of one thread for each worker of parallel_for(), otherwise like this one, so that a
  /// body may run whole operators: worker i uses element i. With one thread it is this Context
  /// itself. Others are made at the first call, which must not come from a body; what they trace
  /// and profile comes to this one's sink and records.
  std::span<Context> serial_contexts();

  /// The threads behind parallel_for(); null with one thread, so that oneTBB is never entered.
  detail::Workers* workers() { return workers_.get(); }

 private:
  Context(const ContextOptions& options, Context* parent);

  int threads_;
  Isa isa_;
  bool precise_;
  std::optional<Bf16Isa> bf16_;
  std::int64_t l2_bytes_;
  std::unique_ptr<Arena> arena_;
  std::unique_ptr<Profiler> profiler_;
  std::unique_ptr<Tracer> tracer_;
  std::unique_ptr<detail::Workers> workers_;
  std::vector<Context> serial_contexts_;
};

}  // namespace hewn
