#include "app/command_line.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/version.h"

#include <algorithm>
#include <csignal>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "app/bench/bench.h"
#include "app/commands/commands.h"
#include "app/options/options.h"
#include <CLI/CLI.hpp>

namespace hewn::app {

namespace {

constexpr int kFailure = 1;
constexpr int kUsage = 2;

constexpr const char* kExamples = R"(Examples:
  hewn keypoints picture.png --weights superpoint.safetensors --draw keypoints.png
  hewn match left.png right.png --weights superpoint.safetensors --draw matches.png
  hewn flow frame_0.png frame_1.png --weights raft.safetensors --draw flow.png
  hewn complete photo.png --mask hole.png --weights completion.safetensors --out whole.png
  hewn classify photo.png --weights clip.safetensors --labels "cat,dog,fire truck"
  hewn cpu

'hewn COMMAND --help' tells more about each.)";

/// Names an option's value and leaves it at that: what needs or excludes what, errors tell.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_name().empty() ? "" : " " + option->get_type_name();
  }
};

/// One line, whatever the message was.
int complain(std::string message, int status) {
  std::ranges::replace(message, '\n', ' ');
  std::cerr << "hewn: " << message << std::endl;
  return status;
}

/// The command as far as it was understood.
const CLI::App* understood(const CLI::App& program) {
  const CLI::App* at = &program;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  return at;
}

/// As in "hewn bench keypoints".
std::string full_name(const CLI::App* command) {
  const CLI::App* parent = command->get_parent();
  return parent == nullptr ? command->get_name() : full_name(parent) + " " + command->get_name();
}

int complain_of_usage(const CLI::App& program, const std::string& message) {
  return complain(message + " (see '" + full_name(understood(program)) + " --help')", kUsage);
}

/// What nobody knows is the likeliest reason for anything else that is wrong.
std::string wording(const CLI::App& program, const CLI::ParseError& error) {
  const std::vector<std::string> unknown = program.remaining(true);
  if (!unknown.empty()) return text_of("unknown argument '", unknown.front(), "'");
  if (understood(program)->get_require_subcommand_min() > 0) return "no command given";
  return error.what();
}

int run(int argc, char** argv) {
  CLI::App program(
      "Keypoints, matches, optical flow, completed and classified pictures by neural networks, on "
      "the processor alone.",
      "hewn");
  program.formatter(std::make_shared<HelpFormatter>());
  program.set_version_flag("--version", "hewn " + version());
  program.require_subcommand(1);
  program.footer(kExamples);
  add_keypoints(program);
  add_match(program);
  add_flow(program);
  add_complete(program);
  add_classify(program);
  add_embed(program);
  add_tokenize(program);
  add_inspect(program);
  add_cpu(program);
  add_bench(program);
  try {
    program.parse(argc, argv);
    std::cout.flush();
    require(std::cout.good(), "standard output: cannot be written");
    return 0;
  } catch (const CLI::Success& asked_for) {  // --help, --version
    return program.exit(asked_for);
  } catch (const CLI::ParseError& error) {
    return complain_of_usage(program, wording(program, error));
  } catch (const UsageError& error) {
    return complain_of_usage(program, error.what());
  }
}

}  // namespace

int run_program(int argc, char** argv) {
  // A reader that goes away is a failed write, reported like any other.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return complain("not enough memory", kFailure);
  } catch (const std::exception& error) {
    return complain(error.what(), kFailure);
  }
}

}  // namespace hewn::app
