#include "bench/support/shapes.h"

#include "hewn/runtime/error.h"

#include <fstream>
#include <sstream>

namespace hewn::bench {

namespace {

bool parse(const std::string& line, ConvShape& shape) {
  std::istringstream in(line);
  std::int64_t stride = 0;
  std::int64_t padding = 0;
  std::int64_t dilation = 0;
  in >> shape.name >> shape.h >> shape.w >> shape.in >> shape.out >> shape.kernel >> stride >>
      padding >> dilation;
  if (!in || !(in >> std::ws).eof()) return false;
  shape.params = {.stride_h = stride,
                  .stride_w = stride,
                  .padding_h = padding,
                  .padding_w = padding,
                  .dilation_h = dilation,
                  .dilation_w = dilation,
                  .activation = Activation::relu()};
  return true;
}

}  // namespace

std::vector<ConvShape> read_conv_shapes(const std::string& network) {
  const std::string path = HEWN_BENCH_SHAPES "/" + network + ".txt";
  std::ifstream file(path);
  require(file.is_open(), path, ": cannot be opened");
  std::vector<ConvShape> shapes;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    ConvShape shape{};
    require(parse(line, shape), path, ":", number,
            ": expected 'name h w in out kernel stride padding dilation', got '", line, "'");
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

}  // namespace hewn::bench
