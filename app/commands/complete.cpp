// hewn complete: what could be where a picture has holes.
#include "hewn/models/completion/discriminators.h"
#include "hewn/models/completion/paint.h"
#include "hewn/models/tasks/inpainting/postprocess.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "app/commands/commands.h"
#include "app/drawing/completed_picture.h"
#include "app/options/complete_options.h"
#include "app/options/hole.h"
#include "app/options/options.h"
#include "app/output/progress_bar.h"
#include "app/output/report.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp = R"(Examples:
  hewn complete photo.png --mask hole.png --weights completion.safetensors --out whole.png
  hewn complete photo.jpg --rect 100,80,64,64 --weights completion.safetensors --draw sheet.png
  hewn complete cutout.png --weights completion.safetensors --out whole.png --postprocess none
  hewn complete huge.png --mask hole.png --weights F --out whole.png --max-memory 100

Without --mask and --rect, what is transparent is missing. What is known keeps its values to the
bit. The network sees 156 pixels around a hole; larger pictures are not scaled, and run in tiles
where --max-memory asks for it.)";

struct Options {
  fs::path image;
  HoleOptions hole;
  CommonOptions common;
  ModelOptions model;
  CompleteOptions complete;
  bool score = false;
  ReportFiles report;
  fs::path out, draw;
};

void add_options(CLI::App& command, Options& options) {
  add_argument(command, "IMG", options.image, "A picture: PNG, JPEG or PNM")->required();
  add_hole_options(command, options.hole);
  add_model_options(command, kCompletion, options.model);
  add_complete_options(command, options.complete);
  const OptionGroup group(command, "Output");
  group.add("--out", options.out, "F.png", "Write the completed picture");
  group.add("--draw", options.draw, "F.png", "Draw picture, hole and result side by side");
  group.add_flag("--score", options.score,
                 "Say how real the result looks to the context discriminators, from 0 to 1");
  group.add("--json", options.report.json, "F", "Write a report as JSON ('-' prints it)");
  group.add("--dump", options.report.dump, "F.safetensors",
            "Write the network's output everywhere (raw), what Poisson's equation gives (blended), "
            "and the result (completed), as NCHW");
  group.add("--trace", options.report.trace, "F.safetensors",
            "Write the input and every layer's output under the layer's name, as NCHW; the whole "
            "picture runs at once");
}

std::int64_t count_missing(ConstView hole) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < hole.shape.pixels(); ++i) count += hole.data[i] != 0 ? 1 : 0;
  return count;
}

Json to_json(const Rectangle& r) {
  return {{"x", r.left}, {"y", r.top}, {"width", r.width}, {"height", r.height}};
}

/// One run of the command.
class CompleteCommand {
 public:
  explicit CompleteCommand(const Options& options)
      : options_(options), report_(options.report, options.common.quiet) {
    OutputFiles& files = report_.files();
    files.protect({options_.image, options_.hole.mask, options_.model.weights});
    files.expect_any("--out", options_.out);
    files.expect_any("--draw", options_.draw);
    report_.expect();
  }

  void run() {
    const Image image = read_image(options_.image);
    const Tensor hole = read_hole(options_.hole, options_.image, image);
    const Tensor picture = to_rgb(image);
    Tensor completed(picture.shape());
    missing_ = count_missing(hole.view());
    describe(picture.shape());
    complete(picture.view(), hole.view(), completed.view());
    if (options_.score) score(completed.view(), hole.view());
    write(image, picture.view(), hole.view(), completed.view());
  }

 private:
  void complete(ConstView picture, ConstView hole, View completed) {
    const ProgressBar bar(kSteps, !options_.common.quiet);
    const Painting painting = paint(picture, hole, bar);
    Context ctx = make_context(options_.common);
    TensorDump* const dump = report_.dump();
    if (dump != nullptr) dump->add("raw", painting.raw.view());
    const TraceScope trace(ctx.tracer(), [dump](const TracePiece& piece) {
      if (dump != nullptr && piece.layer == "poisson") dump->add("blended", piece.values);
    });
    bar.show(kPaintSteps, "blending");
    const PoissonSolution blending = postprocess(picture, hole, painting.raw.view(),
                                                 options_.complete.postprocess, completed, ctx);
    if (dump != nullptr) dump->add("completed", completed);
    describe(painting, blending);
  }

  /// The network and its memory are gone when the blending begins.
  Painting paint(ConstView picture, ConstView hole, const ProgressBar& bar) {
    const CompletionNetwork network = load_completion(options_.model, options_.common);
    Context ctx = make_context(options_.common);
    PaintOptions options{.max_bytes = options_.complete.max_bytes(),
                         .everywhere = report_.dump() != nullptr || report_.trace() != nullptr,
                         .progress = [&](std::int64_t done, std::int64_t tiles) {
                           bar.show(kPaintSteps * done / std::max<std::int64_t>(tiles, 1),
                                    options_.image.string());
                         }};
    if (report_.trace() == nullptr) return paint_holes(network, picture, hole, options, ctx);
    options.max_bytes = std::numeric_limits<std::int64_t>::max();
    TracedLayers traced;
    const TraceScope trace(ctx.tracer(), traced.sink());
    Painting painting = paint_holes(network, picture, hole, options, ctx);
    report_.trace()->add(traced.take());
    return painting;
  }

  void describe(const Nhwc& s) {
    document_ = {{"image", options_.image.string()},
                 {"weights", weights_name(options_.model)},
                 {"width", s.w},
                 {"height", s.h},
                 {"missing", missing_}};
    const double share = 100 * static_cast<double>(missing_) / static_cast<double>(s.pixels());
    report_.said() << options_.image.string() << ": " << s.w << " × " << s.h << " pixels, "
                   << missing_ << " of them missing (" << fixed(share, 1) << "%)";
  }

  void describe(const Painting& painting, const PoissonSolution& blending) {
    document_["tiles"] = painting.tiles;
    document_["postprocess"] = name_of(options_.complete.postprocess);
    if (painting.tiles > 1) report_.said() << ", painted in " << painting.tiles << " tiles";
    if (blending.unknowns > 0) {
      document_["blending"] = {{"unknowns", blending.unknowns},
                               {"iterations", blending.iterations},
                               {"relative_residual", blending.residual}};
    }
    report_.said() << '\n';
  }

  void score(ConstView completed, ConstView hole) {
    if (missing_ == 0) {
      report_.said() << "nothing is missing, so there is nothing to score\n";
      return;
    }
    const ContextDiscriminators discriminators =
        load_discriminators(options_.model, options_.common);
    Context ctx = make_context(options_.common);
    const float probability = score_completion(discriminators, completed, hole, ctx);
    const Rectangle window = score_window(hole);
    document_["score"] = {{"probability", shortest(probability)}, {"window", to_json(window)}};
    report_.said() << "real with a probability of " << fixed(probability, 3)
                   << ", say the discriminators, of " << window.width << " × " << window.height
                   << " pixels around the hole\n";
  }

  void write(const Image& image, ConstView picture, ConstView hole, ConstView completed) {
    const OutputFiles& files = report_.files();
    if (!options_.out.empty()) {
      write_png(files.staged(options_.out), join(image, hole, completed));
    }
    if (!options_.draw.empty()) {
      write_png(files.staged(options_.draw), draw_completion(picture, hole, completed));
    }
    report_.publish(document_);
  }

  // Painting takes most of the time.
  static constexpr std::int64_t kSteps = 100;
  static constexpr std::int64_t kPaintSteps = 80;

  const Options& options_;
  Report report_;
  std::int64_t missing_ = 0;
  Json document_;
};

}  // namespace

void add_complete(CLI::App& parent) {
  add_command<Options>(parent, "complete", "Fill the holes of a picture", kHelp, add_options,
                       [](const Options& options) { CompleteCommand(options).run(); });
}

}  // namespace hewn::app
