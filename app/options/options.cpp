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
    if (common.quiet) return;
    std::cerr << "hewn: note: the weights are random (seed " << *options.random_seed << "); the "
              << kind.results << " will be meaningless" << std::endl;
  } else if (options.weights.empty()) {
    throw UsageError(
        text_of("no weights: give --weights F, a file made from a PyTorch checkpoint "
                "by 'python -m weights_tools.convert ",
                kind.converter,
                " IN.pth OUT.safetensors', or --random-weights SEED to try the program "
                "without"));
  }
}

/// A run of the program has one Context.
Conv2dPacking packing_for(const CommonOptions& common) {
  return common.precise ? Conv2dPacking::precise : Conv2dPacking::fast;
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
  command.add_option("--threads", options.threads, "Threads to use (default: every processor)")
      ->type_name("N")
      ->check(between(1, kMaxThreads))
      ->group("Everywhere");
  command
      .add_flag("--precise", options.precise,
                "Use the most exact algorithm where there is a choice; slower")
      ->group("Everywhere");
  command
      .add_flag("--quiet", options.quiet, "Say nothing but errors and what another option asks for")
      ->group("Everywhere");
}

Context make_context(const CommonOptions& options) {
  return Context({.threads = options.threads, .isa = std::nullopt, .precise = options.precise});
}

void add_model_options(CLI::App& command, const ModelKind& kind, ModelOptions& options) {
  auto* weights =
      command
          .add_option("--weights", options.weights,
                      text_of(kind.title, "'s weights, as weights_tools.convert writes them"))
          ->type_name("F.safetensors")
          ->group("Weights");
  command
      .add_option("--random-weights", options.random_seed,
                  text_of("Weights drawn at random, to try the program without a file: the ",
                          kind.results, " will be meaningless"))
      ->type_name("SEED")
      ->check(at_least(0))
      ->excludes(weights)
      ->group("Weights");
}

SuperPoint load_superpoint(const ModelOptions& options, const CommonOptions& common) {
  check_weights_options(kSuperPoint, options, common);
  return options.random_seed ? SuperPoint::random(*options.random_seed, packing_for(common))
                             : SuperPoint(SafetensorsFile(options.weights), packing_for(common));
}

Raft load_raft(const ModelOptions& options, const CommonOptions& common) {
  check_weights_options(kRaft, options, common);
  return options.random_seed ? Raft::random(kRaftLarge, *options.random_seed, packing_for(common))
                             : Raft(SafetensorsFile(options.weights), packing_for(common));
}

CompletionNetwork load_completion(const ModelOptions& options, const CommonOptions& common) {
  check_weights_options(kCompletion, options, common);
  return options.random_seed
             ? CompletionNetwork::random(*options.random_seed, packing_for(common))
             : CompletionNetwork(SafetensorsFile(options.weights), packing_for(common));
}

ContextDiscriminators load_discriminators(const ModelOptions& options,
                                          const CommonOptions& common) {
  return options.random_seed
             ? ContextDiscriminators::random(*options.random_seed, packing_for(common))
             : ContextDiscriminators(SafetensorsFile(options.weights), packing_for(common));
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
  const auto add = [&command](const char* name, auto& value, const char* type,
                              const std::string& description) {
    return command.add_option(name, value, description)->type_name(type)->group("Keypoints");
  };
  const auto most = static_cast<double>(std::numeric_limits<std::int32_t>::max());
  add("--max-keypoints", options.max_keypoints, "K",
      "Keep the K strongest keypoints of a picture (default: all)")
      ->check(between(0, most));
  add("--threshold", options.threshold, "T",
      text_of("Keypoints score more than this (default: ", options.threshold, ")"))
      ->check(at_least(0));
  add("--nms-radius", options.nms_radius, "R",
      text_of("No two keypoints are this near, in pixels along both axes (default: ",
              options.nms_radius, ")"))
      ->check(between(0, most));
  add("--border", options.border, "B",
      text_of("Keypoints keep this far from the picture's border (default: ", options.border, ")"))
      ->check(between(0, most));
}

}  // namespace hewn::app
