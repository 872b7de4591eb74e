// What `hewn flow` writes and refuses, and `hewn bench flow` measures.
#include "hewn/models/tasks/optical_flow/flow_file.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
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
using test::complained;
using test::joined;
using test::kFailure;
using test::kUsage;
using test::Outcome;
using test::picture_of_rectangles;
using test::printed_json;
using test::run_hewn;
using test::values;

// Not multiples of 8: padded to 72 × 64, so the flow before upsampling is 9 × 8.
constexpr std::int64_t kWidth = 66;
constexpr std::int64_t kHeight = 59;

class FlowCommand : public testing::Test {
 protected:
  FlowCommand() {
    write_png(first_, picture_of_rectangles(kWidth, kHeight, 1));
    write_png(second_, picture_of_rectangles(kWidth, kHeight, 2));
  }

  static Outcome run(const Arguments& more, const test::RunOptions& options = {}) {
    return run_hewn(joined({"flow", "--random-weights", "7", "--iters", "2"}, more), options);
  }

  /// Runs on both pictures, and expects it to end well.
  void expect_run(const Arguments& more) const {
    EXPECT_TRUE(silent(run(joined({first_, second_, "--quiet"}, more))));
  }

  test::Folder folder_;
  std::string first_ = folder_.file("first.png");
  std::string second_ = folder_.file("second.png");
};

/// Between the ends of two files' vectors, in pixels.
double mean_distance(const std::string& a, const std::string& b) {
  const Tensor flow_a = read_flo(a).flow;
  const Tensor flow_b = read_flo(b).flow;
  double sum = 0;
  for (std::int64_t i = 0; i < kWidth * kHeight; ++i) {
    const float* at_a = flow_a.view().pixel(0, 0, i);
    const float* at_b = flow_b.view().pixel(0, 0, i);
    sum +=
        std::hypot(static_cast<double>(at_a[0]) - at_b[0], static_cast<double>(at_a[1]) - at_b[1]);
  }
  return sum / (kWidth * kHeight);
}

TEST_F(FlowCommand, SummaryForPeople) {
  const Outcome outcome = run({first_, second_});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.out.find("first.png → "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("second.png: 66 × 59 pixels, motion of "), std::string::npos);
  EXPECT_NE(outcome.err.find("the weights are random"), std::string::npos);
}

TEST_F(FlowCommand, FilesHoldWhatTheDumpHas) {
  const std::string dump = folder_.file("dump.safetensors");
  const std::string flo = folder_.file("flow.flo");
  const std::string low = folder_.file("low.flo");
  const std::string drawing = folder_.file("flow.png");
  expect_run(
      {"--dump", dump, "--all-iterations", "--out", flo, "--out-low", low, "--draw", drawing});
  const SafetensorsFile file(dump);
  EXPECT_EQ(file.at("flow").shape, Shape({1, 2, kHeight, kWidth}));
  EXPECT_EQ(file.at("flow_low").shape, Shape({1, 2, 8, 9}));
  EXPECT_EQ(file.at("flows").shape, Shape({2, 2, kHeight, kWidth}));
  EXPECT_EQ(file.at("flows_low").shape, Shape({2, 2, 8, 9}));

  const auto expect_same = [&](const std::string& path, const std::string& name) {
    const Tensor flow = read_flo(path).flow;
    std::vector<float> nchw(flow.values().size());
    to_nchw(flow.view(), nchw);
    EXPECT_EQ(nchw, values(file, name));
    // The last iteration is the result.
    const auto all = values(file, name == "flow" ? "flows" : "flows_low");
    EXPECT_TRUE(std::equal(nchw.begin(), nchw.end(), all.end() - std::ssize(nchw)));
  };
  expect_same(flo, "flow");
  expect_same(low, "flow_low");
  const Image image = read_image(drawing);
  EXPECT_EQ(image.width, kWidth);
  EXPECT_EQ(image.height, kHeight);
}

TEST_F(FlowCommand, KittiFilesHoldTheSameWithinTheirPrecision) {
  const std::string flo = folder_.file("flow.flo");
  const std::string png = folder_.file("flow.png");
  expect_run({"--out", flo});
  expect_run({"--out", png});
  const Tensor exact = read_flow(flo).flow;
  const Tensor rounded = read_flow(png).flow;
  for (std::size_t i = 0; i < exact.values().size(); ++i) {
    // The format has steps of 1/64 pixel.
    EXPECT_NEAR(exact.values()[i], rounded.values()[i], 0.5 / 64 + 1e-6);
  }
}

TEST_F(FlowCommand, BothFormsOfTheCorrelationAgree) {
  const std::string pairs = folder_.file("pairs.flo");
  const std::string demand = folder_.file("demand.flo");
  const std::string precise = folder_.file("precise.flo");
  expect_run({"--out", pairs, "--corr", "all-pairs"});
  expect_run({"--out", precise, "--corr", "all-pairs", "--precise"});
  const json pair = printed_json(run({first_, second_, "--quiet", "--out", demand, "--corr",
                                      "on-demand", "--truth", pairs, "--json", "-"}))["pairs"]
                        .at(0);
  EXPECT_EQ(pair["correlation"], "on-demand");
  EXPECT_EQ(pair["error"]["pixels"], kWidth * kHeight);
  // Rounding alone tells the forms apart, in the correlation's sums, as it tells Winograd's
  // algorithm from the direct one, in every convolution's: the first is at most of the second's
  // size, and twice that leaves room for chance in means over thousands of pixels.
  EXPECT_LT(pair["error"]["epe"].get<double>(), 2 * mean_distance(pairs, precise));
  EXPECT_EQ(pair["error"]["over_1px"], 0);
}

TEST_F(FlowCommand, PaddingMatters) {
  const std::string sintel = folder_.file("sintel.flo");
  const std::string kitti = folder_.file("kitti.flo");
  expect_run({"--out", sintel});
  expect_run({"--out", kitti, "--pad", "kitti"});
  EXPECT_NE(test::read_text(sintel), test::read_text(kitti));
}

TEST_F(FlowCommand, AnInitialFlowContinuesARun) {
  const std::string low = folder_.file("low.flo");
  const std::string straight = folder_.file("straight.flo");
  const std::string resumed = folder_.file("resumed.flo");
  expect_run({"--out", straight, "--out-low", low});
  expect_run({"--out", resumed, "--init", low});
  EXPECT_NE(test::read_text(straight), test::read_text(resumed));

  const Outcome outcome = run({first_, second_, "--quiet", "--init", straight});
  EXPECT_TRUE(
      complained(outcome, kFailure,
                 "expected a flow of 9 × 8 vectors, one for each 8 × 8 pixels, got 66 × 59"));
}

TEST_F(FlowCommand, AVideoStartsEachPairFromTheFlowBefore) {
  const std::string third = folder_.file("third.png");
  write_png(third, picture_of_rectangles(kWidth, kHeight, 3));
  const std::string warm = folder_.file("new/warm");
  const std::string cold = folder_.file("cold");
  for (const Arguments& more :
       {Arguments{"--out-dir", warm}, {"--out-dir", cold, "--cold-start"}}) {
    const Outcome outcome = run(joined({first_, second_, third, "--quiet"}, more));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
  }
  const auto text = [](const std::string& folder, const char* name) {
    return test::read_text(fs::path(folder) / name);
  };
  EXPECT_EQ(text(warm, "first.flo"), text(cold, "first.flo"));
  EXPECT_NE(text(warm, "second.flo"), text(cold, "second.flo"));
  EXPECT_TRUE(fs::exists(fs::path(warm) / "second.png"));
  EXPECT_FALSE(fs::exists(fs::path(warm) / "third.flo"));
}

TEST_F(FlowCommand, TracesEveryIteration) {
  const std::string trace = folder_.file("trace.safetensors");
  expect_run({"--trace", trace});
  const SafetensorsFile file(trace);
  EXPECT_EQ(file.at("input").shape, Shape({2, 3, 64, 72}));
  EXPECT_EQ(file.at("1.correlation").shape, Shape({1, 324, 8, 9}));
  EXPECT_EQ(file.at("1.flow_low").shape, Shape({1, 2, 8, 9}));
}

TEST_F(FlowCommand, RefusesPicturesThatDoNotFit) {
  const std::string small = folder_.file("small.png");
  const std::string other = folder_.file("other.png");
  write_png(small, picture_of_rectangles(56, 80, 1));
  write_png(other, picture_of_rectangles(kWidth + 1, kHeight, 1));
  EXPECT_TRUE(complained(run({small, small, "--quiet"}), kFailure,
                         "small.png: expected a picture of at least 57 × 57 pixels, got 56 × 80"));
  EXPECT_TRUE(complained(run({first_, other, "--quiet"}), kFailure,
                         "other.png: expected 66 × 59 pixels, as in " + first_ + ", got 67 × 59"));
}

TEST_F(FlowCommand, RefusesTruthsThatDoNotFit) {
  const std::string bad = folder_.write("bad.flo", "PIEX and nothing else");
  const std::string out = folder_.write("out.flo", "old");
  EXPECT_TRUE(complained(run({first_, second_, "--quiet", "--truth", bad, "--out", out}), kFailure,
                         "bad.flo: expected"));
  const std::string other = folder_.file("other.flo");
  Tensor flow({1, 3, 4, 2});
  fill(flow.view(), 0);
  write_flo(other, flow.view());
  EXPECT_TRUE(complained(run({first_, second_, "--quiet", "--truth", other, "--out", out}),
                         kFailure, "other.flo: expected a flow of 66 × 59 pixels, got 4 × 3"));
  EXPECT_EQ(test::read_text(out), "old");
}

TEST_F(FlowCommand, SaysWhatMakesNoSense) {
  EXPECT_TRUE(complained(run({first_}), kUsage, "expected at least two pictures"));
  EXPECT_TRUE(complained(run({first_, second_, first_}), kUsage,
                         "with more than two pictures, give --out-dir"));
  EXPECT_TRUE(complained(run({first_, second_, "--out", "flow.txt"}), kUsage,
                         "--out: expected a name that ends in .flo or .png, got 'flow.txt'"));
  EXPECT_TRUE(complained(run({first_, second_, "--pad", "left"}), kUsage, "--pad"));
  EXPECT_TRUE(complained(run({first_, second_, "--corr", "none"}), kUsage, "--corr"));
  EXPECT_TRUE(complained(run({first_, second_, "--all-iterations"}), kUsage, "--dump"));
  EXPECT_TRUE(
      complained(run({first_, second_, "--out-dir", "d", "--out", "a.flo"}), kUsage, "--out-dir"));
}

TEST_F(FlowCommand, TheBenchCountsWhatItMeasures) {
  const json report = printed_json(
      run_hewn({"bench", "flow", "--random-weights", "1", "--size", "64x70", "--iters", "2",
                "--repeat", "2", "--profile", "--quiet", "--json", "-", "--corr", "on-demand"}));
  EXPECT_EQ(report["bench"], "flow");
  EXPECT_EQ(report["height"], 64);
  EXPECT_EQ(report["width"], 72);
  EXPECT_EQ(report["iterations"], 2);
  EXPECT_EQ(report["correlation"], "on-demand");
  EXPECT_GT(report["network"]["median_seconds"], 0);
  bool found = false;
  for (const json& layer : report["layers"]) {
    if (layer["layer"] != "correlation lookup") continue;
    found = true;
    EXPECT_EQ(layer["calls"], 2);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace hewn
