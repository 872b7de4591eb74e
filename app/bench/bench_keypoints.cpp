// hewn bench keypoints: SuperPoint, from picture to keypoints.
#include "hewn/models/superpoint/keypoints.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/random.h"

#include <algorithm>
#include <vector>

#include "app/bench/bench.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench keypoints --weights superpoint.safetensors --size 480x640
  hewn bench keypoints --random-weights 1 --size 240x320 --repeat 50 --threads 1 --profile

The picture is drawn by the program: rectangles in shades of gray, with many corners.)";

struct Options : BenchOptions {
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

BenchReport bench(const Options& options, const PictureSize& size, Context& ctx) {
  const SuperPoint model = load_superpoint(options.model, options.common);
  const bool described = model.descriptor_sampling() != DescriptorSampling::none;
  const Tensor picture = draw_rectangles(size);
  std::vector<Keypoint> keypoints;
  const auto once = [&] {
    const Arena::Scope scope(ctx.arena());
    SuperPoint::Output output;
    Tensor descriptors;
    const double network = seconds_of([&] { output = model.forward(picture.view(), ctx); });
    const double selection =
        seconds_of([&] { keypoints = select_keypoints(output.scores, options.keypoints, ctx); });
    const double sampling = seconds_of([&] {
      if (!described) return;
      descriptors =
          sample_descriptors(output.descriptors, keypoints, model.descriptor_sampling(), ctx);
    });
    return Times{network, selection, sampling, network + selection + sampling};
  };
  BenchReport report{.name = "keypoints",
                     .size = size,
                     .stages = {{"network", "network", {}},
                                {"selection", "selection, with NMS", {}},
                                {"sampling", "descriptor sampling", {}},
                                {"total", "total", {}}}};
  measure(options, ctx, report, once, once);
  report.extra = {{"keypoints", keypoints.size()}};
  report.notes = {text_of(keypoints.size(), " keypoints")};
  return report;
}

void run(const Options& options) {
  run_bench(options, SuperPoint::kCell, 1,
            [&](const PictureSize& size, Context& ctx) { return bench(options, size, ctx); });
}

void add_options(CLI::App& command, Options& options) {
  add_model_options(command, kSuperPoint, options.model);
  add_keypoint_options(command, options.keypoints);
  add_bench_options(command, "480x640", 20, options);
}

}  // namespace

void add_bench_keypoints(CLI::App& bench) {
  add_command<Options>(bench, "keypoints", "SuperPoint, from picture to keypoints", kHelp,
                       add_options, run);
}

}  // namespace hewn::app
