#include "hewn/models/clip/clip.h"

#include "hewn/runtime/error.h"

#include <cmath>
#include <utility>

namespace hewn {

namespace {

/// Mean or standard deviation of red, green and blue.
std::array<float, 3> read_colour(const ModelConfig& config, const char* key, double least) {
  const std::vector<double> values = config.numbers(key, 3, least, 1);
  return {static_cast<float>(values[0]), static_cast<float>(values[1]),
          static_cast<float>(values[2])};
}

float read_logit_scale(WeightsReader& file) {
  // CLIP clips it to 100 in training; a float holds exp of 88.
  constexpr float kMost = 20;
  const float logarithm = file.values("logit_scale", {}).front();
  require(std::abs(logarithm) <= kMost, file.path(),
          ": tensor 'logit_scale': expected a logarithm from ", -kMost, " to ", kMost, ", got ",
          logarithm);
  return static_cast<float>(std::exp(static_cast<double>(logarithm)));
}

}  // namespace

Clip::Clip(SafetensorsFile file, ClipTowers towers, LinearPrecision precision)
    : file_(std::make_unique<SafetensorsFile>(std::move(file))) {
  constexpr double kLeastDeviation = 1e-3;
  FileLayers layers(*file_, "clip", Conv2dPacking::any, precision);
  form_ = layers.config().text("form");
  logit_scale_ = read_logit_scale(layers.tensors());
  preprocessing_ = {.mean = read_colour(layers.config(), "mean", 0),
                    .std = read_colour(layers.config(), "std", kLeastDeviation)};
  if (towers != ClipTowers::text) {
    image_.emplace(layers);
    preprocessing_.size = image_->picture_size();
    file_->release_memory();  // before the other tower is read
  }
  if (towers != ClipTowers::image) text_.emplace(layers);
  const std::int64_t image_embedding = layers.tensors().shape_of("visual.proj", 2)[1];
  const std::int64_t text_embedding = layers.tensors().shape_of("text_projection", 2)[1];
  require(image_embedding == text_embedding, layers.path(), ": pictures have features of ",
          image_embedding, " values, texts of ", text_embedding);
  switch (towers) {
    case ClipTowers::both:
      layers.tensors().expect_nothing_left({"tokenizer."});
      break;
    case ClipTowers::image:
      layers.tensors().expect_nothing_left({"tokenizer.", "transformer.", "token_embedding.",
                                            "ln_final.", "positional_embedding",
                                            "text_projection"});
      break;
    case ClipTowers::text:
      layers.tensors().expect_nothing_left({"tokenizer.", "visual."});
      break;
  }
  file_->release_memory();
}

const ImageTower& Clip::image() const {
  require(image_.has_value(), "CLIP: the image tower is not loaded");
  return *image_;
}

const TextTower& Clip::text() const {
  require(text_.has_value(), "CLIP: the text tower is not loaded");
  return *text_;
}

Prompts Clip::read_prompts(const SafetensorsFile& file) const {
  return {file,
          {.text_width = text().width(),
           .text_blocks = text().blocks(),
           .image_width = image().width(),
           .image_blocks = image().blocks(),
           .embedding = text().embedding_size()}};
}

}  // namespace hewn
