// Zero-shot classification: which of some labels describes a picture best.
#pragma once

#include "hewn/models/clip/clip.h"
#include "hewn/models/clip/prompts.h"
#include "hewn/models/clip/tokenizer.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hewn {

/// What a picture may show, and the texts that say so.
struct Labels {
  std::vector<std::string> names;
  /// Texts with "{}" where the name goes. The features of several are averaged, each of length 1
  /// (the paper's prompt ensembles, section 3.1.4). Not looked at where prompts have contexts,
  /// which come with a text of their own.
  std::vector<std::string> templates = {"a photo of a {}."};
};

/// Compares pictures with labels by the cosines of their features (Radford et al., "Learning
/// transferable visual models from natural language supervision", 2021, section 3.1). Immutable;
/// threads may share one, each with its own Context.
class Classifier {
 public:
  /// Computes the labels' text features, once, unless the prompts make them anew for each picture.
  /// `prompts` may be null; it and the model must outlive this. Throws Error when there is no
  /// label, one is empty or given twice, a template has no "{}", a text is not UTF-8, or prompts
  /// have contexts for another number of classes.
  Classifier(const Clip& clip, const Tokenizer& tokenizer, const Prompts* prompts,
             const Labels& labels, Context& ctx);

  std::int64_t labels() const { return labels_; }  ///< how many
  /// Whether the labels' features are another for each picture.
  bool depends_on_picture() const { return features_.values().empty(); }
  /// Every label in every template, label by label; where prompts have contexts, before these take
  /// the place of tokens.
  const std::vector<ClipText>& texts() const { return texts_; }

  /// The features of pictures as the labels are to be compared with: features {1, 1, n, embedding}
  /// of preprocessed pictures {n, size, size, 3}, with the prompts' tokens behind the patches.
  void image_features(ConstView pictures, View features, Context& ctx) const;

  /// The labels' features {1, 1, labels, embedding}, of length 1, for the picture whose feature is
  /// given, {1, 1, 1, embedding}. They are the same for all pictures, and computed already, unless
  /// the prompts depend on it: then they are in the Context's arena.
  ConstView text_features(ConstView image_feature, Context& ctx) const;

  /// logits {1, 1, 1, labels} of a picture: the scaled cosines of its feature with the labels'.
  void logits(ConstView image_feature, ConstView text_features, View logits, Context& ctx) const;

 private:
  void compute(ConstView image_feature, View features, Context& ctx) const;

  const Clip& clip_;
  const Prompts* prompts_;
  std::int64_t labels_;
  std::vector<ClipText> texts_;
  std::vector<TextTokens> tokens_;  // what the text tower sees of them
  Tensor features_;                 // where they are the same for all pictures
};

}  // namespace hewn
