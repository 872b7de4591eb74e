// Label: files
#include "hewn/runtime/pictures/image.h"
#include "hewn/runtime/random.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/data_folder.h"
#include "tests/support/folder.h"
#include "tests/support/mutate.h"
#include "tests/support/outcome.h"
#include "tests/support/png_file.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Bytes;
using test::bytes_of;
using test::Outcomes;
using test::png_file;
using test::repair_checksums;

/// Reads a picture, and what a caller makes of it.
void load(const Bytes& file) {
  const Image image = decode_image(file, "f");
  ASSERT_EQ(image.values.size(),
            static_cast<std::size_t>(image.width * image.height * image.channels));
  static_cast<void>(to_gray(image));  // throws when the fields do not agree
}

Bytes random_rows(std::int64_t rows, std::int64_t row_bytes, Random& random) {
  Bytes bytes;
  for (std::int64_t row = 0; row < rows; ++row) {
    bytes.push_back(static_cast<std::byte>(random.integer(0, 4)));
    for (std::int64_t i = 0; i < row_bytes; ++i) {
      // Few values, so that the compressed stream has matches and its own codes.
      bytes.push_back(static_cast<std::byte>(random.integer(0, 5) * 40));
    }
  }
  return bytes;
}

/// The rows of the seven passes (Adam7) over 8 × 8 pixels of two bytes.
Bytes interlaced_rows(Random& random) {
  Bytes rows;
  for (const auto& [count, row_bytes] :
       {std::pair{1, 2}, {1, 2}, {1, 4}, {2, 4}, {2, 8}, {4, 8}, {4, 16}}) {
    const Bytes pass = random_rows(count, row_bytes, random);
    rows.insert(rows.end(), pass.begin(), pass.end());
  }
  return rows;
}

/// One small file for each path through the decoder.
std::vector<Bytes> png_seeds() {
  Random random(7);
  return {
      png_file({.width = 9, .height = 7}, random_rows(7, 9, random)),
      png_file({.width = 9, .height = 7, .depth = 1}, random_rows(7, 2, random)),
      png_file({.width = 12, .height = 9, .depth = 16, .color = 6}, random_rows(9, 96, random)),
      png_file({.width = 10, .height = 4, .color = 2}, random_rows(4, 30, random),
               {{"tRNS", bytes_of({0, 40, 0, 80, 0, 120})}}),
      png_file({.width = 8, .height = 8, .depth = 4, .color = 3}, random_rows(8, 4, random),
               {{"PLTE", bytes_of({1, 2, 3, 4, 5, 6, 7, 8, 9})}, {"tRNS", bytes_of({1, 2})}}),
      png_file({.width = 8, .height = 8, .color = 4, .interlace = 1}, interlaced_rows(random)),
  };
}

TEST(PngMutations, LoadOrAreRefused) {
  Random random(1);
  Outcomes outcomes;
  for (const Bytes& seed : png_seeds()) {
    ASSERT_NO_THROW(load(seed));
    for (int i = 0; i < 2000; ++i) {
      const Bytes file = test::mutate(seed, random);
      test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
    }
  }
  EXPECT_GT(outcomes.refused, 10'000);  // hardly any damage gets past the checksums
}

TEST(PngMutations, WithTheirChecksumsMadeRightLoadOrAreRefused) {
  constexpr std::string_view kWords[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "CgBI", "acTL"};
  Random random(2);
  Outcomes outcomes;
  for (const Bytes& seed : png_seeds()) {
    for (int i = 0; i < 5000; ++i) {
      Bytes file = test::mutate(seed, random, kWords);
      repair_checksums(file);
      test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
    }
  }
  EXPECT_GT(outcomes.loaded, 300);
  EXPECT_GT(outcomes.refused, 10'000);
}

TEST(PngMutations, HeadersWithEveryFieldExtremeLoadOrAreRefused) {
  constexpr std::uint32_t kSides[] = {0, 1, 7, 8, 9, 0xffff, 0x1000000, 0x7fffffff, 0xffffffff};
  const Bytes rows(64);
  Outcomes outcomes;
  for (std::uint32_t width : kSides) {
    for (std::uint32_t height : kSides) {
      for (int depth : {0, 1, 2, 3, 4, 8, 16, 17, 255}) {
        for (int color = 0; color < 8; ++color) {
          for (int interlace : {0, 1, 2}) {
            const Bytes file = png_file({width, height, depth, color, interlace}, rows,
                                        {{"PLTE", bytes_of({1, 2, 3})}});
            test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
          }
        }
      }
    }
  }
  EXPECT_GT(outcomes.loaded, 100);
}

TEST(JpegMutations, LoadOrAreRefused) {
  const std::filesystem::path data = test::data_folder();
  Random random(3);
  for (const char* name : {"baseline.jpg", "progressive.jpg"}) {
    const Bytes seed = bytes_of(test::read_text(data / name));
    Outcomes outcomes;
    for (int i = 0; i < 10'000; ++i) {
      const Bytes file = test::mutate(seed, random);
      test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
    }
    EXPECT_GT(outcomes.loaded, 100);
    EXPECT_GT(outcomes.refused, 1000);
  }
}

TEST(PnmMutations, LoadOrAreRefused) {
  constexpr std::string_view kWords[] = {"P5", "P6",  "#",     "\n",         " ",
                                         "0",  "255", "65535", "99999999999"};
  Random random(4);
  for (const Bytes& seed :
       {bytes_of("P5 # comment\n3 2\n255\nabcdef"), bytes_of("P6\n2 1 65535\nabcdefghijkl")}) {
    Outcomes outcomes;
    for (int i = 0; i < 5000; ++i) {
      const Bytes file = test::mutate(seed, random, kWords);
      test::expect_loaded_or_refused("f", outcomes, [&] { load(file); });
    }
    EXPECT_GT(outcomes.loaded, 100);
    EXPECT_GT(outcomes.refused, 1000);
  }
}

}  // namespace
}  // namespace hewn
