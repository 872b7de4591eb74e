#include "hewn/models/clip/transformer.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/clip_weights.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using S = test::SmallClip;
using Tokens = std::vector<std::int32_t>;

constexpr Activation kActivation{.kind = Activation::Kind::gelu};

/// A transformer of its file, which it does not need any more.
Transformer load(const test::WeightsFile& weights, const std::string& name, std::int64_t width,
                 std::int64_t heads) {
  const test::Folder folder;
  weights.write(folder / "clip.safetensors");
  const SafetensorsFile file(folder / "clip.safetensors");
  FileLayers layers(file, "clip", Conv2dPacking::any);
  return {layers, name, width, heads, kActivation};
}

/// That of the texts.
const Transformer& small() {
  static const Transformer transformer =
      load(test::small_clip(), "transformer", S::kTextWidth, S::kTextHeads);
  return transformer;
}

Tensor run(const Tensor& x, const Sight& sight, const DeepPrompts& prompts, const Tokens& picked,
           Context& ctx) {
  Tensor copy = Tensor::copy_of(x.view());
  Tensor y({x.shape().n, 1, std::ssize(picked), x.shape().c});
  small()(copy.view(), sight, prompts, picked, y.view(), ctx);
  return y;
}

Tokens all_of(std::int64_t count) {
  Tokens tokens(static_cast<std::size_t>(count));
  std::iota(tokens.begin(), tokens.end(), 0);
  return tokens;
}

std::uint64_t bits(ConstView view) { return test::checksum(view); }

/// Token i of picture n.
std::uint64_t bits(const Tensor& x, std::int64_t n, std::int64_t i) {
  return test::checksum({x.view().pixel(n, 0, i), {1, 1, 1, x.shape().c}});
}

TEST(Transformer, PickedTokensHaveTheBitsThatTheyHaveAmongAll) {
  const Tensor x = test::Random(1).tensor({2, 1, 19, S::kTextWidth});
  const Tokens picked{18, 0, 7, 7};
  Context ctx({.threads = 2});
  const Tensor all = run(x, {}, {}, all_of(19), ctx);
  const Tensor some = run(x, {}, {}, picked, ctx);
  for (const std::int64_t n : {0, 1}) {
    for (std::int64_t i = 0; i < std::ssize(picked); ++i) {
      EXPECT_EQ(bits(some, n, i), bits(all, n, picked[static_cast<std::size_t>(i)]));
    }
  }
  EXPECT_EQ(run(x, {}, {}, {}, ctx).shape().w, 0);
}

// Label: bits
TEST(Transformer, ATokenOfATreeHasTheBitsOfItsTextAlone) {
  const Tensor x = test::Random(2).tensor({1, 1, 6, S::kTextWidth});
  // 0 1 2, 0 1 3 and 0 4 5.
  const Tokens parents{-1, 0, 1, 1, 0, 4};
  Context ctx({.threads = 2});
  const Tensor tree = run(x, {.parents = parents}, {}, all_of(6), ctx);
  for (const Tokens& text : {Tokens{0, 1, 2}, Tokens{0, 1, 3}, Tokens{0, 4, 5}}) {
    Tensor alone({1, 1, 3, S::kTextWidth});
    for (std::int64_t i = 0; i < 3; ++i) {
      std::copy_n(x.view().pixel(0, 0, text[static_cast<std::size_t>(i)]), S::kTextWidth,
                  alone.view().pixel(0, 0, i));
    }
    const Tokens chain{-1, 0, 1};
    const Tensor y = run(alone, {.parents = chain}, {}, all_of(3), ctx);
    for (std::int64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(bits(y, 0, i), bits(tree, 0, text[static_cast<std::size_t>(i)]));
    }
  }
}

/// Prompts of some tokens before each of as many blocks.
std::vector<Tensor> random_prompts(std::size_t blocks, std::int64_t tokens, test::Random& random) {
  std::vector<Tensor> prompts(blocks);
  for (Tensor& prompt : prompts) prompt = random.tensor({1, 1, tokens, S::kTextWidth});
  return prompts;
}

TEST(Transformer, DeepPromptsAreAllThatIsLeftOfTheTokensTheyReplace) {
  test::Random random(3);
  const std::vector<Tensor> before = random_prompts(3, 2, random);
  const Tensor x = random.tensor({2, 1, 8, S::kTextWidth});
  const DeepPrompts prompts{.first = 3, .before = before};
  Context ctx({.threads = 1});
  std::vector<std::uint64_t> replaced;
  const Tensor y = run(x, {}, prompts, {3, 0}, ctx);
  EXPECT_NE(bits(y.view()), bits(run(x, {}, {}, {3, 0}, ctx).view()));
  EXPECT_NE(bits(y.view()), bits(run(x, {}, {.first = 4, .before = before}, {3, 0}, ctx).view()));
  // What the first block makes of the two tokens is forgotten, but others have seen them.
  Tensor other = Tensor::copy_of(x.view());
  fill({other.view().pixel(0, 0, 3), {1, 1, 2, S::kTextWidth}}, 0.5F);
  EXPECT_NE(bits(run(other, {}, prompts, {3, 0}, ctx), 0, 0), bits(y, 0, 0));
  EXPECT_EQ(bits(run(other, {}, prompts, {3, 0}, ctx), 1, 0), bits(y, 1, 0));
  // Where nobody but themselves sees them, nothing is left.
  const Tokens apart(8, -1);
  other = Tensor::copy_of(x.view().image(0));
  const Tensor alone = run(other, {.parents = apart}, prompts, {3, 4}, ctx);
  fill({other.view().pixel(0, 0, 3), {1, 1, 2, S::kTextWidth}}, 0.5F);
  EXPECT_EQ(bits(run(other, {.parents = apart}, prompts, {3, 4}, ctx).view()), bits(alone.view()));
}

TEST(Transformer, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  Tensor x({1, 1, 4, S::kTextWidth});
  fill(x.view(), 1);
  test::Random random(4);
  const auto error_of_prompts = [&](const std::vector<Tensor>& before) {
    return test::error_of([&] { run(x, {}, {.first = 1, .before = before}, {0}, ctx); });
  };
  EXPECT_EQ(error_of_prompts(random_prompts(3, 3, random)), "nothing thrown");
  EXPECT_EQ(error_of_prompts(random_prompts(4, 1, random)),
            "transformer: expected prompts for at most 3 blocks after the first, got 4");
  EXPECT_EQ(error_of_prompts(random_prompts(1, 4, random)),
            text_of("transformer: expected at most 3 prompts of 32 channels, got ",
                    Nhwc{1, 1, 4, S::kTextWidth}));
  std::vector<Tensor> wide;
  wide.push_back(random.tensor({1, 1, 1, S::kTextWidth + 1}));
  EXPECT_EQ(error_of_prompts(wide),
            text_of("transformer: expected at most 3 prompts of 32 channels, got ",
                    Nhwc{1, 1, 1, S::kTextWidth + 1}));
}

}  // namespace
}  // namespace hewn
