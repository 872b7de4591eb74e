#include "tests/support/merges_file.h"

#include "hewn/runtime/files/safetensors.h"

#include <span>

namespace hewn::test {

Merges few_merges() {
  return {{83, 71},  {512, 324}, {66, 64}, {514, 339}, {64, 83}, {78, 78},  {517, 517},
          {78, 334}, {517, 519}, {6, 338}, {127, 358}, {64, 64}, {523, 64}, {87, 88}};
}

void write_merges(const std::filesystem::path& path, const Merges& merges) {
  const TensorToWrite tensor{.name = "tokenizer.merges",
                             .dtype = Dtype::int64,
                             .shape = Shape{static_cast<std::int64_t>(merges.size()), 2},
                             .data = std::as_bytes(std::span(merges))};
  write_safetensors(path, std::span(&tensor, 1), {{"hewn.model", "clip"}});
}

}  // namespace hewn::test
