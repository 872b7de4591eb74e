#include "app/output/tensor_dump.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/files/safetensors.h"

#include <utility>

namespace hewn::app {

void TensorDump::add(std::string_view name, ConstView view) {
  const Nhwc& s = view.shape;
  add(name, view, {s.n, s.c, s.h, s.w});
}

void TensorDump::add(std::string_view name, ConstView view, Shape shape) {
  require(shape.count() == view.shape.count(), name, ": expected a shape of ", view.shape.count(),
          " elements, got ", shape);
  std::vector<float> values(static_cast<std::size_t>(view.shape.count()));
  to_nchw(view, values);
  entries_.push_back({prefix_ + std::string(name), std::move(shape), std::move(values)});
}

void TensorDump::add(std::string_view name, std::span<const float> values, Shape shape) {
  require(shape.count() == std::ssize(values), name, ": expected a shape of ", values.size(),
          " elements, got ", shape);
  entries_.push_back(
      {prefix_ + std::string(name), std::move(shape), {values.begin(), values.end()}});
}

void TensorDump::add(std::vector<TracedLayer> layers) {
  for (TracedLayer& layer : layers) {
    add(layer.name, std::as_const(layer.values).view());
    layer.values = {};
  }
}

void TensorDump::write(const std::filesystem::path& path,
                       const std::map<std::string, std::string>& metadata) const {
  std::vector<TensorToWrite> tensors;
  for (const Entry& entry : entries_) {
    tensors.push_back({.name = entry.name,
                       .dtype = Dtype::float32,
                       .shape = entry.shape,
                       .data = std::as_bytes(std::span(entry.values))});
  }
  write_safetensors(path, tensors, metadata);
}

}  // namespace hewn::app
