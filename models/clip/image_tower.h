// CLIP's image tower: a vision transformer, from a picture to a vector.
#pragma once

#include "hewn/models/clip/prompts.h"
#include "hewn/models/clip/transformer.h"
#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <vector>

namespace hewn {

/// Patches as tokens with a class token in front, a transformer, and what the class token became
/// (Dosovitskiy et al., "An image is worth 16x16 words", 2021, as CLIP has it).
class ImageTower {
 public:
  /// Reads `visual.conv1.weight` and so on of a converted file. Throws Error, naming file and
  /// tensor, when one is missing or of a shape that does not fit the others.
  explicit ImageTower(FileLayers& file);

  std::int64_t picture_size() const { return grid_ * patch_; }          ///< pixels of a side
  std::int64_t width() const { return transformer_.width(); }           ///< channels of a token
  std::int64_t blocks() const { return transformer_.blocks(); }         ///< of the transformer
  std::int64_t embedding_size() const { return proj_.out_features(); }  ///< channels of a feature

  /// The feature of each picture, of length 1: features {1, 1, n, embedding_size()} of pictures
  /// {n, size, size, 3}, preprocessed. `prompts` may be null; its tokens stand behind the patches.
  /// Throws Error when a shape is wrong. Thread-safe with one Context a thread. Traced, as tokens
  /// {n, 1, tokens, width}: "visual.conv1", with class token, positions and prompts,
  /// "visual.ln_pre", and the blocks.
  void operator()(ConstView pictures, const ImagePrompts* prompts, View features,
                  Context& ctx) const;

 private:
  void run(ConstView picture, const ImagePrompts* prompts, View feature, Context& ctx) const;

  std::int64_t patch_;
  std::int64_t grid_;  // patches along a side
  ConvLayer conv1_;
  std::vector<float> class_token_;  // with its positional embedding
  Tensor positions_;                // of the patches: {1, grid, grid, width}
  LayerNormLayer ln_pre_;
  Transformer transformer_;
  LayerNormLayer ln_post_;
  LinearLayer proj_;
};

}  // namespace hewn
