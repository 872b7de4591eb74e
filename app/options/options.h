// Options that several commands share.
#pragma once

#include "hewn/models/completion/completion.h"
#include "hewn/models/completion/discriminators.h"
#include "hewn/models/raft/raft.h"
#include "hewn/models/superpoint/keypoints.h"
#include "hewn/models/superpoint/superpoint.h"
#include "hewn/runtime/context.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>

#include <CLI/CLI.hpp>

namespace hewn::app {

/// The command line asks for something that makes no sense: exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Accepts finite numbers of at least `minimum`.
CLI::Validator at_least(double minimum);

/// Accepts numbers from `minimum` to `maximum`; `above` leaves out the minimum itself.
CLI::Validator between(double minimum, double maximum);
CLI::Validator above(double minimum, double maximum);

/// What every command takes.
struct CommonOptions {
  int threads = 0;
  bool precise = false;
  bool quiet = false;
};
void add_common_options(CLI::App& command, CommonOptions& options);
Context make_context(const CommonOptions& options);

/// A network, as options and messages speak of it.
struct ModelKind {
  const char* title;
  const char* converter;  ///< the command of weights_tools.convert
  const char* results;    ///< what random weights make meaningless
};
inline constexpr ModelKind kSuperPoint{"SuperPoint", "superpoint", "keypoints"};
inline constexpr ModelKind kRaft{"RAFT", "raft", "flow"};
inline constexpr ModelKind kCompletion{"The completion network", "completion", "result"};

/// Where the weights come from: exactly one of the two.
struct ModelOptions {
  std::filesystem::path weights;
  std::optional<std::uint64_t> random_seed;
};
void add_model_options(CLI::App& command, const ModelKind& kind, ModelOptions& options);

/// Throw UsageError when no weights are given, Error when they are not the network's. Say on
/// stderr, unless quiet, when they are random.
SuperPoint load_superpoint(const ModelOptions& options, const CommonOptions& common);
Raft load_raft(const ModelOptions& options, const CommonOptions& common);
CompletionNetwork load_completion(const ModelOptions& options, const CommonOptions& common);

/// Of the same weights, where they have them. Throws Error otherwise.
ContextDiscriminators load_discriminators(const ModelOptions& options, const CommonOptions& common);

/// What the options call the weights, for messages and reports.
std::string weights_name(const ModelOptions& options);

/// Throws Error unless the model computes descriptors; `purpose` says what needs them.
void require_descriptors(const SuperPoint& model, const ModelOptions& options,
                         const std::string& purpose);

void add_keypoint_options(CLI::App& command, KeypointOptions& options);

}  // namespace hewn::app
