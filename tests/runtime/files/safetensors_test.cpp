// Label: files
#include "hewn/runtime/files/safetensors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::Folder;

template <typename Value>
std::span<const std::byte> bytes_of(const std::vector<Value>& values) {
  return std::as_bytes(std::span(values));
}

/// A file of this header and this much data.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t size = header.size();
  std::string file(sizeof size, '\0');
  std::memcpy(file.data(), &size, sizeof size);
  return file + header + std::string(data, '\0');
}

class Safetensors : public testing::Test {
 protected:
  /// What opening these bytes says, without the file's name in front.
  std::string error_for(const std::string& bytes) const {
    test::write_file(path, bytes);
    return test::error_about(path, [&] { SafetensorsFile{path}; });
  }
  /// The same for a header before 8 bytes of data, which is enough for a tensor of two F32.
  std::string error_for_header(const std::string& header) const {
    return error_for(file_of(header, 8));
  }

  Folder folder;
  std::filesystem::path path = folder / "weights.safetensors";
};

TEST_F(Safetensors, WhatIsWrittenIsRead) {
  const std::vector<float> weight{1.5F, -2, 0.25F, 1e-40F, 5, 6};
  const std::vector<std::uint16_t> halves{0x3c00, 0xc000, 0x0001};
  const std::vector<std::uint16_t> brains{0x3f80};
  const std::vector<std::int64_t> steps{7, -1};
  const std::vector<TensorToWrite> tensors{
      {"conv.weight", Dtype::float32, {1, 2, 3}, bytes_of(weight)},
      {"halves", Dtype::float16, {3}, bytes_of(halves)},
      {"empty", Dtype::float32, {0, 4}, {}},
      {"scalar ½", Dtype::bfloat16, {}, bytes_of(brains)},
      {"steps", Dtype::int64, {2}, bytes_of(steps)},
  };
  write_safetensors(path, tensors, {{"hewn.model", "none"}, {"note", "\"quoted\"\n"}});
  const SafetensorsFile file(path);

  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(file.file_size(), std::filesystem::file_size(path));
  EXPECT_EQ(file.metadata_at("hewn.model"), "none");
  EXPECT_EQ(file.metadata_at("note"), "\"quoted\"\n");
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorEntry& tensor = file.tensors()[i];
    EXPECT_EQ(tensor.name, tensors[i].name);
    EXPECT_EQ(tensor.dtype, tensors[i].dtype);
    EXPECT_EQ(tensor.shape, tensors[i].shape);
    EXPECT_TRUE(std::equal(tensor.data.begin(), tensor.data.end(), tensors[i].data.begin(),
                           tensors[i].data.end()));
    EXPECT_EQ(file.find(tensor.name), &tensor);
  }
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.tensors()[0].data.data()) % 64, 0);
  EXPECT_EQ(file.find("conv"), nullptr);
}

TEST_F(Safetensors, FloatsAreReadInPlaceOrWidened) {
  const std::vector<float> weight{1.5F, -2};
  const std::vector<std::uint16_t> halves{0x3c00};
  const std::vector<float> shifted{3, 4};
  const std::vector<TensorToWrite> tensors{
      {"weight", Dtype::float32, {2}, bytes_of(weight)},
      {"halves", Dtype::float16, {1}, bytes_of(halves)},
      {"shifted", Dtype::float32, {2}, bytes_of(shifted)},  // after 2 bytes: unaligned
  };
  write_safetensors(path, tensors);
  SafetensorsFile opened(path);
  const SafetensorsFile file(std::move(opened));  // entries survive a move

  std::vector<float> storage;
  const auto in_place = file.floats("weight", Shape{2}, storage);
  EXPECT_EQ(std::vector(in_place.begin(), in_place.end()), weight);
  EXPECT_TRUE(storage.empty());
  const auto widened = file.floats("halves", std::nullopt, storage);
  EXPECT_EQ(std::vector(widened.begin(), widened.end()), std::vector<float>{1});
  const auto copied = file.floats("shifted", Shape{2}, storage);
  EXPECT_EQ(std::vector(copied.begin(), copied.end()), shifted);
  EXPECT_EQ(copied.data(), storage.data());
}

TEST_F(Safetensors, TensorsRemainReadableWhenTheirMemoryIsReleased) {
  // Many pages, the first and the last of which are not the tensor's alone.
  std::vector<float> weight(100'000);
  std::iota(weight.begin(), weight.end(), 1.0F);
  const std::vector<TensorToWrite> tensors{{"weight", Dtype::float32, {100'000}, bytes_of(weight)}};
  write_safetensors(path, tensors, {{"hewn.model", "none"}});
  const SafetensorsFile file(path);
  std::filesystem::remove(path);
  std::vector<float> storage;
  for (int i = 0; i < 2; ++i) {
    file.release_memory();
    EXPECT_TRUE(std::ranges::equal(file.floats("weight", std::nullopt, storage), weight));
    EXPECT_EQ(file.metadata_at("hewn.model"), "none");
  }
}

TEST_F(Safetensors, FloatsNameFileAndTensor) {
  const std::vector<float> weight{1, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<std::int64_t> steps{7};
  const std::vector<TensorToWrite> tensors{{"weight", Dtype::float32, {2}, bytes_of(weight)},
                                           {"steps", Dtype::int64, {1}, bytes_of(steps)}};
  write_safetensors(path, tensors);
  const SafetensorsFile file(path);
  const std::string where = path.string() + ": ";
  std::vector<float> storage;
  const auto error = [&](const char* name, std::optional<Shape> shape) {
    return error_of([&] { static_cast<void>(file.floats(name, shape, storage)); });
  };
  EXPECT_EQ(error("bias", {}), where + "expected a tensor 'bias', but it is missing");
  EXPECT_EQ(error("weight", Shape{1, 2}), where + "tensor 'weight': expected shape 1×2, got 2");
  EXPECT_EQ(error("weight", {}),
            where + "tensor 'weight': expected finite values, got nan at element 1");
  EXPECT_EQ(error("steps", {}), where + "tensor 'steps': expected F32, F16 or BF16, got I64");
  EXPECT_EQ(error_of([&] { static_cast<void>(file.metadata_at("hewn.model")); }),
            where + "expected 'hewn.model' in the metadata, but it is missing");
}

TEST_F(Safetensors, RefusesWhatIsNoFile) {
  EXPECT_EQ(error_for(""), "the file is empty");
  EXPECT_EQ(error_of([&] { SafetensorsFile{folder.path()}; }),
            folder.path().string() + ": expected a file, got a directory");
  EXPECT_EQ(error_of([&] { SafetensorsFile{folder / "absent"}; }),
            (folder / "absent").string() + ": cannot be read: No such file or directory");
  const auto pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of([&] { SafetensorsFile{pipe}; }),
            pipe.string() + ": expected a file, got a pipe");
}

TEST_F(Safetensors, RefusesHeadersOfAWrongSize) {
  EXPECT_EQ(error_for("1234567"), "expected at least 8 bytes, got 7");
  EXPECT_EQ(error_for(std::string(8, '\xff') + "{}"),
            "expected a header of at most 2 bytes, got 18446744073709551615 (is it a safetensors "
            "file?)");
  EXPECT_EQ(error_for(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
            "expected a header of at most 2 bytes, got 3 (is it a safetensors file?)");
}

TEST_F(Safetensors, RefusesHeadersThatAreNotWhatTheFormatHas) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "header: not valid JSON near byte 1"},
      {R"({"a":)", "header: not valid JSON near byte 6"},
      {"{} x", "header: not valid JSON near byte 4"},
      {"{\"\xff\":1}", "header: not valid JSON near byte 3"},
      {"[]", "header: expected an object, got an array"},
      {"1e999", "header: not valid JSON near byte 5"},
      {R"({"a":1})", "header: 'a': expected an object, got a number"},
      {R"({"a":[]})", "header: 'a': expected an object, got an array"},
      {R"({"":{}})", "header: a tensor's name: expected 1 to 1024 bytes, got 0"},
      {R"({"a\nb":{}})", "header: a tensor's name: expected no control characters"},
      {R"({"a":{}})",
       "header: tensor 'a': expected dtype, shape and data_offsets, but one is missing"},
      {R"({"a":{"dtype":"F32","shape":[2],"offsets":[0,8]}})",
       "header: tensor 'a': expected dtype, shape and data_offsets, got another key"},
      {R"({"a":{"dtype":"F32","dtype":"F32"}})", "header: tensor 'a': dtype occurs twice"},
      {R"({"a":{"dtype":1}})", "header: tensor 'a': dtype: expected a string, got a number"},
      {R"({"a":{"dtype":[1]}})", "header: tensor 'a': dtype: expected a string, got an array"},
      {R"({"a":{"shape":{}}})", "header: tensor 'a': shape: expected an array, got an object"},
      {R"({"a":{"shape":[[1]]}})",
       "header: tensor 'a': shape: expected whole numbers from 0, got an array"},
      {R"({"a":{"shape":[-1]}})",
       "header: tensor 'a': shape: expected whole numbers from 0, got a negative number"},
      {R"({"a":{"shape":[1.0]}})",
       "header: tensor 'a': shape: expected whole numbers from 0, got a fraction"},
      {R"({"a":{"shape":[null]}})",
       "header: tensor 'a': shape: expected whole numbers from 0, got null"},
      {R"({"__metadata__":{"k":1}})", "header: __metadata__: expected strings, got a number"},
      {R"({"__metadata__":{"k":{}}})", "header: __metadata__: expected strings, got an object"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", "header: __metadata__: a key occurs twice"},
      {R"({"__metadata__":{},"__metadata__":{}})", "header: '__metadata__' occurs twice"},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(error_for_header(header), expected) << header;
  }
  EXPECT_EQ(error_for_header("{\"a\":{\"shape\":" + std::string(1'000'000, '[')),
            "header: tensor 'a': shape: expected whole numbers from 0, got an array");
}

TEST_F(Safetensors, RefusesTensorsThatDoNotFitTheirData) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
       "tensor 'a': expected dtype F32, F16, BF16 or I64, got 'F64'"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})",
       "tensor 'a': expected 4 bytes for F32 1, got 8"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})",
       "tensor 'a': expected 2 data_offsets, got 1"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
       "tensor 'a': expected data_offsets in [0, 8], got [8, 0]"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})",
       "tensor 'a': expected data_offsets in [0, 8], got [0, 12]"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})",
       "tensor 'a': no dimension can be 18446744073709551615"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
       "tensor 'a': shape: 4294967296 × 4294967296 is not a valid size"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}})",
       "tensor 'a': bytes: 4611686018427387904 × 4 is not a valid size"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "tensor 'a': expected its data at 0, where the tensor before it ends, got 4"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "expected 4 bytes of data after the header, got 8"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "tensor 'b': expected its data at 8, where the tensor before it ends, got 4"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
       R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "header: 'a' occurs twice"},
  };
  for (const auto& [header, expected] : cases) {
    EXPECT_EQ(error_for_header(header), expected) << header;
  }
  std::string rank = "1";
  for (int i = 0; i < 64; ++i) rank += ",1";
  EXPECT_EQ(error_for_header(R"({"a":{"dtype":"F32","shape":[)" + rank + "]}}"),
            "header: tensor 'a': shape: expected at most 64 numbers");
}

TEST_F(Safetensors, EveryTruncationIsFoundOut) {
  const std::vector<float> weight{1, 2, 3};
  const std::vector<TensorToWrite> tensors{{"a", Dtype::float32, {1}, bytes_of(weight).first(4)},
                                           {"b", Dtype::float32, {2}, bytes_of(weight).last(8)}};
  write_safetensors(path, tensors);
  const std::string whole = test::read_text(path);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error_for(whole.substr(0, size)), "nothing thrown") << size;
  }
  test::write_file(path, whole);
  EXPECT_EQ(error_of([&] { SafetensorsFile{path}; }), "nothing thrown");
}

TEST_F(Safetensors, AFailedWriteLeavesEverythingAsItWas) {
  test::write_file(path, "precious");
  const std::vector<float> weight{1, 2, 3};
  const auto error = [&](const std::filesystem::path& to,
                         const std::vector<TensorToWrite>& tensors) {
    return error_of([&] { write_safetensors(to, tensors); });
  };
  const TensorToWrite good{"a", Dtype::float32, {3}, bytes_of(weight)};
  const std::string where = path.string() + ": ";
  EXPECT_EQ(error(path, {good, good}), where + "tensor 'a' occurs twice");
  EXPECT_EQ(error(path, {{"", Dtype::float32, {3}, bytes_of(weight)}}),
            where + "a tensor's name: expected 1 to 1024 bytes, got 0");
  EXPECT_EQ(error(path, {{"__metadata__", Dtype::float32, {3}, bytes_of(weight)}}),
            where + "no tensor can be named __metadata__");
  EXPECT_EQ(error(path, {{"\xff", Dtype::float32, {3}, bytes_of(weight)}}),
            where + "names and metadata: expected UTF-8");
  EXPECT_EQ(error(path, {{"a", Dtype::float16, {3}, bytes_of(weight)}}),
            where + "tensor 'a': expected 6 bytes for F16 3, got 12");
  EXPECT_EQ(error(folder / "no" / "where", {good}),
            (folder / "no" / "where").string() + ": cannot be written: No such file or directory");
  EXPECT_EQ(error(folder.path(), {good}),
            folder.path().string() + ": cannot be written: it exists and is not a regular file");
  EXPECT_EQ(test::read_text(path), "precious");
  EXPECT_EQ(folder.listing().size(), 1U);
  EXPECT_EQ(error(path, {good}), "nothing thrown");
  EXPECT_EQ(folder.listing().size(), 1U);
  EXPECT_EQ(SafetensorsFile(path).tensors().size(), 1);
}

TEST_F(Safetensors, ALinkIsFollowedWhenWriting) {
  const std::vector<float> weight{1};
  const std::vector<TensorToWrite> tensors{{"a", Dtype::float32, {1}, bytes_of(weight)}};
  test::write_file(path, "old");
  const auto link = folder / "link";
  std::filesystem::create_symlink(path, link);
  write_safetensors(link, tensors);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(SafetensorsFile(path).tensors().size(), 1);
}

}  // namespace
}  // namespace hewn
