// hewn bench: how long a network takes on this machine.
#include "app/bench/bench.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <ostream>
#include <sstream>

#include "app/output/machine.h"
#include "app/output/progress_bar.h"
#include "app/output/report.h"
#include "app/output/table.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench keypoints --weights superpoint.safetensors --size 480x640
  hewn bench flow --random-weights 1 --size 440x1024 --repeat 3 --threads 1 --profile
  hewn bench complete --random-weights 1 --size 512x512 --postprocess both
  hewn bench classify --weights clip.safetensors --batch 8

The pictures are drawn by the program. --profile counts an operator that one of n threads runs, next
to others, as an n-th of its time, so that the table adds up to the time that all took.)";

constexpr std::int64_t kMaxSide = 1 << 14;
constexpr double kMilli = 1e3;
constexpr double kGiga = 1e9;

double minimum(const Times& times) { return *std::ranges::min_element(times); }

double median(Times times) {
  std::ranges::sort(times);
  const std::size_t middle = times.size() / 2;
  return times.size() % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
}

/// Adds one repetition's records, summed over the calls of each layer.
void add_repetition(const std::vector<ProfileRecord>& records, int threads, double whole,
                    Profile& profile) {
  std::vector<Layer>& layers = profile.layers;
  profile.whole.push_back(whole);
  double& rest = profile.rest.emplace_back(whole);
  for (Layer& layer : layers) {
    layer.calls = 0;
    layer.work = {};
    layer.times.push_back(0);
  }
  for (const ProfileRecord& record : records) {
    const std::string name = record.layer.empty() ? record.op : record.op + " " + record.layer;
    auto layer = std::ranges::find(layers, name, &Layer::name);
    if (layer == layers.end()) {
      layer = layers.insert(layer, {.name = name, .calls = 0, .work = {}, .times = {0}});
    }
    ++layer->calls;
    layer->work.flops += record.work.flops;
    layer->work.bytes += record.work.bytes;
    const double seconds = record.seconds * record.threads / threads;
    layer->times.back() += seconds;
    rest -= seconds;
  }
}

Json to_json(const Times& times) {
  return {{"median_seconds", median(times)}, {"min_seconds", minimum(times)}};
}

Json to_json(const Layer& layer) {
  Json json{{"layer", layer.name}, {"calls", layer.calls}};
  json.update(to_json(layer.times));
  json.update({{"flops", layer.work.flops}, {"bytes", layer.work.bytes}});
  return json;
}

Json to_json(const BenchOptions& options, const BenchReport& report, Context& ctx) {
  Json json{{"bench", report.name},         {"weights", weights_name(options.model)},
            {"height", report.size.height}, {"width", report.size.width},
            {"repeat", options.repeat},     {"threads", ctx.threads()},
            {"isa", isa_name(ctx.isa())},   {"precise", ctx.precise()},
            {"processor", processor_name()}};
  json.update(report.extra);
  for (const Stage& stage : report.stages) json[stage.name] = to_json(stage.times);
  const Profile& profile = report.profile;
  Json layers = Json::array();
  for (const Layer& layer : profile.layers) layers.push_back(to_json(layer));
  json["layers"] = std::move(layers);
  if (!profile.layers.empty()) {
    json["profile"] = {{"rest", to_json(profile.rest)}, {"whole", to_json(profile.whole)}};
  }
  json["arena_peak_bytes"] = ctx.arena().peak_bytes();
  json["peak_resident_bytes"] = peak_resident_bytes();
  return json;
}

void print(const std::vector<Stage>& stages, std::ostream& out) {
  Table table({Align::left, Align::right, Align::right});
  table.add_row({"", "median ms", "min ms"});
  for (const Stage& stage : stages) {
    table.add_row({stage.title, fixed(kMilli * median(stage.times), 3),
                   fixed(kMilli * minimum(stage.times), 3)});
  }
  table.print(out);
}

void print(const Profile& profile, std::ostream& out) {
  const double whole = median(profile.whole);
  const auto share = [&](double seconds) { return fixed(100 * seconds / whole, 1) + "%"; };
  Table table({Align::left, Align::right, Align::right, Align::right, Align::right, Align::right});
  table.add_row({"operator and layer", "calls", "median ms", "share", "GFLOP/s", "GB/s"});
  for (const Layer& layer : profile.layers) {
    const double seconds = median(layer.times);
    const auto rate = [seconds](double amount) {
      return amount > 0 && seconds > 0 ? fixed(amount / seconds / kGiga, 1) : "";
    };
    table.add_row({layer.name, std::to_string(layer.calls), fixed(kMilli * seconds, 3),
                   share(seconds), rate(layer.work.flops), rate(layer.work.bytes)});
  }
  const auto add_sum = [&](const char* name, const Times& times) {
    table.add_row({name, "", fixed(kMilli * median(times), 3), share(median(times)), "", ""});
  };
  add_sum("between operators, and waiting", profile.rest);
  add_sum("in all", profile.whole);
  table.print(out);
}

void print(const BenchOptions& options, const BenchReport& report, Context& ctx,
           std::ostream& out) {
  out << report.size.height << " × " << report.size.width << ", "
      << counted(options.repeat, "repetition") << ", " << counted(ctx.threads(), "thread") << ", "
      << isa_name(ctx.isa()) << (ctx.precise() ? ", precise" : "");
  for (const std::string& note : report.notes) out << ", " << note;
  out << "\n\n";
  print(report.stages, out);
  if (!report.profile.layers.empty()) {
    out << '\n';
    print(report.profile, out);
  }
  out << "\npeak memory: " << human_bytes(peak_resident_bytes()) << " resident, "
      << human_bytes(ctx.arena().peak_bytes()) << " of it intermediates\n";
}

Profile profile_of(std::int64_t repeat, Context& ctx, const std::function<void()>& work) {
  Profile profile;
  Profiler& profiler = ctx.profiler();
  profiler.enable(true);
  for (std::int64_t i = 0; i < repeat; ++i) {
    profiler.clear();
    const double seconds = seconds_of(work);
    add_repetition(profiler.records(), ctx.threads(), seconds, profile);
  }
  profiler.enable(false);
  return profile;
}

PictureSize parse_size(const std::string& text, std::int64_t least, std::int64_t multiple) {
  PictureSize size;
  char cross = 0;
  char rest = 0;
  std::istringstream in(text);
  const bool parsed = in >> size.height >> cross >> size.width && cross == 'x' && !(in >> rest);
  const auto allowed = [&](std::int64_t side) { return side >= least && side <= kMaxSide; };
  if (parsed && allowed(size.height) && allowed(size.width)) {
    return {round_up(size.height, multiple), round_up(size.width, multiple)};
  }
  throw UsageError(text_of("--size: expected HEIGHTxWIDTH, each from ", least, " to ", kMaxSide,
                           ", as in 480x640, got '", text, "'"));
}

}  // namespace

double seconds_of(const std::function<void()>& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

void add_bench_options(CLI::App& command, const char* default_size, std::int64_t default_repeat,
                       BenchOptions& options) {
  options.size_text = default_size;
  options.repeat = default_repeat;
  const OptionGroup group(command, "Measurement");
  group.add("--size", options.size_text, "HxW",
            text_of("Size of the picture (default: ", default_size, ")"));
  group
      .add("--repeat", options.repeat, "N",
           text_of("Repetitions, after one to warm up (default: ", default_repeat, ")"))
      ->check(between(1, 1e6));
  group.add_flag("--profile", options.profile,
                 "Add a table of the network's operators: what part of the time each takes");
  OptionGroup(command, "Output")
      .add("--json", options.json, "F", "Write the figures as JSON ('-' prints it)");
}

void measure(const BenchOptions& options, Context& ctx, BenchReport& report,
             const std::function<Times()>& once, const std::function<void()>& profiled) {
  const ProgressBar bar(options.repeat, !options.common.quiet);
  once();
  for (std::int64_t i = 0; i < options.repeat; ++i) {
    bar.show(i, report.name);
    const Times seconds = once();
    for (std::size_t stage = 0; stage < report.stages.size(); ++stage) {
      report.stages[stage].times.push_back(seconds[stage]);
    }
  }
  if (options.profile) report.profile = profile_of(options.repeat, ctx, profiled);
}

void run_bench(const BenchOptions& options, std::int64_t least, std::int64_t multiple,
               const std::function<BenchReport(const PictureSize&, Context&)>& bench) {
  const PictureSize size = parse_size(options.size_text, least, multiple);
  Report report({.json = options.json, .dump = {}, .trace = {}}, options.common.quiet);
  report.files().protect({options.model.weights});
  report.expect();
  Context ctx = make_context(options.common);
  const BenchReport measured = bench(size, ctx);
  print(options, measured, ctx, report.said());
  report.publish(to_json(options, measured, ctx));
}

void add_bench(CLI::App& parent) {
  CLI::App* bench = parent.add_subcommand("bench", "Measure how long a network takes");
  bench->require_subcommand(1);
  bench->footer(kHelp);
  add_bench_keypoints(*bench);
  add_bench_flow(*bench);
  add_bench_complete(*bench);
  add_bench_classify(*bench);
}

}  // namespace hewn::app
