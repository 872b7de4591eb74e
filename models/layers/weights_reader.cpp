#include "hewn/models/layers/weights_reader.h"

#include "hewn/runtime/error.h"

#include <algorithm>
#include <cstring>

namespace hewn {

namespace {

/// Whether none of these binary16 numbers is NaN or infinite.
bool are_finite(std::span<const std::uint16_t> halves) {
  constexpr unsigned kExponent = 0x7c00;
  unsigned bad = 0;
  for (const std::uint16_t half : halves) bad |= (half & kExponent) == kExponent ? 1U : 0U;
  return bad == 0;
}

}  // namespace

LinearWeights StoredMatrix::rows(std::int64_t begin, std::int64_t end,
                                 std::span<const float> bias) const {
  const auto part = [&]<typename Value>(const std::vector<Value>& all) {
    const auto columns = static_cast<std::size_t>(shape[1]);
    return std::span<const Value>(all).subspan(static_cast<std::size_t>(begin) * columns,
                                               static_cast<std::size_t>(end - begin) * columns);
  };
  LinearWeights weights{.shape = {end - begin, shape[1]}, .weight = {}, .bias = bias};
  if (halves.empty()) {
    weights.weight = part(values);
  } else {
    weights.halves = part(halves);
  }
  return weights;
}

std::int64_t WeightsReader::count(const std::string& before, const std::string& behind) const {
  std::int64_t count = 0;
  while (has(text_of(before, count, behind))) ++count;
  return count;
}

std::int64_t WeightsReader::rank_of(const std::string& tensor) const {
  const TensorEntry* entry = file_.find(tensor);
  return entry == nullptr ? 0 : entry->shape.rank();
}

const Shape& WeightsReader::shape_of(const std::string& tensor, std::int64_t rank) const {
  const Shape& shape = file_.at(tensor).shape;
  require(shape.rank() == rank && shape.count() > 0, path(), ": tensor '", tensor, "': expected ",
          rank, " sizes of at least 1, got shape ", shape);
  return shape;
}

std::vector<float> WeightsReader::values(const std::string& tensor, const Shape& shape) {
  read_.insert(tensor);
  std::vector<float> storage;
  const auto span = file_.floats(tensor, shape, storage);
  return storage.empty() ? std::vector<float>(span.begin(), span.end()) : storage;
}

StoredMatrix WeightsReader::matrix(const std::string& tensor, const Shape& shape) {
  const TensorEntry& entry = file_.at(tensor);
  StoredMatrix matrix{.shape = shape, .values = {}, .halves = {}};
  if (entry.dtype == Dtype::float16 && entry.shape == shape) {
    read_.insert(tensor);
    matrix.halves.resize(static_cast<std::size_t>(shape.count()));
    std::memcpy(matrix.halves.data(), entry.data.data(), entry.data.size());
    if (are_finite(matrix.halves)) return matrix;
  }
  matrix.values = values(tensor, shape);
  return matrix;
}

const TensorEntry& WeightsReader::deferred(const std::string& tensor, const Shape& shape) {
  read_.insert(tensor);
  const TensorEntry& entry = file_.at(tensor);
  require(entry.shape == shape && entry.dtype != Dtype::int64, path(), ": tensor '", tensor,
          "': expected floating values of shape ", shape, ", got ", dtype_name(entry.dtype),
          " of shape ", entry.shape);
  return entry;
}

void WeightsReader::expect_nothing_left(std::initializer_list<std::string_view> others) const {
  for (const TensorEntry& tensor : file_.tensors()) {
    const bool known =
        read_.contains(tensor.name) || std::ranges::any_of(others, [&](std::string_view prefix) {
          return tensor.name.starts_with(prefix);
        });
    require(known, path(), ": tensor '", tensor.name, "' belongs to no layer of this model");
  }
}

}  // namespace hewn
