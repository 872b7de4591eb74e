#include "hewn/models/clip/text_tower.h"

#include "hewn/models/clip/config.h"
#include "hewn/models/clip/token_tree.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>

namespace hewn {

namespace {

/// Texts are taken together up to so many tokens: enough for products to run at full speed, few
/// enough for their activations to take some 20 MB.
constexpr std::int64_t kTokensTogether = 1024;

Tensor read_positions(WeightsReader& file) {
  const Shape shape = file.shape_of("positional_embedding", 2);
  Tensor positions({1, 1, shape[0], shape[1]});
  std::ranges::copy(file.values("positional_embedding", shape), positions.values().begin());
  return positions;
}

/// Deep contexts replace the same nodes for all texts, so these must be tokens 1 to m of each.
void check_deep(const TokenTree& tree, const TextContexts& contexts) {
  if (contexts.deep.empty()) return;
  const std::int64_t count = contexts.deep.front().shape().w;
  // One node at each of these places is the chain that the tree begins with.
  const auto first = std::ranges::count_if(
      tree.positions(), [&](std::int64_t position) { return position <= count; });
  require(first == count + 1, "text tower: deep prompts of ", count,
          " tokens need texts that begin with as many contexts in common");
}

}  // namespace

TextTower::TextTower(FileLayers& file)
    : file_(file.path()),
      positions_(read_positions(file.tensors())),
      token_embedding_(file.tensors().deferred(
          "token_embedding.weight",
          {file.tensors().shape_of("token_embedding.weight", 2)[0], positions_.shape().c})),
      transformer_(file, "transformer", positions_.shape().c, heads(file, "text_heads"),
                   clip_activation(file)),
      ln_final_(file.layer_norm("ln_final", positions_.shape().c)),
      text_projection_(projection(file, "text_projection", positions_.shape().c)) {}

void TextTower::operator()(std::span<const TextTokens> texts, const TextContexts& contexts,
                           View features, Context& ctx) const {
  const Nhwc expected{1, 1, std::ssize(texts), embedding_size()};
  require(features.shape == expected, "text tower: expected features of ", expected, ", got ",
          features.shape);
  const Nhwc& rows = contexts.rows.shape;
  require(rows.w == 0 || rows.c == width(), "text tower: expected contexts of ", width(),
          " channels, got ", rows);
  for (std::int64_t done = 0; done < std::ssize(texts);) {
    TokenTree tree;
    std::vector<std::int32_t> ends;
    for (const TextTokens& text : texts.subspan(static_cast<std::size_t>(done))) {
      const std::int64_t length = std::ssize(text);
      require(length <= context_length(), "text tower: expected at most ", context_length(),
              " tokens, got ", length);
      if (!ends.empty() && tree.size() + length > kTokensTogether) break;
      ends.push_back(tree.add(text));
    }
    const std::int64_t end = done + std::ssize(ends);
    run(tree, ends, contexts, features.columns(done, end), ctx);
    done = end;
  }
}

void TextTower::run(const TokenTree& tree, std::span<const std::int32_t> ends,
                    const TextContexts& contexts, View features, Context& ctx) const {
  check_deep(tree, contexts);
  const Arena::Scope scope(ctx.arena());
  const View x = ctx.arena().view({1, 1, tree.size(), width()});
  for (std::int64_t i = 0; i < tree.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    embed(tree.tokens()[at], tree.positions()[at], contexts, x.pixel(0, 0, i));
  }
  const View y = ctx.arena().view({1, 1, features.shape.w, width()});
  transformer_(x, {.parents = tree.parents()}, {.first = 1, .before = contexts.deep}, ends, y, ctx);
  ln_final_(y, y, ctx);
  text_projection_(y, features, ctx);
  l2_normalize(features, features, ctx);
}

void TextTower::embed(std::int32_t token, std::int32_t position, const TextContexts& contexts,
                      float* to) const {
  const std::int64_t learned = contexts.rows.shape.w;
  require(token >= 0 && token < vocabulary_size() + learned,
          "text tower: expected tokens from 0 to ", vocabulary_size() + learned - 1, ", got ",
          token);
  const std::span<float> row(to, static_cast<std::size_t>(width()));
  if (token >= vocabulary_size()) {
    std::copy_n(contexts.rows.pixel(0, 0, token - vocabulary_size()), width(), to);
  } else {
    const std::size_t bytes = row.size() * dtype_size(token_embedding_.dtype);
    widen(token_embedding_.data.subspan(static_cast<std::size_t>(token) * bytes, bytes),
          token_embedding_.dtype, row);
  }
  const float* shift = positions_.view().pixel(0, 0, position);
  for (std::size_t c = 0; c < row.size(); ++c) {
    row[c] += shift[c];
    require(std::isfinite(row[c]), file_,
            ": tensor 'token_embedding.weight': expected finite values, got ", row[c],
            " for token ", token);
  }
}

}  // namespace hewn
