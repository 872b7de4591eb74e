// What is missing of a picture, as the command line says it.
#pragma once

#include "hewn/runtime/pictures/image.h"
#include "hewn/runtime/tensor.h"

#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace hewn::app {

/// A mask, rectangles, or else the picture's own alpha channel.
struct HoleOptions {
  std::filesystem::path mask;
  std::vector<std::string> rectangles;
  bool invert = false;
};
void add_hole_options(CLI::App& command, HoleOptions& options);

/// {1, h, w, 1}: 1 where the picture is missing, 0 elsewhere. Throws UsageError for a rectangle
/// that is none, and where nothing says what is missing; Error, naming the file, for a mask that is
/// no picture or of another size, and a rectangle that leaves the picture.
Tensor read_hole(const HoleOptions& options, const std::filesystem::path& path,
                 const Image& picture);

}  // namespace hewn::app
