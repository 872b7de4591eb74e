// Convolution by Winograd's minimal filtering. Internal: not installed.
#pragma once

#include "hewn/ops/conv2d/call.h"
#include "hewn/ops/gemm/epilogue.h"

#include <array>
#include <cstdint>

namespace hewn {

/// A tile of the input is transformed: Bᵀ d B over both axes, for all channels. Offsets and strides
/// count floats.
struct WinogradInput {
  const float* in;             ///< the tile's first row and column, perhaps outside of the picture
  std::int64_t row_stride;     ///< between the tile's rows: dilation × a picture's row
  std::int64_t column_stride;  ///< between the tile's columns: dilation × pixel stride
  int row_begin, row_end;  ///< the rows of the tile that lie in the picture; the others are zero
  int column_begin, column_end;  ///< likewise
  std::int64_t channels;
  float* out;                   ///< product 0 of the tile; whole vectors of 16 channels are written
  std::int64_t product_stride;  ///< between products
};

/// Products of a tile become outputs: Aᵀ m A over both axes, for one panel of channels, and the
/// epilogue.
struct WinogradOutput {
  const float* in;  ///< product 0 of the tile, 16 channels
  std::int64_t product_stride;
  std::int64_t next;        ///< from these products to those that will be read next
  float* out;               ///< the tile's first output
  std::int64_t row_stride;  ///< between the tile's output rows: dilation × a row of the result
  std::int64_t column_stride;
  std::int64_t before_row_stride;
  std::int64_t before_column_stride;
  std::int64_t after_row_stride;
  std::int64_t after_column_stride;
  int rows, columns;      ///< how many of the tile's outputs exist, before pooling
  bool max_pool;          ///< write the maxima of 2×2 outputs
  std::int64_t channels;  ///< how many of the 16 exist
  Epilogue
      epilogue;  ///< its pointers are at the first of the 16 channels and the tile's first output
};

/// The sizes of F(outputs_h × outputs_w, taps_h × taps_w), and the stride of the convolution that
/// it computes.
struct WinogradTile {
  int outputs_h, taps_h;
  int outputs_w, taps_w;
  int stride = 1;

  constexpr int points_h() const { return outputs_h + taps_h - 1; }
  constexpr int points_w() const { return outputs_w + taps_w - 1; }
  constexpr int products() const { return points_h() * points_w(); }
  /// The parts of the input, every stride-th row and column of it from one of the first or the one
  /// before on: part q of an axis holds the samples stride · i − q.
  constexpr int parts() const { return stride * stride; }
  /// The tap of the convolution that is tap t of F on part q of an axis; negative: there is none.
  constexpr int kernel_tap(int part, int tap) const { return stride * tap - part; }
  constexpr int kernel_h() const { return stride * (taps_h - 1) + 1; }
  constexpr int kernel_w() const { return stride * (taps_w - 1) + 1; }
};

/// The sizes of one of the algorithms that are Winograd's.
WinogradTile winograd_tile(Conv2dAlgorithm algorithm);

/// What one product sums over: input channels of some parts. A part q > 0 of an axis has no first
/// tap, so that its weights are zero at the point 0, the first.
struct WinogradProduct {
  std::int64_t first = 0;  ///< how many parts the products before sum over
  int count = 0;
  std::array<int, 4> parts{};
};

/// For every product of a tile; `parts`: of all together.
struct WinogradProducts {
  std::array<WinogradProduct, 36> of{};
  std::int64_t parts = 0;
};
WinogradProducts winograd_products(const WinogradTile& tile);

struct WinogradTransforms {
  void (*input)(const WinogradInput&);
  void (*output)(const WinogradOutput&);
};

struct WinogradKernels {
  WinogradTransforms f4x4_3x3;
  /// Its output transforms where one row and one column of products are zero: [0] the first, [1]
  /// the last, of rows and then of columns.
  void (*f4x4_3x3_part[2][2])(const WinogradOutput&);
  WinogradTransforms f2x2_3x3;
  WinogradTransforms f4x4_2x2;
  WinogradTransforms f1x4_1x5;
  WinogradTransforms f4x1_5x1;
};

/// Whether Winograd's algorithm can compute convolutions with these weights.
bool winograd_applies(Conv2dAlgorithm algorithm, const Conv2dParams& params, const Shape& weights);

/// The transformed weights G g Gᵀ, computed in double and rounded once: {panels, parts of all
/// products, in, 16}.
Tensor pack_winograd(const Conv2dWeights& weights, Conv2dAlgorithm algorithm);

/// conv2d() by Winograd, for a convolution that was packed for it.
void conv2d_winograd(const Conv2dCall& call, Context& ctx);

}  // namespace hewn
