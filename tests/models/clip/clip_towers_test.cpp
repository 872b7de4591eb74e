// The towers of a small CLIP: their bits, and how far they are from the same in double.
#include "hewn/models/clip/clip.h"
#include "hewn/models/clip/token_tree.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/clip_model.h"
#include "tests/support/clip_reference.h"
#include "tests/support/clip_weights.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include "tests/support/traced_run.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::ClipReference;
using test::kClipDistance;
using test::Random;
using test::Rows;
using S = test::SmallClip;
using Shapes = std::vector<std::pair<std::string, Nhwc>>;

constexpr std::int32_t kStart = S::kVocabulary - 2;
constexpr std::int32_t kEnd = S::kVocabulary - 1;

const Clip& model() { return test::small_clip_model(); }

/// Texts of 0 to `longest` random tokens between start and end of text.
std::vector<TextTokens> random_texts(std::int64_t count, std::int64_t longest, std::uint64_t seed) {
  Random random(seed);
  std::vector<TextTokens> texts;
  for (std::int64_t i = 0; i < count; ++i) {
    TextTokens text{kStart};
    for (std::int64_t left = random.integer(0, longest); left > 0; --left) {
      // Few different ones, so that texts have beginnings in common.
      text.push_back(static_cast<std::int32_t>(random.integer(0, left % 3 == 0 ? kStart - 1 : 2)));
    }
    text.push_back(kEnd);
    texts.push_back(text);
  }
  return texts;
}

Tensor features_of(const Clip& clip, ConstView pictures, Context& ctx) {
  Tensor features({1, 1, pictures.shape.n, S::kEmbedding});
  clip.image()(pictures, nullptr, features.view(), ctx);
  return features;
}

Tensor features_of(const Clip& clip, const std::vector<TextTokens>& texts, Context& ctx) {
  Tensor features({1, 1, std::ssize(texts), S::kEmbedding});
  clip.text()(texts, {}, features.view(), ctx);
  return features;
}

std::uint64_t bits(const Tensor& tensor) { return test::checksum(tensor.view()); }

std::uint64_t bits(const Tensor& features, std::int64_t i) {
  return test::checksum(test::feature(features, i));
}

// Label: bits
TEST(ClipTowers, SameBitsOnEveryInstructionSetAndNumberOfThreads) {
  const Tensor pictures = test::random_pictures(3, 1);
  const std::vector<TextTokens> texts = random_texts(40, 12, 2);
  Context one_thread({.threads = 1});
  const std::uint64_t of_pictures = bits(features_of(model(), pictures.view(), one_thread));
  const std::uint64_t of_texts = bits(features_of(model(), texts, one_thread));
  std::vector<ContextOptions> ways{{.threads = 2}};
  for (const Isa isa : test::bit_identical_isas()) ways.push_back({.threads = 5, .isa = isa});
  for (const ContextOptions& way : ways) {
    Context ctx(way);
    SCOPED_TRACE(text_of(isa_name(ctx.isa()), ", ", ctx.threads(), " threads"));
    EXPECT_EQ(bits(features_of(model(), pictures.view(), ctx)), of_pictures);
    EXPECT_EQ(bits(features_of(model(), texts, ctx)), of_texts);
  }
}

TEST(ClipTowers, ThePictureAgreesWithTheReferenceBlockByBlock) {
  for (const char* activation : {"quick_gelu", "gelu"}) {
    const test::WeightsFile weights = test::small_clip(Dtype::float32, activation);
    const Clip clip = test::load_clip(weights);
    const Tensor picture = test::random_pictures(1, 3);
    const ClipReference::Result expected = ClipReference(weights).image(picture.view());
    for (const Isa isa : test::usable_isas()) {
      SCOPED_TRACE(text_of(activation, ", ", isa_name(isa)));
      Context ctx({.threads = 2, .isa = isa});
      std::size_t block = 0;
      const TraceScope trace(ctx.tracer(), [&](const TracePiece& piece) {
        if (piece.layer != text_of("visual.transformer.resblocks.", block)) return;
        Rows rows = expected.blocks.at(block++);
        if (block == expected.blocks.size()) rows.resize(1);  // the class token alone is asked for
        EXPECT_LT(test::relative_distance(piece.values, rows), kClipDistance) << piece.layer;
      });
      const Tensor features = features_of(clip, picture.view(), ctx);
      EXPECT_EQ(block, expected.blocks.size());
      EXPECT_LT(test::relative_distance(features.view(), {expected.feature}), kClipDistance);
    }
  }
}

/// Weights and inputs of a product are each off by at most 2⁻⁹ of themselves, independently, so a
/// product by √2 · 2⁻⁹ and what four products in each of a few blocks add up to by some percent.
TEST(ClipTowers, InBfloat16AreNearThoseInFloat32) {
  constexpr double kFar = 0.03;
  const Tensor pictures = test::random_pictures(3, 1);
  const std::vector<TextTokens> texts = random_texts(40, 12, 2);
  const Clip clip = test::load_clip(test::small_clip(), LinearPrecision::bfloat16);
  const auto distance = [](const Tensor& a, const Tensor& b) {
    double squares = 0;
    double all = 0;
    for (std::size_t i = 0; i < a.values().size(); ++i) {
      squares +=
          std::pow(static_cast<double>(a.values()[i]) - static_cast<double>(b.values()[i]), 2);
      all += std::pow(static_cast<double>(b.values()[i]), 2);
    }
    return std::sqrt(squares / all);
  };
  for (const Bf16Info& info : bf16_table()) {
    if (!info.supported) continue;
    SCOPED_TRACE(info.name);
    Context ctx({.threads = 2, .bf16 = info.isa});
    const double of_pictures = distance(features_of(clip, pictures.view(), ctx),
                                        features_of(model(), pictures.view(), ctx));
    EXPECT_LT(of_pictures, kFar);
    EXPECT_GT(of_pictures, kClipDistance);
    EXPECT_LT(distance(features_of(clip, texts, ctx), features_of(model(), texts, ctx)), kFar);
  }
  if (best_bf16()) return;
  Context ctx({.threads = 1});
  EXPECT_THROW(features_of(clip, pictures.view(), ctx), Error);
}

TEST(ClipTowers, TheOtherActivationIsFurtherThanRounding) {
  const Tensor picture = test::random_pictures(1, 3);
  const test::WeightsFile other = test::small_clip(Dtype::float32, "gelu");
  const ClipReference::Result expected = ClipReference(other).image(picture.view());
  Context ctx({.threads = 1});
  const Tensor features = features_of(model(), picture.view(), ctx);
  EXPECT_GT(test::relative_distance(features.view(), {expected.feature}), 10 * kClipDistance);
}

TEST(ClipTowers, TextsAgreeWithTheReferenceOfPaddedOnes) {
  const test::WeightsFile weights = test::small_clip();
  const ClipReference reference(weights);
  std::vector<TextTokens> texts = random_texts(3, 20, 4);
  texts.push_back({kStart, kEnd});
  for (const Isa isa : test::usable_isas()) {
    SCOPED_TRACE(isa_name(isa));
    Context ctx({.threads = 2, .isa = isa});
    const Tensor features = features_of(model(), texts, ctx);
    for (std::int64_t i = 0; i < std::ssize(texts); ++i) {
      TextTokens padded = texts[static_cast<std::size_t>(i)];
      const std::size_t end = padded.size() - 1;
      padded.resize(S::kContext);
      const auto expected = reference.text(reference.embed(padded), end);
      const double distance =
          test::relative_distance(test::feature(features, i), {expected.feature});
      EXPECT_LT(distance, kClipDistance) << i;
    }
  }
}

// Label: bits
TEST(ClipTowers, ABatchHasTheBitsOfItsPictures) {
  const Tensor pictures = test::random_pictures(5, 5);
  Context ctx({.threads = 2});
  const Tensor all = features_of(model(), pictures.view(), ctx);
  for (const std::int64_t i : {0, 1, 2, 3, 4}) {
    const Tensor one = features_of(model(), pictures.view().image(i), ctx);
    EXPECT_EQ(bits(one), bits(all, i)) << i;
  }
  EXPECT_EQ(features_of(model(), Tensor({0, S::kSide, S::kSide, 3}).view(), ctx).shape().w, 0);
}

// Label: bits
TEST(ClipTowers, ATextHasTheBitsThatItHasAlone) {
  // Some 4000 tokens, so several trees.
  const std::vector<TextTokens> texts = random_texts(300, 25, 6);
  Context ctx({.threads = 2});
  const Tensor all = features_of(model(), texts, ctx);
  TokenTree tree;
  for (const TextTokens& text : texts) tree.add(text);
  EXPECT_GT(tree.size(), 3 * 1024);
  for (std::int64_t i = 0; i < std::ssize(texts); i += 7) {
    const Tensor one = features_of(model(), {texts[static_cast<std::size_t>(i)]}, ctx);
    EXPECT_EQ(bits(one), bits(all, i)) << i;
  }
  std::vector<TextTokens> reversed = texts;
  std::ranges::reverse(reversed);
  const Tensor backwards = features_of(model(), reversed, ctx);
  for (std::int64_t i = 0; i < std::ssize(texts); ++i) {
    ASSERT_EQ(bits(backwards, std::ssize(texts) - 1 - i), bits(all, i)) << i;
  }
}

TEST(ClipTowers, TakeTextsAsLongAsTheContext) {
  TextTokens longest(S::kContext, 65);
  longest.front() = kStart;
  longest.back() = kEnd;
  Context ctx({.threads = 1});
  const std::vector<TextTokens> texts(20, longest);  // all of them the same
  const Tensor features = features_of(model(), texts, ctx);
  for (std::int64_t i = 1; i < 20; ++i) EXPECT_EQ(bits(features, i), bits(features, 0));
  EXPECT_EQ(features_of(model(), std::vector<TextTokens>{}, ctx).shape().w, 0);
}

TEST(ClipTowers, ShortTypesHaveTheBitsOfTheSameValuesInFloat32) {
  const Tensor pictures = test::random_pictures(2, 7);
  const std::vector<TextTokens> texts = random_texts(5, 10, 8);
  Context ctx({.threads = 2});
  for (const Dtype dtype : {Dtype::float16, Dtype::bfloat16}) {
    const Clip stored = test::load_clip(test::small_clip(dtype));
    ASSERT_EQ(stored.file().at("token_embedding.weight").dtype, dtype);
    EXPECT_EQ(bits(features_of(stored, pictures.view(), ctx)),
              bits(features_of(model(), pictures.view(), ctx)));
    EXPECT_EQ(bits(features_of(stored, texts, ctx)), bits(features_of(model(), texts, ctx)));
  }
}

TEST(ClipTowers, ATraceSeesEveryLayerOfTheRunThatItWatches) {
  constexpr std::int64_t kCount = 5;  // with two threads, four of them alone on one
  const Tensor pictures = test::random_pictures(kCount, 9);
  const auto trace = [](ConstView some, const ContextOptions& options) {
    return test::trace_of(options,
                          [&](Context& ctx) { return bits(features_of(model(), some, ctx)); });
  };
  const std::vector<TracedLayer> layers = trace(pictures.view(), {.threads = 2});
  const Nhwc tokens{kCount, 1, S::kImageTokens, S::kImageWidth};
  EXPECT_EQ(test::shapes_of(layers),
            (Shapes{{"visual.conv1", tokens},
                    {"visual.ln_pre", tokens},
                    {"visual.transformer.resblocks.0", tokens},
                    {"visual.transformer.resblocks.1", tokens},
                    {"visual.transformer.resblocks.2", {kCount, 1, 1, S::kImageWidth}}}));
  for (std::int64_t i = 0; i < kCount; ++i) {
    const std::vector<TracedLayer> alone = trace(pictures.view().image(i), {.threads = 1});
    ASSERT_EQ(alone.size(), layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      EXPECT_EQ(test::checksum(layers[l].values.view().image(i)), bits(alone[l].values))
          << layers[l].name << " of picture " << i;
    }
  }
}

TEST(ClipTowers, ATraceSeesTheTreeOfTexts) {
  const std::vector<TextTokens> texts{{kStart, 1, 2, kEnd}, {kStart, 1, kEnd}};
  const std::vector<TracedLayer> layers = test::trace_of(
      {.threads = 2}, [&](Context& ctx) { return bits(features_of(model(), texts, ctx)); });
  const Nhwc tree{1, 1, 5, S::kTextWidth};  // two tokens are the beginning of both
  EXPECT_EQ(test::shapes_of(layers),
            (Shapes{{"transformer.resblocks.0", tree},
                    {"transformer.resblocks.1", tree},
                    {"transformer.resblocks.2", tree},
                    {"transformer.resblocks.3", {1, 1, 2, S::kTextWidth}}}));
}

// Label: bits
TEST(ClipTowers, ASecondPictureAllocatesNothing) {
  const Tensor pictures = test::random_pictures(2, 10);
  Tensor features({1, 1, 2, S::kEmbedding});
  for (const Dtype dtype : {Dtype::float32, Dtype::float16}) {
    const Clip clip = test::load_clip(test::small_clip(dtype));
    Context ctx({.threads = 1});
    clip.image()(pictures.view(), nullptr, features.view(), ctx);
    const std::int64_t arena = ctx.arena().system_allocations();
    const std::int64_t program = test::allocations();
    clip.image()(pictures.view(), nullptr, features.view(), ctx);
    EXPECT_EQ(ctx.arena().system_allocations(), arena);
    EXPECT_EQ(test::allocations(), program);
  }
}

// Labels: bits long
TEST(ClipTowers, ManyTextsTakeNoMoreOfTheArenaThanSome) {
  const std::vector<TextTokens> texts = random_texts(1000, 25, 11);
  const std::vector<TextTokens> some(texts.begin(), texts.begin() + 300);
  Context ctx({.threads = 1});
  features_of(model(), some, ctx);
  const std::int64_t peak = ctx.arena().peak_bytes();
  features_of(model(), texts, ctx);
  // Trees are of up to 1024 tokens, and of nearly as many where there are more texts than fit.
  EXPECT_LT(ctx.arena().peak_bytes(), peak + peak / 8);
}

TEST(ClipTowers, FeaturesHaveLengthOne) {
  Context ctx({.threads = 1});
  const Tensor features = features_of(model(), random_texts(4, 9, 12), ctx);
  for (std::int64_t i = 0; i < 4; ++i) {
    double squares = 0;
    for (std::int64_t c = 0; c < S::kEmbedding; ++c) {
      squares += std::pow(static_cast<double>(features.view().pixel(0, 0, i)[c]), 2);
    }
    // The root and the quotients round once each, and the sum of squares 4 times in its chain and
    // tree: the square of the length is off by twice the half of the latter and 2 · 2 roundings.
    EXPECT_NEAR(squares, 1, 16 * test::kUnitRoundoff);
  }
}

TEST(ClipTowers, NameWhatIsWrong) {
  Context ctx({.threads = 1});
  Tensor features({1, 1, 1, S::kEmbedding});
  const Nhwc wide{1, S::kSide, S::kSide + 1, 3};
  const Nhwc right{1, S::kSide, S::kSide, 3};
  const auto image = [&](const Nhwc& shape, Tensor& to) {
    const Tensor picture(shape);
    return test::error_of([&] { model().image()(picture.view(), nullptr, to.view(), ctx); });
  };
  EXPECT_EQ(image(wide, features),
            text_of("image tower: expected pictures of ", right, ", got ", wide));
  Tensor narrow({1, 1, 1, S::kEmbedding - 1});
  EXPECT_EQ(image(right, narrow), text_of("image tower: expected features of ", features.shape(),
                                          ", got ", narrow.shape()));
  const auto text = [&](const TextTokens& tokens, Tensor& to) {
    return test::error_of([&] { model().text()({&tokens, 1}, {}, to.view(), ctx); });
  };
  EXPECT_EQ(text({kStart, kEnd}, narrow), text_of("text tower: expected features of ",
                                                  features.shape(), ", got ", narrow.shape()));
  EXPECT_EQ(text(TextTokens(78, 1), features), "text tower: expected at most 77 tokens, got 78");
  EXPECT_EQ(text({}, features), "token tree: expected a text of at least one token");
  for (const std::int32_t token : {-1, 528}) {
    EXPECT_EQ(text({kStart, token, kEnd}, features),
              text_of("text tower: expected tokens from 0 to 527, got ", token));
  }
}

}  // namespace
}  // namespace hewn
