// hewn bench: how long a network takes on this machine.
#include "hewn/models/superpoint/keypoints.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/random.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <memory>
#include <vector>

#include "app/commands.h"
#include "app/json_text.h"
#include "app/machine.h"
#include "app/options.h"
#include "app/output_files.h"
#include "app/progress_bar.h"
#include "app/table.h"
#include "app/units.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench keypoints --weights superpoint.safetensors --size 480x640
  hewn bench keypoints --random-weights 1 --size 240x320 --repeat 50 --threads 1 --profile

The picture is drawn by the program: rectangles in shades of gray, with many corners.)";

constexpr std::int64_t kMaxSide = 1 << 14;
constexpr double kMilli = 1e3;
constexpr double kGiga = 1e9;

struct Size {
  std::int64_t height = 480;
  std::int64_t width = 640;
};

struct Options {
  CommonOptions common;
  ModelOptions model;
  KeypointOptions keypoints;
  std::string size_text;
  Size size;
  std::int64_t repeat = 20;
  bool profile = false;
  std::filesystem::path json;
};

/// Seconds, one for each repetition.
using Times = std::vector<double>;

double minimum(const Times& times) { return *std::ranges::min_element(times); }

double median(Times times) {
  std::ranges::sort(times);
  const std::size_t middle = times.size() / 2;
  return times.size() % 2 == 1 ? times[middle] : (times[middle - 1] + times[middle]) / 2;
}

struct Stages {
  Times network, selection, sampling, total;
};

/// An operator with its layer. A repetition may run it several times: work and times are those of
/// all calls together.
struct Layer {
  std::string name;
  std::int64_t calls = 0;
  Work work;
  Times times;
};

struct Results {
  Stages stages;
  std::vector<Layer> layers;
  std::size_t keypoints = 0;
};

Size parse_size(const std::string& text) {
  Size size;
  char cross = 0;
  char rest = 0;
  std::istringstream in(text);
  const bool parsed = in >> size.height >> cross >> size.width && cross == 'x' && !(in >> rest);
  const auto allowed = [](std::int64_t side) {
    return side >= SuperPoint::kCell && side <= kMaxSide;
  };
  if (parsed && allowed(size.height) && allowed(size.width)) return size;
  throw UsageError(concat("--size: expected HEIGHTxWIDTH, each from ", SuperPoint::kCell, " to ",
                          kMaxSide, ", as in 480x640, got '", text, "'"));
}

/// Rectangles over each other: as many corners as a busy photograph has.
Tensor draw_rectangles(const Size& size) {
  Tensor picture({1, size.height, size.width, 1});
  fill(picture.view(), 0.5F);
  Random random(1);
  const std::int64_t count = size.height * size.width / 1000;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t top = random.integer(0, size.height - 1);
    const std::int64_t left = random.integer(0, size.width - 1);
    const std::int64_t bottom = std::min(size.height, top + random.integer(8, 80));
    const std::int64_t right = std::min(size.width, left + random.integer(8, 80));
    const auto shade = static_cast<float>(random.uniform(0, 1));
    for (std::int64_t y = top; y < bottom; ++y) {
      std::fill_n(picture.view().pixel(0, y, left), right - left, shade);
    }
  }
  return picture;
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Adds one repetition's records, summed over the calls of each layer. Every repetition runs the
/// same operators.
void add_repetition(const std::vector<ProfileRecord>& records, std::vector<Layer>& layers) {
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
    layer->times.back() += record.seconds;
  }
}

class Bench {
 public:
  Bench(const Options& options, const SuperPoint& model, Context& ctx)
      : options_(options), model_(model), ctx_(ctx), picture_(draw_rectangles(options.size)) {}

  Results run() {
    Results results;
    const ProgressBar bar(options_.repeat, !options_.common.quiet);
    Stages warm_up;
    results.keypoints = run_once(warm_up);
    for (std::int64_t i = 0; i < options_.repeat; ++i) {
      bar.show(i, "keypoints");
      run_once(results.stages);
    }
    if (options_.profile) results.layers = profile();
    return results;
  }

 private:
  std::size_t run_once(Stages& stages) {
    const Arena::Scope scope(ctx_.arena());
    SuperPoint::Output output;
    std::vector<Keypoint> keypoints;
    Tensor descriptors;
    stages.network.push_back(seconds_of([&] { output = model_.forward(picture_.view(), ctx_); }));
    stages.selection.push_back(
        seconds_of([&] { keypoints = select_keypoints(output.scores, options_.keypoints, ctx_); }));
    const bool described = model_.descriptor_sampling() != DescriptorSampling::none;
    stages.sampling.push_back(seconds_of([&] {
      if (!described) return;
      descriptors =
          sample_descriptors(output.descriptors, keypoints, model_.descriptor_sampling(), ctx_);
    }));
    stages.total.push_back(stages.network.back() + stages.selection.back() +
                           stages.sampling.back());
    return keypoints.size();
  }

  /// Runs apart from those that are timed, since taking notes takes time too.
  std::vector<Layer> profile() {
    std::vector<Layer> layers;
    Profiler& profiler = ctx_.profiler();
    profiler.enable(true);
    for (std::int64_t i = 0; i < options_.repeat; ++i) {
      profiler.clear();
      Stages ignored;
      run_once(ignored);
      add_repetition(profiler.records(), layers);
    }
    profiler.enable(false);
    return layers;
  }

  const Options& options_;
  const SuperPoint& model_;
  Context& ctx_;
  Tensor picture_;
};

Json stage_json(const Times& times) {
  return {{"median_seconds", median(times)}, {"min_seconds", minimum(times)}};
}

Json to_json(const Options& options, const Results& results, Context& ctx) {
  Json layers = Json::array();
  for (const Layer& layer : results.layers) {
    layers.push_back({{"layer", layer.name},
                      {"calls", layer.calls},
                      {"median_seconds", median(layer.times)},
                      {"min_seconds", minimum(layer.times)},
                      {"flops", layer.work.flops},
                      {"bytes", layer.work.bytes}});
  }
  return {{"bench", "keypoints"},
          {"weights", weights_name(options.model)},
          {"height", options.size.height},
          {"width", options.size.width},
          {"repeat", options.repeat},
          {"threads", ctx.threads()},
          {"isa", isa_name(ctx.isa())},
          {"precise", ctx.precise()},
          {"processor", processor_name()},
          {"keypoints", results.keypoints},
          {"network", stage_json(results.stages.network)},
          {"selection", stage_json(results.stages.selection)},
          {"sampling", stage_json(results.stages.sampling)},
          {"total", stage_json(results.stages.total)},
          {"layers", std::move(layers)},
          {"arena_peak_bytes", ctx.arena().peak_bytes()},
          {"peak_resident_bytes", peak_resident_bytes()}};
}

void print_stages(const Stages& stages) {
  Table table({Align::left, Align::right, Align::right});
  table.add_row({"", "median ms", "min ms"});
  const auto add = [&table](const char* name, const Times& times) {
    table.add_row({name, fixed(kMilli * median(times), 3), fixed(kMilli * minimum(times), 3)});
  };
  add("network", stages.network);
  add("selection, with NMS", stages.selection);
  add("descriptor sampling", stages.sampling);
  add("total", stages.total);
  table.print(std::cout);
}

void print_layers(const std::vector<Layer>& layers) {
  double total = 0;
  for (const Layer& layer : layers) total += median(layer.times);
  Table table({Align::left, Align::right, Align::right, Align::right, Align::right, Align::right});
  table.add_row({"operator and layer", "calls", "median ms", "share", "GFLOP/s", "GB/s"});
  for (const Layer& layer : layers) {
    const double seconds = median(layer.times);
    const auto rate = [seconds](double amount) {
      return amount > 0 && seconds > 0 ? fixed(amount / seconds / kGiga, 1) : "";
    };
    table.add_row({layer.name, std::to_string(layer.calls), fixed(kMilli * seconds, 3),
                   fixed(100 * seconds / total, 1) + "%", rate(layer.work.flops),
                   rate(layer.work.bytes)});
  }
  table.print(std::cout);
}

void print(const Options& options, const Results& results, Context& ctx) {
  std::cout << options.size.height << " × " << options.size.width << ", " << options.repeat
            << (options.repeat == 1 ? " repetition, " : " repetitions, ") << ctx.threads()
            << (ctx.threads() == 1 ? " thread, " : " threads, ") << isa_name(ctx.isa())
            << (ctx.precise() ? ", precise" : "") << ", " << results.keypoints << " keypoints\n\n";
  print_stages(results.stages);
  if (!results.layers.empty()) {
    std::cout << '\n';
    print_layers(results.layers);
  }
  std::cout << "\npeak memory: " << human_bytes(peak_resident_bytes()) << " resident, "
            << human_bytes(ctx.arena().peak_bytes()) << " of it intermediates\n";
}

void run(Options& options) {
  if (!options.size_text.empty()) options.size = parse_size(options.size_text);
  OutputFiles outputs;
  outputs.protect(options.model.weights);
  if (!options.json.empty() && !is_standard_output(options.json)) {
    outputs.expect("--json", options.json);
  }
  Context ctx = make_context(options.common);
  const SuperPoint model = load_superpoint(options.model, options.common);
  const Results results = Bench(options, model, ctx).run();
  if (!options.json.empty()) write_json(options.json, to_json(options, results, ctx), outputs);
  outputs.commit();
  if (!options.common.quiet && !is_standard_output(options.json)) print(options, results, ctx);
}

}  // namespace

void add_bench(CLI::App& parent) {
  CLI::App* bench = parent.add_subcommand("bench", "Measure how long a network takes");
  bench->require_subcommand(1);
  bench->footer(kHelp);
  const auto options = std::make_shared<Options>();
  CLI::App* command = bench->add_subcommand("keypoints", "SuperPoint, from picture to keypoints");
  command->footer(kHelp);
  add_model_options(*command, kSuperPoint, options->model);
  add_keypoint_options(*command, options->keypoints);
  command->add_option("--size", options->size_text, "Size of the picture (default: 480x640)")
      ->type_name("HxW")
      ->group("Measurement");
  command
      ->add_option("--repeat", options->repeat, "Repetitions, after one to warm up (default: 20)")
      ->type_name("N")
      ->check(between(1, 1e6))
      ->group("Measurement");
  command->add_flag("--profile", options->profile, "Add a table of the network's operators")
      ->group("Measurement");
  command->add_option("--json", options->json, "Write the figures as JSON ('-' prints it)")
      ->type_name("F")
      ->group("Output");
  add_common_options(*command, options->common);
  command->callback([options] { run(*options); });
}

}  // namespace hewn::app
