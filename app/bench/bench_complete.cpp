// hewn bench complete: the completion network, and all that is done with a picture with a hole.
#include "hewn/models/completion/paint.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <memory>

#include "app/bench/bench.h"
#include "app/bench/bench_pictures.h"
#include "app/options/complete_options.h"
#include "app/output/output_files.h"
#include "app/output/progress_bar.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench complete --weights completion.safetensors --size 256x256
  hewn bench complete --random-weights 1 --size 1024x1024 --repeat 3 --threads 1 --profile

The picture is drawn by the program: random discs, and in the middle a hole of half its sides.
'network' is the network on the whole picture, its sides rounded up to multiples of 4. 'painting' is
what a hole needs of it, the window around it, and with the stages after it makes the total.)";

struct Options {
  BenchOptions bench;
  CompleteOptions complete;
};

struct Stages {
  Times network, painting, fast_marching, poisson, total;
};

class CompleteBench {
 public:
  CompleteBench(const Options& options, const PictureSize& size, const CompletionNetwork& network,
                Context& ctx)
      : options_(options),
        network_(network),
        ctx_(ctx),
        picture_(draw_discs(size)),
        mask_({1, size.height, size.width, 1}),
        completed_(picture_.shape()),
        input_({1, size.height, size.width, network.in_channels()}) {
    fill(mask_.view(), 0);
    for (std::int64_t y = size.height / 4; y < size.height - size.height / 4; ++y) {
      std::fill_n(mask_.view().pixel(0, y, size.width / 4), size.width - size.width / 4 * 2, 1.0F);
    }
    network_.prepare(picture_.view(), mask_.view(), input_.view());
  }

  BenchReport run() {
    const std::int64_t repeat = options_.bench.repeat;
    const ProgressBar bar(repeat, !options_.bench.common.quiet);
    Stages stages;
    run_once(stages);
    stages = {};
    for (std::int64_t i = 0; i < repeat; ++i) {
      bar.show(i, "complete");
      run_once(stages);
    }
    const std::string way(name_of(options_.complete.postprocess));
    BenchReport report{
        .name = "complete",
        .size = {picture_.shape().h, picture_.shape().w},
        .extra = {{"postprocess", way}, {"tiles", tiles_}},
        .notes = {text_of(tiles_, tiles_ == 1 ? " tile" : " tiles"), text_of("postprocess ", way)},
        .stages = {{"network", "network, whole picture", stages.network},
                   {"painting", "painting the hole", stages.painting},
                   {"fast_marching", "fast marching", stages.fast_marching},
                   {"poisson", "Poisson blending", stages.poisson},
                   {"total", "total, from painting on", stages.total}},
        .profile = {}};
    if (options_.bench.profile) {
      report.profile = profile_of(repeat, ctx_, [this] { forward(); });
    }
    return report;
  }

 private:
  void forward() {
    const Arena::Scope scope(ctx_.arena());
    network_.forward(input_.view(), ctx_.arena().view(picture_.shape()), ctx_);
  }

  void run_once(Stages& stages) {
    stages.network.push_back(seconds_of([this] { forward(); }));
    Painting painting;
    stages.painting.push_back(seconds_of([&] {
      painting = paint_holes(network_, picture_.view(), mask_.view(),
                             {.max_bytes = options_.complete.max_bytes()}, ctx_);
    }));
    tiles_ = painting.tiles;
    // The trace sees the picture that fast marching has filled as soon as it is there.
    double marched = 0;
    const double all = seconds_of([&] {
      const Stopwatch watch;
      const TraceScope trace(ctx_.tracer(), [&](const TracePiece& piece) {
        if (piece.layer == "fast_marching") marched = watch.seconds();
      });
      postprocess(picture_.view(), mask_.view(), painting.raw.view(), options_.complete.postprocess,
                  completed_.view(), ctx_);
    });
    stages.fast_marching.push_back(marched);
    stages.poisson.push_back(all - marched);
    stages.total.push_back(stages.painting.back() + all);
  }

  const Options& options_;
  const CompletionNetwork& network_;
  Context& ctx_;
  Tensor picture_;
  Tensor mask_;
  Tensor completed_;
  Tensor input_;
  std::int64_t tiles_ = 0;
};

void run(const Options& options) {
  constexpr std::int64_t kMultiple = CompletionNetwork::kMultiple;
  const PictureSize size = parse_size(options.bench.size_text, kMultiple, kMultiple);
  OutputFiles outputs;
  expect_report(options.bench, outputs);
  Context ctx = make_context(options.bench.common);
  const CompletionNetwork network = load_completion(options.bench.model, options.bench.common);
  publish(options.bench, CompleteBench(options, size, network, ctx).run(), ctx, outputs);
}

}  // namespace

void add_bench_complete(CLI::App& bench) {
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      bench.add_subcommand("complete", "The completion network, and what becomes of the picture");
  command->footer(kHelp);
  add_model_options(*command, kCompletion, options->bench.model);
  add_complete_options(*command, options->complete);
  options->bench.repeat = 10;
  add_bench_options(*command, "256x256", options->bench);
  command->callback([options] { run(*options); });
}

}  // namespace hewn::app
