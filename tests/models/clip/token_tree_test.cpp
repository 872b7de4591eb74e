// Label: files
#include "hewn/models/clip/token_tree.h"

#include <cstdint>
#include <span>
#include <vector>

#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using Tokens = std::vector<std::int32_t>;

TEST(TokenTree, SharesWhatTextsBeginWith) {
  TokenTree tree;
  EXPECT_EQ(tree.size(), 0);
  EXPECT_EQ(tree.add(Tokens{7, 1, 2, 9}), 3);
  EXPECT_EQ(tree.add(Tokens{7, 1, 3, 9}), 5);
  EXPECT_EQ(tree.add(Tokens{7, 1, 2, 9}), 3);
  EXPECT_EQ(tree.add(Tokens{7, 1}), 1);
  EXPECT_EQ(tree.add(Tokens{8}), 6);
  EXPECT_EQ(tree.add(Tokens{8, 7}), 7);
  const auto list = [](std::span<const std::int32_t> values) {
    return Tokens(values.begin(), values.end());
  };
  EXPECT_EQ(list(tree.tokens()), (Tokens{7, 1, 2, 9, 3, 9, 8, 7}));
  EXPECT_EQ(list(tree.parents()), (Tokens{-1, 0, 1, 2, 1, 4, -1, 6}));
  EXPECT_EQ(list(tree.positions()), (Tokens{0, 1, 2, 3, 2, 3, 0, 1}));
  EXPECT_EQ(test::error_of([&] { tree.add({}); }),
            "token tree: expected a text of at least one token");
  EXPECT_EQ(tree.size(), 8);
}

}  // namespace
}  // namespace hewn
