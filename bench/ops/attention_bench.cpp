#include "hewn/ops/attention/attention.h"
#include "hewn/runtime/error.h"

#include <numeric>
#include <vector>

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

/// Channels of a head, in every CLIP.
constexpr std::int64_t kDepth = 64;

struct AttentionShape {
  std::int64_t images, queries, keys, heads;
};

/// A product with a key and one with a value for each query and key that it sees.
Work work_of(double pairs, const AttentionShape& s) {
  const auto channels = static_cast<double>(s.heads * kDepth);
  const auto rows = static_cast<double>(s.images * 2 * (s.queries + s.keys));
  return {.flops = 4 * pairs * channels, .bytes = sizeof(float) * rows * channels};
}

void add(const std::string& name, const AttentionShape& s) {
  add_benchmark("attention/" + name, [s](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const std::int64_t channels = s.heads * kDepth;
    const Tensor q = random.tensor({s.images, 1, s.queries, channels});
    const Tensor keys_and_values = random.tensor({s.images, 1, s.keys, 2 * channels});
    const ConstView k = keys_and_values.view().channels(0, channels);
    const ConstView v = keys_and_values.view().channels(channels, 2 * channels);
    Tensor y(q.shape());
    const auto pairs = static_cast<double>(s.images * s.queries * s.keys);
    measure(state, ctx, work_of(pairs, s),
            [&] { attention(q.view(), k, v, s.heads, y.view(), ctx); });
  });
}

/// The parents of texts with common first tokens.
std::vector<std::int32_t> parents_of(std::int64_t texts, std::int64_t common, std::int64_t own) {
  std::vector<std::int32_t> parents;
  for (std::int64_t i = 0; i < common + texts * own; ++i) {
    const bool begins = i >= common && (i - common) % own == 0;
    parents.push_back(static_cast<std::int32_t>((begins ? common : i) - 1));
  }
  return parents;
}

void add_texts(const std::string& name, std::int64_t texts, std::int64_t common, std::int64_t own,
               std::int64_t heads) {
  add_benchmark("tree_attention/" + name, [=](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const auto parents = parents_of(texts, common, own);
    const std::int64_t count = std::ssize(parents);
    const std::int64_t channels = heads * kDepth;
    std::vector<std::int32_t> tokens(parents.size());
    std::iota(tokens.begin(), tokens.end(), 0);
    const Tensor q = random.tensor({1, 1, count, channels});
    const Tensor keys_and_values = random.tensor({1, 1, count, 2 * channels});
    const ConstView k = keys_and_values.view().channels(0, channels);
    const ConstView v = keys_and_values.view().channels(channels, 2 * channels);
    Tensor y(q.shape());
    const std::int64_t pairs =
        common * (common + 1) / 2 + texts * (own * common + own * (own + 1) / 2);
    measure(state, ctx, work_of(static_cast<double>(pairs), {1, count, count, heads}),
            [&] { tree_attention(q.view(), tokens, k, v, parents, heads, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  // Images, queries, keys and heads.
  add("vit_b_16", {1, 197, 197, 12});
  add("vit_b_16/8_pictures", {8, 197, 197, 12});
  add("vit_b_16/class_token", {1, 1, 197, 12});  // the last block's one query
  add("vit_l_14_336", {1, 577, 577, 16});
  // "a photo of a <label>.": a label is two tokens, and the end of the text is one.
  add_texts("vit_b_16/100_labels", 100, 5, 4, 8);
  add_texts("vit_b_16/77_tokens", 1, 77, 0, 8);  // one text of the greatest length
}

}  // namespace hewn::bench
