#include "hewn/models/clip/prompts.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <utility>

namespace hewn {

namespace {

constexpr std::int64_t kMostTokens = 4096;

/// The tensors `text.prompts.0`, `text.prompts.1`, …: one for each block that sees its own.
constexpr const char* kTextPrompts = "text.prompts.";
constexpr const char* kImagePrompts = "image.prompts.";
constexpr const char* kCoupling = "coupling.";

void check_depth(const WeightsReader& file, const char* tower, std::int64_t prompts,
                 std::int64_t blocks) {
  require(prompts <= blocks, file.path(), ": ", tower, " prompts for ", prompts,
          " blocks, but the model has ", blocks);
}

/// The tensor `name` of this shape, as rows of tokens. Reads first: a file says of sizes what it
/// likes, but not of values.
Tensor read_tokens(WeightsReader& file, const std::string& name, const Shape& shape) {
  const std::vector<float> values = file.values(name, shape);
  const std::int64_t width = shape[shape.rank() - 1];
  Tensor tokens({1, 1, shape.count() / width, width});
  std::ranges::copy(values, tokens.values().begin());
  return tokens;
}

std::int64_t checked_count(const WeightsReader& file, const std::string& name, std::int64_t count) {
  require(count <= kMostTokens, file.path(), ": tensor '", name, "': expected at most ",
          kMostTokens, " tokens, got ", count);
  return count;
}

/// What MaPLe's coupling makes of a text prompt for the picture.
Tensor coupled(FileLayers& file, std::int64_t block, const Tensor& text, std::int64_t width) {
  const LinearLayer layer = file.linear(text_of(kCoupling, block), {width, text.shape().c});
  Tensor tokens({1, 1, text.shape().w, width});
  Context ctx({.threads = 1});
  layer(text.view(), tokens.view(), ctx);
  return tokens;
}

}  // namespace

Prompts::Prompts(const SafetensorsFile& file, const PromptSizes& sizes) {
  FileLayers layers(file, "clip-prompts", Conv2dPacking::any);
  method_ = layers.config().choice<const char*>("method", {{"coop", "coop"},
                                                           {"cocoop", "cocoop"},
                                                           {"vpt", "vpt"},
                                                           {"ivlp", "ivlp"},
                                                           {"maple", "maple"}});
  if (layers.config().has("labels")) labels_ = layers.config().texts("labels");
  read_text(layers, sizes);
  read_image(layers, sizes);
  require(has_contexts() || image_, file.path().string(), ": expected prompts, but there are none");
  layers.tensors().expect_nothing_left();
}

void Prompts::read_text(FileLayers& layers, const PromptSizes& sizes) {
  WeightsReader& file = layers.tensors();
  const std::int64_t blocks = file.count(kTextPrompts);
  if (blocks == 0) return;
  check_depth(file, "text", blocks, sizes.text_blocks);
  template_ = layers.config().text("template");
  require(template_.find("{}") != std::string::npos, file.path(),
          ": hewn.config: template: expected a text with {} in it, got \"", printable(template_),
          "\"");
  position_ = layers.config().choice<Position>(
      "class_position",
      {{"end", Position::end}, {"middle", Position::middle}, {"front", Position::front}});
  const std::string first = text_of(kTextPrompts, 0);
  const bool each = file.rank_of(first) == 3;
  const Shape& shape = file.shape_of(first, each ? 3 : 2);
  classes_ = each ? shape[0] : 0;
  context_length_ = checked_count(file, first, shape[each ? 1 : 0]);
  const Shape one{context_length_, sizes.text_width};
  contexts_ =
      read_tokens(file, first, each ? Shape{classes_, context_length_, sizes.text_width} : one);
  for (std::int64_t block = 1; block < blocks; ++block) {
    deep_contexts_.push_back(read_tokens(file, text_of(kTextPrompts, block), one));
  }
  require(deep_contexts_.empty() || (!each && position_ == Position::end), file.path(),
          ": expected deep text prompts only with contexts that all classes share, in front of the "
          "class");
  if (!layers.has("meta_net.linear1")) return;
  const std::int64_t hidden = file.shape_of("meta_net.linear1.weight", 2)[0];
  meta_net_ = MetaNet{
      .linear1 = layers.linear("meta_net.linear1", {hidden, sizes.embedding}, Activation::relu()),
      .linear2 = layers.linear("meta_net.linear2", {sizes.text_width, hidden})};
}

void Prompts::read_image(FileLayers& layers, const PromptSizes& sizes) {
  WeightsReader& file = layers.tensors();
  std::vector<Tensor> tokens;
  const std::int64_t couplings = file.count(kCoupling, ".weight");
  const std::int64_t blocks = couplings > 0 ? couplings : file.count(kImagePrompts);
  if (blocks == 0) return;
  check_depth(file, "image", blocks, sizes.image_blocks);
  if (couplings > 0) {
    require(classes_ == 0, file.path(),
            ": expected couplings only with contexts that all classes share");
    const std::int64_t contexts = has_contexts() ? std::ssize(deep_contexts_) + 1 : 0;
    require(couplings <= contexts, file.path(), ": couplings for ", couplings,
            " blocks, but text prompts for ", contexts);
    for (std::int64_t block = 0; block < blocks; ++block) {
      const Tensor& text =
          block == 0 ? contexts_ : deep_contexts_[static_cast<std::size_t>(block - 1)];
      tokens.push_back(coupled(layers, block, text, sizes.image_width));
    }
  } else {
    const std::string first = text_of(kImagePrompts, 0);
    const std::int64_t count = checked_count(file, first, file.shape_of(first, 2)[0]);
    for (std::int64_t block = 0; block < blocks; ++block) {
      tokens.push_back(
          read_tokens(file, text_of(kImagePrompts, block), {count, sizes.image_width}));
    }
  }
  image_.emplace();
  image_->tokens = std::move(tokens.front());
  std::move(tokens.begin() + 1, tokens.end(), std::back_inserter(image_->deep));
}

TextTokens Prompts::with_contexts(TextTokens text, std::int64_t label_tokens, std::int64_t index,
                                  std::int64_t vocabulary) const {
  // Start of text, the tokens that are replaced, the label, the rest, end of text.
  const std::int64_t behind = std::ssize(text) - 2 - context_length_;
  require(behind >= 0, "prompts: the template \"", printable(template_), "\" leaves a text of ",
          text.size() - 2, " tokens, but there are ", context_length_, " contexts");
  const auto contexts = text.begin() + 1;
  const std::int64_t first = vocabulary + (classes_ == 0 ? 0 : index * context_length_);
  for (std::int64_t i = 0; i < context_length_; ++i) {
    contexts[i] = static_cast<std::int32_t>(first + i);
  }
  // The contexts that belong behind the label change places with it.
  const std::int64_t before = position_ == Position::end      ? context_length_
                              : position_ == Position::middle ? context_length_ / 2
                                                              : 0;
  std::rotate(contexts + before, contexts + context_length_,
              contexts + context_length_ + std::min(label_tokens, behind));
  return text;
}

TextContexts Prompts::contexts(ConstView image_feature, Context& ctx) const {
  if (!meta_net_) return {.rows = contexts_.view(), .deep = deep_contexts_};
  const View rows = ctx.arena().view(contexts_.shape());
  const Arena::Scope scope(ctx.arena());
  const View shift = meta_net_->linear2(meta_net_->linear1(image_feature, ctx), ctx);
  for (std::int64_t i = 0; i < rows.shape.w; ++i) {
    const float* context = contexts_.view().pixel(0, 0, i);
    for (std::int64_t c = 0; c < rows.shape.c; ++c)
      rows.pixel(0, 0, i)[c] = context[c] + shift.data[c];
  }
  return {.rows = rows, .deep = deep_contexts_};
}

std::string fill_template(std::string_view text_template, std::string_view label) {
  constexpr std::string_view kPlace = "{}";
  std::string text;
  for (std::size_t at = 0;;) {
    const std::size_t place = text_template.find(kPlace, at);
    text += text_template.substr(at, place - at);
    if (place == std::string_view::npos) return text;
    text += label;
    at = place + kPlace.size();
  }
}

}  // namespace hewn
