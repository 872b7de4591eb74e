#include "hewn/models/clip/classifier.h"

#include "hewn/runtime/error.h"

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/clip_model.h"
#include "tests/support/clip_reference.h"
#include "tests/support/clip_weights.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Row;
using test::small_clip_model;
using test::small_tokenizer;
using S = test::SmallClip;

Classifier classifier_of(const Labels& labels, Context& ctx) {
  return {small_clip_model(), small_tokenizer(), nullptr, labels, ctx};
}

Tensor features_of(const Labels& labels, Context& ctx) {
  return Tensor::copy_of(classifier_of(labels, ctx).text_features({}, ctx));
}

std::vector<std::string> numbered(int count) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) names.push_back(text_of("cat ", i));
  return names;
}

std::string error_of_labels(const Labels& labels) {
  Context ctx({.threads = 1});
  return test::error_of([&] { classifier_of(labels, ctx); });
}

TEST(Classifier, TakesAnyNumberOfLabels) {
  Context ctx({.threads = 2});
  for (const int count : {1, 2, 100, 10'000}) {
    const Labels labels{.names = numbered(count)};
    const Classifier classifier = classifier_of(labels, ctx);
    EXPECT_EQ(classifier.labels(), count);
    EXPECT_FALSE(classifier.depends_on_picture());
    EXPECT_EQ(std::ssize(classifier.texts()), count);
    const Tensor features = Tensor::copy_of(classifier.text_features({}, ctx));
    ASSERT_EQ(features.shape(), (Nhwc{1, 1, count, S::kEmbedding}));
    for (const int i : {0, 1, count / 3, count - 1}) {
      if (i >= count) continue;
      const Tensor alone = features_of({.names = {text_of("cat ", i)}}, ctx);
      EXPECT_EQ(test::checksum(alone.view()), test::checksum(test::feature(features, i)))
          << i << " of " << count;
    }
  }
}

TEST(Classifier, LabelsGoIntoTheTemplate) {
  Context ctx({.threads = 1});
  const Classifier classifier =
      classifier_of({.names = {"cat", "The  CAT"}, .templates = {"the {}", "{} {}'s"}}, ctx);
  // the$ cat$; cat$ cat$ 's$.
  ASSERT_EQ(classifier.texts().size(), 4U);
  EXPECT_EQ(classifier.texts()[0].tokens, (TextTokens{526, 513, 515, 527}));
  EXPECT_EQ(classifier.texts()[1].tokens, (TextTokens{526, 515, 515, 521, 527}));
  EXPECT_EQ(classifier.texts()[2].tokens, (TextTokens{526, 513, 513, 515, 527}));
  EXPECT_EQ(classifier.texts()[3].tokens, (TextTokens{526, 513, 515, 513, 515, 521, 527}));
  const std::vector<TextTokens> texts{classifier.texts()[0].tokens};
  Tensor expected({1, 1, 1, S::kEmbedding});
  small_clip_model().text()(texts, {}, expected.view(), ctx);
  EXPECT_EQ(test::checksum(features_of({.names = {"cat"}, .templates = {"the {}"}}, ctx).view()),
            test::checksum(expected.view()));
}

TEST(Classifier, AveragesTheFeaturesOfSeveralTemplates) {
  Context ctx({.threads = 2});
  const std::vector<std::string> names = numbered(3);
  const std::vector<std::string> templates{"the {}", "{}", "a photo of a {}."};
  const Tensor mean = features_of({.names = names, .templates = templates}, ctx);
  std::vector<Row> sums(names.size(), Row(S::kEmbedding));
  for (const std::string& text : templates) {
    const Tensor one = features_of({.names = names, .templates = {text}}, ctx);
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t c = 0; c < S::kEmbedding; ++c) {
        sums[i][c] += static_cast<double>(one.values()[i * S::kEmbedding + c]);
      }
    }
  }
  std::vector<double> expected;
  std::vector<double> bound;
  for (const Row& sum : sums) {
    double squares = 0;
    for (const double value : sum) squares += value * value;
    for (const double value : sum) {
      expected.push_back(value / std::sqrt(squares));
      // Two additions, of values of at most 1 to sums of at most 3, are off by 2 · 3 u; so is the
      // length, and by half of the 6 roundings of its squares' sum and 2 more.
      bound.push_back((6 + (6 + 5) * std::abs(expected.back())) * test::kUnitRoundoff /
                      std::sqrt(squares));
    }
  }
  EXPECT_TRUE(test::all_within(mean.view(), expected, bound));
}

// Labels: bits long
TEST(Classifier, ManyTemplatesTakeNoMoreOfTheArena) {
  std::vector<std::string> templates = numbered(20);
  for (std::string& text : templates) text += " {}";
  Context ctx({.threads = 1});
  features_of({.names = numbered(220), .templates = templates}, ctx);
  const std::int64_t peak = ctx.arena().peak_bytes();
  const Tensor features = features_of({.names = numbered(800), .templates = templates}, ctx);
  // Besides the features of some 4096 texts there are those of a tree of them.
  EXPECT_LT(ctx.arena().peak_bytes(), peak + peak / 8);
  for (const int i : {0, 203, 204, 799}) {
    const Tensor alone = features_of({.names = {text_of("cat ", i)}, .templates = templates}, ctx);
    EXPECT_EQ(test::checksum(alone.view()), test::checksum(test::feature(features, i))) << i;
  }
}

TEST(Classifier, LogitsAreScaledCosines) {
  Context ctx({.threads = 2});
  const Arena::Scope scope(ctx.arena());
  const Classifier classifier = classifier_of({.names = numbered(20)}, ctx);
  const Tensor pictures = test::random_pictures(2, 1);
  Tensor features({1, 1, 2, S::kEmbedding});
  classifier.image_features(pictures.view(), features.view(), ctx);
  const ConstView texts = classifier.text_features({}, ctx);
  Tensor logits({1, 1, 1, 20});
  for (const std::int64_t picture : {0, 1}) {
    const ConstView image = test::feature(features, picture);
    classifier.logits(image, texts, logits.view(), ctx);
    std::vector<double> expected;
    std::vector<double> bound;
    for (std::int64_t i = 0; i < 20; ++i) {
      double cosine = 0;
      double magnitude = 0;
      for (std::int64_t c = 0; c < S::kEmbedding; ++c) {
        const double term =
            static_cast<double>(image.data[c]) * static_cast<double>(texts.pixel(0, 0, i)[c]);
        cosine += term;
        magnitude += std::abs(term);
      }
      expected.push_back(cosine * std::exp(3.0));
      // A chain of as many products as there are values, and two roundings for the scale.
      bound.push_back((S::kEmbedding + 2) * test::kUnitRoundoff * magnitude * std::exp(3.0));
    }
    EXPECT_TRUE(test::all_within(logits.view(), expected, bound));
  }
}

TEST(Classifier, LabelsThatAreTooLongAreCut) {
  Context ctx({.threads = 1});
  const Classifier classifier =
      classifier_of({.names = {std::string(80, '7'), "cat"}, .templates = {"{}"}}, ctx);
  EXPECT_TRUE(classifier.texts()[0].truncated);
  EXPECT_EQ(std::ssize(classifier.texts()[0].tokens), S::kContext);
  EXPECT_FALSE(classifier.texts()[1].truncated);
  // With contexts, too, wherever they stand.
  for (const char* position : {"\"end\"", "\"middle\"", "\"front\""}) {
    test::WeightsFile file = test::small_prompts("coop");
    file.config["class_position"] = position;
    const Prompts prompts = test::load_prompts(file);
    const Labels labels{.names = {std::string(80, '7'), "cat"}};
    const Classifier prompted(small_clip_model(), small_tokenizer(), &prompts, labels, ctx);
    EXPECT_TRUE(prompted.texts()[0].truncated);
  }
}

TEST(Classifier, RefusesLabelsThatMakeNoSense) {
  EXPECT_EQ(error_of_labels({.names = {}}), "labels: expected at least one");
  EXPECT_EQ(error_of_labels({.names = {"cat", ""}}), "labels: number 2 is empty");
  EXPECT_EQ(error_of_labels({.names = {" \t\r\n", "cat"}}), "labels: number 1 is empty");
  EXPECT_EQ(error_of_labels({.names = {"cat", "the", "cat"}}), "labels: \"cat\" is given twice");
  EXPECT_EQ(error_of_labels({.names = {"c\xff\n", "c\xff\n"}}), "labels: \"c??\" is given twice");
  EXPECT_EQ(error_of_labels({.names = {"cat"}, .templates = {"the {}", "a photo"}}),
            "templates: expected a text with {} where the label goes, got \"a photo\"");
  EXPECT_EQ(error_of_labels({.names = {"cat"}, .templates = {"{ }"}}),
            "templates: expected a text with {} where the label goes, got \"{ }\"");
  EXPECT_EQ(error_of_labels({.names = {"cat"}, .templates = {}}),
            "templates: expected at least one");
  EXPECT_EQ(error_of_labels({.names = {"cat", "c\xff"}, .templates = {"the {}"}}),
            "labels: \"the c?\": expected text in UTF-8, got the byte 0xff at byte 5, which begins "
            "no character");
}

TEST(Classifier, RefusesATokenizerOfAnotherModel) {
  test::WeightsFile weights = test::small_clip();
  weights.tensors["token_embedding.weight"] = test::random_values({529, S::kTextWidth}, 1, 1);
  const Clip larger = test::load_clip(weights);
  Context ctx({.threads = 1});
  const Labels labels{.names = {"cat"}};
  EXPECT_EQ(test::error_of([&] {
              Classifier{larger, small_tokenizer(), nullptr, labels, ctx};
            }),
            "tokenizer: expected a vocabulary of 529, got 528");
}

}  // namespace
}  // namespace hewn
