// Activation functions as their definitions have them: the oracle of the tests.
#pragma once

#include "hewn/ops/activation/activation.h"

namespace hewn {

/// activation(x) in double.
double activate_reference(const Activation& activation, double x);

}  // namespace hewn
