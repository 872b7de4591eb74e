#include "hewn/models/clip/transformer.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace hewn {

namespace {

/// Activations that a block's linear layers give. Tokens are an odd number of cache lines apart:
/// were they a multiple of 4 KB apart, the same channel of all of them would fall into one set of
/// L1, which is as large as a tile of a product.
View new_tokens(const Nhwc& like, std::int64_t channels, Context& ctx) {
  constexpr std::int64_t kLine = 16;  // floats
  const std::int64_t stride = (divide_up(channels, kLine) | 1) * kLine;
  const View all = ctx.arena().view({like.n, like.h, like.w, stride});
  return all.channels(0, channels);
}

/// The picked tokens of each picture of x.
void pick(ConstView x, std::span<const std::int32_t> picked, View y) {
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    for (std::int64_t i = 0; i < std::ssize(picked); ++i) {
      std::copy_n(x.pixel(n, 0, picked[static_cast<std::size_t>(i)]), x.shape.c, y.pixel(n, 0, i));
    }
  }
}

LinearLayer rows_of(const std::string& name, const StoredMatrix& matrix, std::int64_t begin,
                    std::int64_t end, const std::vector<float>& bias, LinearPrecision precision) {
  const auto part = std::span<const float>(bias).subspan(static_cast<std::size_t>(begin),
                                                         static_cast<std::size_t>(end - begin));
  return LinearLayer({name, matrix.rows(begin, end, part), {}, precision});
}

}  // namespace

TransformerBlock::Projections::Projections(FileLayers& file, const std::string& name,
                                           const Form& form)
    : Projections(name,
                  file.tensors().matrix(name + ".in_proj_weight", {3 * form.width, form.width}),
                  file.tensors().values(name + ".in_proj_bias", Shape{3 * form.width}), form,
                  file.precision()) {}

TransformerBlock::Projections::Projections(const std::string& name, const StoredMatrix& weight,
                                           const std::vector<float>& bias, const Form& form,
                                           LinearPrecision precision)
    : in_proj(rows_of(name + ".in_proj", weight, form.last ? form.width : 0, 3 * form.width, bias,
                      precision)) {
  if (!form.last) return;
  query.emplace(rows_of(name + ".in_proj query", weight, 0, form.width, bias, precision));
}

TransformerBlock::TransformerBlock(FileLayers& file, const std::string& name, const Form& form)
    : name_(name),
      form_(form),
      ln_1_(file.layer_norm(name + ".ln_1", form.width)),
      attn_(file, name + ".attn", form),
      out_proj_(file.linear(name + ".attn.out_proj", {form.width, form.width})),
      ln_2_(file.layer_norm(name + ".ln_2", form.width)),
      c_fc_(file.linear(name + ".mlp.c_fc", {4 * form.width, form.width}, form.activation)),
      c_proj_(file.linear(name + ".mlp.c_proj", {form.width, 4 * form.width})) {}

void TransformerBlock::operator()(View x, const Sight& sight, Context& ctx) const {
  {
    const Arena::Scope scope(ctx.arena());
    const std::int64_t d = form_.width;
    const View normalized = new_tokens(x.shape, d, ctx);
    ln_1_(x, normalized, ctx);
    const View qkv = new_tokens(x.shape, 3 * d, ctx);
    attn_.in_proj(normalized, qkv, ctx);
    const auto tokens = ctx.arena().allocate<std::int32_t>(x.shape.w);
    std::iota(tokens.begin(), tokens.end(), 0);
    attend(qkv.channels(0, d), tokens, qkv.channels(d, 3 * d), sight, x, ctx);
  }
  transform(x, ctx);
}

void TransformerBlock::operator()(ConstView x, const Sight& sight,
                                  std::span<const std::int32_t> picked, View y,
                                  Context& ctx) const {
  pick(x, picked, y);
  {
    const Arena::Scope scope(ctx.arena());
    const View normalized = new_tokens(x.shape, form_.width, ctx);
    ln_1_(x, normalized, ctx);
    const View kv = new_tokens(x.shape, 2 * form_.width, ctx);
    attn_.in_proj(normalized, kv, ctx);
    const View asking = new_tokens(y.shape, form_.width, ctx);
    pick(normalized, picked, asking);
    const View q = new_tokens(y.shape, form_.width, ctx);
    (*attn_.query)(asking, q, ctx);
    attend(q, picked, kv, sight, y, ctx);
  }
  transform(y, ctx);
}

/// x += out_proj(attention(q, k, v)).
void TransformerBlock::attend(ConstView q, std::span<const std::int32_t> tokens,
                              ConstView keys_and_values, const Sight& sight, View x,
                              Context& ctx) const {
  const std::int64_t d = form_.width;
  const ConstView k = keys_and_values.channels(0, d);
  const ConstView v = keys_and_values.channels(d, 2 * d);
  const View y = new_tokens(q.shape, d, ctx);
  if (sight.parents.empty()) {
    attention(q, k, v, form_.heads, y, ctx);
  } else {
    tree_attention(q, tokens, k, v, sight.parents, form_.heads, y, ctx);
  }
  out_proj_(y, {.after = x}, x, ctx);
}

/// x += c_proj(activation(c_fc(ln_2(x)))).
void TransformerBlock::transform(View x, Context& ctx) const {
  const Arena::Scope scope(ctx.arena());
  const View normalized = new_tokens(x.shape, form_.width, ctx);
  ln_2_(x, normalized, ctx);
  const View hidden = new_tokens(x.shape, 4 * form_.width, ctx);
  c_fc_(normalized, hidden, ctx);
  c_proj_(hidden, {.after = x}, x, ctx);
}

Transformer::Transformer(FileLayers& file, const std::string& name, std::int64_t width,
                         std::int64_t heads, const Activation& activation)
    : width_(width) {
  require(width % heads == 0, file.path(), ": ", name, ": a width of ", width,
          " does not divide into ", heads, " heads");
  const std::string block = name + ".resblocks.";
  const std::int64_t count = file.tensors().count(block, ".ln_1.weight");
  require(count > 0, file.path(), ": ", name, ": expected at least one block, but ", block,
          "0 is missing");
  blocks_.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    blocks_.emplace_back(
        file, block + std::to_string(i),
        TransformerBlock::Form{
            .width = width, .heads = heads, .activation = activation, .last = i + 1 == count});
  }
}

void Transformer::operator()(View x, const Sight& sight, const DeepPrompts& prompts,
                             std::span<const std::int32_t> picked, View y, Context& ctx) const {
  const std::size_t last = blocks_.size() - 1;
  require(prompts.before.size() <= last, "transformer: expected prompts for at most ", last,
          " blocks after the first, got ", prompts.before.size());
  for (std::size_t i = 0; i <= last; ++i) {
    if (i > 0 && i <= prompts.before.size()) {
      put_tokens(prompts.before[i - 1].view(), prompts.first, x);
    }
    const TransformerBlock& block = blocks_[i];
    if (i < last) {
      block(x, sight, ctx);
    } else {
      block(x, sight, picked, y, ctx);
    }
    ctx.trace(block.name(), i < last ? x : y);
  }
}

void put_tokens(ConstView tokens, std::int64_t first, View x) {
  const std::int64_t room = x.shape.w - first;
  require(tokens.shape.c == x.shape.c && tokens.shape.w <= room, "transformer: expected at most ",
          room, " prompts of ", x.shape.c, " channels, got ", tokens.shape);
  for (std::int64_t n = 0; n < x.shape.n; ++n) {
    copy(tokens, x.image(n).columns(first, first + tokens.shape.w));
  }
}

}  // namespace hewn
