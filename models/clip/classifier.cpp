#include "hewn/models/clip/classifier.h"

#include "hewn/ops/elementwise/elementwise.h"
#include "hewn/ops/matmul/matmul.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <span>
#include <unordered_set>
#include <utility>

namespace hewn {

namespace {

void check_labels(const std::vector<std::string>& names, const Prompts* prompts) {
  require(!names.empty(), "labels: expected at least one");
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool blank = names[i].find_first_not_of(" \t\r\n\v\f") == std::string::npos;
    require(!blank, "labels: number ", i + 1, " is empty");
    require(seen.insert(names[i]).second, "labels: \"", printable(names[i]), "\" is given twice");
  }
  if (prompts == nullptr || prompts->classes() == 0) return;
  require(prompts->classes() == std::ssize(names), "labels: the prompts were learned for ",
          prompts->classes(), " classes, each with its own, got ", names.size(), " labels");
}

/// The templates that labels are put into: the prompts' own where they have contexts.
std::vector<std::string> templates_of(const Labels& labels, const Prompts* prompts) {
  if (prompts != nullptr && prompts->has_contexts()) return {prompts->text_template()};
  require(!labels.templates.empty(), "templates: expected at least one");
  for (const std::string& text : labels.templates) {
    require(text.find("{}") != std::string::npos,
            "templates: expected a text with {} where the label goes, got \"", printable(text),
            "\"");
  }
  return labels.templates;
}

ClipText tokenize(const Tokenizer& tokenizer, const std::string& text, std::int64_t length) {
  try {
    return tokenizer.encode_context(text, length);
  } catch (const Error& error) {
    fail("labels: \"", printable(text), "\": ", error.what());
  }
}

/// The mean of each label's features, `each` of them, of length 1.
void average(ConstView features, std::int64_t each, View y, Context& ctx) {
  for (std::int64_t label = 0; label < y.shape.w; ++label) {
    const View sum = y.run(label, 1);
    copy(features.run(label * each, 1), sum);
    for (std::int64_t i = 1; i < each; ++i) {
      binary(sum, features.run(label * each + i, 1), BinaryOp::add, sum, ctx);
    }
  }
  l2_normalize(y, y, ctx);
}

}  // namespace

Classifier::Classifier(const Clip& clip, const Tokenizer& tokenizer, const Prompts* prompts,
                       const Labels& labels, Context& ctx)
    : clip_(clip), prompts_(prompts), labels_(std::ssize(labels.names)) {
  check_labels(labels.names, prompts);
  require(tokenizer.vocabulary() == clip.text().vocabulary_size(),
          "tokenizer: expected a vocabulary of ", clip.text().vocabulary_size(), ", got ",
          tokenizer.vocabulary());
  const std::vector<std::string> templates = templates_of(labels, prompts);
  for (std::int64_t i = 0; i < labels_; ++i) {
    const std::string& name = labels.names[static_cast<std::size_t>(i)];
    for (const std::string& text : templates) {
      texts_.push_back(
          tokenize(tokenizer, fill_template(text, name), clip.text().context_length()));
      tokens_.push_back(texts_.back().tokens);
      if (prompts == nullptr || !prompts->has_contexts()) continue;
      tokens_.back() = prompts->with_contexts(
          std::move(tokens_.back()), std::ssize(tokenizer.encode(name)), i, tokenizer.vocabulary());
    }
  }
  if (prompts_ != nullptr && prompts_->depends_on_picture()) return;
  features_ = Tensor({1, 1, labels_, clip_.text().embedding_size()});
  compute({}, features_.view(), ctx);
}

void Classifier::image_features(ConstView pictures, View features, Context& ctx) const {
  clip_.image()(pictures, prompts_ == nullptr ? nullptr : prompts_->image(), features, ctx);
}

ConstView Classifier::text_features(ConstView image_feature, Context& ctx) const {
  if (!depends_on_picture()) return features_.view();
  const View features = ctx.arena().view({1, 1, labels_, clip_.text().embedding_size()});
  compute(image_feature, features, ctx);
  return features;
}

void Classifier::compute(ConstView image_feature, View features, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  TextContexts contexts;
  if (prompts_ != nullptr) contexts = prompts_->contexts(image_feature, ctx);
  const std::int64_t each = std::ssize(tokens_) / labels_;
  if (each == 1) return clip_.text()(tokens_, contexts, features, ctx);
  // Some labels at a time: with a hundred templates all texts' features are as many times larger.
  constexpr std::int64_t kTextsTogether = 4096;
  const std::int64_t step = std::max<std::int64_t>(kTextsTogether / each, 1);
  const std::span<const TextTokens> texts(tokens_);
  for (std::int64_t first = 0; first < labels_; first += step) {
    const Arena::Scope part(ctx.arena());
    const std::int64_t count = std::min(labels_ - first, step);
    const View all = ctx.arena().view({1, 1, count * each, features.shape.c});
    clip_.text()(texts.subspan(static_cast<std::size_t>(first * each),
                               static_cast<std::size_t>(count * each)),
                 contexts, all, ctx);
    average(all, each, features.columns(first, first + count), ctx);
  }
}

void Classifier::logits(ConstView image_feature, ConstView text_features, View logits,
                        Context& ctx) const {
  matmul(image_feature, text_features, {.transpose_b = true}, logits, ctx);
  for (std::int64_t i = 0; i < logits.shape.c; ++i) logits.data[i] *= clip_.logit_scale();
}

}  // namespace hewn
