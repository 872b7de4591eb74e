// Label: files
#include "hewn/models/clip/tokenizer.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/random.h"
#include "hewn/runtime/text/unicode.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/folder.h"
#include "tests/support/merges_file.h"
#include "tests/support/mutate.h"
#include "tests/support/outcome.h"
#include "tests/support/png_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Bytes;
using test::bytes_of;

std::string string_of(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Every token of a text is one of the vocabulary, and can be read.
void use(const Tokenizer& tokenizer, std::string_view text) {
  for (const std::int32_t token : tokenizer.encode(text)) {
    EXPECT_FALSE(tokenizer.piece(token).empty());
  }
}

/// As many merges as the bytes are enough for.
test::Merges merges_of(const Bytes& bytes) {
  test::Merges merges(bytes.size() / sizeof(test::Merges::value_type));
  const auto to = std::as_writable_bytes(std::span(merges));
  std::copy_n(bytes.begin(), to.size(), to.begin());
  return merges;
}

/// Some tokens become others, or numbers that are none.
void replace_tokens(test::Merges& merges, Random& random) {
  for (std::int64_t edits = random.integer(1, 3); edits > 0; --edits) {
    auto& merge = merges[static_cast<std::size_t>(random.integer(0, std::ssize(merges) - 1))];
    merge[static_cast<std::size_t>(random.integer(0, 1))] =
        random.integer(0, 9) == 0 ? static_cast<std::int64_t>(random.bits())
                                  : random.integer(-1, 530);
  }
}

TEST(TokenizerMutations, MergesLoadOrAreRefused) {
  const test::Folder folder;
  const auto path = folder / "merges.safetensors";
  const test::Merges seed = test::few_merges();
  const auto seed_bytes = std::as_bytes(std::span(seed));
  Random random(1);
  test::Outcomes outcomes;
  for (int i = 0; i < 3000; ++i) {
    test::Merges merges = seed;
    if (i % 2 == 0) {
      merges = merges_of(test::mutate({seed_bytes.begin(), seed_bytes.end()}, random));
    } else {
      replace_tokens(merges, random);
    }
    test::write_merges(path, merges);
    test::expect_loaded_or_refused(path.string(), outcomes, [&] {
      const Tokenizer tokenizer{SafetensorsFile(path)};
      use(tokenizer, "The cat's oooo aaaa xyxy the caf\u00e9");
      for (std::int32_t token = 0; token < tokenizer.vocabulary(); ++token) tokenizer.piece(token);
    });
  }
  EXPECT_GT(outcomes.loaded, 500);
  EXPECT_GT(outcomes.refused, 1000);
}

TEST(TokenizerMutations, TextsAreTokenizedOrRefused) {
  constexpr std::string_view kWords[] = {
      "&amp;",  "&#x",    "&#38;",  "amp;amp;", "&EACUTE;",     "&not",
      "<",      "\n",     "\r\n",   "\x1b[",    "31m",          "<end_of_text>",
      "'S",     "\u0130", "\u03a3", "\u0345",   "\u0323\u0307", "\u1112\u1161\u11ab",
      "\u11a7", "\ufb03", "\uff21", "\u0093",   "\xed\xa0\x80", "\xf4\x8f\xbf\xbf"};
  const test::Folder folder;
  test::write_merges(folder / "merges.safetensors", test::few_merges());
  const Tokenizer tokenizer{SafetensorsFile(folder / "merges.safetensors")};
  Random random(2);
  test::Outcomes outcomes;
  for (int i = 0; i < 10'000; ++i) {
    Bytes text = bytes_of("The cat's caf\u00e9 &amp; \U0001f408\u200d the &#233; \u039f\u03a3");
    for (int edits = 0; edits < 3; ++edits) text = test::mutate(text, random, kWords);
    test::expect_loaded_or_refused("text", outcomes, [&] {
      try {
        use(tokenizer, string_of(text));
      } catch (const Error& error) {
        fail("text: ", error.what());
      }
    });
  }
  EXPECT_GT(outcomes.loaded, 1000);
  EXPECT_GT(outcomes.refused, 1000);
}

TEST(TokenizerMutations, TextsOfAnyCharacters) {
  const test::Folder folder;
  test::write_merges(folder / "merges.safetensors", test::few_merges());
  const Tokenizer tokenizer{SafetensorsFile(folder / "merges.safetensors")};
  Random random(3);
  for (int i = 0; i < 3000; ++i) {
    std::u32string text;
    while (text.size() < 30) {
      const auto c =
          static_cast<char32_t>(random.integer(0, random.integer(0, 1) ? 0x2fff : 0x10ffff));
      if (c < 0xd800 || c > 0xdfff) text += c;
    }
    use(tokenizer, detail::to_utf8(text));
  }
}

}  // namespace
}  // namespace hewn
