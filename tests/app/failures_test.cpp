// What goes wrong with files: status 1, one line, and nothing overwritten.
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tests/app/program.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

namespace fs = std::filesystem;
using test::Arguments;
using test::complained;
using test::joined;
using test::kFailure;
using test::Outcome;
using test::picture_of_rectangles;
using test::read_text;
using test::run_hewn;

class Failures : public testing::Test {
 protected:
  Failures() { write_png(good_, picture_of_rectangles(48, 40, 1)); }

  /// Runs `hewn keypoints` on random weights, with every kind of output, over files that exist.
  Outcome keypoints_over_old_files(const Arguments& images) const {
    Arguments outputs;
    for (const char* option : {"--json", "--draw", "--dump", "--trace"}) {
      outputs = joined(outputs, {option, folder_.write(std::string("old") + option, "old")});
    }
    return run_on_random(joined(images, outputs));
  }

  /// Runs `hewn keypoints` on random weights.
  static Outcome run_on_random(const Arguments& more, const test::RunOptions& options = {}) {
    return run_hewn(joined({"keypoints", "--random-weights", "1", "--quiet"}, more), options);
  }

  /// Whether the old files are as they were, and no temporary file lies beside them.
  testing::AssertionResult nothing_overwritten() const {
    for (const std::string& name : folder_.listing()) {
      const bool old = name.starts_with("old--");
      if (old && read_text(folder_.file(name)) != "old") {
        return testing::AssertionFailure() << name << " was overwritten";
      }
      if (name.starts_with(".")) return testing::AssertionFailure() << name << " was left";
    }
    return testing::AssertionSuccess();
  }

  test::Folder folder_;
  std::string good_ = folder_.file("good.png");
};

TEST_F(Failures, PicturesThatAreNone) {
  write_png(folder_.file("one.png"), {.width = 1, .height = 1, .channels = 1, .values = {7}});
  write_png(folder_.file("thin.png"), picture_of_rectangles(64, 7, 2));
  const std::string png = read_text(good_);
  fs::create_directory(folder_.file("folder.png"));
  const std::vector<std::string> pictures{
      folder_.file("absent.png"),
      folder_.file("folder.png"),
      folder_.file("one.png"),
      folder_.file("thin.png"),
      folder_.write("empty.png", ""),
      folder_.write("text.png", "this is a text\n"),
      folder_.write("zero.pgm", "P5\n0 0\n255\n"),
      folder_.write("half.png", png.substr(0, png.size() / 2)),
      folder_.write("huge.pgm", "P5\n1000000 1000000\n255\n\x01"),
  };
  for (const std::string& picture : pictures) {
    // The good picture first: its outputs, too, must not appear.
    EXPECT_TRUE(complained(keypoints_over_old_files({good_, picture}), kFailure, picture));
    EXPECT_TRUE(nothing_overwritten());
    EXPECT_TRUE(complained(run_hewn({"match", good_, picture, "--random-weights", "1", "--quiet"}),
                           kFailure, picture));
  }
}

TEST_F(Failures, SmallPicturesSayWhatIsExpected) {
  write_png(folder_.file("one.png"), {.width = 1, .height = 1, .channels = 1, .values = {7}});
  EXPECT_TRUE(complained(keypoints_over_old_files({folder_.file("one.png")}), kFailure,
                         "expected a picture of at least 8 × 8 pixels, got 1 × 1"));
}

TEST_F(Failures, WeightsThatAreNone) {
  const std::vector<float> values{1, 2};
  const TensorToWrite tensor{
      .name = "a", .shape = Shape{2}, .data = std::as_bytes(std::span(values))};
  write_safetensors(folder_.file("other.safetensors"), std::span(&tensor, 1),
                    {{"hewn.model", "other"}});
  write_safetensors(folder_.file("plain.safetensors"), std::span(&tensor, 1));
  for (const std::string& weights :
       {folder_.file("absent"), folder_.path().string(), folder_.write("empty", ""),
        folder_.write("text", "this is a text, and no safetensors file"),
        folder_.file("other.safetensors"), folder_.file("plain.safetensors"), good_}) {
    EXPECT_TRUE(
        complained(run_hewn({"keypoints", good_, "--weights", weights}), kFailure, weights));
    EXPECT_TRUE(
        complained(run_hewn({"match", good_, good_, "--weights", weights}), kFailure, weights));
    EXPECT_TRUE(
        complained(run_hewn({"bench", "keypoints", "--weights", weights}), kFailure, weights));
  }
}

TEST_F(Failures, InspectingWhatIsNoSafetensorsFile) {
  for (const std::string& file :
       {folder_.file("absent"), folder_.path().string(), folder_.write("empty", ""), good_}) {
    EXPECT_TRUE(complained(run_hewn({"inspect", file}), kFailure, file));
  }
}

/// MagicPoint, the form without descriptors, with all weights zero.
void write_magicpoint(const fs::path& path) {
  struct Layer {
    std::string name;
    std::int64_t out, in, kernel;
  };
  const std::vector<Layer> layers{{"conv1a", 64, 1, 3},    {"conv1b", 64, 64, 3},
                                  {"conv2a", 64, 64, 3},   {"conv2b", 64, 64, 3},
                                  {"conv3a", 128, 64, 3},  {"conv3b", 128, 128, 3},
                                  {"conv4a", 128, 128, 3}, {"conv4b", 128, 128, 3},
                                  {"convPa", 256, 128, 3}, {"convPb", 65, 256, 1}};
  const std::vector<float> zeros(256 * 128 * 3 * 3);
  const auto bytes = std::as_bytes(std::span(zeros));
  std::vector<TensorToWrite> tensors;
  const auto add = [&](const std::string& name, const Shape& shape) {
    const auto size = static_cast<std::size_t>(shape.count()) * sizeof(float);
    tensors.push_back({.name = name, .shape = shape, .data = bytes.first(size)});
  };
  for (const Layer& layer : layers) {
    add(layer.name + ".weight", {layer.out, layer.in, layer.kernel, layer.kernel});
    add(layer.name + ".bias", {layer.out});
  }
  write_safetensors(path, tensors,
                    {{"hewn.format", "1"},
                     {"hewn.model", "superpoint"},
                     {"hewn.config", R"({"form": "magicpoint", "descriptor_sampling": "none"})"}});
}

TEST_F(Failures, DescriptorsThatTheWeightsDoNotHave) {
  const std::string weights = folder_.file("magicpoint.safetensors");
  write_magicpoint(weights);
  const std::string dump = folder_.file("dump.safetensors");
  for (const Arguments& arguments :
       {Arguments{"match", good_, good_, "--weights", weights},
        Arguments{"keypoints", good_, "--weights", weights, "--json", "-", "--descriptors"},
        Arguments{"keypoints", good_, "--weights", weights, "--dump", dump,
                  "--dense-descriptors"}}) {
    EXPECT_TRUE(complained(run_hewn(arguments), kFailure, "'magicpoint' have none"));
  }
  EXPECT_FALSE(fs::exists(dump));

  const Outcome outcome = run_hewn({"keypoints", good_, "--weights", weights, "--dump", dump});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const SafetensorsFile file(dump);
  EXPECT_NE(file.find("scores"), nullptr);
  EXPECT_EQ(file.find("descriptors"), nullptr);
  EXPECT_EQ(file.find("keypoint_descriptors"), nullptr);
}

TEST_F(Failures, OutputsThatCannotBe) {
  fs::create_directory(folder_.file("folder"));
  const std::string input = read_text(good_);
  const std::vector<std::string> targets{folder_.file("absent/out"),
                                         folder_.file("folder"),
                                         "/dev/null",
                                         "/proc/hewn-out",
                                         good_,
                                         good_ + "/out",
                                         folder_.file("folder/../good.png"),
                                         folder_.file(std::string(300, 'x'))};
  for (const std::string& target : targets) {
    for (const char* option : {"--json", "--draw", "--dump", "--trace"}) {
      EXPECT_TRUE(complained(run_on_random({good_, option, target}), kFailure, target));
    }
    EXPECT_TRUE(complained(
        run_hewn({"match", good_, good_, "--random-weights", "1", "--quiet", "--draw", target}),
        kFailure, target));
  }
  EXPECT_EQ(read_text(good_), input);
  EXPECT_TRUE(nothing_overwritten());
}

TEST_F(Failures, AnOutputMayNotBeTheWeightsOrAnotherOutput) {
  const std::string weights = folder_.write("weights.safetensors", "not really");
  EXPECT_TRUE(complained(run_hewn({"keypoints", good_, "--weights", weights, "--json", weights}),
                         kFailure, "would overwrite the input"));
  fs::create_symlink(good_, folder_.file("link.png"));
  EXPECT_TRUE(complained(run_on_random({good_, "--draw", folder_.file("link.png")}), kFailure,
                         "would overwrite the input"));
  const std::string out = folder_.file("out");
  EXPECT_TRUE(
      complained(run_on_random({good_, "--json", out, "--dump", out}), kFailure, "another output"));
  // Two pictures of one name would be drawn to one file.
  fs::create_directory(folder_.file("folder"));
  fs::copy_file(good_, folder_.file("folder/good.png"));
  EXPECT_TRUE(complained(run_on_random({good_, folder_.file("folder/good.png"), "--draw", out}),
                         kFailure, "another output"));
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(Failures, StandardOutputThatIsFull) {
  for (const Arguments& arguments :
       {Arguments{"keypoints", good_, "--random-weights", "1", "--quiet", "--json", "-", "--draw",
                  folder_.write("old--draw", "old")},
        Arguments{"cpu"}, Arguments{"cpu", "--json"}}) {
    const Outcome outcome = run_hewn(arguments, {.standard_output = "/dev/full"});
    EXPECT_TRUE(complained(outcome, kFailure, "standard output: cannot be written"));
  }
  EXPECT_TRUE(nothing_overwritten());
}

TEST_F(Failures, UnknownInstructionSets) {
  for (const Arguments& arguments :
       {Arguments{"cpu"}, Arguments{"keypoints", good_, "--random-weights", "1", "--quiet"}}) {
    const Outcome outcome = run_hewn(arguments, {.environment = {"HEWN_ISA=mmx"}});
    EXPECT_TRUE(complained(outcome, kFailure, "mmx"));
    EXPECT_NE(outcome.err.find("scalar"), std::string::npos) << outcome.err;
  }
}

}  // namespace
}  // namespace hewn
