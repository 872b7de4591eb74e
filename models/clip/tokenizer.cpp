#include "hewn/models/clip/tokenizer.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/text/text_cleaning.h"
#include "hewn/runtime/text/unicode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <queue>
#include <utility>

namespace hewn {

namespace {

constexpr const char* kTensor = "tokenizer.merges";
constexpr std::int32_t kByteTokens = 256;
constexpr std::int32_t kFirstMerge = 2 * kByteTokens;

/// Bytes that are printed as themselves in Latin-1; the vocabulary has them first.
constexpr bool is_printed(std::int32_t byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte != 0xad);
}

/// The byte of each of the first 256 tokens.
constexpr std::array<unsigned char, kByteTokens> bytes_in_order() {
  std::array<unsigned char, kByteTokens> bytes{};
  std::size_t count = 0;
  for (const bool printed : {true, false}) {
    for (std::int32_t byte = 0; byte < kByteTokens; ++byte) {
      if (is_printed(byte) == printed) bytes[count++] = static_cast<unsigned char>(byte);
    }
  }
  return bytes;
}

constexpr std::array<std::int32_t, kByteTokens> invert(
    const std::array<unsigned char, kByteTokens>& bytes) {
  std::array<std::int32_t, kByteTokens> tokens{};
  for (std::size_t i = 0; i < bytes.size(); ++i) tokens[bytes[i]] = static_cast<std::int32_t>(i);
  return tokens;
}

constexpr auto kByteOfToken = bytes_in_order();
constexpr auto kTokenOfByte = invert(kByteOfToken);

constexpr std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return (static_cast<std::uint64_t>(left) << 32U) | static_cast<std::uint64_t>(right);
}

const TensorEntry& merges_tensor(const SafetensorsFile& file) {
  const std::string name = file.path().string();
  const TensorEntry* tensor = file.find(kTensor);
  require(tensor != nullptr, name, ": expected the tensor ", kTensor,
          ", which 'python -m weights_tools.convert clip' writes, got a file without");
  const Shape& shape = tensor->shape;
  require(tensor->dtype == Dtype::int64 && shape.rank() == 2 && shape[1] == 2 &&
              shape[0] <= Tokenizer::kMostMerges,
          name, ": ", kTensor, ": expected at most ", Tokenizer::kMostMerges,
          " merges as I64 n×2, got ", dtype_name(tensor->dtype), " ", shape);
  return *tensor;
}

/// One word while it is merged: tokens, each of which knows its neighbours, and the merges that are
/// possible.
class Word {
 public:
  static constexpr std::int64_t kNone = -1;

  struct Node {
    std::int32_t token;  ///< −1 when it has become part of another
    std::int64_t previous, next;
  };

  /// A merge of the nodes `left` and the one after it. The first merge of the list goes first, and
  /// the leftmost of its places.
  struct Candidate {
    std::int32_t rank;
    std::int64_t left;
    bool operator>(const Candidate& other) const {
      return std::pair(rank, left) > std::pair(other.rank, other.left);
    }
  };

  explicit Word(std::string_view bytes) {
    nodes_.reserve(bytes.size());
    for (const char byte : bytes) {
      const auto at = static_cast<std::int64_t>(nodes_.size());
      nodes_.push_back({kTokenOfByte[static_cast<unsigned char>(byte)], at - 1, at + 1});
    }
    nodes_.back().token += kByteTokens;
    nodes_.back().next = kNone;
  }

  /// `find_merge`(left, right) is the rank of a pair of tokens, or negative.
  template <typename FindMerge>
  void merge(const FindMerge& find_merge) {
    for (std::int64_t at = 0; at != kNone; at = node(at).next) propose(at, find_merge);
    while (!candidates_.empty()) {
      const Candidate best = candidates_.top();
      candidates_.pop();
      if (rank_at(best.left, find_merge) != best.rank) continue;  // a neighbour took part of it
      join(best.left, kFirstMerge + best.rank);
      propose(node(best.left).previous, find_merge);
      propose(best.left, find_merge);
    }
  }

  void append_to(std::vector<std::int32_t>& tokens) const {
    for (const Node& node : nodes_) {
      if (node.token >= 0) tokens.push_back(node.token);
    }
  }

 private:
  Node& node(std::int64_t at) { return nodes_[static_cast<std::size_t>(at)]; }

  /// The rank of the pair that begins at a node, or negative.
  template <typename FindMerge>
  std::int32_t rank_at(std::int64_t at, const FindMerge& find_merge) {
    if (at == kNone || node(at).token < 0 || node(at).next == kNone) return -1;
    return find_merge(node(at).token, node(node(at).next).token);
  }

  template <typename FindMerge>
  void propose(std::int64_t at, const FindMerge& find_merge) {
    const std::int32_t rank = rank_at(at, find_merge);
    if (rank >= 0) candidates_.push({rank, at});
  }

  void join(std::int64_t left, std::int32_t token) {
    const std::int64_t right = node(left).next;
    node(left).token = token;
    node(left).next = node(right).next;
    if (node(right).next != kNone) node(node(right).next).previous = left;
    node(right).token = -1;
  }

  std::vector<Node> nodes_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates_;
};

}  // namespace

Tokenizer::Tokenizer(const SafetensorsFile& file) {
  const TensorEntry& tensor = merges_tensor(file);
  const auto count = static_cast<std::int32_t>(tensor.shape[0]);
  merges_.reserve(static_cast<std::size_t>(count));
  ranks_.reserve(static_cast<std::size_t>(count));
  std::vector<std::int64_t> lengths(kFirstMerge, 1);
  for (std::int32_t i = 0; i < count; ++i) {
    std::array<std::int64_t, 2> pair{};
    std::memcpy(pair.data(), tensor.data.data() + static_cast<std::size_t>(i) * sizeof pair,
                sizeof pair);
    const auto expect = [&](bool condition, const auto&... expected) {
      require(condition, file.path().string(), ": ", kTensor, ": merge ", i, ": expected ",
              expected..., ", got ", pair[0], " and ", pair[1]);
    };
    const std::int64_t made = kFirstMerge + i;
    expect(std::ranges::all_of(pair, [&](std::int64_t id) { return id >= 0 && id < made; }),
           "tokens from 0 to ", made - 1);
    const Merge merge{.left = static_cast<std::int32_t>(pair[0]),
                      .right = static_cast<std::int32_t>(pair[1])};
    expect(!ends_word(merge.left), "a first token that does not end a word");
    lengths.push_back(lengths[static_cast<std::size_t>(merge.left)] +
                      lengths[static_cast<std::size_t>(merge.right)]);
    expect(lengths.back() <= kMostBytes, "at most ", kMostBytes, " bytes");
    expect(ranks_.emplace(pair_key(merge.left, merge.right), i).second,
           "two tokens that no merge before it has");
    merges_.push_back(merge);
  }
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  const std::u32string clean = detail::clean_text(detail::from_utf8(text));
  std::vector<std::int32_t> tokens;
  for (const std::u32string_view word : detail::split_words(clean)) {
    if (word == detail::kStartOfText) {
      tokens.push_back(start());
    } else if (word == detail::kEndOfText) {
      tokens.push_back(end());
    } else {
      append_word(detail::to_utf8(word), tokens);
    }
  }
  return tokens;
}

ClipText Tokenizer::encode_context(std::string_view text, std::int64_t length) const {
  require(length >= 2, "expected a context of at least 2 tokens, got ", length);
  const auto room = static_cast<std::size_t>(length) - 2;
  const std::vector<std::int32_t> tokens = encode(text);
  ClipText result{.tokens = {start()}, .truncated = tokens.size() > room};
  result.tokens.insert(result.tokens.end(), tokens.begin(),
                       tokens.begin() + static_cast<std::int64_t>(std::min(tokens.size(), room)));
  result.tokens.push_back(end());
  return result;
}

std::string Tokenizer::piece(std::int32_t token) const {
  require(token >= 0 && token < vocabulary(), "expected a token from 0 to ", vocabulary() - 1,
          ", got ", token);
  if (token == start()) return detail::to_utf8(detail::kStartOfText);
  if (token == end()) return detail::to_utf8(detail::kEndOfText);
  return detail::printable_utf8(bytes(token)) + (ends_word(token) ? "</w>" : "");
}

void Tokenizer::append_word(std::string_view word, std::vector<std::int32_t>& tokens) const {
  Word merged(word);
  merged.merge([this](std::int32_t left, std::int32_t right) { return find_merge(left, right); });
  merged.append_to(tokens);
}

std::int32_t Tokenizer::find_merge(std::int32_t left, std::int32_t right) const {
  const auto found = ranks_.find(pair_key(left, right));
  return found == ranks_.end() ? -1 : found->second;
}

std::string Tokenizer::bytes(std::int32_t token) const {
  std::string bytes;
  std::vector<std::int32_t> rest{token};
  while (!rest.empty()) {
    const std::int32_t next = rest.back();
    rest.pop_back();
    if (next < kFirstMerge) {
      bytes += static_cast<char>(kByteOfToken[static_cast<std::size_t>(next % kByteTokens)]);
      continue;
    }
    const Merge& merge = merges_[static_cast<std::size_t>(next - kFirstMerge)];
    rest.insert(rest.end(), {merge.right, merge.left});
  }
  return bytes;
}

bool Tokenizer::ends_word(std::int32_t token) const {
  while (token >= kFirstMerge) token = merges_[static_cast<std::size_t>(token - kFirstMerge)].right;
  return token >= kByteTokens;
}

}  // namespace hewn
