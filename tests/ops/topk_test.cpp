#include "hewn/ops/topk/topk.h"

#include "hewn/ops/topk/topk_reference.h"
#include "hewn/runtime/error.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void check(const std::vector<float>& values, std::int64_t k) {
  SCOPED_TRACE(text_of(values.size(), " values, k ", k));
  Context ctx;
  std::vector<float> top(static_cast<std::size_t>(k));
  std::vector<std::int64_t> indices(static_cast<std::size_t>(k));
  topk(values, k, top, indices, ctx);
  EXPECT_EQ(indices, topk_reference(values, k));
  for (std::size_t i = 0; i < top.size(); ++i) {
    const float at_index = values[static_cast<std::size_t>(indices[i])];
    EXPECT_EQ(std::bit_cast<std::uint32_t>(top[i]), std::bit_cast<std::uint32_t>(at_index));
  }
}

TEST(TopK, AgreesWithTheReference) {
  Random random(1);
  for (std::int64_t count : {0, 1, 2, 15, 16, 17, 100, 500}) {
    const std::vector<float> values = random.values(count);
    for (std::int64_t k : {std::int64_t{0}, std::int64_t{1}, count / 2, count}) {
      if (k <= count) check(values, k);
    }
  }
}

TEST(TopK, OfEqualValuesTheFirstComesFirst) {
  Random random(2);
  for (int i = 0; i < 20; ++i) {
    std::vector<float> values = random.values(random.integer(1, 200));
    for (float& value : values) value = std::round(3 * value);  // both zeros among them
    check(values, random.integer(0, static_cast<std::int64_t>(values.size())));
  }
}

TEST(TopK, NanIsTheLargest) {
  check({1, kNan, kInfinity, -kInfinity, -kNan, 0, -0.0F, 1e-45F, -1e-45F}, 9);
  check({kNan, kNan, kNan}, 2);
}

TEST(TopK, NamesWhatIsWrong) {
  Context ctx;
  const std::vector<float> values{1, 2, 3};
  const auto message = [&](std::int64_t k, std::size_t top_size, std::size_t indices_size) {
    std::vector<float> top(top_size);
    std::vector<std::int64_t> indices(indices_size);
    return test::error_of([&] { topk(values, k, top, indices, ctx); });
  };
  EXPECT_EQ(message(4, 4, 4), "topk: expected k from 0 to 3, got 4");
  EXPECT_EQ(message(-1, 0, 0), "topk: expected k from 0 to 3, got -1");
  EXPECT_EQ(message(2, 1, 2), "topk: top: expected 2 elements, got 1");
  EXPECT_EQ(message(2, 2, 3), "topk: indices: expected 2 elements, got 3");
  std::vector<float> in_place = values;
  std::vector<std::int64_t> indices(2);
  EXPECT_EQ(test::error_of([&] { topk(in_place, 2, std::span(in_place).last(2), indices, ctx); }),
            "topk: expected y apart from values, got views that overlap");
}

}  // namespace
}  // namespace hewn
