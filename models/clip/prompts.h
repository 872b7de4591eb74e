// Learned prompts for CLIP: CoOp, CoCoOp, VPT, independent V-L prompts and MaPLe as one thing.
//
//   CoOp       context tokens of the text, for all classes or for each
//              (Zhou et al., "Learning to prompt for vision-language models", 2022)
//   CoCoOp     the same plus what a small network makes of the picture's feature
//              (Zhou et al., "Conditional prompt learning for vision-language models", 2022)
//   VPT        tokens of the picture, at the first block or at several
//              (Jia et al., "Visual prompt tuning", 2022)
//   IVLP       tokens of both, each learned alone
//   MaPLe      tokens of both, the picture's being a linear function of the text's
//              (Khattak et al., "MaPLe: Multi-modal prompt learning", 2023)
#pragma once

#include "hewn/models/clip/text_tower.h"
#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hewn {

/// Learned tokens of pictures.
struct ImagePrompts {
  Tensor tokens;             ///< {1, 1, m, width}: behind the patches
  std::vector<Tensor> deep;  ///< as DeepPrompts has them
};

/// The sizes of a CLIP model that prompts must fit.
struct PromptSizes {
  std::int64_t text_width, text_blocks;
  std::int64_t image_width, image_blocks;
  std::int64_t embedding;  ///< channels of a feature
};

/// What a method of the list above has learned, for one CLIP model. Immutable; threads may share
/// one.
class Prompts {
 public:
  /// Reads a file made by `weights_tools.convert prompts`, which may go afterwards. Throws Error,
  /// naming file and tensor, when it is another kind of file, a tensor is missing, left over or
  /// of a shape that does not fit the model, or there are prompts for more blocks than it has.
  Prompts(const SafetensorsFile& file, const PromptSizes& sizes);

  /// "coop", "cocoop", "vpt", "ivlp" or "maple".
  const std::string& method() const { return method_; }
  /// The tokens that the image tower is to see; null when it sees the picture alone.
  const ImagePrompts* image() const { return image_ ? &*image_ : nullptr; }
  /// Whether there are learned tokens of the text; then the file has its own template.
  bool has_contexts() const { return contexts_.shape().w > 0; }
  /// Whether contexts are made for each picture.
  bool depends_on_picture() const { return meta_net_.has_value(); }
  /// The classes that the prompts were tuned on; empty when the file does not name them.
  const std::vector<std::string>& labels() const { return labels_; }
  /// For how many classes there are contexts, each its own; 0 when all share one.
  std::int64_t classes() const { return classes_; }

  /// The text whose tokens the contexts replace, with "{}" for the label; empty without contexts.
  const std::string& text_template() const { return template_; }

  /// What the text tower is to see of a filled template: the tokens behind start of text are the
  /// contexts, and the label stands where it was when they were learned. `label_tokens` is how many
  /// tokens the label has, `index` its number among the labels, `vocabulary` the model's. Throws
  /// Error when the text has fewer tokens than the contexts replace. Only where has_contexts().
  TextTokens with_contexts(TextTokens text, std::int64_t label_tokens, std::int64_t index,
                           std::int64_t vocabulary) const;

  /// What the text tower is to see in place of the template's tokens. With depends_on_picture() for
  /// the picture with this feature, {1, 1, 1, embedding}, in the Context's arena; else the feature
  /// is not looked at.
  TextContexts contexts(ConstView image_feature, Context& ctx) const;

 private:
  enum class Position { end, middle, front };
  struct MetaNet {
    LinearLayer linear1, linear2;
  };

  void read_text(FileLayers& layers, const PromptSizes& sizes);
  void read_image(FileLayers& layers, const PromptSizes& sizes);

  std::string method_;
  std::string template_;
  Position position_ = Position::end;
  std::vector<std::string> labels_;
  std::int64_t classes_ = 0;
  std::int64_t context_length_ = 0;
  Tensor contexts_;  // {1, 1, context length × max(classes, 1), width}
  std::vector<Tensor> deep_contexts_;
  std::optional<ImagePrompts> image_;
  std::optional<MetaNet> meta_net_;
};

/// The text of a label: every "{}" of the template replaced by it.
std::string fill_template(std::string_view text_template, std::string_view label);

}  // namespace hewn
