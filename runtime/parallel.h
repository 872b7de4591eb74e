// Splitting work over the threads of a Context.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace hewn {

class Context;

namespace detail {
using RangeBody = void (*)(void* body, std::int64_t begin, std::int64_t end, int worker);
void parallel_for(Context& ctx, std::int64_t count, std::int64_t grain, RangeBody call, void* body);
}  // namespace detail

/// Calls body(begin, end, worker) for disjoint ranges that together cover [0, count), none with
/// less than half of `grain` items unless there are no more; returns when all are done. `worker` is
/// in [0, ctx.threads()) and no two calls at the same moment share one: it indexes scratch memory
/// allocated beforehand. With one thread, or nothing to split, the body runs inline as body(0,
/// count, 0) and no thread is made.
///
/// The body must not throw and must not use the Context's arena. Which items form a range, and
/// where they run, differs from run to run: results must not depend on it.
template <typename Body>
void parallel_for(Context& ctx, std::int64_t count, std::int64_t grain, Body&& body) {
  using Target = std::remove_reference_t<Body>;
  const auto call = [](void* target, std::int64_t begin, std::int64_t end, int worker) {
    (*static_cast<Target*>(target))(begin, end, worker);
  };
  detail::parallel_for(ctx, count, grain, call, std::addressof(body));
}

}  // namespace hewn
