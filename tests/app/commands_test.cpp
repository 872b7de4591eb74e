// What `hewn match`, `inspect`, `cpu` and `bench` say and write.
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/isa/isa.h"
#include "hewn/runtime/pictures/image.h"

#include <string>
#include <vector>

#include "tests/app/program.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn {
namespace {

using nlohmann::json;
using test::Arguments;
using test::Folder;
using test::joined;
using test::Outcome;
using test::picture_of_rectangles;
using test::printed_json;
using test::run_hewn;

TEST(Match, APictureWithItselfIsTheIdentity) {
  const Folder folder;
  const std::string picture = folder.file("a.png");
  write_png(picture, picture_of_rectangles(96, 80, 3));
  const std::string drawing = folder.file("matches.png");
  const json found = printed_json(run_hewn({"match", picture, picture, "--random-weights", "1",
                                            "--quiet", "--json", "-", "--draw", drawing}));
  ASSERT_TRUE(found.is_object());
  const std::size_t keypoints = found["a"]["keypoints"].size();
  ASSERT_GT(keypoints, 10U);
  ASSERT_EQ(found["matches"].size(), keypoints);
  EXPECT_EQ(found["inliers"], keypoints);
  for (const json& match : found["matches"]) EXPECT_EQ(match["a"], match["b"]);
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      // Exact points: what is left is the rounding of an eigenvector in double, times the squared
      // size of the picture.
      EXPECT_NEAR(found["homography"][row][column].get<double>(), row == column ? 1 : 0, 1e-8);
    }
  }
  const Image image = read_image(drawing);
  EXPECT_GE(image.width, 2 * 96);
  EXPECT_EQ(image.height, 80);
}

TEST(Match, SaysWhenThereIsNoHomography) {
  const Folder folder;
  const std::string picture = folder.file("a.png");
  write_png(picture, picture_of_rectangles(96, 80, 3));
  const Arguments few{"match", picture,   picture,           "--random-weights",
                      "1",     "--quiet", "--max-keypoints", "3"};
  const json found =
      printed_json(run_hewn(joined(few, {"--json", "-", "--draw", folder.file("few.png")})));
  EXPECT_EQ(found["matches"].size(), 3U);
  EXPECT_TRUE(found["homography"].is_null());
  EXPECT_EQ(found["inliers"], 0);

  Arguments spoken = few;
  std::erase(spoken, "--quiet");
  const Outcome outcome = run_hewn(spoken);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("none: fewer than 4 matches"), std::string::npos) << outcome.out;
}

TEST(Match, RatioLeavesFewerMatches) {
  const Folder folder;
  write_png(folder.file("a.png"), picture_of_rectangles(96, 80, 3));
  write_png(folder.file("b.png"), picture_of_rectangles(96, 80, 4));
  const auto matches = [&](const char* ratio) {
    return printed_json(
               run_hewn({"match", folder.file("a.png"), folder.file("b.png"), "--random-weights",
                         "1", "--quiet", "--json", "-", "--ratio", ratio}))["matches"]
        .size();
  };
  EXPECT_GT(matches("1"), matches("0.8"));
}

TEST(Inspect, SaysWhatIsInTheFile) {
  const Folder folder;
  const std::vector<float> values(6, 1);
  const TensorToWrite tensor{
      .name = "conv.weight", .shape = Shape{2, 3}, .data = std::as_bytes(std::span(values))};
  const std::string file = folder.file("f.safetensors");
  write_safetensors(file, std::span(&tensor, 1),
                    {{"hewn.model", "superpoint"},
                     {"hewn.config", R"({"form": "magicpoint"})"},
                     {"author", "somebody"}});
  const Outcome outcome = run_hewn({"inspect", file});
  EXPECT_EQ(outcome.status, 0);
  for (const char* part : {"superpoint", "magicpoint", "somebody", "conv.weight", "2×3", "F32",
                           "24 bytes", "1 tensor, 6 numbers"}) {
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part << " in\n" << outcome.out;
  }
  const json document = printed_json(run_hewn({"inspect", file, "--json"}));
  EXPECT_EQ(document["model"], "superpoint");
  EXPECT_EQ(document["config"]["form"], "magicpoint");
  EXPECT_EQ(document["tensors"][0]["shape"], json({2, 3}));
  EXPECT_EQ(document["total_elements"], 6);
}

TEST(Cpu, SaysWhatIsChosenAndWhy) {
  const json best = printed_json(run_hewn({"cpu", "--json"}, {.environment = {"HEWN_ISA="}}));
  EXPECT_EQ(best["instruction_sets"].size(), isa_table().size());
  EXPECT_NE(best["why"].get<std::string>().find("best"), std::string::npos);
  const json forced =
      printed_json(run_hewn({"cpu", "--json"}, {.environment = {"HEWN_ISA=scalar"}}));
  EXPECT_EQ(forced["chosen"], "scalar");
  EXPECT_NE(forced["why"].get<std::string>().find("HEWN_ISA"), std::string::npos);

  const Outcome outcome = run_hewn({"cpu"});
  EXPECT_EQ(outcome.status, 0);
  for (const IsaInfo& info : isa_table()) {
    EXPECT_NE(outcome.out.find(info.name), std::string::npos) << info.name;
  }
}

const Arguments kBench{"bench",  "keypoints", "--random-weights", "1",
                       "--size", "24x32",     "--profile",        "--repeat"};

TEST(Bench, MeasuresEveryStage) {
  const json document = printed_json(run_hewn(joined(kBench, {"3", "--quiet", "--json", "-"})));
  EXPECT_EQ(document["height"], 24);
  EXPECT_EQ(document["width"], 32);
  for (const char* stage : {"network", "selection", "sampling", "total"}) {
    const double least = document[stage]["min_seconds"].get<double>();
    EXPECT_GE(least, 0) << stage;
    EXPECT_GE(document[stage]["median_seconds"].get<double>(), least) << stage;
  }
  EXPECT_FALSE(document["layers"].empty());
  EXPECT_GT(document["peak_resident_bytes"].get<std::int64_t>(), 0);
}

TEST(Bench, PrintsTables) {
  const Outcome outcome = run_hewn(joined(kBench, {"1", "--quiet"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "");
  const Outcome spoken = run_hewn(joined(kBench, {"1"}));
  for (const char* part : {"median ms", "network", "GFLOP/s", "conv1b", "peak memory"}) {
    EXPECT_NE(spoken.out.find(part), std::string::npos) << part << " in\n" << spoken.out;
  }
}

}  // namespace
}  // namespace hewn
