#include "hewn/models/layers/conv_stack.h"

#include <cstddef>

namespace hewn {

namespace {

ConvLink link_of(const ConvLayer& layer) { return Conv2dLink{&layer.conv()}; }
ConvLink link_of(const ConvTransposeLayer& layer) { return &layer.conv(); }

}  // namespace

std::array<ConvLink, kMaxConvLinks> ConvStack::links() const {
  std::array<ConvLink, kMaxConvLinks> links;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    links[i] = std::visit([](const auto& layer) { return link_of(layer); }, layers_[i]);
  }
  return links;
}

void ConvStack::operator()(ConstView x, View y, Context& ctx) const {
  conv_chain(x, used(links()), y, ctx);
}

Nhwc ConvStack::output_shape(const Nhwc& x) const {
  return conv_chain_output_shape(x, used(links()));
}

std::int64_t ConvStack::least_row_bytes(const Nhwc& x, const Context& ctx) const {
  return conv_chain_row_bytes(x, used(links()), /*buffer_bytes=*/0, ctx);
}

}  // namespace hewn
