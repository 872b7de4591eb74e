// RAFT's correlation layer: how alike the pixels of two feature maps are, looked up around a flow.
// Teed and Deng, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", 2020, section 3.2.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <array>
#include <cstdint>
#include <span>

namespace hewn {

/// How correlations are had. The results agree within rounding.
enum class CorrelationForm {
  /// All are computed beforehand: memory grows with the square of the number of pixels.
  all_pairs,
  /// Only those that a lookup asks for, when it asks for them ("Efficient Computation for High
  /// Resolution Images"): memory grows with the number of pixels. What the lookup before has
  /// computed is kept, so that a flow that hardly moves costs little.
  on_demand,
};

/// What is looked up, and how it is had.
struct CorrelationParams {
  std::int64_t levels = 4;  ///< 1 to 8; each halves the second map
  std::int64_t radius = 4;  ///< 0 to 7; of the window that is looked up, in pixels of a level
  CorrelationForm form = CorrelationForm::all_pairs;
};

/// The correlations of two feature maps. It lives in the arena of the Context it was made with, so
/// it dies with the enclosing Arena::Scope.
class Correlation {
 public:
  /// The most levels that a pyramid may have.
  static constexpr std::int64_t kMaxLevels = 8;

  /// features1, features2: [n, h, w, c], h and w at least 2^(levels − 1), c ≥ 1. The level l of the
  /// second map is its mean over 2^l × 2^l pixels, rows and columns that are left over dropped, as
  /// torch.nn.functional.avg_pool2d by 2 does l times; since a correlation is linear in it, this is
  /// the mean of the correlations. Both maps may go away afterwards when all pairs are computed; on
  /// demand, features1 must outlive this. Throws Error when a shape or a parameter is out of range.
  Correlation(ConstView features1, ConstView features2, const CorrelationParams& params,
              Context& ctx);

  /// y(n, i, j) = the correlations of pixel (i, j) of the first map around the place in the second
  /// where the flow takes it. With d = 2·radius + 1, channel l·d² + (dx + radius)·d + (dy + radius)
  /// is that of level l at ((j, i) + flow(n, i, j)) / 2^l + (dx, dy), dx, dy from −radius to
  /// radius: features1(i, j) · features2_l(place) / √c, interpolated bilinearly, in pixel
  /// coordinates, zero outside of the level. dx before dy is the order on which the public
  /// checkpoints are trained.
  ///
  /// flow: [n, h, w, 2], x before y, in pixels of the feature maps; y: [n, h, w, channels()].
  /// Throws Error when a shape is wrong. y must not overlap the flow. A place that is NaN or
  /// farther away than 2^24 pixels gives zeros. Bits depend on neither threads nor instruction set,
  /// nor on earlier lookups. One lookup at a time.
  void lookup(ConstView flow, View y, Context& ctx);

  /// levels · (2·radius + 1)².
  std::int64_t channels() const;

  /// Bytes of the arena that the correlations of such maps take, once they have been made.
  static std::int64_t bytes(const Nhwc& features, const CorrelationParams& params);

 private:
  /// A level of the second map, x and y exchanged, so that a column of it is a run of memory: then
  /// samples come in the order in which they are asked for.
  struct Level {
    View features;  // [n, w, h, c], over √c; on_demand only
    /// all_pairs: [n·h·w, w_l, h_l, 1]. on_demand: windows that have been computed, [n·h·w, d + 1,
    /// d + 1, 1].
    View products;
    std::span<std::int32_t> corners;  // on_demand: where each of these windows begins, (x, y)
  };

  ConstView features1_;
  CorrelationParams params_;
  std::array<Level, kMaxLevels> levels_;
};

}  // namespace hewn
