// The weights in the repository (docs/weights.md), run on its pictures as `make demo` does.
// Label: weights
#include "hewn/models/tasks/optical_flow/flow_file.h"
#include "hewn/runtime/pictures/image.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/app/program.h"
#include "tests/support/data_folder.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn {
namespace {

using nlohmann::json;
using test::Folder;
using test::Outcome;
using test::read_json;
using test::run_hewn;

const std::string kRoot = test::data_folder().string() + "/../../";
const std::string kPictures = kRoot + "docs/pictures/";

// The true motion of the pair at places of the face and of the table behind it, which differ by 17
// pixels: weights_tools.train.motion, demonstration().
struct Motion {
  std::int64_t x;
  std::int64_t y;
  double dx;
  double dy;
};
constexpr std::array<Motion, 5> kMotions{{{240, 180, -14.580, -0.725},
                                          {180, 220, -16.089, -1.794},
                                          {320, 180, -13.683, -0.909},
                                          {30, 30, 2.333, 2.885},
                                          {440, 280, 1.079, -1.730}}};

TEST(OwnWeights, FlowTellsTheFaceFromTheTable) {
  const Folder folder;
  const Outcome outcome = run_hewn({"flow", kPictures + "flow_1.png", kPictures + "flow_2.png",
                                    "--weights", kRoot + "models/raft/raft_small.safetensors",
                                    "--out", folder.file("flow.flo"), "--quiet"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const FlowField found = read_flo(folder.file("flow.flo"));
  for (const Motion& motion : kMotions) {
    const float* flow = found.flow.view().pixel(0, motion.y, motion.x);
    // The network sees and moves cells of 8 × 8 pixels: within half of one it has found the right
    // cell, and 17 pixels are two.
    EXPECT_LT(std::hypot(flow[0] - motion.dx, flow[1] - motion.dy), 8 / 2)
        << motion.x << ", " << motion.y << ": " << flow[0] << ", " << flow[1];
  }
}

// Where docs/pictures/render.py has four places of the desk's surface, in one view and in the
// other.
struct Place {
  double x;
  double y;
  double seen_x;
  double seen_y;
};
constexpr std::array<Place, 4> kPlaces{{{150, 150, 216.274, 114.480},
                                        {330, 150, 350.856, 209.214},
                                        {330, 330, 126.352, 333.198},
                                        {150, 330, 49.199, 232.107}}};

TEST(OwnWeights, MatchesFindTheDeskFromItsOtherSide) {
  const Folder folder;
  const Outcome outcome =
      run_hewn({"match", kPictures + "desk_left.png", kPictures + "desk_right.png", "--weights",
                kRoot + "models/superpoint/superpoint.safetensors", "--json",
                folder.file("match.json"), "--quiet"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto h =
      read_json(folder.file("match.json"))["homography"].get<std::vector<std::vector<double>>>();
  for (const Place& place : kPlaces) {
    const auto row = [&](std::size_t i) {
      return (h[i][0] * place.x) + (h[i][1] * place.y) + h[i][2];
    };
    // As near as RANSAC asks of an inlier: a plane through points that are each so near, fitted by
    // least squares, is no further from the true one among them.
    EXPECT_LT(std::hypot(row(0) / row(2) - place.seen_x, row(1) / row(2) - place.seen_y), 3)
        << place.x << ", " << place.y;
  }
}

/// The mean of the squared differences of two pictures where the mask is white, in gray levels.
double error_in(const Image& mask, const Image& a, const Image& b) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    if (mask.values[i / 3] == 0) continue;
    const double difference = static_cast<double>(a.values[i]) - b.values[i];
    sum += difference * difference;
    ++count;
  }
  return sum / static_cast<double>(count);
}

TEST(OwnWeights, CompletionKnowsMoreThanTheMeanColour) {
  const Folder folder;
  const Outcome outcome = run_hewn({"complete", kPictures + "completion_picture.png", "--mask",
                                    kPictures + "completion_mask.png", "--weights",
                                    kRoot + "models/completion/completion.safetensors", "--out",
                                    folder.file("whole.png"), "--quiet"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Image mask = read_image(kPictures + "completion_mask.png");
  const Image original = read_image(kPictures + "completion_picture.png");
  ASSERT_EQ(mask.channels, 1);
  ASSERT_EQ(original.channels, 3);

  std::array<double, 3> sums{};
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < mask.values.size(); ++i) {
    if (mask.values[i] != 0) continue;
    for (std::size_t c = 0; c < 3; ++c) sums.at(c) += original.values[3 * i + c];
    ++seen;
  }
  Image mean = original;
  for (std::size_t i = 0; i < mean.values.size(); ++i) {
    mean.values[i] =
        static_cast<std::uint16_t>(std::lround(sums.at(i % 3) / static_cast<double>(seen)));
  }
  EXPECT_LT(error_in(mask, read_image(folder.file("whole.png")), original),
            0.5 * error_in(mask, mean, original));
}

TEST(OwnWeights, ClassifySeesColoursAndShapes) {
  const Folder folder;
  const Outcome outcome =
      run_hewn({"classify", kPictures + "scene_star.png", kPictures + "scene_pair.png", "--weights",
                kRoot + "models/clip/clip_small.safetensors", "--labels-file",
                kPictures + "scene_labels.txt", "--json", folder.file("answers.json"), "--quiet"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const json images = read_json(folder.file("answers.json"))["images"];
  EXPECT_EQ(images[0]["answers"][0]["label"], "yellow star");
  EXPECT_GT(images[0]["answers"][0]["probability"], 0.9);
  EXPECT_EQ(images[1]["answers"][0]["label"], "blue circle");
  EXPECT_EQ(images[1]["answers"][1]["label"], "red square");
}

}  // namespace
}  // namespace hewn
