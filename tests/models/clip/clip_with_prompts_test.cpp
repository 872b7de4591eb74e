// What each method's prompts make of a small CLIP, beside the same in double.
#include "hewn/models/clip/classifier.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/clip_model.h"
#include "tests/support/clip_reference.h"
#include "tests/support/clip_weights.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::ClipReference;
using test::kClipDistance;
using test::Row;
using test::Rows;
using test::small_clip_model;
using test::small_tokenizer;
using S = test::SmallClip;

constexpr const char* kMethods[] = {"coop", "cocoop", "vpt", "ivlp", "maple"};

/// A label of one token in "a a a a {}.", and of two.
const Labels kLabels{.names = {"cat", "the oo"}, .templates = {"a a a a {}."}};

/// What the network makes of a picture and the labels.
struct Features {
  Tensor image, texts;
};

Features run(const Classifier& classifier, ConstView picture, Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  Tensor image({1, 1, 1, S::kEmbedding});
  classifier.image_features(picture, image.view(), ctx);
  Tensor texts = Tensor::copy_of(classifier.text_features(image.view(), ctx));
  return {std::move(image), std::move(texts)};
}

Features run(const Prompts* prompts, const Tensor& picture, Context& ctx) {
  const Classifier classifier(small_clip_model(), small_tokenizer(), prompts, kLabels, ctx);
  return run(classifier, picture.view(), ctx);
}

/// What CoCoOp adds to the contexts for a picture.
Row shift_of(const test::WeightsFile& prompts, const Row& image_feature) {
  Rows hidden = test::linear_of(prompts, "meta_net.linear1", {image_feature});
  for (double& value : hidden.front()) value = std::max(value, 0.0);
  return test::linear_of(prompts, "meta_net.linear2", hidden).front();
}

/// The contexts as the text tower of the reference takes them.
std::vector<Rows> contexts_of(const test::WeightsFile& prompts, const Row& image_feature) {
  std::vector<Rows> contexts = test::prompts_of(prompts, "text");
  if (!prompts.tensors.contains("meta_net.linear1.weight")) return contexts;
  const Row shift = shift_of(prompts, image_feature);
  for (Row& row : contexts.front()) {
    for (std::size_t c = 0; c < row.size(); ++c) row[c] += shift[c];
  }
  return contexts;
}

/// A label's feature in double; its contexts are the rows from `first` on.
Row text_reference(const std::string& label, const std::vector<Rows>& contexts,
                   std::size_t first = 0) {
  static const test::WeightsFile weights = test::small_clip();
  const ClipReference reference(weights);
  TextTokens tokens = small_tokenizer().encode_context("a a a a " + label + ".").tokens;
  const std::size_t end = tokens.size() - 1;
  tokens.resize(S::kContext);
  Rows rows = reference.embed(tokens);
  if (contexts.empty()) return reference.text(rows, end).feature;
  std::copy_n(contexts[0].begin() + static_cast<std::ptrdiff_t>(first), S::kTextPrompts,
              rows.begin() + 1);
  return reference.text(rows, end, {contexts.begin() + 1, contexts.end()}).feature;
}

TEST(ClipWithPrompts, AgreesWithTheReferenceByEveryMethod) {
  const test::WeightsFile weights = test::small_clip();
  const Tensor picture = test::random_pictures(1, 1);
  for (const char* method : kMethods) {
    const test::WeightsFile file = test::small_prompts(method);
    const Prompts prompts = test::load_prompts(file);
    const Row image =
        ClipReference(weights).image(picture.view(), test::prompts_of(file, "image")).feature;
    const std::vector<Rows> contexts = contexts_of(file, image);
    Rows texts;
    for (const std::string& label : kLabels.names) texts.push_back(text_reference(label, contexts));
    for (const Isa isa : test::usable_isas()) {
      SCOPED_TRACE(text_of(method, ", ", isa_name(isa)));
      Context ctx({.threads = 2, .isa = isa});
      const Features got = run(&prompts, picture, ctx);
      EXPECT_LT(test::relative_distance(got.image.view(), {image}), kClipDistance);
      EXPECT_LT(test::relative_distance(got.texts.view(), texts), kClipDistance);
    }
  }
}

TEST(ClipWithPrompts, ChangesTheTowersThatItsMethodHasPromptsFor) {
  const Tensor picture = test::random_pictures(1, 2);
  Context ctx({.threads = 1});
  const Features plain = run(nullptr, picture, ctx);
  for (const char* method : kMethods) {
    SCOPED_TRACE(method);
    const test::WeightsFile file = test::small_prompts(method);
    const Prompts prompts = test::load_prompts(file);
    const Features got = run(&prompts, picture, ctx);
    EXPECT_EQ(test::checksum(got.image.view()) == test::checksum(plain.image.view()),
              test::prompts_of(file, "image").empty());
    EXPECT_EQ(test::checksum(got.texts.view()) == test::checksum(plain.texts.view()),
              test::prompts_of(file, "text").empty());
  }
}

TEST(ClipWithPrompts, EveryTensorMatters) {
  const Tensor picture = test::random_pictures(1, 3);
  Context ctx({.threads = 1});
  for (const char* method : kMethods) {
    const test::WeightsFile file = test::small_prompts(method);
    const Prompts prompts = test::load_prompts(file);
    const Features before = run(&prompts, picture, ctx);
    for (const auto& [name, tensor] : file.tensors) {
      SCOPED_TRACE(text_of(method, ", ", name));
      test::WeightsFile other = file;
      other.tensors[name] = test::random_values(tensor.shape, 1, 4);
      const Prompts changed = test::load_prompts(other);
      const Features after = run(&changed, picture, ctx);
      EXPECT_TRUE(test::checksum(after.image.view()) != test::checksum(before.image.view()) ||
                  test::checksum(after.texts.view()) != test::checksum(before.texts.view()));
    }
  }
}

TEST(ClipWithPrompts, EveryClassMayHaveContextsOfItsOwn) {
  test::WeightsFile file = test::small_prompts("coop");
  file.tensors["text.prompts.0"] = test::random_values({2, S::kTextPrompts, S::kTextWidth}, 1, 5);
  const Prompts prompts = test::load_prompts(file);
  // All rows, class by class.
  const std::vector<Rows> contexts{test::rows_of(file.tensors.at("text.prompts.0"))};
  Context ctx({.threads = 2});
  const Features got = run(&prompts, test::random_pictures(1, 6), ctx);
  for (const std::size_t i : {0U, 1U}) {
    const Row expected = text_reference(kLabels.names[i], contexts, i * S::kTextPrompts);
    const ConstView text = test::feature(got.texts, static_cast<std::int64_t>(i));
    EXPECT_LT(test::relative_distance(text, {expected}), kClipDistance);
  }
  const Labels three{.names = {"cat", "the", "oo"}, .templates = {}};
  EXPECT_EQ(test::error_of([&] {
              Classifier{small_clip_model(), small_tokenizer(), &prompts, three, ctx};
            }),
            "labels: the prompts were learned for 2 classes, each with its own, got 3 labels");
}

TEST(ClipWithPrompts, TheClassMayStandBeforeItsContextsOrAmongThem) {
  Context ctx({.threads = 1});
  const Tensor picture = test::random_pictures(1, 7);
  const test::WeightsFile weights = test::small_clip();
  const ClipReference reference(weights);
  for (const char* position : {"front", "middle", "end"}) {
    SCOPED_TRACE(position);
    test::WeightsFile file = test::small_prompts("coop");
    file.config["class_position"] = text_of('"', position, '"');
    const Prompts prompts = test::load_prompts(file);
    const Features got = run(&prompts, picture, ctx);
    // "the oo" is two tokens, 513 and 519.
    const std::vector<std::int32_t> label = small_tokenizer().encode("the oo");
    ASSERT_EQ(label.size(), 2U);
    Rows rows = test::prompts_of(file, "text").front();
    const std::ptrdiff_t before = std::string(position) == "front"    ? 0
                                  : std::string(position) == "middle" ? 2
                                                                      : 4;
    const Rows embedded = reference.embed(label);
    rows.insert(rows.begin() + before, embedded.begin(), embedded.end());
    const std::int32_t start = small_tokenizer().start();
    rows.insert(rows.begin(), reference.embed({&start, 1}).front());
    for (const std::int32_t token : small_tokenizer().encode(".")) {
      rows.push_back(reference.embed({&token, 1}).front());
    }
    const std::int32_t end = small_tokenizer().end();
    rows.push_back(reference.embed({&end, 1}).front());
    const Row expected = reference.text(rows, rows.size() - 1).feature;
    EXPECT_LT(test::relative_distance(test::feature(got.texts, 1), {expected}), kClipDistance);
  }
}

TEST(ClipWithPrompts, ContextsOfAPictureAreThatPicturesAlone) {
  const Prompts prompts = test::load_prompts(test::small_prompts("cocoop"));
  Context ctx({.threads = 2});
  const Classifier classifier(small_clip_model(), small_tokenizer(), &prompts, kLabels, ctx);
  EXPECT_TRUE(classifier.depends_on_picture());
  const Tensor pictures = test::random_pictures(2, 8);
  const Features first = run(classifier, pictures.view().image(0), ctx);
  const Features second = run(classifier, pictures.view().image(1), ctx);
  const Features again = run(classifier, pictures.view().image(0), ctx);
  EXPECT_NE(test::checksum(first.texts.view()), test::checksum(second.texts.view()));
  EXPECT_EQ(test::checksum(first.texts.view()), test::checksum(again.texts.view()));
}

// Label: bits
TEST(ClipWithPrompts, SameBitsOnEveryInstructionSetAndNumberOfThreads) {
  const Tensor picture = test::random_pictures(1, 9);
  for (const char* method : {"cocoop", "maple"}) {
    const Prompts prompts = test::load_prompts(test::small_prompts(method));
    Context one_thread({.threads = 1});
    const Features expected = run(&prompts, picture, one_thread);
    for (const Isa isa : test::bit_identical_isas()) {
      SCOPED_TRACE(text_of(method, ", ", isa_name(isa)));
      Context ctx({.threads = 5, .isa = isa});
      const Features got = run(&prompts, picture, ctx);
      EXPECT_EQ(test::checksum(got.image.view()), test::checksum(expected.image.view()));
      EXPECT_EQ(test::checksum(got.texts.view()), test::checksum(expected.texts.view()));
    }
  }
}

TEST(ClipWithPrompts, ManyLabelsHaveTheBitsThatTheyHaveAlone) {
  // More than one tree of tokens, each with the deep prompts at its beginning.
  Labels many{.names = {}, .templates = {}};
  for (int i = 0; i < 600; ++i) many.names.push_back(text_of("cat ", i));
  Context ctx({.threads = 2});
  for (const char* method : {"coop", "maple"}) {
    const Prompts prompts = test::load_prompts(test::small_prompts(method));
    const Classifier all(small_clip_model(), small_tokenizer(), &prompts, many, ctx);
    const Tensor features = Tensor::copy_of(all.text_features({}, ctx));
    for (const std::size_t i : {0U, 1U, 299U, 599U}) {
      const Labels one{.names = {many.names[i]}, .templates = {}};
      const Classifier alone(small_clip_model(), small_tokenizer(), &prompts, one, ctx);
      EXPECT_EQ(test::checksum(alone.text_features({}, ctx)),
                test::checksum(test::feature(features, static_cast<std::int64_t>(i))))
          << method << ", " << many.names[i];
    }
  }
}

TEST(ClipWithPrompts, DeepContextsNeedTextsThatBeginWithThem) {
  const Prompts prompts = test::load_prompts(test::small_prompts("maple"));
  Context ctx({.threads = 1});
  const TextContexts contexts = prompts.contexts({}, ctx);
  Tensor features({1, 1, 2, S::kEmbedding});
  const auto error = [&](const std::vector<TextTokens>& texts) {
    return test::error_of(
        [&] { small_clip_model().text()(texts, contexts, features.view(), ctx); });
  };
  EXPECT_EQ(error({{526, 528, 529, 530, 531, 1, 527}, {526, 528, 529, 530, 531, 2, 527}}),
            "nothing thrown");
  const std::string refusal =
      "text tower: deep prompts of 4 tokens need texts that begin with as many contexts in common";
  EXPECT_EQ(error({{526, 528, 529, 1, 530}, {526, 528, 529, 2, 530}}), refusal);
  EXPECT_EQ(error({{526, 528, 529, 530}, {526, 528}}), refusal);
  EXPECT_EQ(error({{526, 528, 529, 530, 531, 1}, {526, 1}}), refusal);
  EXPECT_EQ(error({{526, 528, 529, 530, 531, 1}, {527, 528, 529, 530, 531, 1}}), refusal);
}

TEST(ClipWithPrompts, PromptsOfAnotherModelAreRefused) {
  Context ctx({.threads = 1});
  Tensor features({1, 1, 1, S::kEmbedding});
  const Tensor wide = test::Random(1).tensor({1, 1, 2, 64});
  const std::vector<TextTokens> texts{{526, 528, 527}};
  EXPECT_EQ(test::error_of([&] {
              small_clip_model().text()(texts, {.rows = wide.view()}, features.view(), ctx);
            }),
            text_of("text tower: expected contexts of 32 channels, got ", wide.shape()));
  const Tensor picture = test::random_pictures(1, 10);
  const ImagePrompts prompts{.tokens = Tensor::copy_of(wide.view()), .deep = {}};
  EXPECT_EQ(test::error_of([&] {
              small_clip_model().image()(picture.view(), &prompts, features.view(), ctx);
            }),
            text_of("transformer: expected at most 2 prompts of 48 channels, got ", wide.shape()));
}

}  // namespace
}  // namespace hewn
