#include "hewn/runtime/parallel.h"

#include "hewn/runtime/context.h"
#include "hewn/runtime/workers.h"

#include <algorithm>
#include <vector>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#if defined(HEWN_THREAD_SANITIZER)
#include <sanitizer/tsan_interface.h>
#endif

namespace hewn::detail {

namespace {
// Ranges for each thread: enough to even out a core that is slowed by its neighbours, few enough
// that handing them out costs nothing.
constexpr std::int64_t kRangesPerThread = 8;

/// Tells ThreadSanitizer, which sees neither oneTBB's library nor (by this layer's CMakeLists.txt)
/// its headers, what oneTBB guarantees: the caller comes before every range, every range before the
/// return, and the ranges of one worker one after the other. Between workers nothing is promised,
/// and so nothing is said. Without the sanitizer this is nothing.
class Order {
 public:
#if defined(HEWN_THREAD_SANITIZER)
  explicit Order(int workers) : workers_(static_cast<std::size_t>(workers)) {}
  void fork() { __tsan_release(&start_); }
  void enter(int worker) {
    __tsan_acquire(&start_);
    __tsan_acquire(&workers_[static_cast<std::size_t>(worker)]);
  }
  void leave(int worker) {
    __tsan_release(&workers_[static_cast<std::size_t>(worker)]);
    __tsan_release(&end_);
  }
  void join() { __tsan_acquire(&end_); }

 private:
  char start_ = 0;
  char end_ = 0;
  std::vector<char> workers_;
#else
  explicit Order(int /*workers*/) {}
  void fork() {}
  void enter(int /*worker*/) {}
  void leave(int /*worker*/) {}
  void join() {}
#endif
};

}  // namespace

void parallel_for(Context& ctx, std::int64_t count, std::int64_t grain, RangeBody call,
                  void* body) {
  if (count <= 0) return;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t ranges =
      std::min((count + grain - 1) / grain, ctx.threads() * kRangesPerThread);
  if (ctx.workers() == nullptr || ranges == 1) {
    call(body, 0, count, 0);
    return;
  }
  Order order(ctx.threads());
  order.fork();
  ctx.workers()->arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::int64_t>(0, ranges, 1),
        [&](const tbb::blocked_range<std::int64_t>& r) {
          const int worker = tbb::this_task_arena::current_thread_index();
          order.enter(worker);
          // Split as evenly as integers allow: range i starts at i × count / ranges.
          call(body, r.begin() * count / ranges, r.end() * count / ranges, worker);
          order.leave(worker);
        },
        tbb::simple_partitioner());
  });
  order.join();
}

}  // namespace hewn::detail
