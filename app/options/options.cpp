#include "app/options/options.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"

#include <cmath>
#include <iostream>
#include <limits>

namespace hewn::app {

namespace {

constexpr int kMaxThreads = 1024;

template <typename Accepts>
CLI::Validator numbers(const std::string& description, Accepts accepts) {
  const auto check = [description, accepts](const std::string& text) {
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && std::isfinite(value) && accepts(value)) {
      return std::string();
    }
    return text_of("expected ", description, ", got '", text, "'");
  };
  return {check, ""};
}

/// Throws UsageError when no weights are given; says, unless quiet, when they are random.
void check_weights_options(const ModelKind& kind, const ModelOptions& options,
                           const CommonOptions& common) {
  if (options.random_seed) {
    note(common, text_of("the weights are random (seed ", *options.random_seed, "); the ",
                         kind.results, " will be meaningless"));
  } else if (options.weights.empty()) {
    throw UsageError(
        text_of("no weights: give --weights F, a file made from a PyTorch checkpoint "
                "by 'python -m weights_tools.convert ",
                kind.converter,
                " IN.pth OUT.safetensors', or --random-weights SEED to try the program "
                "without"));
  }
}

/// The network of the weights that are asked for; `form` is what random ones must be told.
template <typename Network, typename... Form>
Network load(const ModelOptions& options, const CommonOptions& common, const Form&... form) {
  // A run of the program has one Context.
  const auto packing = common.precise ? Conv2dPacking::precise : Conv2dPacking::fast;
  return options.random_seed ? Network::random(form..., *options.random_seed, packing)
                             : Network(SafetensorsFile(options.weights), packing);
}

}  // namespace

CLI::Validator at_least(double minimum) {
  return numbers(text_of("at least ", minimum), [=](double value) { return value >= minimum; });
}

CLI::Validator between(double minimum, double maximum) {
  return numbers(text_of(minimum, " to ", maximum),
                 [=](double value) { return value >= minimum && value <= maximum; });
}

CLI::Validator above(double minimum, double maximum) {
  return numbers(text_of("more than ", minimum, " and at most ", maximum),
                 [=](double value) { return value > minimum && value <= maximum; });
}

void add_common_options(CLI::App& command, CommonOptions& options) {
  const OptionGroup group(command, "Everywhere");
  group.add("--threads", options.threads, "N", "Threads to use (default: every processor)")
      ->check(between(1, kMaxThreads));
  group.add_flag("--precise", options.precise,
                 "Use the most exact algorithm where there is a choice; slower");
  group.add_flag("--quiet", options.quiet,
                 "Say nothing but errors and what another option asks for");
}

Context make_context(const CommonOptions& options) {
  return Context({.threads = options.threads, .isa = std::nullopt, .precise = options.precise});
}

void note(const CommonOptions& options, const std::string& text) {
  if (!options.quiet) std::cerr << "hewn: note: " << text << std::endl;
}

void add_model_options(CLI::App& command, const ModelKind& kind, ModelOptions& options) {
  const OptionGroup group(command, "Weights");
  auto* weights =
      group.add("--weights", options.weights, "F.safetensors",
                text_of(kind.title, "'s weights, as weights_tools.convert writes them"));
  group
      .add("--random-weights", options.random_seed, "SEED",
           text_of("Weights drawn at random, to try the program without a file: the ", kind.results,
                   " will be meaningless"))
      ->check(at_least(0))
      ->excludes(weights);
}

SuperPoint load_superpoint(const ModelOptions& options, const CommonOptions& common) {
  check_weights_options(kSuperPoint, options, common);
  return load<SuperPoint>(options, common);
}

Raft load_raft(const ModelOptions& options, const CommonOptions& common) {
  check_weights_options(kRaft, options, common);
  return load<Raft>(options, common, kRaftLarge);
}

CompletionNetwork load_completion(const ModelOptions& options, const CommonOptions& common) {
  check_weights_options(kCompletion, options, common);
  return load<CompletionNetwork>(options, common);
}

ContextDiscriminators load_discriminators(const ModelOptions& options,
                                          const CommonOptions& common) {
  return load<ContextDiscriminators>(options, common);
}

std::string weights_name(const ModelOptions& options) {
  return options.random_seed ? text_of("random, seed ", *options.random_seed)
                             : options.weights.string();
}

void require_descriptors(const SuperPoint& model, const ModelOptions& options,
                         const std::string& purpose) {
  require(model.descriptor_sampling() != DescriptorSampling::none, weights_name(options), ": ",
          purpose, " needs weights with descriptors, but those of the form '", model.form(),
          "' have none");
}

void add_keypoint_options(CLI::App& command, KeypointOptions& options) {
  const OptionGroup group(command, "Keypoints");
  const auto most = static_cast<double>(std::numeric_limits<std::int32_t>::max());
  group
      .add("--max-keypoints", options.max_keypoints, "K",
           "Keep the K strongest keypoints of a picture (default: all)")
      ->check(between(0, most));
  group
      .add("--threshold", options.threshold, "T",
           text_of("Keypoints score more than this (default: ", options.threshold, ")"))
      ->check(at_least(0));
  group
      .add("--nms-radius", options.nms_radius, "R",
           text_of("No two keypoints are this near, in pixels along both axes (default: ",
                   options.nms_radius, ")"))
      ->check(between(0, most));
  group
      .add("--border", options.border, "B",
           text_of("Keypoints keep this far from the picture's border (default: ", options.border,
                   ")"))
      ->check(between(0, most));
}

}  // namespace hewn::app
