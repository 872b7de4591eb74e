#include "hewn/runtime/files/safetensors.h"

#include "hewn/runtime/error.h"
#include "hewn/runtime/files/input_file.h"
#include "hewn/runtime/files/safetensors_header.h"

#include <cmath>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace hewn {

struct SafetensorsFile::Impl {
  explicit Impl(const std::filesystem::path& from)
      : path(from),
        mapped(from),
        contents(detail::parse_safetensors(mapped.bytes(), from.string())) {
    for (const TensorEntry& tensor : contents.tensors) by_name.emplace(tensor.name, &tensor);
  }

  std::filesystem::path path;
  detail::MappedFile mapped;
  detail::SafetensorsContents contents;
  std::unordered_map<std::string_view, const TensorEntry*> by_name;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path)
    : impl_(std::make_unique<Impl>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::filesystem::path& SafetensorsFile::path() const { return impl_->path; }

std::size_t SafetensorsFile::file_size() const { return impl_->mapped.bytes().size(); }

const std::vector<TensorEntry>& SafetensorsFile::tensors() const { return impl_->contents.tensors; }

void SafetensorsFile::release_memory() const { impl_->mapped.release(); }

const std::map<std::string, std::string>& SafetensorsFile::metadata() const {
  return impl_->contents.metadata;
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = impl_->by_name.find(name);
  return found == impl_->by_name.end() ? nullptr : found->second;
}

const TensorEntry& SafetensorsFile::at(std::string_view name) const {
  const TensorEntry* tensor = find(name);
  require(tensor != nullptr, path().string(), ": expected a tensor '", name,
          "', but it is missing");
  return *tensor;
}

const std::string& SafetensorsFile::metadata_at(const std::string& key) const {
  const auto found = metadata().find(key);
  require(found != metadata().end(), path().string(), ": expected '", key,
          "' in the metadata, but it is missing");
  return found->second;
}

namespace {

/// The tensor's values, in place or in `storage`.
std::span<const float> read_floats(const TensorEntry& tensor, std::vector<float>& storage) {
  const auto* data = tensor.data.data();
  const bool aligned = reinterpret_cast<std::uintptr_t>(data) % alignof(float) == 0;
  const auto count = static_cast<std::size_t>(tensor.shape.count());
  if (tensor.dtype == Dtype::float32 && aligned) {
    return {reinterpret_cast<const float*>(data), count};
  }
  storage.resize(count);
  widen(tensor.data, tensor.dtype, storage);
  return storage;
}

}  // namespace

std::span<const float> SafetensorsFile::floats(std::string_view name,
                                               const std::optional<Shape>& shape,
                                               std::vector<float>& storage) const {
  const TensorEntry& tensor = at(name);
  require(!shape || tensor.shape == *shape, path().string(), ": tensor '", name,
          "': expected shape ", shape ? *shape : Shape{}, ", got ", tensor.shape);
  require(tensor.dtype != Dtype::int64, path().string(), ": tensor '", name,
          "': expected F32, F16 or BF16, got ", dtype_name(tensor.dtype));
  const std::span<const float> values = read_floats(tensor, storage);
  for (std::size_t i = 0; i < values.size(); ++i) {
    require(std::isfinite(values[i]), path().string(), ": tensor '", name,
            "': expected finite values, got ", values[i], " at element ", i);
  }
  return values;
}

}  // namespace hewn
