// CLIP's tokenizer: byte pairs, merged as they were when it was trained.
#pragma once

#include "hewn/runtime/files/safetensors.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace hewn {

/// How many tokens CLIP's text tower sees.
inline constexpr std::int64_t kClipContext = 77;

/// A text as a text tower takes it.
struct ClipText {
  std::vector<std::int32_t> tokens;  ///< with start and end of text, and not padded
  bool truncated = false;            ///< whether the text has more tokens than there is room for
};

/// Turns texts into tokens, as open_clip's SimpleTokenizer does by default (clean="lower"), with
/// one exception: ftfy's guess whether a text was decoded wrongly some time before it became the
/// UTF-8 that it is (fix_encoding) is left out.
///
/// Tokens 0 to 255 are bytes, in the order of bytes_to_unicode() of GPT-2; 256 to 511 are the same
/// at the end of a word; 512 + i is what merge i makes of two tokens before it. The last two of the
/// vocabulary are start and end of text.
///
/// Immutable; threads may share one.
class Tokenizer {
 public:
  /// How many merges a list may have.
  static constexpr std::int64_t kMostMerges = std::int64_t{1} << 20;
  /// How many bytes a token may stand for.
  static constexpr std::int64_t kMostBytes = 1024;

  /// Reads the tensor `tokenizer.merges`, int64 [merges, 2], 0 to kMostMerges of them, and nothing
  /// else of the file, which may go afterwards. Throws Error, naming file and tensor, when it is
  /// missing, of another type or shape, or when a merge takes a token that is not before its own,
  /// begins with one that ends a word, is there twice, or stands for more than kMostBytes.
  explicit Tokenizer(const SafetensorsFile& file);

  /// How many tokens there are: 512, the merges, start and end.
  std::int32_t vocabulary() const { return end() + 1; }
  /// The token in front of each text.
  std::int32_t start() const { return 512 + static_cast<std::int32_t>(merges_.size()); }
  std::int32_t end() const { return start() + 1; }  ///< the token behind each text

  /// The tokens of a text of any length, without start and end; none for an empty one. Within a
  /// word, the pair that is first in the list of merges is merged wherever it occurs, from the
  /// left, and so on until no pair is in the list: see Sennrich, Haddow and Birch, "Neural machine
  /// translation of rare words with subword units", 2016. Takes n log n for n bytes, however long
  /// the words are. Throws Error, which says where, when the text is not UTF-8, and when HTML
  /// entities are within each other more than a hundred deep.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// encode() between start and end of text, in at most `length` tokens, start and end included:
  /// of a longer text the first tokens are kept. Throws Error as encode() does, and for a length
  /// below 2.
  ClipText encode_context(std::string_view text, std::int64_t length = kClipContext) const;

  /// A token as people read it: its text, with bytes that are no printable character as `\xNN`, and
  /// "</w>" where a word ends; "<start_of_text>" and "<end_of_text>". Throws Error unless
  /// 0 ≤ token < vocabulary().
  std::string piece(std::int32_t token) const;

 private:
  struct Merge {
    std::int32_t left, right;
  };

  /// The tokens of one word, in UTF-8.
  void append_word(std::string_view word, std::vector<std::int32_t>& tokens) const;
  /// The number of the merge that joins two tokens, or −1.
  std::int32_t find_merge(std::int32_t left, std::int32_t right) const;
  /// The bytes that a token stands for, which may be a part of a character; not of start and end.
  std::string bytes(std::int32_t token) const;
  /// Not of start and end.
  bool ends_word(std::int32_t token) const;

  std::vector<Merge> merges_;
  std::unordered_map<std::uint64_t, std::int32_t> ranks_;  // of pairs: their place in merges_
};

}  // namespace hewn
