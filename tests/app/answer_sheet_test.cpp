#include "app/drawing/answer_sheet.h"

#include "hewn/runtime/pictures/drawing/lettering.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn::app {
namespace {

Tensor red(std::int64_t width, std::int64_t height) {
  Tensor picture({1, height, width, 3});
  for (std::size_t i = 0; i < picture.values().size(); ++i) {
    picture.values()[i] = i % 3 == 0 ? 1.0F : 0.0F;
  }
  return picture;
}

std::vector<AnsweredPicture> pictures_of(int count, const std::vector<Answer>& answers) {
  std::vector<AnsweredPicture> pictures;
  pictures.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) pictures.push_back({"red.png", red(320, 240), answers});
  return pictures;
}

using Rgb = std::vector<std::uint16_t>;

std::int64_t count_pixels(const Image& image, const Rgb& colour) {
  std::int64_t count = 0;
  for (auto at = image.values.begin(); at != image.values.end(); at += 3) {
    count += std::equal(colour.begin(), colour.end(), at) ? 1 : 0;
  }
  return count;
}

/// Pixels of the bar of one answer that is this probable.
std::int64_t bar_of(float probability) {
  constexpr std::int64_t kBarHeight = 8;
  const Rgb best{77, 189, 168};
  const std::int64_t count = count_pixels(draw_answers(pictures_of(1, {{"x", probability}})), best);
  EXPECT_EQ(count % kBarHeight, 0);
  return count / kBarHeight;
}

TEST(AnswerSheet, HasEveryPicture) {
  const Rgb pure_red{255, 0, 0};
  for (const int count : {1, 4, 5, 16, 17, 40}) {
    const Image sheet = draw_answers(pictures_of(count, {{"a label", 0.5F}}));
    EXPECT_EQ(count_pixels(sheet, pure_red), count * 320 * 240) << count;
  }
}

TEST(AnswerSheet, EndsAtFortyPictures) {
  const Image full = draw_answers(pictures_of(40, {{"a label", 0.5F}}));
  const Image more = draw_answers(pictures_of(41, {{"a label", 0.5F}}));
  const Image many = draw_answers(pictures_of(300, {{"a label", 0.5F}}));
  EXPECT_EQ(count_pixels(many, {255, 0, 0}), 40 * 320 * 240);
  EXPECT_EQ(many.width, full.width);
  EXPECT_EQ(many.height, more.height);
  EXPECT_GT(more.height, full.height);  // by a line that says so
  EXPECT_LT(more.height, full.height + 50);
  EXPECT_NE(many.values, more.values);
}

TEST(AnswerSheet, BarsAreAsLongAsAnswersAreProbable) {
  const std::int64_t whole = bar_of(1);
  EXPECT_GT(whole, 100);
  EXPECT_EQ(bar_of(0.5F), whole / 2);
  EXPECT_EQ(bar_of(0), 0);
  EXPECT_EQ(bar_of(-1), 0);
  EXPECT_EQ(bar_of(std::numeric_limits<float>::quiet_NaN()), 0);
  EXPECT_EQ(bar_of(2), whole);
}

TEST(AnswerSheet, DrawsEightAnswersAtTheMost) {
  const std::vector<Answer> eight(8, {"a label", 0.125F});
  const std::vector<Answer> hundred(100, {"a label", 0.125F});
  EXPECT_EQ(draw_answers(pictures_of(2, hundred)).values,
            draw_answers(pictures_of(2, eight)).values);
}

TEST(AnswerSheet, TextStaysInItsPlace) {
  // Whatever is written, the sheet has the same size, and no letter is in the margin at its right.
  const Image plain = draw_answers(pictures_of(1, {{"x", 0.5F}}));
  for (const std::string& label :
       {std::string(), std::string(100'000, 'W'), std::string("\n\t\x7f"), std::string("\xff\xc3"),
        std::string("日本語")}) {
    std::vector<AnsweredPicture> pictures = pictures_of(1, {{label, 0.5F}});
    pictures[0].name = label;
    const Image sheet = draw_answers(pictures);
    ASSERT_EQ(sheet.width, plain.width);
    ASSERT_EQ(sheet.height, plain.height);
    constexpr std::int64_t kMargin = 30;
    for (std::int64_t y = 0; y < sheet.height; ++y) {
      const std::int64_t end = 3 * (y + 1) * sheet.width;
      ASSERT_TRUE(std::equal(sheet.values.begin() + end - 3 * kMargin, sheet.values.begin() + end,
                             plain.values.begin() + end - 3 * kMargin));
    }
  }
}

TEST(AnswerSheet, NothingToDrawAndTooMuch) {
  EXPECT_GT(draw_answers({}).values.size(), 0U);
  EXPECT_GT(draw_answers(pictures_of(1, {})).values.size(), 0U);
  std::vector<AnsweredPicture> pictures;
  pictures.push_back({"large.png", red(321, 10), {}});
  EXPECT_EQ(test::error_of([&] { draw_answers(pictures); }),
            "answer sheet: expected a picture of at most 320 × 240 pixels, got 321 × 10");
}

TEST(AnswerSheet, ThumbnailsFitIntoTheCard) {
  Context ctx({.threads = 1});
  using Sides = std::pair<std::int64_t, std::int64_t>;
  const auto sides = [&](std::int64_t width, std::int64_t height) {
    const Image image{
        .width = width,
        .height = height,
        .channels = 1,
        .bits = 8,
        .values = std::vector<std::uint16_t>(static_cast<std::size_t>(width * height), 51)};
    const Tensor picture = thumbnail(image, ctx);
    EXPECT_TRUE(std::ranges::all_of(picture.values(), [](float v) { return v == 0.2F; }));
    return Sides{picture.shape().w, picture.shape().h};
  };
  EXPECT_EQ(sides(640, 480), Sides(320, 240));
  EXPECT_EQ(sides(64, 48), Sides(320, 240));
  EXPECT_EQ(sides(100, 100), Sides(240, 240));
  EXPECT_EQ(sides(1, 5000), Sides(1, 240));
  EXPECT_EQ(sides(5000, 1), Sides(320, 1));
  EXPECT_EQ(test::error_of([&] { thumbnail({}, ctx); }),
            "answer sheet: expected a picture, got one of 0 × 0 pixels");
}

TEST(Text, WhatIsNotAsciiIsOneQuestionMark) {
  EXPECT_EQ(drawable("a cat"), "a cat");
  EXPECT_EQ(drawable("caf\xc3\xa9, 日本"), "caf?, ??");
  EXPECT_EQ(drawable("\n\xff\x80"), "??");
}

TEST(Text, IsCutToAWidth) {
  const std::string text = "the quick brown fox";
  EXPECT_EQ(shortened(text, text_width(text)), text);
  for (std::int64_t width = 0; width < text_width(text); ++width) {
    const std::string cut = shortened(text, width);
    EXPECT_LE(text_width(cut), width);
    if (!cut.empty()) {
      EXPECT_TRUE(cut.ends_with(".."));
      EXPECT_TRUE(text.starts_with(cut.substr(0, cut.size() - 2)));
    }
  }
  EXPECT_EQ(text_width(""), 0);
}

}  // namespace
}  // namespace hewn::app
