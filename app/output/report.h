// What a command tells of a run.
#pragma once

#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <utility>

#include "app/output/json_text.h"
#include "app/output/output_files.h"
#include "app/output/tensor_dump.h"

namespace hewn::app {

/// Files that options may ask for; empty where they do not.
struct ReportFiles {
  std::filesystem::path json;   ///< "-" prints it
  std::filesystem::path dump;   ///< the network's outputs
  std::filesystem::path trace;  ///< its layers' outputs
};

/// Lines for people, JSON, and tensors of the network, beside the pictures that a command writes:
/// all that is asked for, or nothing.
class Report {
 public:
  Report(ReportFiles asked, bool quiet) : asked_(std::move(asked)), quiet_(quiet) {}

  /// All files of the command: it names its inputs and its other outputs there.
  OutputFiles& files() { return files_; }

  /// Announces --json, --dump and --trace, as OutputFiles::expect() does.
  void expect();

  bool wants_json() const { return !asked_.json.empty(); }
  /// Where tensors go; null where no option asks for them.
  TensorDump* dump() { return asked_.dump.empty() ? nullptr : &dump_; }
  TensorDump* trace() { return asked_.trace.empty() ? nullptr : &trace_; }
  /// Both, and somebody who wants to know how far the network is.
  Sinks sinks(std::function<void(std::int64_t done)> progress) {
    return {.outputs = dump(), .layers = trace(), .progress = std::move(progress)};
  }
  /// Puts "part." before the names of the tensors that follow.
  void begin(std::size_t part);

  /// For people; printed at the end, below the progress bar.
  std::ostream& said() { return said_; }

  /// Writes what is asked for, this document as JSON, and renames all outputs. Then prints what was
  /// said, unless the command is to be quiet or JSON has standard output.
  void publish(const Json& document);

 private:
  ReportFiles asked_;
  bool quiet_;
  OutputFiles files_;
  TensorDump dump_;
  TensorDump trace_;
  std::ostringstream said_;
};

}  // namespace hewn::app
