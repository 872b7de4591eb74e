// What `hewn tokenize` says and writes.
#include <string>
#include <vector>

#include "tests/app/program.h"
#include "tests/support/merges_file.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace hewn {
namespace {

using nlohmann::json;
using test::Arguments;
using test::complained;
using test::joined;
using test::kFailure;
using test::kUsage;
using test::Outcome;
using test::run_hewn;

class TokenizeCommand : public testing::Test {
 protected:
  TokenizeCommand() { test::write_merges(weights_, test::few_merges()); }

  Outcome run(const Arguments& more) const {
    return run_hewn(joined({"tokenize", "--weights", weights_}, more));
  }
  /// The list "texts" of the JSON that is printed.
  json texts(const Arguments& more) const {
    return printed_json(run(joined({"--json", "-"}, more)))["texts"];
  }

  test::Folder folder_;
  std::string weights_ = folder_.file("clip.safetensors");
};

json entry(const std::string& text, const std::vector<int>& tokens, bool truncated = false) {
  return {{"text", text}, {"tokens", tokens}, {"truncated", truncated}};
}

TEST_F(TokenizeCommand, ShowsTokensAndPieces) {
  const Outcome outcome = run({"The cat's é", std::string(80, '7')});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with(
      "\"The cat's é\": 6 tokens\n"
      "  526 <start_of_text> 513 the</w> 515 cat</w> 521 's</w> 522 é</w> 527 <end_of_text>\n"))
      << outcome.out;
  EXPECT_NE(outcome.out.find("7\": cut to 77 tokens\n"), std::string::npos) << outcome.out;
  EXPECT_EQ(run({"a", "--quiet"}).out, "");
}

TEST_F(TokenizeCommand, JsonHasEveryText) {
  const std::string lines = folder_.write("lines.txt", "the\n\n[cat, {}]\r\ncat");
  EXPECT_EQ(texts({"", "{}", "%%", "cat", "--texts-file", lines}),
            json({entry("", {526, 527}), entry("{}", {526, 90, 348, 527}),
                  entry("%%", {526, 4, 260, 527}), entry("cat", {526, 515, 527}),
                  entry("the", {526, 513, 527}), entry("", {526, 527}),
                  entry("[cat, {}]\r", {526, 314, 515, 267, 90, 92, 316, 527}),
                  entry("cat", {526, 515, 527})}));
  EXPECT_EQ(texts({"--", "-7", "--json"})[0], entry("-7", {526, 268, 278, 527}));
  EXPECT_EQ(texts({std::string(76, '7')})[0]["truncated"], true);
}

TEST_F(TokenizeCommand, JsonGoesToAFile) {
  const std::string out = folder_.file("tokens.json");
  const Outcome outcome = run({"cat", "--json", out});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("cat</w>"), std::string::npos);
  EXPECT_EQ(test::read_json(out)["texts"][0], entry("cat", {526, 515, 527}));
}

TEST_F(TokenizeCommand, SaysWhatIsWrong) {
  const std::string lines = folder_.write("lines.txt", "cat\ncat \xff\n");
  EXPECT_TRUE(complained(run({"cat", "a\xe9"}), kFailure,
                         "text 2: expected text in UTF-8, got the byte 0xe9 at byte 1"));
  EXPECT_TRUE(complained(run({"--texts-file", lines}), kFailure,
                         lines + ":2: expected text in UTF-8, got the byte 0xff at byte 4"));
  EXPECT_TRUE(complained(run({"--texts-file", folder_.file("no")}), kFailure, folder_.file("no")));
  EXPECT_TRUE(complained(run({"cat", "--json", weights_}), kFailure, "would overwrite the input"));
  EXPECT_TRUE(complained(run({}), kUsage, "no texts: give TEXT or --texts-file F"));
  EXPECT_TRUE(complained(run_hewn({"tokenize", "cat"}), kUsage, "--weights"));
  EXPECT_TRUE(complained(run_hewn({"tokenize", "cat", "--weights", lines}), kFailure, lines));
}

}  // namespace
}  // namespace hewn
