// The completion network: what could be in the holes of a picture.
// Iizuka, Simo-Serra and Ishikawa, "Globally and locally consistent image completion", 2017.
#pragma once

#include "hewn/models/layers/conv_stack.h"
#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/tensor.h"

#include <array>
#include <cstdint>

namespace hewn {

/// What the network was trained to see of a picture with holes.
struct CompletionInput {
  /// What stands in a hole, and what around it.
  enum class Holes {
    mean_filled,     ///< the mean colour in the hole, the picture elsewhere
    mean_subtracted  ///< 0 in the hole, the picture less the mean colour elsewhere
  };
  Holes holes = Holes::mean_filled;
  std::array<float, 3> mean{0.5F, 0.5F, 0.5F};  ///< RGB in [0, 1]
  bool mask = true;  ///< a fourth channel, which is 1 in the hole and 0 elsewhere
};

/// Convolutions, four of them dilated, at a quarter of the resolution, and back. Immutable; threads
/// may share one.
class CompletionNetwork {
 public:
  /// Two layers halve the picture, so its sides are multiples of this.
  static constexpr std::int64_t kMultiple = 4;
  /// What an output pixel sees lies within so many pixels of it along both axes: completion.cpp
  /// works it out.
  static constexpr std::int64_t kContext = 156;

  /// Packs the weights of a file made by weights_tools.convert. Throws Error, naming file and
  /// tensor, when it holds another model, or a tensor is missing, left over or of another shape.
  explicit CompletionNetwork(const SafetensorsFile& file,
                             Conv2dPacking packing = Conv2dPacking::any);

  /// Weights drawn at random (He initialisation), for trying the program without a weights file.
  static CompletionNetwork random(std::uint64_t seed, Conv2dPacking packing = Conv2dPacking::any);

  /// What forward() takes for this picture and mask, {n, h, w, 3} of values in [0, 1] and
  /// {n, h, w, 1} of 0 and 1: {n, h, w, in_channels()}. Throws Error when y has another shape.
  void prepare(ConstView picture, ConstView mask, View y) const;

  /// y = the network's picture, {n, h, w, 3} of values in [0, 1], for a prepared x {n, h, w,
  /// in_channels()}, both sides multiples of kMultiple. Throws Error for other shapes. Thread-safe
  /// with one Context a thread. The bits depend on neither threads nor instruction set.
  void forward(ConstView x, View y, Context& ctx) const;

  /// About what forward() takes from the arena for one picture of h × w pixels, and not less.
  std::int64_t bytes(std::int64_t h, std::int64_t w, const Context& ctx) const;

  const CompletionInput& input() const { return input_; }           ///< what prepare() makes
  std::int64_t in_channels() const { return input_.mask ? 4 : 3; }  ///< RGB, and the mask

 private:
  explicit CompletionNetwork(FileLayers layers);
  CompletionNetwork(LayerSource& layers, const CompletionInput& input);

  CompletionInput input_;
  ConvStack encoder_;
  std::array<ConvLayer, 8> dilated_;
  ConvStack decoder_;
};

}  // namespace hewn
