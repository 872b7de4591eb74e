// SuperPoint: keypoints and descriptors in one pass.
// DeTone, Malisiewicz, Rabinovich, "SuperPoint: Self-Supervised Interest Point Detection and
// Description", 2018.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>
#include <string>

namespace hewn {

/// How a keypoint's place on the picture maps to the coarse descriptor map, where public
/// implementations differ.
enum class DescriptorSampling {
  none,       ///< the checkpoint has no descriptors (MagicPoint)
  magicleap,  ///< cell corners aligned: (xy − 4 + 0.5) / (8·size − 4 − 0.5)
  half_pixel  ///< pixel centres: (xy + 0.5) / (8·size)
};

/// The network: an encoder, and a head each for the detector and the descriptors. Immutable;
/// threads may share one.
class SuperPoint {
 public:
  /// One cell of the detector is 8 × 8 pixels.
  static constexpr std::int64_t kCell = 8;

  /// Packs the weights of a file made by weights_tools.convert. Throws Error, naming file and
  /// tensor, when it holds another model, or a tensor is missing, left over or of another shape.
  /// `packing` says in which Contexts the network will run.
  explicit SuperPoint(const SafetensorsFile& file, Conv2dPacking packing = Conv2dPacking::any);

  /// Weights drawn at random (He initialisation), for trying the program without a weights file.
  static SuperPoint random(std::uint64_t seed, Conv2dPacking packing = Conv2dPacking::any);

  /// What the network computes. The views live in the arena of the Context.
  struct Output {
    View semi;    ///< {n, h/8, w/8, 65}: logits of the 64 pixels of a cell and of the dustbin
    View scores;  ///< {n, 8·⌊h/8⌋, 8·⌊w/8⌋, 1}: the heat map, probabilities in [0, 1]
    View descriptors;  ///< {n, h/8, w/8, 256}, of length 1; {n, h/8, w/8, 0} when there are none
  };

  /// Runs the network on gray values in [0, 1], {n, h, w, 1}, both sides at least 8; when 8 does
  /// not divide them, the remainder on the right and at the bottom has no score, as in PyTorch.
  /// Throws Error for another shape. Traced are all layers; of those that are pooled, conv1b,
  /// conv2b and conv3b, the maxima as "conv1b.max_pool". Thread-safe with one Context a thread. The
  /// caller holds an Arena::Scope around this and all use of the output.
  Output forward(ConstView image, Context& ctx) const;

  /// For sample_descriptors(): what the checkpoint was trained with.
  DescriptorSampling descriptor_sampling() const { return sampling_; }
  /// Which public checkpoint the weights have the form of: "magicleap", "open-v6", "conv5a",
  /// "magicpoint" or "random".
  const std::string& form() const { return form_; }

 private:
  explicit SuperPoint(FileLayers layers);
  SuperPoint(LayerSource& layers, std::string form, DescriptorSampling sampling);

  // The three parts of the network. Each leaves nothing but its result in the arena.
  void encode(ConstView image, View features, Context& ctx) const;
  void detect(ConstView features, const Output& out, Context& ctx) const;
  void describe(ConstView features, const Output& out, Context& ctx) const;

  std::string form_;
  DescriptorSampling sampling_;
  ConvLayer conv1a_, conv1b_, conv2a_, conv2b_, conv3a_, conv3b_, conv4a_, conv4b_;
  std::optional<ConvLayer> conv5a_;           // the conv5a form only
  ConvLayer convPa_, convPb_;                 // detector
  std::optional<ConvLayer> convDa_, convDb_;  // descriptors; MagicPoint has none
};

}  // namespace hewn
