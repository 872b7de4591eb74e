#include "hewn/models/layers/conv_stack.h"

#include <cstddef>

namespace hewn {

std::array<ConvLink, kMaxConvLinks> ConvStack::links() const {
  std::array<ConvLink, kMaxConvLinks> links;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    std::visit([&](const auto& layer) { links[i] = &layer.conv(); }, layers_[i]);
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
