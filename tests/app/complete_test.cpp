// What `hewn complete` writes and refuses.
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/app/program.h"
#include "tests/support/completion_weights.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Arguments;
using test::complained;
using test::joined;
using test::kFailure;
using test::kUsage;
using test::Outcome;
using test::run_hewn;
using test::values;
/// Whether a pixel is missing.
using Hole = std::function<bool(std::int64_t y, std::int64_t x)>;

// Neither side is a multiple of 4.
constexpr std::int64_t kWidth = 33;
constexpr std::int64_t kHeight = 26;

Image random_picture(std::int64_t channels, int bits, std::int64_t width = kWidth,
                     std::int64_t height = kHeight) {
  Image image{.width = width, .height = height, .channels = channels, .bits = bits, .values = {}};
  test::Random random(1);
  for (std::int64_t i = 0; i < width * height * channels; ++i) {
    image.values.push_back(static_cast<std::uint16_t>(random.integer(0, (1 << bits) - 1)));
  }
  return image;
}

/// A gray picture, a little lighter than half in the hole and a little darker elsewhere.
Image mask_picture(const Hole& hole, std::int64_t width = kWidth, std::int64_t height = kHeight) {
  Image image{.width = width, .height = height, .channels = 1, .bits = 8, .values = {}};
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) image.values.push_back(hole(y, x) ? 128 : 127);
  }
  return image;
}

/// Whether `after` is `before` to the bit where nothing is missing, and elsewhere opaque and mostly
/// something else.
testing::AssertionResult is_completed(const Image& before, const Image& after, const Hole& hole) {
  if (after.width != before.width || after.height != before.height ||
      after.channels != before.channels || after.bits != before.bits) {
    return testing::AssertionFailure() << "another kind of picture";
  }
  const auto channels = static_cast<std::size_t>(before.channels);
  std::int64_t missing = 0;
  std::int64_t changed = 0;
  for (std::int64_t y = 0; y < before.height; ++y) {
    for (std::int64_t x = 0; x < before.width; ++x) {
      const auto at = static_cast<std::size_t>(y * before.width + x) * channels;
      const bool same =
          std::equal(before.values.begin() + static_cast<std::ptrdiff_t>(at),
                     before.values.begin() + static_cast<std::ptrdiff_t>(at + channels),
                     after.values.begin() + static_cast<std::ptrdiff_t>(at));
      if (!hole(y, x)) {
        if (same) continue;
        return testing::AssertionFailure() << "pixel " << y << ", " << x << " has changed";
      }
      ++missing;
      changed += same ? 0 : 1;
      if (channels % 2 == 0 && after.values[at + channels - 1] != (1 << after.bits) - 1) {
        return testing::AssertionFailure() << "pixel " << y << ", " << x << " is not opaque";
      }
    }
  }
  if (missing > 0 && 2 * changed > missing) return testing::AssertionSuccess();
  return testing::AssertionFailure() << changed << " of " << missing << " pixels have changed";
}

/// What blending promises in the block less three pixels on each side: the differences of `blended`
/// to its neighbours add up to those of `raw` (Pérez, Gangnet and Blake, 2003, equation 7).
void expect_equations(const std::vector<float>& raw, const std::vector<float>& blended) {
  const auto at = [](const std::vector<float>& picture, auto c, auto y, auto x) -> double {
    return picture[static_cast<std::size_t>((c * kHeight + y) * kWidth + x)];
  };
  const auto laplacian = [&](const std::vector<float>& of, auto c, auto y, auto x) {
    return 4 * at(of, c, y, x) - at(of, c, y - 1, x) - at(of, c, y + 1, x) - at(of, c, y, x - 1) -
           at(of, c, y, x + 1);
  };
  // Solved in double, then rounded to float: half an ulp of four times a value and of four others.
  // The ninth is far more than the roundings in double come to.
  const double tolerance =
      9 * 0x1p-24 *
      std::abs(*std::ranges::max_element(blended, {}, [](float v) { return std::abs(v); }));
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::int64_t y = 9; y < 15; ++y) {
      for (std::int64_t x = 11; x < 21; ++x) {
        ASSERT_NEAR(laplacian(blended, c, y, x), laplacian(raw, c, y, x), tolerance)
            << c << ", " << y << ", " << x;
      }
    }
  }
}

class CompleteCommand : public testing::Test {
 protected:
  CompleteCommand() { write_png(picture_, random_picture(3, 8)); }

  static Outcome run(const Arguments& more, const test::RunOptions& options = {}) {
    // The weights of direct convolutions take the least time to pack.
    return run_hewn(joined({"complete", "--random-weights", "1", "--precise"}, more), options);
  }

  /// Runs on the picture, and expects it to end well and to say nothing.
  void expect_run(const Arguments& more) const {
    EXPECT_TRUE(silent(run(joined({picture_, "--quiet"}, more))));
  }

  /// Runs on a picture of another kind, and expects it to be completed.
  void expect_completed(const Image& image, const Arguments& more, const Hole& hole) const {
    write_png(picture_, image);
    expect_run(joined({"--out", out_}, more));
    EXPECT_TRUE(is_completed(image, read_image(out_), hole));
  }

  /// Runs on the picture, and expects a complaint.
  testing::AssertionResult refused(const Arguments& more, int status,
                                   const std::string& part) const {
    return complained(run(joined({picture_, "--quiet"}, more)), status, part);
  }

  std::string write_mask(const Hole& hole) const {
    write_png(folder_.file("mask.png"), mask_picture(hole));
    return folder_.file("mask.png");
  }

  test::Folder folder_;
  std::string picture_ = folder_.file("picture.png");
  std::string out_ = folder_.file("out.png");
};

bool in_block(std::int64_t y, std::int64_t x) { return y >= 6 && y < 18 && x >= 8 && x < 24; }
const Arguments kBlock{"--rect", "8,6,16,12"};

Arguments block_and(const Arguments& more) { return joined(kBlock, more); }

TEST_F(CompleteCommand, KeepsWhatIsKnownToTheBitByAMask) {
  const Hole hole = [](auto y, auto x) { return (y + 2 * x) % 7 == 0 || in_block(y, x); };
  expect_completed(random_picture(3, 8), {"--mask", write_mask(hole)}, hole);
}

TEST_F(CompleteCommand, KeepsWhatIsKnownToTheBitByAnInvertedMaskIn16Bits) {
  const Hole known = [](auto y, auto x) { return x < 12 || y == 20; };
  expect_completed(random_picture(4, 16),
                   {"--mask", write_mask(known), "--invert-mask", "--postprocess", "poisson"},
                   [&](auto y, auto x) { return !known(y, x); });
  expect_completed(random_picture(3, 16), block_and({"--postprocess", "poisson"}), in_block);
}

TEST_F(CompleteCommand, KeepsWhatIsKnownToTheBitByRectangles) {
  expect_completed(random_picture(1, 8),
                   {"--rect", "0,24,33,2", "--rect", "8,6,16,12", "--postprocess", "none"},
                   [](auto y, auto x) { return y >= 24 || in_block(y, x); });
}

TEST_F(CompleteCommand, KeepsWhatIsKnownToTheBitByAlpha) {
  const Image image = random_picture(2, 8);
  const auto alpha = [&](std::int64_t y, std::int64_t x) {
    return image.values[static_cast<std::size_t>(y * kWidth + x) * 2 + 1];
  };
  expect_completed(image, {"--postprocess", "fmm"},
                   [&](auto y, auto x) { return alpha(y, x) < 128; });
  expect_completed(image, {"--invert-mask"}, [&](auto y, auto x) { return alpha(y, x) >= 128; });
}

TEST_F(CompleteCommand, WithoutAHoleGivesThePictureBack) {
  const std::string mask = write_mask([](auto, auto) { return false; });
  const Outcome outcome = run({picture_, "--mask", mask, "--out", out_, "--score"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(read_image(out_).values, random_picture(3, 8).values);
  EXPECT_NE(outcome.out.find("0 of them missing (0.0%)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("nothing is missing, so there is nothing to score"),
            std::string::npos);
}

TEST_F(CompleteCommand, FilesHoldWhatTheDumpHas) {
  const std::string dump = folder_.file("dump.safetensors");
  const std::string drawing = folder_.file("sheet.png");
  const std::string report = folder_.file("report.json");
  expect_run(
      block_and({"--dump", dump, "--out", out_, "--draw", drawing, "--json", report, "--score"}));
  const SafetensorsFile file(dump);
  EXPECT_EQ(file.tensors().size(), 3U);
  const Shape shape{1, 3, kHeight, kWidth};
  for (const char* name : {"raw", "blended", "completed"}) EXPECT_EQ(file.at(name).shape, shape);

  const Image before = random_picture(3, 8);
  const Image after = read_image(out_);
  const Image sheet = read_image(drawing);
  EXPECT_EQ(sheet.width, 3 * kWidth + 16);
  EXPECT_EQ(sheet.height, kHeight);
  const std::vector<float> completed = values(file, "completed");
  const std::vector<float> blended = values(file, "blended");
  for (std::int64_t y = 0; y < kHeight; ++y) {
    for (std::int64_t x = 0; x < kWidth; ++x) {
      for (std::int64_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>((y * kWidth + x) * 3 + c);
        const auto in_dump = static_cast<std::size_t>((c * kHeight + y) * kWidth + x);
        ASSERT_EQ(after.values[at], std::lround(255 * completed[in_dump]));
        if (in_block(y, x)) {
          ASSERT_EQ(completed[in_dump], std::clamp(blended[in_dump], 0.0F, 1.0F));
        }
        const auto on_sheet = [&](std::int64_t left) {
          return sheet.values[static_cast<std::size_t>((y * sheet.width + left + x) * 3 + c)];
        };
        ASSERT_EQ(on_sheet(0), before.values[at]);
        ASSERT_EQ(on_sheet(2 * (kWidth + 8)), after.values[at]);
      }
    }
  }

  const json said = test::read_json(report);
  EXPECT_EQ(said["image"], picture_);
  EXPECT_EQ(said["weights"], "random, seed 1");
  EXPECT_EQ(said["width"], kWidth);
  EXPECT_EQ(said["height"], kHeight);
  EXPECT_EQ(said["missing"], 16 * 12);
  EXPECT_EQ(said["tiles"], 1);
  EXPECT_EQ(said["postprocess"], "both");
  // The hole less three pixels on each side.
  EXPECT_EQ(said["blending"]["unknowns"], 10 * 6);
  EXPECT_EQ(said["blending"]["iterations"], 0);  // so few are factorised
  // The eigenvalues of 6 × 10 equations with all their neighbours known lie between 0.27 and 8. A
  // factorisation makes at most 3 × 60 roundings to double in each of a row's at most 21 numbers,
  // and the solution is at most |b| / 0.27 long.
  EXPECT_LT(said["blending"]["relative_residual"], 3 * 60 * 21 * 0x1p-53 * 8 / 0.27);
  expect_equations(values(file, "raw"), blended);
  EXPECT_GT(said["score"]["probability"], 0);
  EXPECT_LT(said["score"]["probability"], 1);
  // The largest square there is, around the hole's middle column.
  EXPECT_EQ(said["score"]["window"],
            json({{"x", 3}, {"y", 0}, {"width", kHeight}, {"height", kHeight}}));
}

TEST_F(CompleteCommand, WithoutBlendingTheResultIsTheNetworksOwn) {
  const std::string dump = folder_.file("dump.safetensors");
  const std::string trace = folder_.file("trace.safetensors");
  expect_run(block_and({"--dump", dump, "--trace", trace, "--postprocess", "none"}));
  const SafetensorsFile file(dump);
  EXPECT_EQ(file.find("blended"), nullptr);
  const std::vector<float> raw = values(file, "raw");
  const std::vector<float> completed = values(file, "completed");
  const Image before = random_picture(3, 8);
  for (std::int64_t i = 0; i < std::ssize(raw); ++i) {
    const std::int64_t x = i % kWidth;
    const std::int64_t y = i / kWidth % kHeight;
    const std::int64_t c = i / (kWidth * kHeight);
    const auto at = static_cast<std::size_t>(i);
    const float known =
        static_cast<float>(before.values[static_cast<std::size_t>((y * kWidth + x) * 3 + c)]) /
        255.0F;
    ASSERT_EQ(completed[at], in_block(y, x) ? raw[at] : known);
    ASSERT_NE(raw[at], known);  // it is the network's everywhere
  }

  const SafetensorsFile layers(trace);
  EXPECT_EQ(layers.tensors().size(), 18U);
  EXPECT_EQ(layers.at("input").shape, Shape({1, 4, 28, 36}));
  EXPECT_EQ(layers.at("conv1").shape, Shape({1, 64, 28, 36}));
  EXPECT_EQ(layers.at("conv10").shape, Shape({1, 256, 7, 9}));
  EXPECT_EQ(layers.at("deconv13").shape, Shape({1, 128, 14, 18}));
  EXPECT_EQ(layers.at("conv17").shape, Shape({1, 3, 28, 36}));
}

TEST_F(CompleteCommand, SummaryForPeople) {
  write_png(picture_, random_picture(3, 8, 400, 5));
  const Outcome outcome = run_hewn(
      {"complete", picture_, "--random-weights", "1", "--rect", "0,0,2,5", "--rect", "398,4,2,1"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out,
            picture_ + ": 400 × 5 pixels, 12 of them missing (0.6%), painted in 2 tiles\n");
  EXPECT_EQ(outcome.err,
            "hewn: note: the weights are random (seed 1); the result will be meaningless\n");
}

TEST_F(CompleteCommand, ProgressIsForTerminals) {
  const Outcome outcome = run({picture_, "--rect", "8,6,16,12"}, {.terminal = true});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("80/100 blending"), std::string::npos) << outcome.err;
}

TEST_F(CompleteCommand, SaysWhenTheMemoryIsTooLittle) {
  const std::string old = folder_.write("old.png", "old");
  EXPECT_TRUE(refused(block_and({"--max-memory", "1", "--out", old}), kFailure,
                      "bytes of memory for its maps, got 1000000"));
  EXPECT_EQ(test::read_text(old), "old");
}

TEST_F(CompleteCommand, ScoresNeedDiscriminatorsInTheFile) {
  const std::string weights = folder_.file("weights.safetensors");
  const std::string old = folder_.write("old.png", "old");
  test::write_completion_file(weights, test::random_completion_tensors(4, 1).tensors);
  const Outcome outcome = run_hewn({"complete", picture_, "--rect", "0,0,8,8", "--weights", weights,
                                    "--precise", "--quiet", "--score", "--out", old});
  EXPECT_TRUE(complained(outcome, kFailure, weights + ": expected weights with discriminators"));
  EXPECT_EQ(test::read_text(old), "old");
}

TEST_F(CompleteCommand, RefusesWeightsOfAnotherNetwork) {
  const std::string weights = folder_.file("weights.safetensors");
  write_safetensors(weights, {}, {{"hewn.model", "raft"}});
  EXPECT_TRUE(complained(
      run_hewn({"complete", picture_, "--rect", "0,0,8,8", "--weights", weights}), kFailure,
      weights + ": expected the weights of a completion model, got those of a raft model"));
  EXPECT_TRUE(
      complained(run_hewn({"complete", picture_, "--rect", "0,0,8,8"}), kUsage, "--weights"));
}

TEST_F(CompleteCommand, RefusesHolesThatDoNotFit) {
  const std::string mask = folder_.file("mask.png");
  write_png(mask, mask_picture(in_block, kWidth, kHeight + 1));
  EXPECT_TRUE(
      refused({"--mask", mask}, kFailure,
              mask + ": expected a mask of 33 × 26 pixels, the picture's size, got 33 × 27"));
  const std::string text = folder_.write("text.png", "no picture");
  EXPECT_TRUE(refused({"--mask", text}, kFailure, text));
  EXPECT_TRUE(refused({"--mask", folder_.file("absent.png")}, kFailure, "absent.png"));
  for (const char* outside : {"33,0,1,1", "0,26,1,1", "0,0,34,1", "30,20,1,7",
                              "9223372036854775807,0,1,1", "1,1,9223372036854775807,1"}) {
    EXPECT_TRUE(refused({"--rect", outside}, kFailure,
                        std::string("--rect ") + outside + ": expected a rectangle inside of " +
                            picture_ + ", which has 33 × 26 pixels"));
  }
}

TEST_F(CompleteCommand, SaysWhatMakesNoSense) {
  EXPECT_TRUE(refused(
      {}, kUsage, "what is missing? Give --mask or --rect, or a picture with an alpha channel"));
  EXPECT_TRUE(refused({"--invert-mask"}, kUsage, "what is missing?"));
  EXPECT_TRUE(refused(block_and({"--mask", picture_}), kUsage, "--mask"));
  EXPECT_TRUE(refused(block_and({"--postprocess", "paste"}), kUsage, "--postprocess"));
  EXPECT_TRUE(refused(block_and({"--max-memory", "0"}), kUsage, "--max-memory"));
  for (const char* bad : {"",          "1,2,3",     "1,2,3,4,5",  "1,2,3,4x",
                          "a,b,c,d",   "1;2;3;4",   "-1,2,3,4",   "1,-2,3,4",
                          "1,2,0,4",   "1,2,3,0",   "1,2,3,-4",   "1.5,2,3,4",
                          "1e3,2,3,4", "0x1,2,3,4", "1,2,3,nan",  "1,2,3,99999999999999999999",
                          "1,,2,3,4",  ",1,2,3,4",  "1,2,\n3,4,", "%n,%n,%n,%n"}) {
    EXPECT_TRUE(refused({std::string("--rect=") + bad}, kUsage, "--rect")) << bad;
  }
}

TEST_F(CompleteCommand, OutputsMayNotBeInputs) {
  const std::string mask = write_mask(in_block);
  const std::string weights = folder_.write("weights.safetensors", "not really");
  const std::string before = test::read_text(picture_);
  EXPECT_TRUE(refused(block_and({"--out", picture_}), kFailure, "would overwrite the input"));
  EXPECT_TRUE(refused({"--mask", mask, "--draw", mask}, kFailure, "would overwrite the input"));
  EXPECT_TRUE(complained(run_hewn({"complete", picture_, "--rect", "0,0,8,8", "--weights", weights,
                                   "--dump", weights}),
                         kFailure, "would overwrite the input"));
  EXPECT_TRUE(refused(block_and({"--out", out_, "--draw", out_}), kFailure, "another output"));
  EXPECT_FALSE(fs::exists(out_));
  EXPECT_EQ(test::read_text(picture_), before);
}

}  // namespace
}  // namespace hewn
