// CLIP's text tower: from tokens to a vector.
#pragma once

#include "hewn/models/clip/token_tree.h"
#include "hewn/models/clip/transformer.h"
#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hewn {

/// A text's tokens, from start of text to end of text. A number t below the vocabulary's size is a
/// token of it, vocabulary + i row i of the learned contexts.
using TextTokens = std::vector<std::int32_t>;

/// Learned tokens of texts.
struct TextContexts {
  ConstView rows;                     ///< {1, 1, m, width}; in place of embeddings
  std::span<const Tensor> deep = {};  ///< as DeepPrompts has them; they replace tokens 1 and on
};

/// A causal transformer over the tokens of texts; what the last token of a text became is its
/// feature (Radford et al., 2021, section 2.4).
class TextTower {
 public:
  /// Reads the text tensors of a converted file, which must stay open as long as this lives: the
  /// vocabulary's embedding is read from it when texts are. Throws Error, naming file and tensor,
  /// when one is missing or of a shape that does not fit the others.
  explicit TextTower(FileLayers& file);

  std::int64_t width() const { return transformer_.width(); }           ///< channels of a token
  std::int64_t blocks() const { return transformer_.blocks(); }         ///< of the transformer
  std::int64_t context_length() const { return positions_.shape().w; }  ///< tokens of a text
  /// How many tokens there are.
  std::int64_t vocabulary_size() const { return token_embedding_.shape[0]; }
  /// Channels of a feature.
  std::int64_t embedding_size() const { return text_projection_.out_features(); }

  /// The feature of each text, of length 1, read at its last token: features {1, 1, texts,
  /// embedding_size()}. Texts that begin alike share the work; of their tokens no more than some
  /// thousand are in memory at a time. The bits of a text's feature depend on that text alone.
  /// Throws Error when a text is empty or longer than context_length(), when a token is out of
  /// range, when contexts have another width, or when deep contexts meet texts whose first tokens
  /// differ. Thread-safe with one Context a thread.
  void operator()(std::span<const TextTokens> texts, const TextContexts& contexts, View features,
                  Context& ctx) const;

 private:
  /// The features of the texts of a tree, which end at these nodes.
  void run(const TokenTree& tree, std::span<const std::int32_t> ends, const TextContexts& contexts,
           View features, Context& ctx) const;
  void embed(std::int32_t token, std::int32_t position, const TextContexts& contexts,
             float* to) const;

  std::string file_;  // its name, for messages
  Tensor positions_;  // {1, 1, context length, width}
  const TensorEntry& token_embedding_;
  Transformer transformer_;
  LayerNormLayer ln_final_;
  LinearLayer text_projection_;
};

}  // namespace hewn
