// Label: files
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/files/safetensors_header.h"
#include "hewn/runtime/random.h"

#include <cstring>
#include <string_view>
#include <vector>

#include "tests/support/folder.h"
#include "tests/support/mutate.h"
#include "tests/support/outcome.h"
#include "tests/support/png_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Bytes;
using test::Outcomes;

/// A file with a tensor of every dtype, an empty one, and metadata.
Bytes seed_file() {
  const test::Folder folder;
  const auto path = folder / "seed.safetensors";
  const Bytes data(24, std::byte{0x3c});
  const auto first = [&](std::size_t size) { return std::span(data).first(size); };
  const std::vector<TensorToWrite> tensors{{"conv1a.weight", Dtype::float32, {1, 2, 3}, first(24)},
                                           {"conv1a.bias", Dtype::float16, {3}, first(6)},
                                           {"empty", Dtype::float32, {0, 4}, {}},
                                           {"scale", Dtype::bfloat16, {}, first(2)},
                                           {"steps", Dtype::int64, {1, 1}, first(8)}};
  write_safetensors(path, tensors, {{"hewn.model", "superpoint"}, {"hewn.format", "1"}});
  return test::bytes_of(test::read_text(path));
}

std::uint64_t header_size(const Bytes& file) {
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  return size;
}

/// Reads everything that a caller might.
void load(const Bytes& file) {
  const auto contents = detail::parse_safetensors(file, "f");
  for (const TensorEntry& tensor : contents.tensors) {
    ASSERT_EQ(tensor.data.size(),
              static_cast<std::size_t>(tensor.shape.count()) * dtype_size(tensor.dtype));
    if (tensor.dtype == Dtype::int64) continue;
    std::vector<float> values(static_cast<std::size_t>(tensor.shape.count()));
    widen(tensor.data, tensor.dtype, values);
  }
}

TEST(SafetensorsMutations, OfTheWholeFileLoadOrAreRefused) {
  const Bytes seed = seed_file();
  Random random(1);
  Outcomes outcomes;
  for (int i = 0; i < 10'000; ++i) {
    const Bytes file = test::mutate(seed, random);
    test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
  }
  EXPECT_GT(outcomes.loaded, 100);  // bits of the data, names and metadata may be anything
  EXPECT_GT(outcomes.refused, 5000);
}

TEST(SafetensorsMutations, OfTheHeaderWithItsLengthMadeRightLoadOrAreRefused) {
  const auto words =
      test::words(R"({ } [ ] , : " "a": -1 1.5 1e999 null true \u0000 \ud800 "F32" "F64" )"
                  R"(__metadata__ [[[[ 0 18446744073709551616 [0,8] {"a": 9223372036854775807)",
                  {"\n"});
  const Bytes seed = seed_file();
  const auto json_end = seed.begin() + 8 + static_cast<std::ptrdiff_t>(header_size(seed));
  Random random(2);
  Outcomes outcomes;
  for (int i = 0; i < 20'000; ++i) {
    const Bytes json = test::mutate({seed.begin() + 8, json_end}, random, words);
    const std::uint64_t size = json.size();
    Bytes file(sizeof size);
    std::memcpy(file.data(), &size, sizeof size);
    file.insert(file.end(), json.begin(), json.end());
    file.insert(file.end(), json_end, seed.end());
    test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
  }
  EXPECT_GT(outcomes.loaded, 100);
  EXPECT_GT(outcomes.refused, 10'000);
}

TEST(SafetensorsMutations, EveryTruncationAndEveryFlippedBitOfTheHeaderLoadsOrIsRefused) {
  const Bytes seed = seed_file();
  Outcomes truncated;
  for (std::size_t size = 0; size < seed.size(); ++size) {
    const Bytes file(seed.begin(), seed.begin() + static_cast<std::ptrdiff_t>(size));
    test::expect_loaded_or_refused("f", truncated, [&] { load(file); });
  }
  EXPECT_EQ(truncated.loaded, 0);
  Outcomes flipped;
  for (std::size_t bit = 0; bit < 8 * (8 + header_size(seed)); ++bit) {
    Bytes file = seed;
    file[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    test::expect_loaded_or_refused("f", flipped, [&] { load(file); });
  }
  EXPECT_GT(flipped.refused, flipped.loaded);
}

}  // namespace
}  // namespace hewn
