// A run that is watched is the run that is not.
#pragma once

#include "hewn/runtime/context.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/compare.h"
#include <gtest/gtest.h>

namespace hewn::test {

/// What ran: operator, layer, threads and work of every record, in whichever order threads came.
inline auto operators_of(Context& ctx) {
  std::vector<std::tuple<std::string, std::string, int, double, double>> all;
  for (const ProfileRecord& record : ctx.profiler().records()) {
    all.emplace_back(record.op, record.layer, record.threads, record.work.flops, record.work.bytes);
  }
  std::ranges::sort(all);
  return all;
}

/// The layers that `run` shows to a trace. Expects of it, with a trace and without one, what it
/// returns, the operators and the memory that it takes from the arena to be the same.
template <typename Run>
std::vector<TracedLayer> trace_of(const ContextOptions& options, const Run& run) {
  Context unwatched(options);
  Context watched(options);
  unwatched.profiler().enable(true);
  watched.profiler().enable(true);
  TracedLayers layers;
  {
    const TraceScope trace(watched.tracer(), layers.sink());
    EXPECT_EQ(run(watched), run(unwatched));
  }
  EXPECT_EQ(operators_of(watched), operators_of(unwatched));
  EXPECT_EQ(watched.arena().peak_bytes(), unwatched.arena().peak_bytes());
  return layers.take();
}

/// The names and shapes of layers, in their order.
inline std::vector<std::pair<std::string, Nhwc>> shapes_of(const std::vector<TracedLayer>& layers) {
  std::vector<std::pair<std::string, Nhwc>> shapes;
  shapes.reserve(layers.size());
  for (const TracedLayer& layer : layers) shapes.emplace_back(layer.name, layer.values.shape());
  return shapes;
}

/// The layers' bits, by name.
inline std::map<std::string, std::uint64_t> bits_of(const std::vector<TracedLayer>& layers) {
  std::map<std::string, std::uint64_t> bits;
  for (const TracedLayer& layer : layers) bits[layer.name] = checksum(layer.values.view());
  return bits;
}

}  // namespace hewn::test
