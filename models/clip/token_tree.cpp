#include "hewn/models/clip/token_tree.h"

#include "hewn/runtime/error.h"

#include <limits>

namespace hewn {

std::int32_t TokenTree::add(std::span<const std::int32_t> text) {
  require(!text.empty(), "token tree: expected a text of at least one token");
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  std::int32_t node = -1;
  std::int32_t position = 0;
  for (const std::int32_t token : text) {
    const auto key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(node)) << 32U |
                     static_cast<std::uint32_t>(token);
    require(size() < kMost, "token tree: more than ", kMost, " tokens");
    const auto [child, is_new] = children_.try_emplace(key, static_cast<std::int32_t>(size()));
    if (is_new) {
      tokens_.push_back(token);
      parents_.push_back(node);
      positions_.push_back(position);
    }
    node = child->second;
    ++position;
  }
  return node;
}

}  // namespace hewn
