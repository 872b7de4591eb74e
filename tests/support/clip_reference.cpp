#include "tests/support/clip_reference.h"

#include "hewn/ops/activation/activation_reference.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>

namespace hewn::test {

namespace {

void add(const Rows& terms, Rows& to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    for (std::size_t c = 0; c < to[i].size(); ++c) to[i][c] += terms[i][c];
  }
}

double dot(const Row& a, const Row& b, std::size_t begin, std::size_t end) {
  double sum = 0;
  for (std::size_t c = begin; c < end; ++c) sum += a[c] * b[c];
  return sum;
}

Row normalized(Row x) {
  const double length = std::sqrt(dot(x, x, 0, x.size()));
  for (double& value : x) value /= length;
  return x;
}

/// Queries, keys and values side by side; where it is causal a token sees none behind it.
Rows attention(std::int64_t heads, bool causal, const Rows& qkv) {
  const std::size_t width = qkv.front().size() / 3;
  const std::size_t depth = width / static_cast<std::size_t>(heads);
  Rows y;
  for (std::size_t i = 0; i < qkv.size(); ++i) {
    Row row(width);
    const std::size_t seen = causal ? i + 1 : qkv.size();
    for (std::size_t head = 0; head < width; head += depth) {
      const Row q(qkv[i].begin() + static_cast<std::ptrdiff_t>(head),
                  qkv[i].begin() + static_cast<std::ptrdiff_t>(head + depth));
      Row powers;
      double sum = 0;
      for (std::size_t j = 0; j < seen; ++j) {
        double score = 0;
        for (std::size_t c = 0; c < depth; ++c) score += q[c] * qkv[j][width + head + c];
        powers.push_back(std::exp(score / std::sqrt(static_cast<double>(depth))));
        sum += powers.back();
      }
      for (std::size_t j = 0; j < seen; ++j) {
        for (std::size_t c = 0; c < depth; ++c) {
          row[head + c] += powers[j] / sum * qkv[j][2 * width + head + c];
        }
      }
    }
    y.push_back(row);
  }
  return y;
}

/// Rows in place of those from `first` on.
void put(const Rows& rows, std::size_t first, Rows& x) {
  std::ranges::copy(rows, x.begin() + static_cast<std::ptrdiff_t>(first));
}

}  // namespace

Rows rows_of(const TensorValues& matrix) {
  const auto width = static_cast<std::size_t>(matrix.shape[matrix.shape.rank() - 1]);
  Rows rows;
  for (auto at = matrix.values.begin(); at != matrix.values.end();) {
    const auto end = at + static_cast<std::ptrdiff_t>(width);
    rows.emplace_back(at, end);
    at = end;
  }
  return rows;
}

Rows linear_of(const WeightsFile& weights, const std::string& name, const Rows& x) {
  const bool whole = weights.tensors.contains(name + ".weight");
  const Rows matrix = rows_of(weights.tensors.at(name + (whole ? ".weight" : "_weight")));
  const std::vector<float>& bias = weights.tensors.at(name + (whole ? ".bias" : "_bias")).values;
  Rows y;
  for (const Row& row : x) {
    y.emplace_back(bias.begin(), bias.end());
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      y.back()[i] += dot(matrix[i], row, 0, row.size());
    }
  }
  return y;
}

std::vector<Rows> prompts_of(const WeightsFile& prompts, const std::string& tower) {
  std::vector<Rows> blocks;
  for (std::size_t i = 0;; ++i) {
    const auto own = prompts.tensors.find(text_of(tower, ".prompts.", i));
    const std::string coupling = text_of("coupling.", i);
    if (own != prompts.tensors.end()) {
      blocks.push_back(rows_of(own->second));
    } else if (tower == "image" && prompts.tensors.contains(coupling + ".weight")) {
      blocks.push_back(linear_of(prompts, coupling, prompts_of(prompts, "text").at(i)));
    } else {
      return blocks;
    }
  }
}

double relative_distance(ConstView got, const Rows& expected) {
  require(got.shape.pixels() == std::ssize(expected), "expected ", expected.size(), " rows, got ",
          got.shape);
  double distance = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    require(got.shape.c == std::ssize(expected[i]), "expected ", expected[i].size(),
            " channels, got ", got.shape);
    const float* row = got.pixel(static_cast<std::int64_t>(i));
    for (std::size_t c = 0; c < expected[i].size(); ++c) {
      distance += std::pow(static_cast<double>(row[c]) - expected[i][c], 2);
      norm += std::pow(expected[i][c], 2);
    }
  }
  return std::sqrt(distance / norm);
}

Rows ClipReference::norm(const std::string& name, const Rows& x) const {
  constexpr double kEpsilon = 1e-5;
  const std::vector<float>& weight = values(name + ".weight");
  const std::vector<float>& bias = values(name + ".bias");
  Rows y = x;
  for (Row& row : y) {
    const auto width = static_cast<double>(row.size());
    double mean = 0;
    for (const double value : row) mean += value / width;
    double variance = 0;
    for (const double value : row) variance += (value - mean) * (value - mean) / width;
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = (row[c] - mean) / std::sqrt(variance + kEpsilon) * static_cast<double>(weight[c]) +
               static_cast<double>(bias[c]);
    }
  }
  return y;
}

Row ClipReference::project(const std::string& name, const Row& x) const {
  const Rows matrix = rows_of(weights_.tensors.at(name));
  Row y(matrix.front().size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t c = 0; c < y.size(); ++c) y[c] += x[i] * matrix[i][c];
  }
  return y;
}

void ClipReference::run_block(const Tower& tower, const std::string& block, Rows& x) const {
  const bool quick = weights_.config.at("activation") == "\"quick_gelu\"";
  const Activation activation{.kind =
                                  quick ? Activation::Kind::quick_gelu : Activation::Kind::gelu};
  const auto each = [&](const std::string& layer, const Rows& rows) {
    return linear_of(weights_, block + layer, rows);
  };
  const Rows qkv = each(".attn.in_proj", norm(block + ".ln_1", x));
  add(each(".attn.out_proj", attention(tower.heads, tower.causal, qkv)), x);
  Rows hidden = each(".mlp.c_fc", norm(block + ".ln_2", x));
  for (Row& row : hidden) {
    for (double& value : row) value = activate_reference(activation, value);
  }
  add(each(".mlp.c_proj", hidden), x);
}

ClipReference::Result ClipReference::image(ConstView picture,
                                           const std::vector<Rows>& prompts) const {
  using S = SmallClip;
  const std::vector<float>& kernel = values("visual.conv1.weight");
  Rows x{{values("visual.class_embedding").begin(), values("visual.class_embedding").end()}};
  for (std::int64_t patch = 0; patch < S::kGrid * S::kGrid; ++patch) {
    Row row(S::kImageWidth);
    for (std::int64_t i = 0; i < std::ssize(kernel); ++i) {
      const std::int64_t dx = i % S::kPatch;
      const std::int64_t dy = i / S::kPatch % S::kPatch;
      const std::int64_t colour = i / (S::kPatch * S::kPatch) % 3;
      const float value = picture.pixel(0, patch / S::kGrid * S::kPatch + dy,
                                        patch % S::kGrid * S::kPatch + dx)[colour];
      row[static_cast<std::size_t>(i / (3 * S::kPatch * S::kPatch))] +=
          static_cast<double>(kernel[static_cast<std::size_t>(i)]) * static_cast<double>(value);
    }
    x.push_back(row);
  }
  add(rows_of(weights_.tensors.at("visual.positional_embedding")), x);
  const std::size_t behind = x.size();
  if (!prompts.empty()) x.insert(x.end(), prompts[0].begin(), prompts[0].end());
  x = norm("visual.ln_pre", x);
  Result result;
  const Tower tower{.name = "visual.transformer", .heads = S::kImageHeads, .causal = false};
  for (std::size_t i = 0; i < S::kImageBlocks; ++i) {
    if (i > 0 && i < prompts.size()) put(prompts[i], behind, x);
    run_block(tower, text_of(tower.name, ".resblocks.", i), x);
    result.blocks.push_back(x);
  }
  result.feature = normalized(project("visual.proj", norm("visual.ln_post", x).front()));
  return result;
}

Rows ClipReference::embed(std::span<const std::int32_t> tokens) const {
  const Rows embeddings = rows_of(weights_.tensors.at("token_embedding.weight"));
  Rows rows;
  for (const std::int32_t token : tokens) {
    rows.push_back(embeddings.at(static_cast<std::size_t>(token)));
  }
  return rows;
}

ClipReference::Result ClipReference::text(Rows tokens, std::size_t end,
                                          const std::vector<Rows>& deep) const {
  using S = SmallClip;
  add(rows_of(weights_.tensors.at("positional_embedding")), tokens);
  Result result;
  const Tower tower{.name = "transformer", .heads = S::kTextHeads, .causal = true};
  for (std::size_t i = 0; i < S::kTextBlocks; ++i) {
    if (i > 0 && i <= deep.size()) put(deep[i - 1], 1, tokens);
    run_block(tower, text_of(tower.name, ".resblocks.", i), tokens);
    result.blocks.push_back(tokens);
  }
  result.feature = normalized(project("text_projection", norm("ln_final", tokens).at(end)));
  return result;
}

}  // namespace hewn::test
