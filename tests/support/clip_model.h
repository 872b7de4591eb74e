// A small CLIP in memory, with what tests ask of it.
#pragma once

#include "hewn/models/clip/classifier.h"
#include "hewn/models/clip/clip.h"
#include "hewn/models/clip/prompts.h"
#include "hewn/models/clip/tokenizer.h"

#include <cstdint>

#include "tests/support/clip_weights.h"

namespace hewn::test {

/// A model of these weights; its file is gone already.
Clip load_clip(const WeightsFile& weights, LinearPrecision precision = LinearPrecision::float32);

/// Of small_clip(), made once.
const Clip& small_clip_model();
const Tokenizer& small_tokenizer();

/// Prompts for it.
Prompts load_prompts(const WeightsFile& prompts);

/// `count` preprocessed pictures for it.
Tensor random_pictures(std::int64_t count, std::uint64_t seed);

/// Row i of features {1, 1, n, embedding}.
ConstView feature(const Tensor& features, std::int64_t i);

}  // namespace hewn::test
