// The transformer that both towers of CLIP are: residual blocks with their norms in front.
#pragma once

#include "hewn/models/layers/layer_source.h"
#include "hewn/ops/attention/attention.h"
#include "hewn/runtime/context.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace hewn {

/// Which tokens a token sees: all of its picture's, or its ancestors in a tree.
struct Sight {
  /// Empty, or the parent of each token, as tree_attention() takes them.
  std::span<const std::int32_t> parents;
};

/// Learned tokens that take the place of others before each block but the first.
struct DeepPrompts {
  std::int64_t first = 0;          ///< the first token that is replaced, in each picture
  std::span<const Tensor> before;  ///< before[i], {1, 1, m, width}: what enters block i + 1
};

/// x + attention(ln_1(x)), then x + mlp(ln_2(x)).
class TransformerBlock {
 public:
  /// What a block is made of.
  struct Form {
    std::int64_t width;
    std::int64_t heads;
    Activation activation;
    bool last;  ///< whether it is asked for some tokens only
  };

  /// Reads the tensors `<name>.ln_1.weight` and so on.
  TransformerBlock(FileLayers& file, const std::string& name, const Form& form);

  const std::string& name() const { return name_; }  ///< as given, for the trace

  /// All tokens {n, 1, tokens, width}, in place. Not for the last block.
  void operator()(View x, const Sight& sight, Context& ctx) const;
  /// The last block, for some tokens alone: y, {n, 1, picked, width}, in the order in which they
  /// are named. x keeps its values.
  void operator()(ConstView x, const Sight& sight, std::span<const std::int32_t> picked, View y,
                  Context& ctx) const;

 private:
  /// Queries, keys and values as one product; in the last block the queries stand alone.
  struct Projections {
    LinearLayer in_proj;
    std::optional<LinearLayer> query;

    Projections(FileLayers& file, const std::string& name, const Form& form);
    Projections(const std::string& name, const StoredMatrix& weight, const std::vector<float>& bias,
                const Form& form, LinearPrecision precision);
  };

  void attend(ConstView q, std::span<const std::int32_t> tokens, ConstView keys_and_values,
              const Sight& sight, View x, Context& ctx) const;
  void transform(View x, Context& ctx) const;

  std::string name_;
  Form form_;
  LayerNormLayer ln_1_;
  Projections attn_;
  LinearLayer out_proj_;
  LayerNormLayer ln_2_;
  LinearLayer c_fc_, c_proj_;
};

/// The blocks of a tower, one after the other. Immutable; threads may share one.
class Transformer {
 public:
  /// Reads the blocks `<name>.resblocks.0` to as many as there are. Throws Error, naming the file,
  /// when there is none, or `heads` do not divide the width.
  Transformer(FileLayers& file, const std::string& name, std::int64_t width, std::int64_t heads,
              const Activation& activation);

  std::int64_t width() const { return width_; }                ///< channels of a token
  std::int64_t blocks() const { return std::ssize(blocks_); }  ///< how many

  /// Runs all blocks on x {n, 1, tokens, width}, which is overwritten, and gives the tokens that
  /// are picked: y {n, 1, picked, width}. Each block's output is traced under its name, the last
  /// one's for the picked tokens. Throws Error when there are prompts for more blocks than there
  /// are, or they do not fit x.
  void operator()(View x, const Sight& sight, const DeepPrompts& prompts,
                  std::span<const std::int32_t> picked, View y, Context& ctx) const;

 private:
  std::int64_t width_;
  std::vector<TransformerBlock> blocks_;
};

/// Writes the rows of `tokens`, {1, 1, m, width}, to tokens [first, first + m) of each picture of
/// x. Throws Error when they do not fit.
void put_tokens(ConstView tokens, std::int64_t first, View x);

}  // namespace hewn
