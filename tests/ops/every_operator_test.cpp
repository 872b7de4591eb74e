// What all operators have in common: on views with gaps of all kinds they give the bits that they
// give on dense ones, and they refuse strides that are too small, and an output that lies where
// their header does not allow.
#include "tests/support/every_operator.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/compare.h"
#include "tests/support/errors.h"
#include "tests/support/random.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

using test::error_of;
using test::OperatorInput;
using test::OperatorRow;
using test::Sliced;

using Views = std::vector<ConstView>;

/// Dense inputs and an output, which holds something: some operators work in place.
struct Data {
  std::vector<Tensor> inputs;
  Tensor y;

  explicit Data(const OperatorRow& row) {
    test::Random random(1);
    for (const OperatorInput& input : row.inputs) inputs.push_back(random.tensor(input.shape));
    y = random.tensor(row.y);
  }
  Views views() const {
    Views views;
    for (const Tensor& input : inputs) views.push_back(input.view());
    return views;
  }
};

std::uint64_t run_with_margins(const OperatorRow& row, const Data& data,
                               const test::Margins& margins, Context& ctx) {
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

TEST(EveryOperator, GapsOfAllKindsLeaveTheBitsAlone) {
  for (const OperatorRow& row : test::every_operator()) {
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

TEST(EveryOperator, StridesThatAreTooSmallAreRefused) {
  Context ctx({.threads = 1});
  for (const OperatorRow& row : test::every_operator()) {
    Data data(row);
    for (std::size_t i = 0; i < row.inputs.size(); ++i) {
      const OperatorInput& input = row.inputs[i];
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

TEST(EveryOperator, OutputsThatOverlapInputsAreRefusedWhereTheHeaderDoesNotAllowIt) {
  Context ctx({.threads = 1});
  for (const OperatorRow& row : test::every_operator()) {
    const Data data(row);
    for (std::size_t i = 0; i < row.inputs.size(); ++i) {
      const OperatorInput& input = row.inputs[i];
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

}  // namespace
}  // namespace hewn
