#include "hewn/ops/attention/attention.h"

#include "hewn/ops/attention/attention_reference.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// Queries, keys and values of one input, which is their channels side by side.
struct Parts {
  ConstView q, k, v;
};

Parts parts_of(ConstView x) {
  const std::int64_t c = x.shape.c / 3;
  return {x.channels(0, c), x.channels(c, 2 * c), x.channels(2 * c, 3 * c)};
}

/// A score is a sum of d products in one chain or 16, so off by d·u of its magnitude; its power by
/// as much again, relatively, the scale, the difference to the largest and exp by some more. A sum
/// of powers or of values is a chain of at most `keys`, and the quotient one rounding.
std::vector<double> bound_of(const AttentionReference& reference, std::int64_t depth,
                             std::int64_t keys) {
  const auto roundings = static_cast<double>(2 * (depth + 6) + 2 * (keys + 2));
  std::vector<double> bound;
  bound.reserve(reference.sensitivity.size());
  for (const double s : reference.sensitivity) bound.push_back(roundings * test::kUnitRoundoff * s);
  return bound;
}

void check(const Nhwc& tokens, std::int64_t heads, float magnitude, std::uint64_t seed) {
  SCOPED_TRACE(text_of(tokens, " heads ", heads, " magnitude ", magnitude));
  test::Random random(seed);
  const Tensor x = random.tensor({tokens.n, 1, tokens.w, 3 * tokens.c}, -magnitude, magnitude);
  const auto [q, k, v] = parts_of(x.view());
  const AttentionReference expected = attention_reference(q, k, v, heads);
  test::check_every_way(x, tokens, expected.y, bound_of(expected, tokens.c / heads, tokens.w),
                        test::InPlace::forbidden, [&](ConstView from, View to, Context& ctx) {
                          const Parts parts = parts_of(from);
                          attention(parts.q, parts.k, parts.v, heads, to, ctx);
                        });
}

TEST(Attention, AgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (std::int64_t tokens : {1, 2, 12, 13, 16, 17, 33, 50}) {
    for (std::int64_t depth : {1, 15, 16, 17, 64}) {
      check({1, 1, tokens, 2 * depth}, 2, 1, seed++);
    }
  }
  check({3, 1, 17, 48}, 3, 4, seed++);    // scores far apart
  check({1, 1, 197, 128}, 2, 1, seed++);  // as in ViT-B/16
  check({2, 1, 5, 7}, 7, 1, seed++);
  check({0, 1, 5, 8}, 2, 1, seed);
}

TEST(Attention, TakesFewerQueriesThanKeys) {
  test::Random random(1);
  const Tensor x = random.tensor({2, 1, 1, 32});
  const Tensor keys = random.tensor({2, 1, 40, 32});
  const Tensor values = random.tensor({2, 1, 40, 32});
  const AttentionReference expected = attention_reference(x.view(), keys.view(), values.view(), 2);
  test::check_every_way(x, x.shape(), expected.y, bound_of(expected, 16, 40),
                        test::InPlace::forbidden, [&](ConstView from, View to, Context& ctx) {
                          attention(from, keys.view(), values.view(), 2, to, ctx);
                        });
}

/// Tokens 0 and 1 have no parent; the others have random ones.
std::vector<std::int32_t> random_parents(std::int64_t count, test::Random& random) {
  std::vector<std::int32_t> parents;
  parents.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    parents.push_back(i < 2 ? -1 : static_cast<std::int32_t>(random.integer(0, i - 1)));
  }
  return parents;
}

std::vector<std::uint8_t> ancestors(std::span<const std::int32_t> tokens,
                                    std::span<const std::int32_t> parents) {
  std::vector<std::uint8_t> visible(tokens.size() * parents.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    for (std::int32_t at = tokens[i]; at >= 0; at = parents[static_cast<std::size_t>(at)]) {
      visible[i * parents.size() + static_cast<std::size_t>(at)] = 1;
    }
  }
  return visible;
}

void check_tree(std::span<const std::int32_t> parents, std::span<const std::int32_t> tokens,
                std::int64_t depth, std::uint64_t seed) {
  constexpr std::int64_t kHeads = 2;
  SCOPED_TRACE(text_of(parents.size(), " keys, ", tokens.size(), " queries, depth ", depth));
  test::Random random(seed);
  const std::int64_t channels = kHeads * depth;
  const Tensor keys = random.tensor({1, 1, std::ssize(parents), channels}, -2, 2);
  const Tensor values = random.tensor({1, 1, std::ssize(parents), channels});
  const Tensor x = random.tensor({1, 1, std::ssize(tokens), channels}, -2, 2);
  const AttentionReference expected =
      attention_reference(x.view(), keys.view(), values.view(), kHeads, ancestors(tokens, parents));
  test::check_every_way(x, x.shape(), expected.y, bound_of(expected, depth, std::ssize(parents)),
                        test::InPlace::forbidden, [&](ConstView from, View to, Context& ctx) {
                          tree_attention(from, tokens, keys.view(), values.view(), parents, kHeads,
                                         to, ctx);
                        });
}

TEST(TreeAttention, SeesAncestorsAlone) {
  test::Random random(1);
  std::uint64_t seed = 1;
  for (std::int64_t keys : {2, 16, 17, 60}) {
    for (std::int64_t depth : {1, 16, 17, 64}) {
      const auto parents = random_parents(keys, random);
      std::vector<std::int32_t> all(parents.size());
      std::iota(all.begin(), all.end(), 0);
      check_tree(parents, all, depth, seed++);
      const std::vector<std::int32_t> some{static_cast<std::int32_t>(keys - 1), 0};
      check_tree(parents, some, depth, seed++);
    }
  }
}

TEST(TreeAttention, OfOneTextIsCausal) {
  std::vector<std::int32_t> parents(20);
  std::iota(parents.begin(), parents.end(), -1);
  std::vector<std::int32_t> tokens(20);
  std::iota(tokens.begin(), tokens.end(), 0);
  check_tree(parents, tokens, 32, 1);
}

TEST(Attention, PassesNaNOnToThoseWhoSeeIt) {
  Tensor x({1, 1, 3, 4});
  fill(x.view(), 1);
  x.view().pixel(0, 0, 1)[0] = std::numeric_limits<float>::quiet_NaN();
  for (Isa isa : test::usable_isas()) {
    Context ctx({.threads = 1, .isa = isa});
    Tensor y(x.shape());
    attention(x.view(), x.view(), x.view(), 1, y.view(), ctx);
    for (const float value : y.values()) EXPECT_NE(value, value) << isa_name(isa);
    const std::vector<std::int32_t> parents{-1, 0, 0};
    const std::vector<std::int32_t> tokens{0, 1, 2};
    tree_attention(x.view(), tokens, x.view(), x.view(), parents, 1, y.view(), ctx);
    EXPECT_EQ(y.values()[0], 1) << isa_name(isa);
    EXPECT_NE(y.values()[4], y.values()[4]) << isa_name(isa);
    EXPECT_EQ(y.values()[8], 1) << isa_name(isa);
  }
}

TEST(Attention, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor x({1, 1, 3, 6});
  const Tensor none({1, 1, 0, 6});
  Tensor y({1, 1, 3, 6});
  Tensor narrow({1, 1, 3, 5});
  const auto call = [&](ConstView q, ConstView k, std::int64_t heads, View to) {
    return test::error_of([&] { attention(q, k, k, heads, to, ctx); });
  };
  EXPECT_EQ(call(x.view(), x.view(), 4, y.view()),
            "attention: 6 channels do not divide into 4 heads");
  EXPECT_EQ(call(x.view(), none.view(), 2, y.view()),
            text_of("attention: expected at least one key, got ", none.shape()));
  EXPECT_EQ(call(x.view(), narrow.view(), 2, y.view()),
            text_of("attention: expected keys and values of ", x.shape(), ", got ", narrow.shape(),
                    " and ", narrow.shape()));
  EXPECT_EQ(call(x.view(), x.view(), 2, narrow.view()),
            text_of("attention: expected an output of ", x.shape(), ", got ", narrow.shape()));

  const auto tree = [&](std::vector<std::int32_t> tokens, std::vector<std::int32_t> parents) {
    return test::error_of(
        [&] { tree_attention(x.view(), tokens, x.view(), x.view(), parents, 2, y.view(), ctx); });
  };
  EXPECT_EQ(tree({0, 1}, {-1, 0, 1}), "tree_attention: expected 3 tokens, got 2");
  EXPECT_EQ(tree({0, 1, 3}, {-1, 0, 1}), "tree_attention: expected tokens from 0 to 2, got 3");
  EXPECT_EQ(tree({0, 1, 2}, {-1, 0}), "tree_attention: expected 3 parents, got 2");
  EXPECT_EQ(tree({0, 1, 2}, {-1, 1, 1}),
            "tree_attention: expected a parent of token 1 before it, got 1");
}

}  // namespace
}  // namespace hewn
