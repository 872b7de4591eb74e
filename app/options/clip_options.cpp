#include "app/options/clip_options.h"

#include "hewn/models/clip/preprocess.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <sstream>

#include "app/options/options.h"
#include "app/output/text_lines.h"

namespace hewn::app {

namespace {

constexpr const char* kWeights = "Weights";

}  // namespace

void add_clip_weights(CLI::App& command, std::filesystem::path& weights) {
  OptionGroup(command, kWeights)
      .add("--weights", weights, "F.safetensors",
           "CLIP's, as weights_tools.convert clip writes them")
      ->required();
}

void add_clip_options(CLI::App& command, ClipOptions& options) {
  add_clip_weights(command, options.weights);
  OptionGroup(command, kWeights)
      .add_flag("--bf16", options.bf16,
                "Multiply in bfloat16, where the processor can: faster, less exact, and other bits "
                "on other processors");
}

Clip load_clip(const ClipOptions& options, ClipTowers towers, const Context& ctx) {
  require(
      !options.bf16 || ctx.bf16(),
      "--bf16: this processor has no instructions for it; 'hewn cpu' lists those that are used");
  return Clip(SafetensorsFile(options.weights), towers,
              options.bf16 ? LinearPrecision::bfloat16 : LinearPrecision::float32);
}

void add_label_options(CLI::App& command, LabelOptions& options) {
  const OptionGroup group(command, "Labels");
  auto* labels = group.add("--labels", options.labels, "A,B,...",
                           "What the pictures may show, as in \"tabby cat,fire truck\"");
  group.add("--labels-file", options.labels_file, "F", "The same, one a line")->excludes(labels);
  group
      .add("--template", options.templates, "TEXT",
           "The text that a label goes into, at {}; with several, the mean of their features "
           "counts (default: \"a photo of a {}.\")")
      ->take_all()
      ->allow_extra_args(false);  // nor is [a,b] a list, then
  OptionGroup(command, kWeights)
      .add("--prompts", options.prompts, "F.safetensors",
           "Learned prompts, as weights_tools.convert prompts writes them");
}

std::optional<Prompts> load_prompts(const LabelOptions& options, const Clip& clip) {
  if (options.prompts.empty()) return std::nullopt;
  return clip.read_prompts(SafetensorsFile(options.prompts));
}

Labels read_labels(const LabelOptions& options, const Prompts* prompts) {
  Labels labels;
  if (!options.labels.empty()) {
    std::istringstream in(options.labels);
    for (std::string label; std::getline(in, label, ',');) labels.names.push_back(trimmed(label));
  } else if (!options.labels_file.empty()) {
    for (const std::string& line : read_lines(options.labels_file)) {
      labels.names.push_back(trimmed(line));
    }
  } else if (prompts != nullptr && !prompts->labels().empty()) {
    labels.names = prompts->labels();
  } else {
    throw UsageError("no labels: give --labels A,B,... or --labels-file F");
  }
  if (options.templates.empty()) return labels;
  if (prompts != nullptr && prompts->has_contexts()) {
    throw UsageError(text_of("--template: the prompts have their own, \"",
                             printable(prompts->text_template()), "\""));
  }
  labels.templates = options.templates;
  return labels;
}

Image read_preprocessed(const std::filesystem::path& path, const Clip& clip, View batch,
                        std::int64_t n, Context& ctx) {
  Image image = read_image(path);
  preprocess(image, clip.preprocessing(), batch.image(n), ctx);
  return image;
}

}  // namespace hewn::app
