// What `hewn classify` and `hewn bench classify` say, write and refuse.
#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <cmath>
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
using test::picture_of_rectangles;
using test::printed_json;
using test::run_hewn;
using test::values;
using S = test::SmallClip;

class ClassifyCommand : public testing::Test {
 protected:
  ClassifyCommand() {
    test::small_clip().write(weights_);
    write_png(first_, picture_of_rectangles(50, 40, 1));
    write_png(second_, picture_of_rectangles(33, 70, 2));
  }

  Outcome run(const Arguments& more, const test::RunOptions& options = {}) const {
    return run_hewn(joined({"classify", "--weights", weights_}, more), options);
  }
  /// The JSON that is printed for the first picture.
  json answers(const Arguments& more) const {
    const Outcome outcome = run(joined({first_, "--json", "-"}, more));
    EXPECT_EQ(outcome.err, "");
    return printed_json(outcome);
  }
  /// The dump of a run on the first picture that says nothing.
  SafetensorsFile dump(const Arguments& more) const {
    const std::string file = folder_.file("dump.safetensors");
    EXPECT_TRUE(silent(run(joined({first_, "--quiet", "--dump", file}, more))));
    return SafetensorsFile(file);
  }
  testing::AssertionResult refused(const Arguments& more, int status,
                                   const std::string& part) const {
    return complained(run(joined({first_, "--quiet"}, more)), status, part);
  }
  std::string write_prompts(const std::string& method) const {
    test::small_prompts(method).write(folder_.file(method));
    return folder_.file(method);
  }

  test::Folder folder_;
  std::string weights_ = folder_.file("clip.safetensors");
  std::string first_ = folder_.file("first.png");
  std::string second_ = folder_.file("second.png");
};

TEST_F(ClassifyCommand, SaysWhichLabelsFitBest) {
  const json document = answers({"--labels", "cat, the oo ,x,y", "--top", "3"});
  EXPECT_EQ(document["weights"], weights_);
  EXPECT_TRUE(document["prompts"].is_null());
  EXPECT_EQ(document["labels"], 4);
  EXPECT_EQ(document["logit_scale"].get<float>(), static_cast<float>(std::exp(3.0)));
  ASSERT_EQ(document["images"].size(), 1U);
  EXPECT_EQ(document["images"][0]["image"], first_);
  const json& best = document["images"][0]["answers"];
  ASSERT_EQ(best.size(), 3U);
  const Outcome spoken = run({first_, "--labels", "cat,the oo,x,y", "--top", "3"});
  EXPECT_EQ(spoken.status, 0);
  EXPECT_EQ(spoken.err, "");
  EXPECT_TRUE(spoken.out.starts_with(first_ + "\n")) << spoken.out;
  EXPECT_EQ(std::ranges::count(spoken.out, '\n'), 4);
  const Arguments names{"cat", "the oo", "x", "y"};
  std::size_t said = 0;
  for (std::size_t i = 0; i < best.size(); ++i) {
    const std::string label = best[i]["label"];
    EXPECT_EQ(label, names.at(best[i]["index"].get<std::size_t>()));
    said = spoken.out.find("%  " + label + "\n", said);
    EXPECT_NE(said, std::string::npos) << label << " in\n" << spoken.out;
    EXPECT_TRUE(i == 0 || best[i]["logit"] <= best[i - 1]["logit"]);
    // A quotient of a product by one of its factors: both round, and the JSON is exact.
    EXPECT_NEAR(best[i]["cosine"].get<double>() * std::exp(3.0), best[i]["logit"].get<double>(),
                1e-6 * std::abs(best[i]["logit"].get<double>()));
  }
}

TEST_F(ClassifyCommand, ProbabilitiesAreTheSoftmaxOfTheLogits) {
  const json best = answers({"--labels", "cat,the,oo"})["images"][0]["answers"];
  ASSERT_EQ(best.size(), 3U);
  double sum = 0;
  for (const json& answer : best) sum += std::exp(answer["logit"].get<double>());
  for (const json& answer : best) {
    // Logits within ±20 are off by some 20 u, and so is the power, relatively.
    const double expected = std::exp(answer["logit"].get<double>()) / sum;
    EXPECT_NEAR(answer["probability"].get<double>(), expected, 1e-5 * expected);
  }
}

TEST_F(ClassifyCommand, DumpsWhatItCompares) {
  const SafetensorsFile file =
      dump({"--labels", "cat,the,oo", "--template", "{}", "--template", "the {}", second_});
  EXPECT_EQ(file.tensors().size(), 4U);
  EXPECT_EQ(file.at("image_features").shape, Shape({2, S::kEmbedding}));
  EXPECT_EQ(file.at("text_features").shape, Shape({3, S::kEmbedding}));
  EXPECT_EQ(file.at("logits").shape, Shape({2, 3}));
  EXPECT_EQ(file.at("tokens").shape, Shape({6, S::kContext}));
  const std::vector<float> tokens = values(file, "tokens");
  // "cat" and "the cat".
  const auto row = [&](std::size_t i) {
    return std::vector<float>(tokens.begin() + static_cast<std::ptrdiff_t>(i * S::kContext),
                              tokens.begin() + static_cast<std::ptrdiff_t>(i * S::kContext + 5));
  };
  EXPECT_EQ(row(0), (std::vector<float>{526, 515, 527, 0, 0}));
  EXPECT_EQ(row(1), (std::vector<float>{526, 513, 515, 527, 0}));
  const std::vector<float> images = values(file, "image_features");
  const std::vector<float> texts = values(file, "text_features");
  const std::vector<float> logits = values(file, "logits");
  for (std::size_t i = 0; i < logits.size(); ++i) {
    double cosine = 0;
    double magnitude = 0;
    for (std::size_t c = 0; c < S::kEmbedding; ++c) {
      const double term = static_cast<double>(images[i / 3 * S::kEmbedding + c]) *
                          static_cast<double>(texts[i % 3 * S::kEmbedding + c]);
      cosine += term;
      magnitude += std::abs(term);
    }
    // 24 products in a chain, and two roundings for the scale: see classifier_test.cpp.
    EXPECT_NEAR(static_cast<double>(logits[i]), cosine * std::exp(3.0),
                26 * 0x1p-24 * magnitude * std::exp(3.0));
  }
}

TEST_F(ClassifyCommand, TracesEveryBlock) {
  const std::string trace = folder_.file("trace.safetensors");
  dump({second_, "--labels", "cat", "--trace", trace});
  const SafetensorsFile file(trace);
  EXPECT_EQ(file.tensors().size(), 6U);
  const Shape tokens{2, 1, S::kImageTokens, S::kImageWidth};
  EXPECT_EQ(file.at("input").shape, Shape({2, 3, S::kSide, S::kSide}));
  EXPECT_EQ(file.at("visual.conv1").shape, tokens);
  EXPECT_EQ(file.at("visual.ln_pre").shape, tokens);
  EXPECT_EQ(file.at("visual.transformer.resblocks.0").shape, tokens);
  EXPECT_EQ(file.at("visual.transformer.resblocks.1").shape, tokens);
  EXPECT_EQ(file.at("visual.transformer.resblocks.2").shape, Shape({2, 1, 1, S::kImageWidth}));
}

TEST_F(ClassifyCommand, TakesPromptsOfEveryMethod) {
  const std::string labels = "cat,the,oo";
  const std::vector<float> plain = values(dump({"--labels", labels}), "logits");
  for (const char* method : {"coop", "cocoop", "vpt", "ivlp", "maple"}) {
    SCOPED_TRACE(method);
    const std::string prompts = write_prompts(method);
    const SafetensorsFile file = dump({"--labels", labels, "--prompts", prompts});
    EXPECT_NE(values(file, "logits"), plain);
    const bool each = std::string(method) == "cocoop";
    EXPECT_EQ(file.at("text_features").shape,
              each ? Shape({1, 3, S::kEmbedding}) : Shape({3, S::kEmbedding}));
    EXPECT_EQ(answers({"--labels", labels, "--prompts", prompts})["prompts"], prompts);
  }
}

TEST_F(ClassifyCommand, PromptsMayBringTheirLabels) {
  test::WeightsFile prompts = test::small_prompts("coop");
  prompts.config["labels"] = R"(["cat", "the café"])";
  prompts.write(folder_.file("coop"));
  const json brought = answers({"--prompts", folder_.file("coop")});
  EXPECT_EQ(brought["labels"], 2);
  const json given = answers({"--prompts", folder_.file("coop"), "--labels", "cat,the café"});
  EXPECT_EQ(given["images"], brought["images"]);
  EXPECT_TRUE(refused({"--prompts", folder_.file("coop"), "--template", "a {}."}, kUsage,
                      "--template: the prompts have their own, \"a a a a {}.\""));
  EXPECT_TRUE(refused({"--prompts", write_prompts("vpt")}, kUsage, "no labels: give --labels"));
  // Those of pictures alone have none.
  EXPECT_NE(answers({"--prompts", folder_.file("vpt"), "--labels", "cat,the", "--template", "{}"}),
            answers({"--prompts", folder_.file("vpt"), "--labels", "cat,the"}));
}

TEST_F(ClassifyCommand, ReadsLabelsFromAFile) {
  const std::string lines = folder_.write("labels.txt", "cat\r\n the oo\t\nx, y\n");
  const json document = answers({"--labels-file", lines});
  EXPECT_EQ(document["labels"], 3);
  Arguments names;
  for (const json& answer : document["images"][0]["answers"]) names.push_back(answer["label"]);
  std::ranges::sort(names);
  EXPECT_EQ(names, (Arguments{"cat", "the oo", "x, y"}));
  EXPECT_TRUE(refused({"--labels-file", lines, "--labels", "cat"}, kUsage, "--labels"));
  EXPECT_TRUE(refused({"--labels-file", folder_.file("none.txt")}, kFailure, "none.txt"));
  EXPECT_TRUE(refused({"--labels-file", folder_.write("empty.txt", "")}, kFailure, "empty.txt"));
  EXPECT_TRUE(refused({"--labels-file", folder_.write("gap.txt", "cat\n\nthe\n")}, kFailure,
                      "labels: number 2 is empty"));
}

TEST_F(ClassifyCommand, TakesTemplatesAsTheyAreGiven) {
  const auto tokens = [&](const Arguments& more) {
    std::vector<float> list = values(dump(joined({"--labels", "cat"}, more)), "tokens");
    std::erase(list, 0);
    return list;
  };
  EXPECT_EQ(tokens({"--template", "{}"}), (std::vector<float>{526, 515, 527}));
  EXPECT_EQ(tokens({"--template={}", "--template", "the {}"}),
            (std::vector<float>{526, 515, 527, 526, 513, 515, 527}));
  // Brackets are no list.
  EXPECT_EQ(tokens({"--template", "[{},the]"}),
            (std::vector<float>{526, 314, 515, 267, 513, 316, 527}));
  EXPECT_TRUE(refused({"--labels", "cat", "--template", "a photo"}, kFailure,
                      "templates: expected a text with {} where the label goes, got \"a photo\""));
}

TEST_F(ClassifyCommand, DrawsASheet) {
  const std::string sheet = folder_.file("sheet.png");
  const Outcome outcome = run({first_, second_, "--labels", "cat,the", "--draw", sheet, "--quiet"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const Image one = read_image(sheet);
  EXPECT_EQ(one.channels, 3);
  EXPECT_GT(one.width, 320);
  EXPECT_GT(one.height, 2 * 240);
}

TEST_F(ClassifyCommand, MorePicturesThanABatchHaveTheirOwnAnswers) {
  // Nine, in batches of eight: the last is like the first.
  const Arguments nine{first_,  second_, second_,    second_,   second_,  second_, second_,
                       second_, first_,  "--labels", "cat,the", "--json", "-"};
  for (const std::string& prompts : {std::string(), write_prompts("cocoop")}) {
    const Arguments with = prompts.empty() ? Arguments{} : Arguments{"--prompts", prompts};
    const json images = printed_json(run(joined(nine, with)))["images"];
    ASSERT_EQ(images.size(), 9U);
    EXPECT_EQ(images[8]["answers"], images[0]["answers"]);
    EXPECT_EQ(images[7]["answers"], images[1]["answers"]);
    EXPECT_NE(images[1]["answers"], images[0]["answers"]);
  }
  EXPECT_TRUE(complained(run(joined(nine, {"--trace", folder_.file("trace.safetensors")})), kUsage,
                         "--trace: expected at most 8 pictures, got 9"));
}

TEST_F(ClassifyCommand, SaysWhenALabelIsCut) {
  const std::string label(90, '7');
  EXPECT_EQ(run({first_, "--labels", label + ",cat"}).err,
            "hewn: note: 1 text is longer than the model takes; the rest of it is not looked at\n");
  EXPECT_EQ(run({first_, "--labels", label + ",cat", "--quiet"}).err, "");
}

TEST_F(ClassifyCommand, RefusesLabelsThatMakeNoSense) {
  EXPECT_TRUE(refused({}, kUsage, "no labels: give --labels A,B,... or --labels-file F"));
  EXPECT_TRUE(refused({"--labels", ""}, kUsage, "no labels"));
  EXPECT_TRUE(refused({"--labels", "cat,,the"}, kFailure, "labels: number 2 is empty"));
  EXPECT_TRUE(refused({"--labels", "cat, cat"}, kFailure, "labels: \"cat\" is given twice"));
  EXPECT_TRUE(refused({"--labels", "cat,\xff"}, kFailure,
                      "labels: \"a photo of a ?.\": expected text in UTF-8"));
  EXPECT_TRUE(refused({"--labels", "cat", "--top", "0"}, kUsage, "--top"));
}

TEST_F(ClassifyCommand, RefusesFilesThatAreNotWhatTheyShouldBe) {
  const std::string text = folder_.write("text.png", "no picture");
  EXPECT_TRUE(refused({text, "--labels", "cat"}, kFailure, text));
  EXPECT_TRUE(refused({folder_.file("absent.png"), "--labels", "cat"}, kFailure, "absent.png"));
  EXPECT_TRUE(refused({"--labels", "cat", "--prompts", weights_}, kFailure,
                      weights_ + ": expected the weights of a clip-prompts model, got those of a "
                                 "clip model"));
  EXPECT_TRUE(refused({"--labels", "cat", "--prompts", text}, kFailure, text));
  EXPECT_TRUE(complained(
      run_hewn({"classify", first_, "--labels", "cat", "--weights", write_prompts("vpt")}),
      kFailure, "expected the weights of a clip model, got those of a clip-prompts model"));
  EXPECT_TRUE(complained(run_hewn({"classify", first_, "--labels", "cat"}), kUsage, "--weights"));
  EXPECT_TRUE(complained(run({"--labels", "cat"}), kUsage, "IMG"));
  test::WeightsFile weights = test::small_clip();
  weights.tensors.erase("tokenizer.merges");
  weights.write(weights_);
  EXPECT_TRUE(refused({"--labels", "cat"}, kFailure,
                      weights_ + ": expected the tensor tokenizer.merges, which "
                                 "'python -m weights_tools.convert clip' writes"));
}

TEST_F(ClassifyCommand, OutputsMayNotBeInputs) {
  const std::string prompts = write_prompts("vpt");
  const std::string lines = folder_.write("labels.txt", "cat\nthe\n");
  const Arguments inputs{first_, weights_, prompts, lines};
  for (const std::string& input : inputs) {
    const std::string before = test::read_text(input);
    for (const char* option : {"--json", "--draw", "--dump", "--trace"}) {
      EXPECT_TRUE(refused({"--labels-file", lines, "--prompts", prompts, option, input}, kFailure,
                          text_of(option, " ", input, ": would overwrite the input ", input)));
    }
    EXPECT_EQ(test::read_text(input), before);
  }
  const std::string out = folder_.file("out");
  EXPECT_TRUE(
      refused({"--labels", "cat", "--json", out, "--dump", out}, kFailure, "another output"));
  // What fails late leaves old files as they were.
  const std::string old = folder_.write("old.json", "old");
  EXPECT_TRUE(refused({"--labels", "cat,cat", "--json", old}, kFailure, "given twice"));
  EXPECT_EQ(test::read_text(old), "old");
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(ClassifyCommand, AProfileAddsUpToTheTimeOfTheRun) {
  const json document = printed_json(
      run_hewn({"bench", "classify", "--weights", weights_, "--batch", "5", "--threads", "2",
                "--labels", "10", "--repeat", "1", "--size", "40x50", "--profile", "--json", "-"}));
  const double rest = document["profile"]["rest"]["median_seconds"];
  const double whole = document["profile"]["whole"]["median_seconds"];
  EXPECT_GE(rest, 0);
  double sum = rest;
  for (const json& layer : document["layers"]) {
    sum += layer["median_seconds"].get<double>();
    if (layer["layer"] != "conv2d visual.conv1") continue;
    EXPECT_EQ(layer["calls"], 5);  // a picture each
  }
  EXPECT_NEAR(sum, whole, 1e-9 * whole);  // some hundred numbers, each rounded to 2⁻⁵³
}

TEST_F(ClassifyCommand, IsMeasured) {
  const json document = printed_json(
      run_hewn({"bench", "classify", "--weights", weights_, "--batch", "2", "--labels", "80",
                "--repeat", "2", "--size", "40x50", "--profile", "--json", "-"}));
  EXPECT_EQ(document["bench"], "classify");
  EXPECT_EQ(document["weights"], weights_);
  EXPECT_EQ(document["height"], 40);
  EXPECT_EQ(document["width"], 50);
  EXPECT_EQ(document["batch"], 2);
  EXPECT_EQ(document["labels"], 80);
  for (const char* stage : {"text", "preprocessing", "image", "total"}) {
    const double least = document[stage]["min_seconds"].get<double>();
    EXPECT_GT(least, 0) << stage;
    EXPECT_GE(document[stage]["median_seconds"].get<double>(), least) << stage;
  }
  EXPECT_FALSE(document["layers"].empty());
  const Outcome spoken =
      run_hewn({"bench", "classify", "--weights", weights_, "--repeat", "1", "--labels", "1"});
  EXPECT_EQ(spoken.status, 0) << spoken.err;
  for (const char* part : {"1 picture, 1 label", "text tower, all labels", "image tower"}) {
    EXPECT_NE(spoken.out.find(part), std::string::npos) << part << " in\n" << spoken.out;
  }
  EXPECT_TRUE(complained(run_hewn({"bench", "classify", "--weights", weights_, "--labels", "0"}),
                         kUsage, "--labels"));
  EXPECT_TRUE(complained(run_hewn({"bench", "classify", "--weights", weights_, "--json", weights_}),
                         kFailure, "would overwrite the input"));
}

}  // namespace
}  // namespace hewn
