// Lists of layers' shapes, kept as data in bench/shapes.
#pragma once

#include "hewn/ops/activation/activation.h"
#include "hewn/ops/conv2d/conv2d.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hewn::bench {

/// One convolution of a network, as a line of bench/shapes/<network>.txt has it:
/// name h w in out kernel stride padding dilation. The last four are a number for both axes, or
/// `1x5`, rows x columns.
struct ConvShape {
  std::string name;
  std::int64_t h, w, in, out;
  std::int64_t kernel_h, kernel_w;
  Conv2dParams params;
};

/// One linear layer of a network, as a line of bench/shapes/linear/<network>.txt has it:
/// name rows in out activation, the last `none` or `quick_gelu`.
struct LinearShape {
  std::string name;
  std::int64_t rows, in, out;
  Activation activation;
};

/// The networks whose convolutions are listed in bench/shapes, in the order of their names. Throws
/// Error when the folder cannot be listed.
std::vector<std::string> conv_networks();

/// The list bench/shapes/<network>.txt; empty lines and those that begin with # are left out.
/// Throws Error, naming file and line, when it cannot be read or a line is not as above.
std::vector<ConvShape> read_conv_shapes(const std::string& network);

/// The same for bench/shapes/linear/<network>.txt.
std::vector<LinearShape> read_linear_shapes(const std::string& network);

}  // namespace hewn::bench
