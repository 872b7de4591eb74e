// Options of what runs RAFT.
#pragma once

#include "hewn/models/raft/padding.h"
#include "hewn/models/raft/raft.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>

namespace hewn::app {

struct FlowOptions {
  std::int64_t iterations = 20;
  /// Empty: all pairs where they take no more than corr_megabytes.
  std::optional<CorrelationForm> correlation;
  double corr_megabytes = 64;  ///< in units of 10⁶ bytes
};

/// Adds --iters, --corr and --corr-memory.
void add_flow_options(CLI::App& command, FlowOptions& options);

/// The form to use for pictures of h × w pixels, multiples of 8.
CorrelationForm correlation_form(const FlowOptions& options, const Raft& model, std::int64_t h,
                                 std::int64_t w);

/// As --corr has it: "all-pairs" or "on-demand".
std::string_view name_of(CorrelationForm form);

}  // namespace hewn::app
