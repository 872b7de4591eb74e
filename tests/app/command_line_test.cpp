// Help and the errors of a command line: status 0 and 2.
#include "hewn/runtime/version.h"

#include <string>
#include <vector>

#include "tests/app/program.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Arguments;
using test::complained;
using test::Outcome;
using test::run_hewn;

TEST(CommandLine, HelpHasExamplesAndSucceeds) {
  const std::vector<Arguments> commands{
      {},        {"keypoints"},          {"match"}, {"inspect"},       {"cpu"},
      {"bench"}, {"bench", "keypoints"}, {"flow"},  {"bench", "flow"}, {"tokenize"}};
  for (Arguments arguments : commands) {
    arguments.emplace_back("--help");
    const Outcome outcome = run_hewn(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_NE(outcome.out.find("Examples:"), std::string::npos) << outcome.out;
    const bool takes_options = arguments.size() > 1 && arguments != Arguments{"bench", "--help"};
    if (!takes_options) continue;
    for (const char* option : {"--threads", "--precise", "--quiet"}) {
      EXPECT_NE(outcome.out.find(option), std::string::npos) << arguments[0] << ' ' << option;
    }
  }
}

TEST(CommandLine, VersionIsOneLine) {
  const Outcome outcome = run_hewn({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "hewn " + version() + "\n");
}

struct Wrong {
  Arguments arguments;
  std::string complaint;
};

TEST(CommandLine, EveryMistakeIsOneLineAndStatusTwo) {
  const std::vector<Wrong> mistakes{
      {{}, "no command"},
      {{"paint"}, "paint"},
      {{"keypoints"}, "IMG"},
      {{"keypoints", "a.png"}, "--random-weights"},
      {{"keypoints", "a.png", "--weights"}, "--weights"},
      {{"keypoints", "a.png", "--weights", "w", "--random-weights", "1"}, "--random-weights"},
      {{"keypoints", "a.png", "--random-weights", "x"}, "--random-weights"},
      {{"keypoints", "a.png", "--random-weights", "-1"}, "--random-weights"},
      {{"keypoints", "a.png", "--random-weights", "1", "--sharpen"}, "--sharpen"},
      {{"keypoints", "a.png", "--random-weights", "1", "--threads", "0"}, "--threads"},
      {{"keypoints", "a.png", "--random-weights", "1", "--threads", "1025"}, "--threads"},
      {{"keypoints", "a.png", "--random-weights", "1", "--threads", "many"}, "--threads"},
      {{"keypoints", "a.png", "--random-weights", "1", "--threshold", "-0.1"}, "--threshold"},
      {{"keypoints", "a.png", "--random-weights", "1", "--threshold", "nan"}, "--threshold"},
      {{"keypoints", "a.png", "--random-weights", "1", "--nms-radius", "-1"}, "--nms-radius"},
      {{"keypoints", "a.png", "--random-weights", "1", "--nms-radius", "1.5"}, "--nms-radius"},
      {{"keypoints", "a.png", "--random-weights", "1", "--border", "1e30"}, "--border"},
      {{"keypoints", "a.png", "--random-weights", "1", "--max-keypoints", "-1"}, "--max-keypoints"},
      {{"keypoints", "a.png", "--random-weights", "1", "--descriptors"}, "--json"},
      {{"keypoints", "a.png", "--random-weights", "1", "--dense-descriptors"}, "--dump"},
      {{"keypoints", "a.png", "--random-weights", "1", "--seed", "1"}, "--homographic-adaptation"},
      {{"keypoints", "a.png", "--random-weights", "1", "--homographic-adaptation", "2", "--seed",
        "-1"},
       "--seed"},
      {{"keypoints", "a.png", "--random-weights", "1", "--homographic-adaptation", "0"},
       "--homographic-adaptation"},
      {{"match"}, "A"},
      {{"match", "a.png"}, "B"},
      {{"match", "a.png", "b.png", "c.png", "--random-weights", "1"}, "c.png"},
      {{"match", "a.png", "b.png"}, "--random-weights"},
      {{"match", "a.png", "b.png", "--random-weights", "1", "--ratio", "0"}, "--ratio"},
      {{"match", "a.png", "b.png", "--random-weights", "1", "--ratio", "1.5"}, "--ratio"},
      {{"match", "a.png", "b.png", "--random-weights", "1", "--ransac-threshold", "0"},
       "--ransac-threshold"},
      {{"inspect"}, "FILE"},
      {{"inspect", "a", "more"}, "more"},
      {{"cpu", "now"}, "now"},
      {{"bench"}, "no command"},
      {{"bench", "breakfast"}, "breakfast"},
      {{"bench", "keypoints"}, "--random-weights"},
      {{"bench", "keypoints", "--random-weights", "1", "--size", "480"}, "--size"},
      {{"bench", "keypoints", "--random-weights", "1", "--size", "480x640x3"}, "--size"},
      {{"bench", "keypoints", "--random-weights", "1", "--size", "7x640"}, "--size"},
      {{"bench", "keypoints", "--random-weights", "1", "--size", "99999999x64"}, "--size"},
      {{"bench", "keypoints", "--random-weights", "1", "--repeat", "0"}, "--repeat"},
      {{"bench", "flow", "--random-weights", "1", "--size", "63x640"}, "--size"},
      {{"bench", "flow", "--random-weights", "1", "--iters", "0"}, "--iters"},
  };
  for (const Wrong& wrong : mistakes) {
    const Outcome outcome = run_hewn(wrong.arguments);
    EXPECT_TRUE(complained(outcome, 2, wrong.complaint)) << testing::PrintToString(wrong.arguments);
    EXPECT_NE(outcome.err.find("--help'"), std::string::npos) << outcome.err;
  }
}

TEST(CommandLine, ComplaintsNameTheHelpOfTheCommand) {
  const Outcome outcome =
      run_hewn({"bench", "keypoints", "--random-weights", "1", "--repeat", "0"});
  EXPECT_NE(outcome.err.find("'hewn bench keypoints --help'"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace hewn
