#include "app/options/complete_options.h"

#include <map>
#include <string>

#include "app/options/options.h"

namespace hewn::app {

namespace {

const std::map<std::string, Postprocess> kWays{{"none", Postprocess::none},
                                               {"fmm", Postprocess::fmm},
                                               {"poisson", Postprocess::poisson},
                                               {"both", Postprocess::both}};

}  // namespace

std::int64_t CompleteOptions::max_bytes() const { return bytes_of(megabytes); }

void add_complete_options(CLI::App& command, CompleteOptions& options) {
  const OptionGroup group(command, "Completion");
  group
      .add("--postprocess", options.postprocess, "WAY",
           "How the network's pixels join the picture's: 'none' leaves them as they are; 'fmm' "
           "fills the hole by fast marching and leaves the network out; 'poisson' blends the "
           "network's gradients into the picture; 'both' into what fast marching has filled, as "
           "in the paper (default: both)")
      ->transform(CLI::CheckedTransformer(kWays).description(""));
  group
      .add("--max-memory", options.megabytes, "MB",
           "The most that the network's maps may take, in units of 10^6 bytes; what is larger "
           "runs in tiles (default: 256)")
      ->check(above(0, 1e9));
}

std::string_view name_of(Postprocess way) {
  for (const auto& [name, known] : kWays) {
    if (known == way) return name;
  }
  return {};
}

}  // namespace hewn::app
