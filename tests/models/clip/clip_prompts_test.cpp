#include "hewn/models/clip/clip.h"
#include "hewn/models/clip/prompts.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/clip_weights.h"
#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using S = test::SmallClip;

constexpr PromptSizes kSizes{.text_width = S::kTextWidth,
                             .text_blocks = S::kTextBlocks,
                             .image_width = S::kImageWidth,
                             .image_blocks = S::kImageBlocks,
                             .embedding = S::kEmbedding};

/// Reads prompts from a file that is gone afterwards.
Prompts load(const test::WeightsFile& file, const test::Folder& folder = {}) {
  file.write(folder / "prompts.safetensors");
  return {SafetensorsFile(folder / "prompts.safetensors"), kSizes};
}

/// What is said of the file, less its name in front.
std::string error_of_loading(const test::WeightsFile& file) {
  const test::Folder folder;
  return test::error_about(folder / "prompts.safetensors", [&] { load(file, folder); });
}

std::string error_with(test::WeightsFile file, const std::string& tensor, const Shape& shape) {
  file.tensors[tensor] = test::random_values(shape, 1, 1);
  return error_of_loading(file);
}

std::string error_with_config(test::WeightsFile file, const std::string& key,
                              const std::string& json) {
  file.config[key] = json;
  return error_of_loading(file);
}

/// Contexts of `count` tokens, for as many classes, or for all where these are 0.
test::WeightsFile contexts(std::int64_t count, std::int64_t classes, const std::string& position) {
  test::WeightsFile file = test::small_prompts("coop");
  file.config["class_position"] = '"' + position + '"';
  const Shape shape =
      classes == 0 ? Shape{count, S::kTextWidth} : Shape{classes, count, S::kTextWidth};
  file.tensors["text.prompts.0"] = test::random_values(shape, 1, 1);
  return file;
}

TEST(Prompts, SayWhatTheyAre) {
  const Prompts coop = load(test::small_prompts("coop"));
  EXPECT_EQ(coop.method(), "coop");
  EXPECT_EQ(coop.image(), nullptr);
  EXPECT_TRUE(coop.has_contexts());
  EXPECT_FALSE(coop.depends_on_picture());
  EXPECT_EQ(coop.classes(), 0);
  EXPECT_TRUE(coop.labels().empty());
  EXPECT_EQ(coop.text_template(), "a a a a {}.");

  EXPECT_TRUE(load(test::small_prompts("cocoop")).depends_on_picture());

  const Prompts vpt = load(test::small_prompts("vpt"));
  EXPECT_FALSE(vpt.has_contexts());
  EXPECT_EQ(vpt.text_template(), "");
  ASSERT_NE(vpt.image(), nullptr);
  EXPECT_EQ(vpt.image()->tokens.shape(), (Nhwc{1, 1, 2, S::kImageWidth}));
  EXPECT_EQ(vpt.image()->deep.size(), 2U);

  const Prompts ivlp = load(test::small_prompts("ivlp"));
  EXPECT_TRUE(ivlp.has_contexts());
  ASSERT_NE(ivlp.image(), nullptr);
  EXPECT_EQ(ivlp.image()->deep.size(), 1U);

  const Prompts maple = load(test::small_prompts("maple"));
  ASSERT_NE(maple.image(), nullptr);
  EXPECT_EQ(maple.image()->tokens.shape(), (Nhwc{1, 1, 4, S::kImageWidth}));
  EXPECT_EQ(maple.image()->deep.size(), 1U);

  test::WeightsFile file = contexts(4, 3, "end");
  file.config["labels"] = R"(["cat", "the café", "{}"])";
  const Prompts each = load(file);
  EXPECT_EQ(each.classes(), 3);
  EXPECT_EQ(each.labels(), (std::vector<std::string>{"cat", "the café", "{}"}));
}

TEST(Prompts, ContextsStandWhereTheyWereLearned) {
  // Start of text, four tokens of the template, a label of two, a full stop, end of text.
  const TextTokens text{526, 1, 2, 3, 4, 50, 51, 60, 527};
  const auto place = [&](const test::WeightsFile& file, std::int64_t label_tokens) {
    return load(file).with_contexts(text, label_tokens, 2, S::kVocabulary);
  };
  EXPECT_EQ(place(contexts(4, 0, "end"), 2),
            (TextTokens{526, 528, 529, 530, 531, 50, 51, 60, 527}));
  EXPECT_EQ(place(contexts(4, 0, "middle"), 2),
            (TextTokens{526, 528, 529, 50, 51, 530, 531, 60, 527}));
  EXPECT_EQ(place(contexts(4, 0, "front"), 2),
            (TextTokens{526, 50, 51, 528, 529, 530, 531, 60, 527}));
  EXPECT_EQ(place(contexts(3, 0, "middle"), 1),
            (TextTokens{526, 528, 4, 529, 530, 50, 51, 60, 527}));
  // Those of class 2 come behind those of classes 0 and 1.
  EXPECT_EQ(place(contexts(4, 3, "end"), 2),
            (TextTokens{526, 536, 537, 538, 539, 50, 51, 60, 527}));
  EXPECT_EQ(place(contexts(4, 3, "front"), 2),
            (TextTokens{526, 50, 51, 536, 537, 538, 539, 60, 527}));
  // Of a label that was cut no more moves than there is, and never the end of text.
  EXPECT_EQ(place(contexts(4, 0, "front"), 70),
            (TextTokens{526, 50, 51, 60, 528, 529, 530, 531, 527}));
  EXPECT_EQ(place(contexts(7, 0, "middle"), 2),
            (TextTokens{526, 528, 529, 530, 531, 532, 533, 534, 527}));
  EXPECT_EQ(test::error_of([&] { place(contexts(8, 0, "end"), 2); }),
            "prompts: the template \"a a a a {}.\" leaves a text of 7 tokens, but there are 8 "
            "contexts");
}

TEST(Prompts, ContextsAreTheTensorsRows) {
  const test::WeightsFile file = contexts(4, 3, "end");
  const Prompts prompts = load(file);
  Context ctx({.threads = 1});
  const TextContexts contexts = prompts.contexts({}, ctx);
  EXPECT_EQ(contexts.rows.shape, (Nhwc{1, 1, 12, S::kTextWidth}));
  EXPECT_TRUE(std::ranges::equal(file.tensors.at("text.prompts.0").values,
                                 std::span(contexts.rows.data, 12 * S::kTextWidth)));
  EXPECT_TRUE(contexts.deep.empty());
}

TEST(Prompts, TemplatesAreFilledAtEveryPlace) {
  EXPECT_EQ(fill_template("a photo of a {}.", "cat"), "a photo of a cat.");
  EXPECT_EQ(fill_template("{}", "cat"), "cat");
  EXPECT_EQ(fill_template("{} and {}", "{}"), "{} and {}");
  EXPECT_EQ(fill_template("{{}}{}", ""), "{}");
  EXPECT_EQ(fill_template("", "cat"), "");
  EXPECT_EQ(fill_template("} {", "cat"), "} {");
}

TEST(Prompts, OfAnotherKindOfFileAreRefused) {
  EXPECT_EQ(error_of_loading(test::small_clip()),
            "expected the weights of a clip-prompts model, got those of a clip model");
  EXPECT_EQ(
      error_of_loading({.model = "clip-prompts", .config = {{"method", "\"vpt\""}}, .tensors = {}}),
      "expected prompts, but there are none");
}

TEST(Prompts, ThatDoNotFitTheModelAreRefused) {
  const test::WeightsFile coop = test::small_prompts("coop");
  const test::WeightsFile vpt = test::small_prompts("vpt");
  const test::WeightsFile maple = test::small_prompts("maple");
  EXPECT_EQ(error_with(coop, "text.prompts.0", {4, 31}),
            "tensor 'text.prompts.0': expected shape 4×32, got 4×31");
  EXPECT_EQ(error_with(coop, "text.prompts.0", {3, 4, 31}),
            "tensor 'text.prompts.0': expected shape 3×4×32, got 3×4×31");
  for (const Shape& shape : {Shape{0, 32}, Shape{32}, Shape{1, 1, 4, 32}}) {
    EXPECT_EQ(
        error_with(coop, "text.prompts.0", shape),
        text_of("tensor 'text.prompts.0': expected 2 sizes of at least 1, got shape ", shape));
  }
  EXPECT_EQ(error_with(coop, "text.prompts.0", {0, 4, 32}),
            "tensor 'text.prompts.0': expected 3 sizes of at least 1, got shape 0×4×32");
  EXPECT_EQ(error_with(coop, "text.prompts.0", {4097, 1}),
            "tensor 'text.prompts.0': expected at most 4096 tokens, got 4097");
  EXPECT_EQ(error_with(vpt, "image.prompts.0", {4097, 1}),
            "tensor 'image.prompts.0': expected at most 4096 tokens, got 4097");
  EXPECT_EQ(error_with(vpt, "image.prompts.0", {2, 32}),
            "tensor 'image.prompts.0': expected shape 2×48, got 2×32");
  EXPECT_EQ(error_with(vpt, "image.prompts.2", {3, 48}),
            "tensor 'image.prompts.2': expected shape 2×48, got 3×48");
  EXPECT_EQ(error_with(vpt, "image.prompts.3", {2, 48}),
            "image prompts for 4 blocks, but the model has 3");
  EXPECT_EQ(error_with(maple, "text.prompts.1", {5, 32}),
            "tensor 'text.prompts.1': expected shape 4×32, got 5×32");
  EXPECT_EQ(error_with(maple, "coupling.1.weight", {48, 31}),
            "tensor 'coupling.1.weight': expected shape 48×32, got 48×31");
  test::WeightsFile deep = maple;
  deep.tensors["text.prompts.3"] = deep.tensors["text.prompts.4"] =
      test::random_values({4, 32}, 1, 1);
  EXPECT_EQ(error_of_loading(deep), "text prompts for 5 blocks, but the model has 4");
  EXPECT_EQ(error_with(test::small_prompts("cocoop"), "meta_net.linear1.weight", {6, 23}),
            "tensor 'meta_net.linear1.weight': expected shape 6×24, got 6×23");
}

TEST(Prompts, ThatDoNotFitEachOtherAreRefused) {
  const test::WeightsFile ivlp = test::small_prompts("ivlp");
  const test::WeightsFile maple = test::small_prompts("maple");
  const std::string shared =
      "expected deep text prompts only with contexts that all classes share, in front of the class";
  EXPECT_EQ(error_with(ivlp, "text.prompts.0", {3, 4, 32}), shared);
  EXPECT_EQ(error_with_config(ivlp, "class_position", "\"front\""), shared);
  test::WeightsFile file = maple;
  file.tensors.erase("text.prompts.1");
  file.tensors.erase("text.prompts.2");
  EXPECT_EQ(error_of_loading(file), "couplings for 2 blocks, but text prompts for 1");
  file.tensors.erase("text.prompts.0");
  EXPECT_EQ(error_of_loading(file), "couplings for 2 blocks, but text prompts for 0");
  file.tensors["text.prompts.0"] = test::random_values({3, 4, 32}, 1, 1);
  EXPECT_EQ(error_of_loading(file), "expected couplings only with contexts that all classes share");
  file = test::small_prompts("vpt");
  file.tensors.erase("image.prompts.1");
  EXPECT_EQ(error_of_loading(file), "tensor 'image.prompts.2' belongs to no layer of this model");
  file = test::small_prompts("cocoop");
  file.tensors.erase("meta_net.linear1.bias");
  EXPECT_EQ(error_of_loading(file), "expected a tensor 'meta_net.linear1.bias', but it is missing");
  EXPECT_EQ(error_with(maple, "image.prompts.0", {2, 48}),
            "tensor 'image.prompts.0' belongs to no layer of this model");
}

TEST(Prompts, OfAnotherConfigurationAreRefused) {
  const test::WeightsFile coop = test::small_prompts("coop");
  EXPECT_EQ(error_with_config(coop, "template", "\"a photo.\""),
            R"(hewn.config: template: expected a text with {} in it, got "a photo.")");
  EXPECT_EQ(error_with_config(coop, "template", "\"\\n\""),
            R"(hewn.config: template: expected a text with {} in it, got "?")");
  EXPECT_EQ(error_with_config(coop, "template", "null"),
            "hewn.config: template: expected a string, got null");
  EXPECT_EQ(error_with_config(coop, "class_position", "\"behind\""),
            R"(hewn.config: class_position: expected end, middle or front, got "behind")");
  EXPECT_EQ(error_with_config(coop, "labels", R"({"cat": 1})"),
            R"(hewn.config: labels: expected a list of strings, got {"cat":1})");
  EXPECT_EQ(error_with_config(coop, "method", "\"coop2\""),
            "hewn.config: method: expected coop, cocoop, vpt, ivlp or maple, got \"coop2\"");
}

}  // namespace
}  // namespace hewn
