// What the measurements of all networks share.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/observe/profile.h"
#include "hewn/runtime/pictures/geometry.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "app/options/options.h"
#include "app/output/json_text.h"

namespace hewn::app {

/// Seconds, one for each repetition.
using Times = std::vector<double>;

/// Counts from its construction on.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

double seconds_of(const std::function<void()>& work);

/// A part of what is measured, as "network" or "total".
struct Stage {
  std::string name;   ///< in JSON
  std::string title;  ///< for people
  Times times;
};

/// An operator with its layer. A repetition may run it several times: work and times are those of
/// all calls together. A call on one of n threads counts as an n-th of its time.
struct Layer {
  std::string name;
  std::int64_t calls = 0;
  Work work;
  Times times;
};

/// Where the time of some repetitions went: in each, the times of the layers and the rest make up
/// the whole.
struct Profile {
  std::vector<Layer> layers;
  Times rest;  ///< between operators, and threads that waited for others
  Times whole;
};

/// Runs `work` several times with the profiler on, apart from what is timed, since taking notes
/// takes time too. Every repetition runs the same operators.
Profile profile_of(std::int64_t repeat, Context& ctx, const std::function<void()>& work);

/// What every `hewn bench NETWORK` takes.
struct BenchOptions {
  CommonOptions common;
  ModelOptions model;
  std::string size_text;
  std::int64_t repeat = 20;
  bool profile = false;
  std::filesystem::path json;
};
void add_bench_options(CLI::App& command, const char* default_size, BenchOptions& options);

/// Reads --size; throws UsageError unless both sides are from `least` to 16384. Sides are rounded
/// up to multiples of `multiple`.
PictureSize parse_size(const std::string& text, std::int64_t least, std::int64_t multiple = 1);

/// What was measured.
struct BenchReport {
  std::string name;  ///< of the network's command
  PictureSize size;
  Json extra = Json::object();     ///< what else the JSON report says
  std::vector<std::string> notes;  ///< and the first line for people
  std::vector<Stage> stages;
  Profile profile;  ///< empty unless asked for
};

/// Announces the report's file.
void expect_report(const BenchOptions& options, OutputFiles& outputs);

/// Writes the report as asked for, and prints it.
void publish(const BenchOptions& options, const BenchReport& report, Context& ctx,
             OutputFiles& outputs);

/// Adds `hewn bench`, as commands.h has the other commands.
void add_bench(CLI::App& parent);
// Each adds its network to it.
void add_bench_keypoints(CLI::App& bench);
void add_bench_flow(CLI::App& bench);
void add_bench_complete(CLI::App& bench);
void add_bench_classify(CLI::App& bench);

}  // namespace hewn::app
