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
#include <memory>
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

/// Options under one heading of a command's help.
class OptionGroup {
 public:
  OptionGroup(CLI::App& command, const char* title) : command_(command), title_(title) {}

  /// An option with a value, of which `type` is what the help calls it.
  template <typename Value>
  CLI::Option* add(const char* name, Value& value, const char* type,
                   const std::string& description) const {
    return command_.add_option(name, value, description)->type_name(type)->group(title_);
  }
  CLI::Option* add_flag(const char* name, bool& value, const std::string& description) const {
    return command_.add_flag(name, value, description)->group(title_);
  }

 private:
  CLI::App& command_;
  const char* title_;
};

/// What a command takes by its place and not by a name.
template <typename Value>
CLI::Option* add_argument(CLI::App& command, const char* name, Value& value,
                          const char* description) {
  return command.add_option(name, value, description)->type_name("");
}

/// Of options in units of 10⁶ bytes.
inline std::int64_t bytes_of(double megabytes) {
  return static_cast<std::int64_t>(megabytes * 1e6);
}

/// What every command takes.
struct CommonOptions {
  int threads = 0;
  bool precise = false;
  bool quiet = false;
};
void add_common_options(CLI::App& command, CommonOptions& options);
Context make_context(const CommonOptions& options);

/// Says on standard error what is no error, unless the command is to be quiet.
void note(const CommonOptions& options, const std::string& text);

/// Adds a command. Options have a member `common`, CommonOptions, that this adds to the command
/// behind what add_options(command, options) does; run(options) is called when the command line
/// names the command.
template <typename Options, typename AddOptions, typename Run>
void add_command(CLI::App& parent, const char* name, const char* description, const char* help,
                 const AddOptions& add_options, const Run& run) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand(name, description);
  command->footer(help);
  add_options(*command, *options);
  add_common_options(*command, options->common);
  command->callback([options, run] { run(*options); });
}

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
