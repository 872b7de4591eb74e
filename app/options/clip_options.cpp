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

std::string trimmed(const std::string& text) {
  constexpr const char* kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

}  // namespace

void add_clip_weights(CLI::App& command, std::filesystem::path& weights) {
  command.add_option("--weights", weights, "CLIP's, as weights_tools.convert clip writes them")
      ->type_name("F.safetensors")
      ->required()
      ->group("Weights");
}

void add_clip_options(CLI::App& command, ClipOptions& options) {
  add_clip_weights(command, options.weights);
  command
      .add_flag("--bf16", options.bf16,
                "Multiply in bfloat16, where the processor can: faster, less exact, and other bits "
                "on other processors")
      ->group("Weights");
}

Clip load_clip(const ClipOptions& options, ClipTowers towers, const Context& ctx) {
  require(
      !options.bf16 || ctx.bf16(),
      "--bf16: this processor has no instructions for it; 'hewn cpu' lists those that are used");
  return Clip(SafetensorsFile(options.weights), towers,
              options.bf16 ? LinearPrecision::bfloat16 : LinearPrecision::float32);
}

void add_label_options(CLI::App& command, LabelOptions& options) {
  auto* labels = command.add_option("--labels", options.labels,
                                    "What the pictures may show, as in \"tabby cat,fire truck\"");
  labels->type_name("A,B,...")->group("Labels");
  command.add_option("--labels-file", options.labels_file, "The same, one a line")
      ->type_name("F")
      ->excludes(labels)
      ->group("Labels");
  command
      .add_option("--template", options.templates,
                  "The text that a label goes into, at {}; with several, the mean of their "
                  "features counts (default: \"a photo of a {}.\")")
      ->type_name("TEXT")
      ->take_all()
      ->allow_extra_args(false)  // nor is [a,b] a list, then
      ->group("Labels");
  command
      .add_option("--prompts", options.prompts,
                  "Learned prompts, as weights_tools.convert prompts writes them")
      ->type_name("F.safetensors")
      ->group("Weights");
}

void protect_inputs(const LabelOptions& options, OutputFiles& outputs) {
  if (!options.labels_file.empty()) outputs.protect(options.labels_file);
  if (!options.prompts.empty()) outputs.protect(options.prompts);
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
