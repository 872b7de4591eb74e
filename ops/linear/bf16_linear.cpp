// x is rounded once, in one piece. The threads then share the panels; each is multiplied with all
// rows, whose sums stay in L2 for the epilogue.
#include "hewn/ops/gemm/gemm.h"
#include "hewn/ops/linear/bf16.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/isa/kernels.h"
#include "hewn/runtime/parallel.h"

#include <algorithm>

namespace hewn {

namespace {

constexpr std::int64_t kPanelsTogether = 2;
/// Rows whose sums of two panels, 64 KB, are kept in L2.
constexpr std::int64_t kRowsTogether = 512;

Epilogue epilogue_of(const PackedLinear& layer, const Addends& addends, std::int64_t row,
                     std::int64_t channel) {
  const auto at = [&](const std::optional<ConstView>& view) {
    return view ? view->data + row * view->pixel_stride + channel : nullptr;
  };
  return {.before = at(addends.before),
          .before_stride = addends.before ? addends.before->pixel_stride : 0,
          .activation = layer.activation(),
          .after = at(addends.after),
          .after_stride = addends.after ? addends.after->pixel_stride : 0};
}

}  // namespace

void bf16_linear(ConstView x, const Addends& addends, const PackedLinear& layer, View y,
                 Context& ctx) {
  const auto bf16 = ctx.bf16();
  require(bf16.has_value(), "linear ", layer.name(),
          ": is packed in bfloat16, which this machine does not multiply");
  const auto& kernels = select_kernels<Bf16Kernels>(*bf16);
  const auto& gemm = select_kernels<GemmKernels>(ctx.isa());
  const std::int64_t rows = x.shape.pixels();
  const std::int64_t padded_rows = round_up(rows, kBf16Rows);
  const std::int64_t depth = round_up(layer.in_features(), kBf16Depth);
  const auto in =
      ctx.arena().allocate<std::uint16_t>(checked_multiply(padded_rows, depth, "bfloat16 rows"));
  parallel_for(ctx, padded_rows, kBf16Rows, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      std::uint16_t* to = in.data() + row * depth;
      if (row < rows) {
        kernels.round(x.data + row * x.pixel_stride, to, layer.in_features());
      } else {
        std::fill_n(to, depth, std::uint16_t{0});
      }
    }
  });
  const std::int64_t sums_size = kRowsTogether * kPanelsTogether * kPanel;
  const auto sums = ctx.arena().allocate<float>(ctx.threads() * sums_size);
  const std::int64_t panels = divide_up(layer.out_features(), kPanel);
  const std::int64_t steps = divide_up(panels, kPanelsTogether);
  const std::int64_t row_blocks = divide_up(padded_rows, kRowsTogether);
  parallel_for(ctx, steps * row_blocks, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
    float* own_sums = sums.data() + worker * sums_size;
    for (std::int64_t i = begin; i < end; ++i) {
      // Blocks of rows share a panel while it is near.
      const std::int64_t row = i % row_blocks * kRowsTogether;
      const std::int64_t panel = i / row_blocks * kPanelsTogether;
      const std::int64_t channel = panel * kPanel;
      const std::int64_t count = std::min(panels - panel, kPanelsTogether);
      kernels.product({.in = in.data() + row * depth,
                       .rows = std::min(padded_rows - row, kRowsTogether),
                       .depth = depth,
                       .panels = layer.bf16_panels().data() + channel * depth,
                       .panel_count = count,
                       .bias = layer.bias().data() + channel,
                       .sums = own_sums});
      GemmTile tile{};
      tile.out = y.data + row * y.pixel_stride + channel;
      tile.out_stride = y.pixel_stride;
      tile.pixels = std::min(rows - row, kRowsTogether);
      tile.channels = std::min(layer.out_features() - channel, count * kPanel);
      tile.epilogue = epilogue_of(layer, addends, row, channel);
      gemm.finish(tile, own_sums, static_cast<int>(count));
    }
  });
}

}  // namespace hewn
