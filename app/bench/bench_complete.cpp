// hewn bench complete: the completion network, and all that is done with a picture with a hole.
#include "hewn/models/completion/paint.h"
#include "hewn/runtime/error.h"

#include <algorithm>

#include "app/bench/bench.h"
#include "app/bench/bench_pictures.h"
#include "app/options/complete_options.h"
#include "app/output/units.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench complete --weights completion.safetensors --size 256x256
  hewn bench complete --random-weights 1 --size 1024x1024 --repeat 3 --threads 1 --profile

The picture is drawn by the program: random discs, and in the middle a hole of half its sides.
'network' is the network on the whole picture, its sides rounded up to multiples of 4. 'painting' is
what a hole needs of it, the window around it, and with the stages after it makes the total.)";

struct Options : BenchOptions {
  CompleteOptions complete;
};

class CompleteBench {
 public:
  CompleteBench(const Options& options, const PictureSize& size, Context& ctx)
      : options_(options),
        network_(load_completion(options.model, options.common)),
        ctx_(ctx),
        picture_(draw_discs(size)),
        mask_({1, size.height, size.width, 1}),
        completed_(picture_.shape()),
        input_({1, size.height, size.width, network_.in_channels()}) {
    fill(mask_.view(), 0);
    for (std::int64_t y = size.height / 4; y < size.height - size.height / 4; ++y) {
      std::fill_n(mask_.view().pixel(0, y, size.width / 4), size.width - size.width / 4 * 2, 1.0F);
    }
    network_.prepare(picture_.view(), mask_.view(), input_.view());
  }

  BenchReport run() {
    const std::string way(name_of(options_.complete.postprocess));
    BenchReport report{.name = "complete",
                       .size = {picture_.shape().h, picture_.shape().w},
                       .stages = {{"network", "network, whole picture", {}},
                                  {"painting", "painting the hole", {}},
                                  {"fast_marching", "fast marching", {}},
                                  {"poisson", "Poisson blending", {}},
                                  {"total", "total, from painting on", {}}}};
    measure(
        options_, ctx_, report, [this] { return once(); }, [this] { forward(); });
    report.extra = {{"postprocess", way}, {"tiles", tiles_}};
    report.notes = {counted(tiles_, "tile"), "postprocess " + way};
    return report;
  }

 private:
  void forward() {
    const Arena::Scope scope(ctx_.arena());
    network_.forward(input_.view(), ctx_.arena().view(picture_.shape()), ctx_);
  }

  Times once() {
    const double network = seconds_of([this] { forward(); });
    Painting painting;
    const double painted = seconds_of([&] {
      painting = paint_holes(network_, picture_.view(), mask_.view(),
                             {.max_bytes = options_.complete.max_bytes()}, ctx_);
    });
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
    return {network, painted, marched, all - marched, painted + all};
  }

  const Options& options_;
  CompletionNetwork network_;
  Context& ctx_;
  Tensor picture_;
  Tensor mask_;
  Tensor completed_;
  Tensor input_;
  std::int64_t tiles_ = 0;
};

void run(const Options& options) {
  constexpr std::int64_t kMultiple = CompletionNetwork::kMultiple;
  run_bench(options, kMultiple, kMultiple, [&](const PictureSize& size, Context& ctx) {
    return CompleteBench(options, size, ctx).run();
  });
}

void add_options(CLI::App& command, Options& options) {
  add_model_options(command, kCompletion, options.model);
  add_complete_options(command, options.complete);
  add_bench_options(command, "256x256", 10, options);
}

}  // namespace

void add_bench_complete(CLI::App& bench) {
  add_command<Options>(bench, "complete", "The completion network, and what becomes of the picture",
                       kHelp, add_options, run);
}

}  // namespace hewn::app
