// What both towers read of a converted file. Internal: not installed.
#pragma once

#include "hewn/models/layers/layer_source.h"

#include <cstdint>
#include <string>

namespace hewn {

/// The heads of a tower's attention.
inline std::int64_t heads(const FileLayers& file, const std::string& key) {
  constexpr std::int64_t kMost = 1024;
  return file.config().integer(key, 1, kMost);
}

/// The activation of the MLPs: OpenAI's models have QuickGELU, open_clip's own GELU.
inline Activation clip_activation(const FileLayers& file) {
  return {.kind = file.config().choice<Activation::Kind>(
              "activation",
              {{"quick_gelu", Activation::Kind::quick_gelu}, {"gelu", Activation::Kind::gelu}})};
}

/// A projection to the common space, which checkpoints keep as [width][embedding].
inline LinearLayer projection(FileLayers& file, const std::string& name, std::int64_t width) {
  const std::int64_t embedding = file.tensors().shape_of(name, 2)[1];
  const std::vector<float> stored = file.tensors().values(name, {width, embedding});
  std::vector<float> transposed(stored.size());
  for (std::int64_t row = 0; row < width; ++row) {
    for (std::int64_t column = 0; column < embedding; ++column) {
      transposed[static_cast<std::size_t>(column * width + row)] =
          stored[static_cast<std::size_t>(row * embedding + column)];
    }
  }
  return LinearLayer({name, {.shape = {embedding, width}, .weight = transposed, .bias = {}}});
}

}  // namespace hewn
