#include "hewn/models/clip/preprocess.h"

#include "hewn/runtime/pictures/pillow_resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// What OpenAI's checkpoints expect.
constexpr Preprocessing kClip{.size = 224,
                              .mean = {0.48145466F, 0.4578275F, 0.40821073F},
                              .std = {0.26862954F, 0.26130258F, 0.27577711F}};

Image image_of(std::int64_t width, std::int64_t height, std::int64_t channels,
               const auto& value_at) {
  Image image{.width = width, .height = height, .channels = channels, .bits = 8, .values = {}};
  for (std::int64_t i = 0; i < width * height * channels; ++i) {
    image.values.push_back(static_cast<std::uint16_t>(value_at(i)));
  }
  return image;
}

Image noise(std::int64_t width, std::int64_t height, std::int64_t channels,
            std::uint64_t seed = 1) {
  Random random(seed);
  return image_of(width, height, channels, [&](auto) { return random.integer(0, 255); });
}

Tensor preprocessed(const Image& picture, std::int64_t size, int threads = 1) {
  Context ctx({.threads = threads});
  Preprocessing p = kClip;
  p.size = size;
  Tensor y({1, size, size, 3});
  preprocess(picture, p, y.view(), ctx);
  return y;
}

std::vector<std::uint8_t> resized(const Image& picture, const ResizedPart& part, int threads = 1) {
  Context ctx({.threads = threads});
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(part.rows * part.columns * 3));
  pillow_resize(picture, part, rgb, ctx);
  return rgb;
}

ResizedPart whole(std::int64_t height, std::int64_t width) {
  return {.height = height, .width = width, .rows = height, .columns = width};
}

double keys_cubic(double d) {
  d = std::abs(d);
  if (d <= 1) return 1.5 * d * d * d - 2.5 * d * d + 1;
  return d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
}

/// In double, over whole planes and the whole of each line, without rounding.
class ResizeReference {
 public:
  std::vector<double> values;  ///< [h, w], one channel
  std::int64_t h = 0, w = 0;

  ResizeReference resized(std::int64_t to_h, std::int64_t to_w) const {
    return along_x(to_w).transposed().along_x(to_h).transposed();
  }

 private:
  ResizeReference along_x(std::int64_t to) const {
    ResizeReference result{{}, h, to};
    const double step = static_cast<double>(w) / static_cast<double>(to);
    const double stretch = std::max(step, 1.0);
    for (std::int64_t y = 0; y < h; ++y) {
      for (std::int64_t x = 0; x < to; ++x) {
        const double centre = (static_cast<double>(x) + 0.5) * step - 0.5;
        double sum = 0;
        double weights = 0;
        for (std::int64_t i = 0; i < w; ++i) {
          const double weight = keys_cubic((static_cast<double>(i) - centre) / stretch);
          sum += weight * values[static_cast<std::size_t>(y * w + i)];
          weights += weight;
        }
        result.values.push_back(sum / weights);
      }
    }
    return result;
  }

  ResizeReference transposed() const {
    ResizeReference result{{}, w, h};
    for (std::int64_t x = 0; x < w; ++x) {
      for (std::int64_t y = 0; y < h; ++y) {
        result.values.push_back(values[static_cast<std::size_t>(y * w + x)]);
      }
    }
    return result;
  }
};

/// Values that no overshoot brings below 0 or above 255, so that nothing is clamped on the way.
Image mild_noise(std::int64_t width, std::int64_t height, Random& random) {
  return image_of(width, height, 1, [&](auto) { return random.integer(70, 185); });
}

// Checksums of what torchvision 0.29 makes, with Pillow 13, of noise(width, height, channels): that
// is splitmix64 with the seed 1, each number modulo 256, row by row and channel by channel. Alpha
// was dropped first: Pillow would multiply with it.
TEST(Preprocess, TheBitsOfTorchvision) {
  struct Golden {
    std::int64_t width, height, channels, size;
    std::uint64_t checksum;
  };
  for (const Golden& golden : std::initializer_list<Golden>{
           {1, 1, 3, 1, 0x3a04d2b7cf55f288U},
           {1, 1, 3, 5, 0xd43bba2021e661f0U},
           {2, 3, 3, 8, 0x9ec7ab547c2493a0U},
           {8, 8, 3, 8, 0x117b51517dab95c9U},
           {17, 9, 1, 7, 0x191a342d4bf86242U},
           {64, 48, 3, 32, 0x8055e49437fea4f9U},
           {33, 100, 3, 16, 0x6f3d56182ec91c2bU},
           {48, 97, 2, 24, 0x3ef0b6326fde9347U},
           {97, 48, 4, 24, 0x13efaf456b3b6377U},
           {640, 480, 3, 224, 0xc142ca47f2c4de40U},
           {301, 225, 3, 224, 0x2e57b4d637543cd7U},
           {150, 449, 3, 224, 0x0efb91dd91e2e242U},
           {500, 500, 3, 1, 0x07653a03709e8814U},
           {1, 20000, 3, 4, 0x5f5ce69642ab509dU},
           {20000, 1, 3, 4, 0xae3e806ec56507b5U},
           {2000, 700, 3, 3, 0x62e1aa76f70717f2U},
           {700, 2000, 1, 3, 0x2f60bf551b0ed226U},
       }) {
    const Image picture = noise(golden.width, golden.height, golden.channels);
    const Tensor y = preprocessed(picture, golden.size);
    EXPECT_EQ(test::checksum(y.view()), golden.checksum)
        << golden.width << "×" << golden.height << "×" << golden.channels << " to " << golden.size;
  }
}

TEST(Preprocess, KeepsThePixelsOfAPictureOfItsSize) {
  const Image picture = noise(13, 13, 3);
  const Tensor y = preprocessed(picture, 13);
  for (std::size_t i = 0; i < picture.values.size(); ++i) {
    const float unit = static_cast<float>(picture.values[i]) / 255.0F;
    ASSERT_EQ(y.values()[i], (unit - kClip.mean[i % 3]) / kClip.std[i % 3]);
  }
}

TEST(Preprocess, WritesToOneImageOfABatchAndToASlice) {
  const Image picture = noise(40, 30, 3);
  const Tensor expected = preprocessed(picture, 16);
  Context ctx({.threads = 1});
  Preprocessing p = kClip;
  p.size = 16;
  test::Sliced batch({2, 16, 16, 3});
  preprocess(picture, p, batch.view().image(1), ctx);
  EXPECT_EQ(test::checksum(batch.view().image(1)), test::checksum(expected.view()));
  EXPECT_TRUE(std::isnan(*batch.view().pixel(0, 15, 15)));
  EXPECT_TRUE(batch.margins_untouched());
}

TEST(Preprocess, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  Tensor y({1, 4, 4, 3});
  const auto error = [&](const Image& picture, const Preprocessing& p) {
    return test::error_of([&] { preprocess(picture, p, y.view(), ctx); });
  };
  const Image good = noise(5, 5, 3);
  EXPECT_EQ(error(good, {.size = 0}), "preprocess: expected a size of at least 1, got 0");
  EXPECT_EQ(error(good, {.size = 5}),
            "preprocess: expected an output of [n 1, h 5, w 5, c 3], got [n 1, h 4, w 4, c 3]");
  EXPECT_EQ(error(good, {.size = 4, .std = {1, 0, 1}}),
            "preprocess: expected standard deviations above 0, got 0");
  EXPECT_EQ(error(good, {.size = 4, .std = {1, 1, std::numeric_limits<float>::quiet_NaN()}}),
            "preprocess: expected standard deviations above 0, got nan");
  EXPECT_EQ(error({.width = 0, .height = 4, .channels = 3, .bits = 8, .values = {}}, {.size = 4}),
            "preprocess: expected a picture, got one of 0×4 pixels");
  Image short_of_one = good;
  short_of_one.values.pop_back();
  EXPECT_EQ(error(short_of_one, {.size = 4}),
            "image: expected 75 values for 5×5 pixels of 3 channels, got 74");
}

TEST(PillowResize, WithinRoundingOfTheExactSums) {
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    const std::int64_t w = random.integer(1, 90);
    const std::int64_t h = random.integer(1, 90);
    const ResizedPart part = whole(random.integer(1, 60), random.integer(1, 60));
    SCOPED_TRACE(testing::Message() << w << "×" << h << " to " << part.width << "×" << part.height);
    const Image picture = mild_noise(w, h, random);
    const ResizeReference exact =
        ResizeReference{{picture.values.begin(), picture.values.end()}, h, w}.resized(part.height,
                                                                                      part.width);
    const std::vector<std::uint8_t> rgb = resized(picture, part);
    // Half a level is lost at the end and half between the passes, which the second multiplies with
    // the sum of its absolute weights, at most 1.3. Weights that are off by 2⁻²³ each, 90 of them
    // at the most, are off by less than 0.01 in sum.
    constexpr double kBound = 0.5 + 1.3 * 0.5 + 0.01;
    for (std::size_t k = 0; k < rgb.size(); ++k) {
      ASSERT_NEAR(rgb[k], exact.values[k / 3], kBound);
    }
  }
}

TEST(PillowResize, GrayIsRepeatedAlphaIgnoredAnd16BitsCut) {
  for (const auto& [width, height] : {std::pair{37, 23}, {23, 64}}) {
    const Image rgba = noise(width, height, 4);
    Image rgb{.width = width, .height = height, .channels = 3, .bits = 8, .values = {}};
    Image gray{.width = width, .height = height, .channels = 1, .bits = 8, .values = {}};
    Image gray_alpha = noise(width, height, 2);
    Image deep = noise(width, height, 4, 2);
    Image repeated = rgb;
    deep.bits = 16;
    for (std::size_t pixel = 0; pixel < rgba.values.size() / 4; ++pixel) {
      for (std::size_t c = 0; c < 3; ++c) {
        rgb.values.push_back(rgba.values[4 * pixel + c]);
        repeated.values.push_back(gray_alpha.values[2 * pixel]);
      }
      gray.values.push_back(gray_alpha.values[2 * pixel]);
    }
    for (std::size_t i = 0; i < deep.values.size(); ++i) {
      deep.values[i] = static_cast<std::uint16_t>(256 * rgba.values[i] + deep.values[i]);
    }
    const ResizedPart part = whole(20, 11);
    EXPECT_EQ(resized(rgba, part), resized(rgb, part));
    EXPECT_EQ(resized(deep, part), resized(rgb, part));
    EXPECT_EQ(resized(gray, part), resized(repeated, part));
    EXPECT_EQ(resized(gray_alpha, part), resized(repeated, part));
  }
}

TEST(PillowResize, APartIsThatOfTheWhole) {
  for (const auto& [width, height] : {std::pair{50, 31}, {20, 90}, {7, 5}}) {
    const Image picture = noise(width, height, 3);
    const std::vector<std::uint8_t> all = resized(picture, whole(24, 17));
    const ResizedPart part{
        .height = 24, .width = 17, .top = 5, .left = 3, .rows = 11, .columns = 9};
    const std::vector<std::uint8_t> some = resized(picture, part);
    for (std::int64_t y = 0; y < part.rows; ++y) {
      const auto from = all.begin() + 3 * ((part.top + y) * part.width + part.left);
      const auto row = some.begin() + 3 * y * part.columns;
      EXPECT_TRUE(std::equal(row, row + 3 * part.columns, from)) << "row " << y;
    }
  }
}

TEST(PillowResize, ThreadsDoNotChangeBits) {
  for (const auto& [width, height] : {std::pair{320, 200}, {90, 400}, {3, 3}}) {
    const Image picture = noise(width, height, 3);
    const ResizedPart part = whole(70, 50);
    const std::vector<std::uint8_t> one = resized(picture, part, 1);
    EXPECT_EQ(resized(picture, part, 2), one);
    EXPECT_EQ(resized(picture, part, 5), one);
  }
}

TEST(PillowResize, ALongPictureTakesLittleMemory) {
  constexpr std::int64_t kLong = 1'000'000;
  for (const auto& [width, height] : {std::pair{kLong, std::int64_t{1}}, {1, kLong}}) {
    const Image picture = image_of(width, height, 1, [](auto) { return 77; });
    Context ctx({.threads = 1});
    Preprocessing p = kClip;
    Tensor y({1, p.size, p.size, 3});
    // Resized as a whole it would have 224 × 224 million pixels.
    preprocess(picture, p, y.view(), ctx);
    EXPECT_LT(ctx.arena().peak_bytes(), 1 << 20);
    const Tensor expected = preprocessed(image_of(1, 1, 1, [](auto) { return 77; }), p.size);
    EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()));
  }
}

TEST(PillowResize, ExtremesOfNoiseAreClamped) {
  // Black and white pixels in turn overshoot on either side when the picture grows.
  const Image picture = image_of(8, 8, 1, [](std::int64_t i) { return i % 2 == 0 ? 0 : 255; });
  const std::vector<std::uint8_t> rgb = resized(picture, whole(37, 61));
  EXPECT_EQ(std::ranges::min(rgb), 0);
  EXPECT_EQ(std::ranges::max(rgb), 255);
}

TEST(PillowResize, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Image picture = noise(5, 4, 3);
  std::vector<std::uint8_t> rgb(std::size_t{3} * 6 * 6);
  const auto error = [&](const Image& image, const ResizedPart& part) {
    return test::error_of([&] { pillow_resize(image, part, rgb, ctx); });
  };
  EXPECT_EQ(error(picture, whole(6, 6)), "nothing thrown");
  EXPECT_EQ(error(picture, whole(6, 7)), "pillow_resize: expected room for 126 values, got 108");
  EXPECT_EQ(error(picture, whole(0, 6)),
            "pillow_resize: height: expected a part within 0 pixels, got 0 from 0");
  EXPECT_EQ(error(picture, {.height = 9, .width = 9, .left = 4, .rows = 6, .columns = 6}),
            "pillow_resize: width: expected a part within 9 pixels, got 6 from 4");
  EXPECT_EQ(error(picture, {.height = 9, .width = 9, .top = -1, .rows = 6, .columns = 6}),
            "pillow_resize: height: expected a part within 9 pixels, got 6 from -1");
  EXPECT_EQ(error({.width = 0, .height = 0, .channels = 3, .bits = 8, .values = {}}, whole(6, 6)),
            "pillow_resize: expected a picture, got one of 0×0 pixels");
  Image too_bright = picture;
  too_bright.values[7] = 256;
  EXPECT_EQ(error(too_bright, whole(6, 6)), "image: expected values up to 255, got 256");
}

}  // namespace
}  // namespace hewn
