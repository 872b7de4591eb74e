// What `hewn keypoints` writes.
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/app/program.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Arguments;
using test::joined;
using test::Outcome;
using test::picture_of_rectangles;
using test::read_json;
using test::run_hewn;
using test::values;

// Not multiples of 8: the heat map is 56 × 40.
constexpr std::int64_t kWidth = 61;
constexpr std::int64_t kHeight = 46;

class KeypointsCommand : public testing::Test {
 protected:
  KeypointsCommand() {
    write_png(first_, picture_of_rectangles(kWidth, kHeight, 1));
    write_png(second_, picture_of_rectangles(32, 24, 2));
  }

  static Outcome run(const Arguments& more, const test::RunOptions& options = {}) {
    return run_hewn(joined({"keypoints", "--random-weights", "7"}, more), options);
  }

  /// Runs on the first picture and returns the JSON that is printed.
  json keypoints(const Arguments& more) const {
    return printed_json(run(joined({first_, "--json", "-", "--quiet"}, more)));
  }

  test::Folder folder_;
  std::string first_ = folder_.file("first.png");
  std::string second_ = folder_.file("second.png");
};

TEST_F(KeypointsCommand, SummaryForPeople) {
  const Outcome outcome = run({first_, second_});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("first.png: 61 × 46 pixels, "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("second.png: 32 × 24 pixels, "), std::string::npos);
  EXPECT_NE(outcome.out.find("score"), std::string::npos);
  EXPECT_NE(outcome.err.find("the weights are random"), std::string::npos);
}

TEST_F(KeypointsCommand, QuietSaysNothing) { EXPECT_TRUE(silent(run({first_, "--quiet"}))); }

TEST_F(KeypointsCommand, JsonHasWhatTheDumpHas) {
  const std::string dump = folder_.file("dump.safetensors");
  const json document = keypoints({"--dump", dump, "--descriptors"});
  ASSERT_FALSE(document.is_discarded());
  const json& image = document["images"].at(0);
  EXPECT_EQ(image["file"], first_);
  EXPECT_EQ(image["width"], kWidth);
  EXPECT_EQ(image["height"], kHeight);
  const json& list = image["keypoints"];
  ASSERT_FALSE(list.empty());

  const SafetensorsFile file(dump);
  const auto count = static_cast<std::int64_t>(list.size());
  EXPECT_EQ(file.at("semi").shape, Shape({1, 65, 5, 7}));
  EXPECT_EQ(file.at("scores").shape, Shape({1, 40, 56}));
  EXPECT_EQ(file.at("descriptors").shape, Shape({1, 256, 5, 7}));
  EXPECT_EQ(file.at("keypoints").shape, Shape({count, 2}));
  EXPECT_EQ(file.at("keypoint_scores").shape, Shape({count}));
  EXPECT_EQ(file.at("keypoint_descriptors").shape, Shape({count, 256}));
  EXPECT_EQ(file.find("descriptors_full"), nullptr);

  const auto positions = values(file, "keypoints");
  const auto scores = values(file, "keypoint_scores");
  const auto heat = values(file, "scores");
  const auto descriptors = values(file, "keypoint_descriptors");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto x = list[i]["x"].get<float>();
    const auto y = list[i]["y"].get<float>();
    EXPECT_EQ(x, positions[2 * i]);
    EXPECT_EQ(y, positions[2 * i + 1]);
    EXPECT_EQ(list[i]["score"].get<float>(), scores[i]);
    EXPECT_EQ(scores[i], heat[static_cast<std::size_t>(y * 56 + x)]);
    EXPECT_TRUE(i == 0 || scores[i] <= scores[i - 1]);
    ASSERT_EQ(list[i]["descriptor"].size(), 256U);
    for (std::size_t c = 0; c < 256; ++c) {
      ASSERT_EQ(list[i]["descriptor"][c].get<float>(), descriptors[256 * i + c]);
    }
  }
}

TEST_F(KeypointsCommand, OptionsOfTheSelection) {
  const json all = keypoints({})["images"][0]["keypoints"];
  ASSERT_GT(all.size(), 3U);
  const json three = keypoints({"--max-keypoints", "3"})["images"][0]["keypoints"];
  EXPECT_EQ(three, json({all[0], all[1], all[2]}));
  EXPECT_TRUE(keypoints({"--max-keypoints", "0"})["images"][0]["keypoints"].empty());
  EXPECT_TRUE(keypoints({"--threshold", "1"})["images"][0]["keypoints"].empty());
  EXPECT_TRUE(keypoints({"--border", "100"})["images"][0]["keypoints"].empty());
  EXPECT_GT(keypoints({"--nms-radius", "1"})["images"][0]["keypoints"].size(), all.size());
  const auto threshold = all[2]["score"].get<double>();
  EXPECT_EQ(keypoints({"--threshold", std::to_string(threshold)})["images"][0]["keypoints"][0],
            all[0]);
  const json inner = keypoints({"--border", "12"})["images"][0]["keypoints"];
  EXPECT_FALSE(inner.empty());
  for (const json& keypoint : inner) {
    EXPECT_GE(keypoint["x"], 12);
    EXPECT_LT(keypoint["x"], 56 - 12);
    EXPECT_GE(keypoint["y"], 12);
    EXPECT_LT(keypoint["y"], 40 - 12);
  }
}

TEST_F(KeypointsCommand, SameBytesWithAnyNumberOfThreads) {
  const json one = keypoints({"--threads=1", "--descriptors"});
  EXPECT_EQ(keypoints({"--threads=2", "--descriptors"}), one);
  EXPECT_EQ(keypoints({"--threads=5", "--descriptors"}), one);
}

TEST_F(KeypointsCommand, DrawsAPictureOfTheSameSize) {
  const std::string drawing = folder_.file("drawing.png");
  ASSERT_EQ(run({first_, "--draw", drawing}).status, 0);
  const Image image = read_image(drawing);
  EXPECT_EQ(image.width, kWidth);
  EXPECT_EQ(image.height, kHeight);
  ASSERT_EQ(image.channels, 3);
  // The picture is gray; keypoints are not.
  std::size_t coloured = 0;
  for (std::size_t i = 0; i < image.values.size(); i += 3) {
    coloured += image.values[i] != image.values[i + 2] ? 1 : 0;
  }
  EXPECT_GT(coloured, 0U);
  EXPECT_LT(coloured, image.values.size() / 3);
}

TEST_F(KeypointsCommand, TraceHasTheInputAndEveryLayer) {
  const std::string trace = folder_.file("trace.safetensors");
  ASSERT_EQ(run({first_, "--trace", trace}).status, 0);
  const SafetensorsFile file(trace);
  EXPECT_EQ(file.at("input").shape, Shape({1, 1, kHeight, kWidth}));
  EXPECT_EQ(file.at("conv1a").shape, Shape({1, 64, kHeight, kWidth}));
  EXPECT_EQ(file.at("convPb").shape, Shape({1, 65, 5, 7}));
  const Image picture = picture_of_rectangles(kWidth, kHeight, 1);
  const auto input = values(file, "input");
  for (std::size_t i = 0; i < input.size(); ++i) {
    ASSERT_EQ(input[i], static_cast<float>(picture.values[i]) / 255.0F);
  }
}

TEST_F(KeypointsCommand, DenseDescriptorsOnRequest) {
  const std::string dump = folder_.file("dump.safetensors");
  ASSERT_EQ(run({first_, "--dump", dump, "--dense-descriptors"}).status, 0);
  EXPECT_EQ(SafetensorsFile(dump).at("descriptors_full").shape, Shape({1, 256, 40, 56}));
}

TEST_F(KeypointsCommand, SeveralPicturesKeepTheirNames) {
  const std::string dump = folder_.file("dump.safetensors");
  const std::string trace = folder_.file("trace.safetensors");
  const std::string json_file = folder_.file("out.json");
  ASSERT_EQ(run({first_, second_, "--dump", dump, "--trace", trace, "--json", json_file, "--draw",
                 folder_.file("out.png")})
                .status,
            0);
  EXPECT_EQ(folder_.listing(),
            Arguments({"dump.safetensors", "first.png", "out.json", "out_first.png",
                       "out_second.png", "second.png", "trace.safetensors"}));
  EXPECT_EQ(SafetensorsFile(dump).at("0.scores").shape, Shape({1, 40, 56}));
  EXPECT_EQ(SafetensorsFile(dump).at("1.scores").shape, Shape({1, 24, 32}));
  EXPECT_EQ(SafetensorsFile(trace).at("1.input").shape, Shape({1, 1, 24, 32}));
  const json document = read_json(json_file);
  ASSERT_EQ(document["images"].size(), 2U);
  EXPECT_EQ(document["images"][0]["keypoints"], keypoints({})["images"][0]["keypoints"]);
}

TEST_F(KeypointsCommand, OverwritesThroughALink) {
  const std::string target = folder_.write("target.json", "old");
  fs::create_symlink(target, folder_.file("link.json"));
  ASSERT_EQ(run({first_, "--json", folder_.file("link.json")}).status, 0);
  EXPECT_TRUE(fs::is_symlink(folder_.file("link.json")));
  EXPECT_TRUE(read_json(target).is_object());
}

TEST_F(KeypointsCommand, NamesThatAreNoUtf8GiveJsonAllTheSame) {
  const std::string strange = folder_.file("p\xff.png");
  fs::copy_file(first_, strange);
  const Outcome outcome = run({strange, "--json", "-"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(json::parse(outcome.out, nullptr, false).is_discarded());
}

TEST_F(KeypointsCommand, HomographicAdaptationFollowsItsSeed) {
  const auto adapted = [this](const char* seed) {
    return keypoints({"--homographic-adaptation", "3", "--seed", seed});
  };
  const json first = adapted("1");
  EXPECT_EQ(adapted("1"), first);
  EXPECT_NE(adapted("2"), first);
}

TEST_F(KeypointsCommand, ProgressIsForTerminalsOnly) {
  const Arguments arguments{second_, "--homographic-adaptation", "3"};
  EXPECT_EQ(run(arguments).err.find_first_of("\r\x1b"), std::string::npos);
  EXPECT_NE(run(arguments, {.terminal = true}).err.find("3/3"), std::string::npos);
  EXPECT_EQ(run(joined(arguments, {"--quiet"}), {.terminal = true}).err, "");
}

}  // namespace
}  // namespace hewn
