#include "app/drawing/answer_sheet.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/pictures/drawing/canvas.h"
#include "hewn/runtime/pictures/drawing/lettering.h"
#include "hewn/runtime/pictures/pillow_resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "app/output/units.h"

namespace hewn::app {

namespace {

constexpr Colour kPaper{0.09F, 0.10F, 0.11F};
constexpr Colour kCard{0.14F, 0.15F, 0.17F};
constexpr Colour kTrack{0.22F, 0.24F, 0.27F};
constexpr Colour kText{0.92F, 0.93F, 0.94F};
constexpr Colour kQuietText{0.58F, 0.61F, 0.65F};
constexpr Colour kBest{0.30F, 0.74F, 0.66F};
constexpr Colour kOther{0.24F, 0.45F, 0.47F};

// All in pixels.
constexpr std::int64_t kMargin = 24;
constexpr std::int64_t kGap = 16;      // between cards
constexpr std::int64_t kPadding = 20;  // within a card
constexpr std::int64_t kPictureWidth = 320;
constexpr std::int64_t kPictureHeight = 240;
constexpr std::int64_t kPanelWidth = 440;
constexpr std::int64_t kNameHeight = 36;
constexpr std::int64_t kAnswerHeight = 42;
constexpr std::int64_t kBarTop = 22;  // within an answer
constexpr std::int64_t kBarHeight = 8;
constexpr std::int64_t kAnswerGap = kAnswerHeight - kBarTop - kBarHeight;
constexpr std::int64_t kCardWidth = kPadding + kPictureWidth + kPadding + kPanelWidth + kPadding;

constexpr std::size_t kMostPictures = 40;
constexpr std::size_t kMostAnswers = 8;

std::int64_t size_of(const auto& list) { return static_cast<std::int64_t>(list.size()); }

/// Some four rows to a column: about as high as wide.
std::int64_t columns_for(std::int64_t cards) {
  std::int64_t columns = 1;
  while (4 * columns * columns < cards) ++columns;
  return columns;
}

std::int64_t scaled(std::int64_t side, double scale) {
  return std::max<std::int64_t>(std::llround(static_cast<double>(side) * scale), 1);
}

/// NaN is not above 0.
float share(float probability) { return probability > 0 ? std::min(probability, 1.0F) : 0.0F; }

class Sheet {
 public:
  explicit Sheet(const std::vector<AnsweredPicture>& pictures)
      : pictures_(pictures),
        cards_(std::min(size_of(pictures), static_cast<std::int64_t>(kMostPictures))),
        columns_(columns_for(cards_)),
        card_height_(card_height(pictures)),
        canvas_(2 * kMargin - kGap + columns_ * (kCardWidth + kGap), height(), kPaper) {}

  Image draw() {
    for (std::int64_t i = 0; i < cards_; ++i) {
      draw_card(pictures_[static_cast<std::size_t>(i)],
                kMargin + i % columns_ * (kCardWidth + kGap),
                kMargin + i / columns_ * (card_height_ + kGap));
    }
    if (left_out() > 0) {
      draw_text(canvas_,
                text_of("and ", left_out(), left_out() == 1 ? " picture" : " pictures", " more"),
                kMargin, height() - kMargin - kTextHeight, kQuietText);
    }
    return canvas_.image();
  }

 private:
  static std::int64_t card_height(const std::vector<AnsweredPicture>& pictures) {
    std::size_t most = 0;
    for (const AnsweredPicture& picture : pictures) most = std::max(most, picture.answers.size());
    const auto answers = static_cast<std::int64_t>(std::min(most, kMostAnswers));
    const std::int64_t panel = kNameHeight + answers * kAnswerHeight - kAnswerGap;
    return 2 * kPadding + std::max(kPictureHeight, panel);
  }

  std::int64_t left_out() const { return size_of(pictures_) - cards_; }

  std::int64_t height() const {
    const std::int64_t rows = divide_up(cards_, columns_);
    return 2 * kMargin - kGap + rows * (card_height_ + kGap) +
           (left_out() > 0 ? kGap + kTextHeight : 0);
  }

  void draw_card(const AnsweredPicture& answered, std::int64_t left, std::int64_t top) {
    canvas_.fill({top, left, card_height_, kCardWidth}, kCard);
    const Nhwc& s = answered.picture.shape();
    require(s.w <= kPictureWidth && s.h <= kPictureHeight,
            "answer sheet: expected a picture of at most ", kPictureWidth, " × ", kPictureHeight,
            " pixels, got ", s.w, " × ", s.h);
    canvas_.draw_picture(answered.picture.view(), left + kPadding + (kPictureWidth - s.w) / 2,
                         top + (card_height_ - s.h) / 2);
    const std::int64_t panel = left + kPadding + kPictureWidth + kPadding;
    draw_text(canvas_, shortened(drawable(answered.name), kPanelWidth), panel, top + kPadding,
              kQuietText);
    const std::size_t count = std::min(answered.answers.size(), kMostAnswers);
    for (std::size_t i = 0; i < count; ++i) {
      draw_answer(answered.answers[i], i == 0, panel,
                  top + kPadding + kNameHeight + static_cast<std::int64_t>(i) * kAnswerHeight);
    }
  }

  void draw_answer(const Answer& answer, bool best, std::int64_t left, std::int64_t top) {
    const float part = share(answer.probability);
    const std::string percent = fixed(100 * static_cast<double>(part), 1) + "%";
    const std::int64_t percent_width = text_width(percent);
    const Colour& colour = best ? kText : kQuietText;
    draw_text(canvas_, shortened(drawable(answer.label), kPanelWidth - percent_width - kPadding),
              left, top, colour);
    draw_text(canvas_, percent, left + kPanelWidth - percent_width, top, colour);
    const auto length = std::llround(part * static_cast<float>(kPanelWidth));
    canvas_.fill({top + kBarTop, left, kBarHeight, kPanelWidth}, kTrack);
    canvas_.fill({top + kBarTop, left, kBarHeight, length}, best ? kBest : kOther);
  }

  const std::vector<AnsweredPicture>& pictures_;
  std::int64_t cards_;
  std::int64_t columns_;
  std::int64_t card_height_;
  Canvas canvas_;
};

}  // namespace

Tensor thumbnail(const Image& picture, Context& ctx) {
  require(picture.width >= 1 && picture.height >= 1,
          "answer sheet: expected a picture, got one of ", picture.width, " × ", picture.height,
          " pixels");
  const double scale =
      std::min(static_cast<double>(kPictureWidth) / static_cast<double>(picture.width),
               static_cast<double>(kPictureHeight) / static_cast<double>(picture.height));
  const std::int64_t width = scaled(picture.width, scale);
  const std::int64_t height = scaled(picture.height, scale);
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(3 * width * height));
  pillow_resize(picture, {.height = height, .width = width, .rows = height, .columns = width}, rgb,
                ctx);
  return to_rgb({.width = width,
                 .height = height,
                 .channels = 3,
                 .bits = 8,
                 .values = {rgb.begin(), rgb.end()}});
}

Image draw_answers(const std::vector<AnsweredPicture>& pictures) { return Sheet(pictures).draw(); }

}  // namespace hewn::app
