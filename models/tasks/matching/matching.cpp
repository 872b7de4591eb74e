#include "hewn/models/tasks/matching/matching.h"

#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <limits>

namespace hewn {

namespace {

/// Rows of the product that exist at one moment: 10,000 columns of them take 10 MB.
constexpr std::int64_t kBlockRows = 256;

/// The best candidates seen so far. Later ones replace earlier ones only when strictly better.
struct Nearest {
  std::int64_t index = -1;
  float similarity = -std::numeric_limits<float>::infinity();
  float second = -std::numeric_limits<float>::infinity();
};

/// Nearest neighbours in both directions, gathered from rows of the similarity matrix.
class NearestNeighbours {
 public:
  NearestNeighbours(std::int64_t rows, std::int64_t columns)
      : of_row_(static_cast<std::size_t>(rows)), of_column_(static_cast<std::size_t>(columns)) {}

  void add_row(std::int64_t row, const float* similarities) {
    Nearest nearest;
    for (std::size_t j = 0; j < of_column_.size(); ++j) {
      const float similarity = similarities[j];
      if (similarity > nearest.similarity) {
        nearest = {static_cast<std::int64_t>(j), similarity, nearest.similarity};
      } else if (similarity > nearest.second) {
        nearest.second = similarity;
      }
      if (similarity > of_column_[j].similarity) of_column_[j] = {row, similarity};
    }
    of_row_[static_cast<std::size_t>(row)] = nearest;
  }

  std::vector<Match> mutual(float ratio) const {
    std::vector<Match> matches;
    for (std::size_t i = 0; i < of_row_.size(); ++i) {
      const Nearest& nearest = of_row_[i];
      const auto row = static_cast<std::int64_t>(i);
      if (nearest.index < 0 || !distinct(nearest, ratio)) continue;
      if (of_column_[static_cast<std::size_t>(nearest.index)].row == row) {
        matches.push_back({row, nearest.index, nearest.similarity});
      }
    }
    return matches;
  }

 private:
  struct NearestRow {
    std::int64_t row = -1;
    float similarity = -std::numeric_limits<float>::infinity();
  };

  /// For vectors of length 1 the squared distance is 2 − 2 × similarity.
  static bool distinct(const Nearest& nearest, float ratio) {
    if (ratio == 1) return true;
    return 1 - nearest.similarity < ratio * ratio * (1 - nearest.second);
  }

  std::vector<Nearest> of_row_;
  std::vector<NearestRow> of_column_;
};

}  // namespace

std::vector<Match> match_mutual(ConstView a, ConstView b, const MatchOptions& options,
                                Context& ctx) {
  const std::int64_t rows = a.shape.w;
  const std::int64_t columns = b.shape.w;
  const std::int64_t channels = a.shape.c;
  require(a.shape == Nhwc{1, 1, rows, channels} && b.shape == Nhwc{1, 1, columns, channels},
          "matching: expected descriptors of [n 1, h 1, w any, c the same], got ", a.shape, " and ",
          b.shape);
  require(options.ratio > 0 && options.ratio <= 1,
          "matching: expected a ratio above 0 and up to 1, got ", options.ratio);
  if (rows == 0 || columns == 0 || channels == 0) return {};

  // A row of similarities is a linear layer whose weights are the descriptors of b.
  const Tensor weights = Tensor::copy_of(b);
  const PackedLinear similarity(
      "similarity", {.shape = {columns, channels}, .weight = weights.values(), .bias = {}});
  NearestNeighbours neighbours(rows, columns);
  const Arena::Scope scope(ctx.arena());
  const View block = ctx.arena().view({1, 1, std::min(rows, kBlockRows), columns});
  for (std::int64_t begin = 0; begin < rows; begin += kBlockRows) {
    const Arena::Scope block_scope(ctx.arena());
    const std::int64_t count = std::min(kBlockRows, rows - begin);
    linear(a.columns(begin, begin + count), similarity, block.columns(0, count), ctx);
    for (std::int64_t i = 0; i < count; ++i) neighbours.add_row(begin + i, block.pixel(0, 0, i));
  }
  return neighbours.mutual(options.ratio);
}

}  // namespace hewn
