// How a network reads the configuration in its weights file.
#include "hewn/models/layers/model_config.h"

#include "hewn/models/raft/raft.h"
#include "hewn/models/superpoint/superpoint.h"
#include "hewn/runtime/files/safetensors.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

enum class Size { small, large };

class Configuration : public testing::Test {
 protected:
  /// What `read` makes of a file with this configuration.
  template <typename Read>
  auto from(const std::string& config, const Read& read) const {
    write_safetensors(path, {}, {{"hewn.config", config}});
    const SafetensorsFile file(path);
    return read(ModelConfig(file));
  }
  /// What it then says, without the file's name in front.
  template <typename Read>
  std::string error_from(const std::string& config, const Read& read) const {
    return test::error_about(path, [&] { from(config, read); });
  }
  /// What a network says of a file with this configuration.
  template <typename Network>
  std::string error_of_network(const std::string& model, const std::string& config) const {
    write_safetensors(path, {}, {{"hewn.model", model}, {"hewn.config", config}});
    const SafetensorsFile file(path);
    return test::error_about(path, [&] { Network{file}; });
  }

  test::Folder folder;
  std::filesystem::path path = folder / "weights.safetensors";
};

std::string text(const ModelConfig& config) { return config.text("key"); }
std::int64_t integer(const ModelConfig& config) {
  return config.integer("key", std::numeric_limits<std::int64_t>::min(), 7);
}
std::vector<double> numbers(const ModelConfig& config) {
  return config.numbers("key", 3, -3, 1e30);
}
Size choice(const ModelConfig& config) {
  return config.choice<Size>("key", {{"small", Size::small}, {"large", Size::large}});
}
std::vector<std::string> texts(const ModelConfig& config) { return config.texts("key"); }
bool is_there(const ModelConfig& config) { return config.has("key"); }
bool is_four(const ModelConfig& config) {
  config.expect("key", 4);
  return true;
}

TEST_F(Configuration, IsRead) {
  EXPECT_EQ(from(R"({"key": "a\n½"})", text), "a\n½");
  EXPECT_EQ(from(R"({"key": -7})", integer), -7);
  EXPECT_EQ(from(R"({"key": 7})", integer), 7);
  EXPECT_EQ(from(R"({"key": -9223372036854775808})", integer),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(from(R"({"key": [0.25, -3, 1e30]})", numbers), (std::vector<double>{0.25, -3, 1e30}));
  EXPECT_EQ(from(R"({"key": "small"})", choice), Size::small);
  EXPECT_EQ(from(R"({"other": [], "key": "large"})", choice), Size::large);
  EXPECT_TRUE(from(R"({"key": 4})", is_four));
  EXPECT_EQ(from(R"({"key": ["a", "", "½\n"]})", texts),
            (std::vector<std::string>{"a", "", "½\n"}));
  EXPECT_TRUE(from(R"({"key": []})", texts).empty());
  for (const char* value : {"0", "false", "\"\"", "[]", "{}"}) {
    EXPECT_TRUE(from(text_of(R"({"key": )", value, "}"), is_there)) << value;
  }
  EXPECT_FALSE(from(R"({"key": null})", is_there));
  EXPECT_FALSE(from(R"({"Key": 1})", is_there));
}

TEST_F(Configuration, SaysWhatWasExpectedAndWhatCame) {
  const auto expected = [](const std::string& what, const std::string& came) {
    return "hewn.config: key: expected " + what + ", got " + came;
  };
  EXPECT_EQ(error_from(R"({"key": 3})", text), expected("a string", "3"));
  EXPECT_EQ(error_from("{}", text), expected("a string", "none"));

  const std::string small = "an integer from -9223372036854775808 to 7";
  for (const char* came : {"3.0", "true", "8", "9223372036854775807", "9223372036854775808"}) {
    EXPECT_EQ(error_from(text_of(R"({"key": )", came, "}"), integer), expected(small, came));
  }
  EXPECT_EQ(error_from("{}", integer), expected(small, "none"));

  const std::string three = "3 numbers from -3 to 1e+30";
  for (const char* came :
       {"[1,2]", "[1,2,\"3\"]", "[1,2,-3.5]", "[1,2,1e+300]", R"({"b":3,"g":2,"r":1})"}) {
    EXPECT_EQ(error_from(text_of(R"({"key": )", came, "}"), numbers), expected(three, came));
  }
  EXPECT_EQ(error_from("{}", numbers), expected(three, "none"));

  EXPECT_EQ(error_from(R"({"key": "huge"})", choice), expected("small or large", R"("huge")"));
  EXPECT_EQ(error_from(R"({"key": ["small"]})", choice),
            expected("small or large", R"(["small"])"));
  EXPECT_EQ(error_from("{}", choice), expected("small or large", "none"));

  for (const char* came : {"null", "\"a\"", "[\"a\",1]", "[null]", R"({"a":"b"})"}) {
    EXPECT_EQ(error_from(text_of(R"({"key": )", came, "}"), texts),
              expected("a list of strings", came));
  }
  EXPECT_EQ(error_from("{}", texts), expected("a list of strings", "none"));

  EXPECT_EQ(error_from(R"({"key": 3})", is_four), expected("4", "3"));
  EXPECT_EQ(error_from("{}", is_four), expected("4", "none"));
}

TEST_F(Configuration, ThatIsNoObject) {
  // No number of JSON is infinite.
  for (const char* config : {"", "4", "[]", "{", R"({"key": NaN})", R"({"key": [1, 2, 1e400]})"}) {
    EXPECT_EQ(error_from(config, numbers), "hewn.config: expected a JSON object") << config;
    EXPECT_EQ(error_from(config, is_there), "hewn.config: expected a JSON object") << config;
  }
}

TEST_F(Configuration, ErrorsStayShort) {
  EXPECT_EQ(error_from(R"({"key": ")" + std::string(100'000, 'a') + R"("})", choice),
            "hewn.config: key: expected small or large, got \"" + std::string(59, 'a') + "...");
  EXPECT_EQ(error_from(R"({"key": ")"
                       "\\n½"
                       R"("})",
                       choice),
            R"(hewn.config: key: expected small or large, got "\n\u00bd")");
  const std::string nested = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(error_from(R"({"key": )" + nested + "}", numbers),
            "hewn.config: key: expected 3 numbers from -3 to 1e+30, got a nested array");
}

TEST_F(Configuration, OfNetworksNamesTheirVariants) {
  EXPECT_EQ(error_of_network<Raft>("raft", R"({"variant": "huge"})"),
            R"(hewn.config: variant: expected large or small, got "huge")");
  EXPECT_EQ(error_of_network<SuperPoint>(
                "superpoint", R"({"form": "magicleap", "descriptor_sampling": "nearest"})"),
            "hewn.config: descriptor_sampling: expected none, magicleap or half-pixel, "
            R"(got "nearest")");
}

}  // namespace
}  // namespace hewn
