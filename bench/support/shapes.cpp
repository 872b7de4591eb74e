#include "bench/support/shapes.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace hewn::bench {

namespace {

std::filesystem::path folder() { return HEWN_BENCH_SHAPES; }

/// A field for both axes: `3` or, rows x columns, `1x5`.
struct Axes {
  std::int64_t h, w;
};

std::istream& operator>>(std::istream& in, Axes& axes) {
  in >> axes.h;
  axes.w = axes.h;
  if (in.good() && in.peek() == 'x') in.ignore() >> axes.w;
  return in;
}

std::istream& operator>>(std::istream& in, Activation& activation) {
  std::string kind;
  in >> kind;
  if (kind == "quick_gelu") {
    activation = {.kind = Activation::Kind::quick_gelu};
  } else if (kind == "none") {
    activation = {};
  } else {
    in.setstate(std::ios::failbit);
  }
  return in;
}

std::istream& operator>>(std::istream& in, ConvShape& shape) {
  Axes kernel{};
  Axes stride{};
  Axes padding{};
  Axes dilation{};
  in >> shape.name >> shape.h >> shape.w >> shape.in >> shape.out >> kernel >> stride >> padding >>
      dilation;
  shape.kernel_h = kernel.h;
  shape.kernel_w = kernel.w;
  shape.params = {.stride_h = stride.h,
                  .stride_w = stride.w,
                  .padding_h = padding.h,
                  .padding_w = padding.w,
                  .dilation_h = dilation.h,
                  .dilation_w = dilation.w,
                  .activation = Activation::relu()};
  return in;
}

std::istream& operator>>(std::istream& in, LinearShape& shape) {
  return in >> shape.name >> shape.rows >> shape.in >> shape.out >> shape.activation;
}

template <typename LayerShape>
std::vector<LayerShape> read_shapes(const std::filesystem::path& path, const char* fields) {
  std::ifstream file(path);
  require(file.is_open(), path.string(), ": cannot be opened");
  std::vector<LayerShape> shapes;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream in(line);
    LayerShape shape{};
    in >> shape;
    require(in && (in >> std::ws).eof(), path.string(), ":", number, ": expected '", fields,
            "', got '", line, "'");
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

}  // namespace

std::vector<std::string> conv_networks() {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder(), error);
  require(!error, folder().string(), ": cannot be listed: ", error.message());
  std::vector<std::string> networks;
  for (const auto& entry : entries) {
    if (entry.path().extension() == ".txt") networks.push_back(entry.path().stem().string());
  }
  std::sort(networks.begin(), networks.end());
  return networks;
}

std::vector<ConvShape> read_conv_shapes(const std::string& network) {
  return read_shapes<ConvShape>(folder() / (network + ".txt"),
                                "name h w in out kernel stride padding dilation");
}

std::vector<LinearShape> read_linear_shapes(const std::string& network) {
  return read_shapes<LinearShape>(folder() / "linear" / (network + ".txt"),
                                  "name rows in out activation");
}

}  // namespace hewn::bench
