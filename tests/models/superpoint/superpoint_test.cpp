#include "hewn/models/superpoint/superpoint.h"

#include "hewn/models/superpoint/homographic_adaptation.h"
#include "hewn/models/superpoint/keypoints.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "tests/support/compare.h"
#include "tests/support/random.h"
#include "tests/support/traced_run.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

const SuperPoint& model() {
  static const SuperPoint random = SuperPoint::random(1);
  return random;
}

struct Bits {
  std::uint64_t semi, scores, descriptors;
  friend bool operator==(const Bits&, const Bits&) = default;
};

Bits run(ConstView image, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  const SuperPoint::Output out = model().forward(image, ctx);
  return {test::checksum(out.semi), test::checksum(out.scores), test::checksum(out.descriptors)};
}

// Label: bits
TEST(SuperPoint, SameBitsOnEveryInstructionSetAndNumberOfThreads) {
  Random random(1);
  const Tensor image = random.tensor({1, 44, 61, 1}, 0, 1);
  for (bool precise : {false, true}) {
    Context first({.threads = 1, .precise = precise});
    const Bits expected = run(image.view(), first);
    for (Isa isa : test::bit_identical_isas()) {
      for (int threads : {1, 2, 5}) {
        SCOPED_TRACE(text_of(isa_name(isa), ", ", threads, " threads", precise ? ", precise" : ""));
        Context ctx({.threads = threads, .isa = isa, .precise = precise});
        EXPECT_EQ(run(image.view(), ctx), expected);
      }
    }
  }
}

/// What SuperPoint::random(1) computes of images, operator by operator, on whole maps: the layers
/// that a trace sees.
std::map<std::string, std::uint64_t> layers_of(const Tensor& images, Context& ctx) {
  std::map<std::string, std::uint64_t> bits;
  RandomLayers layers(1, Conv2dPacking::any);
  const auto conv = [&](const char* name, std::int64_t out, std::int64_t kernel, const Tensor& x,
                        const Activation& activation = Activation::relu()) {
    const ConvLayer layer = layers.conv(name, x.shape().c, out, {kernel, 1, 1, activation});
    Tensor y(layer.output_shape(x.shape()));
    conv2d(x.view(), layer.conv(), y.view(), ctx);
    bits[name] = test::checksum(y.view());
    return y;
  };
  const auto stage = [&](const char* first, const std::string& second, std::int64_t channels,
                         const Tensor& x) {
    const Tensor map = conv(second.c_str(), channels, 3, conv(first, channels, 3, x));
    Tensor y(pool2d_output_shape(map.shape(), kHalve));
    max_pool2d(map.view(), kHalve, y.view(), ctx);
    bits.erase(second);  // which is never there as a whole
    bits[second + ".max_pool"] = test::checksum(y.view());
    return y;
  };
  Tensor x = stage("conv1a", "conv1b", 64, images);
  x = stage("conv2a", "conv2b", 64, x);
  x = stage("conv3a", "conv3b", 128, x);
  x = conv("conv4b", 128, 3, conv("conv4a", 128, 3, x));
  conv("convPb", 65, 1, conv("convPa", 256, 3, x), {});
  conv("convDb", 256, 1, conv("convDa", 256, 3, x), {});
  return bits;
}

TEST(SuperPoint, ATraceSeesEveryLayerOfTheRunThatItWatches) {
  // Two strips in the first stage, whose rows go round its buffer more than once.
  const Tensor images = Random(2).tensor({2, 35, 265, 1}, 0, 1);
  for (const int threads : {1, 3}) {
    for (const bool precise : {false, true}) {
      const ContextOptions options{.threads = threads, .precise = precise, .l2_bytes = 1 << 20};
      const std::vector<TracedLayer> traced =
          test::trace_of(options, [&](Context& ctx) { return run(images.view(), ctx); });
      Context ctx(options);
      EXPECT_EQ(test::bits_of(traced), layers_of(images, ctx));
      EXPECT_EQ(traced.at(0).values.shape(), (Nhwc{2, 35, 265, 64}));
      EXPECT_EQ(traced.at(1).name, "conv1b.max_pool");
      EXPECT_EQ(traced.at(1).values.shape(), (Nhwc{2, 17, 132, 64}));
    }
  }
}

// Label: bits
TEST(SuperPoint, ASecondRunAllocatesNothing) {
  Random random(3);
  const Tensor image = random.tensor({1, 64, 72, 1}, 0, 1);
  Context ctx({.threads = 1});
  run(image.view(), ctx);
  const std::int64_t after_first = ctx.arena().system_allocations();
  run(image.view(), ctx);
  EXPECT_EQ(ctx.arena().system_allocations(), after_first);
}

TEST(SuperPoint, SidesThatEightDoesNotDivideLoseTheirRemainder) {
  Random random(4);
  Context ctx({.threads = 1});
  for (const auto& [h, w] : {std::pair{8, 8}, {121, 77}, {15, 23}}) {
    const Tensor image = random.tensor({2, h, w, 1}, 0, 1);
    const Arena::Scope scope(ctx.arena());
    const SuperPoint::Output out = model().forward(image.view(), ctx);
    EXPECT_EQ(out.semi.shape, (Nhwc{2, h / 8, w / 8, 65}));
    EXPECT_EQ(out.scores.shape, (Nhwc{2, h / 8 * 8, w / 8 * 8, 1}));
    EXPECT_EQ(out.descriptors.shape, (Nhwc{2, h / 8, w / 8, 256}));
  }
}

TEST(SuperPoint, RefusesPicturesBelowOneCell) {
  Context ctx({.threads = 1});
  for (const Nhwc& shape :
       {Nhwc{1, 7, 64, 1}, Nhwc{1, 1, 1, 1}, Nhwc{1, 0, 0, 1}, Nhwc{1, 8, 8, 3}}) {
    const Tensor image(shape);
    EXPECT_THROW(model().forward(image.view(), ctx), Error) << shape;
  }
}

/// The definition, window by window, on a map whose outside never wins.
Tensor suppress_by_definition(ConstView scores, std::int64_t radius) {
  const Nhwc& s = scores.shape;
  const auto window_max = [&](ConstView map, std::int64_t y, std::int64_t x) {
    float largest = *map.pixel(0, y, x);
    for (std::int64_t v = std::max<std::int64_t>(y - radius, 0); v <= std::min(y + radius, s.h - 1);
         ++v) {
      for (std::int64_t u = std::max<std::int64_t>(x - radius, 0);
           u <= std::min(x + radius, s.w - 1); ++u) {
        largest = std::max(largest, *map.pixel(0, v, u));
      }
    }
    return largest;
  };
  Tensor kept(s);
  for (std::int64_t y = 0; y < s.h; ++y) {
    for (std::int64_t x = 0; x < s.w; ++x) {
      *kept.view().pixel(0, y, x) =
          *scores.pixel(0, y, x) == window_max(scores, y, x) ? 1.0F : 0.0F;
    }
  }
  for (int recovery = 0; recovery < 2; ++recovery) {
    Tensor rest = Tensor::copy_of(scores);
    for (std::int64_t y = 0; y < s.h; ++y) {
      for (std::int64_t x = 0; x < s.w; ++x) {
        if (window_max(kept.view(), y, x) > 0) *rest.view().pixel(0, y, x) = 0;
      }
    }
    Tensor next = Tensor::copy_of(kept.view());
    for (std::int64_t y = 0; y < s.h; ++y) {
      for (std::int64_t x = 0; x < s.w; ++x) {
        const bool near = window_max(kept.view(), y, x) > 0;
        const bool maximum = *rest.view().pixel(0, y, x) == window_max(rest.view(), y, x);
        if (!near && maximum) *next.view().pixel(0, y, x) = 1;
      }
    }
    kept = std::move(next);
  }
  for (std::int64_t i = 0; i < s.pixels(); ++i) kept.view().data[i] *= scores.data[i];
  return kept;
}

TEST(Keypoints, SuppressionFollowsTheDefinition) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed);
    Tensor scores = random.tensor({1, random.integer(1, 30), random.integer(1, 30), 1}, 0, 1);
    if (seed % 3 == 0) {  // many ties
      for (float& value : scores.values()) value = std::floor(value * 4) / 4;
    }
    const std::int64_t radius = random.integer(0, 5);
    SCOPED_TRACE(text_of("seed ", seed, ", ", scores.shape(), ", radius ", radius));
    const Tensor expected = suppress_by_definition(scores.view(), radius);
    Context ctx({.threads = 2});
    Tensor y(scores.shape());
    suppress_non_maxima(scores.view(), radius, y.view(), ctx);
    EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()));
  }
}

TEST(Keypoints, AreSortedAndKeepTheirDistances) {
  Random random(5);
  const Tensor scores = random.tensor({1, 64, 96, 1}, 0, 1);
  Context ctx({.threads = 1});
  const KeypointOptions options{.nms_radius = 3, .threshold = 0.5F, .border = 5};
  const auto keypoints = select_keypoints(scores.view(), options, ctx);
  ASSERT_GT(keypoints.size(), 10U);
  for (std::size_t i = 0; i < keypoints.size(); ++i) {
    const Keypoint& a = keypoints[i];
    EXPECT_GT(a.score, 0.5F);
    EXPECT_TRUE(a.x >= 5 && a.x < 91 && a.y >= 5 && a.y < 59);
    EXPECT_LE(a.score, keypoints[i > 0 ? i - 1 : 0].score);
    for (std::size_t j = 0; j < i; ++j) {
      const Keypoint& b = keypoints[j];
      EXPECT_GT(std::max(std::abs(a.x - b.x), std::abs(a.y - b.y)), 3) << i << " and " << j;
    }
  }
  KeypointOptions few = options;
  few.max_keypoints = 7;
  const auto strongest = select_keypoints(scores.view(), few, ctx);
  ASSERT_EQ(strongest.size(), 7U);
  EXPECT_EQ(strongest.back().score, keypoints[6].score);
}

TEST(Keypoints, RefuseOptionsOutOfRange) {
  const Tensor scores({1, 8, 8, 1});
  Context ctx({.threads = 1});
  EXPECT_THROW(select_keypoints(scores.view(), {.nms_radius = -1}, ctx), Error);
  EXPECT_THROW(select_keypoints(scores.view(), {.threshold = -1}, ctx), Error);
  EXPECT_THROW(select_keypoints(scores.view(), {.border = -1}, ctx), Error);
  EXPECT_THROW(select_keypoints(scores.view(), {.max_keypoints = -2}, ctx), Error);
}

TEST(Keypoints, ABorderWiderThanThePictureLeavesNone) {
  Random random(6);
  const Tensor scores = random.tensor({1, 8, 8, 1}, 0, 1);
  Context ctx({.threads = 1});
  EXPECT_TRUE(select_keypoints(scores.view(), {.border = 100}, ctx).empty());
}

TEST(HomographicAdaptation, OneViewIsTheDetectorItself) {
  Random random(7);
  const Tensor image = random.tensor({1, 32, 40, 1}, 0, 1);
  Context ctx({.threads = 1});
  const Tensor mean = homographic_adaptation(model(), image.view(), {.count = 1}, ctx);
  const Arena::Scope scope(ctx.arena());
  const SuperPoint::Output out = model().forward(image.view(), ctx);
  // The identity is still a bilinear warp: its coordinates, x of up to 40 scaled to [−1, 1] and
  // back, are off by some u·40, and so the picture by as much. The scores follow it smoothly; 1e-3
  // leaves room for the network's slope.
  for (std::int64_t i = 0; i < mean.shape().pixels(); ++i) {
    EXPECT_NEAR(mean.view().data[i], out.scores.data[i], 1e-3);
  }
}

TEST(HomographicAdaptation, IsSeededAndCountsItsViews) {
  Random random(8);
  const Tensor image = random.tensor({1, 32, 40, 1}, 0, 1);
  Context ctx({.threads = 2});
  std::int64_t views = 0;
  const auto count = [&](std::int64_t done) { EXPECT_EQ(done, ++views); };
  const Tensor a =
      homographic_adaptation(model(), image.view(), {.count = 4, .seed = 1}, ctx, count);
  const Tensor b = homographic_adaptation(model(), image.view(), {.count = 4, .seed = 1}, ctx);
  const Tensor c = homographic_adaptation(model(), image.view(), {.count = 4, .seed = 2}, ctx);
  EXPECT_EQ(views, 4);
  EXPECT_EQ(test::checksum(a.view()), test::checksum(b.view()));
  EXPECT_NE(test::checksum(a.view()), test::checksum(c.view()));
  EXPECT_THROW(homographic_adaptation(model(), image.view(), {.count = 0}, ctx), Error);
}

}  // namespace
}  // namespace hewn
