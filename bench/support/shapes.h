// Lists of layers' shapes, kept as data in bench/shapes.
#pragma once

#include "hewn/ops/conv2d/conv2d.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hewn::bench {

/// One convolution of a network, as a line of bench/shapes/<network>.txt has it:
/// name h w in out kernel stride padding dilation, the last four the same along both axes.
struct ConvShape {
  std::string name;
  std::int64_t h, w, in, out;
  std::int64_t kernel;
  Conv2dParams params;
};

/// The list bench/shapes/<network>.txt; lines that begin with # are comments. Throws Error, naming
/// file and line, when it cannot be read or a line is not as above.
std::vector<ConvShape> read_conv_shapes(const std::string& network);

}  // namespace hewn::bench
