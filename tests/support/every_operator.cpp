#include "tests/support/every_operator.h"

#include "hewn/ops/activation/activation.h"
#include "hewn/ops/attention/attention.h"
#include "hewn/ops/concat/concat.h"
#include "hewn/ops/conv2d/conv2d.h"
#include "hewn/ops/conv_chain/conv_chain.h"
#include "hewn/ops/conv_transpose2d/conv_transpose2d.h"
#include "hewn/ops/convex_upsample/convex_upsample.h"
#include "hewn/ops/correlation/correlation.h"
#include "hewn/ops/depth_to_space/depth_to_space.h"
#include "hewn/ops/elementwise/elementwise.h"
#include "hewn/ops/grid_sample/grid_sample.h"
#include "hewn/ops/gru/conv_gru.h"
#include "hewn/ops/gru/gru.h"
#include "hewn/ops/instance_norm/instance_norm.h"
#include "hewn/ops/layer_norm/layer_norm.h"
#include "hewn/ops/linear/linear.h"
#include "hewn/ops/matmul/matmul.h"
#include "hewn/ops/normalize/normalize.h"
#include "hewn/ops/pool2d/pool2d.h"
#include "hewn/ops/resize/resize.h"
#include "hewn/ops/softmax/softmax.h"

#include <memory>

#include "tests/support/random.h"

namespace hewn::test {

namespace {

using Views = std::vector<ConstView>;

PackedConv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1) {
  Random random(7);
  const Shape shape{out, in, kernel, kernel};
  const auto weight = random.values(shape.count());
  return {"c",
          {.stride_h = stride,
           .stride_w = stride,
           .padding_h = kernel / 2,
           .padding_w = kernel / 2,
           .activation = Activation::relu()},
          {.shape = shape, .weight = weight}};
}

PackedConvTranspose2d conv_transpose(std::int64_t in, std::int64_t out) {
  Random random(8);
  const Shape shape{in, out, 4, 4};
  const auto weight = random.values(shape.count());
  return {"t",
          {.stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1},
          {.shape = shape, .weight = weight}};
}

PackedLinear layer(std::int64_t in, std::int64_t out, const Activation& activation = {}) {
  Random random(9);
  const auto weight = random.values(in * out);
  return {"l", {.shape = {out, in}, .weight = weight, .bias = {}}, activation};
}

PackedGru gru_layer(std::int64_t inputs, std::int64_t hidden) {
  Random random(10);
  const auto weight_ih = random.values(3 * hidden * inputs);
  const auto weight_hh = random.values(3 * hidden * hidden);
  return {"g",
          {.shape_ih = {3 * hidden, inputs},
           .weight_ih = weight_ih,
           .weight_hh = weight_hh,
           .bias_ih = {},
           .bias_hh = {}}};
}

PackedConvGru conv_gru_unit(std::int64_t hidden, std::int64_t inputs, std::int64_t constants) {
  Random random(11);
  const Shape shape{hidden, hidden + inputs, 1, 3};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(hidden);
  const ConvGruWeights::Gate gate{weight, bias};
  return {"u", {.shape = shape, .z = gate, .r = gate, .q = gate}, constants};
}

constexpr auto kInPlace = Overlap::in_place;

std::vector<OperatorRow> elementwise_rows() {
  const Nhwc s{2, 3, 5, 6};
  return {
      {"activate",
       {{"x", s, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) {
         activate(x[0], {.kind = Activation::Kind::tanh}, y, ctx);
       }},
      {"exp",
       {{"x", s, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) { unary(x[0], UnaryOp::exp, y, ctx); }},
      {"add",
       {{"a", s, kInPlace}, {"b", s, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) { binary(x[0], x[1], BinaryOp::add, y, ctx); }},
      {"add",
       {{"a", s, kInPlace}, {"b", {1, 1, 1, 6}, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) { binary(x[0], x[1], BinaryOp::add, y, ctx); }},
      {"softmax",
       {{"x", s, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) { softmax(x[0], y, ctx); }},
      {"l2_normalize",
       {{"x", s, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) { l2_normalize(x[0], y, ctx); }},
      {"layer_norm",
       {{"x", s, kInPlace}},
       s,
       [](const Views& x, View y, Context& ctx) {
         const std::vector<float> ones(6, 1);
         layer_norm(x[0], {.weight = ones, .bias = ones}, y, ctx);
       }},
      // More pixels than a chunk has, so that one crosses rows.
      {"instance_norm",
       {{"x", {2, 13, 11, 6}, kInPlace},
        {"before", {2, 13, 11, 6}, kInPlace},
        {"after", {2, 13, 11, 6}, kInPlace}},
       {2, 13, 11, 6},
       [](const Views& x, View y, Context& ctx) {
         instance_norm(x[0], {x[1], x[2]}, {.activation = Activation::relu()}, y, ctx);
       }},
      {"concat",
       {{"a part", s, kInPlace}, {"a part", {2, 3, 5, 2}, kInPlace}},
       {2, 3, 5, 8},
       [](const Views& x, View y, Context& ctx) { concat_channels(x, y, ctx); }},
      {"depth_to_space",
       {{"x", {2, 3, 5, 8}}},
       {2, 6, 10, 2},
       [](const Views& x, View y, Context& ctx) { depth_to_space(x[0], 2, y, ctx); }},
      {"depth_to_space",
       {{"x", {2, 3, 5, 4}}},
       {2, 6, 10, 1},
       [](const Views& x, View y, Context& ctx) { depth_to_space(x[0], 2, y, ctx); }},
  };
}

OperatorRow conv2d_row(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  const Nhwc y{2, 9, 7, out};
  return {"conv2d c",
          {{"x", {2, 9, 7, in}}, {"before", y, kInPlace}, {"after", y, kInPlace}},
          y,
          [c = std::make_shared<PackedConv2d>(conv(in, out, kernel))](const Views& x, View to,
                                                                      Context& ctx) {
            conv2d(x[0], {x[1], x[2]}, *c, to, ctx);
          }};
}

std::vector<OperatorRow> convolution_rows() {
  return {
      conv2d_row(3, 5, 3),
      conv2d_row(5, 17, 1),
      conv2d_row(16, 17, 3),
      {"conv2d c",
       {},
       {2, 33, 7, 16},
       [](const Views&, View y, Context& ctx) { conv2d_in_place(y, conv(16, 16, 3), ctx); }},
      {"conv2d c",
       {{"x", {2, 8, 6, 16}}},
       {2, 4, 3, 5},
       [](const Views& x, View y, Context& ctx) { conv2d_max_pool(x[0], conv(16, 5, 3), y, ctx); }},
      {"conv2d c",
       {{"x", {2, 8, 6, 3}}},
       {2, 4, 3, 5},
       [](const Views& x, View y, Context& ctx) { conv2d_max_pool(x[0], conv(3, 5, 3), y, ctx); }},
      {"conv_chain",
       {{"x", {2, 8, 6, 3}}},
       {2, 4, 3, 5},
       [](const Views& x, View y, Context& ctx) {
         const PackedConv2d first = conv(3, 16, 3);
         const PackedConv2d second = conv(16, 5, 3);
         const ConvLink links[] = {Conv2dLink{&first}, Conv2dLink{&second, /*max_pool=*/true}};
         conv_chain_depth_first(x[0], links, y, ctx);
       }},
      {"conv_chain",
       {{"x", {2, 8, 6, 3}}},
       {2, 8, 6, 3},
       [](const Views& x, View y, Context& ctx) {
         const PackedConv2d down = conv(3, 16, 3, /*stride=*/2);
         const PackedConvTranspose2d up = conv_transpose(16, 3);
         const ConvLink links[] = {Conv2dLink{&down}, &up};
         conv_chain(x[0], links, y, ctx);
       }},
      {"conv_transpose2d t",
       {{"x", {2, 5, 6, 16}}},
       {2, 10, 12, 3},
       [](const Views& x, View y, Context& ctx) {
         conv_transpose2d(x[0], conv_transpose(16, 3), y, ctx);
       }},
      {"conv_transpose2d t",
       {{"x", {2, 5, 6, 3}}},
       {2, 10, 12, 4},
       [](const Views& x, View y, Context& ctx) {
         conv_transpose2d(x[0], conv_transpose(3, 4), y, ctx);
       }},
      {"conv_gru u",
       {{"constants", {2, 4, 5, 9}}},
       {2, 4, 5, 8},
       [](const Views& x, View y, Context& ctx) {
         conv_gru(y, x[0], conv_gru_unit(3, 4, 2), ctx);
       }},
      {"conv2d u.constant",
       {{"x", {2, 4, 5, 2}}},
       {2, 4, 5, 9},
       [](const Views& x, View y, Context& ctx) {
         conv_gru_constants(x[0], conv_gru_unit(3, 4, 2), y, ctx);
       }},
  };
}

std::vector<OperatorRow> product_rows() {
  return {
      {"linear l",
       {{"x", {2, 3, 5, 7}}, {"before", {2, 3, 5, 17}}, {"after", {2, 3, 5, 17}, kInPlace}},
       {2, 3, 5, 17},
       [](const Views& x, View y, Context& ctx) {
         linear(x[0], {x[1], x[2]}, layer(7, 17), y, ctx);
       }},
      {"linear l",
       {{"x", {2, 3, 5, 7}}, {"after", {2, 3, 5, 17}}},
       {2, 3, 5, 17},
       [](const Views& x, View y, Context& ctx) {
         linear(x[0], {.after = x[1]}, layer(7, 17, Activation::relu()), y, ctx);
       }},
      {"matmul",
       {{"a", {2, 1, 5, 7}}, {"b", {2, 1, 7, 17}}},
       {2, 1, 5, 17},
       [](const Views& x, View y, Context& ctx) { matmul(x[0], x[1], y, ctx); }},
      {"matmul",
       {{"a", {2, 1, 5, 7}}, {"b", {2, 1, 17, 7}}},
       {2, 1, 5, 17},
       [](const Views& x, View y, Context& ctx) {
         matmul(x[0], x[1], {.transpose_b = true}, y, ctx);
       }},
      {"attention",
       {{"q", {2, 1, 5, 6}}, {"k", {2, 1, 7, 6}}, {"v", {2, 1, 7, 6}}},
       {2, 1, 5, 6},
       [](const Views& x, View y, Context& ctx) { attention(x[0], x[1], x[2], 2, y, ctx); }},
      {"tree_attention",
       {{"q", {1, 1, 2, 6}}, {"k", {1, 1, 4, 6}}, {"v", {1, 1, 4, 6}}},
       {1, 1, 2, 6},
       [](const Views& x, View y, Context& ctx) {
         constexpr std::int32_t kTokens[] = {1, 3};
         constexpr std::int32_t kParents[] = {-1, 0, 0, 2};
         tree_attention(x[0], kTokens, x[1], x[2], kParents, 2, y, ctx);
       }},
      {"gru",
       {{"x", {1, 1, 3, 4}}, {"h", {1, 1, 3, 5}, kInPlace}},
       {1, 1, 3, 5},
       [](const Views& x, View y, Context& ctx) { gru_cell(x[0], x[1], gru_layer(4, 5), y, ctx); }},
      {"gru",
       {{"x", {2, 1, 3, 4}}, {"h", {2, 1, 1, 5}}},
       {2, 1, 3, 5},
       [](const Views& x, View y, Context& ctx) { gru(x[0], x[1], gru_layer(4, 5), y, ctx); }},
  };
}

OperatorRow correlation_row(CorrelationForm form) {
  return {
      "correlation lookup",
      {{"features1", {2, 4, 5, 6}, std::nullopt, "correlation"},
       {"features2", {2, 4, 5, 6}, std::nullopt, "correlation"},
       {"flow", {2, 4, 5, 2}}},
      {2, 4, 5, 2 * 9},
      [form](const Views& x, View y, Context& ctx) {
        const Arena::Scope scope(ctx.arena());
        Correlation(x[0], x[1], {.levels = 2, .radius = 1, .form = form}, ctx).lookup(x[2], y, ctx);
      }};
}

template <typename Op, typename Params>
OperatorRow window_row(const char* name, Op op, const Params& params, const Nhwc& y) {
  return {name, {{"x", {2, 9, 8, 5}}}, y, [=](const Views& x, View to, Context& ctx) {
            op(x[0], params, to, ctx);
          }};
}

std::vector<OperatorRow> sampling_rows() {
  constexpr Pool2dParams kThree{.kernel_h = 3, .kernel_w = 3, .padding_h = 1, .padding_w = 1};
  using Mode = ResizeParams::Mode;
  return {
      window_row("max_pool2d", max_pool2d, kHalve, {2, 4, 4, 5}),
      window_row("max_pool2d", max_pool2d, kThree, {2, 9, 8, 5}),
      window_row("avg_pool2d", avg_pool2d, kThree, {2, 9, 8, 5}),
      window_row("resize", resize, ResizeParams{.mode = Mode::nearest}, {2, 5, 13, 5}),
      window_row("resize", resize, ResizeParams{.mode = Mode::bilinear}, {2, 5, 13, 5}),
      window_row("resize", resize, ResizeParams{.mode = Mode::bicubic}, {2, 5, 13, 5}),
      {"grid_sample",
       {{"x", {2, 4, 5, 3}}, {"grid", {2, 3, 6, 2}}},
       {2, 3, 6, 3},
       [](const Views& x, View y, Context& ctx) { grid_sample(x[0], x[1], {}, y, ctx); }},
      {"convex_upsample",
       {{"flow", {2, 3, 4, 2}}, {"logits", {2, 3, 4, 36}}},
       {2, 6, 8, 2},
       [](const Views& x, View y, Context& ctx) { convex_upsample(x[0], x[1], 2, y, ctx); }},
      correlation_row(CorrelationForm::all_pairs),
      correlation_row(CorrelationForm::on_demand),
  };
}

}  // namespace

std::vector<OperatorRow> every_operator() {
  std::vector<OperatorRow> rows;
  for (const auto& some :
       {elementwise_rows(), convolution_rows(), product_rows(), sampling_rows()}) {
    rows.insert(rows.end(), some.begin(), some.end());
  }
  return rows;
}

}  // namespace hewn::test
