// Label: files
#include "hewn/runtime/pictures/image.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/data_folder.h"
#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include "tests/support/png_file.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::bytes_of;
using test::error_of;
using test::Folder;
using test::png_file;

const std::filesystem::path kData = test::data_folder();

Image random_image(std::int64_t width, std::int64_t height, std::int64_t channels, int bits,
                   test::Random& random) {
  Image image{.width = width, .height = height, .channels = channels, .bits = bits, .values = {}};
  image.values.resize(static_cast<std::size_t>(width * height * channels));
  for (std::uint16_t& value : image.values) {
    value = static_cast<std::uint16_t>(random.integer(0, bits == 8 ? 255 : 65535));
  }
  return image;
}

void expect_equal(const Image& got, const Image& expected) {
  EXPECT_EQ(got.width, expected.width);
  EXPECT_EQ(got.height, expected.height);
  EXPECT_EQ(got.channels, expected.channels);
  EXPECT_EQ(got.bits, expected.bits);
  EXPECT_EQ(got.values, expected.values);
}

/// What decoding these bytes says.
std::string error_for(const test::Bytes& file) {
  return error_of([&] { decode_image(file, "x.png"); });
}

TEST(Png, WhatIsWrittenIsRead) {
  const Folder folder;
  const auto path = folder / "picture.png";
  test::Random random(1);
  for (int bits : {8, 16}) {
    for (std::int64_t channels : {1, 2, 3, 4}) {
      for (const auto& [width, height] : {std::pair{1, 1}, {1, 17}, {33, 5}, {2, 2}}) {
        SCOPED_TRACE(text_of(width, "×", height, "×", channels, ", ", bits, " bits"));
        const Image image = random_image(width, height, channels, bits, random);
        write_png(path, image);
        expect_equal(read_image(path), image);
      }
    }
  }
  EXPECT_EQ(folder.listing().size(), 1U);
}

TEST(Png, SmoothPicturesCompress) {
  const Folder folder;
  const auto path = folder / "picture.png";
  Image ramp{.width = 256, .height = 256, .channels = 1, .bits = 8, .values = {}};
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) ramp.values.push_back(static_cast<std::uint16_t>((x + y) / 2));
  }
  write_png(path, ramp);
  // Filtered rows are all but constant: a tenth of the pixels' bytes is generous.
  EXPECT_LT(std::filesystem::file_size(path), ramp.values.size() / 10);
  expect_equal(read_image(path), ramp);
}

TEST(Png, ReadsWhatOtherProgramsWrite) {
  // One bit a pixel, in rows padded to whole bytes, becomes 0 or 255.
  const Image bitmap = decode_image(
      png_file({.width = 9, .height = 2, .depth = 1}, bytes_of({0, 0x81, 0x80, 0, 0x00, 0x00})),
      "1 bit");
  EXPECT_EQ(bitmap.values, (std::vector<std::uint16_t>{255, 0, 0, 0, 0, 0, 0, 255, 255,  //
                                                       0, 0, 0, 0, 0, 0, 0, 0, 0}));
  // A palette is expanded; entries that it lacks are black.
  const Image palette = decode_image(png_file({.width = 3, .color = 3}, bytes_of({0, 1, 0, 9}),
                                              {{"PLTE", bytes_of({1, 2, 3, 4, 5, 6})}}),
                                     "palette");
  EXPECT_EQ(palette.channels, 3);
  EXPECT_EQ(palette.values, (std::vector<std::uint16_t>{4, 5, 6, 1, 2, 3, 0, 0, 0}));
  // One gray level that is transparent makes an alpha channel.
  const Image transparent = decode_image(
      png_file({.width = 2}, bytes_of({0, 7, 8}), {{"tRNS", bytes_of({0, 7})}}), "tRNS");
  EXPECT_EQ(transparent.channels, 2);
  EXPECT_EQ(transparent.values, (std::vector<std::uint16_t>{7, 0, 8, 255}));
  // Interlaced 2 × 2: pass 1 has (0, 0), pass 6 has (1, 0), pass 7 the second row.
  const Image interlaced = decode_image(
      png_file({.width = 2, .height = 2, .interlace = 1}, bytes_of({0, 10, 0, 20, 0, 30, 40})),
      "interlaced");
  EXPECT_EQ(interlaced.values, (std::vector<std::uint16_t>{10, 20, 30, 40}));
  // Chunks that need not be understood are passed over.
  const Image annotated = decode_image(
      png_file({}, bytes_of({0, 77}), {{"tEXt", bytes_of("Comment\0none")}}), "annotated");
  EXPECT_EQ(annotated.values, (std::vector<std::uint16_t>{77}));
}

TEST(Png, NamesWhatIsDamaged) {
  const test::Bytes good = png_file({}, bytes_of({0, 77}));
  test::Bytes flipped = good;
  flipped[good.size() - 20] ^= std::byte{1};  // in IDAT's data
  EXPECT_EQ(error_for(flipped), "x.png: chunk IDAT: the checksum is wrong; the file is damaged");
  EXPECT_EQ(error_for({good.begin(), good.end() - 12}),
            "x.png: the file ends before its chunk IEND");
  EXPECT_EQ(error_for({good.begin(), good.begin() + 12}),
            "x.png: the file ends before its chunk IEND");
  test::Bytes long_chunk = good;
  long_chunk[8] = std::byte{0x7f};
  EXPECT_EQ(error_for(long_chunk),
            text_of("x.png: chunk IHDR: expected 2130706445 bytes, but the file ends after ",
                    good.size() - 8 - 12));
  EXPECT_EQ(error_for(test::png_of_chunks({{"IDAT", {}}, {"IEND", {}}})),
            "x.png: expected a chunk IHDR of 13 bytes first, got IDAT of 0");
  EXPECT_EQ(error_for(test::png_of_chunks({{"IHDR", test::ihdr({})}, {"\nNEW", {}}, {"IEND", {}}})),
            "x.png: chunk ?NEW is not known, and the picture cannot do without it");
  EXPECT_EQ(error_for(test::png_of_chunks({{"IHDR", test::ihdr({})}, {"IEND", {}}})),
            "x.png: cannot be decoded: no IDAT");
  EXPECT_EQ(error_for(test::png_of_chunks({{"IHDR", test::ihdr({})}, {"NEWS", {}}, {"IEND", {}}})),
            "x.png: chunk NEWS is not known, and the picture cannot do without it");
  EXPECT_EQ(error_for(png_file({.color = 3}, bytes_of({0, 0}), {{"PLTE", bytes_of({1, 2})}})),
            "x.png: chunk PLTE: expected up to 768 bytes, three to an entry, got 2");
  EXPECT_EQ(error_for(png_file({.width = 4}, bytes_of({0, 77}))),
            "x.png: cannot be decoded: not enough pixels");
}

TEST(Png, CannotClaimMoreThanTheFileCanHold) {
  EXPECT_EQ(error_for(png_file({.width = 0}, {})),
            "x.png: expected 1 to 268435456 pixels, got 0×1");
  EXPECT_EQ(error_for(png_file({.width = 1U << 15U, .height = 1U << 15U}, {})),
            "x.png: expected 1 to 268435456 pixels, got 32768×32768");
  const test::Bytes lie = png_file({.width = 10000, .height = 10000}, bytes_of({0, 77}));
  EXPECT_EQ(error_for(lie), text_of("x.png: cannot be decoded: 10000×10000 pixels do not fit into ",
                                    lie.size(), " bytes of PNG"));
  EXPECT_EQ(error_of([&] {
              decode_image(png_file({.width = 3}, bytes_of({0, 1, 2, 3})), "x", 2);
            }),
            "x: expected 1 to 2 pixels, got 3×1");
}

TEST(Png, ASmallPictureCannotInflateToManyBytes) {
  // 16 MiB of zeros, some 160 KiB when compressed, in place of two bytes.
  const test::Bytes bomb = png_file({}, test::Bytes(std::size_t{1} << 24U));
  EXPECT_LT(bomb.size(), 1U << 18U);
  EXPECT_EQ(error_for(bomb), "x.png: cannot be decoded: outofmem");
}

TEST(Png, RefusesToWriteWhatIsNoPicture) {
  const Folder folder;
  const auto path = folder / "picture.png";
  test::write_file(path, "precious");
  const auto error = [&](const Image& image) {
    return test::error_about(path.string() + ": image", [&] { write_png(path, image); });
  };
  EXPECT_EQ(error({.width = 1, .height = 1, .channels = 5, .bits = 8, .values = {}}),
            "expected 1 to 4 channels, got 5");
  EXPECT_EQ(error({.width = 1, .height = 1, .channels = 1, .bits = 12, .values = {1}}),
            "expected 8 or 16 bits, got 12");
  EXPECT_EQ(error({.width = 2, .height = 1, .channels = 1, .bits = 8, .values = {1}}),
            "expected 2 values for 2×1 pixels of 1 channels, got 1");
  EXPECT_EQ(error({.width = 1, .height = 1, .channels = 1, .bits = 8, .values = {256}}),
            "expected values up to 255, got 256");
  EXPECT_EQ(error({.width = 0, .height = 5, .channels = 1, .bits = 8, .values = {}}),
            "expected at least one pixel, got 0×5");
  EXPECT_EQ(test::read_text(path), "precious");
  EXPECT_EQ(folder.listing().size(), 1U);
}

TEST(Jpeg, IsNearThePictureItWasMadeFrom) {
  for (const auto& [name, tolerance] : {std::pair{"baseline.jpg", 6}, {"progressive.jpg", 30}}) {
    // Pillow decodes the one to within 5 of the original, the other, with a quarter of the color
    // samples, to within 20; other decoders differ in how they interpolate those.
    const Image image = read_image(kData / name);
    EXPECT_EQ(image.width, 17);
    EXPECT_EQ(image.height, 9);
    EXPECT_EQ(image.bits, 8);
    ASSERT_EQ(image.channels, 3);
    for (int y = 0; y < 9; ++y) {
      for (int x = 0; x < 17; ++x) {
        const std::uint16_t* pixel = &image.values[static_cast<std::size_t>(y * 17 + x) * 3];
        EXPECT_NEAR(pixel[0], 15 * x, tolerance) << name << " " << x << "," << y;
        EXPECT_NEAR(pixel[1], 28 * y, tolerance) << name << " " << x << "," << y;
        EXPECT_NEAR(pixel[2], 255 - 15 * x, tolerance) << name << " " << x << "," << y;
      }
    }
  }
}

TEST(Jpeg, CannotClaimMoreThanTheFileCanHold) {
  test::Bytes file = bytes_of(test::read_text(kData / "baseline.jpg"));
  // The frame's marker, then its length, the bits of a sample, the height and the width.
  std::size_t frame = 0;
  while (file[frame] != std::byte{0xff} || file[frame + 1] != std::byte{0xc0}) ++frame;
  file[frame + 5] = file[frame + 7] = std::byte{0x20};
  EXPECT_EQ(error_for(file),
            "x.png: cannot be decoded: 8209×8201 pixels do not fit into 393 bytes "
            "of JPEG");
  EXPECT_EQ(error_of([&] { decode_image(file, "x", 1000); }),
            "x: expected at most 1000 pixels, got 8209×8201");
}

TEST(Pnm, ScalesToTheWholeRange) {
  const Image gray =
      decode_image(bytes_of("P5 # a comment\n3 1\n# another\n4\n" + std::string("\0\1\4", 3)), "x");
  EXPECT_EQ(gray.channels, 1);
  EXPECT_EQ(gray.values, (std::vector<std::uint16_t>{0, 64, 255}));
  const Image deep = decode_image(bytes_of("P5 2 1 65535 " + std::string("\x12\x34\xff\xff")), "x");
  EXPECT_EQ(deep.bits, 16);
  EXPECT_EQ(deep.values, (std::vector<std::uint16_t>{0x1234, 65535}));
  const Image color = decode_image(bytes_of("P6\n1 2\n255\nabcdef"), "x");
  EXPECT_EQ(color.channels, 3);
  EXPECT_EQ(color.height, 2);
  EXPECT_EQ(color.values, (std::vector<std::uint16_t>{'a', 'b', 'c', 'd', 'e', 'f'}));
}

TEST(Pnm, NamesWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"P5", "header: expected a width from 1 to 1073741824"},
      {"P5 # no end", "header: expected a width from 1 to 1073741824"},
      {"P5 0 1 255 x", "header: expected a width from 1 to 1073741824"},
      {"P5 1 99999999999999999999 255 x", "header: expected a height from 1 to 1073741824"},
      {"P5 1 1 65536 x", "header: expected a maximum from 1 to 65535"},
      {"P5 1 1 255", "header: expected white space after the maximum"},
      {"P5 1 1 255x", "header: expected white space after the maximum"},
      {"P5 2 2 255 xyz", "expected 4 bytes of pixels, got 3"},
      {"P5 2 1 256 xyz", "expected 4 bytes of pixels, got 3"},
      {"P5 1 1 4 x", "expected pixels up to 4, got 120"},
      {"P6 100000 100000 255 x", "expected at most 268435456 pixels, got 100000×100000"},
  };
  for (const auto& [bad, expected] : cases) {
    const std::string file = bad;  // clang 14 captures no structured bindings
    EXPECT_EQ(error_of([&] { decode_image(bytes_of(file), "x"); }), "x: " + expected) << file;
  }
}

TEST(ReadImage, RefusesWhatIsNoPicture) {
  const Folder folder;
  const auto path = folder / "x.png";
  const std::string where = path.string() + ": ";
  const auto error = [&] { return error_of([&] { read_image(path); }); };
  EXPECT_EQ(error(), where + "cannot be read: No such file or directory");
  test::write_file(path, "");
  EXPECT_EQ(error(), where + "the file is empty");
  test::write_file(path, "Dear reader,\n");
  EXPECT_EQ(error(),
            where +
                "expected a PNG, JPEG, PGM or PPM picture, got a file that begins like none "
                "of them");
  EXPECT_EQ(error_of([&] { read_image(folder.path()); }),
            folder.path().string() + ": expected a file, got a directory");
}

TEST(ToGray, IsPillowsConversion) {
  // Pillow 13: Image.fromarray(rgb).convert("L") of these pixels.
  const Image image{.width = 5,
                    .height = 1,
                    .channels = 3,
                    .bits = 8,
                    .values = {255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 200, 100, 50}};
  const Tensor gray = to_gray(image);
  ASSERT_EQ(gray.shape(), (Nhwc{1, 1, 5, 1}));
  const std::vector<float> expected{76, 150, 29, 2, 124};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(gray.values()[i], expected[i] / 255.0F);
  }
}

TEST(ToGray, UsesTheWholeRangeOf16BitsAndIgnoresAlpha) {
  const Image rgba{.width = 2,
                   .height = 1,
                   .channels = 4,
                   .bits = 16,
                   .values = {65535, 65535, 65535, 3, 1000, 1000, 1000, 65535}};
  EXPECT_EQ(to_gray(rgba).values()[0], 1.0F);
  EXPECT_EQ(to_gray(rgba).values()[1], 1000 / 65535.0F);
  const Image gray{.width = 1, .height = 1, .channels = 2, .bits = 8, .values = {51, 7}};
  EXPECT_EQ(to_gray(gray).values()[0], 51 / 255.0F);
}

TEST(ToRgb, RepeatsGrayAndIgnoresAlpha) {
  const Image gray{.width = 1, .height = 1, .channels = 2, .bits = 8, .values = {51, 7}};
  const Tensor repeated = to_rgb(gray);
  ASSERT_EQ(repeated.shape(), (Nhwc{1, 1, 1, 3}));
  for (float value : repeated.values()) EXPECT_EQ(value, 51 / 255.0F);
  const Image rgba{.width = 1, .height = 1, .channels = 4, .bits = 16, .values = {1, 2, 65535, 4}};
  const Tensor rgb = to_rgb(rgba);
  EXPECT_EQ(rgb.values()[0], 1 / 65535.0F);
  EXPECT_EQ(rgb.values()[2], 1.0F);
}

TEST(FromUnitRange, ClampsRoundsAndHonoursTheStride) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Tensor values({1, 2, 4, 1});
  const std::vector<float> in{-1, 2, kNan, -kInfinity, kInfinity, 0.5F, 127.4F / 255, 1.0F};
  std::copy(in.begin(), in.end(), values.values().begin());
  test::Sliced sliced({1, 2, 4, 1}, &values);
  const Image image = from_unit_range(sliced.view());
  EXPECT_EQ(image.width, 4);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.values, (std::vector<std::uint16_t>{0, 255, 0, 0, 255, 128, 127, 255}));
  EXPECT_EQ(error_of([] {
              from_unit_range(Tensor({2, 1, 1, 1}).view());
            }),
            "image: expected [n 1, h, w, c 1 to 4], got [n 2, h 1, w 1, c 1]");
}

TEST(FromUnitRange, BringsEveryByteBack) {
  Image image{.width = 256, .height = 1, .channels = 1, .bits = 8, .values = {}};
  for (std::uint16_t value = 0; value < 256; ++value) image.values.push_back(value);
  EXPECT_EQ(from_unit_range(to_gray(image).view()).values, image.values);
}

}  // namespace
}  // namespace hewn
