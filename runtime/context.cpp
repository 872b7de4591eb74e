#include "hewn/runtime/context.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/workers.h"

namespace hewn {

namespace {

constexpr int kMaxThreads = 1024;

int resolve_threads(int threads) {
  require(threads >= 0 && threads <= kMaxThreads, "threads: expected 1 to ", kMaxThreads,
          ", or 0 for every processor, got ", threads);
  return threads > 0 ? threads : tbb::this_task_arena::max_concurrency();
}

}  // namespace

Context::Context(const ContextOptions& options)
    : threads_(resolve_threads(options.threads)),
      isa_(options.isa ? parse_isa(isa_name(*options.isa)) : default_isa()),
      precise_(options.precise),
      arena_(std::make_unique<Arena>()),
      profiler_(std::make_unique<Profiler>()),
      workers_(threads_ > 1 ? std::make_unique<detail::Workers>(threads_) : nullptr) {}

Context::~Context() = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;

}  // namespace hewn
