// hewn bench keypoints: SuperPoint, from picture to keypoints.
#include "hewn/models/superpoint/keypoints.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/random.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "app/bench/bench.h"
#include "app/output/output_files.h"
#include "app/output/progress_bar.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench keypoints --weights superpoint.safetensors --size 480x640
  hewn bench keypoints --random-weights 1 --size 240x320 --repeat 50 --threads 1 --profile

The picture is drawn by the program: rectangles in shades of gray, with many corners.)";

struct Options {
  BenchOptions bench;
  KeypointOptions keypoints;
};

/// Rectangles over each other: as many corners as a busy photograph has.
Tensor draw_rectangles(const PictureSize& size) {
  Tensor picture({1, size.height, size.width, 1});
  fill(picture.view(), 0.5F);
  Random random(1);
  const std::int64_t count = size.height * size.width / 1000;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t top = random.integer(0, size.height - 1);
    const std::int64_t left = random.integer(0, size.width - 1);
    const std::int64_t bottom = std::min(size.height, top + random.integer(8, 80));
    const std::int64_t right = std::min(size.width, left + random.integer(8, 80));
    const auto shade = static_cast<float>(random.uniform(0, 1));
    for (std::int64_t y = top; y < bottom; ++y) {
      std::fill_n(picture.view().pixel(0, y, left), right - left, shade);
    }
  }
  return picture;
}

struct Stages {
  Times network, selection, sampling, total;
};

class KeypointsBench {
 public:
  KeypointsBench(const Options& options, const PictureSize& size, const SuperPoint& model,
                 Context& ctx)
      : options_(options), model_(model), ctx_(ctx), picture_(draw_rectangles(size)) {}

  BenchReport run() {
    const std::int64_t repeat = options_.bench.repeat;
    const ProgressBar bar(repeat, !options_.bench.common.quiet);
    Stages stages;
    const std::size_t keypoints = run_once(stages);
    stages = {};
    for (std::int64_t i = 0; i < repeat; ++i) {
      bar.show(i, "keypoints");
      run_once(stages);
    }
    BenchReport report{.name = "keypoints",
                       .size = {picture_.shape().h, picture_.shape().w},
                       .extra = {{"keypoints", keypoints}},
                       .notes = {text_of(keypoints, " keypoints")},
                       .stages = {{"network", "network", stages.network},
                                  {"selection", "selection, with NMS", stages.selection},
                                  {"sampling", "descriptor sampling", stages.sampling},
                                  {"total", "total", stages.total}},
                       .profile = {}};
    if (options_.bench.profile) {
      report.profile = profile_of(repeat, ctx_, [this] {
        Stages ignored;
        run_once(ignored);
      });
    }
    return report;
  }

 private:
  std::size_t run_once(Stages& stages) {
    const Arena::Scope scope(ctx_.arena());
    SuperPoint::Output output;
    std::vector<Keypoint> keypoints;
    Tensor descriptors;
    stages.network.push_back(seconds_of([&] { output = model_.forward(picture_.view(), ctx_); }));
    stages.selection.push_back(
        seconds_of([&] { keypoints = select_keypoints(output.scores, options_.keypoints, ctx_); }));
    const bool described = model_.descriptor_sampling() != DescriptorSampling::none;
    stages.sampling.push_back(seconds_of([&] {
      if (!described) return;
      descriptors =
          sample_descriptors(output.descriptors, keypoints, model_.descriptor_sampling(), ctx_);
    }));
    stages.total.push_back(stages.network.back() + stages.selection.back() +
                           stages.sampling.back());
    return keypoints.size();
  }

  const Options& options_;
  const SuperPoint& model_;
  Context& ctx_;
  Tensor picture_;
};

void run(const Options& options) {
  const PictureSize size = parse_size(options.bench.size_text, SuperPoint::kCell);
  OutputFiles outputs;
  expect_report(options.bench, outputs);
  Context ctx = make_context(options.bench.common);
  const SuperPoint model = load_superpoint(options.bench.model, options.bench.common);
  publish(options.bench, KeypointsBench(options, size, model, ctx).run(), ctx, outputs);
}

}  // namespace

void add_bench_keypoints(CLI::App& bench) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = bench.add_subcommand("keypoints", "SuperPoint, from picture to keypoints");
  command->footer(kHelp);
  add_model_options(*command, kSuperPoint, options->bench.model);
  add_keypoint_options(*command, options->keypoints);
  add_bench_options(*command, "480x640", options->bench);
  command->callback([options] { run(*options); });
}

}  // namespace hewn::app
