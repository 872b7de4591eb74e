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

/// How long the work takes.
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

/// What every `hewn bench NETWORK` takes.
struct BenchOptions {
  CommonOptions common;
  ModelOptions model;
  std::string size_text;
  std::int64_t repeat = 20;
  bool profile = false;
  std::filesystem::path json;
};
void add_bench_options(CLI::App& command, const char* default_size, std::int64_t default_repeat,
                       BenchOptions& options);

/// What was measured.
struct BenchReport {
  std::string name;  ///< of the network's command
  PictureSize size;
  std::vector<Stage> stages;
  Json extra = Json::object();          ///< what else the JSON report says
  std::vector<std::string> notes = {};  ///< and the first line for people
  Profile profile = {};                 ///< empty unless asked for
};

/// Runs `once` to warm up and then as often as asked for: it gives the seconds of each of the
/// report's stages. Then, for a profile, runs `profiled` as often with the profiler on, apart from
/// what is timed, since taking notes takes time too; every repetition runs the same operators.
void measure(const BenchOptions& options, Context& ctx, BenchReport& report,
             const std::function<Times()>& once, const std::function<void()>& profiled);

/// Reads --size, calls bench(size, ctx), and writes and prints its report as asked for. Throws
/// UsageError unless both sides are from `least` to 16384; they are rounded up to multiples of
/// `multiple`.
void run_bench(const BenchOptions& options, std::int64_t least, std::int64_t multiple,
               const std::function<BenchReport(const PictureSize&, Context&)>& bench);

/// Adds `hewn bench`, as commands.h has the other commands.
void add_bench(CLI::App& parent);
// Each adds its network to it.
void add_bench_keypoints(CLI::App& bench);
void add_bench_flow(CLI::App& bench);
void add_bench_complete(CLI::App& bench);
void add_bench_classify(CLI::App& bench);

}  // namespace hewn::app
