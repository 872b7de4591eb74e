// Every operator: on views with gaps of all kinds it gives the bits that it gives on dense ones,
// and it refuses strides that are too small, and an output that lies where its header does not
// allow.
#include "hewn/runtime/operands.h"

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

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::Sliced;

struct Input {
  const char* name;
  Nhwc shape;
  /// Where the output may lie; empty where that is another call's matter.
  std::optional<Overlap> output = Overlap::none;
  const char* op = nullptr;  // where it is not that of the row
};

using Views = std::vector<ConstView>;

/// A row of the table.
struct Row {
  const char* op;  // as its errors begin
  std::vector<Input> inputs;
  Nhwc y;
  std::function<void(const Views& x, View y, Context& ctx)> run;
};

PackedConv2d conv(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride = 1) {
  test::Random random(7);
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
  test::Random random(8);
  const Shape shape{in, out, 4, 4};
  const auto weight = random.values(shape.count());
  return {"t",
          {.stride_h = 2, .stride_w = 2, .padding_h = 1, .padding_w = 1},
          {.shape = shape, .weight = weight}};
}

PackedLinear layer(std::int64_t in, std::int64_t out, const Activation& activation = {}) {
  test::Random random(9);
  const auto weight = random.values(in * out);
  return {"l", {.shape = {out, in}, .weight = weight, .bias = {}}, activation};
}

PackedGru gru_layer(std::int64_t inputs, std::int64_t hidden) {
  test::Random random(10);
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
  test::Random random(11);
  const Shape shape{hidden, hidden + inputs, 1, 3};
  const auto weight = random.values(shape.count());
  const auto bias = random.values(hidden);
  const ConvGruWeights::Gate gate{weight, bias};
  return {"u", {.shape = shape, .z = gate, .r = gate, .q = gate}, constants};
}

constexpr auto kInPlace = Overlap::in_place;

std::vector<Row> elementwise_rows() {
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

Row conv2d_row(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  const Nhwc y{2, 9, 7, out};
  return {"conv2d c",
          {{"x", {2, 9, 7, in}}, {"before", y, kInPlace}, {"after", y, kInPlace}},
          y,
          [c = std::make_shared<PackedConv2d>(conv(in, out, kernel))](const Views& x, View to,
                                                                      Context& ctx) {
            conv2d(x[0], {x[1], x[2]}, *c, to, ctx);
          }};
}

std::vector<Row> convolution_rows() {
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

std::vector<Row> product_rows() {
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

Row correlation_row(CorrelationForm form) {
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
Row window_row(const char* name, Op op, const Params& params, const Nhwc& y) {
  return {name, {{"x", {2, 9, 8, 5}}}, y, [=](const Views& x, View to, Context& ctx) {
            op(x[0], params, to, ctx);
          }};
}

std::vector<Row> sampling_rows() {
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

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const auto& some :
       {elementwise_rows(), convolution_rows(), product_rows(), sampling_rows()}) {
    rows.insert(rows.end(), some.begin(), some.end());
  }
  return rows;
}

/// Dense inputs and an output, which holds something: some operators work in place.
struct Data {
  std::vector<Tensor> inputs;
  Tensor y;

  explicit Data(const Row& row) {
    test::Random random(1);
    for (const Input& input : row.inputs) inputs.push_back(random.tensor(input.shape));
    y = random.tensor(row.y);
  }
  Views views() const {
    Views views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    return views;
  }
};

std::uint64_t run_with_margins(const Row& row, const Data& data, const test::Margins& margins,
                               Context& ctx) {
  std::vector<Sliced> inputs;
  Views views;
  for (const Tensor& input : data.inputs) {
    inputs.emplace_back(input.shape(), &input, margins);
    views.push_back(inputs.back().view());
  }
  Sliced y(row.y, &data.y, margins);
  row.run(views, y.view(), ctx);
  EXPECT_TRUE(y.margins_untouched());
  return test::checksum(y.view());
}

TEST(Operands, GapsOfAllKindsLeaveTheBitsAlone) {
  for (const Row& row : all_rows()) {
    SCOPED_TRACE(row.op);
    const Data data(row);
    for (const Isa isa : test::usable_isas()) {
      for (const int threads : {1, 3}) {
        SCOPED_TRACE(text_of(isa_name(isa), ", threads ", threads));
        Context ctx({.threads = threads, .isa = isa});
        const std::uint64_t dense = run_with_margins(row, data, {}, ctx);
        for (const test::Margins& margins : {test::kSlice, test::kWindow, test::kSliceOfWindow}) {
          EXPECT_EQ(run_with_margins(row, data, margins, ctx), dense) << "margins of " << margins;
        }
      }
    }
  }
}

/// What is to be said of a view whose strides are as small as these.
std::string complaint(const std::string& name, const char* what, std::int64_t least,
                      std::int64_t stride) {
  return text_of(name, ": expected ", what, "s at least ", least, " floats apart, got a ", what,
                 " stride of ", stride);
}

/// Calls run(view) with strides of `view` that are too small, and expects a complaint.
template <typename Float, typename Run>
void expect_strides_refused(const std::string& name, const BasicView<Float>& view, Run run) {
  const Nhwc& s = view.shape;
  const auto message = [&](const BasicView<Float>& wrong) { return error_of([&] { run(wrong); }); };
  for (const std::int64_t stride : {s.c - 1, std::int64_t{0}, -s.c}) {
    BasicView<Float> wrong = view;
    wrong.pixel_stride = stride;
    EXPECT_EQ(message(wrong), complaint(name, "pixel", s.c, stride));
  }
  for (const std::int64_t less : {std::int64_t{1}, 2 * view.row_stride}) {
    BasicView<Float> wrong = view;
    wrong.row_stride -= less;
    if (s.h > 1) {
      EXPECT_EQ(message(wrong), complaint(name, "row", view.row_stride, wrong.row_stride));
    }
    wrong = view;
    wrong.image_stride -= less;
    if (s.n > 1) {
      EXPECT_EQ(message(wrong), complaint(name, "image", view.image_stride, wrong.image_stride));
    }
  }
}

TEST(Operands, StridesThatAreTooSmallAreRefused) {
  Context ctx({.threads = 1});
  for (const Row& row : all_rows()) {
    Data data(row);
    for (std::size_t i = 0; i < row.inputs.size(); ++i) {
      const Input& input = row.inputs[i];
      const std::string name = text_of(input.op != nullptr ? input.op : row.op, ": ", input.name);
      Views views = data.views();
      expect_strides_refused(name, views[i], [&](ConstView wrong) {
        Views changed = views;
        changed[i] = wrong;
        row.run(changed, data.y.view(), ctx);
      });
    }
    expect_strides_refused(text_of(row.op, ": y"), data.y.view(),
                           [&](View wrong) { row.run(data.views(), wrong, ctx); });
  }
}

TEST(Operands, OutputsThatOverlapInputsAreRefusedWhereTheHeaderDoesNotAllowIt) {
  Context ctx({.threads = 1});
  for (const Row& row : all_rows()) {
    const Data data(row);
    for (std::size_t i = 0; i < row.inputs.size(); ++i) {
      const Input& input = row.inputs[i];
      if (!input.output) continue;
      SCOPED_TRACE(text_of(row.op, ", ", input.name));
      std::vector<float> room(
          static_cast<std::size_t>(std::max(input.shape.count(), row.y.count()) + 1));
      Views views = data.views();
      views[i] = ConstView(room.data(), input.shape);
      const auto message = [&](float* y) {
        return error_of([&] { row.run(views, {y, row.y}, ctx); });
      };
      const bool in_place = input.output == Overlap::in_place;
      const std::string expected =
          text_of(row.op, ": expected y apart from ", input.name,
                  in_place ? ", or the very same view" : "", ", got views that overlap");
      EXPECT_EQ(message(room.data() + 1), expected);
      EXPECT_EQ(message(room.data()),
                in_place && input.shape == row.y ? "nothing thrown" : expected);
    }
  }
}

TEST(Operands, ViewsOfOneBufferThatShareNoFloatDoNotOverlap) {
  const Tensor buffer({2, 6, 8, 10});
  const ConstView all = buffer.view();
  const auto overlap = [](const ConstView& a, const ConstView& b) {
    EXPECT_EQ(may_overlap(a, b), may_overlap(b, a));
    return may_overlap(a, b);
  };
  // Channels.
  EXPECT_FALSE(overlap(all.channels(0, 4), all.channels(4, 10)));
  EXPECT_TRUE(overlap(all.channels(0, 5), all.channels(4, 10)));
  EXPECT_FALSE(overlap(all.channels(0, 4), all.window(2, 3, 4, 5).channels(4, 10)));
  // Columns, rows and images.
  EXPECT_FALSE(overlap(all.columns(0, 4), all.columns(4, 8)));
  EXPECT_TRUE(overlap(all.columns(0, 5), all.columns(4, 8)));
  EXPECT_FALSE(overlap(all.rows(0, 2), all.rows(2, 6)));
  EXPECT_TRUE(overlap(all.rows(0, 3), all.rows(2, 6)));
  EXPECT_FALSE(overlap(all.images(0, 1), all.images(1, 2)));
  EXPECT_FALSE(overlap(all.window(0, 0, 6, 4), all.window(3, 4, 2, 4)));
  EXPECT_TRUE(overlap(all.window(0, 0, 3, 4), all.window(2, 3, 2, 4)));
  // Other strides: where memory meets, nothing is promised.
  EXPECT_TRUE(overlap(all.channels(0, 4), {all.data + 4, {1, 1, 4, 1}}));
  EXPECT_FALSE(overlap(all.images(0, 1), {all.data + 480, {1, 1, 4, 1}}));
  // One column, whose rows are nearer than its pixels.
  const ConstView near(all.data, {1, 4, 1, 2}, 8, 4, 16);
  EXPECT_TRUE(overlap(near, {all.data + 4, {1, 1, 1, 2}, 8}));
  EXPECT_FALSE(overlap(all.channels(3, 3), all));
}

}  // namespace
}  // namespace hewn
