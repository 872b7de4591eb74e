#include "app/output/report.h"

#include <iostream>

namespace hewn::app {

void Report::expect() {
  if (!is_standard_output(asked_.json)) files_.expect_any("--json", asked_.json);
  files_.expect_any("--dump", asked_.dump);
  files_.expect_any("--trace", asked_.trace);
}

void Report::begin(std::size_t part) {
  for (TensorDump* tensors : {&dump_, &trace_}) tensors->set_prefix(std::to_string(part) + ".");
}

void Report::publish(const Json& document) {
  if (dump() != nullptr) dump_.write(files_.staged(asked_.dump));
  if (trace() != nullptr) trace_.write(files_.staged(asked_.trace));
  if (wants_json()) write_json(asked_.json, document, files_);
  files_.commit();
  if (!quiet_ && !is_standard_output(asked_.json)) std::cout << said_.str();
}

}  // namespace hewn::app
