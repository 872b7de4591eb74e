// hewn bench flow: RAFT, from two pictures to the flow between them.
#include "hewn/runtime/error.h"

#include <memory>

#include "app/bench/bench.h"
#include "app/bench/bench_pictures.h"
#include "app/options/flow_options.h"
#include "app/output/output_files.h"
#include "app/output/progress_bar.h"

namespace hewn::app {

namespace {

constexpr const char* kHelp = R"(Examples:
  hewn bench flow --weights raft.safetensors --size 440x1024 --repeat 5
  hewn bench flow --random-weights 1 --size 256x320 --iters 4 --threads 1 --profile

The pictures are drawn by the program: random discs, which have moved by three pixels in the
second. Sides are rounded up to multiples of 8.)";

struct Options {
  BenchOptions bench;
  FlowOptions flow;
};

BenchReport measure(const Options& options, const PictureSize& size, const Raft& model,
                    Context& ctx) {
  constexpr std::int64_t kShift = 3;
  const Tensor image1 = draw_discs(size);
  const Tensor image2 = draw_discs(size, kShift);
  const Raft::Options run{
      .iterations = options.flow.iterations,
      .correlation = correlation_form(options.flow, model, size.height, size.width)};
  const auto forward = [&] {
    const Arena::Scope scope(ctx.arena());
    model.forward(image1.view(), image2.view(), run, ctx);
  };
  const std::int64_t repeat = options.bench.repeat;
  const ProgressBar bar(repeat, !options.bench.common.quiet);
  forward();
  Times times;
  for (std::int64_t i = 0; i < repeat; ++i) {
    bar.show(i, "flow");
    times.push_back(seconds_of(forward));
  }
  const std::string form(name_of(run.correlation));
  BenchReport report{.name = "flow",
                     .size = size,
                     .extra = {{"variant", model.variant().name},
                               {"iterations", run.iterations},
                               {"correlation", form}},
                     .notes = {text_of(model.variant().name, " network"),
                               text_of(run.iterations, " iterations"), "correlations " + form},
                     .stages = {{"network", "network", times}},
                     .profile = {}};
  if (options.bench.profile) report.profile = profile_of(repeat, ctx, forward);
  return report;
}

void run(const Options& options) {
  const PictureSize size = parse_size(options.bench.size_text, Raft::kMinSide, Raft::kCell);
  OutputFiles outputs;
  expect_report(options.bench, outputs);
  Context ctx = make_context(options.bench.common);
  const Raft model = load_raft(options.bench.model, options.bench.common);
  publish(options.bench, measure(options, size, model, ctx), ctx, outputs);
}

}  // namespace

void add_bench_flow(CLI::App& bench) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = bench.add_subcommand("flow", "RAFT, from two pictures to the flow");
  command->footer(kHelp);
  add_model_options(*command, kRaft, options->bench.model);
  add_flow_options(*command, options->flow);
  options->bench.repeat = 5;
  add_bench_options(*command, "440x1024", options->bench);
  command->callback([options] { run(*options); });
}

}  // namespace hewn::app
