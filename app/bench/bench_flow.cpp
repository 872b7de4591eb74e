// hewn bench flow: RAFT, from two pictures to the flow between them.
#include "hewn/runtime/error.h"

#include "app/bench/bench.h"
#include "app/bench/bench_pictures.h"
#include "app/options/flow_options.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench flow --weights raft.safetensors --size 440x1024 --repeat 5
  hewn bench flow --random-weights 1 --size 256x320 --iters 4 --threads 1 --profile

The pictures are drawn by the program: random discs, which have moved by three pixels in the
second. Sides are rounded up to multiples of 8.)";

struct Options : BenchOptions {
  FlowOptions flow;
};

BenchReport bench(const Options& options, const PictureSize& size, Context& ctx) {
  constexpr std::int64_t kShift = 3;
  const Raft model = load_raft(options.model, options.common);
  const Tensor image1 = draw_discs(size);
  const Tensor image2 = draw_discs(size, kShift);
  const Raft::Options run{
      .iterations = options.flow.iterations,
      .correlation = correlation_form(options.flow, model, size.height, size.width)};
  const auto forward = [&] {
    const Arena::Scope scope(ctx.arena());
    model.forward(image1.view(), image2.view(), run, ctx);
  };
  const std::string form(name_of(run.correlation));
  BenchReport report{.name = "flow",
                     .size = size,
                     .stages = {{"network", "network", {}}},
                     .extra = {{"variant", model.variant().name},
                               {"iterations", run.iterations},
                               {"correlation", form}},
                     .notes = {text_of(model.variant().name, " network"),
                               text_of(run.iterations, " iterations"), "correlations " + form}};
  measure(
      options, ctx, report, [&] { return Times{seconds_of(forward)}; }, forward);
  return report;
}

void run(const Options& options) {
  run_bench(options, Raft::kMinSide, Raft::kCell,
            [&](const PictureSize& size, Context& ctx) { return bench(options, size, ctx); });
}

void add_options(CLI::App& command, Options& options) {
  add_model_options(command, kRaft, options.model);
  add_flow_options(command, options.flow);
  add_bench_options(command, "440x1024", 5, options);
}

}  // namespace

void add_bench_flow(CLI::App& bench) {
  add_command<Options>(bench, "flow", "RAFT, from two pictures to the flow", kHelp, add_options,
                       run);
}

}  // namespace hewn::app
