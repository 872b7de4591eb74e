// hewn keypoints: what the detector finds on pictures.
#include "hewn/models/superpoint/keypoints.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <ostream>
#include <vector>

#include "app/commands/commands.h"
#include "app/drawing/keypoint_drawing.h"
#include "app/options/options.h"
#include "app/output/progress_bar.h"
#include "app/output/report.h"
#include "app/tasks/features.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn keypoints picture.png --weights superpoint.safetensors
  hewn keypoints picture.png --weights superpoint.safetensors --draw out.png --json -
  hewn keypoints a.png b.jpg --weights superpoint.safetensors --max-keypoints 500 --draw out.png
  hewn keypoints picture.png --random-weights 1 --dump out.safetensors --trace layers.safetensors

With several pictures, --draw out.png writes out_a.png, out_b.png, ... after the pictures' names,
and the tensors of --dump and --trace are named '0.scores', '1.scores', ... in their order.)";

/// Strongest keypoints that are listed when nothing is written.
constexpr std::size_t kListed = 10;

struct Options {
  std::vector<fs::path> images;
  CommonOptions common;
  ModelOptions model;
  FeatureOptions features;
  std::int64_t views = 0;
  std::uint64_t seed = 0;
  bool descriptors = false;
  ReportFiles report;
  fs::path draw;
};

void add_outputs(CLI::App& command, Options& options) {
  const OptionGroup group(command, "Output");
  auto* json =
      group.add("--json", options.report.json, "F", "Write the keypoints as JSON ('-' prints it)");
  group.add_flag("--descriptors", options.descriptors, "Add each keypoint's descriptor to --json")
      ->needs(json);
  group.add("--draw", options.draw, "F.png", "Draw the keypoints, coloured by score");
  auto* dump =
      group.add("--dump", options.report.dump, "F.safetensors",
                "Write the network's outputs (semi, scores, descriptors) and keypoints, as NCHW");
  group
      .add_flag(
          "--dense-descriptors", options.features.dense_descriptors,
          "Add descriptors at the picture's resolution to --dump, as descriptors_full (large)")
      ->needs(dump);
  group.add("--trace", options.report.trace, "F.safetensors",
            "Write the input and every layer's output under the layer's name, as NCHW; of those "
            "that are pooled only the maxima, as NAME.max_pool");
}

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "IMG", options.images, "Pictures: PNG, JPEG or PNM")->required();
  add_model_options(command, kSuperPoint, options.model);
  add_keypoint_options(command, options.features.keypoints);
  const OptionGroup group(command, "Keypoints");
  auto* views = group.add("--homographic-adaptation", options.views, "N",
                          "Average the heat map over the picture and N - 1 random views of it");
  views->check(between(1, 10'000));
  group.add("--seed", options.seed, "S", "Draws the random views (default: 0)")
      ->check(at_least(0))
      ->needs(views);
  add_outputs(command, options);
}

/// With several pictures, out.png becomes out_<name of the picture>.png.
fs::path drawing_of(const fs::path& image, const Options& options) {
  if (options.images.size() == 1) return options.draw;
  const std::string name = text_of(options.draw.stem().string(), "_", image.stem().string(),
                                   options.draw.extension().string());
  return options.draw.parent_path() / name;
}

void list_strongest(const Features& features, std::ostream& out) {
  const std::size_t count = std::min(features.keypoints.size(), kListed);
  if (count > 0) out << "       x       y    score\n";
  for (std::size_t i = 0; i < count; ++i) {
    const Keypoint& keypoint = features.keypoints[i];
    out << std::fixed << std::setprecision(0) << std::setw(8) << keypoint.x << std::setw(8)
        << keypoint.y << std::setprecision(4) << std::setw(9) << keypoint.score << '\n';
  }
}

/// One run of the command: what it has found so far.
class KeypointsCommand {
 public:
  explicit KeypointsCommand(const Options& options)
      : options_(options),
        report_(options.report, options.common.quiet),
        ctx_(make_context(options.common)) {
    OutputFiles& files = report_.files();
    files.protect({options_.model.weights});
    files.protect(options_.images);
    report_.expect();
    if (options_.draw.empty()) return;
    for (const fs::path& image : options_.images) {
      files.expect("--draw", drawing_of(image, options_));
    }
  }

  void run() {
    const SuperPoint model = load_superpoint(options_.model, options_.common);
    if (options_.descriptors) require_descriptors(model, options_.model, "--descriptors");
    if (options_.features.dense_descriptors) {
      require_descriptors(model, options_.model, "--dense-descriptors");
    }
    {
      const auto views = std::max<std::int64_t>(options_.views, 1);
      const ProgressBar bar(static_cast<std::int64_t>(options_.images.size()) * views,
                            !options_.common.quiet);
      for (std::size_t i = 0; i < options_.images.size(); ++i) process(model, i, bar);
    }
    report_.publish({{"weights", weights_name(options_.model)}, {"images", images_}});
  }

 private:
  void process(const SuperPoint& model, std::size_t index, const ProgressBar& bar) {
    const fs::path& path = options_.images[index];
    if (options_.images.size() > 1) report_.begin(index);
    const std::int64_t before =
        static_cast<std::int64_t>(index) * std::max<std::int64_t>(options_.views, 1);
    bar.show(before, path.string());
    const Sinks sinks =
        report_.sinks([&](std::int64_t views) { bar.show(before + views, path.string()); });
    const Features features =
        extract_features(model, read_gray(path), options_.features, ctx_, sinks);
    report_.said() << summary(path, features) << '\n';
    if (!report_.wants_json() && options_.draw.empty()) list_strongest(features, report_.said());
    if (report_.wants_json()) images_.push_back(to_json(path, features, options_.descriptors));
    if (!options_.draw.empty()) {
      write_png(report_.files().staged(drawing_of(path, options_)), draw_keypoints(features));
    }
  }

  const Options& options_;
  Report report_;
  Context ctx_;
  Json images_ = Json::array();
};

void run(Options& options) {
  if (options.views > 0) {
    options.features.adaptation = {.count = options.views, .seed = options.seed};
  }
  KeypointsCommand(options).run();
}

}  // namespace

void add_keypoints(CLI::App& parent) {
  add_command<Options>(parent, "keypoints", "Find keypoints on pictures", kHelp, add_options, run);
}

}  // namespace hewn::app
