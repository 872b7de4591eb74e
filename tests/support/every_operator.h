// A table of all operators, for tests of what they have in common.
#pragma once

#include "hewn/runtime/context.h"
#include "hewn/runtime/operands.h"
#include "hewn/runtime/tensor.h"

#include <functional>
#include <optional>
#include <vector>

namespace hewn::test {

/// An input of an operator.
struct OperatorInput {
  const char* name;
  Nhwc shape;
  /// Where the output may lie; empty where that is another call's matter.
  std::optional<Overlap> output = Overlap::none;
  const char* op = nullptr;  // where it is not that of the row
};

/// A row of the table: an operator, its inputs and how it is called.
struct OperatorRow {
  const char* op;  // as its errors begin
  std::vector<OperatorInput> inputs;
  Nhwc y;
  std::function<void(const std::vector<ConstView>& x, View y, Context& ctx)> run;
};

/// At least one row for every operator on views, and one for each way in which it steps through
/// them.
std::vector<OperatorRow> every_operator();

}  // namespace hewn::test
