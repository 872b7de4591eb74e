// Weights files of a small CLIP and of prompts for it, as weights_tools.convert writes them.
#pragma once

#include "hewn/runtime/files/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hewn::test {

/// A tensor that is to be written: the numbers, and the type they are stored in.
struct TensorValues {
  Shape shape;
  std::vector<float> values;  ///< of 8 significant bits where chance made them: exact in any type
  Dtype dtype = Dtype::float32;
  std::vector<std::int64_t> integers = {};  ///< in place of values where that is int64
};

/// `shape` of random values from −magnitude to magnitude.
TensorValues random_values(const Shape& shape, double magnitude, std::uint64_t seed);

/// A weights file before it is written, for tests to change.
struct WeightsFile {
  std::string model;
  std::map<std::string, std::string> config;  ///< the JSON of every key
  std::map<std::string, TensorValues> tensors;

  void write(const std::filesystem::path& path) const;
};

/// What a small CLIP has, of everything few and no two numbers alike.
struct SmallClip {
  static constexpr std::int64_t kPatch = 8;
  static constexpr std::int64_t kGrid = 4;  ///< patches along a side
  static constexpr std::int64_t kSide = kGrid * kPatch;
  static constexpr std::int64_t kImageTokens = 1 + kGrid * kGrid;
  static constexpr std::int64_t kImageWidth = 48;
  static constexpr std::int64_t kImageHeads = 3;
  static constexpr std::int64_t kImageBlocks = 3;
  static constexpr std::int64_t kTextWidth = 32;
  static constexpr std::int64_t kTextHeads = 2;
  static constexpr std::int64_t kTextBlocks = 4;
  static constexpr std::int64_t kContext = 77;
  static constexpr std::int64_t kVocabulary = 528;  ///< with few_merges(); 526 and 527 are its ends
  static constexpr std::int64_t kEmbedding = 24;
  static constexpr std::int64_t kTextPrompts = 4;  ///< tokens
  static constexpr std::int64_t kImagePrompts = 2;
};

/// A whole model; what has two sizes or more is stored as `matrices`. The values are the same
/// whatever that is.
WeightsFile small_clip(Dtype matrices = Dtype::float32,
                       const std::string& activation = "quick_gelu");

/// Prompts for it: "coop", "cocoop", "vpt", "ivlp" or "maple". Of the text there are kTextPrompts
/// tokens in place of "a a a a", of the picture kImagePrompts (maple: as many as of the text).
/// vpt's are for all blocks of the image tower, ivlp's for 3 blocks of the text's and 2 of the
/// picture's, maple's for 2 of the picture's and 3 of the text's.
WeightsFile small_prompts(const std::string& method);

}  // namespace hewn::test
