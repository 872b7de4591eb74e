// Texts as a tree of tokens, so that what they share is computed once.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace hewn {

/// Texts that begin alike share their beginnings: each node is a token behind all of its ancestors.
/// A causal transformer gives a node the same output in every text that it is part of.
class TokenTree {
 public:
  /// Adds a text; gives the node of its last token. Throws Error for a text without tokens, or
  /// when there would be more than 2³¹ − 1 nodes.
  std::int32_t add(std::span<const std::int32_t> text);

  std::int64_t size() const { return std::ssize(parents_); }  ///< how many nodes
  /// The token of each node.
  std::span<const std::int32_t> tokens() const { return tokens_; }
  /// The node before each node, which has a smaller number; −1 for a first token.
  std::span<const std::int32_t> parents() const { return parents_; }
  /// How many nodes are before each node.
  std::span<const std::int32_t> positions() const { return positions_; }

 private:
  std::vector<std::int32_t> tokens_, parents_, positions_;
  std::unordered_map<std::uint64_t, std::int32_t> children_;  // by parent and token
};

}  // namespace hewn
