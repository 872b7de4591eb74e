// hewn flow: how everything moves from one picture to the next.
#include "hewn/models/tasks/optical_flow/flow_colours.h"
#include "hewn/models/tasks/optical_flow/flow_error.h"
#include "hewn/models/tasks/optical_flow/flow_file.h"
#include "hewn/models/tasks/optical_flow/warm_start.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <filesystem>
#include <map>
#include <vector>

#include "app/commands/commands.h"
#include "app/options/options.h"
#include "app/output/progress_bar.h"
#include "app/output/report.h"
#include "app/output/units.h"
#include "app/tasks/flow_pair.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn flow a.png b.png --weights raft.safetensors --out ab.flo --draw ab.png
  hewn flow a.png b.png --weights raft.safetensors --truth ab_true.flo
  hewn flow a.png b.png --weights raft.safetensors --out ab_kitti.png --iters 12 --pad kitti
  hewn flow frame_*.png --weights raft.safetensors --out-dir flows

A drawing shows directions as hues and speeds as saturation: white stands still, red goes right,
yellow down, cyan left, violet up. --out F.flo writes Middlebury's format, --out F.png
KITTI's 16-bit PNG. With --out-dir, each picture's flow to the next becomes NAME.flo and NAME.png
there, after the first of the two; each pair starts from the flow before, projected forward.)";

struct Options {
  std::vector<fs::path> images;
  CommonOptions common;
  ModelOptions model;
  PairOptions pair;
  std::optional<double> draw_radius;
  bool cold_start = false;
  fs::path out, out_low, draw, out_dir, init, truth;
  ReportFiles report;
};

/// The outputs of one pair; empty where not asked for.
struct PairFiles {
  fs::path out, out_low, draw;
};

void add_network(CLI::App& command, Options& options) {
  add_flow_options(command, options.pair.flow);
  const OptionGroup group(command, "Flow");
  group.add("--init", options.init, "LOW.flo",
            "Start from this flow, of one vector for each 8 × 8 pixels of the padded picture and "
            "in that unit, as --out-low writes it");
  group.add_flag("--cold-start", options.cold_start, "With --out-dir: start each pair from rest");
  const std::map<std::string, RaftPaddingWay> ways{{"sintel", RaftPaddingWay::sintel},
                                                   {"kitti", RaftPaddingWay::kitti}};
  group
      .add("--pad", options.pair.padding, "WAY",
           "How sides become multiples of 8, by repeating the border: 'sintel' on both sides, "
           "'kitti' rows only below (default: sintel)")
      ->transform(CLI::CheckedTransformer(ways).description(""));
}

void add_outputs(CLI::App& command, Options& options) {
  const OptionGroup group(command, "Output");
  auto* out =
      group.add("--out", options.out, "F", "Write the flow: F.flo, or F.png as KITTI has it");
  auto* low = group.add("--out-low", options.out_low, "F.flo", "Write the flow before upsampling");
  auto* draw = group.add("--draw", options.draw, "F.png", "Draw the flow in colours");
  group
      .add("--draw-radius", options.draw_radius, "PX",
           "The speed in pixels that is drawn in full colour (default: the highest)")
      ->check(above(0, 1e9));
  auto* truth = group.add("--truth", options.truth, "T",
                          "Compare with this flow, .flo or KITTI's PNG: end-point error, "
                          "percentages of pixels with an error of more than 1, 3 and 5 pixels, "
                          "F1-all");
  group
      .add("--out-dir", options.out_dir, "D",
           "Write and draw every picture's flow to the next here")
      ->excludes(out)
      ->excludes(low)
      ->excludes(draw)
      ->excludes(truth);
  group.add("--json", options.report.json, "F", "Write a report as JSON ('-' prints it)");
  auto* dump = group.add("--dump", options.report.dump, "F.safetensors",
                         "Write the network's outputs (flow, flow_low), as NCHW");
  group
      .add_flag("--all-iterations", options.pair.all_iterations,
                "Add the flow after every iteration to --dump, as flows and flows_low")
      ->needs(dump);
  group.add("--trace", options.report.trace, "F.safetensors",
            "Write the input and layers' outputs under the layers' names, as NCHW; those of "
            "iterations, from 0 on, as 0.NAME");
}

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "IMG", options.images, "Pictures of one size: PNG, JPEG or PNM")
      ->required();
  add_model_options(command, kRaft, options.model);
  add_network(command, options);
  add_outputs(command, options);
}

bool is_kitti(const fs::path& path) { return path.extension() == ".png"; }

/// Throws UsageError when the pictures and outputs do not go together.
void check_usage(const Options& options) {
  if (options.images.size() < 2) throw UsageError("flow: expected at least two pictures");
  if (options.images.size() > 2 && options.out_dir.empty()) {
    throw UsageError("flow: with more than two pictures, give --out-dir");
  }
  if (!options.out.empty() && options.out.extension() != ".flo" && !is_kitti(options.out)) {
    throw UsageError(text_of("--out: expected a name that ends in .flo or .png, got '",
                             options.out.string(), "'"));
  }
}

PairFiles files_of(const Options& options, std::size_t pair) {
  if (options.out_dir.empty()) return {options.out, options.out_low, options.draw};
  const std::string stem = options.images[pair].stem().string();
  return {options.out_dir / (stem + ".flo"), {}, options.out_dir / (stem + ".png")};
}

void expect(const PairFiles& files, OutputFiles& outputs) {
  outputs.expect_any("--out", files.out);
  outputs.expect_any("--out-low", files.out_low);
  outputs.expect_any("--draw", files.draw);
}

void protect_inputs(const Options& options, OutputFiles& outputs) {
  outputs.protect({options.model.weights, options.init, options.truth});
  outputs.protect(options.images);
}

double mean_length(ConstView flow) {
  double sum = 0;
  for (std::int64_t p = 0; p < flow.shape.pixels(); ++p) sum += flow_length(flow.data + 2 * p);
  return sum / static_cast<double>(flow.shape.pixels());
}

Json to_json(const FlowError& error) {
  return {{"epe", error.epe},           {"over_1px", error.over_1px}, {"over_3px", error.over_3px},
          {"over_5px", error.over_5px}, {"f1_all", error.f1_all},     {"pixels", error.pixels}};
}

/// One run of the command.
class FlowCommand {
 public:
  explicit FlowCommand(const Options& options)
      : options_(options),
        report_(options.report, options.common.quiet),
        ctx_(make_context(options.common)) {
    protect_inputs(options_, report_.files());
    if (!options_.out_dir.empty()) {
      std::error_code error;
      fs::create_directories(options_.out_dir, error);
      require(!error, "--out-dir ", options_.out_dir.string(),
              ": cannot be made: ", error.message());
    }
    // All are announced before any work is done, though each pair's files are written as it ends.
    OutputFiles all;
    protect_inputs(options_, all);
    for (std::size_t i = 0; i + 1 < options_.images.size(); ++i) expect(files_of(options_, i), all);
    report_.expect();
  }

  void run() {
    const Raft model = load_raft(options_.model, options_.common);
    {
      const auto pairs = static_cast<std::int64_t>(options_.images.size() - 1);
      const ProgressBar bar(pairs * options_.pair.flow.iterations, !options_.common.quiet);
      PaddedPicture first = read_padded(options_.images[0], options_.pair.padding);
      std::optional<Tensor> start = read_initial_flow(first);
      read_truth(first);
      for (std::size_t i = 0; i + 1 < options_.images.size(); ++i) {
        PaddedPicture second = read_second(i + 1, first);
        start = process(model, i, first, second, start, bar);
        first = std::move(second);
      }
    }
    report_.publish({{"weights", weights_name(options_.model)}, {"pairs", pairs_}});
  }

 private:
  std::optional<Tensor> read_initial_flow(const PaddedPicture& picture) const {
    if (options_.init.empty()) return std::nullopt;
    FlowField field = read_flow(options_.init);
    const Nhwc expected = flow_low_shape(picture.h, picture.w);
    require(field.flow.shape() == expected, options_.init.string(), ": expected a flow of ",
            expected.w, " × ", expected.h, " vectors, one for each 8 × 8 pixels, got ",
            field.flow.shape().w, " × ", field.flow.shape().h);
    return std::move(field.flow);
  }

  void read_truth(const PaddedPicture& picture) {
    if (options_.truth.empty()) return;
    truth_ = read_flow(options_.truth);
    const Nhwc& s = truth_.flow.shape();
    require(s.h == picture.h && s.w == picture.w, options_.truth.string(), ": expected a flow of ",
            picture.w, " × ", picture.h, " pixels, got ", s.w, " × ", s.h);
  }

  PaddedPicture read_second(std::size_t index, const PaddedPicture& first) const {
    const fs::path& path = options_.images[index];
    PaddedPicture picture = read_padded(path, options_.pair.padding);
    require(picture.h == first.h && picture.w == first.w, path.string(), ": expected ", first.w,
            " × ", first.h, " pixels, as in ", options_.images[0].string(), ", got ", picture.w,
            " × ", picture.h);
    return picture;
  }

  /// One pair; gives the flow that the next one starts from.
  std::optional<Tensor> process(const Raft& model, std::size_t pair, const PaddedPicture& first,
                                const PaddedPicture& second, const std::optional<Tensor>& start,
                                const ProgressBar& bar) {
    const std::string label =
        options_.images[pair].string() + " → " + options_.images[pair + 1].string();
    const auto before = static_cast<std::int64_t>(pair) * options_.pair.flow.iterations;
    if (options_.images.size() > 2) report_.begin(pair);
    bar.show(before, label);
    const PairFlow found = compute_flow(
        model, first, second, start ? std::optional<ConstView>(start->view()) : std::nullopt,
        options_.pair, ctx_,
        report_.sinks([&](std::int64_t done) { bar.show(before + done, label); }));
    describe(label, pair, found);
    write(files_of(options_, pair), found);
    if (options_.cold_start || pair + 2 == options_.images.size()) return std::nullopt;
    Tensor next(found.flow_low.shape());
    forward_project(found.flow_low.view(), next.view());
    return next;
  }

  void write(const PairFiles& files, const PairFlow& found) const {
    OutputFiles outputs;
    protect_inputs(options_, outputs);
    expect(files, outputs);
    if (!files.out.empty() && is_kitti(files.out)) {
      const std::int64_t clamped = write_kitti_flow(outputs.staged(files.out), found.flow.view());
      if (clamped > 0) {
        note(options_.common,
             text_of(files.out.string(), ": ", clamped,
                     " vectors are longer than the format can hold, and were clamped"));
      }
    } else if (!files.out.empty()) {
      write_flo(outputs.staged(files.out), found.flow.view());
    }
    if (!files.out_low.empty()) write_flo(outputs.staged(files.out_low), found.flow_low.view());
    if (!files.draw.empty()) {
      write_png(outputs.staged(files.draw), draw_flow(found.flow.view(), options_.draw_radius));
    }
    outputs.commit();
  }

  void describe(const std::string& label, std::size_t pair, const PairFlow& found) {
    const Nhwc& s = found.flow.shape();
    const double mean = mean_length(found.flow.view());
    const double most = longest(found.flow.view());
    Json entry{{"first", options_.images[pair].string()},
               {"second", options_.images[pair + 1].string()},
               {"width", s.w},
               {"height", s.h},
               {"iterations", options_.pair.flow.iterations},
               {"correlation", name_of(found.correlation)},
               {"mean_length", mean},
               {"longest", most}};
    report_.said() << label << ": " << s.w << " × " << s.h << " pixels, motion of "
                   << fixed(mean, 2) << " pixels on average, " << fixed(most, 2) << " at most\n";
    if (!options_.truth.empty()) {
      const FlowError error =
          flow_error(found.flow.view(), truth_.flow.view(), truth_.valid.view());
      entry["error"] = to_json(error);
      report_.said() << "end-point error " << fixed(error.epe, 3) << " pixels; "
                     << fixed(error.over_1px, 2) << "% over 1 pixel, " << fixed(error.over_3px, 2)
                     << "% over 3, " << fixed(error.over_5px, 2) << "% over 5; F1-all "
                     << fixed(error.f1_all, 2) << "%\n";
    }
    pairs_.push_back(std::move(entry));
  }

  const Options& options_;
  Report report_;
  Context ctx_;
  FlowField truth_;
  Json pairs_ = Json::array();
};

void run(const Options& options) {
  check_usage(options);
  FlowCommand(options).run();
}

}  // namespace

void add_flow(CLI::App& parent) {
  add_command<Options>(parent, "flow", "Optical flow between pictures", kHelp, add_options, run);
}

}  // namespace hewn::app
