#include "hewn/ops/elementwise/elementwise.h"
#include "hewn/runtime/error.h"

#include "bench/support/bench.h"
#include "tests/support/random.h"

namespace hewn::bench {

namespace {

constexpr Nhwc kShape{1, 60, 80, 64};  // stays in L2

void add(UnaryOp op) {
  add_benchmark(text_of(name_of(op), "/60x80x64"), [op](benchmark::State& state, Context& ctx) {
    const Tensor x = test::Random(1).tensor(kShape, 0, 4);
    Tensor y(kShape);
    const auto count = static_cast<double>(kShape.count());
    measure(state, ctx, {.flops = 0, .bytes = 2 * sizeof(float) * count},
            [&] { unary(x.view(), op, y.view(), ctx); });
  });
}

void add(BinaryOp op, const std::string& name, const Nhwc& b_shape) {
  add_benchmark(text_of(name_of(op), name), [=](benchmark::State& state, Context& ctx) {
    test::Random random(1);
    const Tensor a = random.tensor(kShape);
    const Tensor b = random.tensor(b_shape);
    Tensor y(kShape);
    const auto floats = static_cast<double>(2 * kShape.count() + b_shape.count());
    measure(state, ctx, {.flops = 0, .bytes = sizeof(float) * floats},
            [&] { binary(a.view(), b.view(), op, y.view(), ctx); });
  });
}

}  // namespace

void register_benchmarks() {
  add(UnaryOp::abs);
  add(UnaryOp::exp);
  add(UnaryOp::sqrt);
  add(UnaryOp::erf);
  add(BinaryOp::add, "/60x80x64", kShape);
  add(BinaryOp::add, "/60x80x64+64", {1, 1, 1, 64});
  add(BinaryOp::divide, "/60x80x64", kShape);
  add(BinaryOp::maximum, "/60x80x64", kShape);
}

}  // namespace hewn::bench
