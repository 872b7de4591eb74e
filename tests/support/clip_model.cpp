#include "tests/support/clip_model.h"

#include "tests/support/folder.h"
#include "tests/support/random.h"

namespace hewn::test {

namespace {

/// A file that stays readable while it is open.
SafetensorsFile written(const WeightsFile& weights) {
  const Folder folder;
  weights.write(folder / "weights.safetensors");
  return SafetensorsFile(folder / "weights.safetensors");
}

}  // namespace

Clip load_clip(const WeightsFile& weights, LinearPrecision precision) {
  return Clip(written(weights), ClipTowers::both, precision);
}

const Clip& small_clip_model() {
  static const Clip clip = load_clip(small_clip());
  return clip;
}

const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer(small_clip_model().file());
  return tokenizer;
}

Prompts load_prompts(const WeightsFile& prompts) {
  return small_clip_model().read_prompts(written(prompts));
}

Tensor random_pictures(std::int64_t count, std::uint64_t seed) {
  return Random(seed).tensor({count, SmallClip::kSide, SmallClip::kSide, 3}, -2, 2);
}

ConstView feature(const Tensor& features, std::int64_t i) {
  return {features.view().pixel(0, 0, i), {1, 1, 1, features.shape().c}};
}

}  // namespace hewn::test
