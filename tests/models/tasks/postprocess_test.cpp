#include "hewn/models/tasks/inpainting/postprocess.h"

#include "hewn/models/tasks/inpainting/fast_marching.h"
#include "hewn/models/tasks/inpainting/hole.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::mask_of_dots;
using test::mask_where;
using test::missing;

constexpr std::array kWays{Postprocess::none, Postprocess::fmm, Postprocess::poisson,
                           Postprocess::both};

struct Joined {
  Tensor y;
  PoissonSolution solution;
  std::map<std::string, Tensor, std::less<>> trace;
};

Joined join(const Tensor& picture, const Tensor& mask, const Tensor& raw, Postprocess way,
            int threads = 1) {
  Context ctx({.threads = threads});
  Joined result{Tensor(picture.shape()), {}, {}};
  const TraceScope trace(ctx.tracer(), [&](const TracePiece& piece) {
    result.trace.emplace(piece.layer, Tensor::copy_of(piece.values));
  });
  result.solution = postprocess(picture.view(), mask.view(), raw.view(), way, result.y.view(), ctx);
  return result;
}

/// Whether y has the known pixels of the picture and, in the hole, `expected` clamped to [0, 1].
testing::AssertionResult is_joined(const Tensor& y, const Tensor& picture, const Tensor& mask,
                                   const Tensor& expected) {
  for (std::int64_t i = 0; i < mask.shape().pixels(); ++i) {
    for (std::int64_t c = 0; c < y.shape().c; ++c) {
      const float wanted = missing(mask, i)
                               ? std::clamp(expected.view().pixel(0, 0, i)[c], 0.0F, 1.0F)
                               : picture.view().pixel(0, 0, i)[c];
      const float got = y.view().pixel(0, 0, i)[c];
      if (got != wanted) {
        return testing::AssertionFailure() << "pixel " << i << ": " << got << ", not " << wanted;
      }
    }
  }
  return testing::AssertionSuccess();
}

/// A picture, some of it below 0 and above 1, as no known pixel may be changed; a hole of several
/// parts, one of them at the border; what a network may say.
struct Case {
  test::Random random{1};
  Tensor picture = random.tensor({1, 40, 44, 3}, -0.2F, 1.2F);
  Tensor mask = mask_where(40, 44, [](std::int64_t y, std::int64_t x) {
    return (y >= 5 && y < 25 && x >= 8 && x < 30) || (y >= 32 && x < 12) || (y == 30 && x > 30);
  });
  Tensor raw = random.tensor({1, 40, 44, 3}, -0.5F, 1.5F);
};

TEST(Eroded, IsThreeErosionsByThreeTimesThree) {
  test::Random random(2);
  for (const std::int64_t steps : {0, 1, 3}) {
    const Tensor mask =
        steps < 3
            ? mask_of_dots(random, 21, 26, 0.9)
            : mask_where(21, 26, [](auto y, auto x) { return y < 12 || (y != 15 && x > 13); });
    Hole expected = hole_of("test", mask.view(), mask.view());
    const Hole result = eroded(expected, steps);
    for (std::int64_t step = 0; step < steps; ++step) {
      const Hole before = expected;
      for (std::int64_t i = 0; i < before.pixels(); ++i) {
        for (std::int64_t k = 0; k < before.pixels(); ++k) {
          const bool near = std::abs(i / 26 - k / 26) <= 1 && std::abs(i % 26 - k % 26) <= 1;
          if (near && !before.contains(k)) expected.inside[static_cast<std::size_t>(i)] = 0;
        }
      }
    }
    EXPECT_EQ(result.inside, expected.inside);
    EXPECT_EQ(result.count, std::ranges::count(expected.inside, 1));
    EXPECT_GT(result.count, 0);
  }
}

TEST(Postprocess, NoneIsTheNetworksOwn) {
  const Case example;
  const Joined joined = join(example.picture, example.mask, example.raw, Postprocess::none);
  EXPECT_TRUE(is_joined(joined.y, example.picture, example.mask, example.raw));
  EXPECT_EQ(joined.solution.method, PoissonMethod::none);
  EXPECT_TRUE(joined.trace.empty());
}

TEST(Postprocess, FmmIsFastMarching) {
  const Case example;
  const Joined joined = join(example.picture, example.mask, example.raw, Postprocess::fmm);
  Tensor filled(example.picture.shape());
  inpaint_fast_marching(example.picture.view(), example.mask.view(), 1, filled.view());
  EXPECT_TRUE(is_joined(joined.y, example.picture, example.mask, filled));
  EXPECT_EQ(test::checksum(joined.trace.at("fast_marching").view()), test::checksum(filled.view()));
}

TEST(Postprocess, PoissonIsBlendedIntoThePicture) {
  const Case example;
  const Joined joined = join(example.picture, example.mask, example.raw, Postprocess::poisson);
  Tensor blended(example.picture.shape());
  Context ctx({.threads = 1});
  blend_poisson(example.raw.view(), example.picture.view(), example.mask.view(), blended.view(),
                ctx);
  EXPECT_TRUE(is_joined(joined.y, example.picture, example.mask, blended));
  EXPECT_EQ(joined.solution.unknowns, 20 * 22 + 8 * 12 + 13);
  // The unclamped result can be had.
  EXPECT_EQ(test::checksum(joined.trace.at("poisson").view()), test::checksum(blended.view()));
  EXPECT_NE(test::checksum(joined.y.view()), test::checksum(blended.view()));
}

TEST(Postprocess, BothIsBlendedIntoFastMarchingOnTheInnerPart) {
  const Case example;
  const Joined joined = join(example.picture, example.mask, example.raw, Postprocess::both);
  Tensor filled(example.picture.shape());
  inpaint_fast_marching(example.picture.view(), example.mask.view(), 1, filled.view());
  // The second part touches the picture's border to the left and below; the third is too thin.
  const auto in_part = [](std::int64_t y, std::int64_t x) {
    return (y >= 8 && y < 22 && x >= 11 && x < 27) || (y >= 35 && x < 9);
  };
  const Tensor inner = mask_where(40, 44, in_part);
  Tensor blended(example.picture.shape());
  Context ctx({.threads = 1});
  const PoissonSolution solution =
      blend_poisson(example.raw.view(), filled.view(), inner.view(), blended.view(), ctx);
  EXPECT_TRUE(is_joined(joined.y, example.picture, example.mask, blended));
  EXPECT_EQ(joined.solution.unknowns, 14 * 16 + 5 * 9);
  EXPECT_EQ(joined.solution.residual, solution.residual);
  EXPECT_EQ(test::checksum(joined.trace.at("poisson").view()), test::checksum(blended.view()));
}

TEST(Postprocess, ConstantsComeOutConstant) {
  Case example;
  fill(example.picture.view(), 0.3F);
  fill(example.raw.view(), 0.8F);
  for (const Postprocess way : {Postprocess::fmm, Postprocess::poisson, Postprocess::both}) {
    const Joined joined = join(example.picture, example.mask, example.raw, way);
    // Means and sums in double, which are off by far less than half an ulp of a float: 2⁻²⁶ here.
    EXPECT_TRUE(std::ranges::all_of(joined.y.values(), [](float v) { return v == 0.3F; }));
  }
}

TEST(Postprocess, NothingMissingAndAllMissing) {
  const Case example;
  for (const Postprocess way : kWays) {
    for (const bool all : {false, true}) {
      const Tensor mask = mask_where(40, 44, [all](auto, auto) { return all; });
      EXPECT_TRUE(is_joined(join(example.picture, mask, example.raw, way).y, example.picture, mask,
                            example.raw));
    }
  }
}

TEST(Postprocess, WhatIsUnderTheHoleDoesNotMatter) {
  Case example;
  std::vector<std::uint64_t> sums;
  for (const float hidden : {0.5F, std::nanf("")}) {
    for (std::int64_t i = 0; i < 40 * 44; ++i) {
      if (missing(example.mask, i)) {
        fill({example.picture.view().pixel(0, 0, i), {1, 1, 1, 3}}, hidden);
      }
    }
    for (const Postprocess way : kWays) {
      sums.push_back(
          test::checksum(join(example.picture, example.mask, example.raw, way).y.view()));
    }
  }
  for (std::size_t i = 0; i < kWays.size(); ++i) EXPECT_EQ(sums[i], sums[i + kWays.size()]) << i;
}

TEST(Postprocess, ThreadsGiveTheSame) {
  const Case example;
  for (const Postprocess way : kWays) {
    const auto sum = [&](int threads) {
      return test::checksum(
          join(example.picture, example.mask, example.raw, way, threads).y.view());
    };
    EXPECT_EQ(sum(2), sum(1));
    EXPECT_EQ(sum(3), sum(1));
  }
}

TEST(Postprocess, SaysWhatIsWrong) {
  Case example;
  Tensor y(example.picture.shape());
  const Tensor small({1, 40, 43, 3});
  Context ctx({.threads = 1});
  const auto message = [&](ConstView mask, ConstView raw, View result) {
    return error_of(
        [&] { postprocess(example.picture.view(), mask, raw, Postprocess::both, result, ctx); });
  };
  EXPECT_EQ(message(example.mask.view(), small.view(), y.view()),
            "postprocess: expected a network's output of [n 1, h 40, w 44, c 3], got [n 1, h 40, w "
            "43, c 3]");
  EXPECT_EQ(message(example.mask.view(), example.raw.view(), y.view().channels(1, 2)),
            "postprocess: expected a result of [n 1, h 40, w 44, c 3], got [n 1, h 40, w 44, c 1]");
  *example.mask.view().pixel(0, 1, 2) = 2;
  EXPECT_EQ(message(example.mask.view(), example.raw.view(), y.view()),
            "postprocess: expected a mask of 0 and 1, got 2 at x 2, y 1");
}

}  // namespace
}  // namespace hewn
