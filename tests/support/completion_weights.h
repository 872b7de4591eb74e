// Weights files of the completion network, as weights_tools.convert writes them.
#pragma once

#include "hewn/models/completion/completion.h"
#include "hewn/runtime/files/safetensors.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

namespace hewn::test {

/// CompletionNetwork::random(1), made once for each packing: those for fast Contexts or, in less
/// time, for precise ones.
const CompletionNetwork& random_completion(Conv2dPacking packing);

/// The entries of hewn.config, as JSON has them.
struct CompletionConfig {
  std::string input = R"("mean-filled")";
  std::string mean = "[0.25, 0.5, 0.75]";
  std::string channels = "4";
};

/// The tensors of a file, and what they hold.
struct CompletionTensors {
  std::vector<TensorToWrite> tensors;
  std::deque<std::vector<float>> values;
};

/// Those of a network of `channels`, 3 or 4; with 4 the weights of CompletionNetwork::random(seed).
/// All layers but the last have a batch norm behind them, one that changes nothing.
CompletionTensors random_completion_tensors(std::int64_t channels, std::uint64_t seed);

/// Writes a file of these tensors.
void write_completion_file(const std::filesystem::path& path,
                           const std::vector<TensorToWrite>& tensors,
                           const CompletionConfig& config = {});

}  // namespace hewn::test
