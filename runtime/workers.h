// The threads of a Context. Internal: keeps oneTBB out of the public headers.
#pragma once

#include <optional>

#include <tbb/global_control.h>
#include <tbb/task_arena.h>

namespace hewn::detail {

class Workers {
 public:
  explicit Workers(int threads) {
    // oneTBB makes no more threads than there are processors, and says so on stderr, unless told
    // otherwise.
    if (threads > tbb::this_task_arena::max_concurrency()) {
      oversubscribe_.emplace(tbb::global_control::max_allowed_parallelism,
                             static_cast<std::size_t>(threads));
    }
    arena.initialize(threads);
  }

 private:
  std::optional<tbb::global_control> oversubscribe_;

 public:
  tbb::task_arena arena;
};

}  // namespace hewn::detail
