// The tokens of short texts are what open_clip 3.3 says with the same merges.
// Label: files
#include "hewn/models/clip/tokenizer.h"

#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/random.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include "tests/support/merges_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::few_merges;
using test::Merges;
using Tokens = std::vector<std::int32_t>;

Tokenizer tokenizer_of(const Merges& merges) {
  const test::Folder folder;
  test::write_merges(folder / "merges.safetensors", merges);
  return Tokenizer{SafetensorsFile(folder / "merges.safetensors")};
}

/// What the constructor says, without the names of file and tensor.
std::string merges_error(const Merges& merges) {
  const std::string error = error_of([&] { tokenizer_of(merges); });
  const std::string prefix = "merges.safetensors: tokenizer.merges: ";
  const std::size_t at = error.find(prefix);
  return at == std::string::npos ? error : error.substr(at + prefix.size());
}

TEST(Tokenizer, EncodesAsOpenClip) {
  const Tokenizer tokenizer = tokenizer_of(few_merges());
  EXPECT_EQ(tokenizer.vocabulary(), 528);
  EXPECT_EQ(tokenizer.start(), 526);
  EXPECT_EQ(tokenizer.end(), 527);
  const std::vector<std::pair<std::string, Tokens>> cases{
      {"", {}},
      {"The cat's café", {513, 515, 521, 514, 69, 522}},
      {"that", {512, 64, 339}},
      {"ooooo", {518, 334}},
      {"oooooooo ooo oooo", {518, 520, 517, 334, 520}},
      {"aaaaaaa", {523, 523, 523, 320}},
      {"xyxy", {525, 87, 344}},
      {"<start_of_text> A<end_of_text>", {526, 320, 527}},
      {"7 \u00ad", {278, 126, 511}},
      {"cats catat", {514, 83, 338, 514, 83, 64, 339}}};
  for (const auto& [text, tokens] : cases) EXPECT_EQ(tokenizer.encode(text), tokens) << text;
}

TEST(Tokenizer, AddsStartAndEndAndCuts) {
  const Tokenizer tokenizer = tokenizer_of(few_merges());
  const auto context = [&](const char* text, std::int64_t length) {
    const ClipText result = tokenizer.encode_context(text, length);
    return std::pair(result.tokens, result.truncated);
  };
  EXPECT_EQ(context("", 2), std::pair(Tokens({526, 527}), false));
  EXPECT_EQ(context("a", 2), std::pair(Tokens({526, 527}), true));
  EXPECT_EQ(context("the cat", 4), std::pair(Tokens({526, 513, 515, 527}), false));
  EXPECT_EQ(context("the cat", 3), std::pair(Tokens({526, 513, 527}), true));
  const ClipText full = tokenizer.encode_context(std::string(75, '7'));
  EXPECT_EQ(full.tokens.size(), 77U);
  EXPECT_FALSE(full.truncated);
  const ClipText cut = tokenizer.encode_context(std::string(76, '7'));
  EXPECT_EQ(cut.tokens, full.tokens);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(error_of([&] { tokenizer.encode_context("a", 1); }),
            "expected a context of at least 2 tokens, got 1");
}

TEST(Tokenizer, PiecesAreReadable) {
  const Tokenizer tokenizer = tokenizer_of(few_merges());
  const std::vector<std::pair<std::int32_t, std::string>> cases{
      {64, "a"},      {320, "a</w>"},           {513, "the</w>"},
      {518, "oooo"},  {522, "é</w>"},           {127, "\\xc3"},
      {188, "\\x00"}, {220, "\\x20"},           {189 + 256, "\\x01</w>"},
      {525, "xy"},    {526, "<start_of_text>"}, {527, "<end_of_text>"}};
  for (const auto& [token, piece] : cases) EXPECT_EQ(tokenizer.piece(token), piece) << token;
  for (const std::int32_t token : {-1, 528}) {
    EXPECT_EQ(error_of([&] { tokenizer.piece(token); }),
              "expected a token from 0 to 527, got " + std::to_string(token));
  }
}

/// Random merges that make long tokens of few letters, some of which end a word.
Merges random_merges(Random& random, std::int64_t count) {
  const std::int64_t letters[] = {64, 65, 66};  // a, b, c
  std::vector<std::int64_t> within(std::begin(letters), std::end(letters));
  std::vector<std::int64_t> last;
  for (const std::int64_t letter : letters) last.push_back(letter + 256);
  const auto any_of = [&](const std::vector<std::int64_t>& tokens) {
    return tokens[static_cast<std::size_t>(
        random.integer(0, static_cast<std::int64_t>(tokens.size()) - 1))];
  };
  Merges merges;
  while (std::ssize(merges) < count) {
    auto& right = random.integer(0, 3) == 0 ? last : within;
    const std::array<std::int64_t, 2> merge{any_of(within), any_of(right)};
    if (std::ranges::find(merges, merge) != merges.end()) continue;
    right.push_back(512 + std::ssize(merges));
    merges.push_back(merge);
  }
  return merges;
}

/// The pair that is first in the list, everywhere from the left, until there is none: word by word
/// as it is defined.
Tokens merge_plainly(const std::string& word, const Merges& merges) {
  std::vector<std::int64_t> tokens;
  for (const char letter : word) tokens.push_back(letter - 'a' + 64);
  tokens.back() += 256;
  for (bool found = true; found;) {
    found = false;
    for (std::size_t rank = 0; rank < merges.size() && !found; ++rank) {
      std::vector<std::int64_t> merged;
      for (std::size_t i = 0; i < tokens.size(); ++i) {
        const bool is_pair = i + 1 < tokens.size() && tokens[i] == merges[rank][0] &&
                             tokens[i + 1] == merges[rank][1];
        merged.push_back(is_pair ? 512 + static_cast<std::int64_t>(rank) : tokens[i]);
        if (is_pair) ++i;
      }
      found = merged.size() < tokens.size();
      tokens = merged;
    }
  }
  return {tokens.begin(), tokens.end()};
}

TEST(Tokenizer, MergesTheFirstPairEverywhereFromTheLeft) {
  Random random(1);
  for (int table = 0; table < 20; ++table) {
    const Merges merges = random_merges(random, random.integer(1, 40));
    const Tokenizer tokenizer = tokenizer_of(merges);
    for (int i = 0; i < 50; ++i) {
      std::string word;
      const std::int64_t size = random.integer(1, 60);
      while (std::ssize(word) < size) word += static_cast<char>('a' + random.integer(0, 2));
      EXPECT_EQ(tokenizer.encode(word), merge_plainly(word, merges)) << word;
    }
  }
}

TEST(Tokenizer, AMillionLettersInOneWord) {
  constexpr std::size_t kLetters = 1'000'000;
  const Tokenizer tokenizer = tokenizer_of(few_merges());
  const Tokens tokens = tokenizer.encode(std::string(kLetters, 'o'));
  // All of four letters: the last one, too, which ends the word.
  EXPECT_EQ(tokens.size(), kLetters / 4);
  EXPECT_EQ(tokens.front(), 518);
  EXPECT_EQ(tokens.back(), 520);
}

TEST(Tokenizer, MayHaveNoMerges) {
  EXPECT_EQ(tokenizer_of({}).encode("ab"), (Tokens{64, 65 + 256}));
}

TEST(Tokenizer, RefusesMergesThatCannotBe) {
  EXPECT_EQ(merges_error({{0, 1}, {512, 513}}),
            "merge 1: expected tokens from 0 to 512, got 512 and 513");
  EXPECT_EQ(merges_error({{-1, 1}}), "merge 0: expected tokens from 0 to 511, got -1 and 1");
  EXPECT_EQ(merges_error({{std::int64_t{1} << 32, 1}}),
            "merge 0: expected tokens from 0 to 511, got 4294967296 and 1");
  EXPECT_EQ(merges_error({{256, 1}}),
            "merge 0: expected a first token that does not end a word, got 256 and 1");
  EXPECT_EQ(merges_error({{0, 256}, {512, 1}}),
            "merge 1: expected a first token that does not end a word, got 512 and 1");
  EXPECT_EQ(merges_error({{0, 1}, {1, 0}, {0, 1}}),
            "merge 2: expected two tokens that no merge before it has, got 0 and 1");
  Merges doubling{{0, 0}};
  while (doubling.size() < 11)
    doubling.push_back({511 + std::ssize(doubling), 511 + std::ssize(doubling)});
  EXPECT_EQ(merges_error(doubling), "merge 10: expected at most 1024 bytes, got 521 and 521");
}

TEST(Tokenizer, SaysWhereItsMergesComeFrom) {
  const test::Folder folder;
  const std::string path = (folder / "weights.safetensors").string();
  const auto error = [&](const std::vector<TensorToWrite>& tensors) {
    write_safetensors(path, tensors);
    return error_of([&] { Tokenizer{SafetensorsFile(path)}; });
  };
  EXPECT_EQ(error({}), path +
                           ": expected the tensor tokenizer.merges, which 'python -m "
                           "weights_tools.convert clip' writes, got a file without");
  const std::vector<std::int64_t> zeros(6);
  const auto bytes = std::as_bytes(std::span(zeros));
  const std::string expected =
      path + ": tokenizer.merges: expected at most 1048576 merges as I64 n×2, got ";
  EXPECT_EQ(error({{"tokenizer.merges", Dtype::int64, {2, 3}, bytes}}), expected + "I64 2×3");
  EXPECT_EQ(error({{"tokenizer.merges", Dtype::int64, {6}, bytes}}), expected + "I64 6");
  EXPECT_EQ(error({{"tokenizer.merges", Dtype::float32, {6, 2}, bytes}}), expected + "F32 6×2");
}

}  // namespace
}  // namespace hewn
