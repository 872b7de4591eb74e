#include "hewn/models/raft/raft.h"

#include "hewn/models/raft/padding.h"
#include "hewn/ops/instance_norm/instance_norm.h"
#include "hewn/runtime/error.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "tests/support/allocations.h"
#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include "tests/support/traced_run.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::Random;

const Raft& model(bool large) {
  static const Raft of_large = Raft::random(kRaftLarge, 1);
  static const Raft of_small = Raft::random(kRaftSmall, 1);
  return large ? of_large : of_small;
}

struct Bits {
  std::uint64_t low, flow;
  friend bool operator==(const Bits&, const Bits&) = default;
};

Bits run(const Raft& network, const Tensor& a, const Tensor& b, const Raft::Options& options,
         Context& ctx) {
  const Arena::Scope scope(ctx.arena());
  const Raft::Output out = network.forward(a.view(), b.view(), options, ctx);
  return {test::checksum(out.flow_low), test::checksum(out.flow)};
}

// Label: bits
TEST(Raft, SameBitsOnEveryInstructionSetAndNumberOfThreads) {
  Random random(1);
  const Tensor a = random.tensor({1, 64, 72, 3}, 0, 1);
  const Tensor b = random.tensor({1, 64, 72, 3}, 0, 1);
  std::vector<ContextOptions> ways{{.threads = 2}};
  for (const Isa isa : test::bit_identical_isas()) ways.push_back({.threads = 5, .isa = isa});
  for (const bool large : {true, false}) {
    for (const auto form : {CorrelationForm::all_pairs, CorrelationForm::on_demand}) {
      if (large && form == CorrelationForm::all_pairs) continue;  // matmul's tests have its bits
      const Raft::Options options{.iterations = 2, .correlation = form};
      Context one_thread({.threads = 1});
      const Bits expected = run(model(large), a, b, options, one_thread);
      for (const ContextOptions& way : ways) {
        Context ctx(way);
        SCOPED_TRACE(text_of(large ? "large" : "small", ", ", isa_name(ctx.isa()), ", ",
                             ctx.threads(), " threads"));
        EXPECT_EQ(run(model(large), a, b, options, ctx), expected);
      }
    }
  }
}

TEST(Raft, BothFormsOfTheCorrelationAgreeWithinRounding) {
  Random random(2);
  const Tensor a = random.tensor({1, 72, 88, 3}, 0, 1);
  const Tensor b = random.tensor({1, 72, 88, 3}, 0, 1);
  for (const bool large : {true, false}) {
    Context ctx({.threads = 2});
    const Arena::Scope scope(ctx.arena());
    const View pairs = model(large).forward(a.view(), b.view(), {.iterations = 3}, ctx).flow;
    const View demand =
        model(large)
            .forward(a.view(), b.view(),
                     {.iterations = 3, .correlation = CorrelationForm::on_demand}, ctx)
            .flow;
    double distance = 0;
    double norm = 0;
    for (std::int64_t i = 0; i < pairs.shape.count(); ++i) {
      const double difference =
          static_cast<double>(pairs.data[i]) - static_cast<double>(demand.data[i]);
      distance += difference * difference;
      norm += static_cast<double>(pairs.data[i]) * static_cast<double>(pairs.data[i]);
    }
    // Each is within some 1e-6 of float64 on such weights: `weights_tools.audit raft`.
    EXPECT_LT(std::sqrt(distance / norm), 1e-5);
    EXPECT_GT(norm, 0);
  }
}

TEST(Raft, AnInitialFlowContinuesWhereAnotherRunEnded) {
  Random random(3);
  const Tensor a = random.tensor({1, 64, 64, 3}, 0, 1);
  const Tensor b = random.tensor({1, 64, 64, 3}, 0, 1);
  Context ctx({.threads = 1});
  const Raft::Options one{.iterations = 1};
  const Bits from_rest = run(model(false), a, b, one, ctx);
  Tensor start({1, 8, 8, 2});
  fill(start.view(), 0);
  Raft::Options again = one;
  again.initial_flow = start.view();
  EXPECT_EQ(run(model(false), a, b, again, ctx), from_rest);
  fill(start.view(), 0.75F);
  EXPECT_FALSE(run(model(false), a, b, again, ctx) == from_rest);
}

TEST(Raft, AnObserverSeesEveryIterationAndChangesNoBit) {
  Random random(4);
  const Tensor a = random.tensor({1, 64, 80, 3}, 0, 1);
  const Tensor b = random.tensor({1, 64, 80, 3}, 0, 1);
  for (const bool large : {true, false}) {
    Context ctx({.threads = 2});
    std::vector<Bits> seen;
    std::vector<std::int64_t> done;
    const Raft::Options options{.iterations = 3,
                                .observer =
                                    [&](std::int64_t i, ConstView low, ConstView flow) {
                                      EXPECT_EQ(i, static_cast<std::int64_t>(seen.size()));
                                      seen.push_back({test::checksum(low), test::checksum(flow)});
                                    },
                                .progress = [&](std::int64_t count) { done.push_back(count); }};
    run(model(large), a, b, options, ctx);
    EXPECT_EQ(done, (std::vector<std::int64_t>{1, 2, 3}));
    ASSERT_EQ(seen.size(), 3U);
    for (std::int64_t iterations = 1; iterations <= 3; ++iterations) {
      EXPECT_EQ(run(model(large), a, b, {.iterations = iterations}, ctx),
                seen[static_cast<std::size_t>(iterations - 1)]);
    }
  }
}

/// The feature encoder of the small Raft::random(1), operator by operator, on all pictures at once.
class PlainEncoder {
 public:
  PlainEncoder(const Tensor& images, Context& ctx) : ctx_(ctx) {
    Tensor x(images.shape());
    for (std::size_t i = 0; i < x.values().size(); ++i) {
      x.values()[i] = 2 * images.values()[i] - 1;
    }
    const ConvLayer first = conv("fnet.conv1", {32, 3, 7, 7}, 2);
    const ConvLayer last = conv("fnet.conv2", {128, 96, 1, 1}, 1);
    x = put("fnet.conv1", normed(first, x, kRelu));
    for (int stage = 1; const std::int64_t out : kRaftSmall.channels) {
      const std::string name = text_of("fnet.layer", stage, ".");
      x = block(name + "0", out, stage == 1 ? 1 : 2, x);
      x = block(name + "1", out, 1, x);
      ++stage;
    }
    put("fnet.conv2", run(last, x));
  }

  const std::map<std::string, std::uint64_t>& bits() const { return bits_; }

 private:
  static constexpr Activation kRelu = Activation::relu();

  ConvLayer conv(const std::string& name, const Shape& shape, std::int64_t stride) {
    return layers_.conv(name, shape,
                        {.stride_h = stride,
                         .stride_w = stride,
                         .padding_h = shape[2] / 2,
                         .padding_w = shape[3] / 2});
  }

  Tensor run(const ConvLayer& conv, const Tensor& x) {
    Tensor y(conv.output_shape(x.shape()));
    conv2d(x.view(), conv.conv(), y.view(), ctx_);
    return y;
  }

  Tensor normed(const ConvLayer& conv, const Tensor& x, const Activation& activation) {
    Tensor y = run(conv, x);
    instance_norm(y.view(), InstanceNormParams{.activation = activation}, y.view(), ctx_);
    return y;
  }

  Tensor block(const std::string& name, std::int64_t out, std::int64_t stride, const Tensor& x) {
    const std::int64_t in = x.shape().c;
    Tensor y = normed(conv(name + ".conv1", {out / 4, in, 1, 1}, 1), x, kRelu);
    y = normed(conv(name + ".conv2", {out / 4, out / 4, 3, 3}, stride), y, kRelu);
    y = normed(conv(name + ".conv3", {out, out / 4, 1, 1}, 1), y, kRelu);
    const Tensor shortcut =
        stride == 1 ? Tensor::copy_of(x.view())
                    : normed(conv(name + ".downsample.0", {out, in, 1, 1}, stride), x, {});
    for (std::size_t i = 0; i < y.values().size(); ++i) {
      y.values()[i] = std::max(y.values()[i] + shortcut.values()[i], 0.0F);
    }
    return put(name, std::move(y));
  }

  Tensor put(const std::string& name, Tensor y) {
    bits_[name] = test::checksum(y.view());
    return y;
  }

  RandomLayers layers_{1, Conv2dPacking::any, {{"net.conv2", 0.5}}};
  Context& ctx_;
  std::map<std::string, std::uint64_t> bits_;
};

/// The images of both, in their order.
Tensor both(const Tensor& a, const Tensor& b) {
  Tensor all({a.shape().n + b.shape().n, a.shape().h, a.shape().w, a.shape().c});
  std::ranges::copy(b.values(), std::ranges::copy(a.values(), all.values().begin()).out);
  return all;
}

TEST(Raft, ATraceSeesEveryLayerOfTheRunThatItWatches) {
  Random random(5);
  const Tensor a = random.tensor({2, 64, 72, 3}, 0, 1);
  const Tensor b = random.tensor({2, 64, 72, 3}, 0, 1);
  for (const bool large : {true, false}) {
    const ContextOptions options{.threads = 2};
    const std::vector<TracedLayer> layers = test::trace_of(
        options, [&](Context& ctx) { return run(model(large), a, b, {.iterations = 2}, ctx); });
    // The input, eight of each encoder, four of each iteration, and the mask of the last.
    EXPECT_EQ(layers.size(), 1 + 2 * 8 + 2 * 4 + (large ? 1U : 0U));
    const auto shapes = test::shapes_of(layers);
    const std::map<std::string, Nhwc> shape(shapes.begin(), shapes.end());
    EXPECT_EQ(shape.at("fnet.layer2.0"), (Nhwc{4, 16, 18, large ? 96 : 64}));
    EXPECT_EQ(shape.at("cnet.layer2.0"), (Nhwc{2, 16, 18, large ? 96 : 64}));
    EXPECT_EQ(shape.at("1.correlation"), (Nhwc{2, 8, 9, large ? 324 : 196}));
    EXPECT_EQ(shape.contains("1.mask"), large);
    const auto bits = test::bits_of(layers);
    EXPECT_EQ(bits.at("input"), test::checksum(both(a, b).view()));
    Context ctx(options);
    if (!large) {
      const PlainEncoder plain(both(a, b), ctx);
      for (const auto& [name, expected] : plain.bits()) EXPECT_EQ(bits.at(name), expected) << name;
    }
    run(model(large), a, b,
        {.iterations = 2,
         .observer =
             [&](std::int64_t i, ConstView low, ConstView) {
               EXPECT_EQ(bits.at(text_of(i, ".flow_low")), test::checksum(low));
             }},
        ctx);
  }
}

// Labels: bits long
TEST(Raft, ASecondRunAllocatesNothing) {
  Random random(6);
  const Tensor a = random.tensor({1, 64, 64, 3}, 0, 1);
  Context ctx({.threads = 1});
  for (const auto form : {CorrelationForm::all_pairs, CorrelationForm::on_demand}) {
    const Raft::Options options{.iterations = 2, .correlation = form};
    run(model(true), a, a, options, ctx);
    const std::int64_t after_first = ctx.arena().system_allocations();
    run(model(true), a, a, options, ctx);
    EXPECT_EQ(ctx.arena().system_allocations(), after_first);
  }
}

// Labels: bits long
TEST(Raft, IterationsAllocateNothing) {
  Random random(9);
  const Tensor a = random.tensor({1, 64, 64, 3}, 0, 1);
  const Tensor b = random.tensor({1, 64, 64, 3}, 0, 1);
  Context ctx({.threads = 1});
  for (const bool large : {true, false}) {
    for (const auto form : {CorrelationForm::all_pairs, CorrelationForm::on_demand}) {
      const auto allocations_of = [&](std::int64_t iterations) {
        const Raft::Options options{.iterations = iterations, .correlation = form};
        const std::int64_t before = test::allocations();
        run(model(large), a, b, options, ctx);
        return test::allocations() - before;
      };
      allocations_of(1);
      EXPECT_EQ(allocations_of(5), allocations_of(1));
    }
  }
}

TEST(Raft, ComputesABatchAsItsPairs) {
  Random random(7);
  const Tensor a = random.tensor({2, 64, 64, 3}, 0, 1);
  const Tensor b = random.tensor({2, 64, 64, 3}, 0, 1);
  Context ctx({.threads = 1});
  const Arena::Scope scope(ctx.arena());
  const Raft::Options options{.iterations = 1};
  const View both = model(false).forward(a.view(), b.view(), options, ctx).flow;
  for (const std::int64_t n : {0, 1}) {
    const View alone =
        model(false).forward(a.view().image(n), b.view().image(n), options, ctx).flow;
    EXPECT_EQ(test::checksum(alone), test::checksum(both.image(n)));
  }
}

TEST(Raft, ChoosesTheCorrelationByItsBudget) {
  // Levels of 8×8, 4×4, 2×2 and 1 cells.
  constexpr std::int64_t kBytes = 4 * 64 * 85;
  EXPECT_EQ(model(false).correlation_within(kBytes, 64, 64), CorrelationForm::all_pairs);
  EXPECT_EQ(model(false).correlation_within(kBytes - 1, 64, 64), CorrelationForm::on_demand);
}

TEST(Raft, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor picture({1, 64, 64, 3});
  const Tensor odd({1, 64, 65, 3});
  const Tensor small({1, 56, 64, 3});
  const auto refusal = [&](const Tensor& a, const Tensor& b, const Raft::Options& options) {
    return test::error_of([&] { model(false).forward(a.view(), b.view(), options, ctx); });
  };
  for (const Tensor* wrong : {&odd, &small}) {
    EXPECT_EQ(
        refusal(*wrong, *wrong, {}),
        text_of("RAFT: expected RGB pictures whose sides are multiples of 8, at least 64, got ",
                wrong->shape()));
  }
  EXPECT_EQ(refusal(picture, odd, {}),
            text_of("RAFT: expected a second picture of ", picture.shape(), ", got ", odd.shape()));
  EXPECT_EQ(refusal(picture, picture, {.iterations = 0}),
            "RAFT: iterations: expected at least 1, got 0");
  EXPECT_EQ(
      refusal(picture, picture, {.initial_flow = picture.view()}),
      text_of("RAFT: expected an initial flow of ", Nhwc{1, 8, 8, 2}, ", got ", picture.shape()));
}

TEST(RaftPadding, SplitsWhatIsMissingAsTheBenchmarksDo) {
  const RaftPadding sintel(97, 131, RaftPaddingWay::sintel);
  EXPECT_EQ(sintel.top, 3);
  EXPECT_EQ(sintel.bottom, 4);
  EXPECT_EQ(sintel.left, 2);
  EXPECT_EQ(sintel.right, 3);
  const RaftPadding kitti(97, 131, RaftPaddingWay::kitti);
  EXPECT_EQ(kitti.top, 0);
  EXPECT_EQ(kitti.bottom, 7);
  EXPECT_EQ(kitti.left, 2);
  EXPECT_EQ(kitti.right, 3);
  const RaftPadding none(96, 128, RaftPaddingWay::sintel);
  EXPECT_EQ(none.top + none.bottom + none.left + none.right, 0);
}

TEST(RaftPadding, RepeatsTheBorderAndIsCutOffAgain) {
  Random random(8);
  const Tensor picture = random.tensor({2, 5, 9, 3});
  for (const auto way : {RaftPaddingWay::sintel, RaftPaddingWay::kitti}) {
    const RaftPadding padding(5, 9, way);
    const Tensor padded = padding.pad(picture.view());
    ASSERT_EQ(padded.shape(), (Nhwc{2, 8, 16, 3}));
    const std::int64_t top = way == RaftPaddingWay::sintel ? 1 : 0;
    for (std::int64_t y = 0; y < 8; ++y) {
      for (std::int64_t x = 0; x < 16; ++x) {
        const float* from =
            picture.view().pixel(1, std::min<std::int64_t>(std::max<std::int64_t>(y - top, 0), 4),
                                 std::min<std::int64_t>(std::max<std::int64_t>(x - 3, 0), 8));
        EXPECT_EQ(padded.view().pixel(1, y, x)[2], from[2]) << y << ", " << x;
      }
    }
    Tensor back(picture.shape());
    padding.crop(padded.view(), back.view());
    EXPECT_EQ(test::checksum(back.view()), test::checksum(picture.view()));
  }
}

}  // namespace
}  // namespace hewn
