#include "hewn/runtime/observe/trace.h"

#include "hewn/runtime/context.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/parallel.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

std::string describe(const TracePiece& piece) {
  return text_of(piece.layer, " ", piece.values.shape, " of ", piece.whole, " at ", piece.image,
                 ", ", piece.row, ", ", piece.column);
}

TEST(Tracer, ShowsWhatRunsWhileAScopeLives) {
  Context ctx({.threads = 1});
  const Tensor tensor({1, 2, 3, 4});
  std::vector<std::string> heard;
  ctx.trace("unheard", tensor.view());
  {
    const TraceScope trace(ctx.tracer(),
                           [&](const TracePiece& piece) { heard.push_back(describe(piece)); });
    EXPECT_TRUE(ctx.tracer().on());
    ctx.trace("conv1a", tensor.view());
    Context moved = std::move(ctx);
    moved.trace("conv1b", tensor.view());
    ctx = std::move(moved);
  }
  EXPECT_FALSE(ctx.tracer().on());
  ctx.trace("unheard", tensor.view());
  EXPECT_EQ(heard, (std::vector<std::string>{
                       "conv1a [n 1, h 2, w 3, c 4] of [n 1, h 2, w 3, c 4] at 0, 0, 0",
                       "conv1b [n 1, h 2, w 3, c 4] of [n 1, h 2, w 3, c 4] at 0, 0, 0"}));
}

TEST(Tracer, AScopeGivesTheSinkBackWhateverHappens) {
  Context ctx({.threads = 1});
  const Tensor tensor({1, 1, 1, 1});
  int outer = 0;
  int inner = 0;
  const TraceScope trace(ctx.tracer(), [&](const TracePiece&) { ++outer; });
  try {
    const TraceScope other(ctx.tracer(), [&](const TracePiece&) { ++inner; });
    ctx.trace("a", tensor.view());
    fail("thrown");
  } catch (const Error&) {
    ctx.trace("b", tensor.view());
  }
  {
    const TraceScope none(ctx.tracer(), {});
    ctx.trace("c", tensor.view());
  }
  EXPECT_EQ(inner, 1);
  EXPECT_EQ(outer, 1);
}

TEST(Tracer, PartsSayWhereAPieceLies) {
  Context ctx({.threads = 1});
  const Tensor tensor({1, 2, 2, 1});
  std::vector<std::string> heard;
  const TraceScope trace(ctx.tracer(),
                         [&](const TracePiece& piece) { heard.push_back(describe(piece)); });
  {
    const auto second_half = TracedPart::images(ctx.tracer(), 3, 6);
    const auto last_of_three = TracedPart::images(ctx.tracer(), 2, 3);
    const auto iteration = TracedPart::iteration(ctx.tracer(), 7);
    ctx.tracer().show("flow", tensor.view(), {1, 8, 9, 1}, 4, 6);
  }
  ctx.trace("flow", tensor.view());
  EXPECT_EQ(heard, (std::vector<std::string>{
                       "7.flow [n 1, h 2, w 2, c 1] of [n 6, h 8, w 9, c 1] at 5, 4, 6",
                       "flow [n 1, h 2, w 2, c 1] of [n 1, h 2, w 2, c 1] at 0, 0, 0"}));
}

TEST(Tracer, SerialContextsShowTheirPiecesToTheSameSink) {
  constexpr std::int64_t kImages = 40;
  const Tensor expected = test::Random(1).tensor({kImages, 3, 5, 2});
  for (const int threads : {1, 4}) {
    Context ctx({.threads = threads});
    const auto part = TracedPart::iteration(ctx.tracer(), 2);
    TracedLayers layers;
    const TraceScope trace(ctx.tracer(), layers.sink());
    const std::span<Context> serial = ctx.serial_contexts();
    parallel_for(ctx, kImages, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
      Context& own = serial[static_cast<std::size_t>(worker)];
      for (std::int64_t i = begin; i < end; ++i) {
        const auto image = TracedPart::images(own.tracer(), i, kImages);
        own.trace("layer", expected.view().image(i));
      }
    });
    const std::vector<TracedLayer> all = layers.take();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].name, "2.layer");
    EXPECT_EQ(test::checksum(all[0].values.view()), test::checksum(expected.view()));
  }
}

/// What take() complains of after these pieces.
std::string complaint(const std::vector<TracePiece>& pieces) {
  TracedLayers layers;
  const TraceSink sink = layers.sink();
  for (const TracePiece& piece : pieces) sink(piece);
  return test::error_of([&] { layers.take(); });
}

TEST(TracedLayers, ComplainOfWhatIsNoWhole) {
  Tensor ones({1, 1, 2, 1});
  Tensor twos({1, 1, 2, 1});
  fill(ones.view(), 1);
  fill(twos.view(), 2);
  const Nhwc whole{1, 2, 2, 1};
  const TracePiece top{.layer = "a", .values = ones.view(), .whole = whole};
  const TracePiece bottom{.layer = "a", .values = twos.view(), .whole = whole, .row = 1};
  EXPECT_EQ(complaint({top, bottom, top}), "nothing thrown");
  EXPECT_EQ(complaint({top}), "trace: a: 2 of 4 pixels of [n 1, h 2, w 2, c 1] are missing");
  EXPECT_EQ(complaint({top, {.layer = "a", .values = twos.view(), .whole = whole}}),
            "trace: a: came twice, with different values");
  EXPECT_EQ(complaint({top, {.layer = "a", .values = twos.view(), .whole = {1, 3, 2, 1}}}),
            "trace: a: a part of [n 1, h 2, w 2, c 1], then one of [n 1, h 3, w 2, c 1]");
  EXPECT_EQ(complaint({{.layer = "a", .values = twos.view(), .whole = whole, .column = 1}}),
            "trace: a: a part of [n 1, h 1, w 2, c 1] that is not one of [n 1, h 2, w 2, c 1]");
}

}  // namespace
}  // namespace hewn
