// The context discriminators of the completion network: does the result look real?
// Iizuka, Simo-Serra and Ishikawa, "Globally and locally consistent image completion", 2017,
// section 3.3.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/geometry.h"
#include "hewn/runtime/tensor.h"

#include <array>
#include <cstdint>

namespace hewn {

/// Two networks, for the whole picture and for the hole, whose features one last layer judges.
/// Immutable; threads may share one.
class ContextDiscriminators {
 public:
  /// What the global one sees: a whole picture, scaled to this size.
  static constexpr std::int64_t kPicture = 256;
  /// What the local one sees: the hole and what is around it.
  static constexpr std::int64_t kPatch = 128;

  /// Packs the weights of a file made by weights_tools.convert with discriminators. Throws Error,
  /// naming file and tensor, when it has none, or a tensor is missing or of another shape.
  explicit ContextDiscriminators(const SafetensorsFile& file,
                                 Conv2dPacking packing = Conv2dPacking::any);

  /// Weights drawn at random (He initialisation).
  static ContextDiscriminators random(std::uint64_t seed,
                                      Conv2dPacking packing = Conv2dPacking::any);

  /// The probability, from 0 to 1, that the picture is a real one: patch {1, kPatch, kPatch, 3},
  /// picture {1, kPicture, kPicture, 3}, values in [0, 1]. Throws Error for other shapes.
  /// Thread-safe with one Context a thread. The bits depend on neither threads nor instruction set.
  float operator()(ConstView patch, ConstView picture, Context& ctx) const;

 private:
  explicit ContextDiscriminators(FileLayers layers);
  explicit ContextDiscriminators(LayerSource& layers);

  std::array<ConvLayer, 6> local_;
  std::array<ConvLayer, 7> global_;
  ConvLayer joint_;
};

/// What of a picture with a hole is scored: the smallest square around the hole whose side is a
/// multiple of 256 and twice the hole's, or else the largest that the picture has room for. Throws
/// Error unless mask, {1, h, w, 1}, has a pixel that is not 0.
Rectangle score_window(ConstView mask);

/// The probability that a completed picture is real, as the discriminators have it from its
/// score_window(), scaled to 256 × 256, and of that the 128 × 128 pixels around the hole.
///
/// picture: {1, h, w, 3}, values in [0, 1]; mask: {1, h, w, 1} with at least one pixel that is not
/// 0. Throws Error otherwise.
float score_completion(const ContextDiscriminators& discriminators, ConstView picture,
                       ConstView mask, Context& ctx);

}  // namespace hewn
