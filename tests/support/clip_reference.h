// CLIP's towers in double, as the paper has them: plain loops over every token of every block, and
// of texts their padding too. Shares nothing with the towers that are tested.
#pragma once

#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/support/clip_weights.h"

namespace hewn::test {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

/// The rows of a matrix that is to be written.
Rows rows_of(const TensorValues& matrix);

/// x · weightᵀ + bias of the layer `name`.
Rows linear_of(const WeightsFile& weights, const std::string& name, const Rows& x);

/// The prompts of a tower, "text" or "image", before each block that has some; MaPLe's of pictures
/// are the couplings of its texts'.
std::vector<Rows> prompts_of(const WeightsFile& prompts, const std::string& tower);

/// ‖got − expected‖ / ‖expected‖ over the elements of a view with as many pixels as there are rows.
double relative_distance(ConstView got, const Rows& expected);

/// How far in this sense float32 may be from double in a small CLIP. A token passes through eight
/// sums a block: two norms, the projection to q, k and v, scores, values, the projection back and
/// the two of the MLP. A chain of n terms of about the same size is off by some √(n/2)·u of its
/// result: at most 10 u for the longest, 192. Norms keep what comes in from growing. So 4 blocks of
/// 8 sums, were their errors all to add up, are off by 320 u; the patches, the projection at the
/// end, elementary functions and products that round twice, on SSE4.2, may make that 512 u = 3e-5.
inline constexpr double kClipDistance = 0x1p-15;

class ClipReference {
 public:
  /// Of a whole model, which must outlive this.
  explicit ClipReference(const WeightsFile& weights) : weights_(weights) {}

  struct Result {
    std::vector<Rows> blocks;  ///< what comes out of each, all tokens
    Row feature;               ///< of length 1
  };

  /// A preprocessed picture {1, side, side, 3}. prompts[0] stand behind the patches, prompts[i]
  /// take their place before block i.
  Result image(ConstView picture, const std::vector<Rows>& prompts = {}) const;

  /// The embeddings of tokens, without positions.
  Rows embed(std::span<const std::int32_t> tokens) const;

  /// A text of these embeddings, of which the one at `end` is read. deep[i] take the place of the
  /// tokens behind the first before block i + 1.
  Result text(Rows tokens, std::size_t end, const std::vector<Rows>& deep = {}) const;

 private:
  struct Tower {
    std::string name;
    std::int64_t heads;
    bool causal;
  };
  const std::vector<float>& values(const std::string& name) const {
    return weights_.tensors.at(name).values;
  }
  Rows norm(const std::string& name, const Rows& x) const;
  Row project(const std::string& name, const Row& x) const;
  void run_block(const Tower& tower, const std::string& block, Rows& x) const;

  const WeightsFile& weights_;
};

}  // namespace hewn::test
