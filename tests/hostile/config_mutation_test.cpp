// Label: files
#include "hewn/models/completion/completion.h"
#include "hewn/models/completion/discriminators.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/random.h"

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/support/folder.h"
#include "tests/support/mutate.h"
#include "tests/support/outcome.h"
#include "tests/support/png_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// Writes a file of this configuration without a tensor, and makes a network of it. What is not
/// refused for its configuration, but for the tensors that it has not, counts as loaded.
void load(const std::filesystem::path& path, const std::string& config) {
  write_safetensors(path, {}, {{"hewn.model", "completion"}, {"hewn.config", config}});
  try {
    CompletionNetwork{SafetensorsFile(path)};
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("conv1.weight") == std::string_view::npos) throw;
  }
}

constexpr std::string_view kConfig =
    R"({"order": "relu-bn", "input": "mean-filled", "mean": [0.5, 0.5, 0.5], "channels": 4})";

TEST(CompletionConfigMutations, LoadOrAreRefused) {
  const auto words =
      test::words(R"({ } [ ] , : " null true -1 1e300 3 1e999 NaN 0.5 "mean": [[[[ \u0 )"
                  R"(18446744073709551616 "mean-subtracted")",
                  {"\"channels\": 3"});
  const test::Folder folder;
  const auto path = folder / "weights.safetensors";
  Random random(1);
  test::Outcomes outcomes;
  for (int i = 0; i < 3000; ++i) {
    std::string config;
    for (const std::byte byte : test::mutate(test::bytes_of(kConfig), random, words)) {
      // The file's own text must be UTF-8, or the file is refused before anybody reads this.
      config += static_cast<char>(static_cast<unsigned char>(byte) & 0x7fU);
    }
    test::expect_loaded_or_refused(path.string(), outcomes, [&] { load(path, config); });
  }
  EXPECT_GT(outcomes.loaded, 50);
  EXPECT_GT(outcomes.refused, 1000);
}

TEST(CompletionConfigMutations, ValuesOfOtherTypesAreRefused) {
  const test::Folder folder;
  const auto path = folder / "weights.safetensors";
  const auto values =
      test::words(R"(null true {} [] "" -1 2.5 1e300 -0.0 [0,0] [0,0,0,0] [0,0,"0"] [0,0,{}] )"
                  R"([0,0,1e300] 3.0 4e0 [null,null,null] [-1e-30,0,0] 18446744073709551615)");
  constexpr std::string_view kRight[] = {"\"mean-filled\"", "[0, 1, 0.5]", "4"};
  test::Outcomes outcomes;
  for (std::size_t wrong = 0; wrong < std::size(kRight); ++wrong) {
    for (const std::string_view value : values) {
      const auto entry = [&](std::size_t i) { return i == wrong ? value : kRight[i]; };
      const std::string config = text_of(R"({"input": )", entry(0), R"(, "mean": )", entry(1),
                                         R"(, "channels": )", entry(2), "}");
      test::expect_loaded_or_refused(path.string(), outcomes, [&] { load(path, config); });
    }
  }
  EXPECT_EQ(outcomes.loaded, 0);
}

}  // namespace
}  // namespace hewn
