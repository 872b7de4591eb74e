// What a file of CLIP must hold, and what is said of one that does not.
#include "hewn/models/clip/clip.h"
#include "hewn/runtime/error.h"

#include <cmath>
#include <filesystem>
#include <limits>
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

class ClipFile : public testing::Test {
 protected:
  Clip load(const test::WeightsFile& weights, ClipTowers towers = ClipTowers::both) const {
    weights.write(path);
    return Clip(SafetensorsFile(path), towers);
  }
  /// What is said of the file, less its name in front.
  std::string error(const test::WeightsFile& weights, ClipTowers towers = ClipTowers::both) const {
    return test::error_about(path, [&] { load(weights, towers); });
  }
  /// Of a whole file but for one tensor.
  std::string error_with(const std::string& name, const test::TensorValues& tensor) const {
    test::WeightsFile weights = whole;
    weights.tensors[name] = tensor;
    return error(weights);
  }
  /// Of a whole file but for one value of the configuration.
  std::string error_with_config(const std::string& key, const std::string& json) const {
    test::WeightsFile weights = whole;
    weights.config[key] = json;
    return error(weights);
  }
  /// The names of all tensors but those of all blocks but one.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : whole.tensors) {
      const bool block = name.find("resblocks.") != std::string::npos;
      if (name != "tokenizer.merges" && (!block || name.find(".1.") != std::string::npos)) {
        names.push_back(name);
      }
    }
    return names;
  }

  test::Folder folder;
  std::filesystem::path path = folder / "clip.safetensors";
  const test::WeightsFile whole = test::small_clip();
};

TEST_F(ClipFile, SaysWhatTheModelIs) {
  const Clip clip = load(whole);
  EXPECT_EQ(clip.form(), "openai");
  EXPECT_EQ(clip.file().path(), path);
  EXPECT_EQ(clip.logit_scale(), static_cast<float>(std::exp(3.0)));
  EXPECT_EQ(clip.preprocessing().size, S::kSide);
  EXPECT_EQ(clip.preprocessing().mean, (std::array<float, 3>{0.5F, 0.25F, 0.75F}));
  EXPECT_EQ(clip.preprocessing().std, (std::array<float, 3>{0.25F, 0.5F, 0.125F}));
  EXPECT_EQ(clip.image().picture_size(), S::kSide);
  EXPECT_EQ(clip.image().width(), S::kImageWidth);
  EXPECT_EQ(clip.image().blocks(), S::kImageBlocks);
  EXPECT_EQ(clip.image().embedding_size(), S::kEmbedding);
  EXPECT_EQ(clip.text().width(), S::kTextWidth);
  EXPECT_EQ(clip.text().blocks(), S::kTextBlocks);
  EXPECT_EQ(clip.text().context_length(), S::kContext);
  EXPECT_EQ(clip.text().vocabulary_size(), S::kVocabulary);
  EXPECT_EQ(clip.text().embedding_size(), S::kEmbedding);
}

TEST_F(ClipFile, GivesOneTowerToWhoWantsNoMore) {
  const Clip both = load(whole);
  const Clip image = load(whole, ClipTowers::image);
  const Clip text = load(whole, ClipTowers::text);
  EXPECT_EQ(test::error_of([&] { image.text(); }), "CLIP: the text tower is not loaded");
  EXPECT_EQ(test::error_of([&] { text.image(); }), "CLIP: the image tower is not loaded");
  test::small_prompts("coop").write(folder / "prompts.safetensors");
  const SafetensorsFile prompts(folder / "prompts.safetensors");
  EXPECT_EQ(test::error_of([&] { image.read_prompts(prompts); }),
            "CLIP: the text tower is not loaded");

  Context ctx({.threads = 1});
  const Tensor picture = test::Random(1).tensor({1, S::kSide, S::kSide, 3});
  const std::vector<TextTokens> words{{526, 65, 527}};
  const auto of_picture = [&](const Clip& clip) {
    Tensor feature({1, 1, 1, S::kEmbedding});
    clip.image()(picture.view(), nullptr, feature.view(), ctx);
    return test::checksum(feature.view());
  };
  const auto of_words = [&](const Clip& clip) {
    Tensor feature({1, 1, 1, S::kEmbedding});
    clip.text()(words, {}, feature.view(), ctx);
    return test::checksum(feature.view());
  };
  EXPECT_EQ(of_picture(image), of_picture(both));
  EXPECT_EQ(of_words(text), of_words(both));
}

TEST_F(ClipFile, ReadsTheVocabularyFromTheFileThatItKeeps) {
  Clip loaded = load(whole);
  const Clip clip = std::move(loaded);
  std::filesystem::remove(path);
  Context ctx({.threads = 1});
  const std::vector<TextTokens> words{{526, 65, 527}};
  Tensor feature({1, 1, 1, S::kEmbedding});
  clip.text()(words, {}, feature.view(), ctx);
  for (const float value : feature.values()) EXPECT_TRUE(std::isfinite(value));
}

TEST_F(ClipFile, WithoutATensorIsRefused) {
  for (const std::string& name : names()) {
    test::WeightsFile weights = whole;
    weights.tensors.erase(name);
    // Without the first tensor of a block there is none, and what is left of it is too much.
    const std::string wrong =
        name.ends_with("resblocks.1.ln_1.weight") ? "resblocks.1." : "'" + name + "'";
    EXPECT_NE(error(weights).find(wrong), std::string::npos) << error(weights);
  }
  test::WeightsFile weights = whole;
  std::erase_if(weights.tensors,
                [](const auto& tensor) { return tensor.first.starts_with("visual.transformer."); });
  EXPECT_EQ(error(weights),
            "visual.transformer: expected at least one block, but visual.transformer.resblocks.0 "
            "is missing");
}

TEST_F(ClipFile, WithATensorOfAnotherShapeIsRefused) {
  for (const std::string& name : names()) {
    test::TensorValues tensor = whole.tensors.at(name);
    std::vector<std::int64_t> dims = tensor.shape.dims();
    dims.insert(dims.begin(), 1);
    tensor.shape = Shape(dims);
    const std::string message = error_with(name, tensor);
    EXPECT_NE(message.find("tensor '" + name + "': expected "), std::string::npos) << message;
    EXPECT_NE(message.find(to_string(tensor.shape)), std::string::npos) << message;
  }
}

TEST_F(ClipFile, WithSizesThatDoNotFitIsRefused) {
  const auto values = [](const Shape& shape) { return test::random_values(shape, 1, 1); };
  EXPECT_EQ(error_with("visual.positional_embedding", values({18, 48})),
            "tensor 'visual.positional_embedding': expected a row for the class and for each patch "
            "of a square, got 18 rows");
  EXPECT_EQ(error_with("visual.positional_embedding", values({1, 48})),
            "tensor 'visual.positional_embedding': expected a row for the class and for each patch "
            "of a square, got 1 rows");
  EXPECT_EQ(error_with("visual.positional_embedding", values({17, 47})),
            "tensor 'visual.positional_embedding': expected shape 17×48, got 17×47");
  EXPECT_EQ(error_with("visual.conv1.weight", values({48, 3, 8, 7})),
            "tensor 'visual.conv1.weight': expected shape 48×3×8×8, got 48×3×8×7");
  EXPECT_EQ(error_with("visual.conv1.weight", values({48, 1, 8, 8})),
            "tensor 'visual.conv1.weight': expected shape 48×3×8×8, got 48×1×8×8");
  EXPECT_EQ(error_with("visual.conv1.weight", values({0, 3, 8, 8})),
            "tensor 'visual.conv1.weight': expected 4 sizes of at least 1, got shape 0×3×8×8");
  EXPECT_EQ(error_with("token_embedding.weight", values({528, 31})),
            "tensor 'token_embedding.weight': expected floating values of shape 528×32, got F32 "
            "of shape 528×31");
  EXPECT_EQ(error_with("text_projection", values({32, 23})),
            "pictures have features of 24 values, texts of 23");
  EXPECT_EQ(error_with("visual.proj", values({24, 48})),
            "tensor 'visual.proj': expected shape 48×48, got 24×48");
  EXPECT_EQ(error_with("transformer.resblocks.2.attn.in_proj_weight", values({32, 32})),
            "tensor 'transformer.resblocks.2.attn.in_proj_weight': expected shape 96×32, got "
            "32×32");
  EXPECT_EQ(error_with_config("image_heads", "5"),
            "visual.transformer: a width of 48 does not divide into 5 heads");
  EXPECT_EQ(error_with_config("text_heads", "3"),
            "transformer: a width of 32 does not divide into 3 heads");
  EXPECT_EQ(error_with_config("text_heads", "0"),
            "hewn.config: text_heads: expected an integer from 1 to 1024, got 0");
}

TEST_F(ClipFile, WithValuesThatMakeNoSenseIsRefused) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const char* name : {"visual.conv1.weight", "visual.transformer.resblocks.1.mlp.c_fc.weight",
                           "transformer.resblocks.3.ln_2.bias", "text_projection"}) {
    test::TensorValues tensor = whole.tensors.at(name);
    tensor.values[5] = kNan;
    EXPECT_EQ(error_with(name, tensor),
              text_of("tensor '", name, "': expected finite values, got nan at element 5"));
  }
  for (const float logarithm : {20.5F, -21.0F}) {
    EXPECT_EQ(
        error_with("logit_scale", {.shape = {}, .values = {logarithm}}),
        text_of("tensor 'logit_scale': expected a logarithm from -20 to 20, got ", logarithm));
  }
  test::TensorValues integers{.shape = {32}, .values = {}, .dtype = Dtype::int64};
  integers.integers.assign(32, 1);
  EXPECT_EQ(error_with("ln_final.weight", integers),
            "tensor 'ln_final.weight': expected F32, F16 or BF16, got I64");
  integers.shape = Shape{1, 32};
  EXPECT_EQ(error_with("token_embedding.weight", integers),
            "tensor 'token_embedding.weight': expected floating values of shape 1×32, got I64 of "
            "shape 1×32");
}

TEST_F(ClipFile, WithNotANumberInTheVocabularyIsRefusedWhenItIsUsed) {
  test::WeightsFile weights = whole;
  weights.tensors.at("token_embedding.weight").values[65 * 32 + 3] =
      std::numeric_limits<float>::infinity();
  const Clip clip = load(weights);
  Context ctx({.threads = 1});
  Tensor feature({1, 1, 1, S::kEmbedding});
  const auto run = [&](const TextTokens& text) {
    clip.text()({&text, 1}, {}, feature.view(), ctx);
  };
  EXPECT_NO_THROW(run({526, 66, 527}));
  EXPECT_EQ(test::error_about(path,
                              [&] {
                                run({526, 65, 527});
                              }),
            "tensor 'token_embedding.weight': expected finite values, got inf for token 65");
}

TEST_F(ClipFile, OfAnotherConfigurationIsRefused) {
  EXPECT_EQ(error_with_config("activation", "\"relu\""),
            R"(hewn.config: activation: expected quick_gelu or gelu, got "relu")");
  EXPECT_EQ(error_with_config("form", "null"), "hewn.config: form: expected a string, got null");
  EXPECT_EQ(error_with_config("mean", "[0, 0, 1.5]"),
            "hewn.config: mean: expected 3 numbers from 0 to 1, got [0,0,1.5]");
  EXPECT_EQ(error_with_config("std", "[0, 1, 1]"),
            "hewn.config: std: expected 3 numbers from 0.001 to 1, got [0,1,1]");
  EXPECT_EQ(error_with_config("image_heads", "\"3\""),
            "hewn.config: image_heads: expected an integer from 1 to 1024, got \"3\"");
  test::WeightsFile weights = whole;
  weights.config.erase("text_heads");
  EXPECT_EQ(error(weights),
            "hewn.config: text_heads: expected an integer from 1 to 1024, got none");
  weights.model = "raft";
  EXPECT_EQ(error(weights), "expected the weights of a clip model, got those of a raft model");
}

TEST_F(ClipFile, WithATensorTooManyIsRefused) {
  const auto left_over = [](const std::string& name) {
    return "tensor '" + name + "' belongs to no layer of this model";
  };
  const test::TensorValues one{.shape = {1}, .values = {1}};
  for (const char* name : {"visual.extra", "extra", "transformer.resblocks.7.ln_1.weight",
                           "visual.transformer.resblocks.0.attn.bias"}) {
    EXPECT_EQ(error_with(name, one), left_over(name));
  }
  // What belongs to the other tower is not looked at, and the tokenizer has its own reader.
  test::WeightsFile weights = whole;
  weights.tensors["visual.extra"] = one;
  weights.tensors["tokenizer.merges"] = one;
  EXPECT_NO_THROW(load(weights, ClipTowers::text));
  EXPECT_EQ(error(weights, ClipTowers::image), left_over("visual.extra"));
  weights = whole;
  weights.tensors["transformer.extra"] = one;
  EXPECT_NO_THROW(load(weights, ClipTowers::image));
  EXPECT_EQ(error(weights, ClipTowers::text), left_over("transformer.extra"));
}

}  // namespace
}  // namespace hewn
