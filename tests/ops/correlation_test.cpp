#include "hewn/ops/correlation/correlation.h"

#include "hewn/ops/correlation/correlation_reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/ops/every_way.h"
#include "tests/support/errors.h"
#include <gtest/gtest.h>

namespace hewn {
namespace {

constexpr std::array kForms{CorrelationForm::all_pairs, CorrelationForm::on_demand};

std::string_view name_of(CorrelationForm form) {
  return form == CorrelationForm::all_pairs ? "all pairs" : "on demand";
}

std::int64_t channels(const CorrelationParams& params) {
  return params.levels * (2 * params.radius + 1) * (2 * params.radius + 1);
}

/// Features and flows are at most 1 in size and `reach` long. A dot product of c terms is off by at
/// most c·u·√c after the division, of which a level adds 3·u by its mean and the scale 2·u; the
/// place rounds by u·(size + reach), which moves a sample by twice the largest slope, 2·√c; the
/// interpolation is six roundings of a value of at most √c.
double error_bound(const Nhwc& features, const CorrelationParams& params, double reach) {
  const auto c = static_cast<double>(features.c);
  const double largest = std::sqrt(c);
  const double dot = (c + 3 * static_cast<double>(params.levels) + 2) * largest;
  const double place =
      2 * (static_cast<double>(std::max(features.h, features.w)) + reach) * 2 * largest;
  return test::kUnitRoundoff * (dot + 2 * place + 6 * largest);
}

void check(const Nhwc& features, CorrelationParams params, float reach, std::uint64_t seed) {
  test::Random random(seed);
  const Tensor features1 = random.tensor(features);
  const Tensor features2 = random.tensor(features);
  const Tensor flow = random.tensor({features.n, features.h, features.w, 2}, -reach, reach);
  const auto expected =
      correlation_reference(features1.view(), features2.view(), flow.view(), params);
  const std::vector<double> bound(expected.size(),
                                  error_bound(features, params, static_cast<double>(reach)));
  const Nhwc shape{features.n, features.h, features.w, channels(params)};
  for (const CorrelationForm form : kForms) {
    SCOPED_TRACE(text_of("features ", features, " levels ", params.levels, " radius ",
                         params.radius, " ", name_of(form)));
    params.form = form;
    test::check_every_way(flow, shape, expected, bound, test::InPlace::forbidden,
                          [&](ConstView from, View to, Context& ctx) {
                            const Arena::Scope scope(ctx.arena());
                            Correlation correlation(features1.view(), features2.view(), params,
                                                    ctx);
                            correlation.lookup(from, to, ctx);
                          });
  }
}

TEST(Correlation, AgreesWithTheReference) {
  std::uint64_t seed = 1;
  for (const std::int64_t c : {1, 15, 16, 17, 64}) check({1, 8, 9, c}, {}, 3, seed++);
  for (const std::int64_t radius : {0, 1, 2, 3, 7}) {
    check({1, 9, 11, 5}, {.levels = 2, .radius = radius}, 4, seed++);
  }
  check({2, 8, 13, 32}, {.levels = 4, .radius = 3}, 5, seed++);
  check({1, 1, 1, 3}, {.levels = 1, .radius = 2}, 1, seed++);
  check({1, 32, 33, 2}, {.levels = 6, .radius = 1}, 60, seed++);
  check({0, 8, 8, 4}, {}, 1, seed++);
}

// A window that reaches over every border, and places between and on pixels.
TEST(Correlation, SeesZerosOutside) {
  for (const float reach : {0.0F, 12.0F, 50.0F}) check({1, 10, 8, 16}, {.levels = 3}, reach, 7);
}

TEST(Correlation, TakesTheOffsetInXAsTheSlowerIndex) {
  // One bright pixel, two to the right of the place and one below it.
  Tensor features1({1, 8, 8, 1});
  Tensor features2({1, 8, 8, 1});
  fill(features1.view(), 1);
  fill(features2.view(), 0);
  features2.view().pixel(0, 4, 5)[0] = 1;
  Tensor flow({1, 8, 8, 2});
  fill(flow.view(), 0);
  const CorrelationParams params{.levels = 1, .radius = 4};
  for (const CorrelationForm form : kForms) {
    Context ctx({.threads = 1});
    Correlation correlation(features1.view(), features2.view(),
                            {.levels = 1, .radius = 4, .form = form}, ctx);
    Tensor y({1, 8, 8, channels(params)});
    correlation.lookup(flow.view(), y.view(), ctx);
    const float* samples = y.view().pixel(0, 3, 3);
    for (std::int64_t i = 0; i < channels(params); ++i) {
      EXPECT_EQ(samples[i], i == (2 + 4) * 9 + (1 + 4) ? 1 : 0) << i;
    }
  }
}

// Windows are kept from lookup to lookup: whatever came before, the result is the same.
TEST(Correlation, DoesNotDependOnEarlierLookups) {
  const Nhwc shape{2, 12, 15, 19};
  test::Random random(3);
  const Tensor features1 = random.tensor(shape);
  const Tensor features2 = random.tensor(shape);
  const CorrelationParams params{.levels = 3, .radius = 2, .form = CorrelationForm::on_demand};
  for (const Isa isa : test::usable_isas()) {
    Context ctx({.threads = 2, .isa = isa});
    const Arena::Scope scope(ctx.arena());
    Correlation kept(features1.view(), features2.view(), params, ctx);
    Tensor flow({shape.n, shape.h, shape.w, 2});
    fill(flow.view(), 0);
    for (const float step : {0.0F, 0.4F, 1.0F, 2.5F, 0.3F, 20.0F, 20.0F}) {
      for (float& value : flow.values()) value += random.uniform(-step, step);
      Tensor y({shape.n, shape.h, shape.w, channels(params)});
      kept.lookup(flow.view(), y.view(), ctx);
      Correlation fresh(features1.view(), features2.view(), params, ctx);
      Tensor expected(y.shape());
      fresh.lookup(flow.view(), expected.view(), ctx);
      EXPECT_EQ(test::checksum(y.view()), test::checksum(expected.view()))
          << isa_name(isa) << " step " << step;
    }
  }
}

TEST(Correlation, PlacesThatAreNowhereGiveZeros) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  test::Random random(5);
  const Tensor features = random.tensor({1, 8, 8, 4});
  for (const CorrelationForm form : kForms) {
    for (const float away : {kInfinity, -kInfinity, std::nanf(""), 1e30F, -1e9F}) {
      for (const int component : {0, 1}) {
        Tensor flow({1, 8, 8, 2});
        fill(flow.view(), 0);
        flow.view().pixel(0, 2, 3)[component] = away;
        Context ctx({.threads = 1});
        Correlation correlation(features.view(), features.view(), {.form = form}, ctx);
        Tensor y({1, 8, 8, correlation.channels()});
        correlation.lookup(flow.view(), y.view(), ctx);
        const float* samples = y.view().pixel(0, 2, 3);
        for (std::int64_t i = 0; i < correlation.channels(); ++i) EXPECT_EQ(samples[i], 0);
        EXPECT_NE(y.view().pixel(0, 2, 4)[40], 0);
      }
    }
  }
}

TEST(Correlation, TakesTheBytesThatItSays) {
  const Nhwc shape{1, 32, 48, 16};
  const Tensor features = test::Random(5).tensor(shape);
  for (const CorrelationForm form : kForms) {
    Context ctx({.threads = 1});
    const CorrelationParams params{.form = form};
    const Arena::Scope scope(ctx.arena());
    const Correlation correlation(features.view(), features.view(), params, ctx);
    const std::int64_t bytes = Correlation::bytes(shape, params);
    // While they are made, all pairs also need the levels of the second map, a third more than its
    // size, and it once more in the order of the product.
    const std::int64_t more = form == CorrelationForm::all_pairs ? 4 * (3 * shape.count()) : 0;
    EXPECT_LE(ctx.arena().peak_bytes(), bytes + more + 1024) << name_of(form);
  }
}

TEST(Correlation, NamesWhatIsWrong) {
  Context ctx({.threads = 1});
  const Tensor features({1, 8, 8, 4});
  const Tensor small({1, 8, 7, 4});
  const auto message = [&](const Tensor& a, const Tensor& b, const CorrelationParams& params) {
    return test::error_of([&] { Correlation(a.view(), b.view(), params, ctx); });
  };
  EXPECT_EQ(message(features, features, {.levels = 9}),
            "correlation: levels: expected 1 to 8, got 9");
  EXPECT_EQ(message(features, features, {.radius = 8}),
            "correlation: radius: expected 0 to 7, got 8");
  EXPECT_EQ(message(small, small, {}),
            text_of("correlation: expected features of at least 8 × 8 pixels and 1 channel, got ",
                    small.shape()));
  EXPECT_EQ(message(features, small, {}), text_of("correlation: expected second features of ",
                                                  features.shape(), ", got ", small.shape()));
  Correlation correlation(features.view(), features.view(), {}, ctx);
  Tensor flow({1, 8, 8, 2});
  Tensor y({1, 8, 8, 324});
  Tensor wrong({1, 8, 8, 323});
  EXPECT_EQ(
      test::error_of([&] { correlation.lookup(features.view(), y.view(), ctx); }),
      text_of("correlation lookup: expected a flow of ", flow.shape(), ", got ", features.shape()));
  EXPECT_EQ(
      test::error_of([&] { correlation.lookup(flow.view(), wrong.view(), ctx); }),
      text_of("correlation lookup: expected an output of ", y.shape(), ", got ", wrong.shape()));
}

}  // namespace
}  // namespace hewn
