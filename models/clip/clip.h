// CLIP: both towers of one file.
#pragma once

#include "hewn/models/clip/image_tower.h"
#include "hewn/models/clip/preprocess.h"
#include "hewn/models/clip/prompts.h"
#include "hewn/models/clip/text_tower.h"
#include "hewn/runtime/files/safetensors.h"

#include <memory>
#include <optional>
#include <string>

namespace hewn {

/// Which towers are loaded; the other takes no memory.
enum class ClipTowers { both, image, text };

/// CLIP with vision transformers (Radford et al., "Learning transferable visual models from natural
/// language supervision", 2021).
class Clip {
 public:
  /// Packs the weights of a file made by weights_tools.convert, and keeps the file: the
  /// vocabulary's embedding is read from it. Throws Error, naming file and tensor, when it holds
  /// another model, or a tensor is missing, left over or of another shape. Immutable: threads may
  /// share one. With bfloat16, blocks run in Contexts that have bf16() alone.
  explicit Clip(SafetensorsFile file, ClipTowers towers = ClipTowers::both,
                LinearPrecision precision = LinearPrecision::float32);

  /// The image tower. Throws Error when it was not loaded.
  const ImageTower& image() const;
  /// The text tower. Throws Error when it was not loaded.
  const TextTower& text() const;

  const SafetensorsFile& file() const { return *file_; }  ///< what it was made of
  /// What the image tower expects of its pictures.
  const Preprocessing& preprocessing() const { return preprocessing_; }
  /// What cosines are multiplied with before the softmax, exp(logit_scale).
  float logit_scale() const { return logit_scale_; }
  /// Which public checkpoint the weights have the form of: "openai", "transformers", "open_clip".
  const std::string& form() const { return form_; }

  /// Learned prompts for this model; both towers must be loaded. Throws as Prompts does.
  Prompts read_prompts(const SafetensorsFile& file) const;

 private:
  std::unique_ptr<SafetensorsFile> file_;  // whose address the text tower knows
  std::string form_;
  Preprocessing preprocessing_;
  float logit_scale_;
  std::optional<ImageTower> image_;
  std::optional<TextTower> text_;
};

}  // namespace hewn
