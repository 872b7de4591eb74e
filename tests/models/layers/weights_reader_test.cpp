// How a network reads the tensors in its weights file.
#include "hewn/models/layers/layer_source.h"
#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

/// 1, −2, ½, 4, 0 and −¼ in three types.
const std::vector<float> kFloats{1, -2, 0.5F, 4, 0, -0.25F};
const std::vector<std::uint16_t> kHalves{0x3c00, 0xc000, 0x3800, 0x4400, 0, 0xb400};
const std::vector<std::uint16_t> kBrains{0x3f80, 0xc000, 0x3f00, 0x4080, 0, 0xbe80};
const std::vector<float> kBias{10, 20};
const std::vector<std::int64_t> kIntegers{1, 2, 3, 4, 5, 6};

template <typename Value>
std::span<const std::byte> bytes_of(const std::vector<Value>& values) {
  return std::as_bytes(std::span(values));
}

class Tensors : public testing::Test {
 protected:
  Tensors() {
    const std::vector<TensorToWrite> tensors{
        {"floats.weight", Dtype::float32, {2, 3}, bytes_of(kFloats)},
        {"floats.bias", Dtype::float32, {2}, bytes_of(kBias)},
        {"halves.weight", Dtype::float16, {2, 3}, bytes_of(kHalves)},
        {"halves.bias", Dtype::float32, {2}, bytes_of(kBias)},
        {"brains.weight", Dtype::bfloat16, {2, 3}, bytes_of(kBrains)},
        {"brains.bias", Dtype::float32, {2}, bytes_of(kBias)},
        {"integers", Dtype::int64, {6}, bytes_of(kIntegers)},
        {"empty", Dtype::float32, {0, 3}, {}},
        {"scalar", Dtype::float32, {}, bytes_of(kBias).first(4)},
        {"part.0.bias", Dtype::float32, {2}, bytes_of(kBias)},
        {"part.1.bias", Dtype::float32, {2}, bytes_of(kBias)},
        {"part.3.bias", Dtype::float32, {2}, bytes_of(kBias)}};
    write_safetensors(path, tensors, {{"hewn.model", "kite"}, {"hewn.config", "{}"}});
  }
  /// What a call says of the file, without the file's name in front.
  template <typename Call>
  std::string error(const Call& call) const {
    return test::error_about(path, call);
  }

  test::Folder folder;
  std::filesystem::path path = folder / "weights.safetensors";
};

TEST_F(Tensors, HaveShapes) {
  const SafetensorsFile file(path);
  const WeightsReader tensors(file);
  EXPECT_EQ(tensors.path(), path.string());
  EXPECT_TRUE(tensors.has("integers"));
  EXPECT_FALSE(tensors.has("floats"));
  EXPECT_EQ(tensors.count("part.", ".bias"), 2);
  EXPECT_EQ(tensors.count("part."), 0);
  EXPECT_EQ(tensors.rank_of("halves.weight"), 2);
  EXPECT_EQ(tensors.rank_of("integers"), 1);
  EXPECT_EQ(tensors.rank_of("scalar"), 0);
  EXPECT_EQ(tensors.rank_of("absent"), 0);
  EXPECT_EQ(tensors.shape_of("halves.weight", 2), Shape({2, 3}));
  EXPECT_EQ(tensors.shape_of("scalar", 0), Shape());
  EXPECT_EQ(error([&] { tensors.shape_of("absent", 1); }),
            "expected a tensor 'absent', but it is missing");
  EXPECT_EQ(error([&] { tensors.shape_of("integers", 2); }),
            "tensor 'integers': expected 2 sizes of at least 1, got shape 6");
  EXPECT_EQ(error([&] { tensors.shape_of("scalar", 1); }),
            "tensor 'scalar': expected 1 sizes of at least 1, got shape scalar");
  EXPECT_EQ(error([&] { tensors.shape_of("empty", 2); }),
            "tensor 'empty': expected 2 sizes of at least 1, got shape 0×3");
}

TEST_F(Tensors, AreReadAsMatricesInTheirOwnPrecision) {
  const SafetensorsFile file(path);
  WeightsReader tensors(file);
  const StoredMatrix floats = tensors.matrix("floats.weight", {2, 3});
  EXPECT_EQ(floats.values, kFloats);
  EXPECT_TRUE(floats.halves.empty());
  const StoredMatrix halves = tensors.matrix("halves.weight", {2, 3});
  EXPECT_EQ(halves.halves, kHalves);
  EXPECT_TRUE(halves.values.empty());
  const StoredMatrix brains = tensors.matrix("brains.weight", {2, 3});
  EXPECT_EQ(brains.values, kFloats);
  EXPECT_TRUE(brains.halves.empty());

  const LinearWeights row = halves.rows(1, 2, std::span(kBias).first(1));
  EXPECT_EQ(row.shape, Shape({1, 3}));
  EXPECT_EQ(std::vector(row.halves.begin(), row.halves.end()),
            std::vector(kHalves.begin() + 3, kHalves.end()));
  EXPECT_TRUE(row.weight.empty());
  const LinearWeights both = floats.rows(0, 2, {});
  EXPECT_EQ(both.shape, Shape({2, 3}));
  EXPECT_EQ(std::vector(both.weight.begin(), both.weight.end()), kFloats);
  EXPECT_TRUE(both.halves.empty() && both.bias.empty());

  EXPECT_EQ(error([&] {
              tensors.matrix("floats.weight", {3, 2});
            }),
            "tensor 'floats.weight': expected shape 3×2, got 2×3");
  EXPECT_EQ(error([&] { tensors.matrix("integers", {6}); }),
            "tensor 'integers': expected F32, F16 or BF16, got I64");
}

TEST_F(Tensors, MakeLinearLayers) {
  const SafetensorsFile file(path);
  FileLayers layers(file, "kite", Conv2dPacking::any);
  Context ctx({.threads = 1});
  Tensor x({1, 1, 1, 3});
  x.values()[0] = 1;
  x.values()[1] = 2;
  x.values()[2] = 4;
  Tensor y({1, 1, 1, 2});
  EXPECT_FALSE(layers.has("integers"));
  for (const char* name : {"floats", "halves", "brains"}) {
    SCOPED_TRACE(name);
    EXPECT_TRUE(layers.has(name));
    const LinearLayer layer = layers.linear(name, {2, 3}, Activation::relu());
    EXPECT_EQ(layer.name(), name);
    EXPECT_EQ(layer.packed().half_panels().empty(), std::string(name) != "halves");
    layer(x.view(), y.view(), ctx);
    EXPECT_EQ(y.values()[0], 1 - 4 + 2 + 10);
    EXPECT_EQ(y.values()[1], 4 + 0 - 1 + 20);
  }
  EXPECT_EQ(error([&] {
              layers.linear("floats", {2, 4});
            }),
            "tensor 'floats.weight': expected shape 2×4, got 2×3");
  EXPECT_EQ(error([&] {
              layers.linear("absent", {2, 4});
            }),
            "expected a tensor 'absent.weight', but it is missing");
}

TEST_F(Tensors, MayBeReadLater) {
  const SafetensorsFile file(path);
  WeightsReader tensors(file);
  EXPECT_EQ(&tensors.deferred("halves.weight", {2, 3}), &file.at("halves.weight"));
  EXPECT_EQ(error([&] {
              tensors.deferred("halves.weight", {3, 2});
            }),
            "tensor 'halves.weight': expected floating values of shape 3×2, got F16 of shape 2×3");
  EXPECT_EQ(error([&] { tensors.deferred("integers", {6}); }),
            "tensor 'integers': expected floating values of shape 6, got I64 of shape 6");
  EXPECT_EQ(error([&] { tensors.deferred("absent", {6}); }),
            "expected a tensor 'absent', but it is missing");
}

TEST_F(Tensors, ThatNobodyAskedForAreLeftOver) {
  const SafetensorsFile file(path);
  WeightsReader tensors(file);
  tensors.matrix("floats.weight", {2, 3});
  tensors.matrix("halves.weight", {2, 3});
  tensors.values("floats.bias", Shape{2});
  tensors.values("halves.bias", Shape{2});
  tensors.deferred("brains.weight", {2, 3});
  tensors.values("scalar", {});
  EXPECT_NO_THROW(tensors.expect_nothing_left({"brains.", "int", "empty", "part."}));
  // To look at a shape is not to read.
  EXPECT_EQ(tensors.shape_of("integers", 1), Shape({6}));
  EXPECT_EQ(error([&] {
              tensors.expect_nothing_left({"brains.", "empty"});
            }),
            "tensor 'integers' belongs to no layer of this model");
}

}  // namespace
}  // namespace hewn
