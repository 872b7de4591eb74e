// What is expected is what open_clip 3.3 with ftfy 6.3 and fix_encoding=False says.
// Label: files
#include "hewn/runtime/text/text_cleaning.h"

#include "hewn/runtime/text/unicode.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn::detail {
namespace {

using test::error_of;
using Words = std::vector<std::u32string_view>;

struct Cleaned {
  std::u32string_view text, clean;
};

void expect_all(const std::vector<Cleaned>& cases) {
  for (const auto& [text, clean] : cases) {
    EXPECT_EQ(to_utf8(clean_text(text)), to_utf8(clean)) << "of " << to_utf8(text);
  }
}

TEST(CleanText, SpacesBecomeOne) {
  expect_all({{U"", U""},
              {U" \t\n ", U""},
              {U"A Photo of\ta  CAT.", U"a photo of a cat."},
              {U"  \u3000x\u2003y\u001c \u00a0z \n", U"x y z"},
              {U"a\r\nb\rc\u2028d\u2029e", U"a b c d e"}});
}

TEST(CleanText, ControlCharactersGo) {
  using namespace std::string_view_literals;
  expect_all({{U"a\0b\vc\u007fd\ufeffe\u206af\ufffcg"sv, U"abcdefg"},
              {U"\u001b[31;1mred\u001b[0m \u001b[x \u001b[\u0663m", U"red"},
              {U"\u001b[ \u001b[1", U"[ [1"}});
}

TEST(CleanText, BytesOfWindowsAreWhatTheyWere) {
  expect_all({{U"a\u0085b", U"a\u2026b"}, {U"\u0093quoted\u0094 \u0081", U"\"quoted\" \u0081"}});
}

TEST(CleanText, LettersTakeTheirPlainForms) {
  expect_all(
      {{U"\u017f\ufb01\ufb05\u0132\u01c5\u0149", U"\u017ffi\u017ftijd\u017e'n"},
       {U"\uff21\uff22\uff03\uff76\uff9e\u3000\uffe3\uffa1", U"ab#\u30ac \u0304\u1100"},
       {U"\u2018a\u2019 \u201cb\u201d \u02bcc \u00abd\u00bb", U"'a' \"b\" 'c \u00abd\u00bb"}});
}

TEST(CleanText, MarksAreComposedInTheirOrder) {
  expect_all({{U"e\u0301 \u212b", U"\u00e9 \u00e5"},
              {U"\u1112\u1161\u11ab \ud55c", U"\ud55c \ud55c"},
              {U"\ud558\u11a7 \ud558\u11a8", U"\ud558\u11a7 \ud559"},
              {U"a\u0323\u0307 a\u0307\u0323", U"\u1ea1\u0307 \u1ea1\u0307"}});
}

TEST(CleanText, AMillionMarksInTheWrongOrderAreSorted) {
  std::u32string text = U"a";
  for (int i = 0; i < 500'000; ++i) text += U"\u0300\u0323";
  const std::u32string clean = clean_text(text);
  EXPECT_EQ(clean.substr(0, 2), U"\u1ea1\u0323");
  EXPECT_EQ(clean.size(), 1'000'000U);
}

TEST(CleanText, CapitalsBecomeSmall) {
  expect_all({{U"\u0130STANBUL I\u0131", U"i\u0307stanbul i\u0131"},
              {U"STRASSE \u1e9e \u13a0", U"strasse \u00df \uab70"}});
}

TEST(CleanText, SigmaAtTheEndOfAWordIsFinal) {
  expect_all({{U"\u03a3\u039f\u03a3 \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3",
               U"\u03c3\u03bf\u03c2 \u03bf\u03b4\u03c5\u03c3\u03c3\u03b5\u03c5\u03c2"},
              {U"a\u03a3' \u03a3 a\u03a3'b", U"a\u03c2' \u03c3 a\u03c3'b"},
              {U"\u2160\u03a3 a\u00ad\u03a3.", U"\u2170\u03c2 a\u00ad\u03c2."}});
}

TEST(CleanText, EntitiesBecomeCharacters) {
  expect_all({{U"&eacute; &EACUTE; &Eacute;&nTILDE;", U"\u00e9 \u00e9 \u00e9&ntilde;"},
              {U"&SZLIG; &NAPOS; &FFILIG;", U"ss 'n ffi"},
              {U"&CounterClockwiseContourIntegral; &acE;", U"\u2233 \u223e\u0333"},
              {U"&notit &notin; &ampx &amp", U"\u00acit \u2209 &x &"},
              {U"&copy2024 &COPY &GTDOT;", U"\u00a92024 \u00a9 >dot;"},
              {U"&#59; &#38;#59; &#x3b;", U"; ; ;"},
              {U"&#128; &#x81; &#1; &#xfdd0; &#13;|", U"\u20ac \u0081 |"},
              {U"&#0; &#xD800; &#x110000; &#99999999999999999999;", U"\ufffd \ufffd \ufffd \ufffd"},
              {U"&#x; &#; &#xg; & && &;", U"&#x; &#; &#xg; & && &;"}});
}

TEST(CleanText, EntitiesWithinEachOther) {
  expect_all({{U"&lt;b&gt; &amp;lt; &amp;amp;amp;lt;", U"<b> < <"},
              {U"&amp;#27;[31mred &#27;[3&amp;#49;m", U"[31mred [31m"}});
  const auto nested = [](int depth) {
    std::u32string text = U"&";
    for (int i = 0; i < depth; ++i) text += U"amp;";
    return text + U"lt;";
  };
  EXPECT_EQ(to_utf8(clean_text(nested(kMostCleanings - 2))), "<");
  EXPECT_EQ(error_of([&] { clean_text(nested(kMostCleanings)); }),
            "expected a text that is clean after 100 rounds, got one with HTML entities within "
            "each other deeper than that");
}

TEST(CleanText, AfterAnAngleBracketEntitiesAreTakenForHtml) {
  // Two rounds are left of what else goes on as long as it can.
  expect_all({{U"a < b &eacute; &EACUTE; &amp;amp;eacute;", U"a < b \u00e9 &eacute; &eacute;"},
              {U"&eacute;\n<\n&EACUTE;", U"\u00e9 < &eacute;"}});
}

TEST(CleanText, LinesOfAMillionCharactersAreCut) {
  const std::u32string line(999'999, U'x');
  EXPECT_EQ(clean_text(line + U"e\u0301") == line + U"e\u0301", true);
  EXPECT_EQ(clean_text(line + U"\ne\u0301") == line + U" \u00e9", true);
}

struct Split {
  std::u32string_view text;
  Words words;
};

TEST(SplitWords, FollowsThePattern) {
  const std::vector<Split> cases{
      {U"", {}},
      {U"don't you'll we've i'd 'ss ''s",
       {U"don", U"'t", U"you", U"'ll", U"we", U"'ve", U"i", U"'d", U"'s", U"s", U"''", U"s"}},
      {U"hello, world!!! :-)", {U"hello", U",", U"world", U"!!!", U":-)"}},
      {U"'re're'r 'e x'", {U"'re", U"'re", U"'", U"r", U"'", U"e", U"x", U"'"}},
      {U"abc123d\u0663\u217b", {U"abc", U"1", U"2", U"3", U"d", U"\u0663", U"\u217b"}},
      {U"\u65e5\u672c\u3001 \u0939\u093f\u0928",
       {U"\u65e5\u672c", U"\u3001", U"\u0939", U"\u093f", U"\u0928"}},
      {U"\U0001f468\u200d\U0001f469 1\ufe0f\u20e3",
       {U"\U0001f468\u200d\U0001f469", U"1", U"\ufe0f\u20e3"}}};
  for (const auto& [text, words] : cases) EXPECT_EQ(split_words(text), words) << to_utf8(text);
}

TEST(SplitWords, FindsSpecialTokens) {
  EXPECT_EQ(split_words(U"<start_of_text>a<end_of_text>!<end_of_text>"),
            (Words{U"<start_of_text>", U"a", U"<end_of_text>", U"!<", U"end", U"_", U"of", U"_",
                   U"text", U">"}));
}

TEST(SplitWords, IgnoresCaseAsThePatternDoes) {
  EXPECT_EQ(split_words(U"<\u017ftart_of_text>'\u017f"),
            (Words{U"<\u017ftart_of_text>", U"'\u017f"}));
  EXPECT_EQ(split_words(U"a\u0345\u03b1!\u0345! \u0345"), (Words{U"a", U"\u03b1", U"!", U"!"}));
}

TEST(FromUtf8, SaysWhereItIsNone) {
  const auto error = [](std::string_view bytes) { return error_of([&] { from_utf8(bytes); }); };
  EXPECT_EQ(from_utf8("a\xc3\xa9\xf0\x9f\x90\x88"), U"a\u00e9\U0001f408");
  EXPECT_EQ(error("abc\xff"),
            "expected text in UTF-8, got the byte 0xff at byte 3, which begins no character");
  EXPECT_EQ(error("\xc3"),  // cut off
            "expected text in UTF-8, got the byte 0xc3 at byte 0, which begins no character");
  for (const std::string_view bytes : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
                                       "\xe2\x82", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_NE(error(bytes), "nothing thrown");
  }
}

}  // namespace
}  // namespace hewn::detail
