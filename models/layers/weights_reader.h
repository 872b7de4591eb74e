// The tensors of a weights file, each asked for by name.
#pragma once

#include "hewn/ops/linear/linear.h"
#include "hewn/runtime/files/safetensors.h"
#include "hewn/runtime/shape.h"

#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hewn {

/// A matrix as a file stores it: float32 values, or binary16 ones. The other is empty.
struct StoredMatrix {
  Shape shape;
  std::vector<float> values;
  std::vector<std::uint16_t> halves;

  /// Rows [begin, end) as the weight of a linear layer.
  LinearWeights rows(std::int64_t begin, std::int64_t end, std::span<const float> bias) const;
};

/// Reads tensors, and remembers which: what nobody asked for is an error. The file must outlive
/// this.
class WeightsReader {
 public:
  /// Nothing is read yet.
  explicit WeightsReader(const SafetensorsFile& file) : file_(file) {}

  /// The file's path, for messages.
  std::string path() const { return file_.path().string(); }

  /// Whether there is a tensor of this very name.
  bool has(const std::string& tensor) const { return file_.find(tensor) != nullptr; }
  /// How many tensors `<before>0<behind>`, `<before>1<behind>`, … there are up to the first that is
  /// not.
  std::int64_t count(const std::string& before, const std::string& behind = {}) const;
  /// How many sizes a tensor has; 0 when it is missing, too.
  std::int64_t rank_of(const std::string& tensor) const;
  /// The shape of a tensor. Throws Error, naming file and tensor, when it is missing or not of this
  /// rank.
  const Shape& shape_of(const std::string& tensor, std::int64_t rank) const;

  /// A tensor's values. Throws Error, naming file and tensor, when it is missing, not finite, or of
  /// another shape.
  std::vector<float> values(const std::string& tensor, const Shape& shape);
  /// A matrix [out][in] in the precision in which it is stored. Throws as values() does.
  StoredMatrix matrix(const std::string& tensor, const Shape& shape);
  /// A matrix that is read later, and in part. Throws Error, naming file and tensor, when it is
  /// missing, not floating, or of another shape; its values are not looked at.
  const TensorEntry& deferred(const std::string& tensor, const Shape& shape);

  /// Throws Error, naming file and tensor, when the file holds a tensor that nobody has asked for,
  /// and whose name begins with none of `others`, which are parts of their own.
  void expect_nothing_left(std::initializer_list<std::string_view> others = {}) const;

 private:
  const SafetensorsFile& file_;
  std::set<std::string> read_;
};

}  // namespace hewn
