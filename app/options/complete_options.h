// Options of what runs the completion network.
#pragma once

#include "hewn/models/tasks/inpainting/postprocess.h"

#include <cstdint>
#include <string_view>

#include <CLI/CLI.hpp>

namespace hewn::app {

struct CompleteOptions {
  Postprocess postprocess = Postprocess::both;
  double megabytes = 256;  ///< for the network's maps, in units of 10⁶ bytes

  std::int64_t max_bytes() const;
};

/// Adds --postprocess and --max-memory.
void add_complete_options(CLI::App& command, CompleteOptions& options);

/// As --postprocess has it.
std::string_view name_of(Postprocess way);

}  // namespace hewn::app
