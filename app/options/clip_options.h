// Options of the commands that run CLIP.
#pragma once

#include "hewn/models/clip/classifier.h"
#include "hewn/models/clip/clip.h"

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace hewn::app {

/// Adds `--weights`, which must be given.
void add_clip_weights(CLI::App& command, std::filesystem::path& weights);

/// The model, and in which precision it runs.
struct ClipOptions {
  std::filesystem::path weights;
  bool bf16 = false;
};
/// Adds `--weights` and `--bf16`.
void add_clip_options(CLI::App& command, ClipOptions& options);

/// Throws Error when bfloat16 is asked for and the Context cannot multiply it.
Clip load_clip(const ClipOptions& options, ClipTowers towers, const Context& ctx);

/// What pictures are asked, and with which prompts.
struct LabelOptions {
  std::string labels;  ///< between commas
  std::filesystem::path labels_file;
  std::vector<std::string> templates;
  std::filesystem::path prompts;
};
void add_label_options(CLI::App& command, LabelOptions& options);

/// The learned prompts; empty when none are asked for.
std::optional<Prompts> load_prompts(const LabelOptions& options, const Clip& clip);

/// The labels, or those that the prompts name. Throws UsageError when there are none, or when a
/// template is given beside prompts that have their own.
Labels read_labels(const LabelOptions& options, const Prompts* prompts);

/// Reads a picture and preprocesses it into image n of a batch. Gives the picture.
Image read_preprocessed(const std::filesystem::path& path, const Clip& clip, View batch,
                        std::int64_t n, Context& ctx);

}  // namespace hewn::app
