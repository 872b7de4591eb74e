// What every operator checks of its views at the door.
#pragma once

#include "hewn/runtime/tensor.h"

#include <initializer_list>
#include <string_view>

namespace hewn {

/// Where an output may lie.
enum class Overlap {
  none,      ///< apart from the input: the two share no float
  in_place,  ///< apart from it, or the very same view
};

/// An input, as errors name it. One without elements is absent.
struct Operand {
  std::string_view name;
  ConstView view;
  Overlap output = Overlap::none;
};

/// Whether the two may share a float. Exact for channel slices and windows of one buffer, where a
/// row is whole pixels and an image whole rows; other views overlap if their ranges of memory meet.
bool may_overlap(ConstView a, ConstView b);

/// Throws Error, which begins with the operator and, where it has one, the name of its layer, when
/// pixels, rows or images of a view overlap one another (a stride that is zero, negative or too
/// small), or y lies where an input does not allow it. Costs some comparisons a view.
void check_operands(std::string_view op, std::string_view layer,
                    std::initializer_list<Operand> inputs, ConstView y);

}  // namespace hewn
