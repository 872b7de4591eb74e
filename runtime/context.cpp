#include "hewn/runtime/context.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/caches.h"
#include "hewn/runtime/workers.h"

namespace hewn {

namespace {

constexpr int kMaxThreads = 1024;

int resolve_threads(int threads) {
  require(threads >= 0 && threads <= kMaxThreads, "threads: expected 1 to ", kMaxThreads,
          ", or 0 for every processor, got ", threads);
  return threads > 0 ? threads : tbb::this_task_arena::max_concurrency();
}

std::int64_t resolve_l2_bytes(std::int64_t bytes) {
  require(bytes >= 0, "l2_bytes: expected 0 or more, got ", bytes);
  return bytes > 0 ? bytes : l2_bytes_per_thread();
}

std::optional<Bf16Isa> checked_bf16(std::optional<Bf16Isa> asked) {
  if (!asked) return asked;
  for (const Bf16Info& info : bf16_table()) {
    if (info.isa == *asked && info.supported) return asked;
  }
  fail("bfloat16 instructions ", bf16_name(*asked), " do not work here");
}

}  // namespace

Context::Context(const ContextOptions& options) : Context(options, nullptr) {}

Context::Context(const ContextOptions& options, Context* parent)
    : threads_(resolve_threads(options.threads)),
      isa_(options.isa ? parse_isa(isa_name(*options.isa)) : default_isa()),
      precise_(options.precise),
      bf16_(checked_bf16(options.bf16)),
      l2_bytes_(resolve_l2_bytes(options.l2_bytes)),
      arena_(std::make_unique<Arena>()),
      profiler_(std::make_unique<Profiler>(threads_,
                                           parent == nullptr ? nullptr : parent->profiler_.get())),
      tracer_(std::make_unique<Tracer>(parent == nullptr ? nullptr : parent->tracer_.get())),
      workers_(threads_ > 1 ? std::make_unique<detail::Workers>(threads_) : nullptr) {}

Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

std::span<Context> Context::serial_contexts() {
  if (threads_ == 1) return {this, 1};
  if (serial_contexts_.empty()) {
    serial_contexts_.reserve(static_cast<std::size_t>(threads_));
    const ContextOptions options{
        .threads = 1, .isa = isa_, .precise = precise_, .bf16 = bf16_, .l2_bytes = l2_bytes_};
    for (int i = 0; i < threads_; ++i) serial_contexts_.push_back(Context(options, this));
  }
  return serial_contexts_;
}

}  // namespace hewn
