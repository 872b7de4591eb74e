// The header of a safetensors file, read and checked. Internal: not installed.
#pragma once

#include "hewn/runtime/files/safetensors.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hewn::detail {

struct SafetensorsContents {
  std::vector<TensorEntry> tensors;  ///< in the order of their data
  std::map<std::string, std::string> metadata;
};

/// Reads the contents of a file that lies in memory; the entries point into `file`. `path` is for
/// messages. Throws Error when anything is not as the format demands.
SafetensorsContents parse_safetensors(std::span<const std::byte> file, std::string_view path);

/// Throws Error unless `name` can name a tensor: 1 to 1024 bytes, no control characters, and not
/// "__metadata__". (That it is UTF-8, reading and writing JSON make sure.)
void check_tensor_name(std::string_view name);

}  // namespace hewn::detail
