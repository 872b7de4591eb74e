#include "hewn/runtime/parallel.h"

#include "hewn/runtime/context.h"
#include "hewn/runtime/workers.h"

#include <algorithm>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

namespace hewn::detail {

namespace {
// Ranges for each thread: enough to even out a core that is slowed by its neighbours, few enough
// that handing them out costs nothing.
constexpr std::int64_t kRangesPerThread = 8;
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
  ctx.workers()->arena.execute([&] {
    tbb::parallel_for(
        tbb::blocked_range<std::int64_t>(0, ranges, 1),
        [&](const tbb::blocked_range<std::int64_t>& r) {
          const int worker = tbb::this_task_arena::current_thread_index();
          // Split as evenly as integers allow: range i starts at i × count / ranges.
          call(body, r.begin() * count / ranges, r.end() * count / ranges, worker);
        },
        tbb::simple_partitioner());
  });
}

}  // namespace hewn::detail
