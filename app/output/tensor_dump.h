// Tensors on their way to a file, as PyTorch lays them out.
#pragma once

#include "hewn/runtime/observe/trace.h"
#include "hewn/runtime/shape.h"
#include "hewn/runtime/tensor.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace hewn::app {

/// Copies of float32 tensors, collected under their names and then written as safetensors.
class TensorDump {
 public:
  /// Put before the names of the tensors that follow.
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  /// Copies a view to NCHW, under the shape (n, c, h, w).
  void add(std::string_view name, ConstView view);

  /// Copies a view to NCHW and gives it another shape with as many elements.
  void add(std::string_view name, ConstView view, Shape shape);

  /// Copies values as they are.
  void add(std::string_view name, std::span<const float> values, Shape shape);

  /// Copies layers to NCHW, each as add() does; their own values are given back one by one.
  void add(std::vector<TracedLayer> layers);

  /// Throws Error, naming the file, when it cannot be written.
  void write(const std::filesystem::path& path,
             const std::map<std::string, std::string>& metadata = {}) const;

 private:
  struct Entry {
    std::string name;
    Shape shape;
    std::vector<float> values;
  };

  std::string prefix_;
  std::vector<Entry> entries_;
};

/// Who listens while a network runs; all may be absent.
struct Sinks {
  TensorDump* outputs = nullptr;  ///< what it computes
  TensorDump* layers = nullptr;   ///< what it sees, and what its layers compute
  std::function<void(std::int64_t done)> progress;
};

}  // namespace hewn::app
