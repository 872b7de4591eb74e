#include "app/options/flow_options.h"

#include <string>

#include "app/options/options.h"

namespace hewn::app {

void add_flow_options(CLI::App& command, FlowOptions& options) {
  const OptionGroup group(command, "Flow");
  group.add("--iters", options.iterations, "N", "Iterations (default: 20)")
      ->check(between(1, 10'000));
  command
      .add_option_function<std::string>(
          "--corr",
          [&options](const std::string& form) {
            options.correlation.reset();
            for (const auto known : {CorrelationForm::all_pairs, CorrelationForm::on_demand}) {
              if (form == name_of(known)) options.correlation = known;
            }
          },
          "Correlations: 'all-pairs' beforehand, whose memory grows with the square of the "
          "picture; 'on-demand' where they are looked up, mostly as fast; 'auto' the first as long "
          "as it takes no more than --corr-memory (default: auto)")
      ->check(CLI::IsMember({"all-pairs", "on-demand", "auto"}).description(""))
      ->type_name("FORM")
      ->group("Flow");
  group
      .add("--corr-memory", options.corr_megabytes, "MB",
           "For --corr auto, in units of 10^6 bytes (default: 64)")
      ->check(between(0, 1e9));
}

CorrelationForm correlation_form(const FlowOptions& options, const Raft& model, std::int64_t h,
                                 std::int64_t w) {
  if (options.correlation) return *options.correlation;
  return model.correlation_within(bytes_of(options.corr_megabytes), h, w);
}

std::string_view name_of(CorrelationForm form) {
  return form == CorrelationForm::all_pairs ? "all-pairs" : "on-demand";
}

}  // namespace hewn::app
