#include "hewn/runtime/isa/isa.h"

#include <cstdlib>
#include <string>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;

/// HEWN_ISA as it is to be within a scope.
class ForcedIsa {
 public:
  explicit ForcedIsa(const char* value) {
    if (const char* before = std::getenv(kVariable)) before_ = before;
    value == nullptr ? unsetenv(kVariable) : setenv(kVariable, value, 1);
  }
  ~ForcedIsa() { before_ ? setenv(kVariable, before_->c_str(), 1) : unsetenv(kVariable); }
  ForcedIsa(const ForcedIsa&) = delete;
  ForcedIsa& operator=(const ForcedIsa&) = delete;

 private:
  static constexpr const char* kVariable = "HEWN_ISA";
  std::optional<std::string> before_;
};

/// "usable here: avx2, scalar", as errors end.
std::string usable_here() {
  std::string names;
  for (Isa isa : test::usable_isas()) names += text_of(names.empty() ? "" : ", ", isa_name(isa));
  return "usable here: " + names;
}

TEST(Isa, TheTableIsCompleteAndScalarAlwaysWorks) {
  ASSERT_EQ(isa_table().size(), 5U);
  for (const IsaInfo& info : isa_table()) {
    EXPECT_EQ(isa_name(info.isa), info.name);
    EXPECT_EQ(&isa_info(info.isa), &info);
    EXPECT_EQ(info.fused, info.isa != Isa::sse42);
    EXPECT_FALSE(info.features.empty());
    EXPECT_FALSE(info.supported && !info.compiled);
  }
  const IsaInfo& last = isa_table().back();
  EXPECT_EQ(last.isa, Isa::scalar);
  EXPECT_TRUE(last.compiled && last.supported);
}

TEST(Isa, ParsesWhatIsUsableAndListsItOtherwise) {
  for (const IsaInfo& info : isa_table()) {
    if (info.compiled && info.supported) {
      EXPECT_EQ(parse_isa(info.name), info.isa);
      continue;
    }
    const std::string message = error_of([&] { parse_isa(info.name); });
    EXPECT_TRUE(message.starts_with(text_of("instruction set '", info.name, "' is not ")))
        << message;
    EXPECT_TRUE(message.ends_with(usable_here())) << message;
  }
  EXPECT_EQ(error_of([] { parse_isa("mmx"); }), "unknown instruction set 'mmx'; " + usable_here());
  EXPECT_EQ(error_of([] { parse_isa("AVX2"); }),
            "unknown instruction set 'AVX2'; " + usable_here());
}

TEST(Isa, TheEnvironmentForcesOne) {
  {
    const ForcedIsa forced("scalar");
    EXPECT_EQ(default_isa(), Isa::scalar);
    EXPECT_EQ(Context({.threads = 1}).isa(), Isa::scalar);
  }
  for (const char* nothing : {static_cast<const char*>(nullptr), ""}) {
    const ForcedIsa forced(nothing);
    EXPECT_EQ(default_isa(), test::usable_isas().front());
  }
  const ForcedIsa forced("nonsense");
  EXPECT_EQ(error_of([] { Context{}; }), "unknown instruction set 'nonsense'; " + usable_here());
  // A Context that is told its instruction set does not ask the environment.
  EXPECT_EQ(Context({.threads = 1, .isa = Isa::scalar}).isa(), Isa::scalar);
}

}  // namespace
}  // namespace hewn
