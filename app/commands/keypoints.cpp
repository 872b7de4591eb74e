// hewn keypoints: what the detector finds on pictures.
#include "hewn/models/superpoint/keypoints.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>
#include <vector>

#include "app/commands/commands.h"
#include "app/drawing/keypoint_drawing.h"
#include "app/options/options.h"
#include "app/output/json_text.h"
#include "app/output/output_files.h"
#include "app/output/progress_bar.h"
#include "app/output/tensor_dump.h"
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
  fs::path json, draw, dump, trace;
};

void add_outputs(CLI::App& command, Options& options) {
  const auto add = [&command](const char* name, fs::path& path, const char* type,
                              const char* description) {
    return command.add_option(name, path, description)->type_name(type)->group("Output");
  };
  auto* json = add("--json", options.json, "F", "Write the keypoints as JSON ('-' prints it)");
  command
      .add_flag("--descriptors", options.descriptors, "Add each keypoint's descriptor to --json")
      ->needs(json)
      ->group("Output");
  add("--draw", options.draw, "F.png", "Draw the keypoints, coloured by score");
  auto* dump =
      add("--dump", options.dump, "F.safetensors",
          "Write the network's outputs (semi, scores, descriptors) and keypoints, as NCHW");
  command
      .add_flag(
          "--dense-descriptors", options.features.dense_descriptors,
          "Add descriptors at the picture's resolution to --dump, as descriptors_full (large)")
      ->needs(dump)
      ->group("Output");
  add("--trace", options.trace, "F.safetensors",
      "Write the input and every layer's output under the layer's name, as NCHW; of those that are "
      "pooled only the maxima, as NAME.max_pool");
}

void add_adaptation(CLI::App& command, Options& options) {
  auto* views =
      command
          .add_option("--homographic-adaptation", options.views,
                      "Average the heat map over the picture and N - 1 random views of it")
          ->type_name("N")
          ->check(between(1, 10'000))
          ->group("Keypoints");
  command.add_option("--seed", options.seed, "Draws the random views (default: 0)")
      ->type_name("S")
      ->check(at_least(0))
      ->needs(views)
      ->group("Keypoints");
}

/// With several pictures, out.png becomes out_<name of the picture>.png.
fs::path drawing_of(const fs::path& image, const Options& options) {
  if (options.images.size() == 1) return options.draw;
  const std::string name = text_of(options.draw.stem().string(), "_", image.stem().string(),
                                   options.draw.extension().string());
  return options.draw.parent_path() / name;
}

void expect_outputs(const Options& options, OutputFiles& outputs) {
  outputs.protect(options.model.weights);
  for (const fs::path& image : options.images) outputs.protect(image);
  if (!options.json.empty() && !is_standard_output(options.json)) {
    outputs.expect("--json", options.json);
  }
  if (!options.dump.empty()) outputs.expect("--dump", options.dump);
  if (!options.trace.empty()) outputs.expect("--trace", options.trace);
  if (options.draw.empty()) return;
  for (const fs::path& image : options.images) {
    outputs.expect("--draw", drawing_of(image, options));
  }
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
      : options_(options), ctx_(make_context(options.common)) {
    expect_outputs(options_, outputs_);
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
    write();
  }

 private:
  void process(const SuperPoint& model, std::size_t index, const ProgressBar& bar) {
    const fs::path& path = options_.images[index];
    if (options_.images.size() > 1) {
      dump_.set_prefix(text_of(index, "."));
      trace_.set_prefix(text_of(index, "."));
    }
    const std::int64_t before =
        static_cast<std::int64_t>(index) * std::max<std::int64_t>(options_.views, 1);
    bar.show(before, path.string());
    const FeatureSinks sinks{
        .outputs = options_.dump.empty() ? nullptr : &dump_,
        .layers = options_.trace.empty() ? nullptr : &trace_,
        .progress = [&](std::int64_t views) { bar.show(before + views, path.string()); }};
    const Features features =
        extract_features(model, read_gray(path), options_.features, ctx_, sinks);
    report_ << summary(path, features) << '\n';
    if (options_.json.empty() && options_.draw.empty()) list_strongest(features, report_);
    if (!options_.json.empty()) images_.push_back(to_json(path, features, options_.descriptors));
    if (!options_.draw.empty()) {
      write_png(outputs_.staged(drawing_of(path, options_)), draw_keypoints(features));
    }
  }

  void write() {
    if (!options_.dump.empty()) dump_.write(outputs_.staged(options_.dump));
    if (!options_.trace.empty()) trace_.write(outputs_.staged(options_.trace));
    if (!options_.json.empty()) {
      const Json document{{"weights", weights_name(options_.model)}, {"images", images_}};
      write_json(options_.json, document, outputs_);
    }
    outputs_.commit();
    if (!options_.common.quiet && !is_standard_output(options_.json)) std::cout << report_.str();
  }

  const Options& options_;
  OutputFiles outputs_;
  Context ctx_;
  TensorDump dump_;
  TensorDump trace_;
  Json images_ = Json::array();
  std::ostringstream report_;  // printed at the end, below the progress bar
};

}  // namespace

void add_keypoints(CLI::App& parent) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand("keypoints", "Find keypoints on pictures");
  command->footer(kHelp);
  command->add_option("IMG", options->images, "Pictures: PNG, JPEG or PNM")
      ->type_name("")
      ->required();
  add_model_options(*command, kSuperPoint, options->model);
  add_keypoint_options(*command, options->features.keypoints);
  add_adaptation(*command, *options);
  add_outputs(*command, *options);
  add_common_options(*command, options->common);
  command->callback([options] {
    if (options->views > 0) {
      options->features.adaptation = {.count = options->views, .seed = options->seed};
    }
    KeypointsCommand(*options).run();
  });
}

}  // namespace hewn::app
