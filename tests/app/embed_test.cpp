// What `hewn embed` writes and refuses.
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <filesystem>
#include <string>
#include <vector>

#include "tests/app/program.h"
#include "tests/support/clip_weights.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Arguments;
using test::complained;
using test::joined;
using test::kFailure;
using test::kUsage;
using test::Outcome;
using test::run_hewn;
using test::values;
using S = test::SmallClip;

class EmbedCommand : public testing::Test {
 protected:
  EmbedCommand() {
    test::small_clip().write(weights_);
    write_png(first_, test::picture_of_rectangles(50, 40, 1));
    write_png(second_, test::picture_of_rectangles(33, 70, 2));
  }

  Outcome run(const Arguments& more) const {
    return run_hewn(joined({"embed", "--weights", weights_, "--output", out_}, more));
  }
  /// What is written by a run that says nothing.
  SafetensorsFile embed(const Arguments& more) const {
    EXPECT_TRUE(silent(run(joined({"--quiet"}, more))));
    return SafetensorsFile(out_);
  }

  test::Folder folder_;
  std::string weights_ = folder_.file("clip.safetensors");
  std::string first_ = folder_.file("first.png");
  std::string second_ = folder_.file("second.png");
  std::string out_ = folder_.file("out.safetensors");
};

TEST_F(EmbedCommand, TakesPicturesAndTexts) {
  const SafetensorsFile pictures = embed({first_, second_});
  EXPECT_EQ(pictures.tensors().size(), 1U);
  EXPECT_EQ(pictures.at("image_features").shape, Shape({2, S::kEmbedding}));
  EXPECT_EQ(json::parse(pictures.metadata_at("images")), json({first_, second_}));
  EXPECT_EQ(json::parse(pictures.metadata_at("texts")), json::array());

  const std::string lines = folder_.write("lines.txt", "the oo\n\n");
  const Arguments texts{"--text",       "the café",     "--text", "{}",
                        "--text=[a,b]", "--texts-file", lines};
  const SafetensorsFile spoken = embed(texts);
  EXPECT_EQ(spoken.tensors().size(), 1U);
  EXPECT_EQ(spoken.at("text_features").shape, Shape({5, S::kEmbedding}));
  EXPECT_EQ(json::parse(spoken.metadata_at("texts")),
            json({"the café", "{}", "[a,b]", "the oo", ""}));

  Arguments everything = texts;
  everything.insert(everything.end(), {first_, second_});  // an option takes no more than one
  const SafetensorsFile both = embed(everything);
  EXPECT_EQ(values(both, "image_features"), values(pictures, "image_features"));
  EXPECT_EQ(values(both, "text_features"), values(spoken, "text_features"));
}

TEST_F(EmbedCommand, FeaturesAreThoseThatClassifyCompares) {
  const SafetensorsFile embedded = embed({first_, "--text", "a photo of a cat."});
  const std::string dump = folder_.file("dump.safetensors");
  ASSERT_EQ(run_hewn({"classify", first_, "--weights", weights_, "--labels", "cat", "--dump", dump,
                      "--quiet"})
                .status,
            0);
  const SafetensorsFile compared(dump);
  for (const char* name : {"image_features", "text_features"}) {
    EXPECT_EQ(values(embedded, name), values(compared, name)) << name;
  }
}

TEST_F(EmbedCommand, ManyHaveTheFeaturesThatEachHasAlone) {
  // More pictures than go through the tower together, and more texts.
  Arguments many;
  std::string lines;
  for (int i = 0; i < 9; ++i) many.push_back(i == 8 ? second_ : first_);
  for (int i = 0; i < 300; ++i) lines += "cat " + std::to_string(i) + "\n";
  many.insert(many.end(), {"--texts-file", folder_.write("lines.txt", lines)});
  const SafetensorsFile all = embed(many);
  EXPECT_EQ(all.at("text_features").shape, Shape({300, S::kEmbedding}));
  const std::vector<float> images = values(all, "image_features");
  const std::vector<float> texts = values(all, "text_features");
  const SafetensorsFile last = embed({second_, "--text", "cat 299"});
  const auto end_of = [](const std::vector<float>& list) {
    return std::vector<float>(list.end() - S::kEmbedding, list.end());
  };
  EXPECT_EQ(end_of(images), values(last, "image_features"));
  EXPECT_EQ(end_of(texts), values(last, "text_features"));
}

TEST_F(EmbedCommand, PicturesNeedNoTokenizerAndTextsNoImageTower) {
  test::WeightsFile weights = test::small_clip();
  weights.tensors.erase("tokenizer.merges");
  weights.write(weights_);
  embed({first_});
  EXPECT_TRUE(complained(run({"--text", "cat", "--quiet"}), kFailure,
                         weights_ + ": expected the tensor tokenizer.merges, which "
                                    "'python -m weights_tools.convert clip' writes"));
  weights = test::small_clip();
  weights.tensors.erase("visual.class_embedding");
  weights.write(weights_);
  embed({"--text", "cat"});
  EXPECT_TRUE(complained(run({first_, "--quiet"}), kFailure,
                         weights_ + ": expected a tensor 'visual.class_embedding'"));
}

TEST_F(EmbedCommand, SaysWhatItWrote) {
  const Outcome outcome = run({first_, "--text", "cat", "--text", std::string(90, '7')});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, out_ + ": 1 picture, 2 texts\n");
  EXPECT_EQ(outcome.err,
            "hewn: note: text 2 is longer than the model takes; the rest of it is not looked at\n");
}

TEST_F(EmbedCommand, RefusesWhatItCannotRead) {
  EXPECT_TRUE(
      complained(run({}), kUsage, "nothing to embed: give IMG, --text T or --texts-file F"));
  EXPECT_TRUE(complained(run_hewn({"embed", first_, "--weights", weights_}), kUsage, "--output"));
  EXPECT_TRUE(complained(run_hewn({"embed", first_, "--output", out_}), kUsage, "--weights"));
  EXPECT_TRUE(complained(run({folder_.file("absent.png")}), kFailure, "absent.png"));
  EXPECT_TRUE(
      complained(run({"--texts-file", folder_.file("absent.txt")}), kFailure, "absent.txt"));
  EXPECT_TRUE(complained(run({"--text", "cat", "--text", "c\xff"}), kFailure,
                         "text 2: expected text in UTF-8, got the byte 0xff at byte 1"));
  EXPECT_TRUE(complained(run_hewn({"embed", first_, "--weights", first_, "--output", out_}),
                         kFailure, first_));
  EXPECT_FALSE(fs::exists(out_));
}

TEST_F(EmbedCommand, OutputsMayNotBeInputs) {
  const std::string lines = folder_.write("lines.txt", "cat\n");
  for (const std::string& input : {first_, lines, weights_}) {
    const std::string before = test::read_text(input);
    EXPECT_TRUE(complained(run_hewn({"embed", first_, "--texts-file", lines, "--weights", weights_,
                                     "--output", input}),
                           kFailure, "would overwrite the input " + input));
    EXPECT_EQ(test::read_text(input), before);
  }
  EXPECT_TRUE(complained(
      run_hewn({"embed", first_, "--weights", weights_, "--output", folder_.file("no/such/file")}),
      kFailure, "there is no directory"));
}

}  // namespace
}  // namespace hewn
