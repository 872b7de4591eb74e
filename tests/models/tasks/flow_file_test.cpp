// Label: files
#include "hewn/models/tasks/optical_flow/flow_file.h"

#include "hewn/runtime/pictures/image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include "tests/support/png_file.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Bytes;
using test::bytes_of;
using test::error_of;
using test::Folder;
using test::png_file;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> values_of(const Tensor& tensor) {
  return {tensor.values().begin(), tensor.values().end()};
}

Tensor tensor_of(const Nhwc& shape, const std::vector<float>& values) {
  Tensor tensor(shape);
  std::ranges::copy(values, tensor.values().begin());
  return tensor;
}

/// A .flo of one row of two vectors, (1.5, −2) and (0.25, 1024), byte by byte.
Bytes two_vectors() {
  return bytes_of({'P', 'I', 'E',  'H',  2, 0, 0,    0,    1, 0, 0, 0,  //
                   0,   0,   0xc0, 0x3f, 0, 0, 0,    0xc0,              //
                   0,   0,   0x80, 0x3e, 0, 0, 0x80, 0x44});
}

/// Any .flo: tag, sides, and so many bytes of vectors.
Bytes flo(std::string_view tag, std::int32_t width, std::int32_t height, std::size_t vectors) {
  Bytes file = bytes_of(tag);
  for (const std::int32_t side : {width, height}) {
    const auto bytes = std::as_bytes(std::span(&side, 1));
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  file.resize(file.size() + vectors);
  return file;
}

std::string flo_error(const Bytes& file) {
  return error_of([&] { decode_flo(file, "x.flo"); });
}

std::string kitti_error(const Bytes& file) {
  return error_of([&] { decode_kitti_flow(file, "x.png"); });
}

/// The rows of a PNG of one row of 16-bit samples.
Bytes one_row(const std::vector<int>& samples) {
  Bytes row{std::byte{0}};
  for (const int sample : samples) {
    row.push_back(static_cast<std::byte>(sample / 256));
    row.push_back(static_cast<std::byte>(sample % 256));
  }
  return row;
}

TEST(FloFile, IsReadAsItsBytesSay) {
  float tag = 0;
  std::memcpy(&tag, two_vectors().data(), sizeof tag);
  EXPECT_EQ(tag, 202021.25F);

  const FlowField field = decode_flo(two_vectors(), "x.flo");
  EXPECT_EQ(field.flow.shape(), (Nhwc{1, 1, 2, 2}));
  EXPECT_EQ(field.valid.shape(), (Nhwc{1, 1, 2, 1}));
  EXPECT_EQ(values_of(field.flow), (std::vector<float>{1.5F, -2, 0.25F, 1024}));
  EXPECT_EQ(values_of(field.valid), (std::vector<float>{1, 1}));
}

TEST(FloFile, IsWrittenAsItsBytesSay) {
  const Folder folder;
  const Tensor flow = tensor_of({1, 1, 2, 2}, {1.5F, -2, 0.25F, 1024});
  write_flo(folder / "a.flo", flow.view());
  EXPECT_EQ(bytes_of(test::read_text(folder / "a.flo")), two_vectors());
  EXPECT_EQ(folder.listing().size(), 1U);
}

TEST(FloFile, WhatIsWrittenIsReadToTheBit) {
  const Folder folder;
  test::Random random(1);
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 9}, {7, 1}, {13, 21}}) {
    const Tensor flow = random.tensor({1, h, w, 2}, -300, 300);
    test::Sliced sliced(flow.shape(), &flow);
    write_flo(folder / "a.flo", sliced.view());
    const FlowField field = read_flo(folder / "a.flo");
    EXPECT_EQ(field.flow.shape(), flow.shape());
    EXPECT_EQ(test::checksum(field.flow.view()), test::checksum(flow.view()));
    EXPECT_EQ(values_of(field.valid), std::vector<float>(field.valid.values().size(), 1));
  }
}

TEST(FloFile, WhatIsNotKnownIsNotValid) {
  const Folder folder;
  const std::vector<float> odd{1e10F, 0, 0, -1.1e9F, std::nanf(""), 0, 0, kInfinity, 1e9F, -1e9F};
  const Tensor flow = tensor_of({1, 1, 5, 2}, odd);
  // As somebody else may have written it: every vector as it lies.
  Bytes file = flo("PIEH", 5, 1, 40);
  std::memcpy(file.data() + 12, odd.data(), 40);
  const FlowField theirs = decode_flo(file, "x.flo");
  write_flo(folder / "a.flo", flow.view());
  const FlowField ours = read_flo(folder / "a.flo");
  for (const FlowField* field : {&theirs, &ours}) {
    EXPECT_EQ(values_of(field->valid), (std::vector<float>{0, 0, 0, 0, 1}));
    EXPECT_EQ(values_of(field->flow), (std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 1e9F, -1e9F}));
  }
}

TEST(FloFile, MaskedVectorsAreWrittenAsUnknown) {
  const Folder folder;
  const Tensor flow = tensor_of({1, 2, 1, 2}, {1, 2, 3, 4});
  const Tensor valid = tensor_of({1, 2, 1, 1}, {0, 1});
  write_flo(folder / "a.flo", flow.view(), valid.view());
  const std::string bytes = test::read_text(folder / "a.flo");
  std::array<float, 4> written{};
  ASSERT_EQ(bytes.size(), 12 + sizeof written);
  std::memcpy(written.data(), bytes.data() + 12, sizeof written);
  EXPECT_EQ(written, (std::array<float, 4>{1e10F, 1e10F, 3, 4}));
  EXPECT_EQ(values_of(read_flo(folder / "a.flo").valid), (std::vector<float>{0, 1}));
}

TEST(FloFile, SaysWhatIsWrong) {
  EXPECT_EQ(flo_error({}), "x.flo: expected a .flo of at least 12 bytes, got 0");
  EXPECT_EQ(flo_error(bytes_of("PIEH1234567")),
            "x.flo: expected a .flo of at least 12 bytes, got 11");
  EXPECT_EQ(flo_error(flo("PIEK", 1, 1, 8)),
            "x.flo: expected a .flo, which begins with PIEH, got a file that begins with PIEK");
  EXPECT_EQ(flo_error(flo("HE\n\x80", 1, 1, 8)),
            "x.flo: expected a .flo, which begins with PIEH, got a file that begins with HE??");
  EXPECT_EQ(flo_error(flo("PIEH", 0, 1, 8)), "x.flo: expected 1 to 268435456 pixels, got 0×1");
  EXPECT_EQ(flo_error(flo("PIEH", 3, -4, 8)), "x.flo: expected 1 to 268435456 pixels, got 3×-4");
  EXPECT_EQ(flo_error(flo("PIEH", -1, -1, 8)), "x.flo: expected 1 to 268435456 pixels, got -1×-1");
  EXPECT_EQ(flo_error(flo("PIEH", 0x7fffffff, 0x7fffffff, 8)),
            "x.flo: expected 1 to 268435456 pixels, got 2147483647×2147483647");
  EXPECT_EQ(flo_error(flo("PIEH", 1 << 14, (1 << 14) + 1, 8)),
            "x.flo: expected 1 to 268435456 pixels, got 16384×16385");
  EXPECT_EQ(flo_error(flo("PIEH", 1 << 14, 1 << 14, 8)),
            "x.flo: expected 12 + 8 × 16384 × 16384 = 2147483660 bytes, got 20");
  EXPECT_EQ(flo_error(flo("PIEH", 3, 2, 47)), "x.flo: expected 12 + 8 × 3 × 2 = 60 bytes, got 59");
  EXPECT_EQ(flo_error(flo("PIEH", 3, 2, 49)), "x.flo: expected 12 + 8 × 3 × 2 = 60 bytes, got 61");
}

TEST(KittiFlow, IsReadAsItsSamplesSay) {
  const FlowField field = decode_kitti_flow(
      png_file({.width = 4, .height = 1, .depth = 16, .color = 2},
               one_row({32768, 32768, 1, 32769, 32704, 1, 0, 65535, 65535, 40000, 40000, 0})),
      "x.png");
  EXPECT_EQ(field.flow.shape(), (Nhwc{1, 1, 4, 2}));
  EXPECT_EQ(field.valid.shape(), (Nhwc{1, 1, 4, 1}));
  EXPECT_EQ(values_of(field.flow),
            (std::vector<float>{0, 0, 1.0F / 64, -1, -512, 511.984375F, 0, 0}));
  EXPECT_EQ(values_of(field.valid), (std::vector<float>{1, 1, 1, 0}));
}

TEST(KittiFlow, IsWrittenRoundedAndClamped) {
  const Folder folder;
  const std::vector<float> vectors{
      1.5F, -2,  0.9F / 64, -0.4F / 64, -512, 511.984375F,   -513, 0, 0,
      9000, 512, 0,         511.99F,    -512, std::nanf(""), 0,    5, 6};
  const Tensor flow = tensor_of({1, 3, 3, 2}, vectors);
  const Tensor valid = tensor_of({1, 3, 3, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 0});
  EXPECT_EQ(write_kitti_flow(folder / "a.png", flow.view(), valid.view()), 3);
  const Image image = read_image(folder / "a.png");
  EXPECT_EQ(image.bits, 16);
  EXPECT_EQ(image.values,
            (std::vector<std::uint16_t>{32864, 32640, 1, 32769, 32768, 1, 0,     65535, 1,  //
                                        0,     32768, 1, 32768, 65535, 1, 65535, 32768, 1,  //
                                        65535, 0,     1, 0,     0,     0, 0,     0,     0}));
  EXPECT_EQ(folder.listing().size(), 1U);
}

TEST(KittiFlow, WhatIsWrittenIsReadToTheNearestStep) {
  const Folder folder;
  test::Random random(2);
  for (const auto& [h, w] : {std::pair{1, 1}, {1, 9}, {7, 1}, {13, 21}}) {
    const Tensor flow = random.tensor({1, h, w, 2}, -512, 511.98F);
    test::Sliced sliced(flow.shape(), &flow);
    EXPECT_EQ(write_kitti_flow(folder / "a.png", sliced.view()), 0);
    const FlowField field = read_kitti_flow(folder / "a.png");
    ASSERT_EQ(field.flow.shape(), flow.shape());
    for (std::size_t i = 0; i < flow.values().size(); ++i) {
      EXPECT_LE(std::abs(field.flow.values()[i] - flow.values()[i]), 1.0F / 128);
    }
    EXPECT_EQ(values_of(field.valid), std::vector<float>(field.valid.values().size(), 1));
    // What was read is on the format's steps, and comes back as it is.
    write_kitti_flow(folder / "b.png", field.flow.view(), field.valid.view());
    EXPECT_EQ(test::checksum(read_kitti_flow(folder / "b.png").flow.view()),
              test::checksum(field.flow.view()));
  }
}

TEST(KittiFlow, SaysWhatIsWrong) {
  const std::string not_a_png = "x.png: expected a PNG, got a file that does not begin like one";
  EXPECT_EQ(kitti_error({}), not_a_png);
  EXPECT_EQ(kitti_error(two_vectors()), not_a_png);
  EXPECT_EQ(kitti_error(bytes_of("P6\n1 1 65535\nabcdef")), not_a_png);
  EXPECT_EQ(kitti_error(png_file({.depth = 8, .color = 2}, bytes_of({0, 1, 2, 3}))),
            "x.png: expected flow as 16-bit RGB, got a picture of 3 channels of 8 bits");
  EXPECT_EQ(kitti_error(png_file({.depth = 16, .color = 0}, one_row({1}))),
            "x.png: expected flow as 16-bit RGB, got a picture of 1 channels of 16 bits");
  EXPECT_EQ(kitti_error(png_file({.depth = 16, .color = 6}, one_row({1, 2, 3, 4}))),
            "x.png: expected flow as 16-bit RGB, got a picture of 4 channels of 16 bits");
  Bytes damaged = png_file({.depth = 16, .color = 2}, one_row({1, 2, 3}));
  damaged.back() ^= std::byte{1};
  EXPECT_EQ(kitti_error(damaged), "x.png: chunk IEND: the checksum is wrong; the file is damaged");
}

TEST(ReadFlow, GoesByTheContentAndNotByTheName) {
  const Folder folder;
  const Tensor flow = tensor_of({1, 2, 1, 2}, {1, 2, -3, 4.5F});
  write_flo(folder / "flow.png", flow.view());
  write_kitti_flow(folder / "flow.flo", flow.view());
  for (const char* name : {"flow.png", "flow.flo"}) {
    EXPECT_EQ(values_of(read_flow(folder / name).flow), values_of(flow)) << name;
  }
  EXPECT_EQ(error_of([&] { decode_flow(bytes_of("GIF89a"), "x.gif"); }),
            "x.gif: expected flow as Middlebury's .flo or KITTI's PNG, got a file that begins "
            "like neither");
  EXPECT_EQ(error_of([&] { decode_flow(bytes_of("PIE"), "x"); }),
            "x: expected flow as Middlebury's .flo or KITTI's PNG, got a file that begins like "
            "neither");
  EXPECT_EQ(error_of([&] { decode_flow(bytes_of("PIEH"), "x"); }),
            "x: expected a .flo of at least 12 bytes, got 4");
}

TEST(ReadFlow, NamesTheFileThatCannotBeRead) {
  const Folder folder;
  test::write_file(folder / "empty", "");
  test::write_file(folder / "short", "PIEH");
  for (const auto& read : {read_flo, read_kitti_flow, read_flow}) {
    const std::string missing = (folder / "missing").string();
    EXPECT_EQ(error_of([&] { read(missing); }),
              missing + ": cannot be read: No such file or directory");
    const std::string empty = (folder / "empty").string();
    EXPECT_EQ(error_of([&] { read(empty); }), empty + ": the file is empty");
    const std::string cut = (folder / "short").string();
    EXPECT_TRUE(error_of([&] { read(cut); }).starts_with(cut + ": expected a"));
  }
}

TEST(WriteFlow, RefusesWhatIsNotAField) {
  const Folder folder;
  const std::string path = (folder / "a").string();
  const Tensor flow({1, 3, 4, 2});
  const Tensor mask({1, 3, 4, 1});
  const auto errors = [&](ConstView field, std::optional<ConstView> valid = std::nullopt) {
    std::string error = error_of([&] { write_flo(path, field, valid); });
    EXPECT_EQ(error_of([&] { write_kitti_flow(path, field, valid); }), error);
    return error;
  };
  EXPECT_EQ(errors(mask.view()),
            path + ": expected a flow field [n 1, h, w, c 2], got [n 1, h 3, w 4, c 1]");
  EXPECT_EQ(errors(Tensor({2, 3, 4, 2}).view()),
            path + ": expected a flow field [n 1, h, w, c 2], got [n 2, h 3, w 4, c 2]");
  EXPECT_EQ(errors(flow.view(), Tensor({1, 4, 3, 1}).view()),
            path + ": expected a mask of [n 1, h 3, w 4, c 1], got [n 1, h 4, w 3, c 1]");
  EXPECT_EQ(errors(Tensor({1, 0, 4, 2}).view()),
            path + ": expected 1 to 268435456 pixels, got 4×0");
  EXPECT_EQ(folder.listing().size(), 0U);

  const std::string nowhere = (folder / "no" / "a").string();
  EXPECT_TRUE(error_of([&] {
                write_flo(nowhere, flow.view());
              }).starts_with(nowhere + ": cannot be written: "));
}

}  // namespace
}  // namespace hewn
