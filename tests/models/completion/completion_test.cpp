#include "hewn/models/completion/completion.h"

#include "hewn/models/completion/discriminators.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/compare.h"
#include "tests/support/completion_weights.h"
#include "tests/support/errors.h"
#include "tests/support/folder.h"
#include "tests/support/masks.h"
#include "tests/support/random.h"
#include "tests/support/traced_run.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::CompletionConfig;
using test::Random;

const CompletionNetwork& network() { return test::random_completion(Conv2dPacking::fast); }
const CompletionNetwork& precise_network() {
  return test::random_completion(Conv2dPacking::precise);
}

Tensor run(const CompletionNetwork& of, const Tensor& x, Context& ctx) {
  const Nhwc& s = x.shape();
  Tensor y({s.n, s.h, s.w, 3});
  of.forward(x.view(), y.view(), ctx);
  return y;
}

std::uint64_t bits(const CompletionNetwork& of, const Tensor& x, Context& ctx) {
  return test::checksum(run(of, x, ctx).view());
}

// Label: bits
TEST(Completion, SameBitsOnEveryInstructionSetAndNumberOfThreads) {
  const Tensor x = Random(1).tensor({1, 40, 36, 4}, 0, 1);
  Context one_thread({.threads = 1});
  const std::uint64_t expected = bits(network(), x, one_thread);
  std::vector<ContextOptions> ways{{.threads = 2}};
  for (const Isa isa : test::bit_identical_isas()) ways.push_back({.threads = 5, .isa = isa});
  for (const ContextOptions& way : ways) {
    Context ctx(way);
    SCOPED_TRACE(text_of(isa_name(ctx.isa()), ", ", ctx.threads(), " threads"));
    EXPECT_EQ(bits(network(), x, ctx), expected);
  }
}

/// What CompletionNetwork::random(1) computes of x, operator by operator, on whole maps.
class LayerByLayer {
 public:
  LayerByLayer(const Tensor& x, Context& ctx) : map_(Tensor::copy_of(x.view())), ctx_(ctx) {
    bits_["input"] = test::checksum(x.view());
    conv("conv1", 64, {.padding_h = 2, .padding_w = 2, .activation = kRelu}, 5);
    down("conv2", 128);
    conv("conv3", 128);
    down("conv4", 256);
    for (const char* name : {"conv5", "conv6"}) conv(name, 256);
    for (const auto& [name, dilation] :
         {std::pair{"conv7", 2}, {"conv8", 4}, {"conv9", 8}, {"conv10", 16}}) {
      conv(name, 256,
           {.padding_h = dilation,
            .padding_w = dilation,
            .dilation_h = dilation,
            .dilation_w = dilation,
            .activation = kRelu});
    }
    for (const char* name : {"conv11", "conv12"}) conv(name, 256);
    up("deconv13", 128);
    conv("conv14", 128);
    up("deconv15", 64);
    conv("conv16", 32);
    conv("conv17", 3,
         {.padding_h = 1, .padding_w = 1, .activation = {.kind = Activation::Kind::sigmoid}});
  }

  const std::map<std::string, std::uint64_t>& bits() const { return bits_; }

 private:
  static constexpr Activation kRelu = Activation::relu();
  static constexpr Conv2dParams kSame{.padding_h = 1, .padding_w = 1, .activation = kRelu};

  void conv(const char* name, std::int64_t out, const Conv2dParams& params = kSame,
            std::int64_t kernel = 3) {
    const ConvLayer layer = layers_.conv(name, {out, map_.shape().c, kernel, kernel}, params);
    Tensor y(layer.output_shape(map_.shape()));
    conv2d(map_.view(), layer.conv(), y.view(), ctx_);
    put(name, std::move(y));
  }

  void down(const char* name, std::int64_t out) {
    Conv2dParams params = kSame;
    params.stride_h = params.stride_w = 2;
    conv(name, out, params);
  }

  void up(const char* name, std::int64_t out) {
    const ConvTransposeLayer layer = layers_.conv_transpose(
        name, {map_.shape().c, out, 4, 4},
        {.stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1, .activation = kRelu});
    Tensor y(layer.conv().output_shape(map_.shape()));
    conv_transpose2d(map_.view(), layer.conv(), y.view(), ctx_);
    put(name, std::move(y));
  }

  void put(const char* name, Tensor y) {
    map_ = std::move(y);
    bits_[name] = test::checksum(map_.view());
  }

  RandomLayers layers_{1, Conv2dPacking::fast, {{"conv17", 1}}};
  Tensor map_;
  Context& ctx_;
  std::map<std::string, std::uint64_t> bits_;
};

// Label: long
TEST(Completion, ATraceSeesEveryLayerOfTheRunThatItWatches) {
  const Tensor x = Random(2).tensor({2, 24, 20, 4}, 0, 1);
  for (const int threads : {1, 3}) {
    const ContextOptions options{.threads = threads};
    const std::vector<TracedLayer> layers =
        test::trace_of(options, [&](Context& ctx) { return bits(network(), x, ctx); });
    Context ctx(options);
    EXPECT_EQ(test::bits_of(layers), LayerByLayer(x, ctx).bits());
    ASSERT_EQ(layers.size(), 18U);
    EXPECT_EQ(layers.front().name, "input");
    EXPECT_EQ(layers.back().name, "conv17");
  }
}

// Labels: bits long
TEST(Completion, ASecondRunAllocatesNothing) {
  const Tensor x = Random(3).tensor({1, 20, 24, 4}, 0, 1);
  Tensor y({1, 20, 24, 3});
  Context ctx({.threads = 1});
  network().forward(x.view(), y.view(), ctx);
  const std::int64_t arena = ctx.arena().system_allocations();
  const std::int64_t program = test::allocations();
  network().forward(x.view(), y.view(), ctx);
  EXPECT_EQ(ctx.arena().system_allocations(), arena);
  EXPECT_EQ(test::allocations(), program);
}

// Label: long
TEST(Completion, ComputesABatchAsItsPictures) {
  const Tensor x = Random(4).tensor({2, 8, 12, 4}, 0, 1);
  Context ctx({.threads = 1});
  const Tensor both = run(network(), x, ctx);
  for (const std::int64_t n : {0, 1}) {
    const Tensor alone = run(network(), Tensor::copy_of(x.view().image(n)), ctx);
    EXPECT_EQ(test::checksum(alone.view()), test::checksum(both.view().image(n)));
  }
}

// Labels: bits long
TEST(Completion, BytesAreWhatTheArenaGives) {
  // What a run takes however small its picture is: rows of maps, and 10 MB for each thread.
  const auto fixed = [](int threads) { return (std::int64_t{16} << 20) + threads * 10'000'000; };
  for (const auto& [h, w] : {std::pair{4, 4}, {64, 64}, {16, 256}, {132, 20}}) {
    for (const int threads : {1, 3}) {
      SCOPED_TRACE(text_of(h, " × ", w, ", ", threads, " threads"));
      Context ctx({.threads = threads});
      run(network(), Tensor::copy_of(Random(5).tensor({1, h, w, 4}, 0, 1).view()), ctx);
      const std::int64_t bytes = network().bytes(h, w, ctx);
      EXPECT_GE(bytes, ctx.arena().peak_bytes());
      EXPECT_LE(bytes - fixed(threads), 3 * ctx.arena().peak_bytes());
    }
  }
}

// Label: long
TEST(Completion, LargerPicturesTakeNoFewerBytes) {
  const Context ctx({.threads = 1});
  std::int64_t before = 0;
  for (const std::int64_t side : {4, 64, 256, 1024, 4096, 16'384, 65'536}) {
    const std::int64_t bytes = network().bytes(side, side, ctx);
    EXPECT_GT(bytes, before) << side;
    EXPECT_GE(bytes, network().bytes(side, 4, ctx));
    EXPECT_GE(bytes, network().bytes(4, side, ctx));
    // Two maps of 256 channels at a quarter of each side.
    EXPECT_GE(bytes, 2 * 256 * 4 * (side / 4) * (side / 4));
    before = bytes;
  }
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  EXPECT_NE(test::error_of([&] { network().bytes(kHuge, kHuge, ctx); }), "nothing thrown");
}

/// The columns of the result that differ when one column of the input does, as far to the left and
/// to the right as there are any.
std::pair<std::int64_t, std::int64_t> columns_that_see(const Tensor& x, const Tensor& before,
                                                       std::int64_t column, Context& ctx) {
  Tensor changed = Tensor::copy_of(x.view());
  for (std::int64_t y = 0; y < x.shape().h; ++y) {
    // Large: what comes through a single path of 17 layers is a small part of it.
    for (std::int64_t c = 0; c < 4; ++c) changed.view().pixel(0, y, column)[c] = 1e6F;
  }
  const Tensor after = run(precise_network(), changed, ctx);
  std::pair<std::int64_t, std::int64_t> seen{x.shape().w, -1};
  for (std::int64_t i = 0; i < before.shape().count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (before.values()[at] == after.values()[at]) continue;
    const std::int64_t place = i / 3 % before.shape().w;
    seen = {std::min(seen.first, place), std::max(seen.second, place)};
  }
  return seen;
}

// Label: long
TEST(Completion, APixelSeesNothingBeyondItsContext) {
  const Tensor x = Random(6).tensor({1, 4, 352, 4}, 0, 1);
  // Winograd's tiles mix the rounding of neighbours; the direct sums have only what they add.
  Context ctx({.threads = 2, .precise = true});
  const Tensor y = run(precise_network(), x, ctx);
  // Backwards from columns that are 2 and 1 modulo 4, the largest steps to the left and to the
  // right: see completion.cpp. 153 columns to the left are seen, and 150 to the right.
  EXPECT_EQ(columns_that_see(x, y, 177, ctx).second, 177 + 153);
  EXPECT_EQ(columns_that_see(x, y, 175, ctx).first, 175 - 150);
  EXPECT_GT(CompletionNetwork::kContext, 153);
  EXPECT_EQ(CompletionNetwork::kContext % CompletionNetwork::kMultiple, 0);
}

class CompletionFile : public testing::Test {
 protected:
  CompletionNetwork load() const {
    return CompletionNetwork(SafetensorsFile(path), Conv2dPacking::precise);
  }
  /// What the network says of the file, less its name in front.
  std::string error() const {
    return test::error_about(path, [&] { load(); });
  }
  /// What it makes of a file of this configuration, without weights.
  std::string error_of_config(const CompletionConfig& config) const {
    test::write_completion_file(path, {}, config);
    return error();
  }

  test::Folder folder;
  std::filesystem::path path = folder / "weights.safetensors";
};

// Label: bits
TEST_F(CompletionFile, HasTheBitsOfItsWeights) {
  const test::CompletionTensors tensors = test::random_completion_tensors(4, 1);
  test::write_completion_file(path, tensors.tensors);
  const CompletionNetwork from_file = load();
  const Tensor x = Random(7).tensor({1, 8, 12, 4}, 0, 1);
  Context ctx({.threads = 2, .precise = true});
  EXPECT_EQ(bits(from_file, x, ctx), bits(precise_network(), x, ctx));
}

TEST_F(CompletionFile, OfThreeChannelsHasNoMaskInItsInput) {
  const test::CompletionTensors tensors = test::random_completion_tensors(3, 2);
  test::write_completion_file(
      path, tensors.tensors,
      {.input = R"("mean-subtracted")", .mean = "[0.5, 0.25, 1]", .channels = "3"});
  const CompletionNetwork from_file = load();
  EXPECT_FALSE(from_file.input().mask);
  ASSERT_EQ(from_file.in_channels(), 3);
  Tensor picture({1, 1, 2, 3});
  std::ranges::copy(std::vector<float>{0.75F, 0.5F, 0, 9, -9, 0.125F}, picture.values().begin());
  const Tensor mask = test::mask_where(1, 2, [](auto, auto x) { return x == 1; });
  Tensor x({1, 1, 2, 3});
  from_file.prepare(picture.view(), mask.view(), x.view());
  EXPECT_EQ(std::vector(x.values().begin(), x.values().end()),
            (std::vector<float>{0.25F, 0.25F, -1, 0, 0, 0}));

  Context ctx({.threads = 1, .precise = true});
  const Tensor y = run(from_file, Random(8).tensor({1, 4, 8, 3}, -1, 1), ctx);
  EXPECT_TRUE(std::ranges::all_of(y.values(), [](float v) { return v > 0 && v < 1; }));
}

TEST_F(CompletionFile, WithAMissingOrAnotherTensorIsRefused) {
  test::CompletionTensors content = test::random_completion_tensors(4, 1);
  std::vector<TensorToWrite>& tensors = content.tensors;
  const auto named = [&](const char* name) {
    return std::ranges::find(tensors, name, &TensorToWrite::name);
  };
  // What the discriminators bring is not left over.
  const std::vector<float> value(1);
  const auto add = [&](const char* name) {
    tensors.push_back({.name = name, .shape = Shape{1}, .data = std::as_bytes(std::span(value))});
  };
  for (const char* name : {"local.conv1.bias", "global.conv1.bias", "joint.linear.bias"}) add(name);
  test::write_completion_file(path, tensors);
  EXPECT_NO_THROW(load());

  add("conv18.weight");
  test::write_completion_file(path, tensors);
  EXPECT_EQ(error(), "tensor 'conv18.weight' belongs to no layer of this model");

  tensors.erase(named("conv2.shift"));
  test::write_completion_file(path, tensors);
  EXPECT_NE(error().find("conv2.shift"), std::string::npos) << error();

  named("conv1.bias")->shape = Shape{8, 8};
  test::write_completion_file(path, tensors);
  EXPECT_NE(error().find("conv1.bias"), std::string::npos) << error();

  // The mask's channel has no weights, or weights and no channel.
  test::write_completion_file(path, tensors, {.channels = "3"});
  EXPECT_NE(error().find("conv1.weight"), std::string::npos) << error();
}

TEST_F(CompletionFile, WithAnotherConfigurationIsRefused) {
  EXPECT_EQ(error_of_config({.input = R"("noise")"}),
            R"(hewn.config: input: expected mean-filled or mean-subtracted, got "noise")");
  EXPECT_EQ(error_of_config({.mean = "[0.5, 0.5]"}),
            "hewn.config: mean: expected 3 numbers from 0 to 1, got [0.5,0.5]");
  EXPECT_EQ(error_of_config({.mean = "0.5"}),
            "hewn.config: mean: expected 3 numbers from 0 to 1, got 0.5");
  for (const char* number : {"-0.01", "1.01", "128", "1e+300"}) {
    EXPECT_EQ(
        error_of_config({.mean = text_of("[0.5, ", number, ", 0.5]")}),
        text_of("hewn.config: mean: expected 3 numbers from 0 to 1, got [0.5,", number, ",0.5]"));
  }
  for (const char* channels : {"5", "0", "-4"}) {
    EXPECT_EQ(error_of_config({.channels = channels}),
              text_of("hewn.config: channels: expected an integer from 3 to 4, got ", channels));
  }
  EXPECT_EQ(error_of_config({.channels = "1e300"}),
            "hewn.config: channels: expected an integer from 3 to 4, got 1e+300");
  write_safetensors(path, {}, {{"hewn.model", "raft"}});
  EXPECT_EQ(error(), "expected the weights of a completion model, got those of a raft model");
}

TEST_F(CompletionFile, WithoutDiscriminatorsSaysHowToGetThem) {
  test::write_completion_file(path, {});
  EXPECT_EQ(test::error_about(path, [&] { ContextDiscriminators{SafetensorsFile(path)}; }),
            "expected weights with discriminators, as 'weights_tools.convert completion "
            "--discriminator D.pth' makes them");
}

TEST(Completion, PreparesWhatItWasTrainedToSee) {
  // Random weights have the paper's input: the mean colour in the hole, and the mask.
  const Tensor picture = Random(9).tensor({2, 2, 3, 3}, 0, 1);
  const Tensor alternating = test::mask_where(2, 6, [](auto, auto x) { return x % 2 == 1; });
  const ConstView mask = alternating.view().reshaped({2, 2, 3, 1});
  Tensor x({2, 2, 3, 4});
  precise_network().prepare(picture.view(), mask, x.view());
  for (std::int64_t i = 0; i < mask.shape.pixels(); ++i) {
    const bool hole = mask.data[i] == 1;
    const float* got = x.view().pixel(0, 0, i);
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_EQ(got[c],
                hole ? precise_network().input().mean[c] : picture.view().pixel(0, 0, i)[c]);
    }
    EXPECT_EQ(got[3], mask.data[i]);
  }
}

TEST(Completion, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const auto forward = [&](const Nhwc& x, const Nhwc& y) {
    const Tensor from(x);
    Tensor to(y);
    return test::error_of([&] { precise_network().forward(from.view(), to.view(), ctx); });
  };
  for (const Nhwc& x : {Nhwc{1, 8, 8, 3}, {1, 6, 8, 4}, {1, 8, 7, 4}}) {
    EXPECT_EQ(
        forward(x, {1, 8, 8, 3}),
        text_of("completion: expected 4 channels and sides that are multiples of 4, got ", x));
  }
  EXPECT_EQ(
      forward({1, 8, 8, 4}, {1, 8, 8, 4}),
      text_of("completion: expected a result of ", Nhwc{1, 8, 8, 3}, ", got ", Nhwc{1, 8, 8, 4}));
  const Tensor picture({1, 4, 4, 3});
  const Tensor mask({1, 4, 4, 1});
  Tensor x({1, 4, 4, 4});
  Tensor narrow({1, 4, 4, 3});
  const auto prepare = [&](const Tensor& from, const Tensor& hole, Tensor& to) {
    return test::error_of([&] { precise_network().prepare(from.view(), hole.view(), to.view()); });
  };
  const std::string expected = "completion: expected an RGB picture, a mask and a result";
  EXPECT_TRUE(prepare(mask, mask, x).starts_with(expected));
  EXPECT_TRUE(prepare(picture, picture, x).starts_with(expected));
  EXPECT_TRUE(prepare(picture, mask, narrow).starts_with(expected));
}

}  // namespace
}  // namespace hewn
